"""The store of an address book on a CardDAV server (Nextcloud, Radicale, iCloud and their kin).

Theory: the book is kept here whole, and what changed since is asked for when somebody asks and the last look is ``every`` seconds
old: by a sync token, which costs one round trip where nothing changed. One thread looks, the others go on with what there is.
Where the server cannot be reached, what was read last counts for an hour.

Rules of this file: an address of a card goes nowhere but to the server that named it. No number or name goes into a message.

Source: RFC 6352 (CardDAV), RFC 6578 (sync-collection), read 2026-11.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, final
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from attrs import field, frozen

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.address import Address
from wa_connector.model.contact import Contact
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector.model.secret import Secret
from wa_connector_contacts import vcard
from wa_connector_contacts.matching import Matches, matched
from wa_connector_contacts.shelf import Entry, Problem, Shelf, shelved

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import httpx

AT_ONCE: Final = 100
"""How many cards one request brings."""
STALE: Final = 3600.0
"""For how many seconds a book counts that could not be looked at since."""
LARGEST: Final = 64 * 1024 * 1024
_TURNS: Final = 1000
_DAV: Final = "{DAV:}"
_CARDS: Final = "{urn:ietf:params:xml:ns:carddav}"


class _TokenForgottenError(Exception):
    """The server knows the token no longer: everything is to be asked for anew."""


@frozen
class _Book:
    """The cards by address and etag, and how far the server has told."""

    token: str = ""
    cards: dict[str, tuple[str, bytes]] = field(factory=dict, repr=False)


@final
class CardDavContacts:
    """One address book. ``url`` is the collection's own address, with its slash at the end.

    ``owner`` is the user whose book it is, and None where the tenant shares it. ``timeout`` (seconds) bounds each request;
    ``client`` makes the HTTP client, where a host has one to its liking. Raises ``Unavailable`` where the server was not
    reached for an hour, ``UsageError`` for a url that is none. Safe under threads; nothing is open between two looks.
    """

    def __init__(
        self,
        url: str,
        *,
        tenant: TenantId,
        region: str | None = None,
        user: str = "",
        password: Secret | None = None,
        owner: UserId | None = None,
        every: float = 60.0,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        client: "Callable[[], httpx.Client] | None" = None,
    ) -> None:
        if urlsplit(url).scheme not in {"http", "https"} or not url.endswith("/"):
            raise UsageError("url is an address book's own address: https://…/ with its slash at the end")
        self._url, self._tenant, self._region, self._owner = url, tenant, region, owner
        self._user, self._password = user, password
        self._every, self._timeout, self._clock, self._client = every, timeout, clock, client
        self._looking = threading.Lock()
        self._book = _Book()
        self._shelf: Shelf | None = None
        self._looked_at = self._read_at = float("-inf")

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        """The contact, if it is shared or the user's own."""
        if tenant != self._tenant or self._owner not in {None, user}:
            return None
        return self._now().contacts.get((self._owner, contact))

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        """The contacts with one of these addresses."""
        return () if tenant != self._tenant else self._now().find(addresses)

    def lookup_many(self, tenant: TenantId, addresses: Sequence[Address]) -> Matches:
        """As ``matching.Many``: nothing is asked of the server that ``find`` would not ask."""
        return matched(addresses, ()) if tenant != self._tenant else self._now().lookup_many(addresses)

    def problems(self) -> tuple[Problem, ...]:
        """What was left out of the cards, for an admin to mend. Raises ``Unavailable``."""
        return self._now().problems

    # --- looking ------------------------------------------------------------------------------------------------------

    def _now(self) -> Shelf:
        shelf = self._shelf
        if shelf is None or self._clock() - self._looked_at >= self._every:
            # Who finds another thread looking goes on with what there is; only without anything he waits.
            if self._looking.acquire(blocking=shelf is None):
                try:
                    self._look()
                finally:
                    self._looking.release()
            shelf = self._shelf
        if shelf is None or self._clock() - self._read_at > STALE:
            raise Unavailable("the address book cannot be read: its server does not answer; try again later")
        return shelf

    def _look(self) -> None:
        if self._clock() - self._looked_at < self._every:
            return
        self._looked_at = self._clock()
        import httpx

        try:
            with self._opened() as client:
                book = self._synchronised(client)
        except (httpx.HTTPError, Unavailable):
            return
        if self._shelf is None or book.cards != self._book.cards:
            self._shelf = shelved(self._entries(book), self._region, ())
        self._book, self._read_at = book, self._clock()

    def _opened(self) -> "httpx.Client":
        import httpx

        if self._client is not None:
            return self._client()
        auth = httpx.BasicAuth(self._user, self._password.reveal() if self._password else "") if self._user else None
        return httpx.Client(auth=auth, timeout=self._timeout, follow_redirects=False)

    def _synchronised(self, client: "httpx.Client") -> _Book:
        try:
            return self._told(client, self._book)
        except _TokenForgottenError:
            return self._told(client, _Book(cards=self._book.cards), is_whole=True)

    def _told(self, client: "httpx.Client", book: _Book, *, is_whole: bool = False) -> _Book:
        """The book with all that the server tells of since its token; ``is_whole``: what it does not tell of is gone."""
        etags: dict[str, str] = {}
        cards, token = dict(book.cards), book.token
        for _ in range(_TURNS):
            answer = self._report(client, _SYNC.format(token=escape(token)))
            is_cut = False
            for href, status, etag, _ in self._responses(answer):
                if status == 507:
                    is_cut = True
                elif status == 404:
                    cards.pop(href, None)
                    etags.pop(href, None)
                elif etag:
                    etags[href] = etag
            token = answer.findtext(f"{_DAV}sync-token") or ""
            if not is_cut:
                break
        if is_whole:
            cards = {href: card for href, card in cards.items() if href in etags}
        changed = [href for href, etag in etags.items() if cards.get(href, ("", b""))[0] != etag]
        for start in range(0, len(changed), AT_ONCE):
            hrefs = "".join(f"<d:href>{escape(href)}</d:href>" for href in changed[start : start + AT_ONCE])
            for href, _, etag, text in self._responses(self._report(client, _MULTIGET.format(hrefs=hrefs))):
                if text is not None:
                    cards[href] = (etag, text.encode())
        return _Book(token, cards)

    def _report(self, client: "httpx.Client", body: str) -> "Element":
        from defusedxml.ElementTree import ParseError, fromstring

        headers = {"content-type": "application/xml; charset=utf-8", "depth": "0"}
        with client.stream("REPORT", self._url, content=body.encode(), headers=headers) as response:
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    raise Unavailable("the address book is larger than any that is read")
            if response.status_code in {403, 409, 410} and b"valid-sync-token" in content:
                raise _TokenForgottenError
            if response.status_code != 207:
                raise Unavailable(f"the server of the address book answered with {response.status_code}")
        try:
            root: Element = fromstring(bytes(content))
        except (ParseError, ValueError):
            raise Unavailable("the server of the address book answered with what is no XML") from None
        return root

    def _responses(self, answer: "Element") -> Iterator[tuple[str, int, str, str | None]]:
        """Of each card its path, its status, its etag and its text; what is on another server is passed over."""
        here = urlsplit(self._url)
        for each in answer.iter(f"{_DAV}response"):
            place = urlsplit(urljoin(self._url, each.findtext(f"{_DAV}href") or ""))
            if (place.scheme, place.netloc) != (here.scheme, here.netloc):
                continue
            status = (each.findtext(f"{_DAV}status") or "HTTP/1.1 200 OK").split()
            code = int(status[1]) if len(status) > 1 and status[1].isdigit() else 0
            if place.path == here.path and code != 507:
                continue
            etag = each.findtext(f"{_DAV}propstat/{_DAV}prop/{_DAV}getetag") or ""
            yield place.path, code, etag, each.findtext(f"{_DAV}propstat/{_DAV}prop/{_CARDS}address-data")

    def _entries(self, book: _Book) -> Iterable[Entry]:
        for href, (_, content) in sorted(book.cards.items()):
            for index, card in enumerate(vcard.cards(content), start=1):
                yield Entry(
                    self._url,
                    f"{href.rpartition('/')[2]}, card {index}",
                    card.name,
                    card.numbers,
                    user_ids=card.user_ids,
                    id=card.uid,
                    owner=self._owner,
                    locale=card.locale,
                    cut_off=not card.whole,
                )


_SYNC: Final = (
    '<?xml version="1.0" encoding="utf-8"?><d:sync-collection xmlns:d="DAV:"><d:sync-token>{token}</d:sync-token>'
    "<d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>"
)
_MULTIGET: Final = (
    '<?xml version="1.0" encoding="utf-8"?><c:addressbook-multiget xmlns:d="DAV:"'
    ' xmlns:c="urn:ietf:params:xml:ns:carddav"><d:prop><d:getetag/><c:address-data/></d:prop>{hrefs}'
    "</c:addressbook-multiget>"
)
