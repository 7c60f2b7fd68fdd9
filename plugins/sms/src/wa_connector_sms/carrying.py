"""The sequences: upload, then send; ask for a file, then for where it lies.

Rules of this file: written once, as coroutines that await nothing but a ``Wire``. The asynchronous carrier awaits them; the
plain one drives the same coroutines by ``run``, over a wire that never suspends. What a step means is the gateway's.
"""

from collections.abc import Coroutine
from typing import Any, Final, Protocol, TypeVar, assert_never

from attrs import field, frozen

from wa_connector.errors import InternalError, Unavailable
from wa_connector.model.content import MediaRef
from wa_connector.model.directory import LineSetup
from wa_connector.model.outbound import (
    Accepted,
    Deferred,
    Envelope,
    Fetched,
    FetchFailed,
    FetchOutcome,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)
from wa_connector_sms.calls import Call
from wa_connector_sms.gateway import Gateway
from wa_connector_sms.outcomes import Answer

_T = TypeVar("_T")
MAX_FILE: Final = 10 * 1024 * 1024
"""The largest inbound picture that is fetched; operators carry a fraction of it."""


@frozen
class NotSent:
    """The call did not reach the provider."""

    problem: str


@frozen
class Lost:
    """The call left, or may have left, and no answer came back."""

    problem: str


class Spoilt(Exception):
    """A body that cannot be used; the text says why."""

    def __init__(self, problem: str, is_final: bool) -> None:
        super().__init__(problem, is_final)
        self.problem = problem
        self.is_final = is_final


@frozen
class Download:
    """A file to fetch. ``hosts`` are those that a redirection may lead to, by the ends of their names."""

    call: Call = field(repr=False)
    mime_type: str
    hosts: tuple[str, ...] = ()


class HttpGateway(Gateway, Protocol):
    """A gateway that is spoken to by HTTP."""

    def request(self, line: LineSetup, envelope: Envelope) -> Call | SendOutcome:
        """The request that hands a message over, or why there is none."""
        ...

    def outcome(self, answer: Answer, envelope: Envelope) -> SendOutcome:
        """What an answer says of the message."""
        ...


class UploadingGateway(Protocol):
    """What a gateway offers besides, where a picture is given to the provider before the message."""

    def upload(self, line: LineSetup, media: MediaRef, content: bytes) -> Call | SendOutcome: ...


class FetchingGateway(Protocol):
    """What a gateway offers besides, where messages come in with pictures."""

    def download(self, line: LineSetup, media: MediaRef) -> Download | FetchFailed: ...


class Wire(Protocol):
    """One operation's way to the provider and to the media store."""

    async def call(self, call: Call) -> Answer | NotSent | Lost:
        """Make a call. Raises nothing for what the network does."""
        ...

    async def load(self, media: MediaRef) -> bytes | None:
        """A file of the store; None when it has none. Raises ``Unavailable``."""
        ...

    async def keep(self, download: Download) -> MediaRef | Answer | NotSent | Lost:
        """Fetch a file into the store. Raises ``Unavailable``, and ``Spoilt`` for what must not be taken."""
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


async def send(wire: Wire, gateway: HttpGateway, line: LineSetup, envelope: Envelope) -> SendOutcome:
    """Hand one message over, its picture first."""
    call = gateway.request(line, envelope)
    if not isinstance(call, Call):
        return call
    refusal = await _uploaded(wire, gateway, line, envelope)
    if refusal is not None:
        return refusal
    match await wire.call(call):
        case Answer() as answer:
            return gateway.outcome(answer, envelope)
        case NotSent(problem):
            return Deferred("unreachable", problem)
        case Lost(problem):
            return OutcomeUnknown(problem)
        case _ as unreachable:
            assert_never(unreachable)


async def _uploaded(wire: Wire, gateway: HttpGateway, line: LineSetup, envelope: Envelope) -> SendOutcome | None:
    """None when the picture is there, or there is none. The message is not under way yet, so whatever goes wrong can be
    tried again."""
    upload = getattr(gateway, "upload", None)
    media = getattr(envelope.content, "media", None)
    if upload is None or not isinstance(media, MediaRef):
        return None
    try:
        content = await wire.load(media)
    except Unavailable:
        return Deferred("media", "the media store does not answer now")
    if content is None:
        return Rejected("media", "the file is not in the media store")
    call = upload(line, media, content)
    if not isinstance(call, Call):
        refusal: SendOutcome = call
        return refusal
    answer = await wire.call(call)
    if isinstance(answer, NotSent | Lost):
        return Deferred("media", f"the upload failed: {answer.problem}")
    if answer.is_ok:
        return None
    outcome = gateway.outcome(answer, envelope)
    if isinstance(outcome, OutcomeUnknown | Accepted):
        return Deferred("media", "the upload failed, and nothing was sent")
    return outcome


async def fetch(wire: Wire, gateway: HttpGateway, line: LineSetup, media: MediaRef) -> FetchOutcome:
    """Bring an inbound picture into the store."""
    make = getattr(gateway, "download", None)
    if make is None:
        return FetchFailed("this gateway brings no files", is_final=True)
    download = make(line, media)
    if not isinstance(download, Download):
        failed: FetchFailed = download
        return failed
    try:
        kept = await wire.keep(download)
    except Spoilt as spoilt:
        return FetchFailed(spoilt.problem, spoilt.is_final)
    except Unavailable:
        return FetchFailed("the media store does not answer now", is_final=False)
    match kept:
        case MediaRef():
            return Fetched(kept)
        case Answer(status):
            return FetchFailed(f"http {status}", is_final=status in (404, 410))
        case NotSent(problem) | Lost(problem):
            return FetchFailed(problem, is_final=False)
        case _ as unreachable:
            assert_never(unreachable)
