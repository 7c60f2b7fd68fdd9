"""The carrier of SMPP accounts: one connection an account, opened when it is needed, and messages in their parts.

Theory: the first part of a message decides. Refused, nothing was sent, and the refusal is the message's; taken, the others
follow side by side, and whatever becomes of them, the message is never handed over again as a whole. What a process may
open for an account is settled by who receives for it (``receiver``): an account has one connection for each way, and not
one for each process.
"""

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Lock
from time import monotonic
from typing import Final, final

from attrs import define, frozen

from wa_connector.errors import ConfigError, UsageError
from wa_connector.model.content import Text
from wa_connector.model.directory import Account, LineSetup
from wa_connector.model.ids import AccountId, MessageId, ProviderId, TenantId
from wa_connector.model.outbound import (
    Accepted,
    AccountStopped,
    Deferred,
    Envelope,
    OutcomeUnknown,
    Rejected,
    SendOutcome,
)
from wa_connector.ports.media import AsyncMediaStore, MediaStore
from wa_connector_sms.alphabet import Alphabet
from wa_connector_sms.people import dialled
from wa_connector_sms.receipts import refusal_of
from wa_connector_sms.segments import Segment, segments
from wa_connector_sms.smpp import pdus
from wa_connector_sms.smpp.link import BindRefused, Link, Lost, Slot, Unsent
from wa_connector_sms.smpp.options import Bind, Options, id_of_answer, read_options
from wa_connector_sms.smpp.pdus import Garbled, Party

LONGEST: Final = 60.0
"""How many seconds one message may take, all its parts included. Less than the dispatcher's lease of two minutes."""
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 60.0
_AFTER_REFUSAL: Final = 60.0
"""How long a gateway that does not let the account in is left alone."""
_ALREADY_BOUND: Final = 0x05
_PAUSE: Final = 1.0
"""How long a part that was refused for now waits for its next try."""
_ELSEWHERE: Final = timedelta(seconds=5)

SEND: Final = "send"
RECEIVE: Final = "receive"
_COMMANDS: Final = {
    (Bind.TRANSCEIVER, SEND): "bind_transceiver",
    (Bind.TRANSCEIVER, RECEIVE): "bind_transceiver",
    (Bind.PAIR, SEND): "bind_transmitter",
    (Bind.PAIR, RECEIVE): "bind_receiver",
    (Bind.SEPARATE, SEND): "bind_transmitter",
    (Bind.SEPARATE, RECEIVE): "bind_receiver",
}


class NotNow(Exception):
    """There is no connection, and nothing was handed over; ``outcome`` says why and what follows."""

    def __init__(self, outcome: Deferred | AccountStopped) -> None:
        super().__init__(outcome.meaning)
        self.outcome = outcome


_Key = tuple[TenantId, AccountId, str]


@define(eq=False)
class _Place:
    """Where one connection of an account is kept, or why there is none."""

    lock: Lock
    link: Link | None = None
    options: Options | None = None
    not_before: float = 0.0
    failures: int = 0
    why: Deferred | AccountStopped | None = None


@final
class SmppCarrier:
    """Carries text messages over SMPP 3.4, for code that blocks. May be called from several threads.

    No thread of its own: whoever sends, or receives, reads the connection. Nothing is open before the first call; a process
    that was forked off opens its own connections and leaves the others alone. Accounts whose ``bind`` is not ``separate``
    are sent for by the process that receives for them (``SmppReceiver``); elsewhere their messages wait.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = Lock()
        self._places: dict[_Key, _Place] = {}
        self._received_for: dict[tuple[TenantId, AccountId], Callable[[], bool]] = {}

    def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:  # noqa: ARG002 - the port's
        """Hand a text over, in as many parts as it takes, within a minute."""
        return self.hand_over(line, envelope)

    def hand_over(self, line: LineSetup, envelope: Envelope) -> SendOutcome:
        """The same; text needs no files."""
        until = monotonic() + LONGEST
        try:
            options = read_options(line.account)
        except ConfigError as error:
            return AccountStopped("config", "; ".join(error.mistakes))
        to = _receiver(envelope)
        if to is None or not isinstance(envelope.content, Text):
            return Rejected("content", "only texts go by SMPP, and only to numbers")
        try:
            parts = segments(envelope.content.body, wide=options.wide)
        except UsageError as error:
            return Rejected("content", str(error))
        try:
            link = self.link(line.account, options, SEND, until)
        except NotNow as reason:
            return reason.outcome
        source = sender_of(line.line.provider_ref)
        return _Handover(link, options, envelope.message, source, to, parts, until).run()

    def close(self) -> None:
        """Take leave of every gateway, within two seconds each, and close. May be called twice."""
        self._look_at_process()
        with self._lock:
            places, self._places = list(self._places.values()), {}
        for place in places:
            with place.lock:
                link, place.link = place.link, None
            if link is not None:
                link.close()

    # --- connections ------------------------------------------------------------------------------------------------

    def link(self, account: Account, options: Options, way: str, until: float) -> Link:
        """The account's connection for ``way``, opened if need be. Raises ``NotNow``."""
        self._look_at_process()
        if options.bind is not Bind.SEPARATE or way == RECEIVE:
            holds = self._received_for.get((account.tenant, account.id))
            if holds is None or not holds():
                meaning = "the account's connection is another process's, or nobody receives for it"
                raise NotNow(Deferred("elsewhere", meaning, _ELSEWHERE))
        command = _COMMANDS[options.bind, way]
        with self._lock:
            place = self._places.setdefault((account.tenant, account.id, command), _Place(Lock()))
        with place.lock:
            link = place.link
            if link is not None and (place.options != options or not link.is_alive(until)):
                place.link = None
                link.close()
                link = None
            return link or self._open(place, options, command)

    def _open(self, place: _Place, options: Options, command: str) -> Link:
        now = monotonic()
        if place.why is not None and place.options == options and now < place.not_before:
            raise NotNow(_again(place.why, place.not_before - now))
        place.options = options
        try:
            place.link = Link(options, command)
        except BindRefused as error:
            why = _why_not_bound(error.status)
            wait = self._wait(place, why, _AFTER_REFUSAL if isinstance(why, AccountStopped) else 0)
            raise NotNow(_again(why, wait)) from None
        except (OSError, Garbled) as error:
            why = Deferred("connection", f"there is no connection to the gateway ({type(error).__name__})")
            wait = self._wait(place, why, 0)
            raise NotNow(_again(why, wait)) from None
        place.why, place.failures = None, 0
        return place.link

    @staticmethod
    def _wait(place: _Place, why: Deferred | AccountStopped, least: float) -> float:
        """Note a failure, and for how many seconds the gateway is left alone."""
        wait = max(least, min(_FIRST_WAIT * 2.0 ** min(place.failures, 10), _LONGEST_WAIT))
        place.why, place.failures = why, place.failures + 1
        place.not_before = monotonic() + wait
        return wait

    def receive_for(self, account: Account, holds: Callable[[], bool]) -> None:
        """Let this process have the account's connections as long as ``holds`` says so."""
        self._look_at_process()
        self._received_for[account.tenant, account.id] = holds

    def leave(self, account: Account) -> None:
        """Take leave of an account's gateway, as far as this process has a connection that is not its own alone."""
        self._look_at_process()
        self._received_for.pop((account.tenant, account.id), None)
        with self._lock:
            keys = [key for key in self._places if key[:2] == (account.tenant, account.id)]
            places = [self._places.pop(key) for key in keys]
        for place in places:
            with place.lock:
                link, place.link = place.link, None
            if link is not None:
                link.close()

    def _look_at_process(self) -> None:
        """After a fork: what was open is the parent's, and locks may be held by threads that are not here."""
        if self._pid == os.getpid():
            return
        inherited = self._places
        self._pid, self._lock, self._places, self._received_for = os.getpid(), Lock(), {}, {}
        for place in inherited.values():
            if place.link is not None:
                place.link.abandon()


def _why_not_bound(status: int) -> Deferred | AccountStopped:
    """A gateway that is busy, or thinks us connected still, is asked again; one that does not want us waits for a person."""
    refusal = refusal_of(status)
    if isinstance(refusal, Deferred) or status == _ALREADY_BOUND:
        return Deferred(f"bind 0x{status:08X}", "the gateway does not let the account in now")
    meaning = refusal.meaning if isinstance(refusal, AccountStopped) else "the gateway does not let the account in"
    return AccountStopped(f"bind 0x{status:08X}", meaning)


def _again(why: Deferred | AccountStopped, wait: float) -> Deferred | AccountStopped:
    return Deferred(why.code, why.meaning, timedelta(seconds=wait)) if isinstance(why, Deferred) else why


def sender_of(ref: str) -> Party:
    """A line as SMPP writes it: an international number, a short code, or a name of letters."""
    digits = ref.removeprefix("+")
    if digits.isascii() and digits.isdigit():
        return Party(digits, 1, 1) if ref != digits else Party(digits)
    return Party(ref, 5, 0)


def _receiver(envelope: Envelope) -> Party | None:
    written = dialled(envelope.to)
    return sender_of(written) if written is not None else None


@frozen(eq=False)
class _Handover:
    """One message on its way out."""

    link: Link
    options: Options
    message: MessageId
    source: Party
    to: Party
    parts: Sequence[Segment]
    until: float

    def run(self) -> SendOutcome:
        reference = self.link.next_reference()
        first = self._one(self._unit(self.parts[0], reference))
        if not isinstance(first, str):
            return first
        if len(self.parts) == 1:
            return Accepted(ProviderId(first))
        return self._rest(first, reference)

    def _one(self, make: Callable[[int], bytes]) -> str | SendOutcome:
        """The gateway's id of the first part, or what became of the message."""
        try:
            answer = self.link.finish(self.link.begin(make, self._soon()), self._soon())
        except Unsent as error:
            return Deferred("connection", str(error), timedelta(seconds=_PAUSE))
        except Lost as error:
            return OutcomeUnknown(str(error))
        return self._id(answer) if answer.status == pdus.OK else refusal_of(answer.status)

    def _rest(self, first: str, reference: int) -> SendOutcome:
        """The other parts, as many at once as the window lets; those refused for now again, while there is time."""
        ids = [first, *[""] * (len(self.parts) - 1)]
        problem: str | Rejected = ""
        while not problem and "" in ids:
            waiting = [place for place, known in enumerate(ids) if not known]
            problem = self._round(waiting, ids, reference)
            if not problem and "" in ids:
                if monotonic() + _PAUSE >= self.until:
                    problem = "the gateway stayed busy"
                else:
                    self.link.rest(_PAUSE)
        if isinstance(problem, Rejected):
            return problem
        if problem:
            taken = sum(map(bool, ids))
            return OutcomeUnknown(f"{taken} of {len(ids)} parts were taken, then: {problem}")
        return Accepted(ProviderId(first), further=tuple(map(ProviderId, ids[1:])))

    def _round(self, waiting: Sequence[int], ids: list[str], reference: int) -> "str | Rejected":
        """Hand these parts over once, and note the ids of those that were taken; what ends the message, '' where nothing
        does. Every answer is waited for: a part that went is not to be forgotten."""
        under_way: list[tuple[int, Slot]] = []
        problem = ""
        for place in waiting:
            try:
                under_way.append((place, self.link.begin(self._unit(self.parts[place], reference), self._soon())))
            except (Unsent, Lost) as error:
                problem = str(error)
                break
        refused: Rejected | None = None
        for place, slot in under_way:
            try:
                answer = self.link.finish(slot, self._soon())
            except Lost as error:
                problem = problem or str(error)
                continue
            refusal = refusal_of(answer.status) if answer.status != pdus.OK else None
            if refusal is None:
                ids[place] = self._id(answer)
            elif isinstance(refusal, Rejected):
                refused = Rejected(refusal.code, f"part {place + 1} of {len(ids)}: {refusal.meaning}")
            elif not isinstance(refusal, Deferred):
                problem = problem or f"part {place + 1} was refused with status 0x{answer.status:08X}"
        return refused or problem

    def _soon(self) -> float:
        return min(self.until, monotonic() + self.options.response_within)

    def _id(self, answer: pdus.Unit) -> str:
        # Taken without an id: nobody can report on it, and it went all the same.
        return id_of_answer(pdus.message_id(answer), self.options.ids) or f"none for {self.message}"

    def _unit(self, part: Segment, reference: int) -> Callable[[int], bytes]:
        header = part.header(reference, wide=self.options.wide)
        coding = 8 if part.alphabet is Alphabet.UCS2 else 0
        return lambda sequence: pdus.submit(
            sequence,
            self.source,
            self.to,
            header + part.octets,
            coding=coding,
            has_header=bool(header),
            receipt=self.options.receipts,
        )


@final
class AsyncSmppCarrier:
    """The same for an event loop: each message on a thread of the loop's own, so that the loop never waits."""

    def __init__(self, carrier: SmppCarrier | None = None) -> None:
        self.plain: Final = carrier or SmppCarrier()

    async def send(self, line: LineSetup, envelope: Envelope, media: AsyncMediaStore) -> SendOutcome:  # noqa: ARG002
        import asyncio

        return await asyncio.to_thread(self.plain.hand_over, line, envelope)

    async def aclose(self) -> None:
        import asyncio

        await asyncio.to_thread(self.plain.close)
