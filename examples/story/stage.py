"""The stage that the story is played on: an emulator of WhatsApp, a host, and the people at both ends.

The emulator listens on one port of this machine and the host, a process of its own, on another. All that the people do
goes through these two by HTTP, so the story sees nothing that a browser or a phone would not see. Every wait has an
end, and whatever was started is stopped, however the story ends.
"""

import hashlib
import os
import re
import secrets
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, Final, TypeVar, final
from urllib.parse import parse_qs, urlsplit

import httpx
from attrs import frozen
from wa_connector_emulator import Emulator, serve

from examples.story.transcript import Did, Entry, Line, Ruled, Seen, Stored, StoryFailed

T = TypeVar("T")
Json = dict[str, Any]

EXAMPLES: Final = Path(__file__).resolve().parents[1]
FACES: Final = {"sync": EXAMPLES / "flask_host/app.py", "async": EXAMPLES / "starlette_host/app.py"}
CUSTOMER: Final = "+16505551234"
USER_ID: Final = "US.CarlaCustomer"
PORTFOLIO: Final = "102290129340398"
NUMBERLESS: Final = f"""BEGIN:VCARD
VERSION:4.0
UID:carla
FN:Carla Customer
X-WA-USER-ID:{PORTFOLIO};{USER_ID}
END:VCARD
"""
"""All that the host's contacts know of somebody who hides the number: the user id that the business may see."""
VERIFY_TOKEN: Final = secrets.token_urlsafe(12)
START_WITHIN: Final = 30.0
STOP_WITHIN: Final = 10.0
THINKING: Final = timedelta(seconds=30)
"""How long a person takes before doing something. WhatsApp tells times in whole seconds; people who answer within the
same one would have their messages change places in the timeline."""

TEMPLATES: Final = (
    {
        "name": "opt_in",
        "language": "en_US",
        "category": "UTILITY",
        "components": [
            {"type": "BODY", "text": "Hello, this is Acme. May we write to you on WhatsApp?"},
            {
                "type": "BUTTONS",
                "buttons": [
                    {"type": "QUICK_REPLY", "text": "Yes, please"},
                    {"type": "QUICK_REPLY", "text": "No, thank you"},
                ],
            },
        ],
    },
    {
        "name": "offer_ready",
        "language": "en_US",
        "category": "UTILITY",
        "components": [
            {
                "type": "BODY",
                "text": "Hello {{1}}, your offer of {{2}} is ready. Answer here if we may send it to you.",
                "example": {"body_text": [["Carla", "Monday"]]},
            },
        ],
    },
)


SMS_NUMBER: Final = "+15550002222"
TELEPHONY: Final = """
[[apps]]
id = "sms-gateway"
channel = "sms"
gateway = "kannel"
endpoint = "/webhooks/sms"
secret = "kannel:callback-secret"

[[accounts]]
id = "acme-sms"
app = "sms-gateway"
provider_ref = "operator"
base_url = "{gateway}"
token = "sesame"

[accounts.options]
username = "acme"
callback_url = "http://kannel:callback-secret@127.0.0.1:8080/webhooks/sms"

[[lines]]
id = "texts"
account = "acme-sms"
address = "{number}"
provider_ref = "{number}"
region = "US"

[[apps]]
id = "pbx"
channel = "voicemail"
endpoint = "/voicemail"
secret = "nothing comes by webhook"

[[accounts]]
id = "acme-pbx"
app = "pbx"
provider_ref = "pbx"
token = "no manager"

[[lines]]
id = "box"
account = "acme-pbx"
address = "1000"
provider_ref = "1000@default"
region = "US"
"""


FAULTS: Final[Mapping[str, Callable[[Emulator], object]]] = {
    "blocked": lambda emulator: emulator.block(CUSTOMER),
    "no-webhooks": lambda emulator: emulator.pause_webhooks(),
}
"""What can be made to go wrong at the provider's side, to see how the story tells of it."""


@frozen
class Setting:
    """How the story is to be played."""

    face: str = "async"
    hides_number: bool = True
    """Whether the customer keeps the number from businesses, and is known by a user id alone, in the contacts, too."""
    fault: str = ""
    patience: float = 10.0
    """Seconds, within which whatever is expected has to come."""


# --- the people -------------------------------------------------------------------------------------------------------


@final
class HostUser:
    """An employee at the host's screen."""

    def __init__(self, base_url: str, name: str) -> None:
        self._http = httpx.Client(base_url=base_url, headers={"X-User": name}, timeout=15, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        return self._json(self._http.get(path))

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, command: str = "") -> Any:
        headers = {"Idempotency-Key": command} if command else {}
        return self._json(self._http.post(path, json=body or {}, headers=headers))

    def actions(self, contact: str) -> list[Json]:
        """The entries of a contact's page: one for each line on which something could be done."""
        found: list[Json] = self.get(f"/api/contacts/{contact}/actions")
        return [each for each in found if each["channel"] == "whatsapp"]

    def thread_with(self, contact: str) -> str:
        """The conversation that the WhatsApp mark on the contact's page opens."""
        (entry,) = self.actions(contact)
        return f"/api/conversations/{entry['conversation']}"

    def composer(self, thread: str) -> Json:
        found: Json = self.get(f"{thread}/composer")
        return found

    def send(self, thread: str, body: Mapping[str, Any], *, command: str = "") -> Json:
        placed: Json = self.post(f"{thread}/messages", body, command=command)
        return placed

    def messages(self, thread: str) -> list[Json]:
        """All that is stored of the conversation, oldest first."""
        found: list[Json] = self.get(f"{thread}/timeline")["messages"]
        return found[::-1]

    def status(self, thread: str, message: str) -> str:
        return next((str(each["status"]) for each in self.messages(thread) if each["id"] == message), "missing")

    def acts(self, thread: str, name: str, body: Mapping[str, Any] | None = None) -> Json:
        """Do something about who takes part."""
        placed: Json = self.post(f"{thread}/acts/{name}", body)
        return placed

    def reads(self, thread: str) -> list[str]:
        """The texts of all that this user sees of the conversation, oldest first."""
        return [str(each["content"]["text"]) for each in self.messages(thread)]

    def hears(self) -> list[str]:
        """What this user's telephone has been told since it was last asked."""
        return [f"{each['kind']} from {each['sender']}" for each in self.get("/api/notices")]

    def upload(self, data: bytes, mime_type: str) -> Json:
        answer = self._http.post("/api/pictures", content=data, headers={"content-type": mime_type})
        stored: Json = self._json(answer)
        return stored

    def download(self, thread: str, sha256: str) -> bytes:
        return self._http.get(f"{thread}/pictures/{sha256}").raise_for_status().content

    @staticmethod
    def _json(answer: httpx.Response) -> Any:
        # A refusal (403, 409) has its verdict in the body like a success; only trouble is an exception.
        if answer.status_code not in (403, 409):
            answer.raise_for_status()
        return answer.json()


@final
class Phone:
    """The customer's phone, in the emulator. ``think`` lets time pass before each deed."""

    def __init__(self, control_url: str, phone: str, think: Callable[[], None]) -> None:
        self._http = httpx.Client(base_url=control_url, timeout=15, trust_env=False)
        self._path = f"/customers/{phone.removeprefix('+')}"
        self._think = think

    def close(self) -> None:
        self._http.close()

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The emulator's control API."""
        return self._http.request(method, path, json=body).raise_for_status().json()["result"]

    def shown(self) -> list[Json]:
        """What the phone shows of the business's messages, oldest first."""
        found: list[Json] = self.control("GET", f"{self._path}/received")
        return found

    def texts(self) -> list[str]:
        return [str(each["content"]["text"]) for each in self.shown()]

    def writes(self, text: str) -> None:
        self._do("text", {"text": text})

    def taps(self, title: str) -> None:
        """Tap a button of the latest message."""
        self._do("tap", {"message_id": self.shown()[-1]["id"], "choice": title})

    def reads(self) -> None:
        self._do("read", {})

    def sends_picture(self, data: bytes, mime_type: str, caption: str) -> None:
        body = {"data": b64encode(data).decode(), "mime_type": mime_type, "caption": caption}
        self._do("image", body)

    def shows_number(self) -> None:
        """Let businesses see the number, from now on."""
        self._do("show-number", {})

    def sent_by_business(self) -> int:
        """How many messages of the business the provider has ever accepted, for whomever."""
        return len(self.control("GET", "/sent"))

    def _do(self, what: str, body: Mapping[str, Any]) -> None:
        self._think()
        self.control("POST", f"{self._path}/{what}", body)


@final
class Gateway:
    """A Kannel as the host sees it: it takes text messages, and tells of those that the customer writes."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        texts = self.texts

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                texts.append(parse_qs(urlsplit(self.path).query)["text"][0])
                self.send_response(202)
                self.end_headers()
                self.wfile.write(b"0: Accepted for delivery")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def tell(self, host_url: str, text: str, at: datetime) -> None:
        """Hand the host what the customer wrote."""
        told = {"account": "operator", "from": CUSTOMER, "to": SMS_NUMBER, "text": text, "coding": "0"}
        told |= {"id": secrets.token_hex(8), "at": str(int(at.timestamp()))}
        answer = httpx.get(f"{host_url}/webhooks/sms", params=told, auth=("kannel", "callback-secret"), timeout=15)
        answer.raise_for_status()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@final
class Answerphone:
    """The box of an Asterisk, on the disk."""

    def __init__(self, spool: Path) -> None:
        self._box = spool / "default" / "1000"
        for folder in ("INBOX", "Old", "Urgent"):
            (self._box / folder).mkdir(parents=True)

    def records(self, recording: bytes, caller: str, at: datetime) -> None:
        """Keep what a caller said: the recording first, the text file last, each renamed into its place."""
        seconds = int(at.timestamp())
        info = f'[message]\norigmailbox=1000\ncallerid="Carla" <{caller}>\norigtime={seconds}\n'
        info += f"msg_id={seconds}-00000001\nduration=7\n"
        for name, content in (("msg0000.wav", recording), ("msg0000.txt", info.encode())):
            (self._box / name).write_bytes(content)
            (self._box / name).rename(self._box / "INBOX" / name)


# --- the stage --------------------------------------------------------------------------------------------------------


@final
class Stage:
    """What the scenes use: the people, both clocks, and the checks. Each check that holds becomes a line."""

    def __init__(
        self, host_url: str, control_url: str, patience: float, gateway: Gateway, answerphone: Answerphone
    ) -> None:
        self.host_url: Final = host_url
        self.gateway: Final = gateway
        self.answerphone: Final = answerphone
        self.ana: Final = HostUser(host_url, "ana")
        self.ben: Final = HostUser(host_url, "ben")
        self.dora: Final = HostUser(host_url, "dora")
        self.carla: Final = Phone(control_url, CUSTOMER, lambda: self.passes(THINKING))
        self._patience = patience
        self._lines: list[Line] = []
        self.step = "before the first step"

    def close(self) -> None:
        for person in (self.ana, self.ben, self.dora, self.carla):
            person.close()

    def take_lines(self) -> tuple[Line, ...]:
        """The lines since this was last asked."""
        lines, self._lines = tuple(self._lines), []
        return lines

    def did(self, who: str, what: str) -> None:
        self._lines.append(Did(who, what))

    def now(self) -> datetime:
        """What the host's clock says."""
        return datetime.fromisoformat(self.ana.post("/dev/clock", {"advance_seconds": 0})["now"])

    def passes(self, span: timedelta) -> None:
        """Let time pass, for the host and for the provider."""
        self.ana.post("/dev/clock", {"advance_seconds": span.total_seconds()})
        self.carla.control("POST", "/clock/advance", {"by": span.total_seconds()})

    # --- checks -------------------------------------------------------------------------------------------------------

    def allowed(self, decision: Json, subject: str, *, billed: bool = False) -> None:
        """The verdict allows it, and expects it to be charged or not."""
        self._check(f"the verdict on {subject}", ("allowed", billed), (decision["reason"], decision["billed"]))
        self._rule(decision, subject)

    def refused(self, decision: Json, subject: str, reason: str, *remedies: str) -> None:
        """The verdict refuses it, for this reason and with these remedies."""
        found = tuple(remedy["kind"] for remedy in decision["remedies"])
        self._check(f"the verdict on {subject}", (reason, remedies), (decision["reason"], found))
        self._rule(decision, subject)

    def sees(self, what: str, expected: object, got: object) -> None:
        """Something is as it should be, now."""
        self._check(what, expected, got)
        self._lines.append(Seen(what))

    def comes(self, what: str, expected: T, probe: Callable[[], T]) -> None:
        """Something becomes as it should be, within the patience."""
        deadline = time.monotonic() + self._patience
        while (got := probe()) != expected and time.monotonic() < deadline:
            time.sleep(0.05)
        self.sees(what, expected, got)

    def screens(self, thread: str, **verdicts: str) -> None:
        """Each one's message field: what it says about writing, by name."""
        for name, reason in verdicts.items():
            verdict = getattr(self, name).composer(thread)["write"]
            subject = f"{name.title()}'s message field"
            self._check(f"the verdict on {subject}", reason, verdict["reason"])
            self._rule(verdict, subject)

    def stays(self, what: str, expected: T, probe: Callable[[], T], *, seconds: float = 1.0) -> None:
        """Something is as it should be and remains so, for several rounds of the dispatcher."""
        deadline = time.monotonic() + seconds
        while (got := probe()) == expected and time.monotonic() < deadline:
            time.sleep(0.1)
        self.sees(what, expected, got)

    def shows(self, messages: Sequence[Json]) -> None:
        """Put the stored conversation on record."""
        self._lines.append(Stored(tuple(map(_entry, messages))))

    def _check(self, what: str, expected: object, got: object) -> None:
        if expected != got:
            raise StoryFailed(self.step, what, expected, got)

    def _rule(self, decision: Json, subject: str) -> None:
        remedies = tuple(remedy["kind"] for remedy in decision["remedies"])
        ruled = Ruled(
            subject, decision["allowed"], decision["reason"], decision["sentence"], remedies, decision["billed"]
        )
        self._lines.append(ruled)


def _entry(message: Json) -> Entry:
    author, content = message["author"], message["content"]
    name = {"customer": "Carla", "system": "the system"}.get(author["kind"]) or str(author["user"]).title()
    text = str(content["text"])
    if content["kind"] == "image":
        text = f"[picture, {content['media']['size']} bytes] {text}"
    elif content["kind"] == "button_reply":
        text = f"[button] {text}"
    elif content["kind"] == "act":
        whom = str(content["whom"] or "").title()
        text = " ".join(filter(None, (f"[{content['deed'].replace('_', ' ')}]", whom, text)))
    elif content["kind"] == "note":
        text = f"[note] {text}"
    elif content["kind"] == "voicemail":
        text = f"[voicemail, {content['seconds']:.0f} seconds] {text}"
    elif content["kind"] == "template":
        text = f"[template {content['name']}] {text}"
    at = datetime.fromisoformat(message["at"]).strftime("%d %b %H:%M:%S")
    return Entry(name, text, str(message["status"]), at)


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- up and down ------------------------------------------------------------------------------------------------------


@contextmanager
def set_up(setting: Setting) -> Iterator[Stage]:
    """A stage with everything running, and a clean store. Whatever was started is stopped when the block ends."""
    emulator = Emulator(seed={"templates": TEMPLATES})
    emulator.create_customer(CUSTOMER, "Carla", hidden_number=setting.hides_number, bsuid=USER_ID)
    with TemporaryDirectory(prefix="wa-story-") as folder, ExitStack() as running:
        served = running.enter_context(serve(emulator))
        contacts = None
        if setting.hides_number:
            contacts = Path(folder, "contacts.vcf")
            contacts.write_text(NUMBERLESS, encoding="utf-8")
        gateway, spool = Gateway(), Path(folder, "spool")
        running.callback(gateway.close)
        answerphone = Answerphone(spool)
        directory = Path(folder, "directory.toml")
        directory.write_text(_directory(gateway), encoding="utf-8")
        more: list[str | Path] = ["--directory", directory, "--voicemail", spool]
        host_url = running.enter_context(
            running_host(setting.face, Path(folder), served.graph_url, _secrets(emulator), contacts, more)
        )
        stage = Stage(host_url, served.control_url, setting.patience, gateway, answerphone)
        try:
            # The provider asks the host for the verify token first; a host that cannot answer is not subscribed.
            webhook = {"url": f"{host_url}/webhooks/whatsapp", "verify_token": VERIFY_TOKEN}
            stage.carla.control("POST", "/webhooks/subscribe", webhook)
            if setting.fault:
                FAULTS[setting.fault](emulator)
            yield stage
        finally:
            stage.close()


def _directory(gateway: Gateway) -> str:
    """The example's directory, with a line for text messages and a voicemail box beside the one for WhatsApp."""
    text = (EXAMPLES / "config/directory.toml").read_text(encoding="utf-8")
    for state in ("true", "false"):
        text = text.replace(
            f"channels = {{ whatsapp = {state} }}",
            f"channels = {{ whatsapp = {state}, sms = {state}, voicemail = {state} }}",
        )
    return text + TELEPHONY.format(gateway=gateway.url, number=SMS_NUMBER)


def _secrets(emulator: Emulator) -> Mapping[str, str]:
    """The variables that ``config/directory.toml`` names."""
    return {
        "ACME_APP_SECRET": emulator.app_secret,
        "ACME_WHATSAPP_TOKEN": emulator.token,
        "ACME_VERIFY_TOKEN": VERIFY_TOKEN,
    }


@contextmanager
def running_host(
    face: str,
    folder: Path,
    graph_url: str,
    environment: Mapping[str, str],
    contacts: Path | None = None,
    more: Sequence[str | Path] = (),
) -> Iterator[str]:
    """The example host of a face in a process of its own, with its data and its log in ``folder``; gives its address.
    ``contacts`` are its own where None is given.

    Raises ``StoryFailed`` when it does not start.
    """
    log = folder / "host.log"
    command = [sys.executable, FACES[face], "--data", folder / "data", "--graph", graph_url, "--port", "0", "--dev"]
    command += [*(["--contacts", contacts] if contacts else []), *more]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield _address(process, log)
        finally:
            _end(process)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_WITHIN
    while True:
        said = log.read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^listening on (http://\S+)$", said, re.MULTILINE)
        if found:
            return found[1]
        if process.poll() is not None or time.monotonic() > deadline:
            last = said.strip().splitlines()[-1:] or ["nothing"]
            raise StoryFailed("before the first step", "the host starts", "listening on …", last[0])
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
