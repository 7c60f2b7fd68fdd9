"""Webhooks that come twice, in any order, in other batches, days late or after failures leave the same facts.

A script is played against the emulator, whose courier is in the test's hands: after every step it brings some of what is
due, in whatever order and batches, some of it again, and loses answers on the way. When the script is over everything is
brought that was not answered 200 before. Then a second host is told the same story in order, each webhook at its instant;
``facts`` of the two must be equal.

There are two kinds of script. In one, customers act and nobody else; what the system sends by itself is left out of the
facts. In the other, a user sends as well. A send may be refused by what has come in until then, so those that the first
host took are *fixed*: the second host makes just these, under the same ids, and its transport repeats what the provider
answered. For that, whoever is written to never takes back a consent; the others are asked for theirs at the beginning.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any, final

import pytest
from attrs import evolve, frozen
from wa_connector_cloud_api import CloudApiChannel, CloudApiTransport, Options
from wa_connector_emulator import Emulator, HttpCall, HttpReply, Webhook, serve

import wa_connector as wa
from tests.soak import a_host
from tests.soak.a_host import ENDPOINT, NUMBERS, TENANT, VERIFY_TOKEN
from wa_connector.errors import StorageUnavailable
from wa_connector.evidence.fold import fold
from wa_connector.model.outbound import Accepted, Envelope, Fetched, FetchOutcome, SendOutcome
from wa_connector.ports.media import MediaStore
from wa_connector.ports.rows import CONSENT, CUSTOMER, EVIDENCE, Kind, Scalar
from wa_connector.ports.storage import Change, Outcome, Scan
from wa_connector.testing.contacts import MemoryContacts
from wa_connector.testing.facts import facts
from wa_connector.testing.memory import MemoryStorage

ANA = wa.UserId("ana")
LINE = a_host.line_of(ANA)
BEGIN = datetime(2026, 11, 2, 12, tzinfo=UTC)
QUICK, LONG = 50, 1000
FIXED = "send-"
"""What the ids of fixed sends begin with."""

WORDS = ("Hello", "STOP", "stop!", "YES", "yes", "NO", "START", "HELP", "ok, thanks", "no idea", "Nein")
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (0, 0, 0, 1, 1, 40, 200, 3000, 40_000, 100_000, 200_000))
TEMPLATES = (
    {
        "name": "opt_in",
        "language": "en",
        "category": "UTILITY",
        "components": [
            {"type": "BODY", "text": "May we write to you here?"},
            {
                "type": "BUTTONS",
                "buttons": [{"type": "QUICK_REPLY", "text": "Yes"}, {"type": "QUICK_REPLY", "text": "No"}],
            },
        ],
    },
    {
        "name": "ready",
        "language": "en",
        "category": "UTILITY",
        "components": [
            {"type": "BODY", "text": "Your order is ready."},
            {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Details"}]},
        ],
    },
    {
        "name": "sale",
        "language": "en",
        "category": "MARKETING",
        "components": [{"type": "BODY", "text": "Everything must go."}],
    },
)


@frozen
class Person:
    """Somebody with a phone. ``is_steady``: a contact whose consent is on record, and who never speaks against it."""

    name: str
    phone: str
    is_hidden: bool = False
    is_steady: bool = False
    on_whatsapp: bool = True

    @property
    def bsuid(self) -> str:
        return f"DE.{self.phone.removeprefix('+')}"

    @property
    def contact(self) -> wa.Contact:
        return wa.Contact(wa.ContactId(self.name), self.name, (wa.number(self.phone),))


FICKLE = (Person("Fay", "+4915550001"), Person("Fox", "+4915550002"), Person("Fin", "+4915550003", is_hidden=True))
STEADY = (
    Person("Sam", "+4915550011", is_steady=True),
    Person("Sue", "+4915550012", is_hidden=True, is_steady=True),
    Person("Sid", "+4915550013", is_steady=True, on_whatsapp=False),
    Person("Sol", "+4915550014", is_steady=True),
)


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed", [*range(QUICK), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(QUICK, LONG))]
)
def test_chaos_leaves_the_same_facts(provider: "Provider", seed: int) -> None:
    """Even seeds are of customers alone; with odd ones a user sends as well."""
    play(provider, seed, (*FICKLE[1:], *STEADY) if seed % 2 else FICKLE)


def play(provider: "Provider", seed: int, people: Sequence[Person]) -> None:
    chance = random.Random(seed)
    provider.begin(people)
    stirred = Host(provider, people)
    story = Story(provider, stirred, people, chance)
    chaos = Chaos(provider, stirred, chance)
    with provider.calling(chaos.receive):
        for _ in range(chance.randint(5, 25)):
            story.go_on()
            chaos.deliver()
        chaos.finish()
    provider.emulator.clock.set(BEGIN)
    orderly = Host(provider, people, answers=stirred.answers)
    with provider.calling(orderly.receive):
        story.tell_again(orderly)
    try:
        for one, other in zip_longest(*(sorted_facts(host) for host in (orderly, stirred))):
            assert one == other
        assert facts(orderly.storage, TENANT) == facts(stirred.storage, TENANT)
        assert story.said == len(facts_of_customers(orderly))
        check_consents(stirred)
    except AssertionError as error:
        steps = "\n  ".join(step.what for step in story.steps)
        error.add_note(
            f"seed {seed}; again: python -m pytest -m '' 'tests/soak/test_chaos.py' -k '[{seed}]'\n  {steps}"
        )
        raise
    finally:
        stirred.connector.close()
        orderly.connector.close()


def sorted_facts(host: "Host") -> list[object]:
    """One thing after another, so that a difference is seen."""
    return [
        (customer.known_by, what)
        for customer in facts(host.storage, TENANT).customers
        for what in (*customer.messages, *customer.consents, *customer.windows, *customer.evidence)
    ]


def check_consents(host: "Host") -> None:
    """What the rules go by is what the evidence folds to, however late it came; and no chain is broken."""
    records = rows(host, CONSENT)
    evidence = rows(host, EVIDENCE).values()
    merged = {key for key, customer in rows(host, CUSTOMER).items() if customer.merged_into is not None}
    for key, record in records.items():
        if key not in merged:
            own = {key[1], *record.joined}
            assert fold(entry for entry in evidence if entry.customer in own) == record.channels
    assert host.connector.verify_evidence(TENANT).holds


def rows(host: "Host", kind: Kind) -> dict[tuple[Scalar, ...], Any]:
    page = host.storage.scan(Scan(kind.name, "key", (TENANT,), 10_000))
    return {key.parts: row.value for key, row in page.rows}


def facts_of_customers(host: "Host") -> list[object]:
    told = (message for customer in facts(host.storage, TENANT).customers for message in customer.messages)
    return [message for message in told if message.author == "ByCustomer"]


# --- the provider -----------------------------------------------------------------------------------------------------


@final
class Provider:
    """An emulator whose clock and courier stand still unless the test moves them."""

    def __init__(self) -> None:
        self._receive: Callable[[HttpCall], HttpReply] = _nobody
        numbers = [{"id": number, "display_number": digits} for number, digits in NUMBERS.values()]
        self.emulator = Emulator(
            app_secret=a_host.APP_SECRET,
            token=a_host.TOKEN,
            seed={"numbers": numbers, "templates": TEMPLATES},
            start_at=BEGIN,
            is_frozen=True,
            sender=lambda call: self._receive(call),  # noqa: PLW0108 - who it is, is looked up at each call
        )
        self.graph_url = ""

    def begin(self, people: Sequence[Person]) -> None:
        """A new world with these people in it."""
        self.emulator.reset()
        self.emulator.pause_webhooks()
        self.emulator.clock.set(BEGIN)
        self.emulator.subscribe_webhook("http://host.test/hook", VERIFY_TOKEN, handshake=False)
        for person in people:
            self.emulator.create_customer(
                person.phone,
                person.name,
                on_whatsapp=person.on_whatsapp,
                hidden_number=person.is_hidden,
                bsuid=person.bsuid,
            )

    @contextmanager
    def calling(self, receive: Callable[[HttpCall], HttpReply]) -> Iterator[None]:
        """Have the webhooks brought there."""
        self._receive = receive
        yield
        self._receive = _nobody

    def pending(self) -> list[int]:
        """What is due and was not answered 200 yet."""
        now = self.emulator.clock.now()
        return [hook.id for hook in self.emulator.webhooks() if hook.state == "pending" and hook.due_at <= now]


def _nobody(_: HttpCall) -> HttpReply:
    raise ConnectionError("nobody is there")


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    made.emulator.pause_webhooks()
    with serve(made.emulator) as served:
        made.graph_url = served.graph_url
        yield made


# --- a host -----------------------------------------------------------------------------------------------------------


@final
class Host:
    """A host in memory, on the emulator's clock. With ``answers``, its transport repeats what the provider said of each
    fixed send; without, it asks the provider and remembers."""

    def __init__(
        self, provider: Provider, people: Sequence[Person], answers: Mapping[str, SendOutcome] | None = None
    ) -> None:
        self.clock = provider.emulator.clock.now
        self.storage = Leaving(MemoryStorage(clock=self.clock))
        self.answers: dict[str, SendOutcome] = dict(answers or {})
        self._wire = Wire(self.answers, is_repeating=answers is not None)
        site = a_host.Site("", provider.graph_url)
        self._directory = a_host.directory(site)
        self._contacts = MemoryContacts({TENANT: [person.contact for person in people]})
        self._prefix = "id-"
        self._numbers = itertools.count()
        self.connector = wa.Connector([self], discover=False, clock=self.clock, ids=self._id)
        self.connector.sync_templates(TENANT, a_host.ACCOUNT)
        is_user_there = any(person.is_steady for person in people)
        self._threads: dict[str, wa.ConversationId | None] = {}
        for person in people:
            if person.is_steady:
                self._record_consent(person)
                self._threads[person.name] = self.connector.start(TENANT, ANA, LINE, person.contact.id).conversation
            elif is_user_there:
                with self._fixed_ids(f"ask-{person.name}"):
                    self.connector.ask_consent(TENANT, ANA, LINE, person.contact.id).or_raise()
                self.dispatch()

    def _id(self) -> str:
        return f"{self._prefix}{next(self._numbers):06}"

    def _record_consent(self, person: Person) -> None:
        self.connector.record_consent(
            TENANT,
            ANA,
            LINE,
            person.contact.id,
            given_at=BEGIN - timedelta(days=9),
            method="paper",
            purposes=(wa.Purpose.CONVERSATION, wa.Purpose.MARKETING),
            source=person.name,
        )

    def receive(self, call: HttpCall) -> HttpReply:
        request = wa.WebhookRequest(ENDPOINT, call.method, call.url, call.headers, call.body)
        reply = self.connector.handle_webhook(request).reply
        return HttpReply(reply.status, reply.body)

    def send(self, number: int, person: Person, content: wa.Content) -> str | None:
        """Send and dispatch at once; the message's id, None for what is refused."""
        thread = self._threads[person.name]
        assert thread is not None
        with self._fixed_ids(f"{number:03}"):
            placed = self.connector.send(TENANT, ANA, thread, content)
        self.dispatch()
        return placed.message

    @contextmanager
    def _fixed_ids(self, name: str) -> Iterator[None]:
        before = self._prefix, self._numbers
        self._prefix, self._numbers = f"{FIXED}{name}-", itertools.count()
        yield
        self._prefix, self._numbers = before

    def dispatch(self) -> None:
        while self.connector.dispatcher.run_once():
            pass

    # --- what a connector needs -------------------------------------------------------------------------------------

    @wa.hookimpl
    def wa_storage(self) -> "Leaving":
        return self.storage

    @wa.hookimpl
    def wa_directory(self) -> object:
        return self._directory

    @wa.hookimpl
    def wa_contacts(self) -> MemoryContacts:
        return self._contacts

    @wa.hookimpl
    def wa_channel(self) -> CloudApiChannel:
        return CloudApiChannel()

    @wa.hookimpl
    def wa_transport(self) -> tuple[str, object]:
        return "whatsapp", self._wire


@final
class Wire:
    """A host's transport. Files are always there: when a host fetches one must not decide what is stored."""

    def __init__(self, answers: dict[str, SendOutcome], *, is_repeating: bool) -> None:
        self._answers = answers
        self._is_repeating = is_repeating
        self._real = CloudApiTransport(Options())
        self.templates = self._real.templates
        self.close = self._real.close

    def send(self, line: wa.LineSetup, envelope: Envelope, media: MediaStore) -> SendOutcome:
        if not self._is_repeating:
            self._answers[envelope.message] = self._real.send(line, envelope, media)
        elif not envelope.message.startswith(FIXED):
            return Accepted(wa.ProviderId(f"automatic {envelope.message}"))
        return self._answers[envelope.message]

    def fetch(self, line: wa.LineSetup, media: wa.MediaRef, store: MediaStore) -> FetchOutcome:
        return Fetched(evolve(media, size=7))


@final
class Leaving:
    """A storage that leaves in the middle of things: it takes ``commits`` more, then raises until it is told otherwise."""

    def __init__(self, inner: MemoryStorage) -> None:
        self._inner = inner
        self.commits: int | None = None

    def commit(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        if self.commits is not None:
            self.commits -= 1
            if self.commits < 0:
                raise StorageUnavailable("away")
        return self._inner.commit(changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


# --- the story --------------------------------------------------------------------------------------------------------


@frozen
class Step:
    """Something that happened when the provider's log had ``after`` webhooks. A fixed send has ``send``."""

    at: datetime
    after: int
    what: str
    send: tuple[int, Person, wa.Content] | None = None


@final
class Story:
    """What people do, step by step."""

    def __init__(self, provider: Provider, host: Host, people: Sequence[Person], chance: random.Random) -> None:
        self._provider = provider
        self._emulator = provider.emulator
        self._host = host
        self._people = people
        self._chance = chance
        self._once = {"Sid": True, "Sol": True}
        self.steps: list[Step] = []

    @property
    def said(self) -> int:
        """How many messages customers wrote, and calls they made."""
        kinds = ("messages", "calls")
        return len(
            {each["id"] for hook in self._emulator.webhooks() for kind in kinds for each in elements(hook, kind)}
        )

    def go_on(self) -> None:
        """Let some time pass, and somebody do something."""
        self._emulator.clock.advance(self._chance.choice(PAUSES))
        person = self._chance.choice(self._people)
        at, after = self._emulator.clock.now(), len(self._emulator.webhooks())
        if person.is_steady and self._chance.random() < 0.6:
            what, send = self._written_to(person, len(self.steps))
        else:
            what, send = self._acts(person), None
        self.steps.append(Step(at, after, f"{at:%d %H:%M:%S} {person.name}: {what}", send))

    def _acts(self, person: Person) -> str:
        if not person.on_whatsapp:
            return "nothing"
        emulator, chance, who = self._emulator, self._chance, person.bsuid
        deed = chance.choice(("text", "text", "text", "picture", "call", "read", "tap", "marketing"))
        words = ("Hello", "ok, thanks", "When?") if person.is_steady else WORDS
        if deed == "text":
            return repr(emulator.type_text(who, chance.choice(words), number_id=NUMBERS[ANA][0]).payload)
        if deed == "picture":
            emulator.send_image(who, b"\xff\xd8" + chance.randbytes(9), number_id=NUMBERS[ANA][0])
        elif deed == "call":
            emulator.call(who, answered=chance.random() < 0.5, number_id=NUMBERS[ANA][0])
        elif deed == "read":
            emulator.read(who)
        elif deed == "tap":
            return self._tap(person)
        elif not person.is_steady:
            act = chance.choice((emulator.stop_marketing, emulator.resume_marketing))
            act(who, number_id=NUMBERS[ANA][0])
            return act.__name__
        return deed

    def _tap(self, person: Person) -> str:
        for message in reversed(self._emulator.received(person.bsuid)):
            if message.content.choices:
                choice = self._chance.choice(message.content.choices)
                self._emulator.tap(person.bsuid, message.id, choice.title)
                return f"taps {choice.title}"
        return "finds nothing to tap"

    def _written_to(self, person: Person, number: int) -> tuple[str, tuple[int, Person, wa.Content] | None]:
        content: wa.Content = wa.TemplateMessage("ready", "en")
        if not self._once.pop(person.name, person.name in {"Sam", "Sue"}):
            return "is not written to again", None
        if person.name == "Sol":
            # He stops marketing, and nobody hears of it until a message to him fails.
            self._emulator.stop_marketing(person.bsuid, number_id=NUMBERS[ANA][0])
            self._emulator.drop_webhooks(self._provider.pending()[-1:])
            content = wa.TemplateMessage("sale", "en")
        elif person.on_whatsapp and self._chance.random() < 0.5:
            content = wa.Text(f"number {number}")
        if self._host.send(number, person, content) is None:
            return f"refused: {content}", None
        return f"is sent {content}", (number, person, content)

    def tell_again(self, host: Host) -> None:
        """The same in order: each fixed send, and each webhook at its instant. What is about messages that the other host
        sent by itself is left out: this one sends its own."""
        steps = iter([step for step in self.steps if step.send])
        step = next(steps, None)
        for place, hook in enumerate(self._emulator.webhooks()):
            while step is not None and step.after <= place:
                self._send_again(host, step)
                step = next(steps, None)
            if hook.state != "dropped" and is_told(hook):
                self._emulator.clock.set(max(hook.due_at, self._emulator.clock.now()))
                self._emulator.deliver([hook.id])
                host.dispatch()
        while step is not None:
            self._send_again(host, step)
            step = next(steps, None)

    def _send_again(self, host: Host, step: Step) -> None:
        assert step.send is not None
        self._emulator.clock.set(step.at)
        assert host.send(*step.send) is not None, f"refused in order: {step.what}"


def is_told(hook: Webhook) -> bool:
    """Whether a webhook is about a customer's deed, or about a fixed send."""
    return all(str(each.get("biz_opaque_callback_data")).startswith(FIXED) for each in elements(hook, "statuses"))


def elements(hook: Webhook, kind: str) -> Sequence[Any]:
    found: Any = hook.notice.value.get(kind, ())
    return list(found)


# --- the chaos --------------------------------------------------------------------------------------------------------


@final
class Chaos:
    """A courier that must not be relied on."""

    def __init__(self, provider: Provider, host: Host, chance: random.Random) -> None:
        self._provider = provider
        self._emulator = provider.emulator
        self._host = host
        self._chance = chance
        self._laziness = chance.choice((0.1, 0.5, 0.9))
        self._trouble = chance.choice((0.0, 0.2, 0.6))

    def deliver(self) -> None:
        """Bring some of what is due, in any order and batches, and some of it again."""
        chosen = [hook for hook in self._provider.pending() if self._chance.random() > self._laziness]
        again = [hook.id for hook in self._emulator.webhooks() if hook.attempts and self._chance.random() < 0.05]
        self._bring(chosen + again)
        if self._chance.random() < 0.7:
            self._host.dispatch()

    def finish(self) -> None:
        """Bring whatever is left, over days; at last without trouble."""
        while self._provider.pending() and self._chance.random() < 0.8:
            self._emulator.clock.advance(timedelta(hours=self._chance.randint(1, 30)))
            self.deliver()
        self._trouble = 0.0
        self._bring([hook.id for hook in self._emulator.webhooks() if hook.state in ("pending", "expired")])
        self._host.dispatch()  # what this causes is told of, too: of messages that the system sends by itself
        self._bring(self._provider.pending())

    def _bring(self, hooks: list[int]) -> None:
        self._chance.shuffle(hooks)
        while hooks:
            size = self._chance.choice((1, 1, 2, 5, 50))
            batch, hooks = hooks[:size], hooks[size:]
            if len(batch) > 1:
                self._emulator.deliver_batched(batch)
            else:
                self._emulator.deliver(batch)

    def receive(self, call: HttpCall) -> HttpReply:
        """The host, behind a line that breaks before a request and before an answer, and with a storage that leaves."""
        kind = self._chance.choice(["before", "after", "away"]) if self._chance.random() < self._trouble else ""
        if kind == "before":
            raise ConnectionError("the host is not reached")
        if kind == "away":
            self._host.storage.commits = self._chance.randint(0, 2)
        try:
            reply = self._host.receive(call)
        finally:
            self._host.storage.commits = None
        if kind == "after":
            raise TimeoutError("the answer is lost")
        return reply
