"""Text to octets and back: nothing is changed on the way, and any octets can be read."""

import string

import gsmcodecs  # noqa: F401 - registers the codecs that ours is compared with
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wa_connector_sms import Alphabet, alphabet_of, decode, encode, transliterated
from wa_connector_sms.alphabet import DEFAULT, ESCAPE, EXTENSION, national_tables

quick = settings(max_examples=60, deadline=None)
OF_GSM = DEFAULT.replace("\x1b", "") + "".join(EXTENSION.values())


def gsm_texts(max_size: int = 400) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from(OF_GSM), max_size=max_size)


def any_texts(max_size: int = 400) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8"), max_size=max_size)


@quick
@given(gsm_texts())
def test_gsm_survives_the_way_out_and_back(text: str) -> None:
    assert alphabet_of(text) is Alphabet.GSM
    assert text == decode(encode(text, Alphabet.GSM), Alphabet.GSM)


@quick
@given(any_texts())
def test_ucs2_survives_the_way_out_and_back(text: str) -> None:
    assert text == decode(encode(text, Alphabet.UCS2), Alphabet.UCS2)


@quick
@given(gsm_texts())
def test_octets_are_those_of_an_independent_codec(text: str) -> None:
    assert encode(text, Alphabet.GSM) == text.encode("gsm23.038")


@given(st.binary(), st.sampled_from(Alphabet), st.integers(-1, 300), st.integers(-1, 300))
def test_any_octets_can_be_read(octets: bytes, alphabet: Alphabet, locking: int, single: int) -> None:
    assert len(decode(octets, alphabet, locking, single)) <= len(octets)


@pytest.mark.parametrize("char", ["`", "ç", "–", "…", "\t", "\u00a0", "\x1b", "\0", "😀"])
def test_one_character_more_makes_the_whole_message_ucs2(char: str) -> None:
    assert alphabet_of(f"Hello {char}") is Alphabet.UCS2
    with pytest.raises(UnicodeEncodeError, match="position 6"):
        encode(f"Hello {char}", Alphabet.GSM)


@pytest.mark.parametrize("char", ["§", "Ç", "€", "\f", "\n", "@", "~", "à"])
def test_what_looks_foreign_and_is_not(char: str) -> None:
    assert alphabet_of(char) is Alphabet.GSM


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"a\x1be", "a€"),
        (b"a\x1bz", "az"),
        (b"a\x1b\x1bb", "a b"),
        (b"a\x1b", "a"),
        (b"a\x1b\xff", "a\ufffd"),
        (b"\x80", "\ufffd"),
    ],
)
def test_an_escape_into_nowhere_is_passed_over(octets: bytes, text: str) -> None:
    """Source: 3GPP TS 23.038, 6.2.1.1, note 1 and the table's escape."""
    assert text == decode(octets, Alphabet.GSM)


def test_national_tables_are_those_of_an_independent_codec() -> None:
    """Every place of every table; there is none for Spanish to lock to."""
    tables = national_tables()
    assert {("single", n) for n in range(1, 14)} | {("locking", n) for n in range(1, 14) if n != 2} == set(tables)
    for (kind, language), table in tables.items():
        pair = f"{language}-0" if kind == "locking" else f"0-{language}"
        for place, char in table.items():
            if (kind, language, char) == ("single", 12, "€"):
                continue  # the releases of the standard differ here
            octets = bytes((place,)) if kind == "locking" else bytes((ESCAPE, place))
            assert char == octets.decode(f"gsm23.038-{pair}"), (kind, language, hex(place))
            named = {"locking": language} if kind == "locking" else {"single": language}
            assert char == decode(octets, Alphabet.GSM, **named)


def test_national_tables_leave_the_others_alone() -> None:
    assert decode(b"\x1be \x04", Alphabet.GSM, locking=1) == "€ €"
    assert decode(b"\x1bc", Alphabet.GSM, single=2) == "c"
    assert decode(b"\x1ba", Alphabet.GSM, single=2) == "á"


# --- as it is typed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("“Grüße” – ‘bye’…", "\"Grüße\" - 'bye'..."),
        ("a\u00a0b\tc", "a b c"),
        ("çedilla, ê, ő", "cedilla, e, o"),
        ("Ç, é, ü, §", "Ç, é, ü, §"),
        ("😀 日本", "😀 日本"),
    ],
)
def test_a_text_as_it_is_typed(text: str, typed: str) -> None:
    assert typed == transliterated(text)


@quick
@given(any_texts())
def test_typing_it_twice_is_typing_it_once(text: str) -> None:
    assert transliterated(text) == transliterated(transliterated(text))


@quick
@given(gsm_texts())
def test_what_fits_is_left_alone(text: str) -> None:
    assert text == transliterated(text)


def test_nothing_is_typed_that_does_not_fit() -> None:
    assert alphabet_of(transliterated("“Café” – crème brûlée… " + string.printable.replace("\x0b", ""))) is Alphabet.GSM
