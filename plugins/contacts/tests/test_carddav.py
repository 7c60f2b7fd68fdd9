"""Address books on a real CardDAV server, and on one that misbehaves."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import pytest
from wa_connector_contacts import CardDavContacts, ContactsPlugin

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.address import number
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector.model.secret import Secret

if TYPE_CHECKING:
    from conftest import AddressBook

ACME, GLOBEX, ANA, BEN = TenantId("acme"), TenantId("globex"), UserId("ana"), UserId("ben")


class Counted:
    """Clients that note what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self) -> httpx.Client:
        return httpx.Client(timeout=20, event_hooks={"request": [self._note]})

    def _note(self, request: httpx.Request) -> None:
        self.asked.append("cards" if b"multiget" in request.content else "changes")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def names(store: CardDavContacts, *values: str) -> list[str]:
    return [each.name for each in store.find(ACME, [number(value) for value in values])]


def test_what_changes_is_seen_at_the_next_look_and_nothing_else_is_brought(book: "AddressBook") -> None:
    clock, client = Clock(), Counted()
    book.put("Anna", "+49 30 1234567")
    book.put("Bob", "030 7654321", uid="b-1")
    store = CardDavContacts(book.url, tenant=ACME, region="DE", clock=clock, client=client)
    assert client.asked == []
    assert names(store, "+49301234567", "+49307654321") == ["Anna", "Bob"]
    assert client.asked == ["changes", "cards"]
    book.put("Anna B.", "+49 30 1111111", uid="Anna")
    assert names(store, "+49301111111") == []
    clock.now += 60
    assert names(store, "+49301111111") == ["Anna B."]
    assert names(store, "+49301234567") == []
    book.remove("b-1")
    clock.now += 60
    assert names(store, "+49307654321") == []
    clock.now += 60
    assert names(store, "+49301111111") == ["Anna B."]
    assert client.asked == ["changes", "cards"] * 2 + ["changes"] * 2


def test_a_book_is_a_users_own_or_the_tenants(book: "AddressBook") -> None:
    book.put("Anna", "+49301234567")
    own = CardDavContacts(book.url, tenant=ACME, owner=ANA)
    (found,) = own.find(ACME, [number("+49301234567")])
    assert (found.owner, own.get(ACME, ANA, ContactId("Anna"))) == (ANA, found)
    assert own.get(ACME, BEN, ContactId("Anna")) is None
    shared = ContactsPlugin(CardDavContacts(book.url, tenant=ACME)).wa_contacts()
    assert shared.get(ACME, BEN, ContactId("Anna")) is not None
    assert (shared.get(GLOBEX, BEN, ContactId("Anna")), shared.find(GLOBEX, [number("+49301234567")])) == (None, ())


def test_many_are_looked_up_at_once_and_other_spellings_come_last(book: "AddressBook") -> None:
    book.put("Rita", "+55 51 99612-3456")
    book.put("Rosa", "+55 51 9612-3456")
    book.put("Anna", "+49301234567")
    store = CardDavContacts(book.url, tenant=ACME)
    old, anna, nobody = number("+555196123456"), number("+49301234567"), number("+493099")
    found = store.lookup_many(ACME, [old, anna, nobody])
    shown = {address.value: [(each.contact.name, each.is_certain) for each in found[address]] for address in found}
    assert shown == {
        "+555196123456": [("Rosa", True), ("Rita", False)],
        "+49301234567": [("Anna", True)],
        "+493099": [],
    }
    assert store.lookup_many(GLOBEX, [anna]) == {anna: ()}


def test_what_cannot_be_read_is_left_out_and_told(book: "AddressBook") -> None:
    book.put("Anna", "nonsense", uid="a")
    store = CardDavContacts(book.url, tenant=ACME)
    assert [str(each) for each in store.problems()] == [
        f"{book.url}, a.vcf, card 1: number 1 is not a telephone number"
    ]


def test_more_cards_than_one_request_brings(book: "AddressBook", monkeypatch: pytest.MonkeyPatch) -> None:
    from wa_connector_contacts import carddav

    monkeypatch.setattr(carddav, "AT_ONCE", 3)
    for index in range(7):
        book.put(f"Nr {index}", f"+4930100{index}", uid=f"n{index}")
    store = CardDavContacts(book.url, tenant=ACME)
    assert len(names(store, *(f"+4930100{index}" for index in range(7)))) == 7


# --- a server that misbehaves -----------------------------------------------------------------------------------------


class Odd:
    """A server that gives the answers it is told to give, and notes what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.asked: list[str] = []
        self.authorizations: list[str | None] = []
        odd = self

        class Handler(BaseHTTPRequestHandler):
            def do_REPORT(self) -> None:
                odd.asked.append(self.rfile.read(int(self.headers["content-length"])).decode())
                odd.authorizations.append(self.headers["authorization"])
                status, body = odd.answers.pop(0)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/book/"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def odd() -> Iterator[Odd]:
    made = Odd()
    yield made
    made.close()


def multistatus(*responses: str, token: str = "t1") -> tuple[int, str]:
    inner = "".join(f"<d:response>{each}</d:response>" for each in responses)
    namespaces = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"'
    return 207, f"<d:multistatus {namespaces}>{inner}<d:sync-token>{token}</d:sync-token></d:multistatus>"


def named(path: str, etag: str = "e1", text: str = "") -> str:
    data = f"<c:address-data>{text}</c:address-data>" if text else ""
    return (
        f"<d:href>{path}</d:href><d:propstat><d:prop><d:getetag>{etag}</d:getetag>{data}</d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
    )


def card(name: str, value: str) -> str:
    return f"BEGIN:VCARD\nFN:{name}\nTEL:{value}\nEND:VCARD"


def test_a_token_that_the_server_forgot_brings_everything_anew(odd: Odd) -> None:
    """And what it does not tell of any longer is gone."""
    clock = Clock()
    store = CardDavContacts(odd.url, tenant=ACME, clock=clock)
    odd.answers += [
        multistatus(named("/book/a.vcf"), named("/book/b.vcf")),
        multistatus(named("/book/a.vcf", text=card("A", "+4930111")), named("/book/b.vcf", text=card("B", "+4930222"))),
        (403, '<d:error xmlns:d="DAV:"><d:valid-sync-token/></d:error>'),
        multistatus(named("/book/b.vcf"), token="t2"),
    ]
    assert names(store, "+4930222") == ["B"]
    clock.now += 60
    assert names(store, "+4930222") == ["B"]
    assert names(store, "+4930111") == []
    assert "<d:sync-token>t1<" in odd.asked[2]
    assert "<d:sync-token><" in odd.asked[3]


def test_a_list_that_is_cut_is_asked_for_on(odd: Odd) -> None:
    cut = "<d:href>/book/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status>"
    odd.answers += [
        multistatus(named("/book/a.vcf"), cut, token="t1"),
        multistatus(named("/book/b.vcf"), token="t2"),
        multistatus(named("/book/a.vcf", text=card("A", "+4930111")), named("/book/b.vcf", text=card("B", "+4930222"))),
    ]
    store = CardDavContacts(odd.url, tenant=ACME, user="ana", password=Secret("sesame"))
    assert names(store, "+4930111", "+4930222") == ["A", "B"]
    assert "t1" in odd.asked[1]
    assert all((each or "").startswith("Basic ") for each in odd.authorizations)


def test_cards_of_another_server_are_passed_over(odd: Odd) -> None:
    odd.answers.append(multistatus(named("http://elsewhere.example/book/a.vcf")))
    assert names(CardDavContacts(odd.url, tenant=ACME), "+4930111") == []
    assert len(odd.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (500, ""),
        (200, "hello"),
        (207, "no xml"),
        (207, '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        (301, ""),
    ],
)
def test_an_answer_that_is_none_makes_the_book_unavailable(odd: Odd, answer: tuple[int, str]) -> None:
    odd.answers.append(answer)
    with pytest.raises(Unavailable, match="does not answer"):
        names(CardDavContacts(odd.url, tenant=ACME), "+4930111")


def test_what_was_read_last_counts_for_an_hour(odd: Odd) -> None:
    clock = Clock()
    store = CardDavContacts(odd.url, tenant=ACME, clock=clock)
    odd.answers += [multistatus(named("/book/a.vcf")), multistatus(named("/book/a.vcf", text=card("A", "+4930111")))]
    assert names(store, "+4930111") == ["A"]
    odd.answers += [(503, "")] * 2
    clock.now += 3500
    assert names(store, "+4930111") == ["A"]
    clock.now += 200
    with pytest.raises(Unavailable):
        names(store, "+4930111")
    odd.answers += [multistatus(token="t9")]
    clock.now += 60
    assert names(store, "+4930111") == ["A"]


def test_a_book_larger_than_any_is_not_read(odd: Odd, monkeypatch: pytest.MonkeyPatch) -> None:
    from wa_connector_contacts import carddav

    monkeypatch.setattr(carddav, "LARGEST", 10)
    odd.answers.append(multistatus())
    with pytest.raises(Unavailable):
        names(CardDavContacts(odd.url, tenant=ACME), "+4930111")


@pytest.mark.parametrize("url", ["https://example.com/book", "ftp://example.com/book/"])
def test_an_address_that_is_no_collections_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="slash"):
        CardDavContacts(url, tenant=ACME)


def test_no_number_and_no_password_is_shown(odd: Odd) -> None:
    store = CardDavContacts(odd.url, tenant=ACME, user="ana", password=Secret("sesame"))
    assert "sesame" not in repr(store.__dict__)
