"""Contacts from files: how entries become an index, and when the files are read.

Theory: a store keeps one *shelf*, everything that was in its files at one moment, and replaces it as a whole. At most
once a second a question compares the files' stamps (time, size, inode) with the shelf's; only when they differ are the
files read again, by one thread, while the others go on with the old shelf. A shelf may also hold a failure: files that
cannot be read are not tried again before the next second.

Rules of this file: no number, name or line of a file goes into a message or a ``Problem``.
"""

import hashlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from attrs import evolve, field, frozen

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.address import Address, AddressKind
from wa_connector.model.contact import Contact
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector.policy.lookalikes import lookalikes
from wa_connector.policy.numbers import Dialable, NoNumber, Numbering, ShortCode, Unread, read_party
from wa_connector_contacts.matching import Matches, matched

CHECK_EVERY: Final = 1.0
"""Seconds between two looks at the files' stamps."""

Stamp: TypeAlias = tuple[tuple[str, int, int, int], ...]
_Key: TypeAlias = tuple[UserId | None, ContactId]


@frozen
class Problem:
    """Something in a file that was left out: where (the card or row, counted from 1), and why."""

    file: str
    at: str
    cause: str

    def __str__(self) -> str:
        return f"{self.file}, {self.at}: {self.cause}"


@frozen
class Entry:
    """One card or row as it was read, its numbers as people type them. ``user_ids`` are (portfolio, BSUID)."""

    file: str
    at: str
    name: str = field(repr=False)
    numbers: tuple[str, ...] = field(repr=False)
    id: str = field(default="", repr=False)
    owner: UserId | None = None
    locale: str = ""
    cut_off: bool = False
    user_ids: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@frozen
class Shelf:
    """What the files held at one moment. ``failure`` says why they could not be read, and is empty otherwise."""

    stamp: Stamp
    contacts: Mapping[_Key, Contact] = field(factory=dict, repr=False)
    by_lookup: Mapping[tuple[str, str, str], tuple[Contact, ...]] = field(factory=dict, repr=False)
    problems: tuple[Problem, ...] = ()
    failure: str = ""

    def find(self, addresses: Iterable[Address]) -> tuple[Contact, ...]:
        """The contacts with one of these addresses, whoever owns them; a lookup for each address."""
        found = (each for address in addresses for each in self.by_lookup.get(address.lookup, ()))
        return tuple({(each.owner, each.id): each for each in found}.values())

    def lookup_many(self, addresses: Sequence[Address]) -> Matches:
        """The contacts of each address, those of other spellings of it behind the certain ones."""
        spelled = (each for address in addresses for each in (address, *lookalikes(address)))
        return matched(addresses, self.find(spelled))


def stamped(path: Path) -> tuple[str, int, int, int]:
    """What changes when a file does. Raises ``OSError``."""
    status = path.stat()
    return (str(path), status.st_mtime_ns, status.st_size, status.st_ino)


class FileContacts(ABC):
    """What the stores have in common; implements ``ports.contacts.Contacts`` for one tenant.

    Nothing is read before the first question. Safe under threads. Another tenant's questions are answered as by an
    empty store, so that one tenant's address book cannot serve another by an oversight.
    """

    def __init__(self, path: Path, tenant: TenantId, region: str | None, clock: Callable[[], float] | None) -> None:
        if region is not None and not (len(region) == 2 and region.isascii() and region.isupper()):
            raise UsageError('a region is two capital letters (ISO 3166), such as "DE", or None')
        self._path = path
        self._tenant = tenant
        self._region = region
        self._clock = clock or time.monotonic
        self._reading = threading.Lock()
        self._shelf: Shelf | None = None
        self._looked_at = 0.0

    @abstractmethod
    def _stamp(self) -> Stamp:
        """The stamps of all files. Raises ``OSError`` when they are not there."""

    @abstractmethod
    def _entries(self) -> Iterable[Entry]:
        """All that the files hold. Raises ``OSError`` or ``Unavailable``."""

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        """The user's own contact of this id, else the shared one; what belongs to another user is not seen."""
        if tenant != self._tenant:
            return None
        contacts = self._now().contacts
        return contacts.get((user, contact)) or contacts.get((None, contact))

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        """The contacts with one of these addresses, whoever owns them; a lookup for each address."""
        if tenant != self._tenant:
            return ()
        return self._now().find(addresses)

    def lookup_many(self, tenant: TenantId, addresses: Sequence[Address]) -> Matches:
        """As ``matching.Many``."""
        return matched(addresses, ()) if tenant != self._tenant else self._now().lookup_many(addresses)

    def problems(self) -> tuple[Problem, ...]:
        """What was left out, in the order of the files, for an admin to mend. Raises ``Unavailable``."""
        return self._now().problems

    def _now(self) -> Shelf:
        shelf = self._shelf
        if shelf is None or self._clock() - self._looked_at >= CHECK_EVERY:
            shelf = self._refreshed(shelf)
        if shelf.failure:
            raise Unavailable(shelf.failure)
        return shelf

    def _refreshed(self, old: Shelf | None) -> Shelf:
        # Who finds another thread reading goes on with the old shelf; only without one he waits.
        if not self._reading.acquire(blocking=old is None):
            assert old is not None
            return old
        try:
            if self._shelf is None or self._clock() - self._looked_at >= CHECK_EVERY:
                self._shelf = self._read(self._shelf)
                self._looked_at = self._clock()
            return self._shelf
        finally:
            self._reading.release()

    def _read(self, old: Shelf | None) -> Shelf:
        stamp: Stamp = ()
        try:
            # Before reading: a file that changes meanwhile has another stamp at the next look.
            stamp = self._stamp()
            if old is not None and old.stamp == stamp:
                return old
            return shelved(self._entries(), self._region, stamp)
        except OSError as error:
            why = error.strerror or type(error).__name__
            hint = "check the path and its permissions; the next question tries again"
            return Shelf((), failure=f"the contacts in {self._path} cannot be read: {why}; {hint}")
        except Unavailable as error:
            return Shelf(stamp, failure=str(error))


def shelved(entries: Iterable[Entry], region: str | None, stamp: Stamp = ()) -> Shelf:
    """Index entries. Two of one owner with one id are one contact: address books export a person once a folder."""
    contacts: dict[_Key, Contact] = {}
    problems: list[Problem] = []
    for entry in entries:
        contact = _contact(entry, region, problems)
        key = (contact.owner, contact.id)
        known = contacts.get(key)
        if known is not None:
            merged = dict.fromkeys((*known.addresses, *contact.addresses))
            contact = evolve(known, addresses=tuple(merged))
        contacts[key] = contact
    by_lookup: dict[tuple[str, str, str], list[Contact]] = {}
    for contact in contacts.values():
        for address in contact.addresses:
            by_lookup.setdefault(address.lookup, []).append(contact)
    frozen_lookup = {key: tuple(found) for key, found in by_lookup.items()}
    return Shelf(stamp, contacts, frozen_lookup, tuple(problems))


def _contact(entry: Entry, region: str | None, problems: list[Problem]) -> Contact:
    if entry.cut_off:
        problems.append(Problem(entry.file, entry.at, "has no end; what there is of it was taken"))
    addresses: dict[Address, None] = {}
    for position, text in enumerate(entry.numbers, start=1):
        parsed = parse_number(text, region)
        if isinstance(parsed, Address):
            addresses[parsed] = None
        else:
            problems.append(Problem(entry.file, entry.at, f"number {position} {parsed}"))
    for portfolio, user_id in entry.user_ids:
        try:
            addresses[Address(AddressKind.BSUID, user_id, portfolio)] = None
        except UsageError:
            problems.append(Problem(entry.file, entry.at, "a user id is not portfolio;id"))
    if not entry.name:
        problems.append(Problem(entry.file, entry.at, "has no name"))
    return Contact(
        ContactId(entry.id or _fingerprint(entry)),
        entry.name,
        tuple(addresses),
        owner=entry.owner,
        locale=entry.locale,
    )


def _fingerprint(entry: Entry) -> str:
    """An id for what has none: the same as long as name, numbers and user ids are, wherever in the file it stands."""
    text = "\0".join((entry.name, *sorted(entry.numbers), *(each for _, each in sorted(entry.user_ids))))
    return "x-" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def parse_number(text: str, region: str | None) -> Address | str:
    """The E.164 number or short code of what somebody typed, or why it is none. An extension is left off: the line is what
    counts."""
    numbering = Numbering(region or "")
    read = read_party(text, numbering)
    if isinstance(read, Dialable | ShortCode):
        return read.address
    return _WHY[read.why] if isinstance(read, Unread) else _WHY[NoNumber.NOT_A_NUMBER]


_WHY: Final = {
    NoNumber.NO_REGION: "has no country code that exists, and the store was given no region to read it in",
    NoNumber.NO_COUNTRY: "has no country code that exists",
    NoNumber.NO_AREA: "is too short or too long for its country",
    NoNumber.LENGTH: "is too short or too long for its country",
    NoNumber.NOT_A_NUMBER: "is not a telephone number",
}
