"""Seeding: from nothing, from a mapping, and what is wrong with one."""

import tomllib
from typing import Any

import pytest
from emulator_bench import ANA, Inbox
from wa_connector_emulator import ControlError, Emulator

SEED = """
[waba]
id = "777"

[[numbers]]
id = "888"
display_number = "+49 170 5550001"
country_code = "49"

[[templates]]
name = "hello"
language = "en_US"
category = "UTILITY"
components = [{ type = "BODY", text = "Hello there." }]

[[customers]]
phone = "+16505551234"
name = "Ana"
hidden_number = true

[webhook]
url = "https://bot.test/hook"
verify_token = "verify"
"""


def test_without_a_seed_there_is_one_number() -> None:
    emulator = Emulator()
    (number,) = emulator.numbers()
    (account,) = emulator.accounts()
    assert (number.display_number, number.account_id) == ("15550001111", account.id)
    assert number.id.isdigit()
    assert account.id.isdigit()


def test_a_seed_from_toml_is_there_at_once_and_after_a_reset() -> None:
    inbox = Inbox()
    emulator = Emulator(seed=tomllib.loads(SEED), sender=inbox)
    for _ in range(2):
        assert [a.id for a in emulator.accounts()] == ["777"]
        assert [(n.id, n.country_code) for n in emulator.numbers()] == [("888", "49")]
        assert [(t.name, t.status) for t in emulator.templates()] == [("hello", "APPROVED")]
        assert [(c.phone, c.hidden_number) for c in emulator.customers()] == [(ANA[1:], True)]
        emulator.type_text(ANA, "hi")
        assert emulator.deliver_due() == 1
        emulator.reset()
    assert len(inbox.calls) == 2


@pytest.mark.parametrize(
    ("seed", "says"),
    [
        ({"waba": []}, "waba"),
        ({"customers": [{"name": "Ana"}]}, r"customers\[0\].phone"),
        ({"customers": [{"phone": ANA, "on_whatsapp": "no"}]}, r"customers\[0\].on_whatsapp"),
        ({"templates": [{"name": "x"}]}, r"templates\[0\]"),
        ({"webhook": {"url": "https://x.test"}}, "webhook.verify_token"),
        ({"customers": [{"phone": ANA}, {"phone": ANA}]}, "already"),
        ({"numbers": [{"account_id": "1"}]}, "account_id"),
    ],
)
def test_a_bad_seed_says_where(seed: dict[str, Any], says: str) -> None:
    with pytest.raises(ControlError, match=says):
        Emulator(seed=seed)
