"""Cards as real address books write them, held against vobject where that can read them."""

import logging
from collections.abc import Iterator

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st
from wa_connector_contacts.vcard import Card, cards

ANDROID = """BEGIN:VCARD\r
VERSION:2.1\r
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg;;;\r
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg =\r
M=C3=BCller\r
TEL;CELL;PREF:0151 23456789\r
TEL;X-Handy:+49 30 12345\r
PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD\r
 /2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsK=\r
\r
END:VCARD\r
"""
IPHONE = """BEGIN:VCARD\r
VERSION:3.0\r
PRODID:-//Apple Inc.//iOS 18//EN\r
N:Garcia\\, Jr.;Ana María;de los;Dr.;\r
FN:Dr. Ana María de los Garcia\\, Jr.\r
ORG:Acme\\; Sons;Sales;\r
item1.TEL;type=pref:+52 1 55 1234 5678\r
item1.X-ABLabel:_$!<Work>!$_\r
TEL;type=CELL;type=VOICE:(030) 123-\r
 456\r
UID:E4F1-22\r
END:VCARD\r
"""
VERSION_4 = """BEGIN:VCARD
VERSION:4.0
FN:Zoë Łukasz
TEL;VALUE=uri;TYPE="voice,cell";PREF=1:tel:+1-212-555-0123;ext=5
TEL;TYPE="a:b;c":+44 20 7946 0018
LANG;PREF=1:de
UID:urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1
END:VCARD
"""
NESTED = """BEGIN:VCARD
VERSION:2.1
FN:Boss
AGENT:
BEGIN:VCARD
VERSION:2.1
FN:Secretary
TEL:+49305
END:VCARD
TEL:+49306
END:VCARD
"""
SAMPLES = (ANDROID, IPHONE, VERSION_4, NESTED)


def read(text: str) -> list[Card]:
    return list(cards(text.encode()))


@pytest.mark.parametrize(
    ("text", "card"),
    [
        (ANDROID, ("Jörg Müller", ("0151 23456789", "+49 30 12345"), "", "")),
        (
            IPHONE,
            (
                "Dr. Ana María de los Garcia, Jr.",
                ("+52 1 55 1234 5678", "(030) 123-456"),
                "E4F1-22",
                "",
            ),
        ),
        (
            VERSION_4,
            (
                "Zoë Łukasz",
                ("tel:+1-212-555-0123;ext=5", "+44 20 7946 0018"),
                "urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1",
                "de",
            ),
        ),
        (NESTED, ("Boss", ("+49306",), "", "")),
    ],
)
def test_cards_of_all_versions(text: str, card: tuple[str, tuple[str, ...], str, str]) -> None:
    (found,) = read(text)
    assert (found.name, found.numbers, found.uid, found.locale, found.whole) == (*card, True)


@pytest.mark.parametrize("text", SAMPLES)
def test_vobject_reads_the_same(text: str) -> None:
    (found,) = read(text)
    other = vobject.readOne(text, allowQP=True)
    assert [str(tel.value) for tel in other.contents["tel"]] == list(found.numbers)
    assert other.fn.value == found.name


def wrapped(*lines: str) -> str:
    return "\r\n".join(("BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""))


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (("FN:Full", "N:Family;Given"), "Full"),
        (("N:Family;Given;;;",), "Given Family"),
        (("FN:", "ORG:Acme;Sales"), "Acme, Sales"),
        (("NICKNAME:Nick", "ORG:Acme"), "Nick"),
        (("fn:lower",), "lower"),
        (("FN:two\\nlines",), "two lines"),
        (("FN;CHARSET=ISO-8859-1;QUOTED-PRINTABLE:J=F6rg",), "Jörg"),
        (("FN;CHARSET=NO-SUCH;QUOTED-PRINTABLE:J=F6rg",), "Jörg"),
        (("FN;ENCODING=QUOTED-PRINTABLE:=E5=BC=A0=", "=E4=B8=89"), "张三"),
        (("FN:one\u2028line",), "one line"),
        (("junk", "FN:good", "also junk"), "good"),
        ((), ""),
    ],
)
def test_the_name_is_what_an_address_book_would_show(lines: tuple[str, ...], name: str) -> None:
    assert [card.name for card in read(wrapped(*lines))] == [name]


@pytest.mark.parametrize(
    "content",
    [
        wrapped("FN:Jörg").encode("utf-16"),
        wrapped("FN:Jörg").encode("utf-8-sig"),
        wrapped("FN;CHARSET=ISO-8859-1:Jörg").encode("latin-1"),
        wrapped("FN:Jörg").encode("cp1252"),
        wrapped("FN:Jörg").replace("\r\n", "\r").encode(),
    ],
)
def test_files_in_other_encodings(content: bytes) -> None:
    assert [card.name for card in cards(content)] == ["Jörg"]


def test_a_card_without_its_end_costs_no_other() -> None:
    text = "BEGIN:VCARD\nFN:first\nTEL:1\n" + wrapped("FN:second") + "BEGIN:VCARD\nFN:third"
    assert [(card.name, card.whole) for card in read(text)] == [
        ("first", False),
        ("second", True),
        ("third", False),
    ]


def test_nothing_of_a_card_is_printed_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    (card,) = read(wrapped("FN:Jörg", "TEL:+49305", "UID:jörg@example.org", "not a line"))
    assert "Jörg" not in repr(card)
    assert "+49305" not in repr(card)
    assert not caplog.records


# ------------------------------------------------------------------------------------ properties


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: wrapped(text).encode()))
def test_any_bytes_are_cards_or_nothing(content: bytes) -> None:
    for card in cards(content):
        assert isinstance(card.name, str)


tokens = st.sampled_from(["BEGIN:VCARD", "END:VCARD", "AGENT:", "FN:a", "TEL:+49305", 'TEL;X="', ":", " ", "=", "N:;;"])


@given(st.lists(tokens, max_size=20))
def test_any_lines_are_cards_or_nothing(lines: list[str]) -> None:
    found = list(cards("\n".join(lines).encode()))
    assert len(found) <= lines.count("BEGIN:VCARD")


names = (
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")) | st.just(" "),
        min_size=1,
        max_size=90,
    )
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)


def exported(all_names: list[str]) -> Iterator[str]:
    for index, name in enumerate(all_names):
        card = vobject.vCard()
        card.add("fn").value = name
        card.add("n").value = vobject.vcard.Name(family=name, given="G")
        card.add("tel").value = f"+4930{index}"
        yield card.serialize()


@given(st.lists(names, max_size=4))
def test_what_vobject_writes_is_read_back(all_names: list[str]) -> None:
    """Escapes and folds of every length, at every character."""
    found = read("".join(exported(all_names)))
    assert [card.name for card in found] == all_names
    assert [card.numbers for card in found] == [(f"+4930{i}",) for i in range(len(all_names))]
    assert [card.names["N"] for card in found] == [f"G {name}" for name in all_names]
