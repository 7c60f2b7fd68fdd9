"""The synchronous face: no event loop, no thread of its own."""

from wa_connector.direct.connector import Connector

__all__ = ["Connector"]
