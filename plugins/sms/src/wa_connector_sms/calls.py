"""HTTP as values: what a gateway asks for, and what it is asked.

Rules of this file: no client and no I/O. What a gateway needs of an account is read here, and what is missing is told with
its path, as a directory tells mistakes.
"""

import hmac
import json
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, final
from urllib.parse import parse_qsl, urlsplit

from attrs import field, frozen

from wa_connector.errors import BodyMalformed, SignatureInvalid, UsageError
from wa_connector.model.directory import Account, App
from wa_connector.model.inbound import Unreadable
from wa_connector.model.outbound import AccountStopped
from wa_connector.model.secret import Secret
from wa_connector.ports.channel import WebhookRequest

TOLERANCE: Final = timedelta(minutes=5)
"""How old or new a signed instant may be: a body that somebody kept is not taken again later."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_FIELDS: Final = 1000


@frozen
class Call:
    """One HTTP request, whole. ``base_url`` is where it goes, checked; ``path`` is quoted; headers hold the credentials."""

    method: str
    base_url: str
    path: str
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    form: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)
    json: object = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)


def basic(user: str, password: str) -> str:
    """The value of the header ``Authorization``."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


# --- what an account says ---------------------------------------------------------------------------------------------


@final
class Given:
    """What the directory says of an account, read option by option, with all mistakes gathered."""

    def __init__(self, account: Account) -> None:
        self._account: Final = account
        self._taken: Final = set[str]()
        self.mistakes: Final = list[str]()

    def text(self, name: str, default: str | None = None) -> str:
        """An option that is a text or a secret; required unless there is a default."""
        self._taken.add(name)
        value = self._account.options.get(name)
        if value is None:
            if default is None:
                self.wrong(f"options.{name}", "is missing")
            return default or ""
        found = value.reveal() if isinstance(value, Secret) else value
        if not isinstance(found, str) or not found or not found.isprintable():
            self.wrong(f"options.{name}", "needs a text")
            return default or ""
        return found

    def token(self) -> str:
        """The account's token: what no header can carry is told here, and not by a client that quotes it."""
        token = self._account.token.reveal()
        if not (token and token.isascii() and token.isprintable() and " " not in token):
            self.wrong("token", "is empty, or has a character that no token has")
        return token

    def url(self, default: str, *, may_be_plain: bool = False) -> str:
        """The base of every call: HTTPS, or this machine. ``may_be_plain``: a gateway in the host's own network."""
        url = (self._account.base_url or default).rstrip("/")
        if not is_safe(url, may_be_plain=may_be_plain):
            scheme = "http(s)" if may_be_plain else "https"
            self.wrong("base_url", f"must be {scheme}://host[:port]/path, without user, query or fragment")
        return url

    def wrong(self, name: str, what: str) -> None:
        self.mistakes.append(f"accounts[{self._account.id}].{name}: {what}")

    def stopped(self) -> AccountStopped | None:
        """What to answer instead of sending, where something is wrong."""
        for name in sorted(self._account.options.keys() - self._taken):
            self.wrong(f"options.{name}", f"is not known here; known: {', '.join(sorted(self._taken)) or 'none'}")
        return AccountStopped("config", "; ".join(self.mistakes)) if self.mistakes else None


def is_safe(url: str, *, may_be_plain: bool = False) -> bool:
    """Whether credentials may go there."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        _ = parts.port
    except ValueError:
        return False
    is_secret = parts.scheme == "https" or (parts.scheme == "http" and (may_be_plain or host in _LOOPBACK))
    is_plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return bool(host) and is_secret and is_plain and url.isascii() and url.isprintable() and not set(url) & set(" \\")


# --- what comes in ----------------------------------------------------------------------------------------------------


def query_of(request: WebhookRequest) -> list[tuple[str, str]]:
    """The fields of the address, in their order. Raises ``BodyMalformed`` for more than any gateway sends."""
    return _fields(request.url.partition("#")[0].partition("?")[2])


def form_of(request: WebhookRequest) -> list[tuple[str, str]]:
    """The fields of a form in the body; what is no UTF-8 is replaced, never refused: somebody wrote it."""
    return _fields(request.body.decode("utf-8", "replace"))


def _fields(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace")
    except ValueError:
        raise BodyMalformed("the request has more fields than any gateway sends") from None


def json_of(body: bytes) -> Any:
    """The body as JSON. Raises ``BodyMalformed``."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BodyMalformed("the body is not JSON") from None


def text_at(value: object, *path: str | int) -> str:
    """The text at a path of names and places; '' where there is none."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and len(value) > step else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def list_at(value: object, *path: str) -> list[Any]:
    """The list at a path; an empty one where there is none."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, list) else []


def instant(text: str) -> datetime | None:
    """An instant in ISO 8601 with its offset; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def unix(text: str) -> datetime | None:
    """Seconds since 1970; None for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        return None
    return datetime.fromtimestamp(int(text), UTC)


def came_at(request: WebhookRequest) -> datetime:
    """When the request came, for providers that do not say when a message was written."""
    if request.received_at is None:
        raise UsageError("hand webhooks to a connector, or say in WebhookRequest.received_at when this one came")
    return request.received_at


def unreadable(problem: str, fields: object) -> Unreadable:
    """An element as it is kept for inspection."""
    return Unreadable(problem, json.dumps(fields, ensure_ascii=False, default=str))


def check_basic(app: App, request: WebhookRequest) -> None:
    """Basic authentication against the app's secrets, each ``user:password``. Raises ``SignatureInvalid``."""
    scheme, _, given = request.header("authorization").partition(" ")
    try:
        named = b64decode(given.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (Error, ValueError):
        named = b""
    for secret in app.secrets:
        wanted = secret.reveal().encode()
        if wanted and hmac.compare_digest(named, wanted):
            return
    raise SignatureInvalid(
        "the request has not the user and password of any of the app's secrets. Each is written user:password, and the"
        " gateway has to be given an address with the same two in it"
        if named
        else "the request names no user; give the gateway an address as https://user:password@host/path"
    )
