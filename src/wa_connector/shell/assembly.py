"""From plugins to ports: who provides what, and whether the face can drive it.

Plugins are called once, when a connector is built; what they give must not be open yet.
"""

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, Final, TypeVar

import pluggy

from wa_connector.errors import UsageError
from wa_connector.ports import hooks as hookspecs
from wa_connector.ports.channel import Channel
from wa_connector.shell.ports import Hooks, Within

P = TypeVar("P")
Plugin = object | ModuleType


def plugin_manager(plugins: Iterable[Plugin], *, discover: bool) -> pluggy.PluginManager:
    """Register the given plugins and, with ``discover``, every installed one of the entry-point group.

    A plugin given by hand is asked before a discovered one. Raises ``UsageError`` for a hook implementation whose name
    or arguments no specification has.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        if discover:
            manager.load_setuptools_entrypoints(hookspecs.PROJECT)
        for plugin in plugins:
            manager.register(plugin)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        raise UsageError(f"a plugin does not fit: {error}") from error
    return manager


WAYS_OUT: Final = {
    "wa_storage": "register one, e.g. SqlitePlugin from wa-connector-sqlite",
    "wa_directory": "register one, e.g. DirectoryPlugin from wa-connector-directory",
}


def hooks_of(manager: pluggy.PluginManager, within: Within | None) -> Hooks:
    """The observers and deciders, resolved once. ``within`` awaits in a face that can, else None."""
    return Hooks(
        observers=_implementations(manager, "wa_events_committed"),
        meters=_implementations(manager, "wa_metric"),
        rules=_implementations(manager, "wa_veto"),
        readers=_implementations(manager, "wa_read_reply"),
        screeners=_implementations(manager, "wa_screen"),
        routers=_implementations(manager, "wa_route"),
        transcribers=_implementations(manager, "wa_transcribe"),
        presences=_implementations(manager, "wa_presence"),
        namers=_implementations(manager, "wa_sender_name"),
        pushers=_implementations(manager, "wa_push"),
        within=within,
    )


def _implementations(manager: pluggy.PluginManager, name: str) -> list[tuple[str, Callable[..., Any]]]:
    """A hook's implementations as plain calls with all of its arguments by keyword; an implementation may name fewer."""
    hook = getattr(manager.hook, name)
    return [(_plugin_name(found), _narrowed(found)) for found in reversed(hook.get_hookimpls())]


def _plugin_name(found: pluggy.HookImpl) -> str:
    """The entry point's or module's name, or an object's class: pluggy names an object by its address in memory, which
    tells a reader nothing and makes a new series of a measurement at every start."""
    return type(found.plugin).__qualname__ if found.plugin_name.isdigit() else found.plugin_name


def _narrowed(found: pluggy.HookImpl) -> Callable[..., Any]:
    names: Final = found.argnames
    return lambda **arguments: found.function(*(arguments[name] for name in names))


def channels_of(manager: pluggy.PluginManager) -> Mapping[str, Channel]:
    """Every channel by its name."""
    return _by_name((channel.capabilities.channel, channel) for channel in manager.hook.wa_channel())


def named(pairs: Iterable[tuple[str, P]], what: str) -> Mapping[str, P]:
    """Providers by channel name, each name once."""
    return _by_name(pairs, what)


def _by_name(pairs: Iterable[tuple[str, P]], what: str = "channel") -> Mapping[str, P]:
    known: dict[str, P] = {}
    for name, provider in pairs:
        if name in known:
            raise UsageError(f"two plugins provide the {what} {name!r}; register or install one of them only")
        known[name] = provider
    return known


def required(provider: P | None, hook: str, way_out: str) -> P:
    """The provider, or a ``UsageError`` that names the hook and what to do."""
    if provider is None:
        raise UsageError(f"no plugin provides {hook}: {way_out}")
    return provider


def refuse_async_only(manager: pluggy.PluginManager, plain: str, has_plain: bool) -> None:
    """Refuse, by name, a plugin that offers a port only to an event loop, in the face that has none."""
    twins = getattr(manager.hook, _twin(plain)).get_hookimpls()
    if twins and not has_plain:
        raise _async_only([_plugin_name(found) for found in twins], plain)


def refuse_async_only_transports(manager: pluggy.PluginManager, plain: Iterable[str]) -> None:
    """Refuse, by name, a plugin whose channel only an event loop could send on, whatever other channels there are."""
    both = [found.plugin for found in manager.hook.wa_transport.get_hookimpls()]
    for found in manager.hook.wa_async_transport.get_hookimpls():
        # Not asked where the plugin has a plain one beside it: the answer would load a client for nothing.
        is_asked = not any(found.plugin is plugin for plugin in both)
        provided: Any = found.function() if is_asked else None
        if provided is not None and provided[0] not in plain:
            raise _async_only([_plugin_name(found)], "wa_transport")


def _twin(plain: str) -> str:
    return plain.replace("wa_", "wa_async_", 1)


def _async_only(names: Iterable[str], plain: str) -> UsageError:
    return UsageError(
        f"the plugin {', '.join(names)} provides {_twin(plain)} only, and the synchronous Connector has no event loop to"
        f" drive it. Use AsyncConnector, or add a plugin that provides {plain}."
    )
