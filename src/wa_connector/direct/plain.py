"""From plugins to the ports of the synchronous face: plain ones, called in place."""

import time
from collections.abc import Iterable, Mapping

import pluggy

from wa_connector.ports.channel import AsyncTransport
from wa_connector.ports.media import MediaStore
from wa_connector.shell.adapters import (
    NoMedia,
    PlainContacts,
    PlainConverter,
    PlainDirectory,
    PlainMedia,
    PlainStorage,
    PlainTransport,
    in_place,
)
from wa_connector.shell.assembly import (
    WAYS_OUT,
    Plugin,
    channels_of,
    hooks_of,
    named,
    plugin_manager,
    refuse_async_only,
    refuse_async_only_transports,
    required,
)
from wa_connector.shell.ports import Clock, Ids, Ports


def plain_ports(plugins: Iterable[Plugin], *, discover: bool, clock: Clock, ids: Ids) -> tuple[MediaStore, Ports]:
    """The media store as the host uses it, and every port as the shell awaits it.

    Raises ``UsageError`` when a port is missing or asynchronous only, and when two plugins
    provide the same channel or its transport; of two storages the one registered last is taken.
    """
    manager = plugin_manager(plugins, discover=discover)
    hook = manager.hook
    media: MediaStore = hook.wa_media_store() or NoMedia()
    storage, directory, contacts = hook.wa_storage(), hook.wa_directory(), hook.wa_contacts()
    refuse_async_only(manager, "wa_storage", storage is not None)
    refuse_async_only(manager, "wa_directory", directory is not None)
    refuse_async_only(manager, "wa_contacts", contacts is not None)
    refuse_async_only(manager, "wa_media_store", not isinstance(media, NoMedia))
    converter = hook.wa_media_converter()
    refuse_async_only(manager, "wa_media_converter", converter is not None)
    return media, Ports(
        storage=PlainStorage(required(storage, "wa_storage", WAYS_OUT["wa_storage"]), in_place),
        directory=PlainDirectory(required(directory, "wa_directory", WAYS_OUT["wa_directory"]), in_place),
        contacts=None if contacts is None else PlainContacts(contacts, in_place),
        media=PlainMedia(media, in_place),
        channels=channels_of(manager),
        transports=_transports(manager, media),
        hooks=hooks_of(manager, None),
        clock=clock,
        ids=ids,
        pause=_pause,
        mark=hook.wa_restore_mark(),
        converter=None if converter is None else PlainConverter(converter, in_place),
    )


async def _pause(seconds: float) -> None:
    time.sleep(seconds)  # noqa: ASYNC251 - driven by a thread; whoever patches it (gevent) has this one patched, too


def _transports(manager: pluggy.PluginManager, media: MediaStore) -> Mapping[str, AsyncTransport]:
    plain = named(manager.hook.wa_transport(), "transport of")
    refuse_async_only_transports(manager, plain)
    return {name: PlainTransport(transport, media, in_place) for name, transport in plain.items()}
