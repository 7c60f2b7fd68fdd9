"""What plugins keep for themselves: small texts, each replaced only by who read it."""

from typing import TYPE_CHECKING

import pytest

from wa_connector import Connector, Memo, StorageUnavailable, TenantId
from wa_connector.testing.host import ACME, GLOBEX

if TYPE_CHECKING:
    from tests.shell.conftest import Meddled


def test_a_memo_is_kept_replaced_and_removed_by_who_read_it(connector: Connector) -> None:
    assert Memo() == connector.memo(ACME, "sms", "one")
    assert connector.keep_memo(ACME, "sms", "one", "a", version=0)
    first = connector.memo(ACME, "sms", "one")
    assert first.text == "a"
    assert connector.keep_memo(ACME, "sms", "one", "b", version=first.version)
    assert not connector.keep_memo(ACME, "sms", "one", "c", version=first.version), "another was there meanwhile"
    assert not connector.keep_memo(ACME, "sms", "one", "c", version=0)
    second = connector.memo(ACME, "sms", "one")
    assert second.text == "b"
    assert not connector.keep_memo(ACME, "sms", "one", "", version=first.version)
    assert connector.keep_memo(ACME, "sms", "one", "", version=second.version)
    assert Memo() == connector.memo(ACME, "sms", "one")
    assert connector.keep_memo(ACME, "sms", "one", "", version=0), "there is none to remove"


def test_a_memo_that_is_there_is_not_removed_unread(connector: Connector) -> None:
    assert connector.keep_memo(ACME, "sms", "one", "a", version=0)
    assert not connector.keep_memo(ACME, "sms", "one", "", version=0)
    assert connector.memo(ACME, "sms", "one").text == "a"


def test_each_owner_and_each_tenant_has_its_own(connector: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    """And all of one owner's are found, however many pages they take."""
    from wa_connector.shell import memos

    monkeypatch.setattr(memos, "_PAGE", 2)
    for tenant, owner in ((ACME, "sms"), (ACME, "voicemail"), (GLOBEX, "sms")):
        for name in "abcde":
            assert connector.keep_memo(tenant, owner, name, f"{tenant} {owner}", version=0)
    found = connector.memos(ACME, "sms")
    assert {name: memo.text for name, memo in found.items()} == dict.fromkeys("abcde", "acme sms")
    assert connector.memos(TenantId("nobody"), "sms") == {}


def test_a_storage_that_is_away_keeps_nothing(connector: Connector, storage: "Meddled") -> None:
    storage.is_away = True
    with pytest.raises(StorageUnavailable):
        connector.keep_memo(ACME, "sms", "one", "a", version=0)
    storage.is_away = False
    assert Memo() == connector.memo(ACME, "sms", "one")
