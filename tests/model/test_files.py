"""Which files a content shows: what is to be copied with it, and what goes with it."""

from wa_connector.model.content import (
    Card,
    Carousel,
    Document,
    Erased,
    Image,
    MediaRef,
    TemplateMessage,
    Text,
    files_of,
)

ONE, TWO = MediaRef("image/png", "ab" * 32, 1), MediaRef("image/png", "cd" * 32, 2)


def test_each_stored_file_once() -> None:
    assert files_of(Image(ONE)) == files_of(Document(ONE)) == (ONE.sha256,)
    assert files_of(Text("no file")) == files_of(Erased()) == ()


def test_the_files_of_all_cards() -> None:
    assert files_of(Carousel("Two", (Card(Image(ONE)), Card(Image(TWO))))) == (ONE.sha256, TWO.sha256)


def test_what_is_announced_is_not_stored() -> None:
    assert files_of(Image(MediaRef("image/png", "ab" * 32, 0, "handle"))) == ()


def test_the_files_of_a_templates_headers() -> None:
    """A text header's value is a text, and no hash."""
    values = {"header.image": ONE.sha256, "card.0.header.image": TWO.sha256, "header.1": "Hello", "body.1": "ef" * 32}
    assert files_of(TemplateMessage("offer", "en", values)) == (ONE.sha256, TWO.sha256)
