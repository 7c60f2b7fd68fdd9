"""The senders: each message by the carrier that its account's gateway names.

Rules of this file: pick a carrier, and make it when it is first needed. Nothing is open before the first call, and no
carrier's library is imported before it either.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Final, final

from wa_connector.errors import ProviderError
from wa_connector.model.content import MediaRef
from wa_connector.model.directory import Account, LineSetup
from wa_connector.model.outbound import AccountStopped, Envelope, FetchFailed, FetchOutcome, SendOutcome
from wa_connector.model.template import Template
from wa_connector.ports.media import AsyncMediaStore, MediaStore
from wa_connector_sms.carrier import AsyncCarrier, Carrier
from wa_connector_sms.plainly import plainly

_NO_SMPP: Final = AccountStopped("config", "SMPP needs smpplib: pip install wa-connector-sms[smpp]")


@final
class _Missing:
    """What stands for a carrier whose library is not installed."""

    def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:  # noqa: ARG002
        return _NO_SMPP

    def close(self) -> None: ...


@final
class _AsyncMissing:
    async def send(self, line: LineSetup, envelope: Envelope, media: AsyncMediaStore) -> SendOutcome:  # noqa: ARG002
        return _NO_SMPP

    async def aclose(self) -> None: ...


def _smpp() -> Carrier:
    try:
        from wa_connector_sms.smpp.carrier import SmppCarrier
    except ImportError:
        return _Missing()
    return SmppCarrier()


def _async_smpp() -> AsyncCarrier:
    try:
        from wa_connector_sms.smpp.carrier import AsyncSmppCarrier
    except ImportError:
        return _AsyncMissing()
    return AsyncSmppCarrier()


def _by_http(name: str) -> Carrier:
    from wa_connector_sms.bundled import gateways
    from wa_connector_sms.http_carrier import HttpCarrier

    return HttpCarrier(gateways()[name])


def _by_http_async(name: str) -> AsyncCarrier:
    from wa_connector_sms.bundled import gateways
    from wa_connector_sms.http_carrier import AsyncHttpCarrier

    return AsyncHttpCarrier(gateways()[name])


_HTTP: Final = ("kannel", "twilio", "telnyx", "bandwidth", "vonage")
CARRIERS: Final[Mapping[str, Callable[[], Carrier]]] = {
    **{name: partial(_by_http, name) for name in _HTTP},
    "smpp": _smpp,
}
"""How the bundled carriers are made, by the gateway's name."""
ASYNC_CARRIERS: Final[Mapping[str, Callable[[], AsyncCarrier]]] = {
    **{name: partial(_by_http_async, name) for name in _HTTP},
    "smpp": _async_smpp,
}

_NO_FILES: Final = FetchFailed("this gateway brings no files", is_final=True)


@final
class SmsTransport:
    """Carries text messages, for code that blocks. May be called from several threads, and under gevent.

    ``carriers`` replaces the bundled ones, by the gateway's name: for options of a carrier's, or one of the host's own.
    ``close`` closes every carrier of this process and may be called twice; a call that comes later opens anew.
    """

    __slots__ = ("_carriers", "_lock", "_made")

    def __init__(self, carriers: Mapping[str, Callable[[], Carrier]] | None = None) -> None:
        self._carriers: Final = CARRIERS if carriers is None else carriers
        self._made: Final[dict[str, Carrier]] = {}
        self._lock: Final = Lock()

    def send(self, line: LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:
        """Hand one message over."""
        carrier = self.carrier(line.account)
        if carrier is None:
            return _unknown(line.account, self._carriers)
        return carrier.send(*plainly(line, envelope), media)

    def fetch(self, line: LineSetup, media: MediaRef, store: MediaStore) -> FetchOutcome:
        """Bring an inbound picture into the store, where the gateway has pictures."""
        fetch = getattr(self.carrier(line.account), "fetch", None)
        found: FetchOutcome = _NO_FILES if fetch is None else fetch(line, media, store)
        return found

    def templates(self, account: Account) -> Sequence[Template]:
        """Raises ``ProviderError``: text messages have none."""
        raise _no_templates(account)

    def close(self) -> None:
        """Close every carrier; each is bounded by itself."""
        for carrier in list(self._made.values()):
            carrier.close()

    def carrier(self, account: Account) -> Carrier | None:
        """The carrier that sends for an account, made if it was not yet; None where nothing carries its gateway."""
        if (made := self._made.get(account.gateway)) is not None:
            return made
        make = self._carriers.get(account.gateway)
        if make is None:
            return None
        with self._lock:  # two of one gateway would each hold connections that the other does not count
            return self._made.get(account.gateway) or self._made.setdefault(account.gateway, make())


@final
class AsyncSmsTransport:
    """Carries text messages, for an event loop (asyncio). May be used from several loops, one a thread.

    ``aclose`` closes what the running loop opened and may be called twice; a call that comes later opens anew.
    """

    __slots__ = ("_carriers", "_lock", "_made")

    def __init__(self, carriers: Mapping[str, Callable[[], AsyncCarrier]] | None = None) -> None:
        self._carriers: Final = ASYNC_CARRIERS if carriers is None else carriers
        self._made: Final[dict[str, AsyncCarrier]] = {}
        self._lock: Final = Lock()

    async def send(self, line: LineSetup, envelope: Envelope, media: AsyncMediaStore) -> SendOutcome:
        """Hand one message over."""
        carrier = self.carrier(line.account)
        if carrier is None:
            return _unknown(line.account, self._carriers)
        return await carrier.send(*plainly(line, envelope), media)

    async def fetch(self, line: LineSetup, media: MediaRef, store: AsyncMediaStore) -> FetchOutcome:
        """As ``SmsTransport.fetch``."""
        fetch = getattr(self.carrier(line.account), "fetch", None)
        found: FetchOutcome = _NO_FILES if fetch is None else await fetch(line, media, store)
        return found

    async def templates(self, account: Account) -> Sequence[Template]:
        """Raises ``ProviderError``: text messages have none."""
        raise _no_templates(account)

    async def aclose(self) -> None:
        """Close what the running loop opened; each carrier is bounded by itself."""
        for carrier in list(self._made.values()):
            await carrier.aclose()

    def carrier(self, account: Account) -> AsyncCarrier | None:
        """As ``SmsTransport.carrier``."""
        if (made := self._made.get(account.gateway)) is not None:
            return made
        make = self._carriers.get(account.gateway)
        if make is None:
            return None
        with self._lock:  # held for a construction, which opens nothing and waits for nobody
            return self._made.get(account.gateway) or self._made.setdefault(account.gateway, make())


def _unknown(account: Account, known: Mapping[str, object]) -> AccountStopped:
    named = ", ".join(sorted(known))
    return AccountStopped(
        "config", f"accounts[{account.id}].gateway: nothing carries {account.gateway!r}; known: {named}"
    )


def _no_templates(account: Account) -> ProviderError:
    return ProviderError("no_templates", f"text messages have no templates; account {account.id} has nothing to list")
