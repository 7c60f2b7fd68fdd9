"""The asynchronous face: the one package that imports asyncio."""

from wa_connector.aio.connector import AsyncConnector

__all__ = ["AsyncConnector"]
