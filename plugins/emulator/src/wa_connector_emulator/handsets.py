"""Customers with their telephones: the part of the emulator that people play.

Rules of this file: as of `emulator`, whose base this is: take the lock, call one function of the core, queue the notices.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import RLock
from typing import get_args

from . import calls, groups, phones, seeds, sending, webhooks
from .clock import VirtualClock
from .errors import ControlError
from .ids import Mint
from .values import (
    Attachment,
    BusinessMessage,
    Call,
    Customer,
    CustomerMessage,
    Group,
    Json,
    MediaKind,
    Notice,
    Number,
    Settings,
)
from .world import World, digits_of


class Handsets:
    """What customers do with their phones. Each method may be called from any thread."""

    clock: VirtualClock
    public_url: str
    _world: World
    _settings: Settings
    _mint: Mint
    _lock: RLock

    def _queue(self, *notices: Notice) -> None:
        raise NotImplementedError

    def create_customer(
        self,
        phone: str | None = None,
        name: str = "Ana",
        *,
        on_whatsapp: bool = True,
        hidden_number: bool = False,
        bsuid: str | None = None,
        country: str = "US",
        username: str | None = None,
    ) -> Customer:
        """Create a customer with a phone. `phone` has the country code; without one the customer has a number that
        the business never learns. `country` leads the BSUID that is made unless `bsuid` is given.
        """
        if phone is None:
            phone, hidden_number = self._mint.phone(), True
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
        self,
        who: str,
        text: str,
        *,
        reply_to: str | None = None,
        group_id: str | None = None,
        number_id: str | None = None,
    ) -> CustomerMessage:
        """The customer writes, perhaps into a group; `reply_to` is the id of a message that is quoted."""
        payload = {"type": "text", "text": {"body": text}}
        return self._type(who, number_id, payload, reply_to=reply_to, group_id=group_id)

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
        sent = Attachment("image", mime_type, data, caption=caption)
        return self._send(who, number_id, sent)

    def send_media(
        self,
        who: str,
        kind: str,
        data: bytes,
        mime_type: str,
        *,
        caption: str | None = None,
        filename: str | None = None,
        voice: bool = False,
        animated: bool = False,
        reply_to: str | None = None,
        group_id: str | None = None,
        number_id: str | None = None,
    ) -> CustomerMessage:
        """The customer sends an image, video, audio (`voice` for a recording), document or sticker."""
        sent = Attachment(
            _media_kind(kind),
            mime_type,
            data,
            caption=caption,
            filename=filename,
            is_voice=voice,
            is_animated=animated,
        )
        return self._send(who, number_id, sent, reply_to=reply_to, group_id=group_id)

    def _send(
        self,
        who: str,
        number_id: str | None,
        sent: Attachment,
        *,
        reply_to: str | None = None,
        group_id: str | None = None,
    ) -> CustomerMessage:
        return self._say(
            who,
            number_id,
            lambda customer, number: phones.send_media(
                self._world,
                self._settings,
                customer,
                number,
                self.clock.now(),
                sent,
                base_url=self.public_url,
                reply_to=reply_to,
                group=groups.need(self._world, group_id) if group_id else None,
            ),
        )

    def send_location(
        self,
        who: str,
        latitude: float,
        longitude: float,
        *,
        name: str | None = None,
        address: str | None = None,
        reply_to: str | None = None,
        number_id: str | None = None,
    ) -> CustomerMessage:
        """The customer sends a place; with `reply_to` as the answer to a request for one."""
        place = webhooks.present({"latitude": latitude, "longitude": longitude, "name": name, "address": address})
        return self._type(who, number_id, {"type": "location", "location": place}, reply_to=reply_to)

    def send_contacts(
        self, who: str, contacts: Sequence[Json], *, reply_to: str | None = None, number_id: str | None = None
    ) -> CustomerMessage:
        """The customer sends cards, each as Meta writes them: `name`, `phones`, `emails` and so on."""
        cards = [{"origin": "other", **card} for card in contacts]
        return self._type(who, number_id, {"type": "contacts", "contacts": cards}, reply_to=reply_to)

    def share_contact(self, who: str, message_id: str) -> CustomerMessage:
        """The customer answers a request for contact information, which reveals the number."""
        payload = phones.contact_payload(self.customer(who), origin="contact_request")
        return self._answer(who, message_id, "contact", payload)

    def share_location(self, who: str, message_id: str, latitude: float, longitude: float) -> CustomerMessage:
        """The customer answers a request for a place."""
        place = {"type": "location", "location": {"latitude": latitude, "longitude": longitude}}
        return self._answer(who, message_id, "location", place)

    def _answer(self, who: str, message_id: str, asks_for: str, payload: Json) -> CustomerMessage:
        number_id, now = self._number_of(who, message_id), self.clock.now()
        return self._say(
            who,
            number_id,
            lambda customer, number: phones.answer_request(
                self._world, customer, number, now, message_id, asks_for, payload
            ),
        )

    def _number_of(self, who: str, message_id: str) -> str:
        """The business number that a message on the phone came from."""
        with self._lock:
            return phones.shown(self._world, self._world.customer(who), message_id, self.clock.now()).number_id

    def react(self, who: str, message_id: str, emoji: str = "", *, number_id: str | None = None) -> CustomerMessage:
        """The customer reacts to a message of either side; without an emoji takes the reaction back."""
        now = self.clock.now()
        return self._say(
            who,
            number_id,
            lambda customer, number: phones.react(self._world, customer, number, now, message_id, emoji),
        )

    def permit_calls(
        self, who: str, message_id: str, *, accept: bool = True, permanent: bool = False
    ) -> CustomerMessage:
        """The customer answers a request for permission to call."""
        number_id, now = self._number_of(who, message_id), self.clock.now()
        return self._say(
            who,
            number_id,
            lambda customer, number: phones.permit_calls(
                self._world, customer, number, now, message_id, accept=accept, permanent=permanent
            ),
        )

    def submit_flow(self, who: str, message_id: str, response: Json) -> CustomerMessage:
        """The customer finishes a flow, or the form of an address; `response` is what was filled in."""
        number_id, now = self._number_of(who, message_id), self.clock.now()
        return self._say(
            who,
            number_id,
            lambda customer, number: phones.submit_flow(self._world, customer, number, now, message_id, response),
        )

    def order(
        self,
        who: str,
        catalog_id: str,
        items: Sequence[Json],
        *,
        text: str | None = None,
        number_id: str | None = None,
    ) -> CustomerMessage:
        """The customer orders: `product_retailer_id`, `quantity`, `item_price` and `currency` of each."""
        order = webhooks.present({"catalog_id": catalog_id, "text": text, "product_items": list(items)})
        return self._type(who, number_id, {"type": "order", "order": order})

    def send_unsupported(self, who: str, kind: str, *, number_id: str | None = None) -> CustomerMessage:
        """The customer sends something that the API does not convey: a poll, a GIF, an event."""
        return self._type(who, number_id, phones.unsupported_payload(kind))

    def send_raw(self, who: str, payload: Json, *, number_id: str | None = None) -> CustomerMessage:
        """The customer sends what no release knows yet: `payload` has its `type` and what belongs to it."""
        return self._type(who, number_id, payload)

    def arrive_from_ad(
        self, who: str, text: str, *, referral: Json | None = None, number_id: str | None = None
    ) -> CustomerMessage:
        """The customer taps an ad and writes; `referral` replaces parts of what Meta tells of the ad."""
        ad = {
            "source_url": "https://fb.me/ad",
            "source_id": "120",
            "source_type": "ad",
            "headline": "Chat with us",
            "body": "We answer.",
            "media_type": "image",
            "image_url": "https://fb.me/ad.jpg",
            "ctwa_clid": "clid",
            **(referral or {}),
        }
        return self._type(who, number_id, {"type": "text", "text": {"body": text}, "referral": ad})

    def forward(self, who: str, text: str, *, often: bool = False, number_id: str | None = None) -> CustomerMessage:
        """The customer forwards a text, which has been forwarded `often` before."""
        context = {"frequently_forwarded" if often else "forwarded": True}
        return self._type(who, number_id, {"type": "text", "text": {"body": text}, "context": context})

    def edit_message(self, who: str, message_id: str, text: str, *, number_id: str | None = None) -> CustomerMessage:
        """The customer changes a message; a number of the app is told what to, others that something happened."""
        now = self.clock.now()
        return self._say(
            who,
            number_id,
            lambda customer, number: phones.edit(self._world, customer, number, now, message_id, text),
        )

    def revoke_message(self, who: str, message_id: str, *, number_id: str | None = None) -> CustomerMessage:
        """The customer takes a message back; see `edit_message`."""
        now = self.clock.now()
        return self._say(
            who, number_id, lambda customer, number: phones.revoke(self._world, customer, number, now, message_id)
        )

    def _type(
        self,
        who: str,
        number_id: str | None,
        payload: Json,
        *,
        reply_to: str | None = None,
        group_id: str | None = None,
    ) -> CustomerMessage:
        return self._say(
            who,
            number_id,
            lambda customer, number: phones.say(
                self._world,
                customer,
                number,
                self.clock.now(),
                payload,
                reply_to=reply_to,
                group=groups.need(self._world, group_id) if group_id else None,
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

    def show_number(self, who: str) -> Customer:
        """The customer lets businesses see the number, from now on."""
        with self._lock:
            return phones.show_number(self._world, self._world.customer(who))

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

    def sign_up(self, who: str, signup_id: str, *, number_id: str | None = None) -> Customer:
        """The customer signs up for marketing by a form of the business's; with a webhook. Lifts a stop."""
        with self._lock:
            customer, number = self._world.customer(who), self._world.number(number_id)
            self._queue(*phones.sign_up(self._world, customer, number, self.clock.now(), signup_id))
            return self._world.customer(who)

    def _set_marketing(self, who: str, number_id: str | None, *, stopped: bool) -> Customer:
        with self._lock:
            customer, number = self._world.customer(who), self._world.number(number_id)
            now = self.clock.now()
            self._queue(*phones.set_marketing(self._world, customer, number, now, stopped=stopped))
            return self._world.customer(who)

    def play(self, who: str, message_id: str) -> int:
        """The customer hears a voice message; returns the number of webhooks (`read`, the first time, and `played`)."""
        return self._tell(lambda: phones.play(self._world, self._world.customer(who), self.clock.now(), message_id))

    # --- calls that somebody follows ------------------------------------------------------------

    def voicemail(self, who: str, data: bytes, *, number_id: str | None = None) -> int:
        """The customer calls in vain and speaks after the tone; returns the number of webhooks."""
        return self._tell(
            lambda: phones.voicemail(
                self._world,
                self._world.customer(who),
                self._world.number(number_id),
                self.clock.now(),
                data,
                base_url=self.public_url,
            )
        )

    def ring(self, who: str, *, number_id: str | None = None) -> Call:
        """The customer calls, and it rings until the business answers by the API, or somebody hangs up."""
        with self._lock:
            customer, number = self._world.customer(who), self._world.number(number_id)
            called = phones.ring(self._world, customer, number, self.clock.now())
            self._queue(*called.notices)
            return called.call

    def tap_call(self, who: str, message_id: str) -> Call:
        """The customer taps a button that calls the business; it rings."""
        with self._lock:
            customer = self._world.customer(who)
            made = phones.tap_call(self._world, customer, self.clock.now(), message_id)
            number = self._world.numbers[made.number_id]
            self._queue(webhooks.call_event(number, customer, made, "connect", made.started_at))
            return made

    def hang_up(self, who: str, call_id: str) -> int:
        """The customer ends a call; returns the number of webhooks."""
        return self._on_call(who, call_id, lambda _customer, made, now: calls.over(self._world, made, now))

    def take_call(self, who: str, call_id: str) -> int:
        """The customer takes a call of the business's, which opens the window."""
        return self._on_call(who, call_id, self._take)

    def _take(self, customer: Customer, made: Call, now: datetime) -> tuple[Notice, ...]:
        notices = calls.answered(self._world, customer, made, now)
        phones.heard(self._world, self._world.numbers[made.number_id], customer, now)
        return notices

    def reject_call(self, who: str, call_id: str) -> int:
        """The customer does not take a call of the business's."""
        return self._on_call(who, call_id, lambda customer, made, now: calls.rejected(self._world, customer, made, now))

    def _on_call(self, who: str, call_id: str, act: Callable[[Customer, Call, datetime], tuple[Notice, ...]]) -> int:
        def told() -> tuple[Notice, ...]:
            customer = self._world.customer(who)
            return act(customer, calls.live(self._world, customer, call_id), self.clock.now())

        return self._tell(told)

    # --- numbers, telephones, groups ------------------------------------------------------------

    def change_number(self, who: str, phone: str, *, number_id: str | None = None) -> Customer:
        """The customer moves to another number, and gets another BSUID with it; with a system message."""
        digits = digits_of(phone)

        def told() -> tuple[Notice, ...]:
            customer, number = self._world.customer(who), self._world.number(number_id)
            return phones.change_number(self._world, customer, number, self.clock.now(), digits)

        self._tell(told)
        return self.customer(digits)

    def change_identity(self, who: str, *, number_id: str | None = None) -> Customer:
        """The customer's key changes, as with a new telephone; with a system message."""
        bsuid = self.customer(who).bsuid
        self._tell(
            lambda: phones.change_identity(
                self._world, self._world.customer(bsuid), self._world.number(number_id), self.clock.now()
            )
        )
        return self.customer(bsuid)

    def switch_off(self, who: str) -> Customer:
        """The customer's telephone is off: messages wait for it, as long as they live."""
        with self._lock:
            return phones.set_online(self._world, self._world.customer(who), is_so=False)

    def switch_on(self, who: str) -> Customer:
        """The telephone is on again, and gets what has waited; what is over is dropped in silence."""
        with self._lock:
            customer = phones.set_online(self._world, self._world.customer(who), is_so=True)
            self._queue(*sending.arrive(self._world, self._settings, customer, self.clock.now()))
            return customer

    def join_group(self, who: str, link: str) -> int:
        """The customer follows an invitation (the link, or the group's id); returns the number of webhooks."""
        return self._tell(
            lambda: (
                groups.join(
                    self._world,
                    self._world.customer(who),
                    groups.by_link(self._world, link),
                    self.clock.now(),
                ),
            )
        )

    def leave_group(self, who: str, group_id: str) -> int:
        """The customer leaves a group; returns the number of webhooks."""
        return self._tell(
            lambda: (
                groups.leave(
                    self._world,
                    self._world.customer(who),
                    groups.need(self._world, group_id),
                    self.clock.now(),
                ),
            )
        )

    def groups(self) -> tuple[Group, ...]:
        """All groups of the business's, oldest first."""
        with self._lock:
            return tuple(self._world.groups.values())

    def calls(self) -> tuple[Call, ...]:
        """All calls that somebody follows, oldest first."""
        with self._lock:
            return tuple(self._world.calls.values())

    # --- the business's own app (coexistence) ---------------------------------------------------

    def echo(self, who: str, text: str, *, number_id: str | None = None) -> str:
        """Somebody of the business writes in the app: on the phone, and echoed by webhook. Returns the message's id."""
        with self._lock:
            customer, number = self._world.customer(who), self._world.number(number_id)
            payload = {"type": "text", "text": {"body": text}}
            wamid, notice = phones.echo(self._world, customer, number, self.clock.now(), payload)
            self._queue(notice)
            return wamid

    def sync_contact(self, who: str, *, action: str = "add", number_id: str | None = None) -> int:
        """The app's address book got (`add`) or lost (`remove`) the customer; with a webhook."""
        return self._tell(
            lambda: (
                phones.app_contact(
                    self._world.number(number_id), self._world.customer(who), self.clock.now(), action=action
                ),
            )
        )

    def sync_history(self, *, phase: int = 0, chunk: int = 1, progress: int = 100, number_id: str | None = None) -> int:
        """The app gives its history so far, as one chunk of a phase; with a webhook."""
        return self._tell(
            lambda: (
                phones.history(
                    self._world,
                    self._world.number(number_id),
                    self.clock.now(),
                    phase=phase,
                    chunk=chunk,
                    progress=progress,
                ),
            )
        )

    def _tell(self, act: Callable[[], tuple[Notice, ...]]) -> int:
        with self._lock:
            notices = act()
            self._queue(*notices)
            return len(notices)


def _media_kind(kind: str) -> MediaKind:
    for known in get_args(MediaKind):
        if kind == known:
            return known  # type: ignore[no-any-return]  # one of the type's own members
    raise ControlError(f"no kind of media {kind!r}; one of {', '.join(get_args(MediaKind))}")
