"""The ports of one connector, in the shape that the shell awaits."""

import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, final

from attrs import frozen

from wa_connector.decide.draft import Seed
from wa_connector.errors import UsageError
from wa_connector.model.event import Happening
from wa_connector.model.ids import TenantId
from wa_connector.ports.channel import AsyncTransport, Channel
from wa_connector.ports.contacts import AsyncContacts
from wa_connector.ports.directory import AsyncDirectory
from wa_connector.ports.media import AsyncMediaStore
from wa_connector.ports.storage import AsyncStorage

log: Final = logging.getLogger("wa_connector")
Clock = Callable[[], datetime]
Ids = Callable[[], str]


@final
class Hooks:
    """The host's observers. An error in one is contained, logged and counted, and stops nobody else.

    The implementations are resolved once, here: a pluggy call costs two microseconds and more.
    """

    def __init__(
        self,
        observers: Sequence[tuple[str, Callable[..., Any]]],
        meters: Sequence[tuple[str, Callable[..., Any]]],
        *,
        can_await: bool,
    ) -> None:
        self._can_await: Final = can_await
        self._observers: Final = observers
        self._meters: Final = meters

    async def committed(self, tenant: TenantId, at: datetime, happenings: Sequence[Happening]) -> None:
        """Tell every observer what a commit brought."""
        if not happenings:
            return
        for name, observer in self._observers:
            try:
                result = observer(tenant=tenant, at=at, happenings=happenings)
                if isinstance(result, Awaitable):
                    await self._awaitable(result)
            except Exception as error:  # noqa: BLE001 - a plugin of another author may raise anything
                self._report(name, "wa_events_committed", error)

    def _awaitable(self, result: Awaitable[Any]) -> Awaitable[Any]:
        if self._can_await:
            return result
        if isinstance(result, Coroutine):
            result.close()
        raise UsageError(
            "an asynchronous observer cannot run under the synchronous Connector; make it a plain function"
        )

    def measure(self, name: str, value: float, **labels: str) -> None:
        """Pass one measurement on."""
        for plugin, meter in self._meters:
            try:
                meter(name=name, value=value, labels=labels)
            except Exception as error:  # noqa: BLE001 - a plugin of another author may raise anything
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

    def seed(self) -> Seed:
        """The source of one command's ids and salts."""
        return Seed(self.ids(), os.urandom(16).hex())
