"""Whose is what a customer writes? A list of rules, asked in order; the first that knows is the answer.

Theory: where something is open, no host is asked: a quoted message decides, else the open thread in which something
happened last. Only a thread that has to be begun needs an owner. He is the first candidate who can take it and is
there: whoever owned the ended thread (where the organization restarts it so), whom the host's hook names, whose contact
it is, whose line it is. When there is none, the unassigned list has it, so that a customer's words are never lost.

Rules of this file: a rule is a function of the situation; it returns None or the route. It never loads and never asks.
"""

from collections.abc import Callable, Mapping
from typing import Final

from attrs import field, frozen

from wa_connector.model.ids import ConversationId
from wa_connector.model.routing import Candidate, Route, RoutedBy
from wa_connector.model.setting import EndedThreads, Settings


@frozen
class Situation:
    """What is known of one customer on one line when he writes.

    ``open`` are the open threads, oldest first, and ``active_at`` when something was last entered in each (any unit
    that rises; needed where there are several). ``quoted`` is the thread of the message that he quotes, ``continued``
    the open thread that goes on from an ended one, and ``latest`` the last thread of all.
    """

    settings: Settings
    open: tuple[ConversationId, ...] = ()
    active_at: Mapping[ConversationId, int] = field(factory=dict)
    quoted: ConversationId | None = None
    continued: Mapping[ConversationId, ConversationId] = field(factory=dict)
    latest: ConversationId | None = None
    candidates: tuple[Candidate, ...] = ()

    @property
    def restarts(self) -> ConversationId | None:
        """The ended thread that a new one goes on from, by the organization's rule."""
        return None if self.settings.ended_threads is EndedThreads.NEW else self.quoted or self.latest


def route(situation: Situation) -> Route:
    """Where the message goes. Total: the last rule always knows."""
    return next(found for rule in RULES if (found := rule(situation)) is not None)


def quoted_thread(situation: Situation) -> Route | None:
    """The thread of the message that he quotes; of an ended one, the thread that goes on from it."""
    quoted = situation.quoted
    if quoted is None:
        return None
    thread = quoted if quoted in situation.open else situation.continued.get(quoted)
    return Route(RoutedBy.QUOTED, thread) if thread else None


def most_recent(situation: Situation) -> Route | None:
    """The open thread in which something happened last, unless what he quotes is to be restarted. Of one instant, the
    one that was opened last."""
    if not situation.open or (situation.quoted and situation.restarts):
        return None
    order = {thread: place for place, thread in enumerate(situation.open)}
    active = max(situation.open, key=lambda thread: (situation.active_at.get(thread, 0), order[thread]))
    return Route(RoutedBy.LATEST, active)


def stranger(situation: Situation) -> Route | None:
    """Where first contact is restricted, nobody is given a customer who was never written to."""
    is_withheld = situation.latest is None and situation.settings.restrict_first_contact
    return Route(RoutedBy.UNASSIGNED) if is_withheld else None


def candidate(situation: Situation) -> Route | None:
    """The first who can take it and is there. A line of somebody's own is his whether he is there or not."""
    restarts = situation.restarts
    if restarts and situation.settings.ended_threads is EndedThreads.UNASSIGNED:
        return None
    for one in situation.candidates:
        is_there = not one.is_away or one.by is RoutedBy.LINE_OWNER or situation.settings.route_to_absent
        if one.is_able and is_there:
            return Route(one.by, owner=one.user, restarts=restarts)
    return None


def unassigned(situation: Situation) -> Route:
    """The unassigned list."""
    return Route(RoutedBy.UNASSIGNED, restarts=situation.restarts)


Rule = Callable[[Situation], Route | None]
RULES: Final[tuple[Rule, ...]] = (quoted_thread, most_recent, stranger, candidate, unassigned)
