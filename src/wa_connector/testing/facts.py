"""The facts of a tenant, to be compared: the same events in any order give the same ones.

Left out is what follows the order of arrival on purpose: ids, threads, the log, and the messages that the system sends
by itself, with the evidence that they leave and their effect on a consent. A request that a user sent is a fact.

::

    assert facts(one_storage, TENANT) == facts(another, TENANT)
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from wa_connector.evidence.fold import fold
from wa_connector.evidence.ledger import source_of
from wa_connector.model.consent import Evidence, Signal, Stage
from wa_connector.model.content import Content
from wa_connector.model.customer import Customer
from wa_connector.model.ids import CustomerId, TenantId, UserId
from wa_connector.model.instants import EPOCH
from wa_connector.model.message import BySystem, Message, MessageStatus
from wa_connector.ports.codec import encode
from wa_connector.ports.rows import CUSTOMER, EVIDENCE, MESSAGE, PAIR, WAITING, Key, Kind, window_of
from wa_connector.ports.storage import Row, Scan, Storage

_PAGE = 500


@frozen
class MessageFact:
    """``content`` is its JSON, ``author`` the kind of author."""

    at: datetime
    author: str
    content: str
    status: MessageStatus
    is_heard: bool = False
    is_gone: bool = False


@frozen
class EvidenceFact:
    at: datetime
    channel: str
    signal: Signal
    purposes: tuple[str, ...]
    actor: UserId | None
    template: str
    text: str


@frozen
class ConsentFact:
    """Where a customer stands on one channel, folded without what the system did by itself."""

    channel: str
    conversation: Stage
    marketing: Stage
    changed_at: datetime | None


@frozen
class WindowFact:
    """``business_at`` is left out: it speaks of what was sent here, by the system as well."""

    line: str
    customer_at: datetime | None
    refused_at: datetime | None


@frozen
class CustomerFacts:
    """One person, all merged records together, known by addresses; everything sorted."""

    known_by: tuple[tuple[str, str, str], ...]
    messages: tuple[MessageFact, ...]
    consents: tuple[ConsentFact, ...]
    windows: tuple[WindowFact, ...]
    evidence: tuple[EvidenceFact, ...]


@frozen
class Facts:
    """All customers of a tenant, and the reports that wait for their message: (line, provider's id, report, instant)."""

    customers: tuple[CustomerFacts, ...]
    waiting: tuple[tuple[str, str, str, datetime], ...]


def facts(storage: Storage, tenant: TenantId) -> Facts:
    """The facts of ``tenant``. Reads everything; for tests only."""
    customers: dict[CustomerId, Customer] = {row.value.id: row.value for _, row in _all(storage, CUSTOMER, tenant)}
    messages: list[Message] = [row.value for _, row in _all(storage, MESSAGE, tenant)]
    automatic = {source for message in messages if _is_automatic(message) for source in _sources(message)}
    evidence = [row.value for _, row in _all(storage, EVIDENCE, tenant) if row.value.source not in automatic]
    pairs = list(_all(storage, PAIR, tenant))
    waiting = [(key, item) for key, row in _all(storage, WAITING, tenant) for item in row.value]
    people = (
        _customer(
            [record for record in customers.values() if _survivor(customers, record.id) == customer],
            [m for m in messages if _survivor(customers, m.customer) == customer and not _is_automatic(m)],
            [entry for entry in evidence if _survivor(customers, entry.customer) == customer],
            [(key, row) for key, row in pairs if _survivor(customers, CustomerId(str(key.parts[1]))) == customer],
        )
        for customer, record in customers.items()
        if record.merged_into is None
    )
    return Facts(
        customers=tuple(sorted(people, key=repr)),
        waiting=tuple(sorted((str(k.parts[1]), str(k.parts[2]), item.report.value, item.at) for k, item in waiting)),
    )


def _customer(
    records: Iterable[Customer],
    messages: Iterable[Message],
    evidence: list[Evidence],
    pairs: Iterable[tuple[Key, Row]],
) -> CustomerFacts:
    channels = fold(evidence)
    windows: dict[str, WindowFact] = {}
    for key, row in pairs:
        line, window = str(key.parts[2]), window_of(row.merged)
        known = windows.get(line, WindowFact(line, None, None))
        windows[line] = evolve(
            known,
            customer_at=_later(known.customer_at, window.customer_at),
            refused_at=_later(known.refused_at, window.refused_at),
        )
    return CustomerFacts(
        known_by=tuple(sorted({address.lookup for record in records for address in record.addresses})),
        messages=tuple(sorted((_message(message) for message in messages), key=repr)),
        consents=tuple(
            ConsentFact(name, consent.conversation, consent.marketing, consent.changed_at)
            for name, consent in sorted(channels.items())
        ),
        windows=tuple(sorted(windows.values(), key=repr)),
        evidence=tuple(sorted(map(_evidence, evidence), key=repr)),
    )


def _message(message: Message) -> MessageFact:
    return MessageFact(
        message.at,
        type(message.author).__name__,
        encode(message.content, Content),
        message.status,
        is_heard=message.heard_at is not None,
        is_gone=message.gone_at is not None,
    )


def _evidence(entry: Evidence) -> EvidenceFact:
    return EvidenceFact(
        entry.at,
        entry.channel,
        entry.signal,
        tuple(purpose.value for purpose in entry.purposes),
        entry.actor,
        entry.template,
        entry.personal.text if entry.personal else "",
    )


def _is_automatic(message: Message) -> bool:
    """Whether the system sent it by itself; the request that a user sends has itself for its cause."""
    return isinstance(message.author, BySystem) and message.author.cause != message.id


_MARKS = ("", " delivered", " read", " not delivered", " marketing stopped")
"""What ``decide`` adds to a message's id where the evidence is about its fate."""


def _sources(message: Message) -> tuple[str, ...]:
    """The sources of the evidence that a message of ours leaves."""
    return tuple(source_of(f"{message.id}{what}") for what in _MARKS)


def _survivor(customers: Mapping[CustomerId, Customer], customer: CustomerId) -> CustomerId:
    while (into := customers[customer].merged_into) is not None:
        customer = into
    return customer


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one or EPOCH, other or EPOCH) if one or other else None


def _all(storage: Storage, kind: Kind, tenant: TenantId) -> Iterable[tuple[Key, Row]]:
    after: Any = None
    while True:
        page = storage.scan(Scan(kind.name, "key", (tenant,), _PAGE, after))
        yield from page.rows
        if page.next is None:
            return
        after = page.next


__all__ = ["ConsentFact", "CustomerFacts", "EvidenceFact", "Facts", "MessageFact", "WindowFact", "facts"]
