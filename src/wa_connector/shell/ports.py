"""The ports of one connector, in the shape that the shell awaits."""

import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from attrs import frozen

from wa_connector.decide.draft import Seed
from wa_connector.errors import UsageError
from wa_connector.model.consent import Signal
from wa_connector.model.event import Happening
from wa_connector.model.ids import TenantId
from wa_connector.model.opinion import Question, Veto
from wa_connector.ports.channel import AsyncTransport, Channel
from wa_connector.ports.contacts import AsyncContacts
from wa_connector.ports.directory import AsyncDirectory
from wa_connector.ports.media import AsyncMediaStore
from wa_connector.ports.storage import AsyncStorage

log: Final = logging.getLogger("wa_connector")
log.addHandler(logging.NullHandler())  # a host that sets up no logging hears nothing, not even on stderr
Clock = Callable[[], datetime]
Ids = Callable[[], str]
Pause = Callable[[float], Awaitable[None]]
"""Let so many seconds pass: this thread's, or this task's."""
FAILED_RULE_WAIT: Final = timedelta(minutes=1)


_Implementations = Sequence[tuple[str, Callable[..., Any]]]
"""The implementations of one hook: each with its plugin's name, called with all of the hook's arguments by keyword."""


@frozen(eq=False)
class Hooks:
    """The host's observers and deciders. An error in one is contained, logged and counted, and stops nobody else.

    The implementations are resolved once: a pluggy call costs two microseconds and more. ``can_await`` tells whether
    the face has an event loop.
    """

    observers: _Implementations = ()
    meters: _Implementations = ()
    rules: _Implementations = ()
    readers: _Implementations = ()
    can_await: bool = False

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
            try:
                veto = await self._answer(rule(question=question))
            except Exception as error:  # noqa: BLE001 - as above
                self._report(name, "wa_veto", error)
                veto = Veto(name, "A rule could not be asked; please try again.", question.at + FAILED_RULE_WAIT)
            if veto is not None:
                found.append(veto)
        return tuple(found)

    async def read_reply(self, text: str) -> Signal | None:
        """What the host's readers make of a customer's words: the first answer."""
        for name, reader in self.readers:
            try:
                signal: Signal | None = await self._answer(reader(text=text))
            except Exception as error:  # noqa: BLE001 - as above
                self._report(name, "wa_read_reply", error)
                continue
            if signal is not None:
                return signal
        return None

    async def _answer(self, result: Any) -> Any:
        if not isinstance(result, Awaitable):
            return result
        if self.can_await:
            return await result
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

    def seed(self) -> Seed:
        """The source of one command's ids and salts."""
        return Seed(self.ids(), os.urandom(16).hex())
