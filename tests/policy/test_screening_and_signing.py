"""Screeners: any veto wins and says why. Names: before the words, where there are any."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.content import Button, Buttons, Content, Image, MediaRef, TemplateMessage, Text, Withheld
from wa_connector.model.decision import Reason, Remedy, RemedyKind
from wa_connector.model.opinion import Veto
from wa_connector.model.screening import Screened
from wa_connector.policy.screening import is_unscreened, judge_screening, kept
from wa_connector.policy.signing import signature, signed
from wa_connector.testing import strategies
from wa_connector.testing.host import NOON

quick = settings(max_examples=60, deadline=None)
SOON = NOON + timedelta(minutes=1)
NEVER, LATER, PAST = Veto("dlp", "No."), Veto("scanner", "Later."), Veto("old", "Was.", NOON)
LATER = Veto("scanner", "Later.", SOON)
MUCH_LATER = NOON + timedelta(hours=1)
PICTURE = MediaRef("image/png", "ab", 1)


@pytest.mark.parametrize(
    ("vetoes", "sentence", "remedy"),
    [
        ((NEVER,), "No.", Remedy(RemedyKind.CORRECT_CONTENT)),
        ((LATER, PAST), "Later.", Remedy(RemedyKind.WAIT, SOON)),
        ((LATER, NEVER), "No.", Remedy(RemedyKind.CORRECT_CONTENT)),
        ((Veto("a", "Much later.", MUCH_LATER), LATER), "Much later.", Remedy(RemedyKind.WAIT, MUCH_LATER)),
    ],
)
def test_any_veto_blocks_in_its_own_words(vetoes: tuple[Veto, ...], sentence: str, remedy: Remedy) -> None:
    decision = judge_screening(vetoes, NOON)
    assert decision is not None
    assert (Reason.CONTENT_BLOCKED, sentence, (remedy,)) == (decision.reason, decision.sentence, decision.remedies)


def test_without_a_veto_that_lasts_nothing_is_blocked() -> None:
    assert judge_screening((), NOON) is None
    assert judge_screening((PAST,), NOON) is None


def test_what_is_kept_of_a_customers_words() -> None:
    """What the screeners left of them, or who withheld them; and whether anybody decided that."""
    let_through, blocked = Screened(Text("a")), Screened(Text("a"), vetoes=(LATER, NEVER))
    unscreened = Screened(Text("a"), vetoes=(LATER,))
    assert Text("a") == kept(let_through)
    assert Withheld("dlp", "No.") == kept(blocked)
    assert Withheld("scanner", "Later.") == kept(unscreened)
    assert [is_unscreened(each) for each in (let_through, blocked, unscreened)] == [False, False, True]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (Text("Hi"), Text("Ana: Hi")),
        (Image(PICTURE, "Look"), Image(PICTURE, "Ana: Look")),
        (Image(PICTURE), Image(PICTURE)),
        (Text(""), Text("")),
        (Buttons("Well?", (Button("y", "Yes"),)), Buttons("Ana: Well?", (Button("y", "Yes"),))),
        (TemplateMessage("hello", "en", rendered="Hi"), TemplateMessage("hello", "en", rendered="Hi")),
    ],
)
def test_a_name_stands_before_the_words(content: Content, expected: Content) -> None:
    assert expected == signed(content, signature("{name}: ", "Ana"))


@quick
@given(strategies.contents())
def test_without_a_name_nothing_changes(content: Content) -> None:
    assert content == signed(content, signature("{name}: ", ""))


@quick
@given(st.text(), st.text(min_size=1))
def test_any_form_is_good(form: str, name: str) -> None:
    """An administrator's typing error breaks no message."""
    assert form.count("{name}") == 0 or name in signature(form, name)
