// Live refresh of the emulator's page: what is new is appended, what has changed is replaced, and nothing else is
// touched, so that what somebody reads or has unfolded stays as it is.
"use strict";

const everyMilliseconds = 1000;
const button = document.getElementById("refresh");
let isLive = true;

function children(html, like) {
  const holder = document.createElement(like.tagName);
  holder.innerHTML = html; // The server has escaped all that came from outside.
  return Array.from(holder.children);
}

function merge(element, html) {
  if (element.id === "clock") {
    if (element.innerHTML !== html) element.innerHTML = html;
    return;
  }
  const fresh = children(html, element);
  const wanted = new Set(fresh.map((child) => child.dataset.key));
  for (const old of Array.from(element.children)) {
    if (!wanted.has(old.dataset.key)) old.remove();
  }
  const present = new Map(Array.from(element.children).map((child) => [child.dataset.key, child]));
  for (const child of fresh) {
    const old = present.get(child.dataset.key);
    if (!old) {
      element.append(child);
      continue;
    }
    const isOpen = old.querySelector("details")?.open;
    if (isOpen) child.querySelector("details").open = true;
    if (old.outerHTML !== child.outerHTML && !old.contains(document.activeElement)) old.replaceWith(child);
  }
}

async function refresh() {
  const answer = await fetch("/_emulator/page/parts");
  if (!answer.ok) return;
  const parts = await answer.json();
  for (const [id, html] of Object.entries(parts)) merge(document.getElementById(id), html);
}

async function tick() {
  try {
    if (isLive) await refresh();
  } catch {
    // The emulator is gone, or not back yet: the next tick asks again.
  }
  setTimeout(tick, everyMilliseconds);
}

async function post(path, body, status) {
  const answer = await fetch(`/_emulator${path}`, { method: "POST", body: JSON.stringify(body) });
  const told = await answer.json();
  status.textContent = answer.ok ? "Done." : told.error;
  if (answer.ok) await refresh();
  return answer.ok;
}

button.hidden = false;
button.addEventListener("click", () => {
  isLive = !isLive;
  button.setAttribute("aria-pressed", String(isLive));
});

const write = document.getElementById("write");
write.hidden = false;
write.addEventListener("submit", async (event) => {
  event.preventDefault();
  const path = `/customers/${encodeURIComponent(write.who.value)}/text`;
  if (await post(path, { text: write.text.value }, document.getElementById("written"))) write.text.value = "";
});

const person = document.getElementById("person");
person.hidden = false;
person.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { phone: person.phone.value, name: person.elements.name.value };
  if (await post("/customers", body, document.getElementById("added"))) person.reset();
});

setTimeout(tick, everyMilliseconds);
