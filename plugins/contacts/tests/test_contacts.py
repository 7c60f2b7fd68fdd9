"""What a host may rely on of contacts in files."""

import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pluggy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wa_connector_contacts import Columns, ContactsPlugin, CsvContacts, VcardContacts
from wa_connector_contacts.shelf import Entry, parse_number, shelved

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.address import Address, AddressKind, number
from wa_connector.model.contact import Contact
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector.ports import hooks
from wa_connector.ports.contacts import Contacts
from wa_connector.testing.contacts import MemoryContacts

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
ANNA, BORIS = UserId("anna"), UserId("boris")


NO_COUNTRY = "has no country code that exists, and the store was given no region to read it in"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def vcards(*cards: tuple[str, str] | tuple[str, str, str]) -> str:
    text = ""
    for name, tel, *uid in cards:
        lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{name}", f"TEL:{tel}"]
        text += "\n".join((*lines, *(f"UID:{each}" for each in uid), "END:VCARD", ""))
    return text


def found(store: Contacts, value: str, tenant: TenantId = ACME) -> list[str]:
    return [contact.name for contact in store.find(tenant, [number(value)])]


# --------------------------------------------------------------------------------------- vCards


def test_people_are_found_by_number_however_it_was_typed(tmp_path: Path) -> None:
    file = tmp_path / "book.vcf"
    file.write_text(vcards(("Anna", "030 / 123-456"), ("Bo", "+49 30 123456"), ("Cy", "tel:+1-212-555-0123")))
    store = VcardContacts(file, tenant=ACME, region="DE")
    assert found(store, "+4930123456") == ["Anna", "Bo"]
    assert found(store, "+12125550123") == ["Cy"]
    assert found(store, "+4930123457") == []
    wa_id = Address(AddressKind.WHATSAPP_ID, "4930123456")
    assert [c.name for c in store.find(ACME, [wa_id, number("+4930123456")])] == ["Anna", "Bo"]
    bsuid = Address(AddressKind.BSUID, "DE.1", portfolio="p")
    assert store.find(ACME, [bsuid]) == ()
    assert store.problems() == ()


def test_somebody_without_a_number_is_known_by_his_user_id_in_a_portfolio(tmp_path: Path) -> None:
    """In that one alone; what is no user id is left out and told."""
    file = tmp_path / "book.vcf"
    lines = ("FN:Anna", "UID:1", "X-WA-USER-ID:portfolio;US.1", "X-WA-USER-ID:US.2", "X-WA-USER-ID:p;U S")
    file.write_text("\n".join(("BEGIN:VCARD", "VERSION:4.0", *lines, "END:VCARD", "")))
    store = VcardContacts(file, tenant=ACME)
    known, other = (Address(AddressKind.BSUID, "US.1", portfolio) for portfolio in ("portfolio", "another"))
    assert [(known,)] == [contact.addresses for contact in store.find(ACME, [known])]
    assert store.find(ACME, [other]) == ()
    assert [problem.cause for problem in store.problems()] == ["a user id is not portfolio;id"] * 2
    assert "US.1" not in repr(store.find(ACME, [known]))


def test_another_tenant_finds_nobody(tmp_path: Path) -> None:
    file = tmp_path / "book.vcf"
    file.write_text(vcards(("Anna", "+4930123456", "1")))
    store = VcardContacts(file, tenant=ACME)
    assert store.get(ACME, ANNA, ContactId("1")) is not None
    assert store.get(GLOBEX, ANNA, ContactId("1")) is None
    assert found(store, "+4930123456", GLOBEX) == []


def test_a_folder_per_user_holds_what_only_he_sees(tmp_path: Path) -> None:
    (tmp_path / "a.vcf").write_text(vcards(("Shared", "+49301000", "s")))
    for user, name in (("anna", "Hers"), ("b%2Foris", "His")):
        (tmp_path / user).mkdir()
        (tmp_path / user / "own.VCF").write_text(vcards((name, "+49302000", "same-uid")))
    (tmp_path / "notes.txt").write_text("no vCard")
    store = VcardContacts(tmp_path, tenant=ACME, folder_per_user=True)

    def seen(user: str, contact: str) -> str | None:
        got = store.get(ACME, UserId(user), ContactId(contact))
        return got.name if got else None

    assert [seen("anna", "s"), seen("anna", "same-uid")] == ["Shared", "Hers"]
    assert [seen("b/oris", "s"), seen("b/oris", "same-uid")] == ["Shared", "His"]
    assert seen("carl", "same-uid") is None
    assert sorted(found(store, "+49302000")) == ["Hers", "His"]
    assert found(VcardContacts(tmp_path, tenant=ACME), "+49302000") == []


def test_two_cards_of_one_uid_are_one_contact(tmp_path: Path) -> None:
    file = tmp_path / "book.vcf"
    file.write_text(vcards(("Anna", "+49301000", "1"), ("Anna (work)", "+49302000", "1")))
    store = VcardContacts(file, tenant=ACME)
    anna = Contact(ContactId("1"), "Anna", (number("+49301000"), number("+49302000")))
    assert store.get(ACME, ANNA, ContactId("1")) == anna
    assert store.find(ACME, list(anna.addresses)) == (anna,)


def test_what_is_no_number_is_left_out_and_told_without_it(tmp_path: Path) -> None:
    file = tmp_path / "book.vcf"
    file.write_text(
        vcards(
            ("Anna", "+49301000\nTEL:call me\nTEL:+4930\nTEL:030 123456\nTEL:+999123456"),
            ("", "+49302000"),
        )
        + "BEGIN:VCARD\nFN:cut"
    )
    store = VcardContacts(file, tenant=ACME)
    assert found(store, "+49301000") == ["Anna"]
    assert [(Path(p.file).name, p.at, p.cause) for p in store.problems()] == [
        ("book.vcf", "card 1", "number 2 is not a telephone number"),
        ("book.vcf", "card 1", "number 3 is too short or too long for its country"),
        (
            "book.vcf",
            "card 1",
            "number 4 has no country code that exists, and the store was given no region to read it in",
        ),
        (
            "book.vcf",
            "card 1",
            "number 5 has no country code that exists",
        ),
        ("book.vcf", "card 2", "has no name"),
        ("book.vcf", "card 3", "has no end; what there is of it was taken"),
    ]
    assert str(store.problems()[4]) == f"{file}, card 2: has no name"


def test_ids_without_uid_stay_while_name_and_numbers_do(tmp_path: Path) -> None:
    file = tmp_path / "book.vcf"
    file.write_text(vcards(("Anna", "+49301000"), ("Bo", "+49302000")))
    one = VcardContacts(file, tenant=ACME).find(ACME, [number("+49301000")])
    file.write_text(vcards(("Cy", "+49303000"), ("Bo", "+49302000"), ("Anna", "+49301000")))
    again = VcardContacts(file, tenant=ACME).find(ACME, [number("+49301000")])
    assert one == again
    assert "301000" not in one[0].id


# ------------------------------------------------------------------------------------------ CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_with_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    file = tmp_path / "book.csv"
    rows = [["Number", " NAME ", "x"], ['"030 123456"', f'"Anna{delimiter} of Acme"', ""]]
    file.write_text("\r\n".join(delimiter.join(row) for row in rows), encoding="utf-8-sig")
    store = CsvContacts(file, tenant=ACME, region="DE")
    assert found(store, "+4930123456") == [" ".join(f"Anna{delimiter} of Acme".split())]


def test_columns_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "book.csv"
    file.write_text(
        "Key,First,Last,Mobile,Home,Agent,Lang\n"
        "7,Anna,Schmidt,+49 30 1000 ::: +49 30 2000,+49303000,anna,de\n"
        "8,,Bo,+49 30 2000,,,\n"
        ",,,,,,\n"
        "9,short row\n"
        "10,Cy,,nonsense,+49304000,,,more,cells\n"
    )
    columns = Columns(("First", "Last"), ("Mobile", "Home"), id="Key", owner="Agent", locale="Lang")
    store = CsvContacts(file, tenant=ACME, columns=columns)
    anna = store.get(ACME, ANNA, ContactId("7"))
    assert anna == Contact(
        ContactId("7"),
        "Anna Schmidt",
        (number("+49301000"), number("+49302000"), number("+49303000")),
        owner=ANNA,
        locale="de",
    )
    assert store.get(ACME, BORIS, ContactId("7")) is None
    assert found(store, "+49302000") == ["Anna Schmidt", "Bo"]
    assert found(store, "+49304000") == ["Cy"]
    assert [(p.at, p.cause) for p in store.problems()] == [("row 6", "number 1 is not a telephone number")]


@pytest.mark.parametrize(
    ("content", "columns", "said"),
    [
        (b"Anna,+4930123456\n", None, r'no header with the columns "name", "number"'),
        (b"name,number\n", Columns(owner="agent"), r'the columns "name", "number", "agent"'),
        (b"name,number\n\xff,1\n", None, "not in utf-8-sig; save it as CSV UTF-8"),
        (b"name,number\nAnna," + b"9" * 200_000, None, "is broken before line"),
        (b"", None, "has no header"),
    ],
)
def test_a_broken_csv_is_unavailable_with_the_way_out(
    tmp_path: Path, content: bytes, columns: Columns | None, said: str
) -> None:
    file = tmp_path / "book.csv"
    file.write_bytes(content)
    store = CsvContacts(file, tenant=ACME, columns=columns)
    with pytest.raises(Unavailable, match=said) as caught:
        store.find(ACME, [])
    assert "4930123456" not in str(caught.value)


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "book.csv"
    file.write_bytes("name;number\nJörg;+49301000\n".encode("cp1252"))
    assert found(CsvContacts(file, tenant=ACME, encoding="cp1252"), "+49301000") == ["Jörg"]


def test_columns_without_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        CsvContacts(tmp_path / "x", tenant=ACME, columns=Columns(numbers=()))


# ------------------------------------------------------------------------------ when it is read


def test_nothing_is_read_before_the_first_question(tmp_path: Path) -> None:
    plugin = ContactsPlugin(VcardContacts(tmp_path / "later.vcf", tenant=ACME))
    (tmp_path / "later.vcf").write_text(vcards(("Anna", "+49301000")))
    assert found(plugin.contacts, "+49301000") == ["Anna"]


def test_a_missing_file_is_unavailable_until_it_is_there(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "book.vcf"
    store = VcardContacts(file, tenant=ACME, clock=clock)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"No such file.*check the path"):
            store.get(ACME, ANNA, ContactId("1"))
    file.write_text(vcards(("Anna", "+49301000")))
    with pytest.raises(Unavailable):
        store.find(ACME, [])
    clock.now = 1.0
    assert found(store, "+49301000") == ["Anna"]
    file.unlink()
    clock.now = 2.0
    with pytest.raises(Unavailable):
        store.problems()


def test_a_changed_file_is_read_again_after_a_second(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "book.vcf"
    file.write_text(vcards(("Anna", "+49301000")))
    store = VcardContacts(file, tenant=ACME, clock=clock)
    assert found(store, "+49301000") == ["Anna"]
    file.write_text(vcards(("Bertha", "+49301000")))
    clock.now = 0.9
    assert found(store, "+49301000") == ["Anna"]
    clock.now = 1.0
    assert found(store, "+49301000") == ["Bertha"]


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "book.csv"
    file.write_text("name,number\nAnna,+49301000\n")
    store = CsvContacts(file, tenant=ACME, clock=clock)
    before = store.find(ACME, [number("+49301000")])[0]
    clock.now = 5.0
    assert store.find(ACME, [number("+49301000")])[0] is before


def test_while_one_thread_reads_the_others_go_on_with_what_was_there(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "book.vcf"
    file.write_text(vcards(("Anna", "+49301000")))
    store = VcardContacts(file, tenant=ACME, clock=clock)
    assert found(store, "+49301000") == ["Anna"]
    file.write_text(vcards(("Bertha", "+49301000")))
    clock.now = 1.0
    with store._reading:
        assert found(store, "+49301000") == ["Anna"]
    assert found(store, "+49301000") == ["Bertha"]


def test_a_new_file_in_a_folder_is_seen(tmp_path: Path) -> None:
    clock = Clock()
    store = VcardContacts(tmp_path, tenant=ACME, clock=clock)
    assert found(store, "+49301000") == []
    (tmp_path / "new.vcf").write_text(vcards(("Anna", "+49301000")))
    clock.now = 1.0
    assert found(store, "+49301000") == ["Anna"]


def test_a_file_that_is_no_vcard_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "book.vcf").write_text("<html>please log in</html>")
    with pytest.raises(Unavailable, match="holds no vCard; export"):
        VcardContacts(tmp_path, tenant=ACME).find(ACME, [])
    (tmp_path / "book.vcf").write_text("")
    assert VcardContacts(tmp_path, tenant=ACME).find(ACME, []) == ()


def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "book.vcf").symlink_to(tmp_path / "gone")
    with pytest.raises(Unavailable):
        VcardContacts(tmp_path, tenant=ACME).find(ACME, [])


def test_threads_share_one_reading(tmp_path: Path) -> None:
    file = tmp_path / "book.vcf"
    file.write_text(vcards(*((f"N{i}", f"+4930{i:06}") for i in range(300))))
    store = VcardContacts(file, tenant=ACME)
    shelves: list[object] = []
    threads = [threading.Thread(target=lambda: shelves.append(store._now().contacts)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(each) for each in shelves}) == 1
    assert len(shelves) == 8


@pytest.mark.parametrize("region", ["de", "DEU", "Deutschland", ""])
def test_a_region_is_two_letters(tmp_path: Path, region: str) -> None:
    with pytest.raises(UsageError, match="two capital letters"):
        VcardContacts(tmp_path, tenant=ACME, region=region)


def test_a_region_that_does_not_exist_is_told_at_the_first_question(tmp_path: Path) -> None:
    file = tmp_path / "book.vcf"
    file.write_text(vcards(("Anna", "+49301000")))
    store = VcardContacts(file, tenant=ACME, region="XX")
    with pytest.raises(UsageError, match="no numbering plan"):
        store.find(ACME, [])


# ---------------------------------------------------------------------------------------- plugin


def test_several_stores_answer_together(tmp_path: Path) -> None:
    (tmp_path / "a.vcf").write_text(vcards(("Anna", "+49301000", "1")))
    (tmp_path / "b.vcf").write_text(vcards(("Anne", "+49301000", "2")))
    stores = [VcardContacts(tmp_path / name, tenant=ACME) for name in ("a.vcf", "b.vcf")]
    other = VcardContacts(tmp_path / "a.vcf", tenant=GLOBEX)
    both = ContactsPlugin(*stores, other).contacts
    assert found(both, "+49301000") == ["Anna", "Anne"]
    second = both.get(ACME, ANNA, ContactId("2"))
    assert second is not None
    assert second.name == "Anne"
    assert both.get(GLOBEX, ANNA, ContactId("2")) is None
    with pytest.raises(UsageError):
        ContactsPlugin()


def test_hook_wa_contacts(tmp_path: Path) -> None:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    store = VcardContacts(tmp_path, tenant=ACME)
    manager.register(ContactsPlugin(store))
    provided: Contacts = manager.hook.wa_contacts()
    assert provided is store


def test_the_memory_store_for_tests_answers_the_same(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "own.vcf").write_text(vcards(("Hers", "+49301000", "1")))
    (tmp_path / "all.vcf").write_text(vcards(("All", "+49301000", "2"), ("Other", "+49302000", "3")))
    store = VcardContacts(tmp_path, tenant=ACME, folder_per_user=True)
    asked = [number("+49301000"), number("+49302000")]
    memory = MemoryContacts({ACME: store.find(ACME, asked)})
    for tenant in (ACME, GLOBEX):
        assert set(memory.find(tenant, asked)) == set(store.find(tenant, asked))
        assert list(memory.find(tenant, asked[:1])) == list(store.find(tenant, asked[:1]))
        for user in (ANNA, BORIS):
            for contact in map(ContactId, "1234"):
                assert memory.get(tenant, user, contact) == store.get(tenant, user, contact)
    memory.down = True
    with pytest.raises(Unavailable):
        memory.find(ACME, asked)
    memory.down = False
    assert memory.find(ACME, asked)


def test_the_snippet_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "address-books").mkdir()
    (tmp_path / "contacts.vcf").write_text(vcards(("Anna", "030 1000")))
    (tmp_path / "guests.csv").write_text("First Name,Last Name,Mobile,Home,Agent\nBo,B,,030 1000,\n")
    readme = Path(__file__).parents[1] / "README.md"
    (snippet,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)
    assert found(names["plugin"].contacts, "+49301000") == ["Anna", "Bo B"]


def test_importing_loads_no_numbering_plans() -> None:
    code = "import sys, wa_connector_contacts; assert 'phonenumbers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# ------------------------------------------------------------------------------------ properties


@given(st.text(max_size=30), st.sampled_from(["DE", "US", "BR", None]))
def test_anything_typed_is_a_number_or_a_reason(text: str, region: str | None) -> None:
    parsed = parse_number(text, region)
    if isinstance(parsed, str):
        assert parsed
        return
    assert parse_number(parsed.value, None) == parsed


entries = st.builds(
    Entry,
    file=st.just("f"),
    at=st.just("card 1"),
    name=st.text(max_size=5),
    numbers=st.lists(st.integers(0, 5).map(lambda i: f"+4930100{i}"), max_size=3).map(tuple),
    id=st.sampled_from(["", "1", "2"]),
    owner=st.sampled_from([None, ANNA, BORIS]),
)


@given(st.lists(entries, max_size=8))
def test_the_index_says_what_a_search_through_all_contacts_would(all_entries: list[Entry]) -> None:
    shelf = shelved(all_entries, None)
    for entry in all_entries:
        for text in entry.numbers:
            wanted = number(text)
            searched = [c for c in shelf.contacts.values() if wanted in c.addresses]
            assert list(shelf.by_lookup[wanted.lookup]) == searched
            assert any(c.owner == entry.owner for c in searched)
