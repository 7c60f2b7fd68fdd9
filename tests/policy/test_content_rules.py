"""Content against what a channel declares: one row a rule, and what a user is told.

Rules of this file: every case names, in our own words, the section of the provider's documentation that its limit is of.
The limits themselves are the channel's (``WHATSAPP`` and ``SMS`` of ``testing.strategies``); policy only compares.
"""

import pytest
from attrs import evolve, frozen

from wa_connector.model.capability import Capabilities
from wa_connector.model.content import (
    Button,
    ButtonReply,
    Buttons,
    Call,
    CallDirection,
    Content,
    Image,
    MediaRef,
    TemplateMessage,
    Text,
    Unsupported,
)
from wa_connector.model.decision import Reason, RemedyKind
from wa_connector.policy.content import judge_content
from wa_connector.testing.strategies import SMS, WHATSAPP

MEGABYTE = 2**20
FAMILY = "👨‍👩‍👧"
"""One picture to look at, five characters to count."""
NO_PICTURES = evolve(WHATSAPP, images=None)
NO_LIMITS = evolve(WHATSAPP, max_text=None, max_caption=None)


@frozen
class Case:
    """``sentence`` is what the user reads; '' where the channel takes the content."""

    source: str
    content: Content
    sentence: str = ""
    reason: Reason = Reason.ALLOWED
    on: Capabilities = WHATSAPP


def image(mime_type: str = "image/jpeg", size: int = 1, caption: str = "") -> Image:
    return Image(MediaRef(mime_type, "ab" * 32, size), caption)


def buttons(*titles: str, body: str = "Which one?") -> Buttons:
    return Buttons(body, tuple(Button(f"id-{number}", title) for number, title in enumerate(titles)))


def named(*ids: str) -> Buttons:
    return Buttons("Which one?", tuple(Button(id_, f"Button {number}") for number, id_ in enumerate(ids)))


def long(length: int, limit: int) -> str:
    return f"The message has {length} characters; {limit} are allowed."


LONG, NOT_TEXT = Reason.CONTENT_TOO_LONG, Reason.CONTENT_NOT_TEXT
EMPTY, OTHER, WRONG = Reason.CONTENT_EMPTY, Reason.CONTENT_NOT_SUPPORTED, Reason.BUTTONS
NOT_CARRIED = "WhatsApp does not carry this kind of message."
HALF = "The message holds characters that are not text."
NOTHING = "The message is empty."
COUNT = "The buttons are not right: there must be 1 to 3."
TITLES = "The buttons are not right: titles have 1 to 20 characters."
SAME = "The buttons are not right: two are the same."
SPACE = "The buttons are not right: an id begins or ends with a space."

CASES = [
    # kinds
    Case("message types: text", Text("Hi")),
    Case("message types: image", image()),
    Case("message types: reply buttons", buttons("Yes")),
    Case("message types: template", TemplateMessage("hello", "en")),
    Case("message types: a tap is the customer's to send", ButtonReply("YES", "Yes"), NOT_CARRIED, OTHER),
    Case("message types: a call is no message", Call(CallDirection.BUSINESS), NOT_CARRIED, OTHER),
    Case("message types: what is not conveyed", Unsupported("sticker"), NOT_CARRIED, OTHER),
    Case("a channel without pictures", image(), "SMS does not carry this kind of message.", OTHER, SMS),
    Case("a channel without buttons", buttons("Yes"), "SMS does not carry this kind of message.", OTHER, SMS),
    Case(
        "a channel without templates",
        TemplateMessage("hello", "en"),
        "SMS does not carry this kind of message.",
        OTHER,
        SMS,
    ),
    # text
    Case("text messages: something", Text("x")),
    Case("text messages: nothing", Text(""), NOTHING, EMPTY),
    Case("text messages: nothing but space", Text(" \n\t\u00a0"), NOTHING, EMPTY),
    Case("text messages: 4096 characters", Text("x" * 4096)),
    Case("text messages: one more", Text("x" * 4097), long(4097, 4096), LONG),
    Case("text messages: characters, not bytes", Text("ü" * 4096)),
    Case("text messages: characters, not pictures", Text(FAMILY * 820), long(4100, 4096), LONG),
    Case("text messages: half a character", Text("a\ud83d"), HALF, NOT_TEXT),
    Case("text messages: NUL", Text("a\0"), HALF, NOT_TEXT),
    Case("text messages: no limit declared", Text("x" * 100_000), on=NO_LIMITS),
    Case("another channel has its own length", Text("x" * 1530), on=SMS),
    Case("another channel has its own length, and no more", Text("x" * 1531), long(1531, 1530), LONG, SMS),
    # images
    Case("media types: JPEG", image("image/jpeg")),
    Case("media types: PNG", image("image/png")),
    *(
        Case(
            f"media types: {other} is no picture to be sent",
            image(other),
            f"WhatsApp does not take files of type {other}.",
            Reason.MEDIA_TYPE,
        )
        for other in ("image/webp", "image/gif", "image/heic", "application/pdf", "IMAGE/JPEG", "")
    ),
    Case(
        "a channel that declares no type",
        image(),
        "WhatsApp does not take files of type image/jpeg.",
        Reason.MEDIA_TYPE,
        NO_PICTURES,
    ),
    Case("media sizes: 5 MB", image(size=5 * MEGABYTE)),
    Case(
        "media sizes: one byte more",
        image(size=5 * MEGABYTE + 1),
        "The file has 5242881 bytes; 5242880 are allowed.",
        Reason.MEDIA_TOO_LARGE,
    ),
    Case(
        "media: a file that is not in the store",
        Image(MediaRef("image/jpeg", provider_ref="1")),
        "The file is not in the media store.",
        Reason.MEDIA_MISSING,
    ),
    Case("media: a file without bytes", image(size=0), "The file is not in the media store.", Reason.MEDIA_MISSING),
    Case("captions: none", image(caption="")),
    Case("captions: 1024 characters", image(caption="x" * 1024)),
    Case("captions: one more", image(caption="x" * 1025), long(1025, 1024), LONG),
    Case("captions: half a character", image(caption="\udc4d"), HALF, NOT_TEXT),
    Case("captions: no limit declared", image(caption="x" * 100_000), on=NO_LIMITS),
    # reply buttons
    Case("reply buttons: one", buttons("Yes")),
    Case("reply buttons: three", buttons("Yes", "No", "Later")),
    Case("reply buttons: none", buttons(), COUNT, WRONG),
    Case("reply buttons: four", buttons("1", "2", "3", "4"), COUNT, WRONG),
    Case("reply buttons: a title of 20 characters", buttons("x" * 20)),
    Case("reply buttons: a title of 21", buttons("x" * 21), TITLES, WRONG),
    Case("reply buttons: a title of nothing", buttons(""), TITLES, WRONG),
    Case("reply buttons: a title of nothing but space", buttons("  "), TITLES, WRONG),
    Case("reply buttons: titles are unique", buttons("Yes", "Yes"), SAME, WRONG),
    Case("reply buttons: titles that differ in case differ", buttons("Yes", "YES")),
    Case("reply buttons: ids are unique", named("a", "a"), SAME, WRONG),
    Case("reply buttons: an id of nothing", named(""), TITLES, WRONG),
    Case("reply buttons: an id without a space at its beginning", named(" a"), SPACE, WRONG),
    Case("reply buttons: an id without a space at its end", named("a", "b\n"), SPACE, WRONG),
    Case("reply buttons: an id with one inside", named("a b")),
    Case("reply buttons: half a character in a title", buttons("\ud83d"), HALF, NOT_TEXT),
    Case("reply buttons: half a character in an id", named("\ud83d"), HALF, NOT_TEXT),
    Case("reply buttons: a text of 1024 characters", buttons("Yes", body="x" * 1024)),
    Case("reply buttons: a text of one more", buttons("Yes", body="x" * 1025), long(1025, 1024), LONG),
    Case("reply buttons: a text of nothing", buttons("Yes", body=" "), NOTHING, EMPTY),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source)
def test_a_channel_takes_what_it_declares_and_nothing_else(case: Case) -> None:
    decision = judge_content(case.content, case.on)
    if not case.sentence:
        assert decision is None
    else:
        assert decision is not None
        assert (case.reason, case.sentence) == (decision.reason, decision.sentence)


@pytest.mark.parametrize("case", [case for case in CASES if case.sentence], ids=lambda case: case.source)
def test_whatever_is_refused_can_be_corrected_by_whoever_wrote_it(case: Case) -> None:
    decision = judge_content(case.content, case.on)
    assert decision is not None
    assert [remedy.kind for remedy in decision.remedies] == [RemedyKind.CORRECT_CONTENT]
