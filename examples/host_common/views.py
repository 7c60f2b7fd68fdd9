"""What a host's screens see: the SDK's values as JSON, and JSON as what is to be sent.

Written out field by field, and not by a generic walk over the classes: what leaves the host is a decision. Provider ids
and tokens, for one, stay inside.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias, assert_never

from attrs import asdict

from wa_connector import (
    Act,
    AddressRequest,
    AnswerAction,
    Audio,
    Author,
    Button,
    ButtonReply,
    Buttons,
    ByApp,
    ByCustomer,
    BySystem,
    ByUser,
    Call,
    CallAnswer,
    CallButton,
    CallRequest,
    Carousel,
    Catalog,
    Composer,
    ContactAction,
    ContactCard,
    ContactRequest,
    Contacts,
    Content,
    Conversation,
    CustomerTimeline,
    Decision,
    Deleted,
    Document,
    Edited,
    Erased,
    Event,
    Form,
    FormReply,
    IdentityChanged,
    Image,
    InboxEntry,
    InboxPage,
    Kept,
    LinkButton,
    Location,
    LocationRequest,
    MediaRef,
    Menu,
    Message,
    Note,
    Order,
    Placement,
    Product,
    Products,
    ProviderError,
    PushNotice,
    Reaction,
    RefusedError,
    SearchPage,
    Sticker,
    Template,
    TemplateDiff,
    TemplateMessage,
    Text,
    Timeline,
    Unavailable,
    Unsupported,
    UsageError,
    Utility,
    Video,
    Voicemail,
    WaConnectorError,
    Withheld,
    media_of,
    text_of,
)

Json: TypeAlias = dict[str, Any]

MAX_PICTURE = 5 * 1024 * 1024
"""WhatsApp takes no larger ones; stopping the upload here saves storing what cannot be sent."""


# --- verdicts ---------------------------------------------------------------------------------------------------------


def decision(value: Decision) -> Json:
    return {
        "allowed": value.is_allowed,
        "reason": value.reason.value,
        "sentence": value.sentence,
        "remedies": [{"kind": remedy.kind.value, "at": _at(remedy.at)} for remedy in value.remedies],
        "until_at": _at(value.until_at),
        "billed": value.billed,
        "rules": list(value.rules),
    }


def placement(value: Placement) -> tuple[Json, int]:
    """What became of a command, and the HTTP status: 201, 200 for one that was taken before, 409 for a refusal."""
    body = {
        "decision": decision(value.decision),
        "conversation": value.conversation,
        "message": value.message,
        "status": value.status.value if value.status else None,
    }
    if not value.is_taken:
        return body, 409
    return body, 200 if value.is_repeat else 201


def action(value: ContactAction) -> Json:
    return {
        "channel": value.channel,
        "label": value.label,
        "line": value.line,
        "write": decision(value.write),
        "ask": decision(value.ask),
        "conversation": value.conversation,
    }


def answer(value: AnswerAction) -> Json:
    """One way to answer somebody who called."""
    return {
        "channel": value.channel,
        "label": value.label,
        "line": value.line,
        "possible": value.is_possible,
        "write": decision(value.write),
        "template": decision(value.template),
        "ask": decision(value.ask),
        "conversation": value.conversation,
    }


def composer(value: Composer) -> Json:
    return {
        "write": decision(value.write),
        "template": decision(value.template),
        "ask": decision(value.ask),
        "held": value.held,
        "closes_at": _at(value.closes_at),
        "fall_back": {"line": value.fall_back.line, "label": value.fall_back.label} if value.fall_back else None,
    }


# --- conversations ----------------------------------------------------------------------------------------------------


def conversation(value: Conversation) -> Json:
    return {
        "id": value.id,
        "line": value.line,
        "customer": value.customer,
        "state": value.state.value,
        "owner": value.owner,
        "opened_at": _at(value.opened_at),
        "restarted_from": value.restarted_from,
        "participants": [
            {
                "user": part.user,
                "role": part.role.value,
                "since_at": _at(part.since_at),
                "until_at": _at(part.until_at),
                "muted": part.is_muted,
            }
            for part in value.participants
        ],
    }


def timeline(value: Timeline) -> Json:
    messages = [message(each) for each in value.messages]
    page = {"before": value.before, "after": value.after}
    return {"conversation": conversation(value.conversation), "messages": messages, **page}


def inbox(value: InboxPage) -> Json:
    return {"entries": [_inbox_entry(each) for each in value.entries], "before": value.before, "after": value.after}


def _inbox_entry(value: InboxEntry) -> Json:
    return {
        "conversation": conversation(value.conversation),
        "channel": value.conversation.channel,
        "last": message(value.last) if value.last else None,
        "unread": value.unread,
        "held": value.held,
        "composer": composer(value.composer),
    }


def found(value: CustomerTimeline | SearchPage) -> Json:
    """Entries of several conversations: a customer's, or what a search found."""
    messages = [{"conversation": each.conversation, **message(each)} for each in value.messages]
    threads = {name: conversation(each) for name, each in value.conversations.items()}
    after = value.after if isinstance(value, CustomerTimeline) else ""
    return {"messages": messages, "conversations": threads, "before": value.before, "after": after}


def message(value: Message) -> Json:
    return {
        "id": value.id,
        "at": _at(value.at),
        "author": _author(value.author),
        "content": _content(value.content),
        "status": value.status.value,
        "failure": value.failure.meaning if value.failure else None,
        "routed_by": value.routed_by.value if value.routed_by else None,
        "redacted_by": list(value.redacted_by),
        "signature": value.signature,
    }


def picture_in(page: Timeline, sha256: str) -> MediaRef | None:
    """The picture, film or sound of this hash in a page of a conversation. Looking it up there, and not in the media
    store, makes sure that whoever asks may see the conversation that it belongs to. Files that a browser would run as a
    page are not among them: those are to be downloaded."""
    files = (media_of(each.content) for each in page.messages)
    shown = (media for media in files if media is not None and _SHOWN.match(media.mime_type))
    return next((media for media in shown if media.is_stored and media.sha256 == sha256), None)


_SHOWN = re.compile(r"(?:image/(?:jpeg|png|webp)|video/(?:mp4|3gpp)|audio/[a-z0-9]+)(?:;|$)")


def _author(value: Author) -> Json:
    match value:
        case ByCustomer():
            return {"kind": "customer"}
        case ByUser(user):
            return {"kind": "user", "user": user}
        case ByApp():
            return {"kind": "app"}
        case BySystem(notice):
            return {"kind": "system", "notice": notice.value}
        case _:
            assert_never(value)


def _content(value: Content) -> Json:
    match value:
        case Text() | LocationRequest() | ContactRequest() | AddressRequest() | CallRequest() | Note():
            return {"kind": _kind(value), "text": text_of(value)}
        case Image(media, caption) | Video(media, caption):
            return {"kind": _kind(value), "text": caption, "media": media_ref(media)}
        case Audio(media, is_voice):
            return {"kind": "voice" if is_voice else "audio", "text": "", "media": media_ref(media)}
        case Voicemail(media, _, lasts, transcript):
            seconds = lasts.total_seconds() if lasts else None
            return {"kind": "voicemail", "text": transcript, "media": media_ref(media), "seconds": seconds}
        case Document(media, filename, caption):
            return {"kind": "document", "text": caption, "media": media_ref(media), "filename": filename}
        case Sticker(media):
            return {"kind": "sticker", "text": "", "media": media_ref(media)}
        case Location(latitude, longitude):
            return {"kind": "location", "text": text_of(value), "latitude": latitude, "longitude": longitude}
        case Contacts(cards):
            return {"kind": "contacts", "text": text_of(value), "cards": [_card(card) for card in cards]}
        case Buttons(body, buttons):
            return {"kind": "buttons", "text": body, "buttons": [button.title for button in buttons]}
        case Menu(body, title, sections):
            rows = [row.title for section in sections for row in section.rows]
            return {"kind": "menu", "text": body, "button": title, "rows": rows}
        case LinkButton(body, title, url):
            return {"kind": "link_button", "text": body, "button": title, "url": url}
        case CallButton(body, title) | Form(body, title):
            return {"kind": _kind(value), "text": body, "button": title}
        case Catalog(body) | Product(_, _, body):
            return {"kind": _kind(value), "text": body}
        case Products(title, body):
            return {"kind": "products", "text": body, "title": title}
        case Carousel(body, panels):
            return {"kind": "carousel", "text": body, "cards": [card.body for card in panels]}
        case TemplateMessage():
            return {"kind": "template", "text": value.rendered, "name": value.name, "language": value.language}
        case Utility(inner):
            return _content(inner)
        case Reaction(_, emoji):
            return {"kind": "reaction", "text": emoji}
        case ButtonReply(_, title):
            return {"kind": "button_reply", "text": title}
        case FormReply(name, answers, body):
            return {"kind": "form_reply", "text": body, "name": name, "answers": answers}
        case CallAnswer(is_allowed):
            return {"kind": "call_answer", "text": "allowed" if is_allowed else "not allowed"}
        case Order(_, items, text):
            bought = [{"product": item.product, "quantity": item.quantity} for item in items]
            return {"kind": "order", "text": text, "items": bought}
        case Edited(_, body):
            return {"kind": "edited", "text": body}
        case Deleted():
            return {"kind": "deleted", "text": ""}
        case Call(direction, is_accepted):
            return {"kind": "call", "text": "taken" if is_accepted else "missed", "by": direction.value}
        case IdentityChanged(change, text):
            return {"kind": "identity_changed", "text": text, "change": change.value}
        case Unsupported(kind):
            return {"kind": "unsupported", "text": kind}
        case Act(deed, whom, from_owner, role):
            done = {"deed": deed.value, "whom": whom, "from_owner": from_owner, "role": role.value if role else None}
            return {"kind": "act", "text": value.note, **done}
        case Withheld(_, sentence):
            return {"kind": "withheld", "text": sentence}
        case Erased():
            return {"kind": "erased", "text": ""}
        case _:
            assert_never(value)


def _kind(value: Content) -> str:
    """``LocationRequest`` → ``location_request``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(value).__name__).lower()


def _card(value: ContactCard) -> Json:
    return {"name": value.name, "phones": [each.value for each in value.phones]}


def media_ref(value: MediaRef) -> Json:
    """The hash of a customer's picture is announced before its bytes are here: ``is_stored`` says when to show it."""
    return {
        "mime_type": value.mime_type,
        "sha256": value.sha256,
        "size": value.size,
        "is_stored": value.is_stored,
    }


# --- templates, the log, quarantine -----------------------------------------------------------------------------------


def template(value: Template) -> Json:
    return {
        "name": value.name,
        "language": value.language,
        "category": value.category.value,
        "text": value.render({}),
        "parameters": list(value.parameter_keys()),
        "buttons": [button.title for button in value.buttons],
    }


def preview(content: TemplateMessage, known: Iterable[Template]) -> Json:
    """How the customer will read it, for the message field: a parameter that is not given yet stays a placeholder."""
    for each in known:
        if (each.name, each.language) == (content.name, content.language):
            return {"text": each.render(content.parameters)}
    raise UsageError("there is no approved template of this name in this language")


def template_diff(value: TemplateDiff) -> Json:
    return {"added": list(value.added), "changed": list(value.changed), "gone": list(value.gone)}


def event(value: Event) -> Json:
    facts = asdict(value.happening, value_serializer=_plain)
    return {"sequence": value.sequence, "at": _at(value.at), "type": type(value.happening).__name__, **facts}


def notice(value: PushNotice) -> Json:
    return {
        "kind": value.kind.value,
        "conversation": value.conversation,
        "sender": value.sender,
        "text": value.text,
        "badge": value.badge,
    }


def kept(value: Kept) -> Json:
    return {"id": value.id, "at": _at(value.element.at), "problem": value.element.problem, "raw": value.element.raw}


# --- what is to be sent -----------------------------------------------------------------------------------------------


def content_of(body: Mapping[str, Any]) -> Content:
    """The content that a screen asks to send. Raises ``UsageError`` for what cannot be read."""
    match body:
        case {"text": str(text)}:
            return Text(text)
        case {"image": {"mime_type": str(mime_type), "sha256": str(sha256), "size": int(size)}}:
            return Image(MediaRef(mime_type, sha256, size), str(body.get("caption", "")))
        case {"template": {"name": str(name), "language": str(language), "parameters": {**parameters}}}:
            return TemplateMessage(name, language, {str(key): str(value) for key, value in parameters.items()})
        case {"buttons": {"text": str(text), "titles": [*titles]}}:
            return Buttons(text, tuple(Button(str(title), str(title)) for title in titles))
        case _:
            raise UsageError("a message is a text, an image, a template (name, language, parameters) or buttons")


def problem(error: WaConnectorError) -> tuple[Json, int]:
    """What an error is to whoever asked: a refusal with its verdict, somebody's mistake, or trouble that will pass."""
    match error:
        case RefusedError():
            return {"problem": str(error), "decision": decision(error.decision)}, 403
        case UsageError():
            return {"problem": str(error)}, 400
        case ProviderError():
            return {"problem": str(error)}, 502
        case Unavailable():
            return {"problem": "try again in a moment"}, 503
        case _:
            return {"problem": "internal error"}, 500


def _at(value: datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None


def _plain(_: object, __: object, value: object) -> object:
    return value.value if isinstance(value, Enum) else value
