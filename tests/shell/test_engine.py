"""The verbs and questions of a connector, as a host's screens use them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from wa_connector.direct.connector import Connector
from wa_connector.errors import RefusedError, UsageError
from wa_connector.model.content import Text
from wa_connector.model.decision import Reason, RemedyKind
from wa_connector.model.ids import AccountId, ContactId, ConversationId, LineId, MessageId, UserId
from wa_connector.model.template import TemplateStatus
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.host import (
    ACCOUNT,
    ACME,
    ANA,
    BEN,
    CARL,
    CARLS_NUMBER,
    GLOBEX,
    GUS,
    LINE,
    SUE,
    TEMPLATES,
    MemoryHost,
)

if TYPE_CHECKING:
    from tests.shell.conftest import Meddled

NOBODY, NO_THREAD, NO_LINE = UserId("nobody"), ConversationId("none"), LineId("none")


# --- contacts ---------------------------------------------------------------------------------------------------------


def test_a_contact_screen_has_an_entry_a_line(connector: Connector) -> None:
    """With what may be done now, and why not what may not."""
    (action,) = connector.contact_actions(ACME, ANA, CARL)
    assert (action.line, action.write.reason, action.ask.reason) == (LINE, Reason.CONSENT_NOT_ASKED, Reason.ALLOWED)


def test_a_channel_that_is_switched_off_is_absent(connect: Callable[..., Connector]) -> None:
    """What the organization has disabled is not shown at all; for nobody in it."""
    host = MemoryHost(switched_on=False)
    assert connect(host).contact_actions(ACME, ANA, CARL) == ()


def test_a_dead_contact_store_refuses_first_contact_as_retryable(
    connector: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    """Nothing else is hindered: a conversation that is there goes on."""
    host.contacts.down = True
    placed = connector.ask_consent(ACME, BEN, LINE, CARL)
    assert placed.decision.reason is Reason.CONTACTS_UNAVAILABLE
    assert [remedy.kind for remedy in placed.decision.remedies] == [RemedyKind.RETRY]
    assert connector.start(ACME, ANA, LINE, CARL).decision.reason is Reason.CONTACTS_UNAVAILABLE
    (action,) = connector.contact_actions(ACME, ANA, CARL)
    assert action.write.reason is Reason.CONTACTS_UNAVAILABLE
    assert connector.send(ACME, ANA, granted, Text("Hi")).is_taken


def test_without_a_contact_store_nobody_is_a_contact(connect: Callable[..., Connector]) -> None:
    """A host that has none can only answer."""
    host = MemoryHost(has_contacts=False)
    connector = connect(host)
    assert connector.ask_consent(ACME, ANA, LINE, CARL).decision.reason is Reason.NOT_A_CONTACT
    connector.handle_webhook(host.webhook(host.said("Hello")))
    (thread,) = connector.conversations(ACME, ANA, unassigned=True)
    assert connector.send(ACME, ANA, thread.id, Text("Hi")).is_taken


def test_starting_opens_the_thread(connector: Connector, granted: ConversationId) -> None:
    """Where something may be written, the user's own thread; or the refusal."""
    assert granted == connector.start(ACME, ANA, LINE, CARL).conversation
    refused = connector.start(ACME, ANA, LINE, ContactId("nobody"))
    assert (refused.is_taken, refused.decision.reason) == (False, Reason.NOT_A_CONTACT)


# --- conversations ----------------------------------------------------------------------------------------------------


def test_a_timeline_is_read_in_pages(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    """The newest first, each message once, whatever the size of the page; the last page says that it is."""
    for number in range(5):
        host.clock.advance(timedelta(seconds=1))
        connector.handle_webhook(host.webhook(host.said(f"Message {number}")))
    whole = connector.timeline(ACME, ANA, granted)
    page = connector.timeline(ACME, ANA, granted, limit=2)
    found = list(page.messages)
    while page.before:
        page = connector.timeline(ACME, ANA, granted, before=page.before, limit=2)
        found += page.messages
    assert list(whole.messages) == found
    assert sorted(found, key=lambda each: each.at, reverse=True) == found
    assert granted == whole.conversation.id


@pytest.mark.parametrize("cursor", ["x", "12", "x y", " "])
def test_a_made_up_cursor_is_refused(connector: Connector, granted: ConversationId, cursor: str) -> None:
    with pytest.raises(UsageError, match="cursor"):
        connector.timeline(ACME, ANA, granted, before=cursor)


@pytest.mark.parametrize("thread", ["granted", "none"])
def test_what_others_have_is_like_what_is_not_there(connector: Connector, granted: ConversationId, thread: str) -> None:
    """Every way to a conversation is closed with the same words."""
    wanted = granted if thread == "granted" else NO_THREAD
    assert connector.send(ACME, BEN, wanted, Text("Hi")).decision.reason is Reason.NOT_A_PARTICIPANT
    assert connector.composer(ACME, BEN, wanted).write.reason is Reason.NOT_A_PARTICIPANT
    for read in (connector.timeline, connector.customer):
        with pytest.raises(RefusedError, match="not part of this conversation"):
            read(ACME, BEN, wanted)


def test_a_supervisor_reads_every_conversation(connector: Connector, granted: ConversationId) -> None:
    assert granted == connector.timeline(ACME, SUE, granted).conversation.id
    assert connector.customer(ACME, SUE, granted).name == "Carl"
    assert connector.composer(ACME, SUE, granted).write.reason is Reason.NOT_A_PARTICIPANT


def test_a_composer_is_of_this_moment(connector: Connector, host: MemoryHost, granted: ConversationId) -> None:
    opened_at = host.clock.now
    assert opened_at + timedelta(hours=24) == connector.composer(ACME, ANA, granted).closes_at
    host.clock.advance(timedelta(hours=24))
    assert connector.composer(ACME, ANA, granted).write.reason is Reason.WINDOW_CLOSED


def test_the_inbox_has_the_latest_first(connector: Connector, host: MemoryHost) -> None:
    """A user's own threads, and those that nobody has yet; a thread moves up with every message."""
    for number in (1, 2):
        host.clock.advance(timedelta(seconds=1))
        connector.handle_webhook(host.webhook(host.said("Hello", sender=(f"+1650555000{number}",))))
    second, first = connector.conversations(ACME, ANA, unassigned=True)
    host.clock.advance(timedelta(seconds=1))
    connector.handle_webhook(host.webhook(host.said("Hello?", sender=("+16505550001",))))
    assert [first.id, second.id] == [each.id for each in connector.conversations(ACME, BEN, unassigned=True)]
    connector.send(ACME, ANA, first.id, Text("Hi")).or_raise()
    assert [second.id] == [each.id for each in connector.conversations(ACME, BEN, unassigned=True)]
    assert [first.id] == [each.id for each in connector.conversations(ACME, ANA)]
    assert connector.conversations(GLOBEX, GUS, unassigned=True) == ()


def test_the_customer_of_a_merged_record_is_the_one_who_stands_for_it(
    connector: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    """A thread that was begun with a record which was merged later is with the survivor."""
    connector.handle_webhook(host.webhook(host.said("Hello", sender=("bsuid:one",))))
    (other,) = connector.conversations(ACME, ANA, unassigned=True)
    connector.handle_webhook(host.webhook(host.said("It is I", sender=("bsuid:one", CARLS_NUMBER))))
    survivor = connector.customer(ACME, ANA, granted)
    assert other.customer == survivor.id
    assert survivor.merged_into is None


def test_what_a_reply_quotes_is_named_to_the_provider(
    connector: Connector, host: MemoryHost, granted: ConversationId
) -> None:
    """By the provider's id of the message; one of another conversation, or none, is a mistake of the caller's."""
    connector.handle_webhook(host.webhook(host.said("Which one?", id="in-77")))
    (quoted,) = [m for m in connector.timeline(ACME, ANA, granted).messages if m.provider_id == "in-77"]
    connector.send(ACME, ANA, granted, Text("This"), replies_to=quoted.id).or_raise()
    connector.dispatcher.run_once()
    assert [envelope.replies_to for envelope in host.transport.sent] == ["in-77"]
    connector.handle_webhook(host.webhook(host.said("Hello", sender=("+16505550009",))))
    (other,) = connector.conversations(ACME, ANA, unassigned=True)
    for thread, message in ((other.id, quoted.id), (granted, MessageId("none"))):
        with pytest.raises(UsageError, match="replies_to"):
            connector.send(ACME, ANA, thread, Text("This"), replies_to=message)


def test_a_line_that_is_gone_is_nobodys_conversation(
    connector: Connector, host: MemoryHost, granted: ConversationId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is back in the directory."""
    with monkeypatch.context() as patch:
        patch.setattr(host.directory, "line", MemoryDirectory().line)
        assert connector.send(ACME, ANA, granted, Text("Hi")).decision.reason is Reason.NOT_A_PARTICIPANT
    assert connector.send(ACME, ANA, granted, Text("Hi")).is_taken


# --- mistakes of the embedding code -----------------------------------------------------------------------------------


def test_an_unknown_user_is_a_mistake(connector: Connector, granted: ConversationId) -> None:
    """Every verb asks the directory first."""
    calls: list[Callable[[], object]] = [
        lambda: connector.contact_actions(ACME, NOBODY, CARL),
        lambda: connector.start(ACME, NOBODY, LINE, CARL),
        lambda: connector.send(ACME, NOBODY, granted, Text("Hi")),
        lambda: connector.conversations(ACME, NOBODY),
        lambda: connector.timeline(GLOBEX, ANA, granted),
    ]
    for call in calls:
        with pytest.raises(UsageError, match="no such user"):
            call()


def test_an_unknown_line_is_a_mistake(connector: Connector) -> None:
    with pytest.raises(UsageError, match="no such line"):
        connector.ask_consent(ACME, ANA, NO_LINE, CARL)


# --- templates, files, the log ----------------------------------------------------------------------------------------


def test_a_picker_shows_what_is_approved(connector: Connector, host: MemoryHost) -> None:
    """By name; a template that the provider no longer lists is not offered any more."""
    assert [each.name for each in connector.templates(ACME, ACCOUNT)] == ["hello", "opt_in", "sale"]
    host.transport.listed = list(TEMPLATES[:2])
    assert connector.sync_templates(ACME, ACCOUNT).gone == ("sale/en",)
    found = connector.templates(ACME, ACCOUNT)
    assert [(each.name, each.status) for each in found] == [
        ("hello", TemplateStatus.APPROVED),
        ("opt_in", TemplateStatus.APPROVED),
    ]


def test_an_unknown_account_is_a_mistake(connector: Connector) -> None:
    for call in (connector.templates, connector.sync_templates):
        with pytest.raises(UsageError, match="no account 'none'"):
            call(ACME, AccountId("none"))


def test_files_are_stored_and_read(host: MemoryHost) -> None:
    """Under their content; another tenant has no such file."""

    def chunks() -> Iterator[bytes]:
        yield from (b"pic", b"ture")

    with host.connector() as connector:
        media = connector.store_media(ACME, chunks(), "image/png", 100)
        assert (media.size, media.mime_type, media.is_stored) == (7, "image/png", True)
        stream = connector.read_media(ACME, media)
        assert stream is not None
        assert b"".join(stream) == b"picture"
        assert connector.read_media(GLOBEX, media) is None
        with pytest.raises(UsageError, match="larger"):
            connector.store_media(ACME, chunks(), "image/png", 6)


def test_the_log_is_read_behind_a_cursor(connector: Connector, host: MemoryHost) -> None:
    """Every event once, in its order, in pages of any size; another tenant's are not in it."""
    connector.handle_webhook(host.webhook(host.said("Hello"), host.said("STOP")))
    whole = connector.events(ACME)
    page = connector.events(ACME, limit=2)
    found = list(page.events)
    while page.events:
        page = connector.events(ACME, after=page.cursor, limit=2)
        found += page.events
    assert list(whole.events) == found
    assert connector.events(GLOBEX).events == ()


def test_a_question_commits_nothing(connector: Connector, storage: "Meddled") -> None:
    storage.commits.clear()
    connector.contact_actions(ACME, ANA, CARL)
    connector.templates(ACME, ACCOUNT)
    assert storage.commits == []
