"""What users do: begin a conversation, ask for consent, write."""

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from wa_connector.decide import identity
from wa_connector.decide.consenting import Witness, record
from wa_connector.decide.draft import Draft, once, refuse_unless
from wa_connector.decide.falling_back import Detour, judge_detour
from wa_connector.decide.ground import Ground, address_for, consent_of, standing_of, template_for
from wa_connector.decide.refusals import consent_at
from wa_connector.decide.threads import Outgoing, enqueue, hold, open_thread, open_to, take_by_writing
from wa_connector.errors import InternalError, RefusedError
from wa_connector.model.address import Address
from wa_connector.model.consent import Signal
from wa_connector.model.contact import Contact
from wa_connector.model.content import Content, TemplateMessage
from wa_connector.model.conversation import Conversation
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.directory import Seat
from wa_connector.model.event import MessageFellBack
from wa_connector.model.ids import ConversationId, CustomerId, MessageId, ProviderId, UserId
from wa_connector.model.message import BySystem, ByUser, FellBack, Message, MessageStatus, NoticeKind
from wa_connector.model.standing import Standing
from wa_connector.model.template import Template, TemplateCategory, TemplateStatus
from wa_connector.policy.action import AskConsent, UseTemplate, Write
from wa_connector.policy.falling_back import carried
from wa_connector.policy.lookalikes import address_among
from wa_connector.policy.membership import Right, may
from wa_connector.policy.replies import ACCEPT_PAYLOAD, DECLINE_PAYLOAD
from wa_connector.policy.rules import contact as contact_rule
from wa_connector.policy.rules import decide
from wa_connector.policy.screening import judge_screening
from wa_connector.policy.signing import signed
from wa_connector.ports.rows import CONVERSATION, Key

_A_SECOND: Final = timedelta(seconds=1)
"""Evidence folds by whole seconds."""


@frozen
class Placement:
    """What became of a command.

    When it was refused, only ``decision`` is set. Else ``conversation`` is the thread, and ``message`` with its
    ``status`` what was placed in it, where the command places one. Of a held message ``decision`` is the refusal that it
    waits for. ``is_repeat``: the same command was taken before, and this is what came of it then.
    """

    decision: Decision
    conversation: ConversationId | None = None
    message: MessageId | None = None
    status: MessageStatus | None = None
    is_repeat: bool = False

    @property
    def is_taken(self) -> bool:
        return self.conversation is not None

    def or_raise(self) -> "Placement":
        """This, or a ``RefusedError`` that carries the decision."""
        if not self.is_taken:
            raise RefusedError(self.decision)
        return self


@frozen
class ToContact:
    """A command about a contact. ``contact`` is None for somebody who is not in the contacts, and
    ``contacts_available`` False when the store did not answer. ``command`` is the caller's id of it, or ''."""

    ground: Ground
    contact: Contact | None
    contacts_available: bool = True
    command: str = ""


@frozen
class AskForConsent:
    """Send the organization's opt-in request to a contact."""

    to: ToContact
    message: MessageId


@frozen
class SendMessage:
    """Send ``content`` in a conversation. ``hold``: where only the window stands in the way, wait for it."""

    ground: Ground
    conversation: ConversationId
    content: Content
    message: MessageId
    hold: bool = False
    replies_to: ProviderId | None = None
    command: str = ""
    redacted_by: tuple[str, ...] = ()
    detour: Detour | None = None
    """Another line that it may go by; ``by_hand`` where the user chose that."""
    by_hand: bool = False


def command_mark(user: UserId, command: str) -> str:
    """The mark of a command: a user's own, so that nobody learns of another's by its id."""
    return f"command:{user}:{command}"


# --- to a contact -----------------------------------------------------------------------------------------------------


def start(draft: Draft, command: ToContact) -> Placement:
    """Open the thread with a contact: the latest open one on this line, or a new one.

    Needs what writing needs, or else a consent that may be asked for: a thread in which nothing can ever be done is
    not begun.
    """
    seat = seat_of(command.ground)
    customer, standing = standing_to(draft, command)
    decision = refuse_unless(may_start(draft, standing))
    thread = open_to(draft, command.ground, customer, seat) if customer else None
    if thread is not None:
        take_by_writing(draft, command.ground, thread, seat)
        return Placement(decision, thread)
    customer = customer or identity.resolve(draft, _addresses(command), _name(command))
    return Placement(decision, open_thread(draft, command.ground, customer, seat.user.id, draft.now))


def may_start(draft: Draft, standing: Standing) -> Decision:
    """The verdict on starting to write to a contact."""
    stranger = contact_rule(Write(), standing, draft.now)
    if stranger is not None:
        return stranger
    write = decide(Write(), standing, draft.now)
    if write.is_allowed or write.reason is not Reason.WINDOW_CLOSED:
        return write
    return decide(UseTemplate(), standing, draft.now)


def ask_consent(draft: Draft, command: AskForConsent) -> Placement:
    """Send the opt-in request, in the pair's open thread or a new one."""
    ground = command.to.ground
    if command.to.command:
        once(draft, command_mark(seat_of(ground).user.id, command.to.command), command.message)
    seat = seat_of(ground)
    user = seat.user.id
    customer, standing = standing_to(draft, command.to)
    locale = command.to.contact.locale if command.to.contact else ""
    content, template = request_for(draft, ground, customer, locale)
    decision = refuse_unless(decide(AskConsent(content, template), standing, draft.now))
    customer = customer or identity.resolve(draft, _addresses(command.to), _name(command.to))
    identity.learn_locale(draft, customer, locale)
    thread = open_to(draft, ground, customer, seat) or open_thread(draft, ground, customer, user, draft.now)
    take_by_writing(draft, ground, thread, seat)
    message = place_request(draft, ground, customer, thread, content, command.message, user, cause=command.message)
    return Placement(decision, thread, message.id, message.status)


def request_for(
    draft: Draft, ground: Ground, customer: CustomerId | None, locale: str = ""
) -> tuple[TemplateMessage, Template | None]:
    """The organization's opt-in request, with our payloads on its first two buttons, and the template it uses.

    In the customer's own language where there is an approved one, else in a wider one, else in the organization's: of
    that a refusal speaks, when none can be used.
    """
    own = ground.settings.opt_in_language
    payloads = {"0": ACCEPT_PAYLOAD, "1": DECLINE_PAYLOAD}
    for language in _languages(locale or _locale_of(draft, customer), own):
        content = TemplateMessage(ground.settings.opt_in_template, language, payloads=payloads)
        template = template_for(draft, ground, content)
        if template is not None and template.status is TemplateStatus.APPROVED:
            return evolve(content, rendered=template.render({})), template
    content = TemplateMessage(ground.settings.opt_in_template, own, payloads=payloads)
    return content, template_for(draft, ground, content)


def request_templates(ground: Ground) -> list[Key]:
    """Where the opt-in request stands in the organization's own language."""
    settings = ground.settings
    languages = _languages("", settings.opt_in_language)
    return [ground.template(TemplateMessage(settings.opt_in_template, language)) for language in languages]


def _languages(locale: str, own: str) -> tuple[str, ...]:
    """``pt_BR`` → ``pt_BR``, ``pt``, and then the organization's own and its wider one; each once."""
    spelled = (name.replace("-", "_") for name in (locale, own) if name)
    return tuple(dict.fromkeys(name for one in spelled for name in (one, one.partition("_")[0])))


def _locale_of(draft: Draft, customer: CustomerId | None) -> str:
    return identity.customer_record(draft, customer).locale if customer else ""


def place_request(
    draft: Draft,
    ground: Ground,
    customer: CustomerId,
    thread: ConversationId,
    content: TemplateMessage,
    message: MessageId,
    actor: UserId | None,
    cause: str,
) -> Message:
    """Queue the opt-in request, and note in the evidence that it was made."""
    author = BySystem(NoticeKind.OPT_IN_REQUEST, cause)
    placed = enqueue(draft, ground, Outgoing(customer, thread, author, content, message))
    address = address_for(draft, ground, customer)
    record(
        draft,
        ground,
        customer,
        Witness(
            Signal.ASKED,
            _asked_at(draft, ground, customer),
            cause=placed.id,
            text=content.rendered,
            address=address.value if address else "",
            purposes=ground.settings.opt_in_purposes,
            actor=actor,
            template=f"{content.name}/{content.language}",
            locale=content.language,
        ),
    )
    return placed


def _asked_at(draft: Draft, ground: Ground, customer: CustomerId) -> datetime:
    """Now, and after what it follows in any case: where the provider's clock is ahead of ours, a request would else be
    folded before the decline, or the failure of the last one, that it is an answer to."""
    changed_at = consent_of(draft, customer).on(ground.capabilities.channel).changed_at
    return draft.now if changed_at is None else max(draft.now, changed_at + _A_SECOND)


# --- in a conversation ------------------------------------------------------------------------------------------------


def send(draft: Draft, command: SendMessage) -> Placement:
    """Queue a message, or hold it until the window opens.

    Whoever writes into a thread on the unassigned list, or into his team's, takes it.
    """
    if command.command:
        once(draft, command_mark(seat_of(command.ground).user.id, command.command), command.message)
    seat = seat_of(command.ground)
    thread: Conversation | None = draft.get(CONVERSATION.of(draft.tenant, command.conversation))
    refuse_unless(may(Right.WRITE, thread, seat))
    assert thread is not None
    customer = identity.survivor(draft, thread.customer)
    content = _complete(draft, command)
    decision = judge(draft, command.ground, content, standing_of(draft, command.ground, customer))
    outgoing = Outgoing(
        customer, thread.id, ByUser(seat.user.id), content, command.message, command.replies_to, command.redacted_by
    )
    other = _judge_other(draft, command, customer, content, decision)
    if command.by_hand:
        refuse_unless(other)
    if other.is_allowed:
        refuse_unless(judge_screening(command.ground.screening, draft.now) or _ALLOWED)
        take_by_writing(draft, command.ground, thread.id, seat)
        return Placement(
            other, thread.id, _by_another_line(draft, command, outgoing, decision).id, MessageStatus.QUEUED
        )
    is_held = decision.reason is Reason.WINDOW_CLOSED and command.hold
    refuse_unless(_ALLOWED if is_held else decision)
    refuse_unless(judge_screening(command.ground.screening, draft.now) or _ALLOWED)
    take_by_writing(draft, command.ground, thread.id, seat)
    placed = hold(draft, command.ground, outgoing) if is_held else enqueue(draft, command.ground, outgoing)
    return Placement(decision, thread.id, placed.id, placed.status)


_ALLOWED = Decision(Reason.ALLOWED)


def _judge_other(
    draft: Draft, command: SendMessage, customer: CustomerId, content: Content, decision: Decision
) -> Decision:
    """The verdict on going by another line: chosen by the user, or of itself where the organization lets it."""
    if command.detour is None or (decision.is_allowed and not command.by_hand):
        return _NO_DETOUR
    return judge_detour(draft, command.detour, customer, content, decision)


_NO_DETOUR = Decision(Reason.NOTHING_TO_DO)


def _by_another_line(draft: Draft, command: SendMessage, outgoing: Outgoing, refusal: Decision) -> Message:
    """The message in its thread, on its way by the other line. It quotes nothing: what it quotes is not known there."""
    assert command.detour is not None
    line, by = command.detour.here.setup.line, seat_of(command.ground).user.id if command.by_hand else None
    why = FellBack(line.id, line.channel, draft.now, refusal.reason.value, refusal.sentence, by)
    changed = evolve(outgoing, content=carried(outgoing.content), replies_to=None, fell_back=why)
    message = enqueue(draft, command.detour.there, changed)
    draft.tell(MessageFellBack(message.id, message.conversation, message.line, why.code))
    return message


def judge(draft: Draft, ground: Ground, content: Content, standing: Standing) -> Decision:
    """The verdict on sending ``content`` now."""
    if isinstance(content, TemplateMessage):
        return decide(UseTemplate(content, template_for(draft, ground, content)), standing, draft.now)
    return decide(Write(signed(content, ground.signature)), standing, draft.now)


def _complete(draft: Draft, command: SendMessage) -> Content:
    """A template message with its text as the customer will read it."""
    content = command.content
    if not isinstance(content, TemplateMessage):
        return content
    template = template_for(draft, command.ground, content)
    if template is None:
        return content
    return evolve(
        content,
        rendered=template.render(content.parameters),
        kinds=template.button_kinds(),
        is_marketing=template.category is TemplateCategory.MARKETING,
    )


def standing_to(draft: Draft, command: ToContact) -> tuple[CustomerId | None, Standing]:
    """The customer that the contact is, if he was ever met, and his standing."""
    customer = identity.find(draft, _addresses(command))
    standing = standing_of(
        draft,
        command.ground,
        customer,
        is_contact=command.contact is not None,
        contacts_available=command.contacts_available,
    )
    if customer is None:
        # Nobody is stored yet: he is reached by the contact's own addresses.
        kept = consent_at(draft, _addresses(command)).on(command.ground.capabilities.channel)
        reached = address_among(_addresses(command), command.ground.capabilities.sends_to)
        standing = evolve(standing, has_address=reached is not None, consent=kept)
    return customer, standing


def _addresses(command: ToContact) -> tuple[Address, ...]:
    return command.contact.addresses if command.contact else ()


def _name(command: ToContact) -> str:
    return command.contact.name if command.contact else ""


def seat_of(ground: Ground) -> Seat:
    """Who commands; what nobody commands has no business here."""
    if ground.seat is None:
        raise InternalError("a user's command came without its user")
    return ground.seat
