"""Long messages: in parts and together again, in any order; no part too long, none ending where it should not."""

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from smpplib import gsm
from wa_connector_sms import Alphabet, Assembly, Header, Part, begun, decode, preview, segments, split_header
from wa_connector_sms.alphabet import DEFAULT, ESCAPE, EXTENSION
from wa_connector_sms.assembly import GAP
from wa_connector_sms.segments import Segment

from wa_connector.errors import UsageError

quick = settings(max_examples=60, deadline=None)
PLAIN = DEFAULT.replace("\x1b", "")
FAMILY = "👨‍👩‍👧‍👦"
PIECES = st.sampled_from(("Hello ", "€", "[x]", "é", "e\u0301", "😀", FAMILY, "日本", "\r\n", "🇩🇪", "a" * 50))


def texts() -> st.SearchStrategy[str]:
    """Short and long ones of either alphabet, with what may not be cut at every place where one cuts."""
    gsm_text = st.text(st.sampled_from(PLAIN + "".join(EXTENSION.values())), max_size=800)
    return gsm_text | st.lists(PIECES, max_size=120).map("".join) | st.text(st.characters(codec="utf-8"), max_size=400)


def part(segment: Segment, reference: int, *, wide: bool = False) -> Part:
    """What comes in where this goes out."""
    named = segment.header(reference, wide=wide)
    header, octets = split_header(named + segment.octets) if named else (Header(), segment.octets)
    return Part(header, segment.alphabet, octets)


# --- out --------------------------------------------------------------------------------------------------------------


@given(texts(), st.booleans())
def test_no_part_is_longer_than_it_may_be(text: str, wide: bool) -> None:
    cut = segments(text, wide=wide)
    for number, segment in enumerate(cut, start=1):
        units = len(segment.octets) if segment.alphabet is Alphabet.GSM else len(segment.octets) // 2
        header = len(segment.header(7, wide=wide))
        in_septets = units + -(-header * 8 // 7) if segment.alphabet is Alphabet.GSM else 0
        in_octets = 0 if segment.alphabet is Alphabet.GSM else len(segment.octets) + header
        assert in_septets <= 160
        assert in_octets <= 140
        assert (number, len(cut)) == (segment.number, segment.total)


@given(texts(), st.booleans())
def test_no_part_ends_inside_a_character(text: str, wide: bool) -> None:
    """Each can be read alone, and alone they read as they do together."""
    cut = segments(text, wide=wide)
    assert text == "".join(decode(segment.octets, segment.alphabet) for segment in cut)
    assert not any(s.alphabet is Alphabet.GSM and s.octets.endswith(bytes((ESCAPE,))) for s in cut)


@given(st.lists(PIECES, max_size=120).map("".join))
def test_no_part_ends_inside_a_grapheme(text: str) -> None:
    cut = segments(text)
    ends = {found.end() for found in regex.finditer(r"\X", text)}
    place = 0
    for segment in cut[:-1]:
        place += len(decode(segment.octets, segment.alphabet))
        assert place in ends


def test_a_grapheme_that_fills_a_part_is_cut_between_characters() -> None:
    """It cannot be avoided, and the text is whole on the other side."""
    text = "e" + "\u0301" * 200
    cut = segments(text)
    assert len(cut) == 3
    assert text == "".join(decode(segment.octets, segment.alphabet) for segment in cut)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("", [0]),
        ("a" * 160, [160]),
        ("a" * 161, [153, 8]),
        ("a" * 152 + "€" * 5, [152, 10]),
        ("€" * 80, [160]),
        ("€" * 81, [152, 10]),
        ("a" * 152 + "\r\n" + "a" * 10, [152, 12]),
        ("日" * 70, [140]),
        ("日" * 71, [134, 8]),
        ("日" * 66 + "😀" * 3, [132, 12]),
        ("日" * 60 + FAMILY + "日", [120, 24]),
    ],
)
def test_where_it_is_cut(text: str, sizes: list[int]) -> None:
    assert sizes == [len(segment.octets) for segment in segments(text)]


@quick
@given(st.text(st.sampled_from(PLAIN), max_size=1000))
def test_as_many_parts_as_an_independent_library_makes(text: str) -> None:
    """Of what it cuts rightly: septets without escapes, characters of one unit. It has the wrong place for two of them,
    and codes octet by octet: what a backtick becomes there does not matter to the number."""
    parts, _, _ = gsm.make_parts(text.replace("§", "a") or "a")
    assert len(parts) == len(segments(text))


@quick
@given(st.text("日本語", min_size=1, max_size=1000))
def test_as_many_parts_of_other_scripts(text: str) -> None:
    parts, _, _ = gsm.make_parts(text)
    assert len(parts) == len(segments(text))


def test_a_text_of_too_many_parts_is_refused() -> None:
    assert len(segments("a" * 153 * 255)) == 255
    with pytest.raises(UsageError, match="256 parts"):
        segments("a" * (153 * 255 + 1))


def test_half_a_character_is_refused() -> None:
    with pytest.raises(UsageError, match="character 2 is half of one"):
        segments("ab\ud83d")


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts", "units", "left", "culprits"),
    [
        ("", 1, 0, 160, ()),
        ("Hello", 1, 5, 155, ()),
        ("{}", 1, 4, 156, ()),
        ("a" * 161, 2, 161, 145, ()),
        ("Hello – ‘you’ –", 1, 15, 55, ("–", "‘", "’")),
        ("😀" * 36, 2, 72, 61, ("😀",)),
    ],
)
def test_what_a_text_costs(text: str, parts: int, units: int, left: int, culprits: tuple[str, ...]) -> None:
    found = preview(text)
    assert (parts, units, left, culprits) == (found.parts, found.units, found.left, found.culprits)


@quick
@given(texts())
def test_a_preview_says_what_is_sent(text: str) -> None:
    found, cut = preview(text), segments(text)
    assert (len(cut), cut[0].alphabet) == (found.parts, found.alphabet)
    assert found.left >= 0
    assert bool(found.culprits) is (found.alphabet is Alphabet.UCS2)


# --- in ---------------------------------------------------------------------------------------------------------------


@given(st.data(), texts(), st.integers(0, 70_000), st.booleans())
def test_parts_in_any_order_and_some_twice_are_the_text(
    data: st.DataObject, text: str, reference: int, wide: bool
) -> None:
    cut = segments(text, wide=wide)
    again = data.draw(st.lists(st.sampled_from(cut), max_size=5))
    came = [part(segment, reference, wide=wide) for segment in data.draw(st.permutations([*cut, *again]))]
    assembly = begun(came[0])
    for other in came[1:]:
        assert assembly.takes(other)
        assembly = assembly.with_part(other)
    assert assembly.is_complete
    assert text == assembly.text()


@pytest.mark.parametrize("cut_at", range(1, 24))
def test_a_character_that_a_gateway_cut_in_two_is_whole_again(cut_at: int) -> None:
    """Kannel and Jasmin cut UTF-16 in the middle of a pair."""
    octets = "ab😀日👍".encode("utf-16-be")
    first, second = octets[:cut_at], octets[cut_at:]
    parts = [Part(Header(1, False, 2, n), Alphabet.UCS2, found) for n, found in ((1, first), (2, second))]
    assert begun(parts[1]).with_part(parts[0]).text() == octets.decode("utf-16-be")


@given(st.data())
def test_what_never_came_is_marked(data: st.DataObject) -> None:
    cut = segments("abcdefghij" * 70)
    missing = data.draw(st.sets(st.sampled_from(range(len(cut))), min_size=1, max_size=len(cut) - 1))
    here = [segment for place, segment in enumerate(cut) if place not in missing]
    assembly = begun(part(here[0], 1))
    for segment in here[1:]:
        assembly = assembly.with_part(part(segment, 1))
    assert not assembly.is_complete
    expected = "".join(GAP if n in missing else decode(s.octets, s.alphabet) for n, s in enumerate(cut))
    while GAP * 2 in expected:
        expected = expected.replace(GAP * 2, GAP)
    assert expected == assembly.text()


def test_a_reference_that_comes_again_is_another_message() -> None:
    one, two = (segments(char * 200) for char in "ab")
    assembly = begun(part(one[0], 9))
    assert assembly.takes(part(one[0], 9))
    assert not assembly.takes(part(two[0], 9))
    assert not assembly.takes(part(segments("a" * 400)[1], 9))


def test_parts_of_two_alphabets_are_read_each_in_its_own() -> None:
    """A sender that picks the alphabet part by part."""
    parts = [
        Part(Header(1, False, 2, 1), Alphabet.GSM, b"Caf\x05 "),
        Part(Header(1, False, 2, 2), Alphabet.UCS2, "日".encode("utf-16-be")),
    ]
    assert begun(parts[0]).with_part(parts[1]).text() == "Café 日"


@pytest.mark.parametrize(
    ("octets", "header", "text"),
    [
        ("050003070201 4142", Header(7, False, 2, 1), "AB"),
        ("06080401070302 41", Header(0x107, True, 3, 2), "A"),
        ("03250103 41", Header(locking=3), "A"),
        ("06240101250102 41", Header(single=1, locking=2), "A"),
        ("0605040B8423F0 41", Header(), "A"),
        ("050003070203 41", Header(is_whole=False), "A"),
        ("050003070200 41", Header(is_whole=False), "A"),
        ("050003070000 41", Header(is_whole=False), "A"),
        ("0500030702", Header(is_whole=False), ""),
        ("0100 41", Header(is_whole=False), "A"),
        ("00 41", Header(), "A"),
        ("", Header(is_whole=False), ""),
    ],
)
def test_headers(octets: str, header: Header, text: str) -> None:
    assert (header, text.encode()) == split_header(bytes.fromhex(octets))


@given(st.binary(max_size=60))
def test_any_octets_have_a_header_and_a_text(octets: bytes) -> None:
    header, text = split_header(octets)
    assert octets.endswith(text)
    assert 1 <= header.number <= header.total <= 255
    assert isinstance(begun(Part(header, Alphabet.GSM, text)), Assembly)
