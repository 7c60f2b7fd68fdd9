"""The emulator as one object: the shell around the pure core.

Rules of this file: each method takes the lock, calls one function of the core, queues the notices
that come of it and wakes the courier. It decides nothing. What a method returns is a frozen value,
a picture of the moment.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_urlsafe
from threading import RLock
from types import TracebackType
from typing import final

import attrs
from starlette.applications import Starlette

from . import courier, graph, phones, seeds, webhooks
from .app import build_app
from .clock import VirtualClock
from .courier import Courier
from .errors import ControlError, GraphError
from .ids import Mint
from .transport import HttpSender, Sender, handshake_complaint
from .values import (
    Account,
    BusinessMessage,
    Call,
    Callback,
    Customer,
    CustomerMessage,
    Json,
    Notice,
    Number,
    Settings,
    Template,
    TemplateStatus,
    Webhook,
)


@final
class Emulator:
    """The WhatsApp Cloud API, its customers and their phones, in this process.

    `app_secret` signs webhooks and `token` is the Bearer token that Graph calls need; without them
    fresh random ones are made, to be read from the attributes. `seed` is described in `seeds`.
    Time begins at `start_at` (now, by default) and runs, unless `is_frozen`.

    `sender` brings webhooks to the receiver, by HTTP unless another callable is given. A thread
    does so while `.app` is served by a server that supports lifespans, or between `start` and
    `stop`; without one call `deliver_due`.

    `public_url` is where others reach the emulator, for the media addresses in webhooks; `serve`
    sets it. With a `random_seed` all ids repeat from run to run.

    Methods may be called from any thread. Those that name a customer take a phone number or a
    BSUID; those with a `number_id` mean the first business number when it is None.
    """

    def __init__(
        self,
        *,
        app_secret: str | None = None,
        token: str | None = None,
        seed: Json | None = None,
        settings: Settings | None = None,
        start_at: datetime | None = None,
        is_frozen: bool = False,
        sender: Sender | None = None,
        public_url: str = "http://emulator.test",
        random_seed: int | None = None,
    ) -> None:
        self.app_secret = app_secret or token_urlsafe(24)
        self.token = token or token_urlsafe(24)
        self.public_url = public_url
        self.clock = VirtualClock(start_at, is_frozen=is_frozen)
        self._first_settings = settings or Settings()
        self._settings = self._first_settings
        self._seed = dict(seed or {})
        self._mint = Mint(random_seed)
        self._lock = RLock()
        self._http = HttpSender()
        self._sender: Sender = sender or self._http
        self._world = seeds.new_world(self._mint, self._seed)
        self._courier = Courier(
            courier.Desk(
                world=lambda: self._world,
                settings=lambda: self._settings,
                lock=self._lock,
                clock=self.clock,
                sender=self._sender,
                app_secret=self.app_secret,
            )
        )
        self.app: Starlette = build_app(self)

    def __repr__(self) -> str:
        return f"<Emulator at {self.public_url}, numbers {', '.join(self._world.numbers)}>"

    # --- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Let a thread deliver webhooks. A second call does nothing."""
        self._courier.start()

    def stop(self) -> None:
        """End the thread, within two seconds, and close the connections to receivers.

        Nothing is lost; `start` takes up again. A second call does nothing.
        """
        self._courier.stop()
        self._http.close()

    def __enter__(self) -> "Emulator":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def reset(self) -> None:
        """Forget all that happened since construction: world, settings and webhook log.

        The clock goes on: a program under test would see time run backwards otherwise.
        """
        with self._lock:
            self._settings = self._first_settings
            self._world = seeds.new_world(self._mint, self._seed)
        self._courier.is_paused = False

    # --- the Graph face -------------------------------------------------------------------------

    def handle(self, request: graph.GraphRequest) -> graph.GraphResponse:
        """Answer a Graph request; it may call a webhook receiver when it subscribes one."""
        with self._lock:
            outcome = graph.handle(self._world, self._settings, request, self.clock.now(), self.token)
            if isinstance(outcome, graph.Answer):
                self._queue(*outcome.notices)
                return outcome.response
        return self._after_handshake(outcome).response

    def _after_handshake(self, asked: graph.Handshake) -> graph.Answer:
        complaint = self._complaint(asked.callback)
        with self._lock:
            if complaint is None:
                return graph.subscribed(self._world, asked.account_id, asked.callback)
            message = f"(#2200) Callback verification failed with the following errors: {complaint}"
            return graph.refused(self._world, GraphError(2200, message=message))

    def _complaint(self, callback: Callback) -> str | None:
        # Outside the lock: the receiver may be slow, or call the emulator meanwhile.
        return handshake_complaint(self._sender, callback, self._mint.nonce())

    def _queue(self, *notices: Notice) -> None:
        for notice in notices:
            courier.enqueue(self._world, notice)
        if notices:
            self._courier.wake()

    # --- the business ---------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The rules in force; replace them with `configure`."""
        return self._settings

    def configure(self, **changes: object) -> Settings:
        """Change settings by name, from now on."""
        unknown = set(changes) - {field.name for field in attrs.fields(Settings)}
        if unknown:
            raise ControlError(f"no settings {', '.join(sorted(unknown))}")
        with self._lock:
            # attrs types evolve's changes one by one; here they come by name.
            self._settings = _evolved(self._settings, changes)
            return self._settings

    def accounts(self) -> tuple[Account, ...]:
        """The WABAs, the first one being the default."""
        with self._lock:
            return tuple(self._world.accounts.values())

    def numbers(self) -> tuple[Number, ...]:
        """The business numbers, the first one being the default."""
        with self._lock:
            return tuple(self._world.numbers.values())

    def seed(self, seed: Json) -> None:
        """Add accounts, numbers, templates and customers; see `seeds` for the shape."""
        with self._lock:
            seeds.add(self._world, seed)

    def templates(self) -> tuple[Template, ...]:
        """All templates, oldest first."""
        with self._lock:
            return tuple(self._world.templates.values())

    def add_template(
        self,
        name: str,
        body: str,
        *,
        language: str = "en_US",
        category: str = "UTILITY",
        parameter_format: str = "POSITIONAL",
        header: str | Json | None = None,
        footer: str | None = None,
        buttons: Sequence[str | Json] = (),
        cards: Sequence[Json] = (),
        status: str = "APPROVED",
    ) -> Template:
        """Add a template, approved unless `status` says otherwise.

        A string is a text header, and among `buttons` a quick reply; other headers and buttons are
        given as in Meta's create call: `{"format": "IMAGE"}`, `{"type": "URL", ...}`. Each of the
        `cards` of a carousel has `header`, `body` and `buttons` of its own.
        """
        row = seeds.template_json(
            name,
            body,
            language=language,
            category=category,
            parameter_format=parameter_format,
            header=header,
            footer=footer,
            buttons=buttons,
            cards=cards,
        )
        with self._lock:
            return seeds.add_template(self._world, {**row, "status": status})

    def set_template_status(self, name: str, status: str, *, language: str = "en_US", reason: str = "NONE") -> Template:
        """Put a template in a status (APPROVED, REJECTED, PAUSED, DISABLED, PENDING).

        The business is told by webhook. `reason` is a rejection's.
        """
        if status.upper() not in TemplateStatus.__members__:
            raise ControlError(f"no template status {status!r}; one of {', '.join(TemplateStatus)}")
        with self._lock:
            template = self._template(name, language)
            changed = attrs.evolve(template, status=TemplateStatus(status.upper()), rejected_reason=reason)
            self._world.templates[template.id] = changed
            self._queue(webhooks.template_status(changed, self.clock.now()))
            return changed

    def approve_template(self, name: str, *, language: str = "en_US") -> Template:
        """Approve a template; with a webhook."""
        return self.set_template_status(name, "APPROVED", language=language)

    def reject_template(self, name: str, *, language: str = "en_US", reason: str = "INVALID_FORMAT") -> Template:
        """Reject a template; with a webhook."""
        return self.set_template_status(name, "REJECTED", language=language, reason=reason)

    def pause_template(self, name: str, *, language: str = "en_US") -> Template:
        """Pause a template, as Meta does for low quality; with a webhook."""
        return self.set_template_status(name, "PAUSED", language=language)

    def disable_template(self, name: str, *, language: str = "en_US") -> Template:
        """Disable a template; with a webhook."""
        return self.set_template_status(name, "DISABLED", language=language)

    def _template(self, name: str, language: str) -> Template:
        for account_id in self._world.accounts:
            template = self._world.find_template(account_id, name, language)
            if template is not None:
                return template
        raise ControlError(f"no template {name!r} in {language}", 404)

    def sent_counts(self) -> Mapping[str, int]:
        """How many messages were accepted for each `biz_opaque_callback_data`."""
        with self._lock:
            return dict(self._world.sends_by_opaque)

    def sent(self) -> tuple[BusinessMessage, ...]:
        """All messages that were accepted, with their fate, oldest first."""
        with self._lock:
            return tuple(self._world.business_messages.values())

    # --- the phones -----------------------------------------------------------------------------

    def create_customer(
        self,
        phone: str,
        name: str = "Ana",
        *,
        on_whatsapp: bool = True,
        hidden_number: bool = False,
        bsuid: str | None = None,
        country: str = "US",
        username: str | None = None,
    ) -> Customer:
        """Create a customer with a phone. `phone` has the country code; `country` leads the
        BSUID that is made unless `bsuid` is given.
        """
        row = {
            "phone": phone,
            "name": name,
            "on_whatsapp": on_whatsapp,
            "hidden_number": hidden_number,
            "country": country,
            "username": username,
        }
        with self._lock:
            customer = seeds.customer_of(self._mint, row if bsuid is None else {**row, "bsuid": bsuid})
            return phones.add(self._world, customer)

    def customers(self) -> tuple[Customer, ...]:
        """All customers, oldest first."""
        with self._lock:
            return tuple(self._world.customers.values())

    def customer(self, who: str) -> Customer:
        """One customer, by phone number or BSUID."""
        with self._lock:
            return self._world.customer(who)

    def type_text(
        self, who: str, text: str, *, reply_to: str | None = None, number_id: str | None = None
    ) -> CustomerMessage:
        """The customer writes; `reply_to` is the id of a message that is quoted."""
        payload = {"type": "text", "text": {"body": text}}
        return self._say(
            who,
            number_id,
            lambda customer, number: phones.say(
                self._world, customer, number, self.clock.now(), payload, reply_to=reply_to
            ),
        )

    def send_image(
        self,
        who: str,
        data: bytes,
        *,
        mime_type: str = "image/jpeg",
        caption: str | None = None,
        number_id: str | None = None,
    ) -> CustomerMessage:
        """The customer sends a picture."""
        image = graph.Upload(mime_type, data)
        return self._say(
            who,
            number_id,
            lambda customer, number: phones.send_image(
                self._world,
                self._settings,
                customer,
                number,
                self.clock.now(),
                image,
                caption=caption,
                base_url=self.public_url,
            ),
        )

    def tap(self, who: str, message_id: str, choice: str) -> CustomerMessage:
        """The customer taps a button or row of a message, named by its id, payload or title."""
        with self._lock:
            customer, now = self._world.customer(who), self.clock.now()
            message = phones.shown(self._world, customer, message_id, now)
        return self._say(
            who,
            message.number_id,
            lambda customer, number: phones.tap(self._world, customer, number, now, message_id, choice),
        )

    def _say(
        self,
        who: str,
        number_id: str | None,
        act: Callable[[Customer, Number], phones.Said],
    ) -> CustomerMessage:
        with self._lock:
            said = act(self._world.customer(who), self._world.number(number_id))
            self._queue(said.notice)
            return said.message

    def call(
        self,
        who: str,
        *,
        answered: bool = False,
        by_business: bool = False,
        duration: timedelta = timedelta(0),
        number_id: str | None = None,
    ) -> Call:
        """The customer calls the business, or is called `by_business`; with webhooks.

        The webhook of its end goes out when an answered call of that `duration` is over.
        """
        with self._lock:
            called = phones.call(
                self._world,
                self._world.customer(who),
                self._world.number(number_id),
                self.clock.now(),
                answered=answered,
                by_business=by_business,
                duration=duration,
            )
            self._queue(*called.notices)
            return called.call

    def received(self, who: str) -> tuple[BusinessMessage, ...]:
        """What the customer's phone shows of the business's messages, oldest first."""
        with self._lock:
            return phones.received(self._world, self._world.customer(who), self.clock.now())

    def said(self, who: str) -> tuple[CustomerMessage, ...]:
        """What the customer has sent, and whether the business has read it, oldest first."""
        with self._lock:
            bsuid = self._world.customer(who).bsuid
            messages = self._world.customer_messages.values()
            return tuple(message for message in messages if message.bsuid == bsuid)

    def read(self, who: str, message_id: str | None = None) -> int:
        """The customer reads a message and all before it, or everything.

        Returns how many were new to the reader; each has its `read` webhook.
        """
        with self._lock:
            customer = self._world.customer(who)
            notices = phones.read(self._world, customer, self.clock.now(), message_id)
            self._queue(*notices)
            return len(notices)

    def block(self, who: str, *, number_id: str | None = None) -> Customer:
        """The customer blocks the business number."""
        return self._set_blocked(who, number_id, blocked=True)

    def unblock(self, who: str, *, number_id: str | None = None) -> Customer:
        """The customer unblocks the business number."""
        return self._set_blocked(who, number_id, blocked=False)

    def _set_blocked(self, who: str, number_id: str | None, *, blocked: bool) -> Customer:
        with self._lock:
            customer, number = self._world.customer(who), self._world.number(number_id)
            return phones.set_blocked(self._world, customer, number, blocked)

    def stop_marketing(self, who: str, *, number_id: str | None = None) -> Customer:
        """The customer stops marketing messages from the number; with a webhook."""
        return self._set_marketing(who, number_id, stopped=True)

    def resume_marketing(self, who: str, *, number_id: str | None = None) -> Customer:
        """The customer wants marketing messages again; with a webhook."""
        return self._set_marketing(who, number_id, stopped=False)

    def _set_marketing(self, who: str, number_id: str | None, *, stopped: bool) -> Customer:
        with self._lock:
            customer, number = self._world.customer(who), self._world.number(number_id)
            now = self.clock.now()
            self._queue(*phones.set_marketing(self._world, customer, number, now, stopped=stopped))
            return self._world.customer(who)

    # --- webhooks -------------------------------------------------------------------------------

    def subscribe_webhook(self, url: str, verify_token: str, *, handshake: bool = True) -> None:
        """Make `url` the app's callback address, and subscribe the app to every account.

        The address has to prove itself first, unless `handshake` is False.
        """
        callback = Callback(url, verify_token)
        complaint = self._complaint(callback) if handshake else None
        if complaint is not None:
            raise ControlError(f"{url} was not verified: {complaint}", 409)
        with self._lock:
            self._world.app_callback = callback
            for account_id, account in list(self._world.accounts.items()):
                self._world.accounts[account_id] = attrs.evolve(account, is_subscribed=True)

    def webhooks(self) -> tuple[Webhook, ...]:
        """The webhook log, in the order of events: payloads, states and attempts."""
        with self._lock:
            return tuple(self._world.webhooks.values())

    def pause_webhooks(self) -> None:
        """Let webhooks wait. A post under way is finished."""
        self._courier.is_paused = True

    def resume_webhooks(self) -> None:
        """Let webhooks go out again."""
        self._courier.is_paused = False
        self._courier.wake()

    def deliver_due(self) -> int:
        """Post all webhooks that are due, in order, before this returns; none while paused.

        Returns the number of posts made by this call: a running thread may have made others.
        """
        return self._courier.deliver_due()

    def deliver(self, ids: Iterable[int]) -> None:
        """Post these webhooks now, in the given order, paused or not, delivered before or not."""
        self._courier.post(tuple(ids))

    def deliver_reversed(self) -> int:
        """Post what is due with the latest first, paused or not; returns the number."""
        ids = self._pending_due()
        self._courier.post(ids[::-1])
        return len(ids)

    def deliver_batched(self, ids: Iterable[int] | None = None) -> int:
        """Post these, or all that is due, in a single body; returns the number of updates."""
        batch = self._pending_due() if ids is None else list(ids)
        self._courier.post_together(batch)
        return len(batch)

    def redeliver_last(self, count: int = 1) -> int:
        """Post the last `count` delivered webhooks again, oldest first; returns the number."""
        delivered = [hook.id for hook in self.webhooks() if hook.state == "delivered"]
        again = delivered[-count:] if count > 0 else []
        self._courier.post(again)
        return len(again)

    def drop_webhooks(self, ids: Iterable[int] | None = None) -> int:
        """Never deliver these, or all that is due; returns the number named."""
        with self._lock:
            doomed = self._pending_due() if ids is None else list(ids)
            courier.drop(self._world, doomed)
            return len(doomed)

    def _pending_due(self) -> list[int]:
        with self._lock:
            return courier.pending_due(self._world, self.clock.now())


def _evolved(settings: Settings, changes: Mapping[str, object]) -> Settings:
    merged = {**attrs.asdict(settings, recurse=False), **changes}
    return Settings(**merged)
