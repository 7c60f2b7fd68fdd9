"""What a channel can carry: each limit exactly, and nothing that is no text."""

import pytest
from attrs import evolve
from hypothesis import given, settings

from wa_connector.model.capability import Capabilities
from wa_connector.model.content import (
    Act,
    Button,
    ButtonReply,
    Buttons,
    Call,
    CallDirection,
    Content,
    Deed,
    Erased,
    Image,
    MediaRef,
    Note,
    TemplateMessage,
    Text,
    Unsupported,
    Withheld,
)
from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.policy.content import is_encodable, judge_content
from wa_connector.testing import strategies
from wa_connector.testing.strategies import SMS, WHATSAPP

quick = settings(max_examples=50, deadline=None)
CORRECT = (Remedy(RemedyKind.CORRECT_CONTENT),)
UNENDING = evolve(WHATSAPP, max_text=None, max_caption=None)


def refusal(reason: Reason, *parameters: tuple[str, str | int]) -> Decision:
    return Decision(reason, parameters, CORRECT)


def too_long(length: int, limit: int) -> Decision:
    return refusal(Reason.CONTENT_TOO_LONG, ("length", length), ("limit", limit))


def image(mime_type: str = "image/jpeg", size: int = 1, caption: str = "") -> Image:
    return Image(MediaRef(mime_type, sha256="ab" * 32, size=size), caption)


@pytest.mark.parametrize("content", [Act(next(iter(Deed))), Note("Psst"), Withheld("dlp", "No."), Erased()], ids=repr)
def test_what_is_the_timelines_own_never_leaves(content: Content) -> None:
    """Whatever a channel says that it can carry."""
    boasting = evolve(WHATSAPP, contents=frozenset({type(content)}))
    assert refusal(Reason.CONTENT_NOT_SUPPORTED, ("channel", boasting.label)) == judge_content(content, boasting)


def buttons(count: int, title: int = 20, body: str = "Which one?") -> Buttons:
    return Buttons(body, tuple(Button(f"id-{n}", f"{n}".ljust(title, "x")) for n in range(count)))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param((lambda n: Text("x" * n), 4096), id="text"),
        pytest.param((lambda n: Text("👍" * n), 4096), id="text in characters, not bytes"),
        pytest.param((lambda n: image(caption="x" * n), 1024), id="caption"),
        pytest.param((lambda n: buttons(1, body="x" * n), 1024), id="body of buttons"),
    ],
)
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_a_text_may_have_as_many_characters_as_the_channel_says(make: tuple[object, int], beyond: int) -> None:
    build, limit = make
    assert callable(build)
    expected = too_long(limit + 1, limit) if beyond > 0 else None
    assert expected == judge_content(build(limit + beyond), WHATSAPP)


@pytest.mark.parametrize("content", [Text("x" * 100_000), image(caption="x" * 100_000)], ids=["text", "caption"])
def test_where_there_is_no_limit_none_is_kept(content: Content) -> None:
    assert judge_content(content, UNENDING) is None


@pytest.mark.parametrize("body", ["", " ", "\n\t \u00a0\u3000"])
def test_a_text_of_nothing_but_white_space_is_empty(body: str) -> None:
    assert refusal(Reason.CONTENT_EMPTY) == judge_content(Text(body), WHATSAPP)
    assert refusal(Reason.CONTENT_EMPTY) == judge_content(buttons(1, body=body), WHATSAPP)


def test_a_picture_needs_no_caption() -> None:
    assert judge_content(image(caption=""), WHATSAPP) is None


BROKEN = ["\ud83d", "half \udc4d", "nul\0"]


@pytest.mark.parametrize("text", BROKEN, ids=["high surrogate", "low surrogate", "NUL"])
def test_half_a_character_and_nul_are_no_text_wherever_they_stand(text: str) -> None:
    """No wire can carry them: encoding would raise, and only in the dispatcher."""
    assert not is_encodable(text)
    for content in (
        Text(text),
        image(caption=text),
        buttons(1, body=text),
        Buttons("Which one?", (Button("1", text),)),
        Buttons("Which one?", (Button(text, "One"),)),
    ):
        assert refusal(Reason.CONTENT_NOT_TEXT) == judge_content(content, WHATSAPP)


@pytest.mark.parametrize("text", ["", "plain", "👍🏽", "\U0010ffff", "\ud7ff\ue000", "\x01", "नमस्ते"])
def test_every_other_character_is_text(text: str) -> None:
    assert is_encodable(text)


# --- kinds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "capabilities", "label"),
    [
        (ButtonReply("YES", "Yes"), WHATSAPP, "WhatsApp"),
        (Unsupported("sticker"), WHATSAPP, "WhatsApp"),
        (Call(CallDirection.BUSINESS), WHATSAPP, "WhatsApp"),
        (image(), SMS, "SMS"),
        (buttons(1), SMS, "SMS"),
        (TemplateMessage("welcome", "en"), SMS, "SMS"),
    ],
)
def test_a_kind_that_the_channel_does_not_carry_is_refused(
    content: Content, capabilities: Capabilities, label: str
) -> None:
    expected = refusal(Reason.CONTENT_NOT_SUPPORTED, ("channel", label))
    assert expected == judge_content(content, capabilities)


@pytest.mark.parametrize("content", [Text("Hi"), image(), buttons(3), TemplateMessage("welcome", "en")])
def test_a_kind_that_the_channel_carries_is_taken(content: Content) -> None:
    assert judge_content(content, WHATSAPP) is None


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_a_picture_may_be_as_large_as_the_channel_says(beyond: int) -> None:
    limit = 5 * 2**20
    expected = refusal(Reason.MEDIA_TOO_LARGE, ("size", limit + 1), ("limit", limit)) if beyond > 0 else None
    assert expected == judge_content(image(size=limit + beyond), WHATSAPP)


def test_a_picture_is_of_a_type_that_the_channel_takes() -> None:
    expected = refusal(Reason.MEDIA_TYPE, ("channel", "WhatsApp"), ("mime_type", "image/webp"))
    assert expected == judge_content(image("image/webp"), WHATSAPP)
    assert judge_content(image("image/png"), WHATSAPP) is None


def test_a_channel_that_declares_no_pictures_takes_none() -> None:
    expected = refusal(Reason.MEDIA_TYPE, ("channel", "WhatsApp"), ("mime_type", "image/jpeg"))
    assert expected == judge_content(image(), evolve(WHATSAPP, images=None))


@pytest.mark.parametrize("size", [0, 10**9])
def test_a_picture_that_is_not_in_the_media_store_cannot_be_sent(size: int) -> None:
    media = MediaRef("image/jpeg", size=size, provider_ref="media-1")
    assert refusal(Reason.MEDIA_MISSING) == judge_content(Image(media), WHATSAPP)


# --- buttons ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "is_right"), [(0, False), (1, True), (2, True), (3, True), (4, False)])
def test_there_are_as_many_buttons_as_the_channel_says(count: int, is_right: bool) -> None:
    expected = None if is_right else refusal(Reason.BUTTONS, ("problem", "there must be 1 to 3"))
    assert expected == judge_content(buttons(count), WHATSAPP)


@pytest.mark.parametrize(("length", "is_right"), [(0, False), (1, True), (19, True), (20, True), (21, False)])
def test_a_button_has_a_title_of_the_right_length(length: int, is_right: bool) -> None:
    expected = None if is_right else refusal(Reason.BUTTONS, ("problem", "titles have 1 to 20 characters"))
    assert expected == judge_content(Buttons("Which one?", (Button("1", "x" * length),)), WHATSAPP)


@pytest.mark.parametrize(
    "pair", [(Button("1", "Yes"), Button("2", "Yes")), (Button("1", "Yes"), Button("1", "No"))], ids=["title", "id"]
)
def test_no_two_buttons_are_the_same(pair: tuple[Button, ...]) -> None:
    """Nobody could tell which of them was tapped."""
    assert refusal(Reason.BUTTONS, ("problem", "two are the same")) == judge_content(Buttons("?", pair), WHATSAPP)


def test_a_button_needs_an_id() -> None:
    content = Buttons("Which one?", (Button("", "Yes"),))
    assert Reason.BUTTONS is getattr(judge_content(content, WHATSAPP), "reason", None)


# --- properties -------------------------------------------------------------------------------------------------------


@quick
@given(strategies.contents(), strategies.capabilities())
def test_a_refusal_has_a_sentence_and_says_that_the_content_can_be_corrected(
    content: Content, capabilities: Capabilities
) -> None:
    decision = judge_content(content, capabilities)
    if decision is not None:
        assert decision.remedies == CORRECT
        assert decision.sentence
    else:
        assert type(content) in capabilities.contents


@quick
@given(strategies.texts())
def test_a_text_as_people_write_it_can_be_encoded(text: str) -> None:
    assert is_encodable(text)
    assert text == text.encode().decode()


@quick
@given(strategies.contents())
def test_what_is_taken_keeps_being_taken_by_a_channel_that_can_do_more(content: Content) -> None:
    if judge_content(content, evolve(WHATSAPP, max_text=20, max_caption=20)) is None:
        assert judge_content(content, WHATSAPP) is None
        assert judge_content(content, UNENDING) is None
