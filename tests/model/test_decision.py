"""A decision says in words what it is, in any language."""

from string import Formatter

import pytest

from wa_connector.model.decision import SENTENCES, Decision, Reason


def test_every_reason_has_a_sentence() -> None:
    assert set(Reason) == set(SENTENCES)


def test_a_decision_is_allowed_for_one_reason_only() -> None:
    assert [reason for reason in Reason if Decision(reason).is_allowed] == [Reason.ALLOWED]


def test_a_sentence_is_made_of_the_parameters() -> None:
    decision = Decision(Reason.CONTENT_TOO_LONG, (("length", 4097), ("limit", 4096)))
    assert decision.sentence == "The message has 4097 characters; 4096 are allowed."


def test_a_sentence_can_be_said_in_another_language_and_falls_back_to_english() -> None:
    catalogue = {Reason.CONTENT_EMPTY: "Die Nachricht ist leer."}
    assert Decision(Reason.CONTENT_EMPTY).say(catalogue) == "Die Nachricht ist leer."
    assert Decision(Reason.USER_DISABLED).say(catalogue) == "This user is disabled."


def test_a_parameter_is_text_and_never_a_format() -> None:
    decision = Decision(Reason.NO_TEMPLATES, (("channel", "{channel.__class__} {limit}"),))
    assert decision.sentence == "{channel.__class__} {limit} has no templates."


@pytest.mark.parametrize("reason", Reason)
def test_a_sentence_ends_and_names_its_parameters_plainly(reason: Reason) -> None:
    sentence = SENTENCES[reason]
    is_hosts = reason in (Reason.HOST_RULE, Reason.CONTENT_BLOCKED)
    assert sentence.endswith(".") or is_hosts, "only a host's own sentence is as the host wants it"
    fields = [field for _, field, _, _ in Formatter().parse(sentence) if field is not None]
    assert all(field.isidentifier() for field in fields)


def test_the_values_of_reasons_are_their_names_since_hosts_store_them() -> None:
    assert [reason.name.lower() for reason in Reason] == [reason.value for reason in Reason]
