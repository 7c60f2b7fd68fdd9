"""A number's own affairs, and the doctor: each thing that can be wrong is found, with a remedy."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from wa_connector_cloud_api import administration
from wa_connector_cloud_api.administration import Profile
from wa_connector_cloud_api.channel import CloudApiChannel
from wa_connector_cloud_api.doctor import State, Subject, Visit, examine
from wa_connector_cloud_api.responses import Answer
from wa_connector_cloud_api.transport import AsyncCloudApiTransport, CloudApiTransport

from wa_connector.errors import ConfigError, InboundRejected, ProviderError, Unavailable, UnknownProviderError
from wa_connector.model.address import number as by_number
from wa_connector.model.directory import Account, App, Line
from wa_connector.model.ids import AccountId, AppId, LineId, TenantId
from wa_connector.model.secret import Secret
from wa_connector.ports.channel import WebhookRequest

emulation = pytest.importorskip("wa_connector_emulator")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wa_connector_emulator import Emulator

ANA = "+16505551234"
APP = "670843887433847"
HOOK = "https://host.test/hook"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def emulator() -> Emulator:
    made: Emulator = emulation.Emulator(app_secret="app-secret")
    made.add_template("hello", "Hello there.")
    made.subscribe_webhook(HOOK, "verify", handshake=False)
    made.create_customer(ANA)
    return made


@pytest.fixture
def subject(emulator: Emulator) -> Iterator[Subject]:
    with emulation.serve(emulator) as served:
        account = Account(
            TenantId("acme"),
            AccountId("main"),
            AppId("app"),
            "whatsapp",
            emulator.accounts()[0].id,
            "portfolio",
            Secret(emulator.token),
            served.graph_url,
        )
        line = Line(account.tenant, LineId("line"), account.id, "whatsapp", "", emulator.numbers()[0].id)
        yield Subject(account, line, APP, Secret("app-secret"), HOOK, Secret("verify"), ("hello", "en_US"))


@pytest.fixture
def transport() -> Iterator[CloudApiTransport]:
    made = CloudApiTransport()
    yield made
    made.close()


# --- a number's own affairs ---------------------------------------------------------------------


def test_a_profile_is_written_and_read_back(subject: Subject, transport: CloudApiTransport) -> None:
    wanted = Profile(about="We answer.", websites=("https://x.test",), vertical="RETAIL")
    assert administration.profile_mistakes(wanted) == ()
    transport.ask(subject.account, administration.write_profile(subject.line, wanted), administration.done)
    assert transport.ask(subject.account, administration.read_profile(subject.line), administration.profile) == wanted


@pytest.mark.parametrize(
    "profile",
    [
        Profile(about="x" * 140),
        Profile(address="x" * 257),
        Profile(description="x" * 513),
        Profile(email="x" * 129),
        Profile(websites=("https://x.test",) * 3),
    ],
)
def test_what_the_provider_would_refuse_is_known_before(
    subject: Subject, transport: CloudApiTransport, profile: Profile
) -> None:
    assert len(administration.profile_mistakes(profile)) == 1
    with pytest.raises(ProviderError):
        transport.ask(subject.account, administration.write_profile(subject.line, profile), administration.done)


def test_health_and_numbers_are_read(subject: Subject, transport: CloudApiTransport) -> None:
    found = transport.ask(subject.account, administration.read_health(subject.line), administration.health)
    assert (found.can_send, found.status, found.is_registered, found.ailments) == ("AVAILABLE", "CONNECTED", True, ())
    assert found.webhook == HOOK
    listed = transport.ask(subject.account, administration.read_numbers(subject.account), administration.numbers)
    assert list(listed) == [subject.line.provider_ref]


def test_people_are_blocked_and_unblocked(emulator: Emulator, subject: Subject, transport: CloudApiTransport) -> None:
    emulator.type_text(ANA, "hi")
    stranger = "+16505550000"
    people = [by_number(ANA), by_number(stranger)]
    result = transport.ask(subject.account, administration.block(subject.line, people), administration.blocked)
    assert result.done == (ANA,)
    assert {who: code for who, (code, _) in result.failed.items()} == {stranger: "131026"}
    assert emulator.customer(ANA).blocked_by
    call = administration.block(subject.line, people[:1], to=False)
    assert transport.ask(subject.account, call, administration.blocked).done == (ANA,)
    assert not emulator.customer(ANA).blocked_by


def test_an_account_is_subscribed_and_unsubscribed(subject: Subject, transport: CloudApiTransport) -> None:
    transport.ask(subject.account, administration.unsubscribe(subject.account), administration.done)
    read = administration.read_subscriptions(subject.account)
    assert transport.ask(subject.account, read, administration.subscriptions) == {}
    transport.ask(subject.account, administration.subscribe(subject.account), administration.done)
    assert transport.ask(subject.account, read, administration.subscriptions) == {APP: ""}


def test_addresses_of_the_app_and_of_a_number_are_set(
    emulator: Emulator, subject: Subject, transport: CloudApiTransport
) -> None:
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from urllib.parse import parse_qs, urlsplit

    class Hook(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(parse_qs(urlsplit(self.path).query)["hub.challenge"][0].encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url, verify = f"http://127.0.0.1:{server.server_address[1]}/hook", Secret("verify")
        app = evolve(subject.account, token=Secret(f"{APP}|app-secret"))
        wanted = administration.subscribe_app(APP, url, verify, ["messages", "calls"])
        transport.ask(app, wanted, administration.done)
        asked = transport.ask(app, administration.read_app_fields(APP), administration.app_fields)
        assert asked == (url, frozenset({"messages", "calls"}))
        own = administration.override_number(subject.line, url, verify)
        transport.ask(subject.account, own, administration.done)
        server.shutdown()
        thread.join(5)
    assert emulator.numbers()[0].override is not None
    transport.ask(subject.account, administration.override_number(subject.line), administration.done)
    assert emulator.numbers()[0].override is None


def test_the_asynchronous_transport_asks_the_same(subject: Subject) -> None:
    import asyncio

    async def run() -> object:
        transport = AsyncCloudApiTransport()
        try:
            return await transport.ask(
                subject.account, administration.read_numbers(subject.account), administration.numbers
            )
        finally:
            await transport.aclose()

    assert subject.line.provider_ref in asyncio.run(run())  # type: ignore[operator]  # a mapping


def test_no_answer_a_refusal_and_nonsense_are_told_apart(subject: Subject, transport: CloudApiTransport) -> None:
    away = evolve(subject.account, base_url="http://127.0.0.1:9/v26.0")
    with pytest.raises(Unavailable):
        transport.ask(away, administration.read_numbers(away), administration.numbers)
    other = evolve(subject.account, provider_ref="7")
    with pytest.raises(ProviderError) as refusal:
        transport.ask(other, administration.read_numbers(other), administration.numbers)
    assert refusal.value.code == "100"
    with pytest.raises(UnknownProviderError):
        administration.numbers(Answer(200, body=b"<html>"))
    with pytest.raises(UnknownProviderError):
        administration.upload_handle(Answer(200, body=b"{}"))
    with pytest.raises(ConfigError):
        transport.ask(evolve(away, token=Secret("")), administration.read_numbers(away), administration.numbers)


@pytest.mark.parametrize("body", [b"{}", b'{"data":7}', b'{"data":[7,{}]}', b'{"health_status":{"entities":[{}]}}'])
def test_what_is_left_out_is_empty_and_never_an_exception(body: bytes) -> None:
    answer = Answer(200, body=body)
    assert administration.profile(answer) == Profile()
    assert administration.health(answer).can_send == ""
    assert administration.subscriptions(answer) == {}
    assert administration.app_fields(answer) == ("", frozenset())
    assert administration.token(answer).is_valid is False
    assert administration.blocked(answer).done == ()


# --- the doctor ---------------------------------------------------------------------------------


def host(visit: Visit, *, secret: str = "app-secret", verify: str = "verify") -> tuple[int, bytes]:
    """A host that gives its webhooks to the channel."""
    channel = CloudApiChannel()
    app = App(AppId("app"), TenantId("acme"), "whatsapp", "main", (Secret(secret),), Secret(verify))
    request = WebhookRequest("main", visit.method, visit.url, dict(visit.headers), visit.body)
    if (reply := channel.handshake(app, request)) is not None:
        return reply.status, reply.body
    try:
        channel.read(app, request)
    except InboundRejected as refusal:
        return refusal.status, b""
    return 200, b""


def found(subject: Subject, transport: CloudApiTransport, go: Any = host) -> dict[str, tuple[State, str]]:
    return {f.step: (f.state, f.remedy) for f in examine(subject, transport.ask, go, NOW)}


def broken(subject: Subject, transport: CloudApiTransport, go: Any = host) -> list[str]:
    steps = found(subject, transport, go)
    assert all(remedy for state, remedy in steps.values() if state in (State.BROKEN, State.DOUBTFUL))
    return [step for step, (state, _) in steps.items() if state is State.BROKEN]


def test_a_healthy_configuration_has_nothing_broken(subject: Subject, transport: CloudApiTransport) -> None:
    steps = found(subject, transport)
    states = {step: state for step, (state, _) in steps.items()}
    assert states.pop("address and token") is State.DOUBTFUL  # an emulator's address has no TLS
    assert set(states.values()) == {State.GOOD}
    assert len(states) == 10


def test_each_fault_is_found_where_it_is(emulator: Emulator, subject: Subject, transport: CloudApiTransport) -> None:
    account = subject.account
    assert broken(evolve(subject, account=evolve(account, token=Secret("x"))), transport) == ["account"]
    assert broken(evolve(subject, account=evolve(account, token=Secret(""))), transport) == ["address and token"]
    assert broken(evolve(subject, account=evolve(account, provider_ref="7")), transport) == ["account"]
    assert broken(evolve(subject, line=evolve(subject.line, provider_ref="7")), transport) == [
        "number of the account",
        "health of the number",
    ]
    assert "fields of the app" in broken(evolve(subject, app_secret=Secret("wrong")), transport)
    transport.ask(account, administration.unsubscribe(account), administration.done)
    assert broken(subject, transport) == ["subscription of the app"]
    emulator.reset()
    left = {"subscription of the app", "fields of the app", "request for consent"}
    assert set(broken(subject, transport)) == left


def test_what_builds_on_something_broken_is_skipped(subject: Subject, transport: CloudApiTransport) -> None:
    away = evolve(subject.account, base_url="http://127.0.0.1:9/v26.0")
    steps = found(evolve(subject, account=away, webhook=""), transport)
    assert steps["account"][0] is State.BROKEN
    assert {state for step, (state, _) in steps.items() if step not in ("address and token", "account")} == {
        State.SKIPPED
    }


def test_a_number_that_cannot_send_says_why(emulator: Emulator, subject: Subject, transport: CloudApiTransport) -> None:
    import httpx

    url, bearer = f"{subject.account.base_url}/{subject.line.provider_ref}/deregister", f"Bearer {emulator.token}"
    httpx.post(url, json={}, headers={"authorization": bearer}, trust_env=False).raise_for_status()
    assert broken(subject, transport) == ["health of the number"]


def test_without_an_approved_template_nobody_can_be_written_to_first(
    emulator: Emulator, subject: Subject, transport: CloudApiTransport
) -> None:
    emulator.pause_template("hello")
    steps = found(subject, transport)
    assert steps["templates"][0] is State.DOUBTFUL
    assert steps["request for consent"][0] is State.BROKEN
    absent = evolve(subject, request=("opt_in", "de"))
    assert found(absent, transport)["request for consent"][0] is State.BROKEN
    assert found(evolve(subject, request=None), transport)["request for consent"][0] is State.SKIPPED


def test_a_channel_that_is_switched_off_is_doubtful(subject: Subject, transport: CloudApiTransport) -> None:
    assert found(evolve(subject, is_on=False), transport)["address and token"][0] is State.DOUBTFUL


def test_the_hosts_own_faults(subject: Subject, transport: CloudApiTransport) -> None:
    def absent(visit: Visit) -> tuple[int, bytes]:
        raise ConnectionError("nobody")

    hooks = ["webhook: handshake", "webhook: signature"]
    assert broken(subject, transport, absent) == hooks
    assert broken(subject, transport, lambda visit: host(visit, verify="other")) == hooks[:1]
    assert broken(subject, transport, lambda visit: host(visit, secret="other")) == hooks[1:]
    assert broken(subject, transport, lambda visit: (200, b"<html>ok</html>")) == hooks
    assert broken(subject, transport, lambda visit: (200, b"1158201444")) == hooks[1:]


def doctor(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from wa_connector.cli import main; main()", "doctor", *options]
    given = {"PATH": "", "NO_COLOR": "1", "COLUMNS": "200", **variables}
    return subprocess.run(command, capture_output=True, text=True, env=given, check=False, timeout=120)


DIRECTORY = """
[[organizations]]
id = "acme"
name = "Acme Ltd"
channels = {{ whatsapp = true }}

[organizations.settings]
opt_in_template = "{template}"
opt_in_language = "en_US"

[[apps]]
id = "meta"
channel = "whatsapp"
endpoint = "/webhooks/whatsapp"
secret = "app-secret"
verify_token = "verify"

[[accounts]]
id = "acme-whatsapp"
app = "meta"
provider_ref = "{account}"
token = {{ env = "TOKEN" }}
base_url = "{url}"

[[lines]]
id = "sales"
account = "acme-whatsapp"
organization = "acme"
address = "+15550001111"
provider_ref = "{number}"
"""


def test_a_hosts_directory_is_checked_line_by_line(emulator: Emulator, subject: Subject, tmp_path: Path) -> None:
    """The file first; then, with its own secrets, all that the provider knows; and what the settings name is there."""
    path = tmp_path / "directory.toml"
    known = {"account": subject.account.provider_ref, "url": subject.account.base_url}
    path.write_text(DIRECTORY.format(template="hello", number=subject.line.provider_ref, **known))
    healthy = doctor("--directory", str(path), "--app", APP, TOKEN=emulator.token)
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    assert "directory: the file is right; it has 1 WhatsApp lines" in healthy.stdout
    assert "sales: fields of the app: the app hears all fields" in healthy.stdout
    assert "sales: request for consent: the template hello in en_US asks" in healthy.stdout

    absent = doctor("--directory", str(path), "--line", "other", TOKEN=emulator.token)
    assert (absent.returncode, "no such WhatsApp line" in absent.stdout) == (1, True)
    path.write_text(DIRECTORY.format(template="none", number="7", **known))
    ill = doctor("--directory", str(path), TOKEN=emulator.token)
    assert ill.returncode == 1
    assert "sales: number of the account: the account has" in ill.stdout
    assert "sales: request for consent: there is no template none in en_US" in ill.stdout
    assert emulator.token not in ill.stdout


def test_each_mistake_of_a_directory_is_a_step(tmp_path: Path) -> None:
    path = tmp_path / "directory.toml"
    path.write_text(DIRECTORY.format(template="hello", account="1", number="2", url="nowhere"))
    wrong = doctor("--directory", str(path))
    assert wrong.returncode == 1
    assert wrong.stdout.count("broken  directory:") == 2, wrong.stdout
    assert "accounts[0].base_url" in wrong.stdout
    assert "accounts[0].token" in wrong.stdout
    gone = doctor("--directory", str(tmp_path / "gone.toml"))
    assert (gone.returncode, "cannot be read" in gone.stdout) == (1, True)


def test_with_neither_a_directory_nor_a_number_there_is_nothing_to_check() -> None:
    nothing = doctor()
    assert nothing.returncode == 2
    assert "--directory" in nothing.stderr


def test_the_command_says_what_to_do_and_ends_with_1(emulator: Emulator, subject: Subject) -> None:
    options = ["--account", subject.account.provider_ref, "--number", subject.line.provider_ref]
    options += ["--base-url", subject.account.base_url]
    healthy = doctor(*options, WA_TOKEN=emulator.token)
    assert (healthy.returncode, "Nothing is broken." in healthy.stdout) == (0, True), healthy.stderr
    ill = doctor(*options, "--token", "wrong-token")
    assert ill.returncode == 1
    assert "Make a new system-user token" in ill.stdout
    assert "wrong-token" not in ill.stdout
