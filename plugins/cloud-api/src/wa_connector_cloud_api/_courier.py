"""The sequences: upload, then send; look up, then fetch; page after page of templates.

Rules of this file: written once, as coroutines that await nothing but a ``Wire``. The asynchronous transport awaits them;
the plain one drives the same coroutines by ``run``, over a wire that never suspends. What a step means is decided by
``requests`` and ``responses``; here is only what comes after what.
"""

import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Protocol, TypeVar, assert_never, final

from attrs import field, frozen

from wa_connector.errors import ConfigError, InternalError, ProviderError, Unavailable, UnknownProviderError
from wa_connector.model.content import Content, MediaRef, TemplateMessage
from wa_connector.model.directory import Account, LineSetup
from wa_connector.model.ids import ProviderId
from wa_connector.model.outbound import (
    AccountStopped,
    Deferred,
    Envelope,
    Fetched,
    FetchFailed,
    FetchOutcome,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)
from wa_connector.model.template import Template
from wa_connector_cloud_api import requests, responses
from wa_connector_cloud_api._intake import Spoilt
from wa_connector_cloud_api.options import Options, Target, target
from wa_connector_cloud_api.requests import ButtonKinds, Call
from wa_connector_cloud_api.responses import Answer

_T = TypeVar("_T")


@frozen
class NotSent:
    """The call did not reach the provider."""

    problem: str


@frozen
class Lost:
    """The call left, or may have left, and no answer came back."""

    problem: str


@frozen
class Download:
    """A file to fetch: its address, what it should be, and how large it may be."""

    url: str = field(repr=False)
    mime_type: str
    announced: tuple[str, ...]
    max_bytes: int


class Wire(Protocol):
    """One operation's way to the provider and to the media store."""

    async def call(self, to: Target, call: Call) -> Answer | NotSent | Lost:
        """Make a call. Raises nothing for what the network does."""
        ...

    async def load(self, media: MediaRef, max_bytes: int) -> bytes | None:
        """A file of the store; None when it has none. Raises ``Unavailable``, and ``Spoilt`` over ``max_bytes``."""
        ...

    async def keep(self, to: Target, download: Download) -> MediaRef | Answer | NotSent | Lost:
        """Fetch a file into the store; an ``Answer`` when the provider did not hand it out. Raises ``Unavailable``,
        and ``Spoilt`` for bytes, or an address, that must not be taken."""
        ...


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Drive a coroutine whose wire never suspends, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    coroutine.close()
    raise InternalError("a plain wire suspended")


# --------------------------------------------------------------------------------------- sending


_KEPT_FOR: Final = 20 * 24 * 3600.0
"""Seconds for which an upload is used again. Source: uploaded files live 30 days (Cloud API, media, read 2026-11)."""
_MOST: Final = 4096


@final
class Memory:
    """What a transport remembers, to ask and upload once only. A rejected message makes it forget what it used: the
    template may have been edited, the file have gone. Losing any of it costs a call more."""

    __slots__ = ("buttons", "uploads")

    def __init__(self) -> None:
        self.buttons: Final[dict[tuple[str, str, str, str], ButtonKinds]] = {}
        """By tenant, account, name and language."""
        self.uploads: Final[dict[tuple[str, str, str], tuple[str, float]]] = {}
        """The provider's id and until when, by tenant, number (an id is of one number only) and SHA-256."""

    def upload(self, line: LineSetup, sha256: str) -> str | None:
        found = self.uploads.get(_whose(line, sha256))
        return found[0] if found is not None and found[1] > time.monotonic() else None

    def uploaded(self, line: LineSetup, sha256: str, handle: str) -> None:
        if len(self.uploads) >= _MOST:
            self.uploads.clear()
        self.uploads[_whose(line, sha256)] = (handle, time.monotonic() + _KEPT_FOR)

    def forget(self, line: LineSetup, content: Content) -> None:
        for media in requests.attachments(content):
            self.uploads.pop(_whose(line, media.sha256), None)
        if isinstance(content, TemplateMessage):
            self.buttons.pop(_which(line, content), None)


def _whose(line: LineSetup, sha256: str) -> tuple[str, str, str]:
    return (line.account.tenant, line.line.provider_ref, sha256)


async def send(wire: Wire, options: Options, line: LineSetup, envelope: Envelope, memory: Memory) -> SendOutcome:
    try:
        to = target(line.account, options)
    except ConfigError as error:
        return AccountStopped("config", "; ".join(error.mistakes))
    uploads: dict[str, str] = {}
    for media in requests.attachments(envelope.content):
        handle = memory.upload(line, media.sha256) or await _upload(wire, to, line, media)
        if not isinstance(handle, str):
            return handle
        memory.uploaded(line, media.sha256, handle)
        uploads[media.sha256] = handle
    kinds = await _kinds(wire, to, line, envelope.content, memory)
    if not isinstance(kinds, Mapping):
        return kinds
    endpoint = options.marketing if _is_marketing(envelope.content) else None
    call = requests.message(line.line, envelope, uploads, kinds, endpoint)
    outcome = call if isinstance(call, Rejected) else await _hand_over(wire, to, line, call)
    if isinstance(outcome, Rejected):
        memory.forget(line, envelope.content)
    return outcome


async def mark_read(wire: Wire, options: Options, line: LineSetup, message: ProviderId) -> bool:
    """False where it was not shown and may be tried again."""
    try:
        to = target(line.account, options)
    except ConfigError:
        return False
    match await wire.call(to, requests.read_receipt(line.line, message)):
        case NotSent():
            return False
        case Answer() as answer:
            return answer.status != 429  # Whatever else it refuses, it refuses for good.
        case Lost():
            return True
        case _ as unreachable:
            assert_never(unreachable)


def _is_marketing(content: Content) -> bool:
    return isinstance(content, TemplateMessage) and content.is_marketing


async def _hand_over(wire: Wire, to: Target, line: LineSetup, call: Call) -> SendOutcome:
    match await wire.call(to, call):
        case Answer() as answer:
            return responses.sent(answer, line.account)
        case NotSent(problem):
            return Deferred("unreachable", problem)
        case Lost(problem):
            return OutcomeUnknown(problem)
        case _ as unreachable:
            assert_never(unreachable)


async def _upload(wire: Wire, to: Target, line: LineSetup, media: MediaRef) -> str | SendOutcome:
    """The provider's id of a file. The message is not under way yet, so whatever goes wrong can be tried again."""
    try:
        content = await wire.load(media, requests.MAX_UPLOAD)
    except Unavailable:
        return Deferred("media", "the media store does not answer now")
    except Spoilt as spoilt:
        return Rejected("media", spoilt.problem)
    if content is None:
        return Rejected("media", "the file is not in the media store")
    call = requests.upload(line.line, content, media.mime_type)
    if isinstance(call, Rejected):
        return call
    match await wire.call(to, call):
        case Answer() as answer:
            return responses.uploaded(answer)
        case NotSent(problem):
            return Deferred("unreachable", problem)
        case Lost(problem):
            return Deferred("media", f"the upload was cut off: {problem}")
        case _ as unreachable:
            assert_never(unreachable)


async def _kinds(
    wire: Wire, to: Target, line: LineSetup, content: Content, memory: Memory
) -> ButtonKinds | SendOutcome:
    """The kinds of the buttons that the content has parameters for: asked of the provider once a template, for a
    message does not carry them. Nothing is under way yet, so whatever goes wrong can be tried again."""
    if not (isinstance(content, TemplateMessage) and requests.button_parameters(content)):
        return {}
    key = _which(line, content)
    if (kinds := memory.buttons.get(key)) is not None:
        return kinds
    try:
        found = await _listed(wire, to, line.account, content.name)
    except ProviderError as error:
        return Deferred("template", error.meaning)
    if isinstance(found, Answer):
        return responses.not_looked_up(found)
    if isinstance(found, NotSent | Lost):
        return Deferred("unreachable", found.problem)
    for template in found:
        if (template.name, template.language) == (content.name, content.language):
            memory.buttons[key] = template.button_kinds()
            return memory.buttons[key]
    return Rejected("template", "the provider lists no such template")


def _which(line: LineSetup, content: TemplateMessage) -> tuple[str, str, str, str]:
    return (line.account.tenant, line.account.id, content.name, content.language)


# -------------------------------------------------------------------------------------- fetching

# The address of a file lives five minutes; afterwards the media host answers with one of these.
_EXPIRED: Final = frozenset({401, 403, 404, 410})


async def fetch(wire: Wire, options: Options, line: LineSetup, media: MediaRef) -> FetchOutcome:
    if not media.provider_ref:
        return FetchFailed("the file has no handle of the provider's", is_final=True)
    try:
        to = target(line.account, options)
        for _ in range(2):
            outcome = await _fetch_once(wire, options, to, line, media)
            if outcome is not None:
                return outcome
    except ConfigError as error:
        return FetchFailed("; ".join(error.mistakes), is_final=False)
    except Spoilt as spoilt:
        return FetchFailed(spoilt.problem, spoilt.is_final)
    except Unavailable:
        return FetchFailed("the media store does not answer now", is_final=False)
    return FetchFailed("the file's address had expired, twice", is_final=False)


async def _fetch_once(
    wire: Wire, options: Options, to: Target, line: LineSetup, media: MediaRef
) -> FetchOutcome | None:
    """Look the file up and fetch it; None when its address had expired meanwhile."""
    looked_up = await wire.call(to, requests.media_address(line.line, media.provider_ref))
    if not isinstance(looked_up, Answer):
        return FetchFailed(looked_up.problem, is_final=False)
    found = responses.media_address(looked_up)
    if isinstance(found, FetchFailed):
        return found
    if found.size > options.max_media_bytes:
        return FetchFailed("the file is larger than allowed", is_final=True)
    download = Download(
        found.url,
        media.mime_type or found.mime_type or "application/octet-stream",
        (media.sha256, found.sha256),
        options.max_media_bytes,
    )
    match await wire.keep(to, download):
        case MediaRef() as kept:
            return Fetched(kept)
        case Answer() as answer:
            return None if answer.status in _EXPIRED else responses.not_fetched(answer)
        case NotSent(problem) | Lost(problem):
            return FetchFailed(problem, is_final=False)
        case _ as unreachable:
            assert_never(unreachable)


# ------------------------------------------------------------------------------------- templates

# Source: Cloud API, template limits: at most 6,000 templates an account, read 2026-11. Pages may be
# smaller than asked for; whatever comes after this is a cursor that runs in circles.
_MAX_PAGES: Final = 1000


async def templates(wire: Wire, options: Options, account: Account) -> tuple[Template, ...]:
    found = await _listed(wire, target(account, options), account)
    if isinstance(found, Answer):
        raise responses.provider_error(found)
    if isinstance(found, NotSent | Lost):
        raise Unavailable(f"the provider cannot be reached now: {found.problem}")
    return found


async def ask(wire: Wire, options: Options, account: Account, call: Call, read: Callable[[Answer], _T]) -> _T:
    answer = await wire.call(target(account, options), call)
    if isinstance(answer, NotSent | Lost):
        raise Unavailable(f"the provider cannot be reached now: {answer.problem}")
    return read(answer)


async def _listed(
    wire: Wire, to: Target, account: Account, name: str = ""
) -> tuple[Template, ...] | Answer | NotSent | Lost:
    """All templates, or those of a name; an answer that refuses, as it came. Raises ``UnknownProviderError`` for pages
    that cannot be read or have no end."""
    found: list[Template] = []
    after = ""
    for _ in range(_MAX_PAGES):
        answer = await wire.call(to, requests.templates(account, after, name))
        if not isinstance(answer, Answer) or not answer.is_ok:
            return answer
        page = responses.template_page(answer, account)
        found += page.templates
        if not page.after:
            return tuple(found)
        if page.after == after:
            break
        after = page.after
    raise UnknownProviderError("", "the pages of templates have no end", retryable=True)
