"""Which files a content shows: what is to be copied with it, what goes with it, and which can be put in another's place."""

from wa_connector.model.content import (
    Button,
    Buttons,
    Card,
    Carousel,
    Document,
    Erased,
    Image,
    MediaRef,
    TemplateMessage,
    Text,
    Utility,
    files_of,
    pictures_of,
    with_pictures,
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


# --- pictures ---------------------------------------------------------------------------------------------------------

SMALL = MediaRef("image/jpeg", "01" * 32, 7)


def test_pictures_are_found_and_replaced_wherever_they_stand() -> None:
    header = Buttons("Choose", (Button("a", "A"),), Image(ONE))
    cards = Carousel("Two", (Card(Image(ONE, "first")), Card(Image(TWO))))
    assert pictures_of(Image(ONE)) == pictures_of(header) == pictures_of(Utility(header)) == (ONE,)
    assert pictures_of(cards) == (ONE, TWO)
    instead = {ONE.sha256: SMALL}
    assert with_pictures(Image(ONE, "look"), instead) == Image(SMALL, "look")
    assert with_pictures(Utility(header), instead) == Utility(Buttons("Choose", (Button("a", "A"),), Image(SMALL)))
    assert with_pictures(cards, instead) == Carousel("Two", (Card(Image(SMALL, "first")), Card(Image(TWO))))


def test_a_templates_pictures_are_named_by_their_hash_alone() -> None:
    values = {
        "header.image": ONE.sha256,
        "card.0.header.image": TWO.sha256,
        "header.video": "ef" * 32,
        "body.1": "cd" * 32,
    }
    template = TemplateMessage("offer", "en", values)
    assert pictures_of(template) == (MediaRef("", ONE.sha256), MediaRef("", TWO.sha256))
    renewed = with_pictures(template, {ONE.sha256: SMALL, "cd" * 32: SMALL})
    assert renewed == TemplateMessage(
        "offer", "en", {**values, "header.image": SMALL.sha256, "card.0.header.image": SMALL.sha256}
    )
    assert pictures_of(TemplateMessage("offer", "en", {"header.image": "no hash"})) == ()


def test_what_is_no_picture_is_left_alone() -> None:
    """Among it the picture that is still to be fetched, which nobody can convert."""
    for content in (Text("Hello"), Document(ONE), Image(MediaRef("image/png", "ab" * 32, 0, "handle"))):
        assert pictures_of(content) == ()
    assert with_pictures(Document(ONE), {ONE.sha256: SMALL}) == Document(ONE)
