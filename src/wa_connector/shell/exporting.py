"""Compliance export: what was said with a customer, by a user or in a period, as files that somebody else can check.

Theory: a folder with two files a customer (JSON Lines for machines, a transcript for people), the pictures beside them under
their hashes, and a manifest with the SHA-256 of each, which is written last. A file appears under its name whole or not at
all, and a customer whose two files are there is not read again: so an export that was killed goes on where it was. Files are
written by the caller's thread, between two pages.
"""

import hashlib
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Final, assert_never

from attrs import evolve, frozen

from wa_connector.decide.holding import may_keep
from wa_connector.errors import RefusedError, UsageError
from wa_connector.model.consent import Evidence
from wa_connector.model.content import MediaRef, files_of, media_of, text_of
from wa_connector.model.conversation import Conversation
from wa_connector.model.customer import Customer
from wa_connector.model.directory import Seat
from wa_connector.model.ids import CustomerId, TenantId, UserId
from wa_connector.model.message import ByApp, ByCustomer, BySystem, ByUser, Message
from wa_connector.policy.membership import Span
from wa_connector.ports.codec import encode
from wa_connector.ports.rows import CONVERSATION, CUSTOMER
from wa_connector.ports.storage import Scan
from wa_connector.shell.auditing import evidence_of
from wa_connector.shell.ports import Ports

MANIFEST: Final = "manifest.json"
_AT_ONCE: Final = 200


@frozen
class Extent:
    """What is exported: everything of a customer, everything that a user took part in, and of it what lies in
    ``[since_at, until_at)``; None is without a limit."""

    customer: CustomerId | None = None
    user: UserId | None = None
    since_at: datetime | None = None
    until_at: datetime | None = None


@frozen
class Exported:
    """An export that is complete: how many customers and messages it holds, and the SHA-256 of its manifest, which is
    what to note down elsewhere."""

    folder: Path
    customers: int
    messages: int
    manifest: str


async def export(
    ports: Ports, tenant: TenantId, seat: Seat, folder: Path, extent: Extent, told: Callable[[int], object]
) -> Exported:
    """Write an export into a folder, or go on with one that was interrupted there."""
    decision = may_keep(seat)
    if not decision.is_allowed:
        raise RefusedError(decision)
    _begin(folder, tenant, extent)
    count = 0
    async for customer in _customers(ports, tenant, extent):
        await _export_one(ports, tenant, folder, customer, extent)
        count += 1
        told(count)
    return _finish(folder)


def verify_export(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """What is wrong with an export: files that are missing, were changed, or are not its own; empty when nothing is.

    Raises ``UsageError`` for a folder without a manifest: the export was not finished.
    """
    place = Path(folder) / MANIFEST
    if not place.is_file():
        raise UsageError("there is no manifest in this folder: the export was not finished, run it again")
    listed: Mapping[str, str] = json.loads(place.read_text(encoding="utf-8"))["files"]
    there = dict(_digests(Path(folder)))
    missing = (f"missing: {name}" for name in listed if name not in there)
    changed = (f"changed: {name}" for name, digest in listed.items() if there.get(name, digest) != digest)
    added = (f"not of this export: {name}" for name in there if name not in listed)
    return (*missing, *changed, *added)


# --- what is in it ----------------------------------------------------------------------------------------------------


async def _customers(ports: Ports, tenant: TenantId, extent: Extent) -> AsyncIterator[Customer]:
    """Whoever is to be exported; records that were merged come with the one that stands for them."""
    if extent.customer is not None:
        key = CUSTOMER.of(tenant, extent.customer)
        while (record := (await ports.storage.load([key])).rows[key].value) is not None:
            if record.merged_into is None:
                yield record
                return
            key = CUSTOMER.of(tenant, record.merged_into)
        raise UsageError("this tenant has no such customer; find_customer tells who has an address")
    scan = Scan("customer", "key", (tenant,), _AT_ONCE)
    while True:
        page = await ports.storage.scan(scan)
        for _, row in page.rows:
            if row.value.merged_into is None:
                yield row.value
        if page.next is None:
            return
        scan = evolve(scan, after=page.next)


async def _export_one(ports: Ports, tenant: TenantId, folder: Path, customer: Customer, extent: Extent) -> None:
    name = hashlib.sha256(customer.id.encode()).hexdigest()[:32]
    lines_at, page_at = folder / f"{name}.jsonl", folder / f"{name}.html"
    if lines_at.exists() and page_at.exists():
        return
    messages = await _messages(ports, tenant, customer, extent)
    if not messages and extent.customer is None:
        return
    for message in messages:
        for sha256 in files_of(message.content):
            await _copy(ports, tenant, folder / "files" / sha256, sha256)
    lines = [_line("customer", encode(customer, Customer))]
    for each in (customer.id, *customer.merged_from):
        lines += [_line("evidence", encode(entry, Evidence)) for entry in await evidence_of(ports, tenant, each)]
    lines += [_line("message", encode(message, Message)) for message in messages]
    _write(lines_at, ["".join(lines).encode()])
    _write(page_at, [_transcript(customer, messages, folder).encode()])


async def _messages(ports: Ports, tenant: TenantId, customer: Customer, extent: Extent) -> list[Message]:
    """All of one customer's, the earliest first."""
    found: list[Message] = []
    for each in (customer.id, *customer.merged_from):
        scan = Scan("message", "customer", (tenant, each), _AT_ONCE)
        while True:
            page = await ports.storage.scan(scan)
            messages: list[Message] = [row.value for _, row in page.rows if _is_in(row.value, extent)]
            found += await _of_user(ports, tenant, messages, extent.user)
            if page.next is None:
                break
            scan = evolve(scan, after=page.next)
    return sorted(found, key=lambda message: (message.at, message.id))


def _is_in(message: Message, extent: Extent) -> bool:
    begins, ends = extent.since_at, extent.until_at
    return (begins is None or message.at >= begins) and (ends is None or message.at < ends)


async def _of_user(ports: Ports, tenant: TenantId, messages: list[Message], user: UserId | None) -> list[Message]:
    """Those in whose conversation the user took part at that instant."""
    if user is None or not messages:
        return messages
    keys = {message.conversation: CONVERSATION.of(tenant, message.conversation) for message in messages}
    rows = (await ports.storage.load(list(keys.values()))).rows

    def took_part(message: Message) -> bool:
        thread: Conversation = rows[keys[message.conversation]].value
        parts = (Span(part.since_at, part.until_at) for part in thread.participants if part.user == user)
        return message.author == ByUser(user) or any(part.has(message.at) for part in parts)

    return [message for message in messages if took_part(message)]


async def _copy(ports: Ports, tenant: TenantId, place: Path, sha256: str) -> None:
    """A file of the media store beside the transcript; one that is gone is missing there, too."""
    if _is_there(place):
        return
    chunks = await ports.media.read(tenant, MediaRef("", sha256=sha256))
    if chunks is not None:
        _write(place, [chunk async for chunk in chunks])


# --- files ------------------------------------------------------------------------------------------------------------


def _begin(folder: Path, tenant: TenantId, extent: Extent) -> None:
    """Make the folder, or find in it what is to be gone on with. Another export's folder is refused."""
    what = json.dumps({"tenant": tenant, "extent": json.loads(encode(extent, Extent))}, sort_keys=True)
    begun = folder / "export.json"
    if begun.exists() and begun.read_text(encoding="utf-8") != what:
        raise UsageError("the folder holds another export; name one of its own")
    if not begun.exists() and folder.exists() and any(folder.iterdir()):
        raise UsageError("the folder is not empty, and holds no export; name one of its own")
    (folder / "files").mkdir(parents=True, exist_ok=True)
    _write(begun, [what.encode()])


def _finish(folder: Path) -> Exported:
    (folder / MANIFEST).unlink(missing_ok=True)
    digests = dict(_digests(folder))
    text = json.dumps({"files": digests}, indent=1, sort_keys=True).encode()
    _write(folder / MANIFEST, [text])
    lines = [name for name in digests if name.endswith(".jsonl")]
    messages = sum((folder / name).read_bytes().count(b'{"kind":"message"') for name in lines)
    return Exported(folder, len(lines), messages, hashlib.sha256(text).hexdigest())


def _digests(folder: Path) -> Iterable[tuple[str, str]]:
    for place in sorted(folder.rglob("*")):
        if place.is_file() and place.name != MANIFEST and not place.name.endswith(".part"):
            yield place.relative_to(folder).as_posix(), hashlib.sha256(place.read_bytes()).hexdigest()


def _write(place: Path, chunks: Iterable[bytes]) -> None:
    """A file whole or not at all, readable by its owner alone."""
    part = place.with_name(f"{place.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(chunks)
        file.flush()
        os.fsync(descriptor)
    part.replace(place)


def _is_there(place: Path) -> bool:
    return place.exists()


def _line(kind: str, payload: str) -> str:
    return f'{{"kind":"{kind}","value":{payload}}}\n'


# --- the transcript ---------------------------------------------------------------------------------------------------

_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "ol{list-style:none;padding:0}li{border-left:.25rem solid #767676;padding:.25rem 1rem;margin:1rem 0}"
    "li.in{border-color:#0b6e3a}time{color:#595959}img{max-width:100%;height:auto}p{white-space:pre-wrap;margin:.25rem 0}"
)


def _transcript(customer: Customer, messages: Iterable[Message], folder: Path) -> str:
    """A page that a browser and a screen reader can read without anything else. All that people wrote is escaped."""
    name = escape(customer.name or customer.id)
    addresses = escape(", ".join(address.value for address in customer.addresses))
    entries = "\n".join(_entry(message, customer, folder) for message in messages)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Transcript: {name}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file: data:; style-src"
        f" 'unsafe-inline'\">\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Transcript: {name}</h1>\n"
        f"<p>Known by: {addresses}</p>\n<ol>\n{entries}\n</ol>\n</main>\n</body>\n</html>\n"
    )


def _entry(message: Message, customer: Customer, folder: Path) -> str:
    who = escape(_author(message, customer))
    at = message.at.isoformat()
    words = escape(text_of(message.content))
    kind = escape(type(message.content).__name__)
    said = f"<p>{words}</p>" if words else ""
    side = "in" if message.is_inbound else "out"
    return (
        f'<li class="{side}"><strong>{who}</strong> <time datetime="{at}">{at[:19].replace("T", " ")} UTC</time>'
        f" <span>({kind}, {escape(message.status.value)})</span>{said}{_pictures(message, folder)}</li>"
    )


def _author(message: Message, customer: Customer) -> str:
    match message.author:
        case ByCustomer():
            return customer.name or "Customer"
        case ByUser(user):
            return str(user)
        case ByApp():
            return "The business, in the provider's app"
        case BySystem():
            return "System"
        case _:
            assert_never(message.author)


def _pictures(message: Message, folder: Path) -> str:
    media, shown = media_of(message.content), []
    is_picture = media is not None and media.mime_type.startswith("image/") and "svg" not in media.mime_type
    for sha256 in files_of(message.content):
        if not (folder / "files" / sha256).exists():
            shown.append("<p>(a file that is no longer kept)</p>")
        elif is_picture:
            shown.append(
                f'<img src="files/{sha256}" alt="Picture, {escape(text_of(message.content)) or "no caption"}">'
            )
        else:
            shown.append(f'<p><a href="files/{sha256}">Attached file</a></p>')
    return "".join(shown)
