"""Bringing webhooks to their receiver.

Rules of this file: the queue functions are pure of I/O and change the world's log; `Courier` is
the thin shell that calls the sender and has the thread. The world's lock is never held while the
receiver is being called, so that a receiver may call the emulator from its handler.

Theory of operation. A webhook is pending until it is answered with exactly 200, dropped, or seven
days old. The courier takes the one that is due first and posts it; after any other answer it is
due again later, and what was queued behind it overtakes it, as with Meta. By hand, any webhooks
can be posted at once, in any order, again, or several in one body: that is how tests make
duplicates and reorderings. All posts, of the thread and by hand, go through one lock, so the order
asked for is the order of arrival.

Source: developers.facebook.com, webhooks overview (read 2026-09-11). The steps of the back-off are
ours; Meta says "decreasing frequency".
"""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from threading import Condition, RLock, Thread
from typing import final

import attrs

from . import rules, webhooks
from .clock import VirtualClock
from .errors import ControlError
from .faults import Trouble
from .transport import HttpCall, HttpReply, Sender
from .values import Attempt, Callback, Notice, Settings, Webhook, WebhookState
from .world import World

_MOST_UPDATES_IN_A_BODY = 1000
_KEPT_OF_AN_ANSWER = 2000

# An override covers what belongs to messaging, not what belongs to the account.
_OVERRIDABLE = frozenset(
    {
        "calls",
        "group_lifecycle_update",
        "group_participants_update",
        "group_settings_update",
        "group_status_update",
        "history",
        "message_echoes",
        "messages",
        "messaging_handovers",
        "smb_app_state_sync",
        "smb_message_echoes",
        "standby",
        "user_preferences",
    }
)


# --- the queue ----------------------------------------------------------------------------------


def enqueue(world: World, notice: Notice) -> Webhook:
    """Put a notice into the log: pending, or unsubscribed when nobody wants to hear it."""
    webhook_id = len(world.webhooks) + 1
    payload = webhooks.envelope([notice])
    webhook = Webhook(webhook_id, notice, payload, notice.due_at)
    if callback_for(world, notice) is None:
        webhook = attrs.evolve(webhook, state=WebhookState.UNSUBSCRIBED)
    _put(world, webhook)
    return webhook


def callback_for(world: World, notice: Notice) -> Callback | None:
    """Where a notice goes: the number's override, else the account's, else the app's address.

    Without the account's own subscription (`subscribed_apps`) it goes nowhere, whatever address the
    app has: the classic reason for "no webhooks".
    """
    account = world.accounts[notice.account_id]
    if not account.is_subscribed or not world.fields & {"*", notice.field}:
        return None
    number = world.numbers.get(_number_of(notice))
    if number is not None and number.override is not None and notice.field in _OVERRIDABLE:
        return number.override
    if account.override is not None and notice.field in _OVERRIDABLE:
        return account.override
    return world.app_callback


def _number_of(notice: Notice) -> str:
    metadata = notice.value.get("metadata")
    return str(metadata.get("phone_number_id")) if isinstance(metadata, Mapping) else ""


def next_due(world: World, now: datetime) -> Webhook | None:
    """The pending webhook that has been due longest, or None."""
    webhook = _soonest(world)
    return webhook if webhook is not None and webhook.due_at <= now else None


def seconds_to_next(world: World, now: datetime) -> float | None:
    """Seconds of virtual time until something is due; None when nothing ever will be."""
    webhook = _soonest(world)
    return None if webhook is None else max((webhook.due_at - now).total_seconds(), 0.0)


def _soonest(world: World) -> Webhook | None:
    while world.due:
        due_at, webhook_id = world.due[0]
        webhook = world.webhooks[webhook_id]
        if webhook.state is WebhookState.PENDING and webhook.due_at == due_at:
            return webhook
        heapq.heappop(world.due)  # a leftover: it has moved on, see World.due
    return None


def chosen(world: World, ids: Iterable[int]) -> list[Webhook]:
    """The webhooks of these ids, in that order."""
    try:
        return [world.webhooks[webhook_id] for webhook_id in ids]
    except KeyError as unknown:
        raise ControlError(f"no webhook {unknown}; the log has 1 to {len(world.webhooks)}", 404) from None


def pending_due(world: World, now: datetime) -> list[int]:
    """The ids of what could go out now, in order of dueness."""
    found = [
        webhook
        for webhook in world.webhooks.values()
        if webhook.state is WebhookState.PENDING and webhook.due_at <= now
    ]
    return [webhook.id for webhook in sorted(found, key=lambda w: (w.due_at, w.id))]


def drop(world: World, ids: Iterable[int]) -> None:
    """Never send these, should they still be pending."""
    for webhook in chosen(world, ids):
        if webhook.state is WebhookState.PENDING:
            _put(world, attrs.evolve(webhook, state=WebhookState.DROPPED))


def postpone(world: World, webhook: Webhook, until: datetime) -> None:
    """Let a webhook wait."""
    _put(world, attrs.evolve(webhook, due_at=until))


def _lost(world: World, webhook: Webhook, now: datetime) -> Attempt:
    callback = callback_for(world, webhook.notice)
    return Attempt(now, callback.url if callback else "", None, "lost on the way, as planned", "", (webhook.id,))


def record(world: World, settings: Settings, attempt: Attempt) -> None:
    """Note an attempt at each webhook that was in it, and what becomes of them."""
    for webhook in chosen(world, attempt.together_with):
        attempts = (*webhook.attempts, attempt)
        _put(world, _moved_on(attrs.evolve(webhook, attempts=attempts), settings, attempt))


def _moved_on(webhook: Webhook, settings: Settings, attempt: Attempt) -> Webhook:
    if attempt.status == 200:
        return attrs.evolve(webhook, state=WebhookState.DELIVERED)
    if webhook.state is not WebhookState.PENDING:
        return webhook  # a redelivery by hand was refused: that undoes nothing, and is not retried
    step = min(len(webhook.attempts), len(settings.retry_delays)) - 1
    due_at = attempt.at + settings.retry_delays[step]
    if due_at >= webhook.attempts[0].at + rules.RETRY_FOR:
        return attrs.evolve(webhook, state=WebhookState.EXPIRED)
    return attrs.evolve(webhook, due_at=due_at)


def _put(world: World, webhook: Webhook) -> None:
    world.webhooks[webhook.id] = webhook
    if webhook.state is WebhookState.PENDING:
        heapq.heappush(world.due, (webhook.due_at, webhook.id))


# --- the shell ----------------------------------------------------------------------------------


@attrs.frozen
class Desk:
    """What the courier shares with its emulator.

    The world comes by a function since a reset puts another one in place.
    """

    world: Callable[[], World]
    settings: Callable[[], Settings]
    lock: RLock
    clock: VirtualClock
    sender: Sender
    trouble: Callable[[], Trouble]
    next_change: Callable[[], datetime | None]
    """Lets happen what time has brought about, and says when there is more: reviews end while nobody asks, too."""
    app_secret: str = attrs.field(repr=False)


@final
class Courier:
    """Posts webhooks, from a thread of its own or by hand; every method may be called from any
    thread, and waits for a post that is under way.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._posting = RLock()
        self._wake = Condition()
        self._is_awake = False
        self._is_stopping = False
        self._thread: Thread | None = None
        self.is_paused = False
        desk.clock.on_change(self.wake)

    def start(self) -> None:
        """Let a daemon thread deliver what becomes due. A second call does nothing."""
        if self._thread is None:
            self._is_stopping = False
            self._thread = Thread(target=self._run, name="wa-emulator-courier", daemon=True)
            self._thread.start()

    def stop(self, *, within_seconds: float = 2.0) -> None:
        """End the thread. One that is stuck in a slow receiver is left to end by itself."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._is_stopping = True
            self.wake()
            thread.join(within_seconds)

    def wake(self) -> None:
        """Look again at what is due: something was queued, or the clock was moved."""
        with self._wake:
            self._is_awake = True
            self._wake.notify()

    def deliver_due(self) -> int:
        """Post what is due now, in order, and return the number of posts; none while paused."""
        count = 0
        while self._deliver_next():
            count += 1
        return count

    def post(self, ids: Sequence[int]) -> None:
        """Post these webhooks now, one by one in this order, whatever their state."""
        with self._posting:
            for webhook_id in ids:
                self._post(self._desk.world(), [webhook_id])

    def post_together(self, ids: Sequence[int]) -> None:
        """Post these webhooks now, in one body (Meta puts at most 1,000 updates into one)."""
        if len(ids) > _MOST_UPDATES_IN_A_BODY:
            raise ControlError(f"{len(ids)} updates are too many; {_MOST_UPDATES_IN_A_BODY} fit")
        with self._posting:
            if ids:
                self._post(self._desk.world(), ids)

    def _deliver_next(self) -> bool:
        with self._posting:
            world, now = self._desk.world(), self._desk.clock.now()
            with self._desk.lock:
                webhook = next_due(world, now)
                if webhook is None or self.is_paused:
                    return False
                trouble = self._desk.trouble()
                planned = trouble.for_webhook(webhook.id, pending_due(world, now) if trouble.is_busy else [webhook.id])
                if planned.is_dropped:
                    drop(world, [webhook.id])
                elif planned.delay is not None:
                    postpone(world, webhook, now + planned.delay)
                elif planned.is_lost:
                    record(world, self._desk.settings(), _lost(world, webhook, now))
            if not planned.is_lost:
                for ids in planned.bodies:
                    self._post(world, ids)
            return True

    def _post(self, world: World, ids: Sequence[int]) -> None:
        # The caller's world, also after the answer: a reset meanwhile has put another in its place,
        # whose log knows nothing of these ids.
        with self._desk.lock:
            notices = [webhook.notice for webhook in chosen(world, ids)]
            callback = callback_for(world, notices[0])
        attempt = self._attempt(callback, webhooks.encoded(webhooks.envelope(notices)), ids)
        with self._desk.lock:
            record(world, self._desk.settings(), attempt)

    def _attempt(self, callback: Callback | None, body: bytes, ids: Sequence[int]) -> Attempt:
        url, status, error, answer = "", None, "no callback address is subscribed", b""
        if callback is not None:
            url = callback.url
            try:
                reply = self._send(url, body)
                status, error, answer = reply.status, "", reply.body
            except Exception as failure:  # noqa: BLE001 - a sender may be anybody's: whatever it raises, no answer
                error = f"{type(failure).__name__}: {failure}"
        text = answer[:_KEPT_OF_AN_ANSWER].decode(errors="replace")
        return Attempt(self._desk.clock.now(), url, status, error or None, text, tuple(ids))

    def _send(self, url: str, body: bytes) -> HttpReply:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": webhooks.signature(self._desk.app_secret, body),
        }
        return self._desk.sender(HttpCall("POST", url, headers, body))

    def _run(self) -> None:
        while not self._is_stopping:
            if not self._deliver_next():
                self._sleep()

    def _sleep(self) -> None:
        next_change, now = self._desk.next_change(), self._desk.clock.now()
        with self._desk.lock:
            seconds = seconds_to_next(self._desk.world(), now)
        if next_change is not None:
            until_change = max((next_change - now).total_seconds(), 0.0)
            seconds = until_change if seconds is None else min(seconds, until_change)
        if self.is_paused or self._desk.clock.is_frozen:
            seconds = None
        with self._wake:
            # The flag, and not the notification alone, since work may come in between the look at
            # the queue and this wait.
            if not self._is_awake:
                self._wake.wait(seconds)
            self._is_awake = False
