"""A store that may be slow or dead, and keeps nobody waiting for it.

Theory: what comes in is routed by asking who the sender is, so a store that hangs would hang the webhook. Here the store is
asked by one thread of this object's own, and whoever asks waits for it ``patience`` seconds at the most. Then the store
counts as unavailable, and for ``pause`` seconds nobody waits for it at all: it is left alone until it answers what it was
asked. What it said is kept for a while, and that it knows nobody for a shorter one.

Rules of this file: the lock is never held while the store is asked.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, final

from wa_connector.errors import Unavailable
from wa_connector.model.address import Address
from wa_connector.model.contact import Contact
from wa_connector.model.ids import ContactId, TenantId, UserId
from wa_connector.ports.contacts import Contacts

MOST_KEPT: Final = 10_000
_Question = tuple[Any, ...]


class _Asked:
    """One question under way. ``answer`` or ``error`` is set before ``done``."""

    __slots__ = ("answer", "done", "error")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.answer: Any = None
        self.error: Exception | None = None


@final
class Patient:
    """Implements ``ports.contacts.Contacts`` over another store.

    ``patience``, ``pause``, ``keep`` and ``keep_none`` are seconds: how long a question waits, how long nobody waits after
    one that did so in vain, and how long an answer is kept, and that there was none. Raises ``Unavailable`` at once or after
    ``patience``. A thread begins with a question that is not answered from what is kept, and ends with it; there is one
    for each question under way, and ``most`` at the most: of a store that hangs no more are made. Nothing crosses a fork:
    a new process begins with nothing kept. Safe under threads.
    """

    def __init__(
        self,
        store: Contacts,
        *,
        patience: float = 0.5,
        pause: float = 30.0,
        keep: float = 300.0,
        keep_none: float = 30.0,
        most: int = 4,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._patience, self._pause, self._keep, self._keep_none, self._most = patience, pause, keep, keep_none, most
        self._clock = clock
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._kept: OrderedDict[_Question, tuple[float, Any]] = OrderedDict()
        self._asked: dict[_Question, _Asked] = {}
        self._resumes_at = float("-inf")

    def get(self, tenant: TenantId, user: UserId, contact: ContactId) -> Contact | None:
        """As the store; an answer may be ``keep`` seconds old."""
        found: Contact | None = self._answer(
            ("get", tenant, user, contact), lambda: self._store.get(tenant, user, contact)
        )
        return found

    def find(self, tenant: TenantId, addresses: Sequence[Address]) -> Sequence[Contact]:
        """As the store; an answer may be ``keep`` seconds old."""
        question = ("find", tenant, *(address.lookup for address in addresses))
        found: Sequence[Contact] = self._answer(question, lambda: tuple(self._store.find(tenant, addresses)))
        return found

    def _answer(self, question: _Question, ask: Callable[[], Any]) -> Any:
        with self._lock:
            if self._pid != os.getpid():
                self._begin()
            now = self._clock()
            kept_until, answer = self._kept.get(question, (now, None))
            if now < kept_until:
                return answer
            if now < self._resumes_at:
                raise Unavailable("the contact store did not answer in time a moment ago; try again later")
            asked = self._asked.get(question)
            if asked is None and len(self._asked) >= self._most:
                raise Unavailable("the contact store is busy with as many questions as it may be asked at once")
            if asked is None:
                asked = self._asked[question] = _Asked()
                name = "wa-connector-contacts"
                threading.Thread(target=self._ask, args=(question, asked, ask), name=name, daemon=True).start()
        if not asked.done.wait(self._patience):
            with self._lock:
                self._resumes_at = max(self._resumes_at, self._clock() + self._pause)
            raise Unavailable(f"the contact store did not answer within {self._patience} s; try again later")
        if asked.error is not None:
            raise Unavailable("the contact store cannot be asked; try again later") from asked.error
        return asked.answer

    def _ask(self, question: _Question, asked: _Asked, ask: Callable[[], Any]) -> None:
        try:
            asked.answer = ask()
        except Exception as error:  # noqa: BLE001 - a store of another author may raise anything
            asked.error = error
        with self._lock:
            if self._asked.get(question) is asked:
                del self._asked[question]
                now = self._clock()
                if asked.error is None:
                    self._resumes_at = now  # It answers again, though late.
                    self._kept[question] = (now + (self._keep if asked.answer else self._keep_none), asked.answer)
                    self._kept.move_to_end(question)
                    if len(self._kept) > MOST_KEPT:
                        self._kept.popitem(last=False)
                else:
                    self._resumes_at = now + self._pause
        asked.done.set()
