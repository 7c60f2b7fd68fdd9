"""A verdict: may this be sent, now? And does it cost the same after ten events as after a million?"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from attrs import evolve
from measuring import in_turn, loop_us, median, ratio, report
from wa_connector_cloud_api.capabilities import CAPABILITIES

from wa_connector.evidence.fold import fold
from wa_connector.model.consent import ChannelConsent, Evidence, Purpose, Signal, Stage
from wa_connector.model.content import TemplateMessage, Text
from wa_connector.model.decision import Decision, Reason
from wa_connector.model.ids import AccountId, CustomerId
from wa_connector.model.message import NoticeKind
from wa_connector.model.standing import Standing
from wa_connector.model.template import Template, TemplateCategory, TemplateStatus
from wa_connector.model.window import Window
from wa_connector.policy.action import Action, AskConsent, Notify, UseTemplate, Write
from wa_connector.policy.rules import decide

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HELLO = TemplateMessage("hello", "en", {"body.1": "Carl"})
TEMPLATE = Template(
    AccountId("account"), "hello", "en", TemplateCategory.UTILITY, TemplateStatus.APPROVED, "Hello {{1}}"
)
GRANTED = ChannelConsent(Stage.GRANTED, changed_at=NOW - timedelta(days=30))
STANDING = Standing(
    CAPABILITIES, Decision(Reason.ALLOWED), consent=GRANTED, window=Window(customer_at=NOW - timedelta(hours=1))
)
WRITE = Write(Text("On its way."))

VERDICTS: dict[str, tuple[Action, Standing, Reason]] = {
    "write in an open window": (WRITE, STANDING, Reason.ALLOWED),
    "write in a closed window": (WRITE, evolve(STANDING, window=Window()), Reason.WINDOW_CLOSED),
    "write after STOP": (WRITE, evolve(STANDING, consent=ChannelConsent(Stage.REVOKED)), Reason.CONSENT_REVOKED),
    "answer one who was never asked": (WRITE, evolve(STANDING, consent=ChannelConsent()), Reason.ALLOWED),
    "send a template": (UseTemplate(HELLO, TEMPLATE), STANDING, Reason.ALLOWED),
    "ask for consent": (
        AskConsent(HELLO, TEMPLATE),
        evolve(STANDING, consent=ChannelConsent(), is_contact=True),
        Reason.ALLOWED,
    ),
    "ask for consent again at once": (
        AskConsent(HELLO, TEMPLATE),
        evolve(STANDING, consent=ChannelConsent(Stage.ASKED, asked_at=NOW), is_contact=True),
        Reason.ASKED_RECENTLY,
    ),
    "confirm a STOP": (
        Notify(NoticeKind.STOP, Text("No more messages.")),
        evolve(STANDING, consent=ChannelConsent(Stage.REVOKED)),
        Reason.ALLOWED,
    ),
}


def history(length: int) -> Iterator[Evidence]:
    """A customer who is asked, accepts, stops and comes back, again and again; it ends with an acceptance."""
    signals = (Signal.ASKED, Signal.YES, Signal.STOP, Signal.START, Signal.YES)
    for place in range(length):
        at = NOW - timedelta(minutes=length - place)
        signal = signals[place % len(signals)]
        yield Evidence(CustomerId("c"), place + 1, at, at, "whatsapp", signal, (Purpose.CONVERSATION,), f"{place:016x}")


def main() -> None:
    for action, standing, reason in VERDICTS.values():
        assert decide(action, standing, NOW).reason is reason, (action, decide(action, standing, NOW))
    rounds = in_turn(
        11,
        {
            name: lambda _, a=action, s=standing: loop_us(lambda: decide(a, s, NOW))  # type: ignore[misc]
            for name, (action, standing, _) in VERDICTS.items()
        },
    )
    for name, took in rounds.items():
        report(f"verdict: {name}", median(took), "us", at_most=5)

    folded = {length: evolve(STANDING, consent=fold(history(length))["whatsapp"]) for length in (10, 1_000_000)}
    assert all(decide(WRITE, standing, NOW).is_allowed for standing in folded.values())
    rounds = in_turn(
        15,
        {
            str(length): lambda _, s=standing: loop_us(lambda: decide(WRITE, s, NOW))  # type: ignore[misc]
            for length, standing in folded.items()
        },
    )
    short, long = rounds["10"], rounds["1000000"]
    name = "verdict on a standing folded from 1,000,000 events against one of 10"
    report(name, median(long), "us", baseline=median(short), ratio=ratio(long, short), at_most=1.2)


main()
