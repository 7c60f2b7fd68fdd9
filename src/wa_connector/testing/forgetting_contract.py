"""What forgetting a person promises, as a pytest suite that a storage plugin inherits. Needs pytest and hypothesis.

::

    class TestForgetting(ForgettingContract):
        @pytest.fixture
        def storage(self, tmp_path):
            return MineStorage(tmp_path / "file")

        def raw(self, storage) -> bytes: ...  # what stands in its files

A person lives through a script, everything that he says and is called by carrying a marker; then he is forgotten, and no
marker may stand anywhere.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

import pytest

from wa_connector.direct.connector import Connector
from wa_connector.errors import StorageUnavailable
from wa_connector.model.address import number
from wa_connector.model.content import Erased, Image, TemplateMessage, Text
from wa_connector.model.decision import Reason
from wa_connector.model.ids import ConversationId, CustomerId, TenantId
from wa_connector.model.job import JobState
from wa_connector.model.outbound import Accepted, OutcomeUnknown
from wa_connector.ports.codec import encode, encode_happening
from wa_connector.ports.rows import KINDS
from wa_connector.ports.storage import Change, Outcome, Scan, Storage
from wa_connector.testing.host import ACCOUNT, ACME, ANA, BEN, CARL, CARLS_NUMBER, LINE, SUE, MemoryHost
from wa_connector.testing.through import ThroughStorage

MARK: Final = "Zaphod"
"""In every text that is by, to or about the person."""
BSUID: Final = "US.91827364550011"
MARKERS: Final = (MARK, CARLS_NUMBER.removeprefix("+"), BSUID)
OTHER: Final = "+491701234567"


class Interrupted(ThroughStorage):
    """A storage that is away from the n-th commit on, once."""

    def __init__(self, plain: Storage) -> None:
        super().__init__(plain)
        self.left: int | None = None

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        if self.left is not None:
            if not self.left:
                raise StorageUnavailable("killed here, because the test says so")
            self.left -= 1
        return self.plain.commit(changes)

    def close(self) -> None:
        """Whoever made it closes it."""


class ForgettingContract:
    """Inherit it and give the fixture ``storage``, empty; override ``raw`` where there are files to look into."""

    @pytest.fixture
    def storage(self) -> Any:
        """The storage under test."""
        raise NotImplementedError("give your suite a fixture `storage`")

    def raw(self, storage: Any) -> bytes:  # noqa: ARG002 - for those who have files
        """What stands in the storage's files; nothing, where it has none."""
        return b""

    @pytest.fixture
    def host(self, storage: Any) -> MemoryHost:
        """A host over the storage."""
        return MemoryHost(storage=Interrupted(storage), owner=ANA, settings={"staff_may_restore": True})

    @pytest.fixture
    def face(self) -> str:
        """Under which face. What a storage promises depends on neither."""
        return "direct"

    @pytest.fixture
    def connector(self, host: MemoryHost, face: str) -> Iterator[Connector]:
        """A connector whose templates are there."""
        with host.connector(face) as connector:
            connector.sync_templates(ACME, ACCOUNT)
            yield connector

    # --- the promises -------------------------------------------------------------------------------------------------

    def test_nothing_that_names_a_person_is_left(self, storage: Any, host: MemoryHost, connector: Connector) -> None:
        """In no row, key, event or file; and what is others' is as it was."""
        live(host, connector)
        others = _said(host, connector, "I am somebody else", sender=[OTHER])
        assert all(marker in everything(storage) for marker in MARKERS), "the script plants what is looked for"
        assert forget(connector).state is JobState.DONE
        left = everything(storage)
        assert [marker for marker in MARKERS if marker in left] == []
        assert [marker for marker in MARKERS if marker.encode() in self.raw(storage)] == []
        assert [name for name, content in host.media.files.items() if MARK.encode() in content] == []
        assert "I am somebody else" in left
        assert connector.find_customer(ACME, SUE, number(OTHER)) is not None
        assert others == 1

    def test_the_evidence_verifies(self, host: MemoryHost, connector: Connector) -> None:
        """And an anchor that was given away before still fits."""
        live(host, connector)
        host.clock.advance(timedelta(hours=1))
        anchor = connector.anchor_evidence(ACME)
        host.clock.advance(timedelta(hours=1))
        forget(connector)
        checked = connector.verify_evidence(ACME)
        assert checked.holds
        assert checked.entries > anchor.entries
        assert connector.check_anchor(ACME, anchor)

    @pytest.mark.parametrize("comes", ["imported", "asked", "writing", "by another address"])
    def test_a_stop_holds_when_the_person_comes_again(self, host: MemoryHost, connector: Connector, comes: str) -> None:
        """By whatever way, until he takes it back himself."""
        live(host, connector)
        _said(host, connector, f"{MARK}", sender=[f"wa:{CARLS_NUMBER[1:]}", f"bsuid:{BSUID}"])
        _said(host, connector, "STOP")
        forget(connector)
        host.clock.advance(timedelta(days=2))
        if comes == "imported":
            recorded = connector.record_consent(ACME, ANA, LINE, CARL, given_at=host.clock.now, method="import")
            assert recorded.decision.reason is Reason.RESTORE_NEEDS_EVIDENCE
            return
        if comes == "asked":
            assert connector.ask_consent(ACME, ANA, LINE, CARL).decision.reason is Reason.CONSENT_REVOKED
            assert connector.start(ACME, ANA, LINE, CARL).decision.reason is Reason.CONSENT_REVOKED
            return
        again = f"bsuid:{BSUID}" if comes == "by another address" else CARLS_NUMBER
        _said(host, connector, "Hello again", sender=[again])
        thread = connector.conversations(ACME, ANA)[0]
        sent = connector.send(ACME, ANA, thread.id, Text("Buy this"))
        assert sent.decision.reason is Reason.CONSENT_REVOKED
        assert connector.verify_evidence(ACME).holds
        host.clock.advance(timedelta(minutes=1))
        _said(host, connector, "START", sender=[again])
        assert connector.send(ACME, ANA, thread.id, Text("Buy this")).decision.is_allowed

    def test_a_grant_does_not_outlive_him(self, host: MemoryHost, connector: Connector) -> None:
        """He is asked again like anybody."""
        live(host, connector)
        forget(connector)
        assert connector.start(ACME, ANA, LINE, CARL).decision.reason is Reason.CONSENT_NOT_ASKED

    def test_an_old_webhook_is_still_known(self, storage: Any, host: MemoryHost, connector: Connector) -> None:
        """A provider retries for days; what it brings again is not new."""
        webhook = host.webhook(host.said(f"{MARK} wrote this"))
        assert connector.handle_webhook(webhook).taken == 1
        forget(connector)
        again = connector.handle_webhook(webhook)
        assert (again.taken, again.known) == (0, 1)
        assert MARK not in everything(storage)

    def test_late_reports_bring_nothing_back(self, storage: Any, host: MemoryHost, connector: Connector) -> None:
        """Neither by our id nor by the provider's."""
        thread = live(host, connector)
        _said(host, connector, "Hello")
        connector.dispatcher.run_until_idle()
        sent = connector.send(ACME, ANA, thread, Text(f"{MARK}, your order")).or_raise()
        connector.dispatcher.run_once()
        number_of_it = f"out-{len(host.transport.sent)}"
        forget(connector)
        person = {"to": [CARLS_NUMBER, f"bsuid:{BSUID}"]}
        by_ours = host.reported("delivered", "unknown-to-us", message=sent.message, **person)
        by_theirs = host.reported("read", number_of_it, **person)
        connector.handle_webhook(host.webhook(by_ours, by_theirs))
        assert [marker for marker in MARKERS if marker in everything(storage)] == []
        statuses = [
            each.status.value for each in connector.timeline(ACME, SUE, thread).messages if each.id == sent.message
        ]
        assert statuses == ["read"]

    @pytest.mark.parametrize("outcome", [Accepted, OutcomeUnknown])
    def test_what_is_under_way_brings_nothing_back(
        self, storage: Any, host: MemoryHost, connector: Connector, outcome: type
    ) -> None:
        """A person may be forgotten while the provider is being called."""
        thread = live(host, connector)
        _said(host, connector, "Hello")
        connector.dispatcher.run_until_idle()
        connector.send(ACME, ANA, thread, Text(f"{MARK}, your order")).or_raise()

        def meanwhile(_: object) -> Any:
            with host.connector() as other:
                assert forget(other).state is JobState.DONE
            if outcome is OutcomeUnknown:
                return OutcomeUnknown("the line broke")
            return Accepted(f"wamid.{CARLS_NUMBER[1:]}", (number(CARLS_NUMBER),))  # type: ignore[arg-type]

        host.transport.answers.append(meanwhile)
        connector.dispatcher.run_once()
        assert [marker for marker in MARKERS if marker in everything(storage)] == []

    def test_what_was_queued_is_not_sent(self, host: MemoryHost, connector: Connector) -> None:
        """Nor what is held for the window."""
        thread = live(host, connector)
        _said(host, connector, "Hello")
        connector.dispatcher.run_until_idle()
        host.transport.sent.clear()
        connector.send(ACME, ANA, thread, Text("queued")).or_raise()
        forget(connector)
        host.clock.advance(timedelta(minutes=5))
        connector.dispatcher.run_until_idle()
        assert host.transport.sent == []
        contents = {type(each.content) for each in connector.timeline(ACME, SUE, thread, limit=500).messages}
        assert Text not in contents
        assert Erased in contents
        refused = connector.restart(ACME, ANA, thread)
        assert not refused.is_taken

    def test_a_long_life_takes_many_steps(self, storage: Any, host: MemoryHost, connector: Connector) -> None:
        """Each of them bounded; and what came from others in between stays."""
        for turn in range(3):
            said = [host.said(f"{MARK} says {turn} {place}") for place in range(60)]
            stray = [host.said(f"{MARK} strays {turn} {place}", line="nobody's") for place in range(60)]
            other = [host.said(f"other {turn}", sender=[OTHER]), host.said("other strays", sender=[OTHER], line="x")]
            waits = [host.reported("sent", f"nobody's {turn}", to=[OTHER])]
            connector.handle_webhook(host.webhook(*said, *stray, *other, *waits))
        job = connector.forget_customer(ACME, SUE, _customer(connector), why="asked for it").job
        steps: list[int] = []
        connector.run_jobs(ACME, told=lambda each: steps.append(each.looked_at))
        assert all(after - before <= 100 for before, after in zip([0, *steps], steps, strict=False))
        assert next(each for each in connector.jobs(ACME) if each.id == job).changed > 360
        left = everything(storage)
        assert MARK not in left
        waiting = [line for line in left.splitlines() if line.startswith("waiting ")]
        assert (left.count("other strays"), len(waiting)) == (3, 3)

    def test_a_killed_job_goes_on_where_it_was(self, storage: Any, host: MemoryHost, connector: Connector) -> None:
        """After whichever commit it was killed, and however often."""
        live(host, connector)
        door = host.storage
        assert isinstance(door, Interrupted)
        job = connector.forget_customer(ACME, SUE, _customer(connector), why="asked for it").job
        interruptions = 0
        while True:
            door.left = 1
            try:
                connector.run_jobs(ACME)
                break
            except StorageUnavailable:
                interruptions += 1
            finally:
                door.left = None
        assert interruptions > 3
        assert [marker for marker in MARKERS if marker in everything(storage)] == []
        (done,) = [each for each in connector.jobs(ACME) if each.id == job]
        assert (done.state, done.addresses) == (JobState.DONE, ())
        assert connector.verify_evidence(ACME).holds

    def test_a_hold_beats_it_until_it_ends(self, storage: Any, host: MemoryHost, connector: Connector) -> None:
        """The request is remembered, and done when the last hold is gone."""
        live(host, connector)
        customer = _customer(connector)
        hold = connector.place_hold(ACME, SUE, customer=customer, why="lawsuit 4711")
        ending = connector.place_hold(
            ACME, SUE, organization=_root(ACME), why="audit", until_at=host.clock.now + timedelta(days=1)
        )
        assert forget(connector).state is JobState.HELD
        assert MARK in everything(storage)
        connector.lift_hold(ACME, SUE, f"customer:{customer}", hold.id)
        assert connector.run_jobs(ACME)[0].state is JobState.HELD
        host.clock.advance(timedelta(days=2))
        assert connector.run_jobs(ACME)[0].state is JobState.DONE
        assert MARK not in everything(storage)
        (first, second) = sorted(connector.holds(ACME, SUE), key=lambda each: each.subject)
        assert (first.holds[0].lifted_by, second.holds[0].id) == (SUE, ending.id)

    def test_a_hold_that_comes_in_between_stops_it(self, storage: Any, host: MemoryHost, connector: Connector) -> None:
        """Before its next step."""
        live(host, connector)
        customer = _customer(connector)
        connector.forget_customer(ACME, SUE, customer, why="asked for it")
        (stopped,) = connector.run_jobs(ACME, is_stopping=_after(1))
        assert stopped.state is JobState.OPEN
        connector.place_hold(ACME, SUE, customer=customer, why="lawsuit")
        assert connector.run_jobs(ACME)[0].state is JobState.HELD
        assert MARK in everything(storage)

    def test_only_who_supervises_may(self, host: MemoryHost, connector: Connector) -> None:
        """And the same person again is the same job."""
        live(host, connector)
        customer = _customer(connector)
        assert connector.forget_customer(ACME, ANA, customer, why="?").decision.reason is Reason.NOT_A_SUPERVISOR
        assert connector.retain(ACME, BEN).decision.reason is Reason.NOT_A_SUPERVISOR
        first = connector.forget_customer(ACME, SUE, customer, why="asked")
        again = connector.forget_customer(ACME, SUE, customer, why="asked")
        assert (first.job, True) == (again.job, again.is_repeat)

    def test_whoever_was_merged_is_forgotten_with_him(
        self, storage: Any, host: MemoryHost, connector: Connector
    ) -> None:
        """All records of one person, whichever of them is named."""
        _said(host, connector, f"{MARK} by number", sender=[CARLS_NUMBER])
        _said(host, connector, f"{MARK} by user id", sender=[f"bsuid:{BSUID}"])
        _said(host, connector, "both", sender=[CARLS_NUMBER, f"bsuid:{BSUID}"])
        assert forget(connector).state is JobState.DONE
        assert [marker for marker in MARKERS if marker in everything(storage)] == []
        assert connector.verify_evidence(ACME).holds

    def test_a_file_that_another_shows_stays(self, host: MemoryHost, connector: Connector) -> None:
        """Files are stored once a tenant; the last who shows one takes it along."""
        thread = live(host, connector)
        _said(host, connector, "Hello")
        connector.dispatcher.run_until_idle()
        media = host.media.put(ACME, iter([b"a picture of both"]), "image/png", 100)
        _said(host, connector, "Hi", sender=[OTHER])
        others = next(each.id for each in connector.conversations(ACME, ANA) if each.id != thread)
        for each in (thread, others):
            assert connector.send(ACME, ANA, each, Image(media)).is_taken
        forget(connector)
        assert host.media.read(ACME, media) is not None
        forget(connector, OTHER)
        assert host.media.read(ACME, media) is None

    # --- retention ----------------------------------------------------------------------------------------------------

    def test_what_is_older_than_the_settings_say_goes(
        self, storage: Any, host: MemoryHost, connector: Connector
    ) -> None:
        """Kind by kind; what is younger, or on hold, stays."""
        live(host, connector)
        _said(host, connector, "old and held", sender=[OTHER])
        held = connector.find_customer(ACME, SUE, number(OTHER))
        assert held is not None
        hold = connector.place_hold(ACME, SUE, customer=held.id, why="lawsuit")
        host.clock.advance(timedelta(days=100))
        connector.dispatcher.run_until_idle()  # What was held for the window expires.
        _said(host, connector, "young")
        for name in ("keep_messages", "keep_quarantine", "keep_events"):
            assert connector.set_setting(ACME, SUE, _root(ACME), name, timedelta(days=60)).is_allowed
        requested = connector.retain(ACME, SUE, why="every night")
        assert connector.retain(ACME, SUE).job == requested.job
        (job,) = connector.run_jobs(ACME)
        assert (job.state, job.changed > 3) == (JobState.DONE, True)
        texts = messages_of(storage)
        assert ("old and held" in texts, "young" in texts, MARK in texts) == (True, True, False)
        assert connector.quarantine(ACME) == ()
        assert all(event.at >= host.clock.now - timedelta(days=60) for event in connector.events(ACME).events)
        assert connector.verify_evidence(ACME).holds
        connector.lift_hold(ACME, SUE, f"customer:{held.id}", hold.id)
        connector.retain(ACME, SUE)
        connector.run_jobs(ACME)
        assert "old and held" not in messages_of(storage)

    def test_pictures_may_go_before_their_words(self, host: MemoryHost, connector: Connector) -> None:
        """The file is gone, and the message says that there was one."""
        connector.handle_webhook(host.webhook(host.said(image="a picture")))
        connector.dispatcher.run_until_idle()
        assert len(host.media.files) == 1
        host.clock.advance(timedelta(days=10))
        connector.set_setting(ACME, SUE, _root(ACME), "keep_files", timedelta(days=5))
        connector.retain(ACME, SUE)
        connector.run_jobs(ACME)
        assert host.media.files == {}
        (thread,) = connector.conversations(ACME, ANA)
        contents = [each.content for each in connector.timeline(ACME, ANA, thread.id).messages]
        assert [each.media.is_stored for each in contents if isinstance(each, Image)] == [False]

    def test_a_killed_retention_goes_on(self, storage: Any, host: MemoryHost, connector: Connector) -> None:
        """And drops nothing that is young."""
        for turn in range(30):
            _said(host, connector, f"old {turn}")
        host.clock.advance(timedelta(days=100))
        _said(host, connector, "young")
        connector.set_setting(ACME, SUE, _root(ACME), "keep_messages", timedelta(days=60))
        connector.retain(ACME, SUE)
        door = host.storage
        assert isinstance(door, Interrupted)
        for _ in range(50):
            door.left = 1
            try:
                connector.run_jobs(ACME)
                break
            except StorageUnavailable:
                pass
            finally:
                door.left = None
        texts = messages_of(storage)
        assert ("old 3" in texts, "young" in texts) == (False, True)


# --- a person's life ----------------------------------------------------------------------------------------------------


def live(host: MemoryHost, connector: Connector) -> ConversationId:
    """Everything that may happen with one person, marked wherever there is room for words; his thread."""
    placed = connector.ask_consent(ACME, ANA, LINE, CARL).or_raise()
    connector.dispatcher.run_until_idle()
    host.clock.advance(timedelta(minutes=1))
    person: dict[str, Any] = {"sender": [CARLS_NUMBER, f"bsuid:{BSUID}"], "name": f"{MARK} Beeblebrox"}
    connector.handle_webhook(host.webhook(host.said("Yes", **person)))
    thread = placed.conversation
    assert thread is not None
    wrote = host.said(f"I am {MARK}", id=f"wamid.{CARLS_NUMBER[1:]}.1", **person)
    shown = host.said(image=f"a picture of {MARK}", **person)
    tapped = host.said(tap=("YES", f"Yes, {MARK}"), **person)
    chose = host.said(wants_marketing=False, **person)
    connector.handle_webhook(host.webhook(wrote, shown, tapped, chose))
    connector.dispatcher.run_until_idle()
    picture = host.media.put(ACME, iter([f"what {MARK} bought".encode()]), "image/png", 100)
    form = host.media.put(ACME, iter([f"signed by {MARK}".encode()]), "application/pdf", 100)
    connector.send(ACME, ANA, thread, Text(f"Hello {MARK}")).or_raise()
    connector.send(ACME, ANA, thread, Image(picture, f"for {MARK}")).or_raise()
    greeting = TemplateMessage("hello", "en", {"body.1": MARK})
    connector.send(ACME, ANA, thread, greeting).or_raise()
    connector.dispatcher.run_until_idle()
    connector.note(ACME, ANA, thread, f"{MARK} is difficult").or_raise()
    connector.transfer(ACME, ANA, thread, BEN, from_owner=ANA, note=f"{MARK} waits", stay=True).or_raise()
    connector.record_consent(
        ACME, ANA, LINE, CARL, given_at=host.clock.now, method="paper", text=f"{MARK} agrees", attachment=form
    )
    failed = {"error": "131000", "meaning": f"{MARK} could not be reached"}
    last = f"out-{len(host.transport.sent)}"
    connector.handle_webhook(host.webhook(host.reported("failed", last, to=[CARLS_NUMBER], **failed)))
    waits = host.reported("delivered", f"never-seen.{CARLS_NUMBER[1:]}", to=[CARLS_NUMBER])
    stray = host.said(f"{MARK} strays", line="nobody's", **person)
    connector.handle_webhook(host.webhook(waits, stray))
    host.clock.advance(timedelta(hours=30))
    connector.send(ACME, ANA, thread, Text(f"{MARK}, we wait for you"), hold=True).or_raise()
    return thread


def forget(connector: Connector, address: str = CARLS_NUMBER) -> Any:
    """Ask for it, and run the jobs; the job as it is then."""
    requested = connector.forget_customer(ACME, SUE, _customer(connector, address), why="he asked for it")
    assert requested.decision.is_allowed
    return next(job for job in connector.run_jobs(ACME) if job.id == requested.job)


def everything(storage: Storage) -> str:
    """All rows, keys and events of the tenant, as text."""
    texts: list[str] = []
    for kind in KINDS.values():
        after = None
        while True:
            page = storage.scan(Scan(kind.name, "key", (ACME,), 500, after))
            for key, row in page.rows:
                payload = encode(row.value, kind.payload) if row.version else ""
                texts.append(f"{kind.name} {json.dumps(key.parts)} {payload}")
            if page.next is None:
                break
            after = page.next
    cursor = ""
    while (log := storage.events_after(ACME, cursor, 500)).events:
        texts += (encode_happening(event.happening) for event in log.events)
        cursor = log.cursor
    return "\n".join(texts)


def messages_of(storage: Storage) -> str:
    """All messages of the tenant, as text."""
    return "\n".join(line for line in everything(storage).splitlines() if line.startswith("message "))


def _said(host: MemoryHost, connector: Connector, text: str, **more: Any) -> int:
    return connector.handle_webhook(host.webhook(host.said(text, **more))).taken


def _customer(connector: Connector, address: str = CARLS_NUMBER) -> CustomerId:
    found = connector.find_customer(ACME, SUE, number(address))
    assert found is not None
    return found.id


def _root(tenant: TenantId) -> Any:
    return tenant


def _after(steps: int) -> Callable[[], bool]:
    """Says stop once it was asked so often."""
    asked = iter(range(steps))
    return lambda: next(asked, None) is None


__all__ = ["ForgettingContract", "everything", "forget", "live"]
