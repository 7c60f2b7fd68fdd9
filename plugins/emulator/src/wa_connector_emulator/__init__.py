"""An emulator of the WhatsApp Cloud API: Graph calls, webhooks, phones and time.

    from wa_connector_emulator import Emulator, serve

    with serve(Emulator()) as served:
        served.emulator.create_customer("+16505551234", "Ana")
        served.emulator.type_text("+16505551234", "Hello")

`Emulator` is the whole of it in one object, `serve` puts it on loopback. The package knows nothing
of the SDK that is tested against it, so that the two can only agree by both being right.

The names are looked up on first use: a host's command line loads the plugin of every distribution
only to print its help, and must not have to wait for a web server then.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clock import VirtualClock
    from .emulator import Emulator
    from .errors import ControlError, GraphError
    from .faults import Faults
    from .server import Served, serve
    from .transport import HttpCall, HttpReply, Sender
    from .values import (
        Account,
        Attempt,
        BusinessMessage,
        Call,
        Choice,
        Content,
        Customer,
        CustomerMessage,
        Failure,
        Group,
        Number,
        Settings,
        Template,
        TemplateStatus,
        Webhook,
        WebhookState,
    )
    from .webhooks import signature

__all__ = [
    "Account",
    "Attempt",
    "BusinessMessage",
    "Call",
    "Choice",
    "Content",
    "ControlError",
    "Customer",
    "CustomerMessage",
    "Emulator",
    "Failure",
    "Faults",
    "GraphError",
    "Group",
    "HttpCall",
    "HttpReply",
    "Number",
    "Sender",
    "Served",
    "Settings",
    "Template",
    "TemplateStatus",
    "VirtualClock",
    "Webhook",
    "WebhookState",
    "serve",
    "signature",
]

_HOMES = {
    "Account": "values",
    "Attempt": "values",
    "BusinessMessage": "values",
    "Call": "values",
    "Choice": "values",
    "Content": "values",
    "ControlError": "errors",
    "Customer": "values",
    "CustomerMessage": "values",
    "Emulator": "emulator",
    "Failure": "values",
    "Faults": "faults",
    "GraphError": "errors",
    "Group": "values",
    "HttpCall": "transport",
    "HttpReply": "transport",
    "Number": "values",
    "Sender": "transport",
    "Served": "server",
    "Settings": "values",
    "Template": "values",
    "TemplateStatus": "values",
    "VirtualClock": "clock",
    "Webhook": "values",
    "WebhookState": "values",
    "serve": "server",
    "signature": "webhooks",
}

if not TYPE_CHECKING:  # a type checker would take any name for granted otherwise

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
