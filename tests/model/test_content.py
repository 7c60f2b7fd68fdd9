"""What a message says in words, and the file that it is."""

from typing import get_args

from wa_connector.model.content import (
    Call,
    CallAnswer,
    CallDirection,
    Content,
    Deleted,
    Erased,
    Image,
    MediaRef,
    Sticker,
    Text,
    Unsupported,
    Utility,
    Withheld,
    media_of,
    text_of,
)
from wa_connector.model.ids import ProviderId
from wa_connector.testing.samples import contents_of

WORDLESS = (Call, CallAnswer, Deleted, Erased, Sticker, Unsupported, Withheld)
FILES = {"Image", "Video", "Audio", "Voicemail", "Document", "Sticker"}


def test_every_kind_with_words_tells_them() -> None:
    """A kind that is new has to be thought of: a search or a transcript that misses words hides them."""
    for content in contents_of("hello"):
        words = text_of(content)
        if isinstance(content, WORDLESS) or type(content).__name__ == "Audio":
            assert words == ""
        elif type(content).__name__ == "Reaction":
            assert words == "👍"
        elif type(content).__name__ == "Location":
            assert words == "hello, 1 Main St"
        else:
            assert words == "hello", content


def test_a_call_and_what_is_not_conveyed_have_no_words() -> None:
    for content in (Call(CallDirection.CUSTOMER), Unsupported("poll"), Deleted(ProviderId("wamid.1"))):
        assert text_of(content) == ""


def test_the_kinds_that_are_files_have_one() -> None:
    media = {type(content).__name__ for content in contents_of("hello") if media_of(content) is not None}
    assert media == FILES
    assert {kind.__name__ for kind in get_args(Content)} >= FILES
    assert media_of(Utility(Text("hello"))) is None
    assert media_of(Image(MediaRef("image/png"))) == MediaRef("image/png")
