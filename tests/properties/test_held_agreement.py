"""What users write after the window closed: the outbox does with it what the oracle says, in its order, and once."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from wa_connector.model.consent import Signal
from wa_connector.model.content import Text
from wa_connector.model.decision import Reason
from wa_connector.model.message import MessageStatus
from wa_connector.testing.game import Game
from wa_connector.testing.host import CARL, MemoryHost
from wa_connector.testing.story import Happened, Kind

SIGNS = {
    "writes": (Kind.WROTE, None),
    "calls": (Kind.CALLED, None),
    "reacts": (Kind.NODDED, None),
    "STOP": (Kind.WROTE, Signal.STOP),
    "START": (Kind.WROTE, Signal.START),
    "declines": (Kind.WROTE, Signal.DECLINED),
}
STEPS = st.sampled_from(["hold", "hold", "hold", *SIGNS, "writes", "an hour", "a day", "a day", "a week", "old news"])
BECAME = {
    MessageStatus.ACCEPTED: Reason.ALLOWED,
    MessageStatus.HELD: None,
    MessageStatus.EXPIRED: Reason.EXPIRED,
}
SPANS = {"an hour": timedelta(hours=1), "a day": timedelta(days=1), "a week": timedelta(days=7)}


@given(st.lists(STEPS, min_size=3, max_size=14))
@settings(max_examples=40, deadline=None)
def test_held_messages_fare_as_the_oracle_says(steps: list[str]) -> None:
    game = Game(MemoryHost())
    game.asks(CARL)
    for number, step in enumerate(["accepts", *steps]):
        now = game.clock.now
        if step == "hold":
            game.writes(CARL, Text(f"{number}"), hold=True)
        elif step in SPANS:
            game.clock.advance(SPANS[step])
            game.dispatch()
        else:
            kind, says = SIGNS.get(step, (Kind.WROTE, Signal.ACCEPTED if step == "accepts" else None))
            at = now - timedelta(days=2) if step == "old news" else now
            game.hears(CARL, Happened(kind, at, now, f"in {number}", says=says))
    # The oracle is told the time by what happens; so let something happen now that is no sign of life.
    now = game.clock.now
    game.tell(CARL, Happened(Kind.SETTINGS, now, now, "", settings=game.settings))
    fates = game.oracle(CARL).fate_of_held()
    held = {message.id: message for message in game.messages() if message.id in game.held[CARL]}
    found = {name: BECAME.get(message.status, Reason.CONSENT_REVOKED) for name, message in held.items()}
    refusals = (Reason.CONSENT_REVOKED, Reason.CONSENT_DECLINED)
    assert found == {name: Reason.CONSENT_REVOKED if fate in refusals else fate for name, fate in fates.items()}
    left = [departure.message.id for departure in game.departures if departure.message.id in held]
    assert left == [name for name, fate in fates.items() if fate is Reason.ALLOWED]
    game.connector.close()
