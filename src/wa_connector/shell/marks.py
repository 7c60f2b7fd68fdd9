"""Noticing that the storage was replaced by an older copy of itself, and the mark that this is noticed by.

Theory: while anything is sent, the tenant's epoch rises every ten seconds: first the row, then the mark. A crash between
the two leaves the mark behind, which is harmless; only a row that is behind the mark is an older copy. It is compared
when a process first works for a tenant, whenever the row is behind what this process itself last saw, and with each
rise. So a backup that is older than ten seconds is noticed before anything of it is sent.
"""

import json
import os
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, final

from wa_connector.decide.parking import OF_OUTBOX, Continue, go_on
from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.ids import TenantId
from wa_connector.model.instants import from_microseconds, to_microseconds
from wa_connector.model.queue import Epoch, Mark
from wa_connector.ports.rows import EPOCH, Key
from wa_connector.shell.committing import decide, result_of
from wa_connector.shell.ports import Ports

RISES_EVERY: Final = timedelta(seconds=10)
A_MOMENT: Final = 0.002


@final
class FileMark:
    """A ``RestoreMark`` in a folder: a small file for each tenant.

    The folder is on another disk than the database, or at least in no backup of it; processes on several machines may
    share one, or have one each. Nothing is opened before the first call; the folder is made if it is not there.
    """

    def __init__(self, folder: str | Path) -> None:
        if not str(folder):
            raise UsageError("a FileMark needs a folder")
        self._folder: Final = Path(folder).absolute()

    def __repr__(self) -> str:
        return f"FileMark({str(self._folder)!r})"

    def read(self, tenant: TenantId) -> Mark | None:
        """What was last written of this tenant. Raises ``Unavailable`` where the file cannot be read or makes no sense."""
        path = self._path(tenant)
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            return Mark(int(said["number"]), from_microseconds(int(said["at"])))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(
                f"the mark {path} cannot be read ({error.strerror}); nothing is sent until it can"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(
                f"the mark {path} is damaged. If no backup was restored, delete it; else say so first, with"
                " Connector.accept_restore"
            ) from error

    def write(self, tenant: TenantId, mark: Mark) -> None:
        """Remember this one: written beside the old one, synced, and put in its place."""
        path = self._path(tenant)
        beside = path.with_suffix(f".{os.getpid()}.new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with beside.open("w", encoding="utf-8") as file:
                json.dump({"number": mark.number, "at": to_microseconds(mark.at)}, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            raise Unavailable(f"the mark {path} cannot be written ({error.strerror}); make room for it") from error

    def _path(self, tenant: TenantId) -> Path:
        # Never a name from outside.
        return self._folder / f"{sha256(tenant.encode()).hexdigest()[:32]}.json"


class _Known:
    """What this process knows of a tenant's epoch."""

    def __init__(self) -> None:
        self.epoch: Epoch | None = None
        self.rises_at: datetime | None = None
        self.is_asking = False


@final
class Epochs:
    """The epochs of the tenants that one dispatcher works for. Safe under threads and tasks."""

    def __init__(self, ports: Ports) -> None:
        self._ports: Final = ports
        self._known: Final[dict[TenantId, _Known]] = {}

    @property
    def is_kept(self) -> bool:
        """Whether the host keeps a mark at all."""
        return self._ports.mark is not None

    async def doubted_until(self, tenant: TenantId, found: Epoch | None = None) -> datetime | None:
        """What was in the outbox then may have been sent by a later age; None while nothing is in doubt.

        ``found`` is the row as it was just loaded: where it is behind what was known, it is looked at anew.
        """
        if self._ports.mark is None:
            return None
        known = self._known.setdefault(tenant, _Known())
        while known.is_asking:
            await self._ports.pause(A_MOMENT)
        is_behind = found is not None and known.epoch is not None and found.number < known.epoch.number
        is_due = known.rises_at is None or known.rises_at <= self._ports.clock()
        if is_due or is_behind:
            known.is_asking = True
            try:
                await self._rise(tenant, known)
            finally:
                known.is_asking = False
        elif found is not None and known.epoch is not None and found.number >= known.epoch.number:
            # Another process noticed, or somebody accepted what was restored.
            known.epoch = found
        assert known.epoch is not None
        return known.epoch.doubted_until

    async def _rise(self, tenant: TenantId, known: _Known) -> None:
        mark = self._ports.mark
        assert mark is not None
        remembered = mark.read(tenant)
        answer = await decide(self._ports, go_on, Continue(remembered), tenant, [key_of(tenant)])
        to_remember, known.epoch = result_of(answer)
        mark.write(tenant, to_remember)
        known.rises_at = self._ports.clock() + RISES_EVERY


def key_of(tenant: TenantId) -> Key:
    """The row of a tenant's epoch."""
    return EPOCH.of(tenant, OF_OUTBOX)
