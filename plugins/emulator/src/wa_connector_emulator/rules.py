"""Meta's rules of time and quantity, as pure functions.

Rules of this file: no state, no I/O; what was known and what time it is come in, the answer goes
out. All intervals are half-open: at exactly 24 h after the customer's message the window is
closed, at exactly five minutes a download address is dead.

Sources: developers.facebook.com, send messages, throughput and pricing (read 2026-09-11); the
pricing page's update of late September 2026.
"""

from datetime import UTC, datetime, timedelta

import attrs

from .values import Content, Json

WINDOW = timedelta(hours=24)
FREE_ENTRY = timedelta(hours=72)
MEDIA_URL_LIFE = timedelta(minutes=5)
UPLOADED_MEDIA_LIFE = timedelta(days=30)
INBOUND_MEDIA_LIFE = timedelta(days=7)
NAME_LOCK = timedelta(days=30)
RETRY_FOR = timedelta(days=7)
MARK_READ_WITHIN = timedelta(days=30)
REACT_WITHIN = timedelta(days=30)

PAIR_BURST = 45
PAIR_EVERY = timedelta(seconds=6)
SERVICE_BILLED_SINCE = datetime(2026, 10, 1, tzinfo=UTC)


def is_window_open(last_heard_at: datetime | None, now: datetime) -> bool:
    """Whether free-form messages may be sent: in [last message, last message + 24 h)."""
    return last_heard_at is not None and now < last_heard_at + WINDOW


@attrs.frozen
class Bucket:
    """A token bucket as it stood at `at`."""

    tokens: float
    at: datetime


def spend(bucket: Bucket | None, now: datetime, *, holds: int, every: timedelta) -> Bucket | None:
    """Take one token from a bucket that `holds` so many and regains one `every` so often.

    None means that there was none to take, and nothing has changed. A missing bucket is a full
    one. Should the clock have been set back, the bucket stands still until time catches up.
    """
    if bucket is None:
        return Bucket(holds - 1, now)
    regained = max(now - bucket.at, timedelta(0)) / every
    tokens = min(float(holds), bucket.tokens + regained)
    return Bucket(tokens - 1, max(now, bucket.at)) if tokens >= 1 else None


def pricing(content: Content, *, is_open: bool, at: datetime, is_free_tier: bool) -> dict[str, object]:
    """The `pricing` block of a status.

    Before October 2026 service messages, and utility templates in an open window, were free; since
    then only the free tier of service messages is. Free entry points are seen to in `sending`.
    """
    was_free = at < SERVICE_BILLED_SINCE and is_open and content.category in ("service", "utility")
    is_free = was_free or (content.category == "service" and is_free_tier)
    return {
        "billable": not is_free,
        "pricing_model": "PMP",
        "type": "free_customer_service" if is_free else "regular",
        "category": content.category,
    }


@attrs.frozen
class MediaKind:
    """What a kind of medium may be, and how large."""

    mime_types: frozenset[str]
    limit: int


_MB = 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."

# Source: developers.facebook.com, Cloud API media (read 2026-09-11).
MEDIA_KINDS = {
    "audio": MediaKind(frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}), 16 * _MB),
    "document": MediaKind(
        frozenset(
            {
                "text/plain",
                "application/pdf",
                "application/msword",
                "application/vnd.ms-excel",
                "application/vnd.ms-powerpoint",
                f"{_OFFICE}wordprocessingml.document",
                f"{_OFFICE}spreadsheetml.sheet",
                f"{_OFFICE}presentationml.presentation",
            }
        ),
        100 * _MB,
    ),
    "image": MediaKind(frozenset({"image/jpeg", "image/png"}), 5 * _MB),
    "sticker": MediaKind(frozenset({"image/webp"}), 500 * 1024),
    "video": MediaKind(frozenset({"video/mp4", "video/3gpp"}), 16 * _MB),
}


def bare_mime(mime_type: str) -> str:
    """`audio/ogg; codecs=opus` → `audio/ogg`."""
    return mime_type.partition(";")[0].strip().lower()


def media_complaint(mime_type: str, size: int) -> str | None:
    """Why a file cannot be uploaded, or None when it can."""
    for name, kind in MEDIA_KINDS.items():
        if bare_mime(mime_type) in kind.mime_types:
            if size <= kind.limit:
                return None
            return f"{size} bytes are too many for {name} media; the limit is {kind.limit}"
    return f"{mime_type!r} is not a supported media type"


def month_of(at: datetime) -> str:
    """The calendar month that the free tier counts in."""
    return at.strftime("%Y-%m")


def unix(at: datetime) -> str:
    """An instant as webhooks write it: whole Unix seconds, as a string."""
    return str(int(at.timestamp()))


def picked(node: Json, fields: str | None) -> dict[str, object]:
    """The node with only the asked-for `fields` (comma-separated); the id is always there."""
    if not fields:
        return dict(node)
    wanted = {"id", *(name.strip() for name in fields.split(","))}
    return {key: value for key, value in node.items() if key in wanted}
