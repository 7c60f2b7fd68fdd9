"""Trouble, on demand or at random: refusals, silence, latency, and webhooks that come twice, late, together or never.

Rules of this file: no I/O and no clock. `Faults` says how likely what is, `Trouble` draws from it by its seed, so that a
run can be repeated: the same calls in the same order meet the same trouble. What is asked for by name (`fail_next`,
`lose_next`) comes first, and exactly as often as asked.
"""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Literal, final

import attrs

Loss = Literal["request", "answer"]


def _is_chance(_faults: object, field: "attrs.Attribute[float]", value: object) -> None:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{field.name} must be a chance from 0 to 1, not {value!r}")


def _chance() -> float:
    return attrs.field(default=0.0, validator=_is_chance)


@attrs.frozen
class Faults:
    """How likely what kind of trouble is, each from 0 to 1."""

    seed: int = 0
    edges: frozenset[str] = frozenset({"messages", "marketing_messages"})
    """Which calls meet trouble, by the edge of their path; `*` are all."""
    codes: tuple[int, ...] = (2, 4, 80007, 130429, 131000, 131016, 131056)
    """What a call is refused with, and a message fails with."""
    refuse: float = _chance()
    """A call is refused; nothing has happened."""
    fail: float = _chance()
    """An accepted message fails later, by webhook."""
    lose_request: float = _chance()
    """A call gets no answer; nothing has happened."""
    lose_answer: float = _chance()
    """A call gets no answer, and all has happened."""
    latency: timedelta = timedelta(0)
    """An answer takes up to so long, in real time."""
    webhook_duplicate: float = _chance()
    """A webhook comes twice."""
    webhook_reorder: float = _chance()
    """A webhook comes after another that is due later."""
    webhook_batch: float = _chance()
    """All webhooks that are due come in one body."""
    webhook_delay: float = _chance()
    """A webhook comes up to `webhook_delay_by` later than it could."""
    webhook_delay_by: timedelta = timedelta(hours=1)
    webhook_lose: float = _chance()
    """An attempt to deliver a webhook gets no answer; it is made again later, for seven days."""
    webhook_drop: float = _chance()
    """A webhook never comes."""


@attrs.frozen
class CallTrouble:
    """What happens to one call. All absent: nothing unusual."""

    code: int | None = None
    details: str = ""
    fails_later: int | None = None
    loses: Loss | None = None
    latency: timedelta = timedelta(0)


@attrs.frozen
class PostTrouble:
    """What happens to one webhook: the ids that are posted, in order, each inner tuple being one body."""

    bodies: tuple[tuple[int, ...], ...]
    delay: timedelta | None = None
    is_lost: bool = False
    is_dropped: bool = False


@attrs.define
class _Planned:
    trouble: CallTrouble
    edge: str
    left: int


@final
class Trouble:
    """Draws by a seed. Its caller holds the emulator's lock."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._random = Random(faults.seed)  # noqa: S311 - trouble guards nothing
        self._planned: list[_Planned] = []
        self._judged: set[int] = set()

    @property
    def is_busy(self) -> bool:
        """Whether webhooks can meet trouble of the kind that needs to know the others."""
        return self.faults.webhook_batch > 0 or self.faults.webhook_reorder > 0

    def plan(self, trouble: CallTrouble, *, edge: str, times: int) -> None:
        """Let the next `times` calls of that edge meet this trouble."""
        self._planned.append(_Planned(trouble, edge, times))

    def for_call(self, edge: str) -> CallTrouble:
        """What happens to a call of this edge."""
        for planned in self._planned:
            if planned.left > 0 and planned.edge in ("*", edge):
                planned.left -= 1
                return planned.trouble
        faults = self.faults
        if not faults.edges & {"*", edge}:
            return CallTrouble()
        latency = faults.latency * self._random.random() if faults.latency else timedelta(0)
        if self._happens(faults.refuse):
            return CallTrouble(self._random.choice(faults.codes), "by chance", latency=latency)
        if self._happens(faults.lose_request):
            return CallTrouble(loses="request", latency=latency)
        loses: Loss | None = "answer" if self._happens(faults.lose_answer) else None
        fails = self._random.choice(faults.codes) if self._happens(faults.fail) else None
        return CallTrouble(fails_later=fails, loses=loses, latency=latency)

    def for_webhook(self, webhook_id: int, due: Sequence[int]) -> PostTrouble:
        """What happens to the webhook that has been due longest, of those that are due. Each is judged once, so that a
        delayed one comes in the end; whether an attempt is lost is drawn anew each time.
        """
        faults, usual = self.faults, ((webhook_id,),)
        if self._happens(faults.webhook_lose):
            return PostTrouble(usual, is_lost=True)
        if webhook_id in self._judged:
            return PostTrouble(usual)
        self._judged.add(webhook_id)
        if self._happens(faults.webhook_drop):
            return PostTrouble((), is_dropped=True)
        if self._happens(faults.webhook_delay):
            return PostTrouble((), delay=faults.webhook_delay_by * self._random.random())
        later = [other for other in due if other != webhook_id]
        if later and self._happens(faults.webhook_batch):
            return PostTrouble((tuple([webhook_id, *later][:1000]),))
        if later and self._happens(faults.webhook_reorder):
            other = self._random.choice(later)
            return PostTrouble(((other,), (webhook_id,)))
        if self._happens(faults.webhook_duplicate):
            return PostTrouble((*usual, *usual))
        return PostTrouble(usual)

    def _happens(self, chance: float) -> bool:
        # Nothing is drawn for what cannot happen: a plan without webhook faults is the same with and without webhooks.
        return chance > 0 and self._random.random() < chance
