"""The ports of one connector, in the shape that the shell awaits."""

import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from attrs import evolve, frozen

from wa_connector.decide.draft import Seed
from wa_connector.errors import UsageError
from wa_connector.model.consent import Signal
from wa_connector.model.content import Content, TemplateMessage, Text
from wa_connector.model.event import Happening
from wa_connector.model.ids import LineId, TenantId, UserId
from wa_connector.model.opinion import Question, Veto
from wa_connector.model.push import PushNotice
from wa_connector.model.routing import RoutingQuestion
from wa_connector.model.screening import Redact, Screened, Screening
from wa_connector.model.setting import Unscreened
from wa_connector.model.transcribing import Recording
from wa_connector.ports.channel import AsyncTransport, Channel
from wa_connector.ports.contacts import AsyncContacts
from wa_connector.ports.directory import AsyncDirectory
from wa_connector.ports.mark import RestoreMark
from wa_connector.ports.media import AsyncMediaConverter, AsyncMediaStore
from wa_connector.ports.storage import AsyncStorage

log: Final = logging.getLogger("wa_connector")
log.addHandler(logging.NullHandler())  # a host that sets up no logging hears nothing, not even on stderr
Clock = Callable[[], datetime]
Ids = Callable[[], str]
Pause = Callable[[float], Awaitable[None]]
"""Let so many seconds pass: this thread's, or this task's."""
Within = Callable[[Awaitable[Any]], Awaitable[Any]]
"""Awaits something, and gives it up with ``TimeoutError`` after a while."""
FAILED_RULE_WAIT: Final = timedelta(minutes=1)
_NO_ANSWER: Final = object()


_Implementations = Sequence[tuple[str, Callable[..., Any]]]
"""The implementations of one hook: each with its plugin's name, called with all of the hook's arguments by keyword."""


@frozen(eq=False)
class Hooks:
    """The host's observers and deciders. An error in one is contained, logged and counted, and stops nobody else.

    The implementations are resolved once: a pluggy call costs two microseconds and more. ``within`` awaits what is
    asked, where the face has an event loop; an answer that is none of those that the hook may give is a failure, too.
    """

    observers: _Implementations = ()
    meters: _Implementations = ()
    rules: _Implementations = ()
    readers: _Implementations = ()
    screeners: _Implementations = ()
    routers: _Implementations = ()
    transcribers: _Implementations = ()
    presences: _Implementations = ()
    namers: _Implementations = ()
    pushers: _Implementations = ()
    within: Within | None = None

    async def committed(self, tenant: TenantId, at: datetime, happenings: Sequence[Happening]) -> None:
        """Tell every observer what a commit brought."""
        if not happenings:
            return
        for name, observer in self.observers:
            try:
                await self._answer(observer(tenant=tenant, at=at, happenings=happenings))
            except Exception as error:  # noqa: BLE001 - a plugin of another author may raise anything
                self._report(name, "wa_events_committed", error)

    async def vetoes(self, question: Question) -> tuple[Veto, ...]:
        """What the host's rules have against it; every rule is asked, and one that fails has not agreed."""
        found = []
        for name, rule in self.rules:
            veto = await self._asked(name, "wa_veto", partial(rule, question=question), _is_veto)
            if veto is _NO_ANSWER:
                veto = Veto(name, "A rule could not be asked; please try again.", question.at + FAILED_RULE_WAIT)
            if veto is not None:
                found.append(veto)
        return tuple(found)

    async def screen(self, screening: Screening, unscreened: Unscreened) -> Screened:
        """What the screeners make of a message: each is asked about what the one before it left."""
        content, rules, vetoes = screening.content, list[str](), list[Veto]()
        for name, screener in self.screeners:
            shown = evolve(screening, content=content)
            opinion = await self._asked(
                name, "wa_screen", partial(screener, screening=shown), partial(_is_opinion, content)
            )
            if opinion is _NO_ANSWER and unscreened is Unscreened.HOLD_BACK:
                until_at = screening.at + FAILED_RULE_WAIT
                opinion = Veto(name, "This could not be screened yet; please try again.", until_at)
            if isinstance(opinion, Veto):
                vetoes.append(opinion)
            elif isinstance(opinion, Redact):
                content = opinion.content
                rules.append(opinion.rule)
        return Screened(content, tuple(rules), tuple(vetoes))

    async def read_reply(self, text: str) -> Signal | None:
        """What the host's readers make of a customer's words: the first answer."""
        signal: Signal | None = await self._first(self.readers, "wa_read_reply", Signal, text=text)
        return signal

    async def route(self, question: RoutingQuestion) -> tuple[UserId, ...]:
        """Whom the host's routers name, in their order."""
        named: list[UserId] = []
        for name, router in self.routers:
            answer = await self._asked(name, "wa_route", partial(router, question=question), _is_names)
            if isinstance(answer, str):
                named.append(UserId(answer))
            elif answer is not None and answer is not _NO_ANSWER:
                named += answer
        return tuple(dict.fromkeys(named))

    async def transcribe(self, recording: Recording) -> str | None:
        """The words of a recording, by the first who knows them; '' where nobody does. None where one failed who might
        have."""
        has_failed = False
        for name, transcriber in self.transcribers:
            ask = partial(transcriber, recording=recording)
            words = await self._asked(name, "wa_transcribe", ask, partial(_is_optional, str))
            has_failed = has_failed or words is _NO_ANSWER
            if isinstance(words, str) and words.strip():
                return words.strip()
        return None if has_failed else ""

    async def is_away(self, tenant: TenantId, user: UserId) -> bool:
        """Whether the host says that somebody is not there."""
        return await self._first(self.presences, "wa_presence", bool, tenant=tenant, user=user) is False

    async def sender_name(self, tenant: TenantId, user: UserId, line: LineId) -> str | None:
        """The name for customers, where a hook has one."""
        name: str | None = await self._first(self.namers, "wa_sender_name", str, tenant=tenant, user=user, line=line)
        return name

    async def push(self, notice: PushNotice) -> bool:
        """Give a notice to every pusher; whether all of them took it."""
        answers = [
            await self._asked(name, "wa_push", partial(pusher, notice=notice), _is_anything)
            for name, pusher in self.pushers
        ]
        return all(answer is not _NO_ANSWER for answer in answers)

    async def _first(self, hooks: _Implementations, hook: str, kind: type, **arguments: Any) -> Any:
        """The first answer that is none of None and failure."""
        for name, implementation in hooks:
            is_right = partial(_is_optional, kind)
            answer = await self._asked(name, hook, partial(implementation, **arguments), is_right)
            if answer is not None and answer is not _NO_ANSWER:
                return answer
        return None

    async def _asked(self, name: str, hook: str, ask: Callable[[], Any], is_right: Callable[[Any], bool]) -> Any:
        """What a hook answers, or ``_NO_ANSWER`` when it fails, is too slow or answers nonsense."""
        try:
            answer = await self._answer(ask())
            if not is_right(answer):
                raise TypeError(f"the hook answered with {type(answer).__qualname__}")
        except Exception as error:  # noqa: BLE001 - a plugin of another author may raise anything
            self._report(name, hook, error)
            return _NO_ANSWER
        return answer

    async def _answer(self, result: Any) -> Any:
        if not isinstance(result, Awaitable):
            return result
        if self.within is not None:
            return await self.within(result)
        if isinstance(result, Coroutine):
            result.close()
        raise UsageError("an asynchronous hook cannot run under the synchronous Connector; make it a plain function")

    def measure(self, name: str, value: float, **labels: str) -> None:
        """Pass one measurement on."""
        for plugin, meter in self.meters:
            try:
                meter(name=name, value=value, labels=labels)
            except Exception as error:  # noqa: BLE001 - as above
                self._report(plugin, "wa_metric", error)

    def _report(self, plugin: str, hook: str, error: Exception) -> None:
        log.error("the hook %s of plugin %s failed with %s", hook, plugin, where(error))
        if hook != "wa_metric":
            self.measure("hook_failures", 1, plugin=plugin, hook=hook)


def _is_anything(_: object) -> bool:
    return True


def _is_optional(kind: type, answer: object) -> bool:
    return answer is None or isinstance(answer, kind)


def _is_veto(answer: object) -> bool:
    return answer is None or isinstance(answer, Veto)


def _is_opinion(content: Content, answer: object) -> bool:
    """Whether a screener may say this: what is left is of the same kind, or a text; a template is what was approved."""
    if isinstance(answer, Redact):
        kinds = (type(content),) if isinstance(content, TemplateMessage) else (type(content), Text)
        return isinstance(answer.content, kinds)
    return answer is None or isinstance(answer, Veto)


def _is_names(answer: object) -> bool:
    if isinstance(answer, str):
        return bool(answer)
    is_several = isinstance(answer, list | tuple) and all(isinstance(name, str) and name for name in answer)
    return answer is None or is_several


def where(error: BaseException) -> str:
    """An error for a log line: its class and place. Not its text, which may quote a number or a message."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" in {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__qualname__}{place}"


@frozen(eq=False)
class Ports:
    """Everything that the shell reaches."""

    storage: AsyncStorage
    directory: AsyncDirectory
    contacts: AsyncContacts | None
    media: AsyncMediaStore
    channels: Mapping[str, Channel]
    transports: Mapping[str, AsyncTransport]
    hooks: Hooks
    clock: Clock
    ids: Ids
    pause: Pause
    mark: RestoreMark | None = None
    converter: AsyncMediaConverter | None = None

    def seed(self) -> Seed:
        """The source of one command's ids and salts."""
        return Seed(self.ids(), os.urandom(16).hex())
