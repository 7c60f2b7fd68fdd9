"""The page in the browser: what the emulator was asked, what it told, and what is on the phones.

Rules of this file: pure; values in, HTML out. Whatever came from outside is escaped. The page needs nothing from other
hosts, works without scripts (it then reloads itself), and each list is in the order of time, so that what is new comes
last and a screen reader hears just that.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import attrs

from .values import BusinessMessage, Customer, CustomerMessage, Json, Number, Request, Webhook
from .world import World

_SHOWN = 200
STATIC = {"page.js": "text/javascript", "page.css": "text/css"}


@attrs.frozen
class View:
    """What the page shows, at one moment."""

    now: str
    is_frozen: bool
    numbers: tuple[Number, ...]
    customers: tuple[Customer, ...]
    messages: tuple[tuple[str, str, str, str], ...]
    """Of both sides, in order: key, time, who to whom, and what."""
    requests: tuple[Request, ...]
    webhooks: tuple[Webhook, ...]


def view(world: World, now: str, *, is_frozen: bool) -> View:
    """The picture of this moment; the last two hundred of each kind."""
    rows = [_of_customer(world, message) for message in world.customer_messages.values()]
    rows += [_of_business(world, message) for message in world.business_messages.values()]
    rows.sort(key=lambda row: row[1])
    return View(
        now,
        is_frozen,
        tuple(world.numbers.values()),
        tuple(world.customers.values()),
        tuple(rows[-_SHOWN:]),
        tuple(world.requests)[-_SHOWN:],
        tuple(world.webhooks.values())[-_SHOWN:],
    )


def _of_customer(world: World, message: CustomerMessage) -> tuple[str, str, str, str]:
    kind = str(message.payload.get("type"))
    read = ", read" if message.is_read else ""
    who = f"{_name(world, message.bsuid)} wrote ({kind}{read})"
    return message.id, message.sent_at.isoformat(timespec="seconds"), who, _text(message.payload, kind)


def _of_business(world: World, message: BusinessMessage) -> tuple[str, str, str, str]:
    whom = _name(world, message.bsuid) if message.bsuid else message.address.input
    fate = f"failed: {message.failure.code}" if message.failure else "read" if message.read_at else "sent"
    content = message.content
    parts = [content.header, content.text, content.footer, *(f"[{choice.title}]" for choice in content.all_choices)]
    text = " ".join(part for part in parts if part) or content.link or content.filename or content.kind
    who = f"Business to {whom} ({content.template or content.kind}, {fate})"
    return message.id, message.accepted_at.isoformat(timespec="seconds"), who, text


def _name(world: World, bsuid: str) -> str:
    customer = world.customers.get(bsuid)
    return customer.name if customer else bsuid


def _text(payload: Json, kind: str) -> str:
    inner = payload.get(kind)
    if isinstance(inner, Mapping):
        for key in ("body", "caption", "emoji", "name", "filename", "text"):
            if isinstance(inner.get(key), str):
                return str(inner[key])
    return json.dumps(inner, ensure_ascii=False)[:300]


# --- HTML ---------------------------------------------------------------------------------------


def html(seen: View) -> str:
    """The whole page."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>WhatsApp emulator</title>
<link rel="stylesheet" href="/_emulator/page.css">
<script src="/_emulator/page.js" defer></script>
<noscript><meta http-equiv="refresh" content="5"></noscript>
</head>
<body>
<a class="skip" href="#messages-heading">Skip to the messages</a>
<header>
<h1>WhatsApp emulator</h1>
<p id="clock">{_clock(seen)}</p>
<p><button type="button" id="refresh" aria-pressed="true" hidden>Live refresh</button></p>
</header>
<main>
<section aria-labelledby="phones-heading">
<h2 id="phones-heading" tabindex="-1">Phones</h2>
<table>
<caption>Business numbers and customers</caption>
<thead><tr><th scope="col">Name</th><th scope="col">Number</th><th scope="col">Id</th><th scope="col">State</th></tr></thead>
<tbody id="people">{_people(seen)}</tbody>
</table>
<form id="write" hidden>
<h3>Write as a customer</h3>
<p><label for="who">Customer</label> <select id="who" name="who" required>{_options(seen)}</select></p>
<p><label for="text">Text</label> <input id="text" name="text" required autocomplete="off"></p>
<p><button type="submit">Send</button> <span id="written" role="status"></span></p>
</form>
<form id="person" hidden>
<h3>Add a customer</h3>
<p><label for="phone">Telephone number</label>
<input id="phone" name="phone" type="tel" required autocomplete="off" aria-describedby="phone-help">
<span id="phone-help">with country code, such as +16505551234</span></p>
<p><label for="name">Name</label> <input id="name" name="name" required autocomplete="off"></p>
<p><button type="submit">Add</button> <span id="added" role="status"></span></p>
</form>
</section>
<section aria-labelledby="messages-heading">
<h2 id="messages-heading" tabindex="-1">Messages</h2>
<ol id="messages" role="log" aria-live="polite" aria-labelledby="messages-heading">{_messages(seen)}</ol>
</section>
<section aria-labelledby="requests-heading">
<h2 id="requests-heading" tabindex="-1">Received: calls of the API</h2>
<ol id="requests">{_requests(seen)}</ol>
</section>
<section aria-labelledby="webhooks-heading">
<h2 id="webhooks-heading" tabindex="-1">Sent: webhooks</h2>
<ol id="webhooks">{_webhooks(seen)}</ol>
</section>
</main>
</body>
</html>
"""


def parts(seen: View) -> dict[str, str]:
    """What changes, by the id of its element."""
    return {
        "clock": _clock(seen),
        "people": _people(seen),
        "who": _options(seen),
        "messages": _messages(seen),
        "requests": _requests(seen),
        "webhooks": _webhooks(seen),
    }


def _clock(seen: View) -> str:
    return f"Virtual time <time>{escape(seen.now)}</time>{', standing still' if seen.is_frozen else ''}"


def _people(seen: View) -> str:
    rows = [
        (number.id, number.verified_name, f"+{number.display_number}", "business, registered")
        for number in seen.numbers
    ]
    for customer in seen.customers:
        state = [
            "hides the number" if customer.hidden_number else "",
            "" if customer.on_whatsapp else "not on WhatsApp",
            "" if customer.is_online else "switched off",
            "blocks the business" if customer.blocked else "",
            "marketing stopped" if customer.marketing_stopped else "",
        ]
        rows.append((customer.bsuid, customer.name, f"+{customer.phone}", ", ".join(each for each in state if each)))
    return "".join(
        f'<tr data-key="{escape(key)}"><th scope="row">{escape(name)}</th><td>{escape(phone)}</td>'
        f"<td>{escape(key)}</td><td>{escape(state)}</td></tr>"
        for key, name, phone, state in rows
    )


def _options(seen: View) -> str:
    return "".join(
        f'<option data-key="{escape(c.bsuid)}" value="{escape(c.bsuid)}">{escape(c.name)}</option>'
        for c in seen.customers
    )


def _messages(seen: View) -> str:
    return _items(
        (key, f"<strong>{escape(who)}</strong> <time>{escape(at)}</time><br>{escape(text)}")
        for key, at, who, text in seen.messages
    )


def _requests(seen: View) -> str:
    return _items((str(r.id), _request(r)) for r in seen.requests)


def _request(request: Request) -> str:
    outcome = f"answered {request.status}" + (f", error {request.code}" if request.code is not None else "")
    if request.is_lost:
        outcome = "left without an answer, as planned"
    head = f"{request.method} {request.path}: {outcome}"
    at = request.at.isoformat(timespec="seconds")
    return _folded(head, at, [("Request", request.body), ("Answer", request.answer)])


def _webhooks(seen: View) -> str:
    return _items((str(hook.id), _webhook(hook)) for hook in seen.webhooks)


def _webhook(hook: Webhook) -> str:
    tries = len(hook.attempts)
    head = f"{hook.notice.field}: {hook.state.value} after {tries} {'attempt' if tries == 1 else 'attempts'}"
    at = hook.notice.due_at.isoformat(timespec="seconds")
    return _folded(head, at, [("Body", hook.payload)])


def _folded(head: str, at: str, bodies: Sequence[tuple[str, object]]) -> str:
    shown = "".join(
        f'<h3>{escape(title)}</h3><pre tabindex="0">{escape(json.dumps(body, indent=1, ensure_ascii=False))}</pre>'
        for title, body in bodies
        if body
    )
    return f"<details><summary>{escape(head)} <time>{escape(at)}</time></summary>{shown}</details>"


def _items(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f'<li data-key="{escape(key)}">{inner}</li>' for key, inner in rows)
