"""What carries text messages to one provider: the port between the channel's transport and its gateways.

A channel has one transport, and text messages have many ways into the world: an SMPP connection, Kannel, a provider's HTTP
interface. Each is a carrier; the transport picks the one that the account's ``gateway`` names. What is promised here is
what ``ports.channel.Transport`` promises.
"""

from typing import Protocol

from wa_connector.model.content import MediaRef
from wa_connector.model.directory import LineSetup
from wa_connector.model.outbound import Envelope, FetchOutcome, SendOutcome
from wa_connector.ports.media import AsyncMediaStore, MediaStore


class Carrier(Protocol):
    """One way out. May be called from several threads; serves any number of accounts and tenants.

    Nothing is open after construction: what is opened is opened at the first call, in the process that makes it.
    """

    def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:
        """Hand one message over, whole, in as many parts as it takes. Bounded in time; never raises for what a provider or
        a network does. After a time-out, or a connection that was lost before the answer: ``OutcomeUnknown``, and nothing
        is sent again."""
        ...

    def close(self) -> None:
        """Close what this process opened. May be called twice; a later call to ``send`` opens anew."""
        ...


class AsyncCarrier(Protocol):
    """As ``Carrier``, awaitable. May be used from several event loops, one a thread."""

    async def send(self, line: LineSetup, envelope: Envelope, media: AsyncMediaStore) -> SendOutcome: ...
    async def aclose(self) -> None: ...


class FileCarrier(Protocol):
    """What a carrier offers besides, where messages come in with files."""

    def fetch(self, line: LineSetup, media: MediaRef, store: MediaStore) -> FetchOutcome:
        """Bring the bytes of an inbound picture into the store."""
        ...


class AsyncFileCarrier(Protocol):
    """As ``FileCarrier``, awaitable."""

    async def fetch(self, line: LineSetup, media: MediaRef, store: AsyncMediaStore) -> FetchOutcome: ...
