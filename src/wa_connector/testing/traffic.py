"""What comes in, as a provider may bring it (needs hypothesis)::

    from hypothesis import given
    from wa_connector.testing.traffic import deliveries, elements, webhooks

    @given(elements().flatmap(deliveries))
    def test_mine_counts_each_once(batches): ...

Rules of this file: a provider repeats, reorders and bundles anew, and loses nothing for good; an element that is told
twice is told in the same words. Elements and requests are those of ``testing.host.PlainChannel``, values those of
``model.inbound`` and ``model.message``, of any channel.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from hypothesis import strategies as st

from wa_connector.model.ids import ConversationId, CustomerId, LineId, MessageId, ProviderId, UserId
from wa_connector.model.inbound import (
    InboundGone,
    InboundHeard,
    InboundItem,
    InboundMessage,
    InboundPreference,
    InboundStatus,
    Report,
    Sender,
    Unreadable,
)
from wa_connector.model.message import (
    ByCustomer,
    BySystem,
    ByUser,
    Message,
    MessageStatus,
    NoticeKind,
)
from wa_connector.policy.replies import ACCEPT_PAYLOAD, DECLINE_PAYLOAD
from wa_connector.ports.channel import WebhookRequest
from wa_connector.testing.host import CARLS_NUMBER, MemoryHost
from wa_connector.testing.strategies import NOW, addresses, contents, free_form, instants_around, texts

Element = Mapping[str, Any]
"""One element of a webhook of the plain channel."""

SENDERS: Final = ((CARLS_NUMBER,), ("bsuid:one",), ("+4915112345678", "bsuid:two"))
"""Three people: one known by number, one by the provider's id alone, one by both."""
_SPOKEN: Final = ("Hello", "yes", "No", "STOP", "start", "help", "Grüße, 你好", "yess", "")


# --- values -----------------------------------------------------------------------------------------------------------


def messages(now: datetime = NOW) -> st.SearchStrategy[Message]:
    """Messages of a timeline, of every author, content and status; the status need not befit the author."""
    authors = st.one_of(
        st.just(ByCustomer()),
        st.just(ByUser(UserId("ana"))),
        st.builds(BySystem, st.sampled_from(NoticeKind), st.just("cause")),
    )
    ids = st.uuids().map(str)
    return st.builds(
        Message,
        ids.map(MessageId),
        st.just(ConversationId("thread")),
        st.just(CustomerId("carl")),
        st.just(LineId("line")),
        instants_around(now),
        authors,
        contents(),
        st.sampled_from(MessageStatus),
        instants_around(now),
        provider_id=st.none() | ids.map(ProviderId),
    )


def senders() -> st.SearchStrategy[Sender]:
    """People as one payload names them: by one address or several, sometimes by none."""
    return st.builds(Sender, st.lists(addresses(), max_size=3, unique=True).map(tuple), texts(max_size=12))


def inbound(now: datetime = NOW) -> st.SearchStrategy[InboundItem]:
    """What a channel reads out of a webhook: messages, reports, preferences, and what it could not read."""
    provider_ids = st.integers(1, 9).map(lambda number: ProviderId(f"wamid.{number}"))
    at = instants_around(now)
    return st.one_of(
        st.builds(
            InboundMessage,
            provider_ids,
            at,
            senders(),
            free_form(),
            st.none() | provider_ids,
            opens_window=st.booleans(),
        ),
        st.builds(InboundStatus, provider_ids, at, st.sampled_from(Report), recipient=st.none() | senders()),
        st.builds(InboundPreference, provider_ids, at, senders(), st.booleans()),
        st.builds(InboundHeard, provider_ids, at),
        st.builds(InboundGone, provider_ids, at),
        st.builds(Unreadable, texts(), st.just("{}")),
    )


# --- webhooks ---------------------------------------------------------------------------------------------------------


@st.composite
def elements(draw: st.DrawFn, max_size: int = 8, begins_at: datetime = NOW) -> list[Element]:
    """What three customers do, in the order in which they do it; within one second, too. Each has an id of its own."""
    told: list[Element] = []
    host, at = MemoryHost(), begins_at
    for place in range(draw(st.integers(0, max_size))):
        at += timedelta(seconds=draw(st.sampled_from((0, 0, 1, 60, 3600, 86_400))))
        sender = draw(st.sampled_from(SENDERS))
        told.append(host.said(sender=sender, at=at, id=f"in-{place}", **draw(_done())))
    return told


def _done() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.sampled_from(_SPOKEN).map(lambda text: {"text": text}),
        texts().map(lambda text: {"text": text}),
        st.just({"image": "media-1"}),
        st.sampled_from((ACCEPT_PAYLOAD, DECLINE_PAYLOAD, "other")).map(lambda payload: {"tap": [payload, "Title"]}),
        st.sampled_from(("reaction", "system", "poll")).map(lambda kind: {"kind": kind}),
        st.booleans().map(lambda wanted: {"wants_marketing": wanted}),
    )


@st.composite
def deliveries(draw: st.DrawFn, told: Sequence[Element]) -> list[list[Element]]:
    """The same elements as a provider may bring them: each at least once, some again, in any order, bundled anew."""
    again = draw(st.lists(st.sampled_from(told), max_size=len(told))) if told else []
    order = draw(st.permutations([*told, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=3)))
    bounds = [0, *cuts, len(order)]
    return [order[start:end] for start, end in pairwise(bounds) if start < end]


def webhooks(max_size: int = 8, begins_at: datetime = NOW) -> st.SearchStrategy[list[WebhookRequest]]:
    """Signed requests of the plain channel, with what three customers do, repeated, reordered and bundled anew."""
    host = MemoryHost()
    batches = elements(max_size, begins_at).flatmap(deliveries)
    return batches.map(lambda found: [host.webhook(*batch) for batch in found])
