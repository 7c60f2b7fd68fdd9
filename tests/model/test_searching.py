"""The words by which a text is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wa_connector.model.searching import LONGEST_WORD, MOST_WORDS, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("Does it come in Red? It does!", ("come", "does", "in", "it", "red")),
        ("snake_case e-mail 24h", ("24h", "case", "e", "mail", "snake")),
        ("Größe Ärger ＡＢＣ ﬁx", ("abc", "arger", "fix", "grosse")),
        ("東京 ok カナ", ("ok", "カ", "ナ", "京", "東")),
        ("x" * 50, ("x" * LONGEST_WORD,)),
    ],
)
def test_words(text: str, words: tuple[str, ...]) -> None:
    assert words == words_of(text)


@given(st.text(st.characters(codec="ascii")))
def test_plain_texts_are_read_as_all_others(text: str) -> None:
    """A sign that is no part of any word takes the long way, and changes nothing."""
    assert words_of(f"{text} →") == words_of(text)


@given(st.text())
def test_what_is_found_finds_itself(text: str) -> None:
    """Words are words already; sorted, each once, no longer and no more than is kept."""
    words = words_of(text)
    assert list(words) == sorted(set(words))
    assert all(len(word) <= LONGEST_WORD for word in words)
    assert words_of(" ".join(words)) == words


def test_a_long_text_is_known_by_its_first_words() -> None:
    assert len(words_of(" ".join(map(str, range(2 * MOST_WORDS))))) == MOST_WORDS
