"""What holds for all values: frozen, comparable, picklable, and silent about what people wrote."""

import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given, settings

from wa_connector.model.consent import (
    EVERY_CHANNEL,
    NO_CONSENT,
    NO_EVIDENCE,
    ChannelConsent,
    ConsentRecord,
    Evidence,
    Personal,
    Purpose,
    Stage,
)
from wa_connector.model.contact import Contact
from wa_connector.model.content import (
    Buttons,
    Content,
    Image,
    MediaRef,
    TemplateMessage,
    Text,
)
from wa_connector.model.customer import Customer
from wa_connector.model.ids import (
    ContactId,
    ConversationId,
    CustomerId,
    LineId,
    MessageId,
    ProviderId,
    UserId,
)
from wa_connector.model.inbound import InboundMessage, InboundStatus, Report, Sender, Unreadable
from wa_connector.model.message import (
    Author,
    ByCustomer,
    BySystem,
    ByUser,
    Message,
    MessageStatus,
    NoticeKind,
)
from wa_connector.model.outbound import Accepted, Envelope
from wa_connector.model.queue import EntryState, OutboxEntry, Work
from wa_connector.model.standing import Standing
from wa_connector.testing.strategies import NOW, contents, evidence, numbers, standings

quick = settings(max_examples=40, deadline=None)
HUSH = "hush-hush-4930"
ANYBODY = Sender((), name=HUSH)


@pytest.mark.parametrize(
    "value",
    [
        Text(HUSH),
        Image(MediaRef("image/png", provider_ref=HUSH), caption=HUSH),
        Buttons(HUSH, ()),
        TemplateMessage("welcome", "en", {"body.1": HUSH}, {"0": HUSH}, rendered=HUSH),
        Personal(HUSH, HUSH, HUSH, HUSH),
        Customer(CustomerId("c"), NOW, name=HUSH),
        Contact(ContactId("c"), HUSH, ()),
        ANYBODY,
        InboundMessage(ProviderId(HUSH), NOW, ANYBODY, Text(HUSH), replies_to=ProviderId(HUSH)),
        InboundStatus(ProviderId(HUSH), NOW, Report.SENT, recipient=ANYBODY),
        Unreadable("not understood", raw=HUSH),
        Accepted(ProviderId(HUSH)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_repr_tells_nothing_that_a_person_wrote_or_is_known_by(value: object) -> None:
    """A log line or a traceback shows values by their repr."""
    assert HUSH not in repr(value)


@quick
@given(contents())
def test_contents_are_values(content: Content) -> None:
    assert content == pickle.loads(pickle.dumps(content))
    assert content == attrs.evolve(content)


@quick
@given(standings())
def test_standings_are_values(standing: Standing) -> None:
    assert standing == pickle.loads(pickle.dumps(standing))


@quick
@given(evidence())
def test_evidence_is_a_value(entry: Evidence) -> None:
    assert entry == pickle.loads(pickle.dumps(entry))


@pytest.mark.parametrize("value", [Text("Hello"), NO_CONSENT, NO_EVIDENCE, Sender(()), ByCustomer()])
def test_a_value_cannot_be_changed(value: Any) -> None:
    for name in (*(field.name for field in attrs.fields(type(value))), "other"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, name, 1)


@quick
@given(numbers())
def test_an_envelope_does_not_tell_whom_it_goes_to(to: Any) -> None:
    envelope = Envelope(MessageId("m"), to, Text(HUSH), replies_to=ProviderId(HUSH))
    assert to.value not in repr(envelope)
    assert HUSH not in repr(envelope)


# --- small questions that values answer ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media", "is_stored"),
    [
        (MediaRef("image/png"), False),
        (MediaRef("image/png", provider_ref="1"), False),
        (MediaRef("image/png", sha256="ab" * 32), False),
        (MediaRef("image/png", size=1), False),
        (MediaRef("image/png", sha256="ab" * 32, size=1), True),
    ],
)
def test_a_file_is_stored_once_its_hash_and_size_are_known(media: MediaRef, is_stored: bool) -> None:
    assert is_stored is media.is_stored


@pytest.mark.parametrize(
    ("author", "is_inbound"),
    [(ByCustomer(), True), (ByUser(UserId("anna")), False), (BySystem(NoticeKind.HELP, "cause-1"), False)],
)
def test_inbound_is_what_a_customer_wrote(author: Author, is_inbound: bool) -> None:
    message = Message(
        MessageId("m"),
        ConversationId("c"),
        CustomerId("customer-1"),
        LineId("line-1"),
        NOW,
        author,
        Text(HUSH),
        MessageStatus.QUEUED,
        NOW,
        provider_id=ProviderId(HUSH),
        replies_to=ProviderId(HUSH),
    )
    assert is_inbound is message.is_inbound
    assert HUSH not in repr(message)


@pytest.mark.parametrize("state", EntryState)
def test_what_is_held_or_parked_is_out_of_the_queue(state: EntryState) -> None:
    entry = OutboxEntry(MessageId("m"), LineId("l"), CustomerId("c"), Work.SEND, state, NOW, NOW)
    assert (state not in {EntryState.HELD, EntryState.PARKED}) == entry.is_queued


GRANTED = ChannelConsent(conversation=Stage.GRANTED, marketing=Stage.DECLINED)
REVOKED = ChannelConsent(Stage.REVOKED, Stage.REVOKED)


def test_a_consent_has_a_stage_a_purpose() -> None:
    stages = [GRANTED.stage(Purpose.CONVERSATION), GRANTED.stage(Purpose.MARKETING)]
    assert stages == [Stage.GRANTED, Stage.DECLINED]


@pytest.mark.parametrize(
    ("channels", "consent"),
    [
        ({}, NO_CONSENT),
        ({"whatsapp": GRANTED}, NO_CONSENT),
        ({"sms": GRANTED}, GRANTED),
        ({EVERY_CHANNEL: REVOKED}, REVOKED),
        ({EVERY_CHANNEL: REVOKED, "sms": GRANTED}, GRANTED),
    ],
)
def test_the_consent_on_a_channel_is_its_own_or_that_of_all_channels(
    channels: dict[str, ChannelConsent], consent: ChannelConsent
) -> None:
    assert consent == ConsentRecord(channels).on("sms")
