"""Under whose name a customer reads what a user wrote: what is put before the text, and where."""

from attrs import evolve

from wa_connector.model.content import (
    Buttons,
    Content,
    Document,
    Form,
    Image,
    LinkButton,
    Menu,
    Text,
    Video,
)


def signature(form: str, name: str) -> str:
    """What stands before a text of ``name``; '' for nobody in particular. ``form`` is the setting ``signature``."""
    return form.replace("{name}", name) if name else ""


def signed(content: Content, lead: str) -> Content:
    """The content as the customer reads it. A template says what was approved, and a picture without words has no place
    for a name."""
    match content:
        case Text(body) if body:
            return evolve(content, body=lead + body)
        case Image() | Video() | Document() if content.caption:
            return evolve(content, caption=lead + content.caption)
        case Buttons(body) | Menu(body) | LinkButton(body) | Form(body):
            return evolve(content, body=lead + body)
        case _:
            return content
