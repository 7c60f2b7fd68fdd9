"""Opinions of the host's own about messages: card numbers stay out of them, whoever had a customer last gets him again, and
telephones hear of what concerns them.

A plugin like any other. It keeps its notices in memory, where a real host calls a push service.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from threading import Lock
from typing import Final, final

from wa_connector import (
    PushNotice,
    Redact,
    RoutingQuestion,
    Screening,
    Text,
    UserId,
    hookimpl,
)

CARD: Final = re.compile(r"\b(?:\d[ -]?){12,18}\d\b")
MOST_KEPT: Final = 1000
"""Notices for one telephone that nobody picks up; older ones are worth nothing."""


@final
class FrontOffice:
    """Safe under threads: the hosts ask it from several."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._notices: defaultdict[UserId | None, list[PushNotice]] = defaultdict(list)

    @hookimpl
    def wa_screen(self, screening: Screening) -> Redact | None:
        """Card numbers leave and enter as ``[card]``."""
        if not isinstance(screening.content, Text):
            return None
        body = CARD.sub("[card]", screening.content.body)
        return None if body == screening.content.body else Redact("cards", Text(body))

    @hookimpl
    def wa_route(self, question: RoutingQuestion) -> Sequence[UserId]:
        """Whose contact it is; else the unassigned list has it."""
        return question.contact_owners

    @hookimpl
    def wa_push(self, notice: PushNotice) -> None:
        """Keep it until the telephone asks. One that is given a second time has the same id."""
        with self._lock:
            kept = self._notices[notice.user]
            if all(each.id != notice.id for each in kept):
                kept.append(notice)
            del kept[:-MOST_KEPT]

    def picked_up(self, user: UserId) -> list[PushNotice]:
        """The notices for one telephone, each once."""
        with self._lock:
            return self._notices.pop(user, [])
