"""The emulator as one object: the shell around the pure core.

Rules of this file: each method takes the lock, calls one function of the core, queues the notices
that come of it and wakes the courier. It decides nothing. What a method returns is a frozen value,
a picture of the moment.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from secrets import token_urlsafe
from threading import RLock
from types import TracebackType
from typing import final

import attrs
from starlette.applications import Starlette

from . import announcements, courier, exchange, graph, groups, management, page, seeds, sending, webhooks
from .app import build_app
from .clock import VirtualClock
from .courier import Courier
from .errors import ControlError, GraphError
from .faults import CallTrouble, Faults, Loss, Trouble
from .handsets import Handsets
from .ids import Mint
from .transport import HttpSender, Sender, handshake_complaint
from .values import (
    Account,
    BusinessMessage,
    Callback,
    Group,
    Json,
    Notice,
    Number,
    Request,
    Settings,
    Template,
    TemplateStatus,
    Webhook,
)


@final
class Emulator(Handsets):
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
        self._trouble = Trouble(Faults())
        self.clock.on_change(self._settle)
        self._courier = Courier(
            courier.Desk(
                world=lambda: self._world,
                settings=lambda: self._settings,
                lock=self._lock,
                clock=self.clock,
                sender=self._sender,
                trouble=lambda: self._trouble,
                next_change=self._next_change,
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
            self._trouble = Trouble(Faults())
            self._world = seeds.new_world(self._mint, self._seed)
        self._courier.is_paused = False

    # --- the Graph face -------------------------------------------------------------------------

    def handle(self, request: exchange.GraphRequest) -> exchange.GraphResponse:
        """Answer a Graph request; it may call a webhook receiver when it subscribes one."""
        answer = self._answered(request)
        with self._lock:
            self._note(request, answer)
        return answer

    def _answered(self, request: exchange.GraphRequest) -> exchange.GraphResponse:
        with self._lock:
            now = self.clock.now()
            self._settle()
            trouble = self._trouble.for_call(_edge(request))
            if trouble.loses == "request":
                return attrs.evolve(_SILENCE, latency=trouble.latency)
            outcome = graph.handle(self._world, self._settings, request, now, self.token, self.app_secret, trouble)
            if isinstance(outcome, exchange.Answer):
                self._queue(*outcome.notices)
                if request.method == "POST" and _edge(request) not in ("messages", "media"):
                    self._courier.wake()  # a review may have begun, whose end is to be told
                answer = outcome.response
                return attrs.evolve(answer, is_lost=trouble.loses == "answer", latency=trouble.latency)
        return self._after_handshake(outcome).response

    def _note(self, request: exchange.GraphRequest, answer: exchange.GraphResponse) -> None:
        told = {} if isinstance(answer.body, bytes) else answer.body
        error = told.get("error")
        code = error.get("code") if isinstance(error, Mapping) else None
        self._world.requests_so_far += 1
        self._world.requests.append(
            Request(
                self._world.requests_so_far,
                self.clock.now(),
                request.method,
                request.path,
                {key: value for key, value in request.query.items() if key not in _SECRET},
                {key: value for key, value in request.body.items() if key not in _SECRET},
                answer.status,
                {key: value for key, value in told.items() if key not in _SECRET},
                code if isinstance(code, int) else None,
                answer.is_lost,
            )
        )

    def requests(self) -> tuple[Request, ...]:
        """The latest thousand calls of the API and their answers, without tokens and files, oldest first."""
        with self._lock:
            return tuple(self._world.requests)

    def view(self) -> page.View:
        """What the page in the browser shows."""
        with self._lock:
            now = self.clock.now().isoformat(timespec="seconds")
            return page.view(self._world, now, is_frozen=self.clock.is_frozen)

    def _settle(self) -> None:
        """Let happen what time has brought about: the ends of reviews and of pauses."""
        with self._lock:
            self._queue(*management.settled(self._world, self._settings, self.clock.now()))

    def _next_change(self) -> datetime | None:
        self._settle()
        with self._lock:
            return management.next_change(self._world)

    def _after_handshake(self, asked: exchange.Handshake) -> exchange.Answer:
        complaint = self._complaint(asked.callback)
        with self._lock:
            if complaint is None:
                return graph.shaken(self._world, asked)
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
            self._settle()
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

    def pause_template(self, name: str, *, language: str = "en_US", by_pacing: bool = False) -> Template:
        """Pause a template, as Meta does for low quality; with a webhook. What pacing holds fails then (132015), and a
        template that pacing paused needs `/unpause`.
        """
        with self._lock:
            template = self._template(name, language)
            now = self.clock.now()
            paused = attrs.evolve(
                template, status=TemplateStatus.PAUSED, is_paced=by_pacing, updated_at=now, rejected_reason="NONE"
            )
            self._world.templates[template.id] = paused
            self._queue(webhooks.template_status(paused, now), *sending.drop_held(self._world, paused, now))
            return paused

    def release_template(self, name: str, *, language: str = "en_US") -> Template:
        """End the pacing of a template that has proved good: what was held goes out."""
        return self._rated(name, language, "GREEN")

    def rate_template(self, name: str, score: str, *, language: str = "en_US") -> Template:
        """Give a template another quality; with webhooks. RED pauses it: three hours, six hours, then it is disabled."""
        if score not in ("GREEN", "YELLOW", "RED", "UNKNOWN"):
            raise ControlError(f"no quality {score!r}; one of GREEN, YELLOW, RED, UNKNOWN")
        return self._rated(name, language, score)

    def _rated(self, name: str, language: str, score: str) -> Template:
        with self._lock:
            template, now = self._template(name, language), self.clock.now()
            rated = management.rated(template, score, now)
            self._world.templates[template.id] = rated
            about = announcements.About(next(iter(self._world.numbers.values())), now, rated)
            facts = {"previous_quality_score": template.quality}
            self._queue(announcements.made("message_template_quality_update", about, facts))
            if rated.status is not template.status:
                self._queue(webhooks.template_status(rated, now))
            if score == "GREEN":
                self._queue(*sending.release(self._world, self._settings, rated, now))
            return rated

    def recategorise_template(
        self, name: str, category: str, *, language: str = "en_US", is_notice: bool = False
    ) -> Template:
        """Put a template into another category, or give only the notice of it; with a webhook."""
        if category not in ("AUTHENTICATION", "MARKETING", "UTILITY"):
            raise ControlError(f"no category {category!r}; one of AUTHENTICATION, MARKETING, UTILITY")
        with self._lock:
            template, now = self._template(name, language), self.clock.now()
            if is_notice:
                changed = attrs.evolve(template, correct_category=category, updated_at=now)
                in_a_day = int(now.timestamp()) + 24 * 3600
                facts: Json = {
                    "previous_category": None,
                    "new_category": template.category,
                    "correct_category": category,
                    "category_update_timestamp": in_a_day,
                }
            else:
                before = template.category
                changed = attrs.evolve(
                    template, category=category, previous_category=before, correct_category=None, updated_at=now
                )
                facts = {}
            self._world.templates[template.id] = changed
            about = announcements.About(next(iter(self._world.numbers.values())), now, changed)
            self._queue(announcements.made("template_category_update", about, facts))
            return changed

    def disable_template(self, name: str, *, language: str = "en_US") -> Template:
        """Disable a template; with a webhook."""
        return self.set_template_status(name, "DISABLED", language=language)

    # --- what the account is told ---------------------------------------------------------------

    def announce(
        self,
        field: str,
        facts: Json | None = None,
        *,
        template: str | None = None,
        language: str = "en_US",
        who: str | None = None,
        number_id: str | None = None,
    ) -> Json:
        """Tell the business of a field about its account, numbers or templates; see `announcements` for the fields.

        The value has Meta's keys; `facts` replace or add some. Returns the value that is told.
        """
        with self._lock:
            about = announcements.About(
                self._world.number(number_id),
                self.clock.now(),
                self._template(template, language) if template else None,
                self._world.customer(who) if who else None,
            )
            notice = announcements.made(field, about, facts or {})
            self._queue(notice)
            return notice.value

    def suspend_group(self, group_id: str, *, is_suspended: bool = True) -> Group:
        """Suspend a group, or take that back; with a webhook."""
        with self._lock:
            group = groups.need(self._world, group_id)
            self._queue(groups.suspend(self._world, group, self.clock.now(), is_so=is_suspended))
            return self._world.groups[group_id]

    # --- trouble --------------------------------------------------------------------------------

    @property
    def faults(self) -> Faults:
        """The trouble that may come; set with `make_trouble`."""
        return self._trouble.faults

    def make_trouble(self, **chances: object) -> Faults:
        """From now on trouble comes at random, by the seed, as `Faults` names it; without arguments there is none."""
        unknown = set(chances) - {field.name for field in attrs.fields(Faults)}
        if unknown:
            raise ControlError(f"no faults {', '.join(sorted(unknown))}")
        with self._lock:
            self._trouble = Trouble(_faults(chances))
            return self._trouble.faults

    def fail_next(
        self, code: int, *, times: int = 1, later: bool = False, edge: str = "messages", details: str = "as planned"
    ) -> None:
        """Let the next calls be refused with this code, or, `later`, accepted and then fail with it by webhook.

        `edge` is the last part of their path (`*` for any call). Any number will do as a code, also one that Meta has
        not thought of.
        """
        planned = CallTrouble(fails_later=code, details=details) if later else CallTrouble(code, details)
        with self._lock:
            self._trouble.plan(planned, edge=edge, times=times)

    def lose_next(self, what: str = "answer", *, times: int = 1, edge: str = "messages") -> None:
        """Let the next calls get no answer: of the `request` nothing has happened, of the `answer` all."""
        losses: Mapping[str, Loss] = {"request": "request", "answer": "answer"}
        if what not in losses:
            raise ControlError("what is lost is the request or the answer")
        with self._lock:
            self._trouble.plan(CallTrouble(loses=losses[what]), edge=edge, times=times)

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


_SECRET = frozenset({"access_token", "client_secret", "input_token", "pin", "verify_token", "webhook_configuration"})
_SILENCE = exchange.GraphResponse(504, b"", "text/plain", is_lost=True)


def _edge(request: exchange.GraphRequest) -> str:
    parts = request.path.strip("/").split("/")
    return parts[2] if len(parts) > 2 else ""


def _faults(chances: Mapping[str, object]) -> Faults:
    known = {"edges": frozenset, "codes": tuple}
    try:
        return Faults(**{key: known[key](value) if key in known else value for key, value in chances.items()})  # type: ignore[arg-type]  # the validators see to it
    except (TypeError, ValueError) as wrong:
        raise ControlError(f"faults: {wrong}") from None


def _evolved(settings: Settings, changes: Mapping[str, object]) -> Settings:
    merged = {**attrs.asdict(settings, recurse=False), **changes}
    return Settings(**merged)
