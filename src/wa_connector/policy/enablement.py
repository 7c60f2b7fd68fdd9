"""Who may use a channel: inherited down the path of organizations to the user, with the level that decided.

A channel is off until some level switches it on. A level that switches it off says whether a lower one may switch it on
again; where it may not, what lower levels say is ignored. The level that decided is the deepest one that was heard.
"""

from collections.abc import Iterable, Mapping

from wa_connector.model.decision import Decision, Reason, Remedy, RemedyKind
from wa_connector.model.directory import ChannelSwitch, Organization, Seat

_ASK_ADMINISTRATOR = (Remedy(RemedyKind.ASK_ADMINISTRATOR),)


def enablement(organizations: tuple[Organization, ...], seat: Seat | None, channel: str, label: str) -> Decision:
    """Whether ``channel`` is on for this user on a line of ``organizations`` (root first).

    Both paths must have it on: the line's, which says where the channel may be used, and the user's. ``seat`` is None
    for what the system does by itself.
    """
    verdict = _walk(((level.name, level.channels) for level in organizations), channel, label)
    if seat is None or not verdict.is_allowed:
        return verdict
    if seat.user.disabled:
        return Decision(Reason.USER_DISABLED, remedies=_ASK_ADMINISTRATOR)
    levels = [(level.name, level.channels) for level in seat.organizations]
    return _walk((*levels, (seat.user.name, seat.user.channels)), channel, label)


def _walk(levels: Iterable[tuple[str, Mapping[str, ChannelSwitch]]], channel: str, label: str) -> Decision:
    is_on, decided_by = False, "default"
    for name, switches in levels:
        switch = switches.get(channel)
        if switch is None:
            continue
        is_on, decided_by = switch.enabled, name
        if not (switch.enabled or switch.may_enable):
            break
    parameters = (("channel", label), ("level", decided_by))
    if is_on:
        return Decision(Reason.ALLOWED, parameters)
    return Decision(Reason.CHANNEL_DISABLED, parameters, _ASK_ADMINISTRATOR)
