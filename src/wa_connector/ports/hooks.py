"""The hook specifications: how a host and its plugins reach the SDK.

Three kinds, named in each docstring. **provide** hooks are called once, when a connector is built. **decide** hooks are
asked once a command, before anything is loaded. **observe** hooks are told afterwards; an error in one is isolated,
reported and stops nobody else. Plugins are found by the entry-point group ``wa_connector`` or registered by hand.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import pluggy

from wa_connector.model.consent import Signal
from wa_connector.model.event import Happening
from wa_connector.model.ids import TenantId
from wa_connector.model.opinion import Question, Veto
from wa_connector.ports.channel import AsyncTransport, Channel, Transport
from wa_connector.ports.contacts import AsyncContacts, Contacts
from wa_connector.ports.directory import AsyncDirectory, Directory
from wa_connector.ports.media import AsyncMediaStore, MediaStore
from wa_connector.ports.storage import AsyncStorage, Storage

PROJECT: Final = "wa_connector"
hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's functions: ``from wa_connector import hookimpl``."""


@hookspec(firstresult=True)
def wa_storage() -> Storage | None:
    """provide: the storage, for either face. Nothing may be open yet: connections are made at first use, per process,
    so that a daemon can fork after construction."""


@hookspec(firstresult=True)
def wa_async_storage() -> AsyncStorage | None:
    """provide: the storage for the asynchronous face; preferred there over ``wa_storage``."""


@hookspec(firstresult=True)
def wa_directory() -> Directory | None:
    """provide: organizations, users, apps, accounts and lines."""


@hookspec(firstresult=True)
def wa_async_directory() -> AsyncDirectory | None:
    """provide: the same, for the asynchronous face."""


@hookspec(firstresult=True)
def wa_contacts() -> Contacts | None:
    """provide: the host's contact store."""


@hookspec(firstresult=True)
def wa_async_contacts() -> AsyncContacts | None:
    """provide: the same, for the asynchronous face."""


@hookspec(firstresult=True)
def wa_media_store() -> MediaStore | None:
    """provide: where pictures and other files are kept."""


@hookspec(firstresult=True)
def wa_async_media_store() -> AsyncMediaStore | None:
    """provide: the same, for the asynchronous face."""


@hookspec
def wa_channel() -> Channel | None:
    """provide: a channel's pure half. Every plugin that has one answers; two of the same name are refused at start."""


@hookspec
def wa_transport() -> tuple[str, Transport] | None:
    """provide: a channel's name and its transport."""


@hookspec
def wa_async_transport() -> tuple[str, AsyncTransport] | None:
    """provide: the same, for the asynchronous face; preferred there over ``wa_transport``."""


@hookspec
def wa_veto(question: Question) -> Veto | None:
    """decide: a rule of the host's own (quiet hours, say): a ``Veto``, or None to have nothing against it.

    Asked once a command, and once more when a message is about to leave the outbox. Any veto wins. One that fails
    counts as a veto of a minute: a rule that cannot be asked has not agreed. May be awaitable in the asynchronous
    face."""


@hookspec
def wa_read_reply(text: str) -> Signal | None:
    """decide: what a customer's words say about consent, where the host reads better than the word lists; None to
    leave it to them. The first answer counts; one that fails is passed over. May be awaitable in the asynchronous
    face."""


@hookspec
def wa_events_committed(tenant: TenantId, at: datetime, happenings: Sequence[Happening]) -> Any:
    """observe: what one commit brought, in order, after it is durable. May be awaitable in the asynchronous face.

    A process that dies right after the commit never calls it: whoever must not miss anything reads the log by its
    cursor (``events_after``) and takes this as a hint that there is something to read."""


@hookspec
def wa_metric(name: str, value: float, labels: Mapping[str, str]) -> None:
    """observe: one measurement. Names: ``webhook_lag_seconds``, ``queue_age_seconds``, ``refusals``,
    ``hook_failures``, ``conflicts``. Labels never carry a number, a text or a customer's id."""


@hookspec
def wa_commands(app: Any) -> None:
    """provide: add subcommands to the ``wa-connector`` command line; ``app`` is a ``typer.Typer``."""
