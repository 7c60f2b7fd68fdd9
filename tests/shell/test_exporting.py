"""An export holds all of its extent and nothing else, survives being killed, and can be checked by somebody else."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from wa_connector import Connector, CustomerId, RefusedError, UsageError, number, verify_export
from wa_connector.errors import StorageUnavailable
from wa_connector.model.message import Author, ByApp, ByCustomer, BySystem, ByUser, NoticeKind
from wa_connector.ports.storage import COMMITTED, Change, Put, Scan
from wa_connector.testing.forgetting_contract import MARK, OTHER, live
from wa_connector.testing.host import ACCOUNT, ACME, ANA, BEN, CARLS_NUMBER, GLOBEX, GUS, SUE, MemoryHost


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost(owner=ANA)


@pytest.fixture(params=["direct", "aio"])
def connector(host: MemoryHost, request: pytest.FixtureRequest) -> Iterator[Connector]:
    with host.connector(request.param) as connector:
        connector.sync_templates(ACME, ACCOUNT)
        yield connector


def customer(connector: Connector, address: str = CARLS_NUMBER) -> CustomerId:
    found = connector.find_customer(ACME, SUE, number(address))
    assert found is not None
    return found.id


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for place in sorted(folder.glob("*.jsonl")) for line in place.read_text().splitlines()]


def said(host: MemoryHost, connector: Connector, text: str, **more: Any) -> None:
    connector.handle_webhook(host.webhook(host.said(text, **more)))


def test_all_of_a_customer_and_nothing_of_others(host: MemoryHost, connector: Connector, tmp_path: Path) -> None:
    live(host, connector)
    said(host, connector, "somebody else", sender=[OTHER])
    done = connector.export(ACME, SUE, tmp_path / "out", customer=customer(connector))
    found = lines(tmp_path / "out")
    assert {"customer", "evidence", "message"} == {line["kind"] for line in found}
    assert (done.customers, done.messages) == (1, sum(line["kind"] == "message" for line in found))
    (page,) = (tmp_path / "out").glob("*.html")
    text = page.read_text()
    assert (f"I am {MARK}" in text, '<html lang="en">' in text, '<img src="files/' in text) == (True, True, True)
    assert "somebody else" not in text + json.dumps(found)
    assert len(list((tmp_path / "out" / "files").iterdir())) == 2
    assert verify_export(tmp_path / "out") == ()


def test_what_people_wrote_is_no_markup(host: MemoryHost, connector: Connector, tmp_path: Path) -> None:
    said(host, connector, '<script>alert(1)</script> "&', name="<b>Bold</b>")
    connector.export(ACME, SUE, tmp_path / "out")
    (page,) = (tmp_path / "out").glob("*.html")
    assert ("<script>" in page.read_text(), "<b>" in page.read_text()) == (False, False)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &quot;&amp;" in page.read_text()


@pytest.mark.parametrize(
    ("author", "named"),
    [
        (ByCustomer(), "<strong>Carl</strong>"),
        (ByUser(ANA), "<strong>ana</strong>"),
        (ByApp(), "<strong>The business, in the provider&#x27;s app</strong>"),
        (BySystem(NoticeKind.HELP, "cause"), "<strong>System</strong>"),
    ],
)
def test_every_entry_names_who_wrote_it(
    host: MemoryHost, connector: Connector, tmp_path: Path, author: Author, named: str
) -> None:
    """What somebody typed in the provider's own app is the business's word, and not the system's."""
    said(host, connector, "Hello", name="Carl")
    ((key, row),) = host.storage.scan(Scan("message", "key", (ACME,), 10)).rows
    written = Put(key, evolve(row.value, author=author))
    assert list(host.storage.commit([Change(ACME, host.clock.now, {key: row.version}, puts=(written,))])) == [COMMITTED]
    connector.export(ACME, SUE, tmp_path / "out")
    (page,) = (tmp_path / "out").glob("*.html")
    assert named in page.read_text()


def test_a_period_and_a_user(host: MemoryHost, connector: Connector, tmp_path: Path) -> None:
    said(host, connector, "before")
    (thread,) = connector.conversations(ACME, ANA)
    host.clock.advance(timedelta(hours=1))
    since_at = host.clock.now
    said(host, connector, "within")
    host.clock.advance(timedelta(hours=1))
    connector.transfer(ACME, ANA, thread.id, BEN, from_owner=ANA).or_raise()
    host.clock.advance(timedelta(hours=1))
    said(host, connector, "after")

    def words(folder: str, **extent: Any) -> list[str]:
        connector.export(ACME, SUE, tmp_path / folder, **extent)
        found = (line["value"]["content"].get("body") for line in lines(tmp_path / folder) if line["kind"] == "message")
        return [word for word in found if word]

    assert words("period", since_at=since_at, until_at=since_at + timedelta(minutes=30)) == ["within"]
    assert words("ana", of_user=ANA) == ["before", "within"]
    assert words("ben", of_user=BEN) == ["after"]
    assert words("all") == ["before", "within", "after"]


def test_a_killed_export_goes_on(
    host: MemoryHost, connector: Connector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is finished is not read again, and without a manifest nobody takes it for complete."""
    for place in range(5):
        said(host, connector, f"number {place}", sender=[f"+4930{place:06}"])
    scan, left = host.storage.scan, [4]

    def killed(wanted: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise StorageUnavailable("killed here")
        return scan(wanted)

    monkeypatch.setattr(host.storage, "scan", killed)
    with pytest.raises(StorageUnavailable):
        connector.export(ACME, SUE, tmp_path / "out")
    before = {place.name: place.stat().st_mtime_ns for place in (tmp_path / "out").glob("*.jsonl")}
    assert 0 < len(before) < 5
    with pytest.raises(UsageError, match="not finished"):
        verify_export(tmp_path / "out")
    monkeypatch.undo()
    seen: list[int] = []
    assert connector.export(ACME, SUE, tmp_path / "out", told=seen.append).customers == 5
    assert seen == [1, 2, 3, 4, 5]
    assert before == {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in before}
    assert verify_export(tmp_path / "out") == ()


def test_whatever_is_changed_afterwards_is_found(host: MemoryHost, connector: Connector, tmp_path: Path) -> None:
    for address in (CARLS_NUMBER, OTHER):
        said(host, connector, "Hello", sender=[address])
    connector.export(ACME, SUE, tmp_path / "out")
    one, two = sorted((tmp_path / "out").glob("*.jsonl"))
    one.write_text(one.read_text().replace("Hello", "Hallo"))
    two.unlink()
    (tmp_path / "out" / "added.html").write_text("x")
    found = {problem.partition(":")[0] for problem in verify_export(tmp_path / "out")}
    assert found == {"changed", "missing", "not of this export"}


def test_a_tenant_exports_its_own_and_only_who_supervises(
    host: MemoryHost, connector: Connector, tmp_path: Path
) -> None:
    said(host, connector, "Hello")
    for tenant, user in ((ACME, ANA), (GLOBEX, GUS)):
        with pytest.raises(RefusedError):
            connector.export(tenant, user, tmp_path / "never")
    assert not (tmp_path / "never").exists()
    with pytest.raises(UsageError, match="no such customer"):
        connector.export(ACME, SUE, tmp_path / "nobody", customer=CustomerId("c"))


def test_another_folder_is_not_written_into(host: MemoryHost, connector: Connector, tmp_path: Path) -> None:
    said(host, connector, "Hello")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        connector.export(ACME, SUE, tmp_path / "mine")
    connector.export(ACME, SUE, tmp_path / "out")
    with pytest.raises(UsageError, match="another export"):
        connector.export(ACME, SUE, tmp_path / "out", of_user=ANA)
