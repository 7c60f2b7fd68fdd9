"""Push notices: read out of the log by a stored cursor, so that a process that dies loses none.

Theory: the cursor moves only behind what was given. A crash between giving and moving gives a notice twice, never not at
all. Two processes that push at once both give what both have read; the one that moves the cursor second stops.
"""

from itertools import product
from typing import Final

from attrs import evolve, frozen

from wa_connector.model.conversation import Conversation, ListingState
from wa_connector.model.customer import Customer
from wa_connector.model.directory import Seat
from wa_connector.model.event import Event
from wa_connector.model.ids import TenantId, UserId
from wa_connector.model.message import Message
from wa_connector.model.push import PushKind, PushNotice
from wa_connector.policy.membership import names_of
from wa_connector.policy.pushing import concerned, recipients, shown
from wa_connector.ports.rows import CONVERSATION, CURSOR, CUSTOMER, MESSAGE
from wa_connector.ports.storage import Change, Committed, Put, Range
from wa_connector.shell.grounds import ground_for
from wa_connector.shell.ports import Ports

A_PAGE: Final = 200
MOST_COUNTED: Final = 100
"""No badge tells more apart."""


@frozen
class Pushed:
    """What a call of ``push`` came to: how many notices were ``given``, and whether one that could not be given keeps the
    rest waiting for the next call."""

    given: int = 0
    is_waiting: bool = False


async def push_all(ports: Ports, tenant: TenantId) -> Pushed:
    """Give every notice behind the stored cursor, and move it."""
    given = 0
    if not ports.hooks.pushers:
        return Pushed()
    key = CURSOR.of(tenant, "push")
    while True:
        row = (await ports.storage.load([key])).rows[key]
        before: str = row.value or ""
        page = await ports.storage.events_after(tenant, before, A_PAGE)
        done = 0
        for event in page.events:
            count = await _push(ports, event)
            if count is None:
                break
            given, done = given + count, done + 1
        is_waiting = done < len(page.events)
        cursor = page.cursor
        if is_waiting:
            cursor = (await ports.storage.events_after(tenant, before, done)).cursor if done else before
        if cursor == before:
            return Pushed(given, is_waiting)
        change = Change(tenant, ports.clock(), reads={key: row.version}, puts=(Put(key, cursor),))
        (outcome,) = await ports.storage.commit([change])
        if is_waiting or not isinstance(outcome, Committed):
            return Pushed(given, is_waiting)


async def _push(ports: Ports, event: Event) -> int | None:
    """Give the notices of one event: how many; None when one of them is to be given again later."""
    found = concerned(event.happening)
    if found is None:
        return 0
    keys = [CONVERSATION.of(event.tenant, found[0])]
    if found[1] is not None:
        keys.append(MESSAGE.of(event.tenant, found[1]))
    rows = (await ports.storage.load(keys)).rows
    thread: Conversation | None = rows[keys[0]].value
    message: Message | None = rows[keys[1]].value if found[1] is not None else None
    if thread is None:
        return 0
    given = 0
    for user, kind in recipients(event.happening, thread, message):
        is_given = await _give(ports, event, thread, message, user, kind)
        if is_given is None:
            return None
        given += is_given
    return given


async def _give(
    ports: Ports, event: Event, thread: Conversation, message: Message | None, user: UserId | None, kind: PushKind
) -> bool | None:
    """Whether it was given; None when it is to be tried again. One that grew too old is dropped, and counted."""
    setup = await ports.directory.line(event.tenant, thread.line)
    seat = await ports.directory.user(event.tenant, user) if user is not None else None
    if setup is None or (seat is not None and seat.user.disabled):
        return False
    settings = (await ground_for(ports, setup, seat)).settings
    if ports.clock() - event.at >= settings.push_for:
        ports.hooks.measure("notices_dropped", 1, kind=kind.value)
        return False
    notice = PushNotice(
        f"{event.sequence} {user or ''}",
        event.tenant,
        user,
        kind,
        thread.id,
        message.id if message else None,
        event.at,
    )
    if seat is not None:
        notice = evolve(notice, badge=await _badge(ports, seat))
    sender = await _sender(ports, event.tenant, thread, message)
    notice = shown(notice, sender, message.content if message else None, settings.push_shows)
    return True if await ports.hooks.push(notice) else None


async def _badge(ports: Ports, seat: Seat) -> int:
    """How many of somebody's open threads hold something unread: one round trip, whatever the history. One that stands
    on several lists of his counts once."""
    names, channels = sorted(names_of(seat)), sorted(ports.channels)
    wanted = [
        Range("listing", "shelf", (seat.user.tenant, name, ListingState.OPEN.value, channel, owned, 1), MOST_COUNTED)
        for name, channel, owned in product(names, channels, (0, 1))
    ]
    snapshot = await ports.storage.load(wanted)
    threads = {key.parts[2] for each in wanted for key in snapshot.ranges[each]}
    return min(MOST_COUNTED, len(threads))


async def _sender(ports: Ports, tenant: TenantId, thread: Conversation, message: Message | None) -> str:
    """Who wrote, for the notice: a colleague by his name, else the customer by his."""
    if message is not None and message.sender is not None:
        seat = await ports.directory.user(tenant, message.sender)
        return seat.user.name if seat else ""
    key = CUSTOMER.of(tenant, thread.customer)
    customer: Customer | None = (await ports.storage.load([key])).rows[key].value
    return customer.name if customer else ""
