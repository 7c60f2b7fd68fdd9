"""Delivery: signatures, order, retries, and the ways to disturb them."""

import itertools
import json
from datetime import timedelta

import pytest
from emulator_bench import ANA, Bench
from wa_connector_emulator import ControlError, Emulator, HttpCall, HttpReply, signature

WEEK = timedelta(days=7)


def texts(bench: Bench) -> list[str]:
    return [m["text"]["body"] for m in bench.inbox.messages()]


def say(bench: Bench, *words: str) -> None:
    for word in words:
        bench.emulator.type_text(ANA, word)


def states(bench: Bench) -> list[str]:
    return [hook.state.value for hook in bench.emulator.webhooks()]


def test_the_signature_of_a_known_body() -> None:
    body = b'{"object":"whatsapp_business_account","entry":[]}'
    digest = "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"
    assert signature("test_app_secret", body) == f"sha256={digest}"


def test_webhooks_go_out_signed_and_in_order(bench: Bench) -> None:
    say(bench, "a", "b", "c")
    bench.told()
    assert texts(bench) == ["a", "b", "c"]
    for call in bench.inbox.calls:
        expected = signature(bench.emulator.app_secret, call.body)
        assert call.headers["X-Hub-Signature-256"] == expected
        assert call.headers["Content-Type"] == "application/json"


def test_the_log_has_payloads_attempts_and_answers(bench: Bench) -> None:
    bench.inbox.answers = [503]
    say(bench, "a")
    bench.told()
    bench.emulator.clock.advance(timedelta(seconds=5))
    bench.told()
    (hook,) = bench.emulator.webhooks()
    assert [attempt.status for attempt in hook.attempts] == [503, 200]
    assert hook.payload == bench.inbox.bodies[0]
    assert hook.attempts[1].at - hook.attempts[0].at == timedelta(seconds=5)


@pytest.mark.parametrize("status", [201, 204, 302, 400, 500])
def test_anything_but_200_is_tried_again_later_and_overtaken(bench: Bench, status: int) -> None:
    bench.inbox.answers = [status]
    say(bench, "a", "b")
    bench.told()
    assert (texts(bench), states(bench)) == (["a", "b"], ["pending", "delivered"])
    bench.emulator.clock.advance(timedelta(seconds=5) - timedelta(microseconds=1))
    assert bench.emulator.deliver_due() == 0
    bench.emulator.clock.advance(timedelta(microseconds=1))
    assert bench.emulator.deliver_due() == 1
    assert (texts(bench), states(bench)) == (["a", "b", "a"], ["delivered", "delivered"])


def test_retries_become_rarer_and_end_after_seven_days(bench: Bench) -> None:
    bench.inbox.answers = [500] * 1000
    say(bench, "a")
    for _ in range(6 * 24 * 8):
        bench.told()
        bench.emulator.clock.advance(timedelta(minutes=10))
    (hook,) = bench.emulator.webhooks()
    at = [attempt.at for attempt in hook.attempts]
    gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert hook.state == "expired"
    assert gaps == sorted(gaps)
    assert timedelta(days=6) < at[-1] - at[0] < WEEK
    assert len(at) > 7


def test_a_receiver_that_raises_has_not_answered() -> None:
    def unplugged(call: HttpCall) -> HttpReply:
        raise OSError("unplugged")

    emulator = Emulator(sender=unplugged)
    emulator.subscribe_webhook("https://bot.test/", "v", handshake=False)
    emulator.create_customer(ANA)
    emulator.type_text(ANA, "a")
    emulator.deliver_due()
    (hook,) = emulator.webhooks()
    assert (hook.state, hook.attempts[0].status) == ("pending", None)
    assert hook.attempts[0].error == "OSError: unplugged"
    with pytest.raises(ControlError, match="unplugged"):
        emulator.subscribe_webhook("https://bot.test/", "v")


def test_paused_webhooks_wait_and_resume_in_order(bench: Bench) -> None:
    bench.emulator.pause_webhooks()
    say(bench, "a", "b")
    assert (bench.emulator.deliver_due(), texts(bench)) == (0, [])
    bench.emulator.resume_webhooks()
    assert (bench.emulator.deliver_due(), texts(bench)) == (2, ["a", "b"])


def test_reversed(bench: Bench) -> None:
    bench.emulator.pause_webhooks()
    say(bench, "a", "b", "c")
    assert bench.emulator.deliver_reversed() == 3
    bench.emulator.resume_webhooks()
    assert bench.emulator.deliver_due() == 0
    assert texts(bench) == ["c", "b", "a"]


def test_any_order_and_again(bench: Bench) -> None:
    bench.emulator.pause_webhooks()
    say(bench, "a", "b", "c")
    bench.emulator.deliver([3, 1, 3])
    bench.emulator.resume_webhooks()
    bench.emulator.deliver_due()
    assert texts(bench) == ["c", "a", "c", "b"]


def test_again_the_last_ones_byte_for_byte(bench: Bench) -> None:
    say(bench, "a", "b", "c")
    bench.told()
    assert bench.emulator.redeliver_last(2) == 2
    assert texts(bench) == ["a", "b", "c", "b", "c"]
    assert bench.inbox.calls[1] == bench.inbox.calls[3]
    assert bench.emulator.redeliver_last(0) == 0


def test_a_redelivery_that_is_refused_undoes_nothing(bench: Bench) -> None:
    say(bench, "a")
    bench.told()
    bench.emulator.clock.advance(WEEK)
    bench.inbox.answers = [500]
    bench.emulator.deliver([1])
    assert states(bench) == ["delivered"]
    bench.emulator.clock.advance(WEEK)
    assert bench.emulator.deliver_due() == 0


def test_several_in_one_body(bench: Bench) -> None:
    bench.emulator.add_template("t", "Hello there.", status="PENDING")
    bench.emulator.pause_webhooks()
    say(bench, "a", "b")
    bench.emulator.approve_template("t")
    assert bench.emulator.deliver_batched() == 3
    (body,) = bench.inbox.bodies
    assert [len(entry["changes"]) for entry in body["entry"]] == [2, 1]
    assert texts(bench) == ["a", "b"]
    assert states(bench) == ["delivered"] * 3
    assert bench.emulator.deliver_batched() == 0
    assert bench.emulator.webhooks()[0].attempts[0].together_with == (1, 2, 3)


def test_a_batch_that_is_refused_is_retried_one_by_one(bench: Bench) -> None:
    bench.inbox.answers = [500]
    say(bench, "a", "b")
    bench.emulator.deliver_batched([2, 1])
    bench.emulator.clock.advance(timedelta(seconds=5))
    assert bench.emulator.deliver_due() == 2
    assert texts(bench) == ["b", "a", "a", "b"]


def test_dropped_ones_never_come(bench: Bench) -> None:
    say(bench, "a", "b")
    assert bench.emulator.drop_webhooks([1]) == 1
    bench.told()
    assert (texts(bench), states(bench)) == (["b"], ["dropped", "delivered"])
    bench.emulator.drop_webhooks([2])
    assert states(bench)[1] == "delivered"
    say(bench, "c")
    assert bench.emulator.drop_webhooks() == 1
    assert bench.emulator.deliver_due() == 0


def test_an_unknown_webhook_is_an_error(bench: Bench) -> None:
    for act in (bench.emulator.deliver, bench.emulator.drop_webhooks):
        with pytest.raises(ControlError, match="no webhook 7"):
            act([7])


def test_without_a_subscription_nothing_is_told(bench: Bench) -> None:
    bench.call("DELETE", f"{bench.waba_id}/subscribed_apps")
    say(bench, "a")
    bench.told()
    assert (texts(bench), states(bench)) == ([], ["unsubscribed"])
    bench.call("POST", f"{bench.waba_id}/subscribed_apps")
    say(bench, "b")
    bench.told()
    assert texts(bench) == ["b"]
    # What was missed can still be sent by hand.
    bench.emulator.deliver([1])
    assert texts(bench) == ["b", "a"]


def test_a_callback_that_does_not_prove_itself_is_not_subscribed(bench: Bench) -> None:
    with pytest.raises(ControlError, match="403"):
        bench.emulator.subscribe_webhook("https://other.test/", "wrong")
    say(bench, "a")
    assert bench.told().calls[0].url == "https://bot.test/hook"


@pytest.mark.parametrize(
    "body",
    [
        {"override_callback_uri": "https://x.test/", "verify_token": ""},
        {"override_callback_uri": "https://x.test/" + "x" * 200, "verify_token": "verify"},
    ],
)
def test_a_bad_override_is_refused(bench: Bench, body: dict[str, object]) -> None:
    status, answer = bench.call("POST", f"{bench.waba_id}/subscribed_apps", body)
    assert (status, answer["error"]["code"]) == (400, 100)


def test_reset_forgets_all_but_the_seed_and_the_time(bench: Bench) -> None:
    say(bench, "a")
    bench.emulator.configure(pair_limit=False)
    bench.emulator.clock.advance(WEEK)
    now = bench.emulator.clock.now()
    bench.emulator.reset()
    assert bench.emulator.webhooks() == ()
    assert bench.emulator.customers() == ()
    assert bench.emulator.settings.pair_limit
    assert bench.emulator.clock.now() == now
    assert len(bench.emulator.numbers()) == 1


def test_a_reset_during_a_delivery_harms_nothing(bench: Bench) -> None:
    seen: list[bytes] = []

    def resetting(call: HttpCall) -> HttpReply:
        seen.append(call.body)
        emulator.reset()
        return HttpReply(500)

    emulator = Emulator(sender=resetting)
    emulator.subscribe_webhook("https://bot.test/", "v", handshake=False)
    emulator.create_customer(ANA)
    emulator.type_text(ANA, "a")
    emulator.type_text(ANA, "b")
    assert emulator.deliver_due() == 1
    assert emulator.webhooks() == ()
    assert json.loads(seen[0])["object"] == "whatsapp_business_account"
