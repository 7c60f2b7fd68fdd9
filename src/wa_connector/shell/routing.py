"""Who could have a new thread: what the host, the contacts and the directory say, asked before it is decided."""

from attrs import evolve

from wa_connector.decide.ground import Ground
from wa_connector.errors import Unavailable
from wa_connector.model.ids import UserId
from wa_connector.model.routing import Candidate, RoutedBy, RoutingQuestion
from wa_connector.policy.enablement import enablement
from wa_connector.shell.ports import Ports


async def candidates_for(ports: Ports, ground: Ground, question: RoutingQuestion) -> tuple[Candidate, ...]:
    """Those who could have the thread, in their order: the last owner, whom the host names, whose contact it is, whose
    line it is; each once. Never raises for what a hook or the contact store does."""
    asks_contacts = ports.hooks.routers or ground.settings.route_to_contact_owner
    owners = await _contact_owners(ports, question) if asks_contacts else ()
    named = await ports.hooks.route(evolve(question, contact_owners=owners))
    own = ground.setup.line.owner
    found: dict[UserId, RoutedBy] = {}
    for users, by in (
        ((question.last_owner,) if question.last_owner else (), RoutedBy.LAST_OWNER),
        (named, RoutedBy.HOST),
        (owners if ground.settings.route_to_contact_owner else (), RoutedBy.CONTACT_OWNER),
        ((own,) if own else (), RoutedBy.LINE_OWNER),
    ):
        for user in users:
            found.setdefault(user, by)
    return tuple([await _candidate(ports, ground, user, by) for user, by in found.items()])


async def _contact_owners(ports: Ports, question: RoutingQuestion) -> tuple[UserId, ...]:
    """Whose contact he is. A store that does not answer names nobody: it never keeps out what comes in."""
    if ports.contacts is None:
        return ()
    try:
        contacts = await ports.contacts.find(question.tenant, question.addresses)
    except Unavailable:
        return ()
    return tuple(dict.fromkeys(contact.owner for contact in contacts if contact.owner is not None))


async def _candidate(ports: Ports, ground: Ground, user: UserId, by: RoutedBy) -> Candidate:
    """Whether he can take it (somebody whom the directory does not know cannot), and whether he is there."""
    setup, capabilities = ground.setup, ground.capabilities
    seat = await ports.directory.user(setup.line.tenant, user)
    if seat is None:
        return Candidate(user, by, is_able=False)
    verdict = enablement(setup.organizations, seat, capabilities.channel, capabilities.label)
    is_away = not seat.user.is_team and await ports.hooks.is_away(setup.line.tenant, user)
    return Candidate(user, by, verdict.is_allowed, is_away)
