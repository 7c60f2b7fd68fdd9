"""A store that is slow or dead keeps nobody waiting, least of all what comes in."""

import os
import threading
from collections.abc import Iterator, Sequence

import pytest
from wa_connector_contacts import ContactsPlugin, Patient

from wa_connector.errors import Unavailable
from wa_connector.model.address import Address, number
from wa_connector.model.contact import Contact
from wa_connector.model.decision import Reason
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector.testing.host import ACME, ANA, CARL, CARLS_NUMBER, MemoryHost

ANNA = Contact(ContactId("anna"), "Anna", (number("+49301234567"),), owner=ANA)


class Store:
    """Answers when it is let, and counts."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.contacts: list[Contact] = [ANNA]
        self.is_broken = False
        self.asked = 0

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        self._answer()
        return next((each for each in self.contacts if each.id == contact), None)

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        self._answer()
        return [each for each in self.contacts if set(each.addresses) & set(addresses)]

    def _answer(self) -> None:
        self.asked += 1
        assert self.may_answer.wait(60)
        if self.is_broken:
            raise OSError("no route to +49301234567")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.may_answer.set()


def settle() -> None:
    """Wait for the questions under way."""
    for thread in threading.enumerate():
        if thread.name == "wa-connector-contacts":
            thread.join(60)


def test_an_answer_is_kept_and_that_there_was_none_for_less_long(store: Store) -> None:
    clock = Clock()
    patient = Patient(store, patience=60, keep=300, keep_none=30, clock=clock)
    for _ in range(3):
        assert patient.find(ACME, ANNA.addresses) == (ANNA,)
        assert patient.get(ACME, ANA, ContactId("nobody")) is None
    assert store.asked == 2
    clock.now += 30
    assert patient.get(ACME, ANA, ContactId("nobody")) is None
    assert patient.find(ACME, ANNA.addresses) == (ANNA,)
    assert store.asked == 3
    clock.now += 300
    store.contacts.clear()
    assert patient.find(ACME, ANNA.addresses) == ()


def test_after_one_that_waited_in_vain_nobody_waits_until_it_answers(store: Store) -> None:
    clock = Clock()
    patient = Patient(store, patience=0.01, pause=30, clock=clock)
    store.may_answer.clear()
    with pytest.raises(Unavailable, match="did not answer within"):
        patient.find(ACME, ANNA.addresses)
    for _ in range(5):
        with pytest.raises(Unavailable, match="a moment ago"):
            patient.get(ACME, ANA, ANNA.id)
    assert store.asked == 1
    store.may_answer.set()
    settle()
    assert patient.find(ACME, ANNA.addresses) == (ANNA,), "what it said late is kept"
    assert store.asked == 1


def test_a_store_that_hangs_is_asked_by_so_many_threads_and_no_more(store: Store) -> None:
    clock = Clock()
    patient = Patient(store, patience=0.01, pause=1, most=2, clock=clock)
    store.may_answer.clear()
    for turn in range(2):
        with pytest.raises(Unavailable):
            patient.get(ACME, ANA, ContactId(str(turn)))
        clock.now += 2
    with pytest.raises(Unavailable, match="did not answer within"):
        patient.get(ACME, ANA, ContactId("0"))
    clock.now += 2
    with pytest.raises(Unavailable, match="busy"):
        patient.get(ACME, ANA, ContactId("third"))
    assert store.asked == 2


def test_a_store_that_fails_is_left_alone_for_a_while_and_its_words_are_not_repeated(store: Store) -> None:
    clock = Clock()
    patient = Patient(store, patience=60, pause=30, clock=clock)
    store.is_broken = True
    with pytest.raises(Unavailable) as caught:
        patient.find(ACME, ANNA.addresses)
    assert "+4930" not in str(caught.value)
    store.is_broken = False
    with pytest.raises(Unavailable):
        patient.find(ACME, ANNA.addresses)
    clock.now += 30
    assert patient.find(ACME, ANNA.addresses) == (ANNA,)


def test_a_new_process_begins_with_nothing_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = Patient(store, patience=60)
    assert patient.find(ACME, ANNA.addresses) == (ANNA,)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert patient.find(ACME, ANNA.addresses) == (ANNA,)
    assert store.asked == 2


def test_so_many_answers_are_kept_and_no_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from wa_connector_contacts import patient as module

    monkeypatch.setattr(module, "MOST_KEPT", 2)
    patient = Patient(store, patience=60)
    for name in ("a", "b", "c", "a"):
        patient.get(ACME, ANA, ContactId(name))
    assert store.asked == 4


# --- through the whole SDK --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("face", ["direct", "aio"])
def test_what_comes_in_is_stored_while_the_store_hangs(store: Store, face: str) -> None:
    """The store is asked whose contact the sender is, and answers only after the test is over: were anything waiting for
    it, the test would never end. First contact is refused as "try again", and the customer can be answered all the same."""
    host = MemoryHost(has_contacts=False, settings={"route_to_contact_owner": True})
    store.may_answer.clear()
    store.contacts = [Contact(CARL, "Carl", (number(CARLS_NUMBER),), owner=ANA)]
    patient = Patient(store, patience=0.01, pause=600)
    with host.connector(face, [ContactsPlugin(patient)]) as connector:
        for text in ("Hello", "Anybody there?"):
            assert connector.handle_webhook(host.webhook(host.said(text))).taken == 1
        assert store.asked == 1
        (thread,) = connector.conversations(ACME, ANA, unassigned=True)
        assert len(connector.timeline(ACME, ANA, thread.id).messages) == 2
        for action in connector.contact_actions(ACME, ANA, CARL):
            assert action.write.reason is Reason.CONTACTS_UNAVAILABLE
        assert connector.take(ACME, ANA, thread.id).is_taken
        # And once it answers, it is heard.
        store.may_answer.set()
        settle()
        connector.handle_webhook(host.webhook(host.said("Me again", sender=["+16505550000"])))
        assert store.asked == 2
