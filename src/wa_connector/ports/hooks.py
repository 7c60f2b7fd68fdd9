"""The hook specifications: how a host and its plugins reach the SDK.

Three kinds, named in each docstring. **provide** hooks are called once, when a connector is built. **decide** hooks are
asked once a command, before it is decided; of several, the one registered last is asked first, and an answer that is
none of those named here counts as a failure. **observe** hooks are told afterwards; an error in one is isolated,
reported and stops nobody else. Plugins are found by the entry-point group ``wa_connector`` or registered by hand.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import pluggy

from wa_connector.model.consent import Signal
from wa_connector.model.event import Happening
from wa_connector.model.ids import LineId, TenantId, UserId
from wa_connector.model.opinion import Question, Veto
from wa_connector.model.push import PushNotice
from wa_connector.model.routing import RoutingQuestion
from wa_connector.model.screening import Redact, Screening
from wa_connector.model.transcribing import Recording
from wa_connector.ports.channel import AsyncTransport, Channel, Transport
from wa_connector.ports.contacts import AsyncContacts, Contacts
from wa_connector.ports.directory import AsyncDirectory, Directory
from wa_connector.ports.mark import RestoreMark
from wa_connector.ports.media import AsyncMediaConverter, AsyncMediaStore, MediaConverter, MediaStore
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


@hookspec(firstresult=True)
def wa_media_converter() -> MediaConverter | None:
    """provide: what makes pictures fit a channel before they are sent. Without one, a picture of another type than the
    channel takes, or a larger one, is refused, and so is one that tells where it was taken."""


@hookspec(firstresult=True)
def wa_async_media_converter() -> AsyncMediaConverter | None:
    """provide: the same, for the asynchronous face; preferred there over ``wa_media_converter``, which runs on the
    executor."""


@hookspec(firstresult=True)
def wa_restore_mark() -> RestoreMark | None:
    """provide: what tells that the storage was replaced by a backup of itself: ``FileMark``, or a mark of the host's own.
    Without one nobody notices. For either face: it is asked some times a minute."""


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
def wa_screen(screening: Screening) -> Redact | Veto | None:
    """decide: may this content pass? A ``Redact`` to let something else pass in its place, a ``Veto`` with the sentence
    that users read to block it, None to have nothing against it.

    Asked of what a user sends when he sends it and once more when it leaves the outbox, and of what a customer writes
    when it comes in and, of a picture, once more when its file is here. Every screener is asked, each about what the
    one before it left; any veto wins. One that fails, answers nonsense or takes longer than the connector's
    ``hook_patience`` counts as the organization's setting ``unscreened`` says. What consent is read from is what the
    customer wrote, whatever a screener leaves of it. May be awaitable in the asynchronous face; only there can
    somebody who does not answer be given up."""


@hookspec
def wa_route(question: RoutingQuestion) -> UserId | Sequence[UserId] | None:
    """decide: whose is the new thread that a customer's message begins? A user, a team or a queue, or several in the
    order in which they are to be tried; None or nobody to leave it to the line's owner and the unassigned list.

    Asked only when no thread with the customer is open. Passed over are those who are disabled, have no such channel
    or are away, and a hook that fails. May be awaitable in the asynchronous face."""


@hookspec
def wa_transcribe(recording: Recording) -> str | None:
    """decide: what is said in a recording that a customer left? Its words, or None where this plugin does not know them
    (now): words that come later are handed over with ``add_transcript``.

    Asked by the dispatcher once the recording is in the media store, outside of every other lane; the first answer
    counts. One that fails is asked again, a few times, and so is one that a crash cut off; the entry is there meanwhile.
    Whoever needs more than a minute answers None. May be awaitable in the asynchronous face."""


@hookspec
def wa_presence(tenant: TenantId, user: UserId) -> bool | None:
    """decide: whether somebody is there to take a new thread; None where it is not known, which counts as being there.
    The first answer counts; a hook that fails is passed over. May be awaitable in the asynchronous face."""


@hookspec
def wa_sender_name(tenant: TenantId, user: UserId, line: LineId) -> str | None:
    """decide: under which name customers read what a user writes, where messages are signed (the setting
    ``sign_messages``); '' for none, None for the directory's. The first answer counts; a hook that fails is passed
    over. May be awaitable in the asynchronous face."""


@hookspec
def wa_push(notice: PushNotice) -> None:
    """observe: tell somebody's device. Called by ``Connector.push``, in the order of the log.

    A notice whose hook fails is given again by a later call, and those behind it wait, as long as the setting
    ``push_for`` says; so one may be given twice, and its ``id`` says that it is the same. May be awaitable in the
    asynchronous face."""


@hookspec
def wa_events_committed(tenant: TenantId, at: datetime, happenings: Sequence[Happening]) -> Any:
    """observe: what one commit brought, in order, after it is durable. May be awaitable in the asynchronous face.

    A process that dies right after the commit never calls it: whoever must not miss anything reads the log by its
    cursor (``events_after``) and takes this as a hint that there is something to read."""


@hookspec
def wa_metric(name: str, value: float, labels: Mapping[str, str]) -> None:
    """observe: one measurement. Names: ``webhook_lag_seconds``, ``queue_age_seconds``, ``refusals``,
    ``hook_failures``, ``conflicts``, ``notices_dropped``. Labels never carry a number, a text or a customer's id."""


@hookspec
def wa_commands(app: Any) -> None:
    """provide: add subcommands to the ``wa-connector`` command line; ``app`` is a ``typer.Typer``."""
