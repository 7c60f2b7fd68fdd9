"""Verdicts that explain themselves.

A ``Decision`` is data: one reason with parameters, the remedies, and the rules that were asked. The sentence is made
only when somebody wants to read it, from a catalogue that can be replaced for another language.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Final

from attrs import frozen


class Reason(Enum):
    """Why something is allowed or refused. The value is stable: hosts may store it."""

    ALLOWED = "allowed"
    CHANNEL_DISABLED = "channel_disabled"
    USER_DISABLED = "user_disabled"
    NOT_A_PARTICIPANT = "not_a_participant"
    CONVERSATION_ENDED = "conversation_ended"
    CONVERSATION_OPEN = "conversation_open"
    OWNER_CHANGED = "owner_changed"
    """Somebody else was faster: the conversation is no longer whose the caller took it to be."""
    OWNER_NEEDED = "owner_needed"
    ROLE_NOT_ENOUGH = "role_not_enough"
    NOT_A_CONTACT = "not_a_contact"
    CONTACTS_UNAVAILABLE = "contacts_unavailable"
    NO_ADDRESS = "no_address"
    NOT_ON_CHANNEL = "not_on_channel"
    CONSENT_NOT_ASKED = "consent_not_asked"
    CONSENT_AWAITED = "consent_awaited"
    CONSENT_DECLINED = "consent_declined"
    CONSENT_REVOKED = "consent_revoked"
    CONSENT_GRANTED_ALREADY = "consent_granted_already"
    CONSENT_NOT_NEEDED = "consent_not_needed"
    ASKED_RECENTLY = "asked_recently"
    MARKETING_NOT_GRANTED = "marketing_not_granted"
    MARKETING_COUNTRY = "marketing_country"
    MARKETING_CAPPED = "marketing_capped"
    DAILY_LIMIT = "daily_limit"
    WINDOW_CLOSED = "window_closed"
    FALL_BACK_NOT_NEEDED = "fall_back_not_needed"
    """The conversation's own channel carries it."""
    NO_TEMPLATES = "no_templates"
    TEMPLATE_UNKNOWN = "template_unknown"
    TEMPLATE_NOT_APPROVED = "template_not_approved"
    TEMPLATE_PARAMETERS = "template_parameters"
    """Some are missing, or too many."""
    TEMPLATE_PARAMETER = "template_parameter"
    """One is not what its place can take."""
    CONTENT_NOT_SUPPORTED = "content_not_supported"
    CONTENT_EMPTY = "content_empty"
    CONTENT_TOO_LONG = "content_too_long"
    CONTENT_NOT_TEXT = "content_not_text"
    CONTENT_MALFORMED = "content_malformed"
    """Its parts do not make a message: a list without rows, a place that is nowhere."""
    MEDIA_TYPE = "media_type"
    MEDIA_TOO_LARGE = "media_too_large"
    MEDIA_MISSING = "media_missing"
    BUTTONS = "buttons"
    DATED_AHEAD = "dated_ahead"
    RESTORE_NEEDS_EVIDENCE = "restore_needs_evidence"
    NOT_A_SUPERVISOR = "not_a_supervisor"
    HOST_RULE = "host_rule"
    """A rule of the host's own."""
    CONTENT_BLOCKED = "content_blocked"
    """A screener of the host's does not let this content through."""
    NOTHING_TO_DO = "nothing_to_do"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class RemedyKind(Enum):
    ASK_FOR_CONSENT = "ask_for_consent"
    CHOOSE_TEMPLATE = "choose_template"
    HOLD = "hold"
    WAIT = "wait"
    USE_SMS = "use_sms"
    ADD_CONTACT = "add_contact"
    CORRECT_CONTENT = "correct_content"
    ASK_ADMINISTRATOR = "ask_administrator"
    RETRY = "retry"


@frozen
class Remedy:
    """What would help; ``at`` is when, where waiting is the remedy."""

    kind: RemedyKind
    at: datetime | None = None


Parameter = str | int | datetime

SENTENCES: Final[Mapping[Reason, str]] = {
    Reason.ALLOWED: "This is allowed.",
    Reason.CHANNEL_DISABLED: "{channel} is switched off by {level}.",
    Reason.USER_DISABLED: "This user is disabled.",
    Reason.NOT_A_PARTICIPANT: "You are not part of this conversation.",
    Reason.CONVERSATION_ENDED: "This conversation has ended.",
    Reason.CONVERSATION_OPEN: "This conversation is open; it need not be restarted.",
    Reason.OWNER_CHANGED: "Somebody else has taken or transferred this conversation meanwhile.",
    Reason.OWNER_NEEDED: "The owner says who goes on: transfer it, end it, or let it go to the unassigned list.",
    Reason.ROLE_NOT_ENOUGH: "Your part in this conversation does not include this.",
    Reason.NOT_A_CONTACT: "This person is not in your contacts.",
    Reason.CONTACTS_UNAVAILABLE: "The contacts cannot be read at the moment; please try again.",
    Reason.NO_ADDRESS: "This contact has no address on {channel}.",
    Reason.NOT_ON_CHANNEL: "This customer cannot be reached on {channel}.",
    Reason.CONSENT_NOT_ASKED: "This customer has not been asked for consent yet.",
    Reason.CONSENT_AWAITED: "This customer has not answered the opt-in request yet.",
    Reason.CONSENT_DECLINED: "This customer declined; only the customer can change that, by replying YES.",
    Reason.CONSENT_REVOKED: "This customer wrote STOP; only the customer can change that, by replying START.",
    Reason.CONSENT_GRANTED_ALREADY: "This customer has already agreed.",
    Reason.CONSENT_NOT_NEEDED: "{channel} does not ask for an opt-in.",
    Reason.ASKED_RECENTLY: "This customer was asked less than {hours} hours ago.",
    Reason.MARKETING_NOT_GRANTED: "This customer has not agreed to marketing.",
    Reason.MARKETING_COUNTRY: "{channel} takes no marketing to customers in {country}.",
    Reason.MARKETING_CAPPED: "This customer has had enough marketing for now.",
    Reason.DAILY_LIMIT: "The account has reached as many new customers today as it may.",
    Reason.WINDOW_CLOSED: "More than {hours} hours have passed since the customer's last sign of life.",
    Reason.FALL_BACK_NOT_NEEDED: "{channel} carries this message; it needs no other way.",
    Reason.NO_TEMPLATES: "{channel} has no templates.",
    Reason.TEMPLATE_UNKNOWN: "There is no template {template}.",
    Reason.TEMPLATE_NOT_APPROVED: "The template {template} is not approved (it is {status}).",
    Reason.TEMPLATE_PARAMETERS: "The template {template} does not have its parameters: {parameters}.",
    Reason.TEMPLATE_PARAMETER: "The parameter {parameter} cannot be used: {problem}.",
    Reason.CONTENT_NOT_SUPPORTED: "{channel} does not carry this kind of message.",
    Reason.CONTENT_EMPTY: "The message is empty.",
    Reason.CONTENT_TOO_LONG: "The message has {length} characters; {limit} are allowed.",
    Reason.CONTENT_NOT_TEXT: "The message holds characters that are not text.",
    Reason.CONTENT_MALFORMED: "The message is not right: {problem}.",
    Reason.MEDIA_TYPE: "{channel} does not take files of type {mime_type}.",
    Reason.MEDIA_TOO_LARGE: "The file has {size} bytes; {limit} are allowed.",
    Reason.MEDIA_MISSING: "The file is not in the media store.",
    Reason.BUTTONS: "The buttons are not right: {problem}.",
    Reason.HOST_RULE: "{sentence}",
    Reason.CONTENT_BLOCKED: "{sentence}",
    Reason.DATED_AHEAD: "The date lies in the future.",
    Reason.RESTORE_NEEDS_EVIDENCE: "This customer said no; a file must show that he changed his mind afterwards.",
    Reason.NOT_A_SUPERVISOR: "Only who supervises may do this.",
    Reason.NOTHING_TO_DO: "There is nothing to do.",
    Reason.CANCELLED: "The message was cancelled.",
    Reason.EXPIRED: "The message waited too long and expired.",
}
_ALLOWED: Final = Reason.ALLOWED


@frozen
class Decision:
    """The answer to "may I?".

    Allowed exactly when ``reason`` is ``ALLOWED``; then ``until_at`` says until when (None: no end in sight) and
    ``billed`` whether the provider is likely to charge. ``rules`` are the rules that were asked, in order; of a
    refusal the last one refused.
    """

    reason: Reason
    parameters: tuple[tuple[str, Parameter], ...] = ()
    remedies: tuple[Remedy, ...] = ()
    rules: tuple[str, ...] = ()
    until_at: datetime | None = None
    billed: bool = False

    @property
    def is_allowed(self) -> bool:
        return self.reason is _ALLOWED

    @property
    def sentence(self) -> str:
        return self.say(SENTENCES)

    def say(self, catalogue: Mapping[Reason, str]) -> str:
        """The verdict in words, from a catalogue of format strings; a reason it lacks is said in English."""
        return catalogue.get(self.reason, SENTENCES[self.reason]).format_map(dict(self.parameters))
