"""Trouble: on demand exactly as asked, at random the same for the same seed."""

from datetime import timedelta

import httpx
import pytest
from emulator_bench import ANA, Bench, Site, new_bench
from wa_connector_emulator import ControlError
from wa_connector_emulator.errors import ERRORS

TEXT = {"type": "text", "text": {"body": "hello"}}


@pytest.mark.parametrize("code", ERRORS)
def test_every_code_can_be_had_at_once_and_later(chat: Bench, code: int) -> None:
    chat.emulator.fail_next(code)
    assert chat.refusal(**TEXT) == (ERRORS[code].http, code)
    chat.emulator.fail_next(code, later=True)
    assert chat.send_text()[0] == 200
    (status,) = chat.told().statuses()
    assert (status["status"], status["errors"][0]["code"]) == ("failed", code)
    assert chat.send_text()[0] == 200


def test_a_code_that_nobody_knows_can_be_had_as_well(chat: Bench) -> None:
    chat.emulator.fail_next(999999, times=2, details="new")
    assert [chat.refusal(**TEXT)[1] for _ in range(2)] == [999999, 999999]
    assert chat.send_text()[0] == 200


def test_trouble_is_the_edges_that_was_asked_for(chat: Bench) -> None:
    chat.emulator.fail_next(2, edge="message_templates")
    assert chat.send_text()[0] == 200
    assert chat.call("GET", f"{chat.waba_id}/message_templates")[0] == 503
    chat.emulator.fail_next(190, edge="*")
    assert chat.call("GET", f"{chat.waba_id}/phone_numbers")[0] == 401


@pytest.mark.parametrize(("lost", "sent"), [("request", 0), ("answer", 1)])
def test_an_answer_is_lost_before_or_after_the_message_is_taken(chat: Bench, lost: str, sent: int) -> None:
    chat.emulator.lose_next(lost)
    chat.send_text_unheard()
    assert len(chat.emulator.sent()) == sent
    assert chat.send_text()[0] == 200
    with pytest.raises(ControlError, match="request or the answer"):
        chat.emulator.lose_next("hope")


def test_over_http_the_caller_waits_in_vain(site: Site) -> None:
    site.emulator.create_customer(ANA)
    site.emulator.type_text(ANA, "hi")
    body = {"messaging_product": "whatsapp", "to": ANA, **TEXT}
    for lost in ("request", "answer"):
        site.control.post("/lose-next", json={"what": lost}).raise_for_status()
        with pytest.raises(httpx.ReadTimeout):
            site.graph.post(f"{site.number_id}/messages", json=body, timeout=0.3)
    assert len(site.emulator.sent()) == 1
    assert site.graph.post(f"{site.number_id}/messages", json=body).status_code == 200


def fates(seed: int) -> list[tuple[int, int]]:
    bench = new_bench()
    bench.emulator.type_text(ANA, "hi")
    bench.emulator.make_trouble(seed=seed, refuse=0.3, fail=0.3, lose_request=0.2, lose_answer=0.2)
    found = []
    for _ in range(40):
        bench.send_text_unheard()
        found.append((len(bench.emulator.sent()), len(bench.told().statuses())))
    return found


def test_chance_repeats_by_its_seed() -> None:
    assert fates(1) == fates(1)
    assert fates(1) != fates(2)
    assert 0 < fates(1)[-1][0] < 40


def test_without_arguments_there_is_no_trouble(chat: Bench) -> None:
    chat.emulator.make_trouble(refuse=1)
    assert "error" in chat.send_text()[1]
    chat.emulator.make_trouble()
    assert chat.send_text()[0] == 200
    with pytest.raises(ControlError, match="no faults gravity"):
        chat.emulator.make_trouble(gravity=1)
    with pytest.raises(ControlError, match="from 0 to 1"):
        chat.emulator.make_trouble(refuse=2)


# --- webhooks -----------------------------------------------------------------------------------


def written(bench: Bench, count: int = 20) -> list[str]:
    """Texts that a customer writes, and those that arrive, in their order."""
    bench.emulator.pause_webhooks()
    for n in range(count):
        bench.emulator.type_text(ANA, str(n))
    bench.emulator.resume_webhooks()
    return [m["text"]["body"] for m in bench.told().messages()]


ALL = [str(n) for n in range(20)]


def test_webhooks_come_twice(bench: Bench) -> None:
    bench.emulator.make_trouble(webhook_duplicate=0.5)
    told = written(bench)
    assert len(told) > 20
    assert list(dict.fromkeys(told)) == ALL


def test_webhooks_come_out_of_order(bench: Bench) -> None:
    bench.emulator.make_trouble(webhook_reorder=0.5)
    told = written(bench)
    assert told != ALL
    assert set(told) == set(ALL)


def test_webhooks_come_in_one_body(bench: Bench) -> None:
    bench.emulator.make_trouble(webhook_batch=1)
    told = written(bench)
    assert set(told) == set(ALL)
    assert len(bench.inbox.calls) == 1


def test_webhooks_come_late(bench: Bench) -> None:
    bench.emulator.make_trouble(webhook_delay=1, webhook_delay_by=timedelta(hours=2))
    assert written(bench) == []
    bench.emulator.clock.advance(timedelta(hours=2))
    told = [m["text"]["body"] for m in bench.told().messages()]
    assert sorted(told, key=int) == ALL


def test_webhooks_never_come(bench: Bench) -> None:
    bench.emulator.make_trouble(webhook_drop=1)
    assert written(bench) == []
    bench.emulator.clock.advance(timedelta(days=7))
    assert bench.told().messages() == []
    assert {hook.state for hook in bench.emulator.webhooks()} == {"dropped"}


def test_a_lost_attempt_is_made_again_for_seven_days(bench: Bench) -> None:
    bench.emulator.make_trouble(webhook_lose=1)
    assert written(bench, 1) == []
    bench.emulator.make_trouble()
    bench.emulator.clock.advance(timedelta(seconds=5))
    assert [m["text"]["body"] for m in bench.told().messages()] == ["0"]
    bench.emulator.make_trouble(webhook_lose=1)
    bench.emulator.type_text(ANA, "never")
    for _ in range(40):
        bench.emulator.deliver_due()
        bench.emulator.clock.advance(timedelta(hours=6))
    hook = bench.emulator.webhooks()[-1]
    assert hook.state == "expired"
    assert {attempt.status for attempt in hook.attempts} == {None}
    assert hook.attempts[-1].at < hook.attempts[0].at + timedelta(days=7)
