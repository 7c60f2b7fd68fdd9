"""Reading replies: a word that is the whole message counts, and nothing else is guessed at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wa_connector.model.consent import Signal
from wa_connector.model.content import Button, ButtonReply, Buttons, Content, Image, MediaRef, Text, Unsupported
from wa_connector.policy import replies
from wa_connector.policy.replies import (
    ACCEPT_PAYLOAD,
    DECLINE_PAYLOAD,
    asks_for_help,
    is_near_miss,
    normalised,
    read_reply,
    words_of,
)
from wa_connector.testing.strategies import contents, texts

quick = settings(max_examples=60, deadline=None)
WORDS = Path(replies.__file__).parent / "words"
LOCALES = sorted(path.stem for path in WORDS.glob("*.txt"))
SAFEST_FIRST = ("stop", "no", "yes", "start", "help")


def claims(locale: str) -> Iterator[tuple[str, str]]:
    """The meanings and words of one file, read by this test itself."""
    for line in (WORDS / f"{locale}.txt").read_text(encoding="utf-8").splitlines():
        meaning, colon, words = line.partition(":")
        if colon and not line.startswith("#"):
            yield from ((meaning, word.strip()) for word in words.split(","))


EVERY_CLAIM = [(locale, meaning, word) for locale in LOCALES for meaning, word in claims(locale)]


def meaning_of(text: str) -> str | None:
    if asks_for_help(Text(text)):
        return "help"
    signal = read_reply(Text(text))
    return signal.value if signal else None


# --- the lists --------------------------------------------------------------------------------------------------------


def test_there_are_ten_locales() -> None:
    assert LOCALES == ["ar", "de", "en", "es", "fr", "hi", "id", "it", "nl", "pt"]


@pytest.mark.parametrize("locale", LOCALES)
def test_each_locale_has_the_five_meanings_once(locale: str) -> None:
    lines = (WORDS / f"{locale}.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(SAFEST_FIRST) == sorted(line.partition(":")[0] for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("locale", LOCALES)
def test_no_word_is_empty_too_long_or_written_twice(locale: str) -> None:
    words = [word for _, word in claims(locale)]
    assert all(normalised(word) for word in words)
    assert all(len(word) <= 40 for word in words)
    assert sorted(set(words)) == sorted(words)


@pytest.mark.parametrize("locale", LOCALES)
def test_each_word_of_a_locale_has_its_meaning_or_a_safer_one_that_another_claims(locale: str) -> None:
    for meaning, word in claims(locale):
        claimed = [other for _, other, same in EVERY_CLAIM if normalised(same) == normalised(word)]
        assert min(claimed, key=SAFEST_FIRST.index) == meaning_of(word), word
        assert SAFEST_FIRST.index(claimed[0]) >= 0
        assert meaning in claimed


@pytest.mark.parametrize("locale", LOCALES)
def test_within_a_locale_no_word_has_two_meanings(locale: str) -> None:
    """Two meanings may only come about between languages; within one it is a mistake of the file."""
    seen: dict[str, str] = {}
    for meaning, word in claims(locale):
        assert meaning == seen.setdefault(normalised(word), meaning), word


def test_every_file_is_read() -> None:
    assert {normalised(word) for _, _, word in EVERY_CLAIM} == set(replies._words())


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("yes: ok", "stop: ok", Signal.STOP),
        ("stop: ok", "yes: ok", Signal.STOP),
        ("start: ok", "help: ok", Signal.START),
    ],
)
def test_a_word_that_two_claim_belongs_to_the_safer_whichever_is_read_first(
    first: str, second: str, expected: Signal
) -> None:
    known: dict[str, Signal | str] = {}
    replies._read(first, known)
    replies._read(second, known)
    assert {"ok": expected} == known


def test_comments_and_slips_of_the_pen_claim_nothing() -> None:
    """An empty word would be claimed by every message of nothing but an emoji."""
    known: dict[str, Signal | str] = {}
    replies._read("# yes: ok\nmaybe: perhaps\n\nyes: a,, b, !,\nno:", known)
    assert known == {"a": Signal.YES, "b": Signal.YES}


# --- typed words ------------------------------------------------------------------------------------------------------

_EDGES = st.text(st.sampled_from(" \t\n\u00a0.,!?…¡¿\"'“”«»()*_-–👍🏽😀❤\ufe0f✅"), max_size=5)


@quick
@given(st.sampled_from(EVERY_CLAIM), st.sampled_from((str, str.upper, str.title, str.lower)), _EDGES, _EDGES)
def test_case_punctuation_emoji_and_space_around_a_word_do_not_matter(
    claim: tuple[str, str, str], spell: object, before: str, behind: str
) -> None:
    assert callable(spell)
    _, _, word = claim
    assert meaning_of(word) == meaning_of(f"{before}{spell(word)}{behind}")


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("YES", Signal.YES),
        ("Yes please!", Signal.YES),
        ("s\u00ed", Signal.YES),
        ("si\u0301", Signal.YES),
        ("SI", Signal.YES),
        ("ＳＴＯＰ", Signal.STOP),
        ("s t o p", None),
        ("Stop.", Signal.STOP),
        ("OPT  OUT", Signal.STOP),
        ("désinscription", Signal.STOP),
        ("desinscription", Signal.STOP),
        ("d'accord", Signal.YES),
        ("D\u2019accord", Signal.YES),
        ("beëindigen", Signal.STOP),
        ("aufhoren", Signal.STOP),
        ("हाँ", Signal.YES),
        ("हां!", Signal.YES),
        ("नहीं।", Signal.NO),
        ("रोको", Signal.STOP),
        ("إلغاء", Signal.STOP),
        ("الغاء", Signal.STOP),
        ("لا", Signal.NO),
        ("👍", None),
        ("...", None),
        ("", None),
    ],
)
def test_words_are_read_as_people_type_them(text: str, signal: Signal | None) -> None:
    assert signal is read_reply(Text(text))


@pytest.mark.parametrize(
    "text",
    [
        "no problem",
        "no, who are you?",
        "yes but not now",
        "please stop by tomorrow",
        "when do you start?",
        "stop sign",
        "nono",
        "yess",
        "end of the month",
        "ok see you",
        "n/a",
        "बद",  # "bad": it has the letters of बंद, "stop", without its sign
        "जा",  # "go": it has the letter of जी, "yes", with another vowel
        "न",
        "yes " * 11,
        "stop" + " " * 37,
        "STOP " + "👍" * 36,
    ],
)
def test_a_near_miss_says_nothing_about_consent(text: str) -> None:
    assert read_reply(Text(text)) is None


def test_a_word_in_a_long_message_is_not_looked_for() -> None:
    assert Signal.STOP is read_reply(Text("stop".ljust(40)))
    assert read_reply(Text("stop".ljust(41))) is None


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("\u05e9\u05b0", "\u05e9"),
        ("yes\ufe00", "yes"),
        ("yes\ufe0f", "yes"),
        ("a\u094d", "a\u094d"),
        ("\u00e9", "e"),
    ],
    ids=["a point of Hebrew", "the first variation", "a colour emoji's", "a virama", "an accent"],
)
def test_accents_and_variations_are_left_out_and_parts_of_letters_stay(written: str, compared: str) -> None:
    assert compared == normalised(written)


@quick
@given(texts())
@example("İ ß ﬀ Ǆ")
def test_normalising_is_done_at_once(text: str) -> None:
    once = normalised(text)
    assert once == " ".join(once.split())
    assert once == once.casefold() or "\u0345" in text


@quick
@given(texts(80))
def test_what_is_read_is_the_whole_message(text: str) -> None:
    """Whatever has a meaning is, normalised, a word of some list."""
    if meaning_of(text) is not None:
        assert normalised(text) in {normalised(word) for _, _, word in EVERY_CLAIM}


# --- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["HELP", "help!", "Hilfe", "aide", "मदद", "info"])
def test_help_is_asked_for_and_is_no_signal(text: str) -> None:
    assert asks_for_help(Text(text))
    assert read_reply(Text(text)) is None


@pytest.mark.parametrize("content", [Text("help me with my order"), Text("stop"), ButtonReply("HELP", "Help")])
def test_nothing_else_asks_for_help(content: Content) -> None:
    assert not asks_for_help(content)


# --- buttons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "title", "signal"),
    [
        (ACCEPT_PAYLOAD, "Yes, please write", Signal.ACCEPTED),
        (DECLINE_PAYLOAD, "No thanks", Signal.DECLINED),
        (ACCEPT_PAYLOAD, "No", Signal.ACCEPTED),
        (DECLINE_PAYLOAD, "Yes", Signal.DECLINED),
        ("STOP", "STOP", Signal.STOP),
        ("order:1", "Stop", Signal.STOP),
        ("order:1", "Order", None),
        (ACCEPT_PAYLOAD.upper(), "Order", None),
        ("", "", None),
        ("x", "Info", None),
    ],
)
def test_of_a_button_our_payload_counts_first_and_then_its_title(
    payload: str, title: str, signal: Signal | None
) -> None:
    assert signal is read_reply(ButtonReply(payload, title))


@quick
@given(contents())
def test_only_texts_and_taps_are_read(content: Content) -> None:
    if not isinstance(content, Text | ButtonReply):
        assert read_reply(content) is None
        assert not is_near_miss(content)
        assert words_of(content) == ""


@pytest.mark.parametrize(
    "content",
    [Unsupported("stop"), Image(MediaRef("image/png"), caption="stop"), Buttons("stop", (Button("stop", "stop"),))],
)
def test_a_word_elsewhere_is_not_an_answer(content: Content) -> None:
    assert read_reply(content) is None


def test_the_words_of_a_message_are_what_was_written_or_tapped() -> None:
    assert words_of(Text("No thanks")) == "No thanks"
    assert words_of(ButtonReply(DECLINE_PAYLOAD, "No")) == "No"


# --- what a person should look at -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("please stop this", True),
        ("no, who are you?", True),
        ("no problem", True),
        ("ja, aber", True),
        ("stop", False),
        ("help", False),
        ("I need help", False),
        ("tomorrow at nine", False),
        ("", False),
        ("stop this now please".ljust(40), True),
        ("stop this now please".ljust(41), False),
    ],
)
def test_a_short_text_that_holds_a_word_among_others_is_shown_to_a_person(text: str, is_one: bool) -> None:
    assert is_one is is_near_miss(Text(text))


@quick
@given(
    st.sampled_from(("yes", "no", "stop", "start", "help", "order", "please", "I"))
    .flatmap(lambda one: st.lists(st.sampled_from((one, "no", "thanks", "and", "STOP!")), max_size=4))
    .map(" ".join)
)
def test_a_message_is_an_answer_or_a_near_miss_and_never_both(text: str) -> None:
    assert not (is_near_miss(Text(text)) and (read_reply(Text(text)) or asks_for_help(Text(text))))
