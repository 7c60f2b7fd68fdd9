"""Content against what a channel declares it can carry."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from wa_connector.model.capability import Capabilities
from wa_connector.model.content import Act, Buttons, Content, Image, Note, Text, Withheld
from wa_connector.model.decision import Decision, Parameter, Reason, Remedy, RemedyKind

_CORRECT: Final = (Remedy(RemedyKind.CORRECT_CONTENT),)


def judge_content(content: Content, capabilities: Capabilities) -> Decision | None:
    """None when the channel can carry it, else the refusal."""
    kind = type(content)
    if kind in _OUR_OWN or kind not in capabilities.contents:
        return _refuse(Reason.CONTENT_NOT_SUPPORTED, channel=capabilities.label)
    judge = _JUDGES.get(kind)
    return None if judge is None else judge(content, capabilities)


def judge_note(text: str) -> Decision:
    """Whether a private note can be kept: it says something, and is text."""
    return _judge_body(text, None) or Decision(Reason.ALLOWED)


def _judge_text(text: Text, capabilities: Capabilities) -> Decision | None:
    return _judge_body(text.body, capabilities.max_text)


def _judge_body(body: str, limit: int | None) -> Decision | None:
    if not body.strip():
        return _refuse(Reason.CONTENT_EMPTY)
    return _judge_length(body, limit)


def _judge_length(text: str, limit: int | None) -> Decision | None:
    if not is_encodable(text):
        return _refuse(Reason.CONTENT_NOT_TEXT)
    if limit is not None and len(text) > limit:
        return _refuse(Reason.CONTENT_TOO_LONG, length=len(text), limit=limit)
    return None


def is_encodable(text: str) -> bool:
    """Whether the text has no lone surrogate (half of a character, which no wire can carry) and no NUL."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _judge_image(image: Image, capabilities: Capabilities) -> Decision | None:
    limits, media = capabilities.images, image.media
    if limits is None or media.mime_type not in limits.mime_types:
        return _refuse(Reason.MEDIA_TYPE, channel=capabilities.label, mime_type=media.mime_type)
    if not media.is_stored:
        return _refuse(Reason.MEDIA_MISSING)
    if media.size > limits.max_bytes:
        return _refuse(Reason.MEDIA_TOO_LARGE, size=media.size, limit=limits.max_bytes)
    return _judge_length(image.caption, capabilities.max_caption)


def _judge_buttons(content: Buttons, capabilities: Capabilities) -> Decision | None:
    titles = [button.title for button in content.buttons]
    ids = [button.id for button in content.buttons]
    if not 1 <= len(titles) <= capabilities.max_buttons:
        return _refuse(Reason.BUTTONS, problem=f"there must be 1 to {capabilities.max_buttons}")
    if not all(map(is_encodable, (*titles, *ids))):
        return _refuse(Reason.CONTENT_NOT_TEXT)
    if len(set(titles)) < len(titles) or len(set(ids)) < len(ids):
        return _refuse(Reason.BUTTONS, problem="two are the same")
    if not all(title.strip() and len(title) <= capabilities.max_button_title for title in titles) or not all(ids):
        return _refuse(Reason.BUTTONS, problem=f"titles have 1 to {capabilities.max_button_title} characters")
    if any(id_ != id_.strip() for id_ in ids):
        # Source: Cloud API, reply buttons, read 2026-11. An id comes back as it went out, or not at all.
        return _refuse(Reason.BUTTONS, problem="an id begins or ends with a space")
    return _judge_body(content.body, capabilities.max_buttons_body)


def _refuse(reason: Reason, **parameters: Parameter) -> Decision:
    return Decision(reason, tuple(parameters.items()), _CORRECT)


_OUR_OWN: Final = frozenset({Act, Note, Withheld})
"""What stands in a timeline and goes to no customer, whatever a channel declares."""

_JUDGES: Final[Mapping[type[Content], Callable[[Any, Capabilities], Decision | None]]] = {
    Text: _judge_text,
    Image: _judge_image,
    Buttons: _judge_buttons,
}
"""What is looked at besides the kind. A kind that is not here fits where a channel declares it."""
