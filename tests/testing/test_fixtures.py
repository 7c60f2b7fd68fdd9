"""What a project gets that opts in to the fixtures: in a project of its own, as it would write it."""

import subprocess
import sys
from pathlib import Path

CONFTEST = 'pytest_plugins = ["wa_connector.testing.fixtures"]\n'
TESTS = """
import pytest
from wa_connector import Veto, hookimpl
from wa_connector.model.content import Text
from wa_connector.model.decision import Reason
from wa_connector.testing.host import CARL
from wa_connector.testing.memory import MemoryStorage
from wa_connector.testing.story import Happened, Kind


def test_a_webhook(wa_host, wa_connector):
    assert wa_connector.handle_webhook(wa_host.webhook(wa_host.said("Hello"))).taken == 1


def test_time_is_the_tests_own(wa_clock, wa_host, wa_connector):
    before = wa_clock()
    assert wa_clock.advance(hours=24) - before == wa_clock() - before
    assert wa_host.clock is wa_clock


class TestOwn:
    made = []

    class Never:
        @hookimpl
        def wa_veto(self, question):
            return Veto("never", "Not on my watch.")

    @pytest.fixture
    def wa_storage(self, wa_clock):
        self.made.append(MemoryStorage(clock=wa_clock))
        return self.made[-1]

    @pytest.fixture
    def wa_plugins(self):
        return [self.Never()]

    def test_the_others_use_what_is_overridden(self, wa_game, wa_storage):
        now = wa_game.clock.now
        wa_game.hears(CARL, Happened(Kind.WROTE, now, now, "1"))
        assert wa_game.writes(CARL, Text("Hello")).decision.reason is Reason.HOST_RULE
        assert wa_game.host.storage is wa_storage
        assert self.made == [wa_storage]
"""


def test_a_project_opts_in(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(TESTS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed" in done.stdout, done.stdout
