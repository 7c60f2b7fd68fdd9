"""The entry point, the carrier that an account's gateway names, and what stands where nothing is named."""

from importlib.metadata import entry_points
from typing import final

import pluggy
import pytest
import wa_connector_sms
from attrs import evolve
from wa_connector_sms import AsyncSmsTransport, SmsChannel, SmsTransport, plugin
from wa_connector_sms.capabilities import CAPABILITIES, CHANNEL

from wa_connector.errors import ProviderError, SignatureInvalid, UsageError
from wa_connector.model.address import number
from wa_connector.model.content import MediaRef, Text
from wa_connector.model.cost import Cost
from wa_connector.model.directory import Account, App, Line, LineSetup
from wa_connector.model.ids import AccountId, AppId, LineId, MessageId, ProviderId, TenantId
from wa_connector.model.outbound import Accepted, AccountStopped, Envelope, FetchFailed, SendOutcome
from wa_connector.model.secret import Secret
from wa_connector.ports import hooks
from wa_connector.ports.channel import AsyncTransport, Channel, Transport, WebhookRequest
from wa_connector.ports.media import MediaStore
from wa_connector.testing.host import LINE, MemoryHost
from wa_connector.testing.media import MemoryMediaStore

ACME = TenantId("acme")
ENVELOPE = Envelope(MessageId("m-1"), number("+447911123456"), Text("Hello"))
STORE = MemoryMediaStore()


def setup(gateway: str) -> LineSetup:
    account = Account(ACME, AccountId("a"), AppId("app"), CHANNEL, "a", "a", Secret("x"), gateway=gateway)
    return LineSetup(Line(ACME, LineId("l"), account.id, CHANNEL, "+15550001", "+15550001"), account, ())


@final
class Pigeon:
    """A carrier that notes what it carried."""

    made = 0

    def __init__(self) -> None:
        Pigeon.made += 1
        self.closed = 0

    def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:
        return Accepted(ProviderId(f"{envelope.message}-by-pigeon"))

    def close(self) -> None:
        self.closed += 1


def test_the_entry_point_leads_to_the_plugin() -> None:
    (point,) = entry_points(group="wa_connector", name="sms")
    assert point.load() is plugin


def test_pluggy_takes_every_hook() -> None:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    manager.register(plugin, "sms")
    manager.check_pending()
    ((name, transport),) = manager.hook.wa_transport()
    assert (name, type(transport)) == ("sms", SmsTransport)
    ((name, transport),) = manager.hook.wa_async_transport()
    assert (name, type(transport)) == ("sms", AsyncSmsTransport)
    (channel,) = manager.hook.wa_channel()
    assert type(channel) is SmsChannel
    with pytest.raises(AttributeError, match="nonsense"):
        wa_connector_sms.nonsense  # noqa: B018


def test_the_ports_are_met() -> None:
    """For the type checker, mostly."""
    channel: Channel = SmsChannel()
    plain: Transport = SmsTransport()
    asynchronous: AsyncTransport = AsyncSmsTransport()
    assert {type(each).__name__ for each in (channel, plain, asynchronous)}


def test_an_account_is_carried_by_the_gateway_that_it_names() -> None:
    """And a carrier is made once, when the first message wants it."""
    before = Pigeon.made
    transport = SmsTransport({"pigeon": Pigeon})
    assert Pigeon.made == before
    for _ in range(2):
        assert transport.send(setup("pigeon"), ENVELOPE, STORE) == Accepted(ProviderId("m-1-by-pigeon"))
    assert Pigeon.made == before + 1
    transport.close()
    transport.close()


def test_a_gateway_that_nobody_carries_stops_the_account_and_says_what_to_correct() -> None:
    transport = SmsTransport({"pigeon": Pigeon})
    assert transport.send(setup("pidgin"), ENVELOPE, STORE) == AccountStopped(
        "config", "accounts[a].gateway: nothing carries 'pidgin'; known: pigeon"
    )


def test_what_text_messages_do_not_have() -> None:
    transport = SmsTransport({"pigeon": Pigeon})
    failed = transport.fetch(setup("pigeon"), MediaRef("image/png", provider_ref="x"), STORE)
    assert failed == FetchFailed("this gateway brings no files", is_final=True)
    with pytest.raises(ProviderError, match="no templates"):
        transport.templates(setup("pigeon").account)


def test_a_webhook_for_no_gateway_is_not_believed() -> None:
    app = App(AppId("app"), ACME, CHANNEL, "/sms", (Secret("s"),), Secret(""))
    request = WebhookRequest("/sms", "POST", "https://host.example/sms", {}, b"{}")
    assert SmsChannel().handshake(app, request) is None
    with pytest.raises(SignatureInvalid, match=r"apps\[app\].gateway"):
        SmsChannel().read(app, request)


def test_an_account_of_an_unknown_gateway_carries_words_alone() -> None:
    assert SmsChannel().capabilities_of(setup("pigeon").account) == CAPABILITIES


# --- what a text costs ------------------------------------------------------------------------------------------------

DEAR = "Your order is on its way \u2013 thank you!"


@pytest.mark.parametrize("face", ["direct", "aio"])
def test_a_message_field_is_told_what_a_text_costs(face: str) -> None:
    """By the line's account: with the option it costs what really leaves."""
    host = MemoryHost()
    with host.connector(face) as connector:
        assert connector.cost(ACME, LINE, DEAR) is None  # a channel that is not paid for by parts
        with pytest.raises(UsageError, match="no line"):
            connector.cost(ACME, LineId("nowhere"), DEAR)
    host = MemoryHost(capabilities=CAPABILITIES)
    host.channel = SmsChannel()
    with host.connector(face) as connector:
        assert connector.cost(ACME, LINE, DEAR) == Cost(1, 37, 33, "ucs2", ("\u2013",))
        with pytest.raises(UsageError, match="half"):
            connector.cost(ACME, LINE, "\ud83d")


def test_an_account_may_ask_for_texts_as_they_are_typed() -> None:
    """Then that is what the carrier gets, and what the cost is of; the gateway hears nothing of the option."""
    line = setup("pigeon")
    line = evolve(line, account=evolve(line.account, options={"transliterate": True, "colour": "grey"}))
    assert SmsChannel().cost(line.account, DEAR) == Cost(1, 37, 123, "gsm")
    carried: list[tuple[LineSetup, Envelope]] = []

    class Noting:
        def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:
            carried.append((line, envelope))
            return Accepted(ProviderId("x"))

        def close(self) -> None:
            raise NotImplementedError

    SmsTransport({"pigeon": Noting}).send(line, evolve(ENVELOPE, content=Text(DEAR)), STORE)
    ((told, envelope),) = carried
    assert told.account.options == {"colour": "grey"}
    assert envelope.content == Text("Your order is on its way - thank you!")
