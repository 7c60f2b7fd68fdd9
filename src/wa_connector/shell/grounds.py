"""The ground of a command: what the directory, the stored settings and the host's own rules say.

Asked before anything is loaded, and handed in as data; a conflict does not ask again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from wa_connector.decide.falling_back import Detour
from wa_connector.decide.ground import Ground, setting_keys
from wa_connector.errors import UsageError
from wa_connector.model.capability import Capabilities
from wa_connector.model.cost import Cost
from wa_connector.model.directory import Account, LineSetup, Seat
from wa_connector.model.ids import LineId
from wa_connector.model.opinion import Intent, Question, Veto
from wa_connector.model.setting import FallBack
from wa_connector.ports.channel import Channel
from wa_connector.ports.rows import Key
from wa_connector.ports.storage import Row
from wa_connector.shell.ports import Ports
from wa_connector.shell.screening import with_signature


async def ground_for(
    ports: Ports,
    setup: LineSetup,
    seat: Seat | None,
    intent: Intent | None = None,
    at: datetime | None = None,
    seen: Mapping[Key, Row] = {},
) -> Ground:
    """The ground of what ``seat`` wants to do on a line; with no ``intent`` the host's rules are not asked.

    ``at`` reads the settings as of then; what is ``seen`` already is not loaded. Raises ``UsageError`` when no plugin
    provides the line's channel.
    """
    line = setup.line
    channel = ports.channels.get(line.channel)
    if channel is None:
        raise UsageError(f"no plugin provides the channel {line.channel!r} of line {line.id!r}")
    keys = setting_keys(setup, seat)
    missing = [key for key in keys if key not in seen]
    stored = {**seen, **(await ports.storage.load(missing)).rows} if missing else seen
    vetoes: tuple[Veto, ...] = ()
    if intent is not None and ports.hooks.rules:
        user = seat.user.id if seat else None
        question = Question(line.tenant, line.id, line.channel, user, intent, at or ports.clock())
        vetoes = await ports.hooks.vetoes(question)
    return Ground.of(
        setup, capabilities_of(channel, setup.account), seat, {key: stored[key] for key in keys}, at, vetoes
    )


async def detour_of(ports: Ports, here: Ground, line: LineId | None = None) -> Detour | None:
    """The other line that the user could go by: the one named, or the first of his that takes over; None when he has none,
    or is here on such a line already. The directory gives his own lines first, and then the shared ones closest to him."""
    if here.seat is None or here.capabilities.takes_over:
        return None
    user = here.seat.user
    for setup in await ports.directory.lines(user.tenant, user.id):
        channel = ports.channels.get(setup.line.channel)
        if channel is None or line not in {None, setup.line.id} or setup.line.id == here.setup.line.id:
            continue
        if capabilities_of(channel, setup.account).takes_over:
            there = await ground_for(ports, setup, here.seat, Intent.WRITE)
            if line is not None or there.enablement.is_allowed:
                return Detour(here, await with_signature(ports, there))
    return None


async def automatic_detour(ports: Ports, here: Ground) -> Detour | None:
    """The line that a message goes by of itself, where the organization lets it."""
    return await detour_of(ports, here) if here.settings.fall_back is FallBack.AUTOMATIC else None


def cost_of(channel: Channel, account: Account, text: str) -> Cost | None:
    """What sending a text comes to, where the channel says so (``ports.channel.PricedChannel``)."""
    told: Callable[[Account, str], Cost] | None = getattr(channel, "cost", None)
    return None if told is None else told(account, text)


def capabilities_of(channel: Channel, account: Account) -> Capabilities:
    """What the account can do, where the channel tells its accounts apart (``ports.channel.AccountChannel``); else what
    the channel can."""
    told: Callable[[Account], Capabilities] | None = getattr(channel, "capabilities_of", None)
    return channel.capabilities if told is None else told(account)
