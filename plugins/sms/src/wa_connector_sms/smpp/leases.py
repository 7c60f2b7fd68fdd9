"""Who holds what there is only one of: a lease that no clock decides.

Theory: the holder writes a memo again and again. Whoever sees the same one for a whole span by his own clock may replace it,
and of several who try, the storage lets one. The holder counts from *before* each write, and lets go well before the span
is over, so two never hold at once, however far their clocks are apart. A holder that leaves says so, and nobody waits.
"""

import secrets
from contextlib import suppress
from time import monotonic
from typing import Final, Protocol, final

from wa_connector import Memo
from wa_connector.errors import Unavailable
from wa_connector.model.ids import TenantId

OWNER: Final = "sms.leases"


class Memos(Protocol):
    """Where memos are kept, awaitable: either face of a connector, adapted."""

    async def memo(self, tenant: TenantId, owner: str, name: str) -> Memo: ...
    async def keep_memo(self, tenant: TenantId, owner: str, name: str, text: str, *, version: int) -> bool: ...


@final
class Lease:
    """One holder's view of one lease. ``span`` is in seconds."""

    def __init__(self, memos: Memos, tenant: TenantId, name: str, span: float) -> None:
        self._memos: Final = memos
        self._tenant: Final = tenant
        self._name: Final = name
        self._span: Final = span
        self._me: Final = secrets.token_hex(8)
        self._writes = 0
        self._held_until = self._renew_at = float("-inf")
        self._seen: Memo | None = None
        self._seen_at = 0.0

    def is_held(self) -> bool:
        """Whether it is held at this moment. Asks nobody."""
        return monotonic() < self._held_until

    async def hold(self) -> bool:
        """Take it or keep it, if that can be; whether it is held. Called some times a span."""
        if monotonic() < self._renew_at:
            return True
        with suppress(Unavailable):  # what is held stays so until its time is over
            await self._try()
        return self.is_held()

    async def _try(self) -> None:
        began = monotonic()
        memo = await self._memos.memo(self._tenant, OWNER, self._name)
        if memo != self._seen:
            self._seen, self._seen_at = memo, began
        is_mine = memo.text.startswith(f"{self._me} ")
        if is_mine or not memo.text or began - self._seen_at >= self._span:
            began = monotonic()
            self._writes += 1
            if await self._memos.keep_memo(
                self._tenant, OWNER, self._name, f"{self._me} {self._writes}", version=memo.version
            ):
                self._held_until, self._renew_at = began + self._span * 0.75, began + self._span / 4

    async def let_go(self) -> None:
        """Give it up, so that another may have it at once."""
        was_held, self._held_until, self._renew_at = self.is_held(), float("-inf"), float("-inf")
        if not was_held:
            return
        with suppress(Unavailable):  # it ends by itself
            memo = await self._memos.memo(self._tenant, OWNER, self._name)
            if memo.text.startswith(f"{self._me} "):
                await self._memos.keep_memo(self._tenant, OWNER, self._name, "", version=memo.version)
