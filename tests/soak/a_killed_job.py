"""A host whose jobs are killed: a process that ends itself by SIGKILL around one of its commits.

python a_killed_job.py FOLDER begin            a person lives, others write, and both jobs are asked for
python a_killed_job.py FOLDER before|after N   runs the jobs, and is killed right before or right after its N-th commit
"""

import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import final

from wa_connector_sqlite import SqliteStorage

from wa_connector.model.address import number
from wa_connector.model.ids import OrganizationId
from wa_connector.ports.storage import Change, Outcome
from wa_connector.testing.forgetting_contract import live
from wa_connector.testing.host import ACCOUNT, ACME, ANA, CARLS_NUMBER, SUE, MemoryHost
from wa_connector.testing.through import ThroughStorage

OTHER = "+491701234567"
YEARS = timedelta(days=800)


@final
class Killed(ThroughStorage):
    def __init__(self, plain: SqliteStorage, moment: str, commit: int) -> None:
        super().__init__(plain)
        self._moment, self._left = moment, commit

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        self._left -= 1
        if not self._left and self._moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        outcomes = self.plain.commit(changes)
        if not self._left and self._moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return outcomes


def host_in(folder: Path, moment: str = "", commit: int = 0) -> MemoryHost:
    storage = Killed(SqliteStorage(folder / "wa.db"), moment, commit)
    return MemoryHost(storage=storage, owner=ANA, settings={"staff_may_restore": True})


def begin(folder: Path) -> None:
    host = host_in(folder)
    with host.connector() as connector:
        connector.sync_templates(ACME, ACCOUNT)
        live(host, connector)
        for turn in range(30):
            connector.handle_webhook(host.webhook(host.said(f"long ago {turn}", sender=[OTHER])))
        host.clock.advance(YEARS)
        connector.handle_webhook(host.webhook(host.said("just now", sender=[OTHER])))
        connector.set_setting(ACME, SUE, OrganizationId(ACME), "keep_messages", YEARS / 2)
        found = connector.find_customer(ACME, SUE, number(CARLS_NUMBER))
        assert found is not None
        assert connector.forget_customer(ACME, SUE, found.id, why="he asked for it").decision.is_allowed
        assert connector.retain(ACME, SUE).decision.is_allowed


def main(folder: str, moment: str, commit: str = "0") -> None:
    if moment == "begin":
        begin(Path(folder))
        return
    host = host_in(Path(folder), moment, int(commit))
    host.clock.advance(YEARS + timedelta(days=2))
    with host.connector() as connector:
        connector.run_jobs(ACME)


if __name__ == "__main__":
    main(*sys.argv[1:])
