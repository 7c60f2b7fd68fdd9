"""The entry point: pluggy takes the module, and what it provides fits the ports."""

from importlib.metadata import entry_points

import pluggy
import pytest
import wa_connector_cloud_api
from wa_connector_cloud_api import plugin
from wa_connector_cloud_api.channel import CloudApiChannel
from wa_connector_cloud_api.transport import AsyncCloudApiTransport, CloudApiTransport

from wa_connector.ports import hooks
from wa_connector.ports.channel import AsyncTransport, Channel, Transport


def test_the_entry_point_leads_to_the_plugin() -> None:
    (point,) = entry_points(group="wa_connector", name="cloud-api")
    assert point.load() is plugin


def test_pluggy_takes_every_hook() -> None:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    manager.register(plugin, "cloud-api")
    manager.check_pending()
    ((name, transport),) = manager.hook.wa_transport()
    assert (name, type(transport)) == ("whatsapp", CloudApiTransport)
    ((name, transport),) = manager.hook.wa_async_transport()
    assert (name, type(transport)) == ("whatsapp", AsyncCloudApiTransport)
    (channel,) = manager.hook.wa_channel()
    assert type(channel) is CloudApiChannel


def test_the_ports_are_met() -> None:
    """For the type checker, mostly."""
    channel: Channel = CloudApiChannel()
    plain: Transport = CloudApiTransport()
    asynchronous: AsyncTransport = AsyncCloudApiTransport()
    assert {type(each).__name__ for each in (channel, plain, asynchronous)}


def test_exported_names() -> None:
    assert sorted(wa_connector_cloud_api.__all__) == [
        "AsyncCloudApiTransport",
        "CloudApiChannel",
        "CloudApiTransport",
        "Options",
        "Timeouts",
    ]
    with pytest.raises(AttributeError, match="nonsense"):
        wa_connector_cloud_api.nonsense  # noqa: B018
