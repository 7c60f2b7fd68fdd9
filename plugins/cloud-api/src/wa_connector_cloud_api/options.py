"""What a host may choose about the senders, and where an account's calls may go.

Rules of this file: values and the rules about addresses; nothing is opened, and no HTTP client is imported.
"""

from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from attrs import field, frozen

from wa_connector.errors import ConfigError
from wa_connector.model.directory import Account
from wa_connector.model.secret import Secret

if TYPE_CHECKING:
    from ssl import SSLContext

BASE_URL: Final = "https://graph.facebook.com/v26.0"
"""A pinned version: one that has expired is served by the oldest that lives, and without one the app's dashboard
decides. Source: Graph API, versioning, read 2026-11."""

MEDIA_HOSTS: Final = frozenset({"lookaside.fbsbx.com"})
"""The hosts beside the account's own that get the token. Source: Cloud API, media, "Download media", read 2026-11."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@frozen
class Timeouts:
    """How long each phase of a call may take, in seconds.

    ``answer`` bounds one wait for bytes, ``whole`` the reading of an answer's body, ``download`` that of a file;
    ``pool`` the wait for a free connection.
    """

    connect: float = 5.0
    write: float = 15.0
    answer: float = 30.0
    pool: float = 5.0
    whole: float = 60.0
    download: float = 300.0


@frozen
class Marketing:
    """How marketing templates go by their own endpoint (Marketing Messages API).

    ``falls_back``: by the Cloud API where that endpoint does not take them; else they are refused. ``shares_activity``:
    whether the provider hears what came of them; None leaves it to the account's own choice.
    """

    falls_back: bool = True
    shares_activity: bool | None = None


@frozen
class Options:
    """Where and how the senders connect. Nothing is read from the environment: a proxy variable that somebody forgot
    would be handed the account's token."""

    base_url: str = BASE_URL
    """Where calls go, version included, unless ``Account.base_url`` says otherwise."""
    proxy: str | None = field(default=None, repr=False)
    """``http://[user:password@]host:port``, for all calls."""
    timeouts: Timeouts = Timeouts()
    media_hosts: frozenset[str] = MEDIA_HOSTS
    """Hosts besides the base's from which media may be fetched, with the token, by HTTPS."""
    plain_http_hosts: frozenset[str] = LOOPBACK
    """Hosts that may be spoken to without TLS: an emulator's, never the provider's."""
    max_media_bytes: int = 100 * 1024 * 1024
    """The largest inbound file that is fetched. Source: Cloud API, media (larger ones are refused by the provider)."""
    marketing: Marketing | None = None
    """Send marketing templates by the endpoint of their own; None: by the common one."""
    connections: int = 64
    """How many calls may be under way at once, in one process and one event loop."""
    lanes: int = 8
    """Over how many small pools the asynchronous sender spreads its connections."""
    aiohttp: bool = False
    """Whether the asynchronous sender carries over aiohttp (extra ``aiohttp``), which takes about half the processor
    time of httpx's own client a call, and a third with many under way. It then needs one pool, whatever ``lanes``."""
    ssl_context: "SSLContext | None" = field(default=None, repr=False)
    """For a private certificate authority; by default one context a process, with the bundle of ``certifi``."""


@frozen
class Target:
    """Where the calls of an account go, and what authorises them."""

    base_url: str
    origin: tuple[str, str, int]
    token: Secret


def target(account: Account, options: Options) -> Target:
    """Where the calls of this account go.

    Raises ``ConfigError`` when that is no place for its token, or the token none that can be sent: an exception of the
    HTTP client's would quote it.
    """
    base_url = (account.base_url or options.base_url).rstrip("/")
    mistakes = []
    origin = _origin(base_url, options)
    if origin is None:
        mistakes.append(
            f"accounts[{account.id}].base_url: must be https://host[:port]/version, without user, query or fragment"
            " (http only for a host in Options.plain_http_hosts, by default this machine)"
        )
    token = account.token.reveal()
    if not (token and token.isascii() and token.isprintable() and " " not in token):
        mistakes.append(f"accounts[{account.id}].token: is empty, or has a character that no token has")
    if origin is None or mistakes:
        raise ConfigError("the directory", mistakes)
    return Target(base_url, origin, account.token)


_PORTS: Final = {"https": 443, "http": 80}


def _origin(url: str, options: Options) -> tuple[str, str, int] | None:
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").lower()
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in options.plain_http_hosts)
    is_plain = not (parts.username or parts.password or parts.query or parts.fragment)
    is_one_text = url.isascii() and url.isprintable() and not set(url) & set(" \\")
    if not (host and is_safe and is_plain and is_one_text):
        return None
    return (parts.scheme, host, port or _PORTS[parts.scheme])


def may_fetch(scheme: str, host: str, port: int | None, to: Target, options: Options) -> bool:
    """Whether a file's address, in its parts, is a place that may see the account's token."""
    actual = port or _PORTS.get(scheme, 0)
    if (scheme, host.lower(), actual) == to.origin:
        return True
    return scheme == "https" and actual == 443 and host.lower() in options.media_hosts
