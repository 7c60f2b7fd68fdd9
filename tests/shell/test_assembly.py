"""From plugins to ports: what is missing, given twice or cannot be driven is refused at start, by name, with the way out."""

from typing import Any

import pytest

from wa_connector.direct.connector import Connector
from wa_connector.errors import UsageError
from wa_connector.ports.hooks import hookimpl
from wa_connector.testing.host import ACME, MemoryHost, PlainChannel, ScriptedTransport
from wa_connector.testing.memory import AsyncMemoryStorage, MemoryStorage


def plugin(hook: str, provides: object) -> object:
    """A plugin with one hook, as an author would write it."""

    class One:
        """Named by its hook."""

    implementation = hookimpl(lambda self: provides)
    One.__name__ = One.__qualname__ = f"Only_{hook}"
    setattr(One, hook, implementation)
    return One()


def only(*hooks: str) -> list[object]:
    """The plugins of a host that provides these and nothing else."""
    host = MemoryHost()
    return [plugin(hook, getattr(host, hook)()) for hook in hooks]


class Bare:
    """A host of separate plugins."""

    def __init__(self, face: str) -> None:
        self.face = face

    def connector(self, *plugins: object) -> Connector:
        from wa_connector.aio.connector import AsyncConnector

        made: Any = Connector if self.face == "direct" else AsyncConnector
        connector: Connector = made(plugins, discover=False)
        return connector


@pytest.fixture
def bare(face: str) -> Bare:
    return Bare(face)


@pytest.mark.parametrize("missing", ["wa_storage", "wa_directory"])
def test_a_missing_port_is_named_with_the_way_out(bare: Bare, missing: str) -> None:
    given = {"wa_storage", "wa_directory"} - {missing}
    with pytest.raises(UsageError, match=f"no plugin provides {missing}: register one, e.g. "):
        bare.connector(*only(*given))


def test_what_is_not_needed_may_be_missing(bare: Bare) -> None:
    """Storage and directory are enough to be built."""
    assert bare.connector(*only("wa_storage", "wa_directory")) is not None


def test_two_channels_of_one_name_are_refused(bare: Bare) -> None:
    with pytest.raises(UsageError, match="two plugins provide the channel 'plain'"):
        bare.connector(MemoryHost(), plugin("wa_channel", PlainChannel()))


def test_two_transports_of_one_channel_are_refused(bare: Bare) -> None:
    with pytest.raises(UsageError, match="two plugins provide the transport of 'plain'"):
        bare.connector(MemoryHost(), plugin("wa_transport", ("plain", ScriptedTransport())))


def test_a_hook_that_nobody_knows_is_refused(bare: Bare) -> None:
    """A typing error in a hook's name would else be a hook that is never called."""
    with pytest.raises(UsageError, match="wa_storrage"):
        bare.connector(MemoryHost(), plugin("wa_storrage", None))


class Misnamed:
    @hookimpl
    def wa_metric(self, nombre: str) -> None: ...


def test_an_argument_that_a_hook_does_not_have_is_refused(bare: Bare) -> None:
    with pytest.raises(UsageError, match="nombre"):
        bare.connector(MemoryHost(), Misnamed())


def test_a_plugin_given_twice_is_refused(bare: Bare) -> None:
    host = MemoryHost()
    with pytest.raises(UsageError, match="a plugin does not fit"):
        bare.connector(host, host)


def test_a_plugin_that_has_nothing_today_may_say_so(bare: Bare) -> None:
    """A provider that answers with None provides nothing, and stands in nobody's way."""
    assert bare.connector(MemoryHost(), plugin("wa_transport", None), plugin("wa_channel", None)) is not None


# --- the face that has no event loop ----------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["storage", "directory", "contacts", "media_store", "media_converter"])
def test_an_asynchronous_plugin_is_refused_by_the_synchronous_face(port: str) -> None:
    """By its name, with the way out, and at start rather than at first use."""
    others = {"wa_storage", "wa_directory", "wa_contacts", "wa_media_store"} - {f"wa_{port}"}
    provides = plugin(f"wa_async_{port}", object())
    with pytest.raises(UsageError, match=rf"Only_wa_async_{port} provides wa_async_{port} only.*Use AsyncConnector"):
        Connector([*only(*others), provides], discover=False)


def test_an_asynchronous_transport_is_refused_for_its_own_channel() -> None:
    """Even where another channel has a plain one: what it was to send would wait for ever."""
    provides = plugin("wa_async_transport", ("sms", object()))
    with pytest.raises(UsageError, match=r"Only_wa_async_transport provides wa_async_transport only"):
        Connector([MemoryHost(), provides], discover=False)


def test_an_asynchronous_transport_beside_a_plain_one_is_fine() -> None:
    """Of one plugin or of two: the synchronous face takes the plain one, and leaves the other's client unloaded."""

    class Both:
        @hookimpl
        def wa_transport(self) -> tuple[str, ScriptedTransport]:
            return "sms", ScriptedTransport()

        @hookimpl
        def wa_async_transport(self) -> tuple[str, object]:
            raise AssertionError("the client of the other face is loaded for nothing")

    Connector([MemoryHost(), Both()], discover=False).close()
    Connector([MemoryHost(), plugin("wa_async_transport", ("plain", object()))], discover=False).close()
    Connector([MemoryHost(), plugin("wa_async_transport", None)], discover=False).close()


def test_a_plain_plugin_beside_an_asynchronous_one_is_taken() -> None:
    """Each face takes its own of the two."""
    storage = MemoryStorage()
    given = [*only("wa_directory"), plugin("wa_async_storage", AsyncMemoryStorage(storage))]
    with Connector([*given, plugin("wa_storage", storage)], discover=False) as connector:
        assert connector.events(ACME).events == ()
