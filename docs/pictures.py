"""Pictures of state machines, as SVG: the boxes have their places here, the arrows come from the tables of the policy.

Rules of this file: standard library only, one text out for the same tables in. An arrow that a table has is drawn; one
that the layout does not know gets a straight line, so that a new move is never missing, only less handsome. The pages
give the same moves as text beside the picture, so nothing is said by the picture alone.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import Enum
from html import escape
from math import hypot
from typing import Any, NamedTuple

from wa_connector.model.conversation import Conversation, ConversationState, Role
from wa_connector.model.directory import Seat, User
from wa_connector.model.ids import ConversationId, CustomerId, LineId, TenantId, UserId
from wa_connector.model.instants import EPOCH
from wa_connector.policy.consent import CONVERSATION, MARKETING
from wa_connector.policy.membership import TABLE as RIGHTS
from wa_connector.policy.membership import Place, Right, joined, parted, places
from wa_connector.policy.status import REPORTED, TABLE

BOX = (124, 38)
Point = tuple[float, float]


class Arrow(NamedTuple):
    """From one box to another, with what causes the move."""

    source: str
    target: str
    labels: tuple[str, ...]


class Hint(NamedTuple):
    """How an arrow runs: ``bend`` pixels to the left of its straight line, the label at ``place`` (0 to 1) of its way.
    ``shift`` moves both ends sideways, so that two arrows between the same boxes lie apart."""

    bend: float = 0
    place: float = 0.5
    shift: float = 0


STRAIGHT = Hint()


def words(value: Enum) -> str:
    """An enum's value as people read it."""
    return str(value.value).replace("_", " ")


# --- the machines -----------------------------------------------------------------------------------------------------


def arrows_of(table: Mapping[Any, Mapping[Any, Any]]) -> list[Arrow]:
    """The moves of a table that lead elsewhere, those with one source and one target together."""
    found: dict[tuple[str, str], list[str]] = {}
    for source, moves in table.items():
        for cause, target in moves.items():
            if target is not source:
                found.setdefault((words(source), words(target)), []).append(words(cause))
    return [Arrow(source, target, tuple(labels)) for (source, target), labels in found.items()]


_CONSENT_BOXES = {
    "unknown": (90, 300),
    "asked": (370, 300),
    "granted": (720, 80),
    "declined": (720, 300),
    "revoked": (720, 520),
}
_CONSENT_HINTS = {
    ("unknown", "asked"): Hint(shift=12),
    ("asked", "unknown"): Hint(shift=12),
    ("unknown", "granted"): Hint(bend=110, place=0.45),
    ("unknown", "declined"): Hint(bend=-78, place=0.47),
    ("unknown", "revoked"): Hint(bend=-110, place=0.45),
    ("asked", "granted"): Hint(place=0.5),
    ("asked", "declined"): Hint(place=0.52),
    ("asked", "revoked"): Hint(place=0.4),
    ("granted", "declined"): Hint(shift=24, place=0.62),
    ("declined", "granted"): Hint(shift=24, place=0.62),
    ("declined", "revoked"): Hint(place=0.5),
    ("granted", "revoked"): Hint(bend=130, place=0.5, shift=10),
    ("revoked", "granted"): Hint(bend=-290, place=0.5, shift=-24),
}


def consent(purpose: str) -> str:
    """The picture of one purpose's consent: ``conversation`` or ``marketing``."""
    table = CONVERSATION if purpose == "conversation" else MARKETING
    arrows = arrows_of(table)
    return drawing(
        f"The stages of consent to {purpose}",
        f"{len(table)} stages and {len(arrows)} arrows between them; the table on this page lists every move.",
        (1180, 600),
        _CONSENT_BOXES,
        [(arrow, _CONSENT_HINTS.get(arrow[:2], STRAIGHT)) for arrow in arrows],
    )


_STATUS_BOXES = {
    "expired": (90, 60),
    "refused": (90, 200),
    "cancelled": (90, 400),
    "held": (350, 60),
    "queued": (350, 230),
    "sending": (640, 230),
    "unknown": (640, 390),
    "parked": (640, 550),
    "received": (960, 520),
    "noted": (90, 550),
    "accepted": (960, 70),
    "sent": (960, 145),
    "failed": (960, 220),
    "delivered": (960, 295),
    "read": (960, 370),
    "played": (960, 445),
}
_STATUS_HINTS = {
    ("held", "queued"): Hint(shift=16, place=0.4),
    ("queued", "held"): Hint(shift=16, place=0.4),
    ("held", "cancelled"): Hint(bend=-10, place=0.7),
    ("held", "refused"): Hint(place=0.5),
    ("queued", "refused"): Hint(place=0.5),
    ("queued", "cancelled"): Hint(place=0.6),
    ("queued", "sending"): Hint(shift=14),
    ("sending", "queued"): Hint(shift=14),
    ("unknown", "queued"): Hint(place=0.5),
    ("parked", "queued"): Hint(bend=30, place=0.5),
    ("parked", "cancelled"): Hint(bend=40, place=0.5),
    ("received", "read"): Hint(bend=-110, place=0.5),
}
_LADDER = ("accepted", "sent", "failed", "delivered", "read", "played")


_FRAME = (878, 36, 1042, 479)
_ENTERS = {"queued": 110, "sending": 230, "unknown": 330, "parked": 430}
"""How high an arrow from this status meets the frame around the ladder."""


def status() -> str:
    """The picture of a message's life. What leads from a status of ours to the ladder is one arrow to its frame."""
    jumping, rungs = _reports()
    ours = [arrow for arrow in arrows_of(TABLE) if arrow.source not in _LADDER]
    within = [arrow for arrow in ours if not (arrow.source in jumping and arrow.target in _LADDER)]
    left, top, right, bottom = _FRAME
    frame = f'<rect class="frame" x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" rx="8"/>'
    caption = f'<text class="caption" x="{left}" y="{top - 10}">reported by the provider</text>'
    return drawing(
        "The life of a message",
        "Our own moves on the left, the ladder of what the provider reports on the right; from each rung a report"
        " leads to any rung below it, never back. The table on this page lists every move.",
        (1140, 600),
        _STATUS_BOXES,
        [
            *((arrow, _STATUS_HINTS.get(arrow[:2], STRAIGHT)) for arrow in within),
            *((Arrow(one, other, ()), STRAIGHT) for one, other in rungs),
        ],
        behind=[frame, caption, *(_entry(name, ours) for name in jumping)],
    )


def _entry(name: str, arrows: Iterable[Arrow]) -> str:
    """The arrow from a status of ours to the frame, with our own steps that lead there beside the reports."""
    causes = [cause for arrow in arrows if arrow.source == name and arrow.target in _LADDER for cause in arrow.labels]
    steps = [cause for cause in dict.fromkeys(causes) if cause not in _REPORT_NAMES]
    end = (float(_FRAME[0]), float(_ENTERS.get(name, 262)))
    return line(border(_STATUS_BOXES[name], end), end, (*steps, "any report"))


_REPORT_NAMES = frozenset(words(report) for report in REPORTED)


def _reports() -> tuple[list[str], list[tuple[str, str]]]:
    """The statuses from which any report may follow, and the rungs with the one below. A table that no longer has this
    shape is an error here: the picture would lie."""
    everything = set(REPORTED.values())
    jumping, rungs = [], []
    for state, moves in TABLE.items():
        reached = {target for cause, target in moves.items() if cause in REPORTED}
        name = words(state)
        if name in _LADDER:
            below = _LADDER[_LADDER.index(name) + 1 :]
            if {words(target) for target in reached} != set(below):
                raise AssertionError(f"{name} no longer leads to all rungs below it; draw the ladder anew")
            rungs += [(name, below[0])] if below else []
        elif reached == everything:
            jumping.append(name)
        elif reached and name != "received":
            raise AssertionError(f"{name} is moved by some reports only; the picture has no arrow for that")
    return jumping, rungs


# --- who takes part ---------------------------------------------------------------------------------------------------

_ME, _OTHER, _TEAM = UserId("me"), UserId("somebody else"), UserId("my team")
_SEAT = Seat(User(TenantId("t"), _ME, "I"), (), frozenset({_TEAM}))
_LATER = EPOCH + timedelta(hours=1)
_NOBODYS = Conversation(ConversationId("c"), LineId("l"), CustomerId("p"), ConversationState.OPEN, EPOCH)
_OTHERS = joined(_NOBODYS, _OTHER, Role.OWNER, EPOCH)
_THREADS = {
    "outside": _OTHERS,
    "unassigned": _NOBODYS,
    "in the team": joined(_NOBODYS, _TEAM, Role.OWNER, EPOCH),
    "owner": joined(_NOBODYS, _ME, Role.OWNER, EPOCH),
    "member": joined(_OTHERS, _ME, Role.MEMBER, EPOCH),
    "observer": joined(_OTHERS, _ME, Role.OBSERVER, EPOCH),
    "was in it": parted(joined(_OTHERS, _ME, Role.MEMBER, EPOCH), _ME, EPOCH),
}
"""One conversation for each place that somebody can have towards it."""
_NAMED = {
    Place.OWNER: "owner",
    Place.TEAM: "in the team",
    Place.MEMBER: "member",
    Place.OBSERVER: "observer",
    Place.ANYBODY: "unassigned",
    Place.FORMER: "was in it",
}
_DONE_TO_ME: Mapping[str, tuple[Right, Callable[[Conversation], Conversation]]] = {
    "take": (Right.TAKE, lambda thread: joined(thread, _ME, Role.OWNER, _LATER)),
    "add": (Right.ADD, lambda thread: joined(thread, _ME, Role.MEMBER, _LATER)),
    "add as observer": (Right.ADD, lambda thread: joined(thread, _ME, Role.OBSERVER, _LATER)),
    "transfer to": (Right.TRANSFER, lambda thread: joined(thread, _ME, Role.OWNER, _LATER)),
    "transfer": (Right.TRANSFER, lambda thread: joined(thread, _OTHER, Role.OWNER, _LATER)),
    "transfer, stay": (
        Right.TRANSFER,
        lambda thread: joined(joined(thread, _OTHER, Role.OWNER, _LATER), _ME, Role.MEMBER, _LATER),
    ),
    "leave": (Right.LEAVE, lambda thread: parted(thread, _ME, _LATER)),
    "remove": (Right.REMOVE, lambda thread: parted(thread, _ME, _LATER)),
    "set_role": (Right.CHANGE_ROLE, lambda thread: joined(thread, _ME, _other_role(thread), _LATER)),
}
"""What is done, the right that it takes, and what it makes of a conversation: the very functions that the verbs use."""
_BY_ME = frozenset({"take", "leave"})
_OF_A_PART = frozenset({"leave", "remove", "set_role"})
_OF_AN_OWNER = frozenset({"transfer", "transfer, stay"})


def _other_role(thread: Conversation) -> Role:
    part = thread.part_of(_ME)
    return Role.OBSERVER if part is not None and part.role is Role.MEMBER else Role.MEMBER


def place_in(thread: Conversation) -> str:
    """The place from which the most follows."""
    mine = places(thread, _SEAT)
    return next((name for place, name in _NAMED.items() if place in mine), "outside")


def membership_arrows() -> list[Arrow]:
    """What moves a user from place to place: every act tried on every place, where somebody has the right to it."""
    found: dict[tuple[str, str], list[str]] = {}
    for source, thread in _THREADS.items():
        for act in _DONE_TO_ME:
            target = _after(act, source, thread)
            if target not in (None, source):
                found.setdefault((source, str(target)), []).append(act)
    return [Arrow(source, target, tuple(acts)) for (source, target), acts in found.items()]


def _after(act: str, source: str, thread: Conversation) -> str | None:
    """Where an act leads; None where it makes no sense or nobody may do it."""
    right, change = _DONE_TO_ME[act]
    part = thread.part_of(_ME)
    if act in _BY_ME:
        is_possible = any(right in RIGHTS[thread.state][place] for place in places(thread, _SEAT))
    else:
        is_possible = any(right in rights for rights in RIGHTS[thread.state].values())
    if act in _OF_A_PART and part is None:
        return None
    if act in _OF_AN_OWNER and source != "owner":
        return None
    if act.startswith("add") and part is not None:
        return None  # Whoever takes part already is not added.
    if act == "set_role" and source == "owner":
        return None  # An owner changes by transfer alone.
    return place_in(change(thread)) if is_possible else None


_MEMBERSHIP_BOXES = {
    "unassigned": (150, 60),
    "owner": (600, 60),
    "in the team": (1040, 60),
    "outside": (150, 360),
    "member": (600, 360),
    "was in it": (1040, 360),
    "observer": (600, 620),
}
_MEMBERSHIP_HINTS = {
    ("outside", "owner"): Hint(bend=14, place=0.3),
    ("outside", "member"): Hint(place=0.35),
    ("outside", "observer"): Hint(bend=-30, place=0.5),
    ("unassigned", "owner"): Hint(shift=10, bend=12),
    ("owner", "unassigned"): Hint(shift=10, bend=12),
    ("unassigned", "member"): Hint(place=0.45),
    ("unassigned", "observer"): Hint(bend=-14, place=0.62),
    ("in the team", "owner"): Hint(place=0.5),
    ("owner", "member"): Hint(shift=12, bend=6, place=0.7),
    ("member", "owner"): Hint(shift=12, bend=6, place=0.65),
    ("owner", "was in it"): Hint(shift=14, bend=14, place=0.55),
    ("was in it", "owner"): Hint(shift=14, bend=4, place=0.6),
    ("member", "was in it"): Hint(shift=10, bend=10, place=0.5),
    ("was in it", "member"): Hint(shift=10, bend=10, place=0.5),
    ("member", "observer"): Hint(shift=16, bend=10, place=0.5),
    ("observer", "member"): Hint(shift=16, bend=10, place=0.5),
    ("observer", "owner"): Hint(bend=-85, place=0.3),
    ("observer", "was in it"): Hint(shift=10, bend=24, place=0.5),
    ("was in it", "observer"): Hint(shift=10, bend=34, place=0.5),
}


def membership() -> str:
    """The picture of the places towards an open conversation, and what leads from one to another."""
    arrows = membership_arrows()
    return drawing(
        "The places of a user towards an open conversation",
        f"{len(_THREADS)} places and {len(arrows)} arrows between them; the table on this page lists every move.",
        (1180, 660),
        _MEMBERSHIP_BOXES,
        [(arrow, _MEMBERSHIP_HINTS.get(arrow[:2], STRAIGHT)) for arrow in arrows],
    )


# --- drawing ----------------------------------------------------------------------------------------------------------


_STYLE = """
    text { font: 13px "DejaVu Sans", Verdana, sans-serif; fill: #14181f; }
    .name { font-weight: bold; text-anchor: middle; dominant-baseline: central; }
    .label { text-anchor: middle; dominant-baseline: central; paint-order: stroke; stroke: #fff; stroke-width: 7px;
      stroke-linejoin: round; }
    .caption { font-style: italic; }
    .box { fill: #eef3fa; stroke: #14181f; stroke-width: 1.5; }
    .frame { fill: none; stroke: #5b6472; stroke-width: 1; stroke-dasharray: 5 4; }
    .arrow { fill: none; stroke: #3a4250; stroke-width: 1.3; marker-end: url(#head); }
"""


def drawing(
    title: str,
    description: str,
    size: tuple[int, int],
    boxes: Mapping[str, Point],
    arrows: Iterable[tuple[Arrow, Hint]],
    behind: Iterable[str] = (),
) -> str:
    """A whole picture. Its own white ground keeps the contrast, whatever the page's colours are."""
    curves, labels = [], []
    for arrow, hint in arrows:
        curve, label = curved(boxes[arrow.source], boxes[arrow.target], arrow.labels, hint)
        curves.append(curve)
        labels.append(label)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" role="img"'
        ' aria-labelledby="title description">'
    )
    head = (
        '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"'
        ' orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#3a4250"/></marker>'
    )
    parts = [
        opening,
        f'  <title id="title">{escape(title)}</title>',
        f'  <desc id="description">{escape(description)}</desc>',
        f"  <style>{_STYLE}  </style>",
        f"  <defs>{head}</defs>",
        f'  <rect width="{size[0]}" height="{size[1]}" fill="#fff"/>',
        *(f"  {part}" for part in behind),
        *(f"  {curve}" for curve in curves),
        *(f"  {box(name, place)}" for name, place in boxes.items()),
        *(f"  {label}" for label in labels if label),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def box(name: str, place: Point) -> str:
    """A box with its name."""
    (x, y), (width, height) = place, BOX
    corner = f'x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width}" height="{height}" rx="6"'
    return f'<rect class="box" {corner}/><text class="name" x="{x:g}" y="{y:g}">{escape(name)}</text>'


def line(start: Point, end: Point, labels: tuple[str, ...]) -> str:
    """A straight, labelled arrow between two points."""
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    path = f'<path class="arrow" d="M{start[0]:.0f} {start[1]:.0f}L{end[0]:.0f} {end[1]:.0f}"/>'
    return path + text(x, y, labels)


def curved(start: Point, end: Point, labels: tuple[str, ...], hint: Hint) -> tuple[str, str]:
    """An arrow from box to box, and its label."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = hypot(dx, dy)
    left = (dy / length, -dx / length)
    one = (start[0] + left[0] * hint.shift, start[1] + left[1] * hint.shift)
    two = (end[0] + left[0] * hint.shift, end[1] + left[1] * hint.shift)
    middle = ((one[0] + two[0]) / 2 + left[0] * hint.bend * 2, (one[1] + two[1]) / 2 + left[1] * hint.bend * 2)
    begin, finish = border(start, middle, one), border(end, middle, two)
    path = f"M{begin[0]:.0f} {begin[1]:.0f}Q{middle[0]:.0f} {middle[1]:.0f} {finish[0]:.0f} {finish[1]:.0f}"
    t = hint.place
    weights = ((1 - t) ** 2, 2 * t * (1 - t), t**2)
    x = sum(w * p[0] for w, p in zip(weights, (begin, middle, finish), strict=True))
    y = sum(w * p[1] for w, p in zip(weights, (begin, middle, finish), strict=True))
    return f'<path class="arrow" d="{path}"/>', text(x, y, labels)


def border(center: Point, towards: Point, through: Point | None = None) -> Point:
    """Where the way from a box to a point leaves the box; ``through`` is the point inside at which it begins."""
    x, y = through or center
    dx, dy = towards[0] - x, towards[1] - y
    steps = []
    for delta, at, middle, half in ((dx, x, center[0], BOX[0] / 2), (dy, y, center[1], BOX[1] / 2)):
        if delta:
            steps.append(((middle + half if delta > 0 else middle - half) - at) / delta)
    step = min(each for each in steps if each >= 0)
    return x + dx * step, y + dy * step


def text(x: float, y: float, labels: tuple[str, ...]) -> str:
    """Labels, two a line, around a point."""
    lines = [", ".join(labels[index : index + 2]) for index in range(0, len(labels), 2)]
    top = y - 15 * (len(lines) - 1) / 2
    return "".join(
        f'<text class="label" x="{x:.0f}" y="{top + 15 * index:.0f}">{escape(each)}</text>'
        for index, each in enumerate(lines)
    )
