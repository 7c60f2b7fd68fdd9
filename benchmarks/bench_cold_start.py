"""Cold start: a fresh process, up to its first webhook, signature checked and in typed values."""

import sys

from bodies import ACCOUNT, PHONE, SECRET, bodies
from measuring import PEER, above, fresh_process_ms, in_turn, median, ratio, report

PYWA = f"""
import sys
from pywa import WhatsApp

client = WhatsApp(phone_id={PHONE!r}, app_secret={SECRET!r})
seen = []
client.on_message(lambda _, message: seen.append(message))
body = sys.argv[1].encode()
assert client.webhook_update_validator(body, sys.argv[2]) is None
client.webhook_update_handler(body)
assert len(seen) == 1
"""

READING = f"""
import sys
from wa_connector import App, AppId, Secret, TenantId, WebhookRequest
from wa_connector_cloud_api import CloudApiChannel

app = App(AppId("app"), TenantId("acme"), "whatsapp", "/hook", (Secret({SECRET!r}),), Secret("verify"))
headers = {{"X-Hub-Signature-256": sys.argv[2]}}
request = WebhookRequest("/hook", "POST", "https://host.example/hook", headers, sys.argv[1].encode())
assert len(CloudApiChannel().read(app, request)) == 1
"""

CONNECTOR = f"""
import sys
from wa_connector import (
    Account, AccountId, App, AppId, ChannelSwitch, Connector, Line, LineId, Organization, OrganizationId, Secret, Seat,
    TenantId, User, UserId, WebhookRequest, hookimpl,
)
from wa_connector.testing.directory import MemoryDirectory
from wa_connector.testing.memory import MemoryStorage
from wa_connector_cloud_api import CloudApiChannel

TENANT = TenantId("acme")
PATH = (Organization(OrganizationId("acme"), "Acme", {{"whatsapp": ChannelSwitch(True)}}, {{}}),)
APP = App(AppId("app"), TENANT, "whatsapp", "/hook", (Secret({SECRET!r}),), Secret("verify"))
ACCOUNT = Account(TENANT, AccountId("account"), APP.id, "whatsapp", {ACCOUNT!r}, "portfolio", Secret("token"))
LINE = Line(TENANT, LineId("line"), ACCOUNT.id, "whatsapp", "+15550783881", {PHONE!r})
SEAT = Seat(User(TENANT, UserId("ana"), "Ana"), PATH)

class Host:
    @hookimpl
    def wa_storage(self):
        return MemoryStorage()

    @hookimpl
    def wa_directory(self):
        return MemoryDirectory(apps=[APP], accounts=[ACCOUNT], lines=[(LINE, PATH)], seats=[SEAT])

    @hookimpl
    def wa_channel(self):
        return CloudApiChannel()

connector = Connector([Host()], discover=False)
headers = {{"X-Hub-Signature-256": sys.argv[2]}}
request = WebhookRequest("/hook", "POST", "https://host.example/hook", headers, sys.argv[1].encode())
assert connector.handle_webhook(request).taken == 1
"""


def main() -> None:
    (((body, signature)),) = bodies("text", 1, 1)
    programs = {
        "bare": (sys.executable, "pass"),
        "pywa, bare": (PEER, "pass"),
        "pywa": (PEER, PYWA),
        "reading": (sys.executable, READING),
        "connector": (sys.executable, CONNECTOR),
    }
    rounds = in_turn(
        15,
        {
            name: lambda _, run=run: fresh_process_ms(*run, body.decode(), signature)  # type: ignore[misc]
            for name, run in programs.items()
        },
    )
    pywa = above(rounds["pywa"], rounds["pywa, bare"])
    names = {
        "reading": "cold start to the first typed webhook, by the Cloud API channel alone",
        "connector": "cold start to the first webhook taken, by a Connector with its storage in memory",
    }
    for measured, name in names.items():
        ours = above(rounds[measured], rounds["bare"])
        report(name, median(ours), "ms", baseline=median(pywa), ratio=ratio(ours, pywa), at_most=0.5)


main()
