"""Questions change nothing, and their answers are what the buttons of a screen will do."""

from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from wa_connector.decide.draft import Ready
from wa_connector.decide.screens import InConversation, composer, contact_action, readable
from wa_connector.decide.sending import AskForConsent, ToContact, ask_consent, send
from wa_connector.model.decision import Reason
from wa_connector.model.ids import ConversationId, MessageId, UserId
from wa_connector.policy.screens import Composer, ContactAction
from wa_connector.testing.host import ANA, BEN, LINE, SUE

if TYPE_CHECKING:
    from tests.decide.conftest import Desk


def actions(desk: "Desk", user: UserId = ANA) -> ContactAction:
    return desk.do(contact_action, desk.to_contact(user))


def field(desk: "Desk", thread: ConversationId, user: UserId = ANA) -> Composer:
    return desk.do(composer, InConversation(desk.ground(user), thread))


def test_a_contact_who_was_never_met_may_be_asked(desk: "Desk") -> None:
    """Before any conversation exists the screen says what would be refused, and why."""
    action = actions(desk)
    assert (action.write.reason, action.ask.reason) == (Reason.CONSENT_NOT_ASKED, Reason.ALLOWED)
    assert (action.channel, action.label, action.line, action.conversation) == ("plain", "Plain", LINE, None)


@pytest.mark.parametrize("available", [True, False])
def test_somebody_outside_the_contacts_is_not_written_to(desk: "Desk", available: bool) -> None:
    """Both buttons say so, or that the contacts cannot be read just now."""
    action = desk.do(contact_action, ToContact(desk.ground(ANA), None, contacts_available=available))
    reason = Reason.NOT_A_CONTACT if available else Reason.CONTACTS_UNAVAILABLE
    assert (reason, reason) == (action.write.reason, action.ask.reason)


def test_the_mark_opens_the_users_latest_thread(desk: "Desk") -> None:
    """His own or an unassigned one; nobody sees a colleague's there."""
    thread = desk.granted()
    assert thread == actions(desk).conversation
    assert actions(desk).write.is_allowed
    assert actions(desk, BEN).conversation is None


def test_nobody_in_particular_has_no_thread(desk: "Desk") -> None:
    """Asked for no user, the answer is about the line alone."""
    desk.granted()
    command = evolve(desk.to_contact(), ground=desk.ground())
    assert desk.do(contact_action, command).conversation is None


def test_a_composer_says_what_sending_will_say(desk: "Desk") -> None:
    """Each verdict is the one that the command gives a moment later."""
    thread = desk.granted()
    now_open = field(desk, thread)
    assert (now_open.write.is_allowed, now_open.template.is_allowed, now_open.held) == (True, True, 0)
    assert now_open.ask.reason is desk.refusal(ask_consent, AskForConsent(desk.to_contact(), MessageId("m")))
    desk.later(hours=25)
    desk.send(thread, hold=True)
    closed = field(desk, thread)
    assert closed.write.reason is desk.refusal(send, desk.sending(thread))
    assert (closed.template.is_allowed, closed.held, closed.closes_at) == (True, 1, None)


def test_a_question_changes_nothing(desk: "Desk") -> None:
    thread = desk.granted()
    for decider, question in (
        (composer, InConversation(desk.ground(ANA), thread)),
        (contact_action, desk.to_contact()),
        (readable, InConversation(desk.ground(ANA), thread)),
    ):
        answer = desk.answer(decider, question)
        assert isinstance(answer, Ready)
        assert answer.change.is_empty


def test_who_sees_a_thread_may_not_always_write_in_it(desk: "Desk") -> None:
    """A supervisor reads every thread; the message field tells her that she is not part of it."""
    thread = desk.granted()
    seen = field(desk, thread, SUE)
    assert {Reason.NOT_A_PARTICIPANT} == {seen.write.reason, seen.template.reason, seen.ask.reason}
    assert seen.held == 0


@pytest.mark.parametrize(
    ("user", "may_see"), [(ANA, True), (BEN, False), (SUE, True)], ids=["participant", "colleague", "supervisor"]
)
def test_who_may_see_a_thread(desk: "Desk", user: UserId, may_see: bool) -> None:
    """Who is or was in it, and who supervises."""
    thread = desk.granted()
    question = InConversation(desk.ground(user), thread)
    if may_see:
        assert thread == desk.do(readable, question).id
    else:
        assert desk.refusal(readable, question) is Reason.NOT_A_PARTICIPANT


def test_everybody_sees_what_nobody_has(desk: "Desk") -> None:
    """An unassigned thread is there to be taken."""
    thread = desk.receive("Hello").conversation
    assert thread == desk.do(readable, InConversation(desk.ground(BEN), thread)).id


def test_what_is_not_there_is_refused_like_what_is_others(desk: "Desk") -> None:
    """Also when nobody in particular asks."""
    others = desk.answer(readable, InConversation(desk.ground(BEN), desk.granted()))
    for ground in (desk.ground(ANA), desk.ground()):
        assert others == desk.answer(readable, InConversation(ground, ConversationId("none")))
