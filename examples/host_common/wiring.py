"""What the example hosts have in common before a request comes: options, plugins, clock.

Nothing here is about threads or event loops; that is what the hosts differ in.
"""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, final

import wa_connector_sms.plugin
from attrs import frozen
from wa_connector_cloud_api import AsyncCloudApiTransport, CloudApiChannel, CloudApiTransport
from wa_connector_cloud_api import Options as CloudApiOptions
from wa_connector_cloud_api.options import BASE_URL
from wa_connector_contacts import ContactsPlugin, VcardContacts
from wa_connector_directory import DirectoryPlugin, TomlDirectory
from wa_connector_media import MediaPlugin
from wa_connector_sqlite import SqlitePlugin
from wa_connector_voicemail import Asterisk, VoicemailPlugin

from examples.host_common.front_office import FrontOffice
from wa_connector import Line, LineId, TenantId, hookimpl

CONFIG: Final = Path(__file__).resolve().parents[1] / "config"


@frozen
class Options:
    """What the command line says. A real host has many tenants and finds the one of a request in its session."""

    directory: Path
    contacts: Path
    data: Path
    graph: str
    port: int
    tenant: TenantId
    is_dev: bool
    voicemail: Path | None


def options(description: str) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--directory", type=Path, default=CONFIG / "directory.toml", help="users, lines and accounts")
    parser.add_argument("--contacts", type=Path, default=CONFIG / "contacts.vcf", help="the address book, as vCards")
    parser.add_argument("--data", type=Path, required=True, help="the folder for the database and the pictures")
    parser.add_argument("--graph", default=BASE_URL, help="where the Cloud API is, with its version (%(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (%(default)s)")
    parser.add_argument("--tenant", default="acme", type=TenantId, help="whose host this is (%(default)s)")
    parser.add_argument("--dev", action="store_true", dest="is_dev", help="let POST /dev/clock move the clock")
    parser.add_argument("--voicemail", type=Path, help="the voicemail folder of an Asterisk's spool, if there is one")
    return Options(**vars(parser.parse_args()))


@frozen
class Boxes:
    """The voicemail boxes that this host watches, and where it remembers what it saw."""

    source: Asterisk
    lines: tuple[Line, ...]
    memory: Path
    endpoint: str = "/voicemail"


def boxes(chosen: Options) -> Boxes | None:
    """The boxes of the directory, where the host was told of a spool."""
    if chosen.voicemail is None:
        return None
    setup = TomlDirectory(chosen.directory).line(chosen.tenant, LineId("box"))
    lines = (setup.line,) if setup else ()
    return Boxes(Asterisk("pbx", chosen.voicemail), lines, chosen.data / "voicemail")


def plugins(chosen: Options, office: FrontOffice, watched: Boxes | None = None) -> list[object]:
    """Everything that the connector needs, registered by hand, so that the list below is all that runs here."""
    chosen.data.mkdir(parents=True, exist_ok=True)
    directory = DirectoryPlugin(chosen.directory)
    directory.directory.reload()  # now, so that a mistake in the file stops the start and not the first webhook
    return [
        directory,
        ContactsPlugin(VcardContacts(chosen.contacts, tenant=chosen.tenant)),
        SqlitePlugin(chosen.data / "wa.sqlite3"),
        MediaPlugin(chosen.data / "media"),
        CloudApi(chosen.graph),
        wa_connector_sms.plugin,
        *([VoicemailPlugin([watched.source])] if watched else []),
        office,
    ]


@final
class CloudApi:
    """The Cloud API at an address of the host's choice.

    A host that talks to Meta needs no such class: without ``discover=False`` the connector finds the installed plugin,
    which has Meta's address. This one may be pointed at an emulator.
    """

    def __init__(self, base_url: str) -> None:
        self._options = CloudApiOptions(base_url=base_url)

    @hookimpl
    def wa_channel(self) -> CloudApiChannel:
        """The half that reads webhooks."""
        return CloudApiChannel()

    @hookimpl
    def wa_transport(self) -> tuple[str, CloudApiTransport]:
        """The half that sends, for threads."""
        return "whatsapp", CloudApiTransport(self._options)

    @hookimpl
    def wa_async_transport(self) -> tuple[str, AsyncCloudApiTransport]:
        """The half that sends, for an event loop."""
        return "whatsapp", AsyncCloudApiTransport(self._options)


@final
class HostClock:
    """Real time, plus what ``POST /dev/clock`` added: so that a day can pass in a demonstration."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> datetime:
        """Put the clock forward, and tell the new time."""
        self._ahead += by
        return self()


def announce(port: int) -> None:
    """Say where the host listens: with port 0 nobody else knows."""
    print(f"listening on http://127.0.0.1:{port}", flush=True)
