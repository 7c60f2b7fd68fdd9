"""Payloads come back from their text as they were, and old text can still be read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from attrs import evolve, fields, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.errors import RowCorrupt
from wa_connector.model.consent import ChannelConsent, ConsentRecord, Evidence, Stage
from wa_connector.model.content import Content, Text
from wa_connector.model.conversation import Conversation, ConversationState
from wa_connector.model.event import ConversationOpened, Happening, MessageStatusChanged
from wa_connector.model.ids import ConversationId, CustomerId, LineId, MessageId, TenantId, UserId
from wa_connector.model.message import ByUser, Message, MessageStatus
from wa_connector.model.template import Template
from wa_connector.ports import codec, rows
from wa_connector.testing.samples import contents_of, sample
from wa_connector.testing.strategies import NOW, chains, consents, contents, instants, templates

quick = settings(max_examples=60, deadline=None)
MESSAGE = Message(
    MessageId("m"),
    ConversationId("c"),
    CustomerId("customer-1"),
    LineId("line-1"),
    NOW,
    ByUser(UserId("anna")),
    Text("Hello"),
    MessageStatus.QUEUED,
    NOW,
)


def there_and_back(value: Any, payload: Any) -> Any:
    return codec.decode(codec.encode(value, payload), payload)


@pytest.mark.parametrize("kind", rows.KINDS)
def test_every_kind_of_row_comes_back_as_it_was(kind: str) -> None:
    for number in range(24):
        value = sample(kind, TenantId("acme"), number).value
        assert value == there_and_back(value, rows.KINDS[kind].payload)


def test_contents_of_every_kind_come_back_as_they_were() -> None:
    known = contents_of("Grüße \ud83d", 7)
    assert set(get_args(Content)) == set(map(type, known))
    for content in known:
        assert content == there_and_back(content, Content)


@quick
@given(contents(), instants())
def test_every_message_comes_back_as_it_was(content: Content, at: datetime) -> None:
    message = evolve(MESSAGE, content=content, at=at)
    assert message == there_and_back(message, Message)


@quick
@given(chains(min_size=1, max_size=1))
def test_evidence_comes_back_as_it_was_sealed(chain: list[Evidence]) -> None:
    assert chain[0] == there_and_back(chain[0], Evidence)


@quick
@given(st.dictionaries(st.sampled_from(("whatsapp", "sms", "*")), consents()))
def test_consent_comes_back_as_it_was(channels: dict[str, ChannelConsent]) -> None:
    record = ConsentRecord(channels, 3, "head", (7, 2, "source"), (CustomerId("other"),))
    assert record == there_and_back(record, ConsentRecord)


@quick
@given(templates())
def test_a_template_comes_back_as_it_was(template: Template) -> None:
    assert template == there_and_back(template, Template)


# --- what is in the text ----------------------------------------------------------------------------------------------


def test_instants_are_whole_microseconds_and_enums_their_values() -> None:
    conversation = Conversation(
        ConversationId("c"), LineId("l"), CustomerId("k"), ConversationState.ENDED, NOW + timedelta(microseconds=1)
    )
    expected = {"id": "c", "line": "l", "customer": "k", "state": "ended", "opened_at": 1_772_366_400_000_001}
    assert expected == json.loads(codec.encode(conversation, Conversation))


def test_a_union_says_which_it_is() -> None:
    assert json.loads(codec.encode(MESSAGE, Message))["content"] == {"_type": "Text", "body": "Hello"}


@frozen
class Spans:
    span: timedelta
    at: datetime


@quick
@given(st.timedeltas(), instants())
def test_spans_and_instants_are_exact(span: timedelta, at: datetime) -> None:
    assert Spans(span, at) == there_and_back(Spans(span, at), Spans)
    assert UTC is there_and_back(Spans(span, at), Spans).at.tzinfo


@pytest.mark.parametrize("text", ["", "plain", "Grüße 你好 👍🏽", '\u2028 \x01 " \\', "half \ud83d", "\x7f"])
def test_any_text_is_kept_as_text_that_every_storage_can_hold(text: str) -> None:
    encoded = codec.encode(text, str)
    assert encoded.isascii()
    assert text == codec.decode(encoded, str)


# --- happenings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("happening", get_args(Happening), ids=lambda happening: happening.__name__)
def test_every_happening_can_be_told_apart(happening: Any) -> None:
    """Made of whatever its fields can hold."""
    value = st.builds(happening, **{each.name: instants() for each in fields(happening) if each.type is datetime})

    @settings(max_examples=10, deadline=None)
    @given(value)
    def comes_back(told: Happening) -> None:
        assert told == codec.decode_happening(codec.encode_happening(told))

    comes_back()


def test_a_happening_is_read_by_its_name() -> None:
    told = ConversationOpened(ConversationId("c"), CustomerId("k"), LineId("l"), by=None)
    assert json.loads(codec.encode_happening(told))["_type"] == "ConversationOpened"


def test_a_default_takes_no_room() -> None:
    changed = MessageStatusChanged(MessageId("m"), ConversationId("c"), MessageStatus.SENT)
    assert "code" not in json.loads(codec.encode_happening(changed))


# --- text of other versions -------------------------------------------------------------------------------------------


def test_text_of_an_older_version_gets_the_defaults_of_what_was_added() -> None:
    consent = codec.decode('{"conversation":"granted"}', ChannelConsent)
    assert ChannelConsent(Stage.GRANTED) == consent


def test_text_of_a_newer_version_can_be_read_as_far_as_it_is_known() -> None:
    consent = codec.decode('{"conversation":"granted","mood":"good"}', ChannelConsent)
    assert ChannelConsent(Stage.GRANTED) == consent


@pytest.mark.parametrize("text", ["", "{", '{"conversation":"no such stage"}'])
def test_what_the_codec_did_not_write_is_refused_rather_than_guessed_at(text: str) -> None:
    with pytest.raises(Exception):  # noqa: B017 - whatever the converter raises
        codec.decode(text, ChannelConsent)


@pytest.mark.parametrize(
    ("key", "is_named"),
    [(rows.CUSTOMER.of("acme", "c-1"), True), (rows.ADDRESS.of("acme", "", "number", "+16505551234"), False)],
)
def test_a_row_that_cannot_be_read_is_named_unless_its_key_is_personal(key: rows.Key, is_named: bool) -> None:
    """The error tells which row, and nothing that is in it."""
    with pytest.raises(RowCorrupt) as caught:
        codec.decode_row(key, "{+16505551234")
    assert caught.value.row.startswith(key.kind)
    assert ("c-1" in str(caught.value)) == is_named
    assert "1650" not in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "null", "7", '"granted"'])
def test_a_record_of_nothing_but_defaults_is_not_made_of_anything(text: str) -> None:
    """A damaged consent must not read as "never asked"."""
    with pytest.raises(ValueError, match="ConsentRecord"):
        codec.decode(text, ConsentRecord)
