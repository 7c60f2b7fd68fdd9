"""The hook: whose hours count for a question, and what the user reads.

Rules of this file: no timetable is computed here, and nothing is opened. The entry point names this module, so that an
installed plugin is listed and checked; by itself it offers nothing, because only the host knows its hours.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias, final

from wa_connector import Intent, LineId, OrganizationId, Question, TenantId, UsageError, Veto, hookimpl
from wa_connector.ports.directory import Directory
from wa_connector_quiet_hours.hours import Hours, Silence, silence

PathOf: TypeAlias = Callable[[Question], Sequence[OrganizationId]]
"""The organizations that count for a question, root first."""
Sentence: TypeAlias = Callable[[Silence, Hours, datetime], str]

_NAMES: Final = {"quiet_hours": "during quiet hours", "business_hours": "outside business hours"}
_A_WEEK: Final = timedelta(days=7)


def sentence(found: Silence, hours: Hours, at: datetime) -> str:
    """What the user reads, in English, in the hours' own time."""
    what = f"Nothing is sent {_NAMES[found.rule]}"
    if found.until_at is None:
        return f"{what}, and there is no end of them."
    now, end = at.astimezone(hours.zone), found.until_at.astimezone(hours.zone)
    day = "" if end.date() == now.date() else f"{end:%A} " if end - now < _A_WEEK else f"{end:%Y-%m-%d} "
    return f"{what}, until {day}{end:%H:%M} ({hours.zone.key})."


def organizations_of(directory: Directory) -> PathOf:
    """The path of the user who asks, or of the line where nobody does, out of the host's directory."""

    def path_of(question: Question) -> Sequence[OrganizationId]:
        tenant, user = question.tenant, question.user
        found = directory.line(tenant, question.line) if user is None else directory.user(tenant, user)
        return tuple(organization.id for organization in found.organizations) if found else ()

    return path_of


@final
class QuietHours:
    """Lets messages leave only when it is open and not quiet.

    The narrowest hours speak, and they alone: the line's, else those of the nearest organization on the path that
    ``path_of`` gives, else the tenant's; where there are none, messages leave at any time. ``Hours("UTC")`` on a line
    exempts it. ``intents`` are what the hours are about: by default everything that a user, or the system for him, sends.
    What the system answers to STOP and HELP is never asked about.

    May be used by several connectors and threads; the mappings may be changed meanwhile. Raises ``UsageError`` for
    organizations without a path.
    """

    def __init__(
        self,
        *,
        lines: Mapping[tuple[TenantId, LineId], Hours] | None = None,
        organizations: Mapping[tuple[TenantId, OrganizationId], Hours] | None = None,
        tenants: Mapping[TenantId, Hours] | None = None,
        path_of: PathOf | None = None,
        intents: Collection[Intent] = frozenset(Intent),
        say: Sentence = sentence,
    ) -> None:
        if organizations and path_of is None:
            raise UsageError("which organizations count? give path_of, such as organizations_of(your directory)")
        # Kept, not copied: whoever changes his own mapping changes the hours.
        self._lines: Final = {} if lines is None else lines
        self._organizations: Final = {} if organizations is None else organizations
        self._tenants: Final = {} if tenants is None else tenants
        self._path_of: Final = path_of
        self._intents: Final = frozenset(intents)
        self._say: Final = say

    @hookimpl
    def wa_veto(self, question: Question) -> Veto | None:
        """decide: a wait until the hours are over; a refusal where they have no end."""
        hours = self.hours_of(question) if question.intent in self._intents else None
        found = silence(hours, question.at) if hours is not None else None
        if hours is None or found is None:
            return None
        return Veto(found.rule, self._say(found, hours, question.at), found.until_at)

    def hours_of(self, question: Question) -> Hours | None:
        """The hours that count for a question."""
        hours = self._lines.get((question.tenant, question.line))
        if hours is not None:
            return hours
        for organization in reversed(self._path_of(question) if self._path_of else ()):
            hours = self._organizations.get((question.tenant, organization))
            if hours is not None:
                return hours
        return self._tenants.get(question.tenant)
