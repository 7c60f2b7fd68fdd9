"""What plugins keep in the host's storage for themselves: small texts under names of their own.

Theory: a receiver must not lose what it has acknowledged (the first part of a long message, say), and processes must
agree on who holds what there is only one of. For both it is enough to read a text with its version, and to replace the
one that was read and no other.
"""

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

from wa_connector.model.ids import TenantId
from wa_connector.ports.rows import MEMO
from wa_connector.ports.storage import Change, Committed, Put, Scan
from wa_connector.shell.ports import Ports

_PAGE: Final = 500


@frozen
class Memo:
    """A text and its version, which every write moves; 0 and '' where there is none."""

    text: str = field(default="", repr=False)
    version: int = 0


async def memo(ports: Ports, tenant: TenantId, owner: str, name: str) -> Memo:
    key = MEMO.of(tenant, owner, name)
    row = (await ports.storage.load([key])).rows[key]
    return Memo(row.value or "", row.version if row.value is not None else 0)


async def memos(ports: Ports, tenant: TenantId, owner: str) -> Mapping[str, Memo]:
    found: dict[str, Memo] = {}
    scan: Scan | None = Scan(MEMO.name, "key", (tenant, owner), _PAGE)
    while scan is not None:
        page = await ports.storage.scan(scan)
        found.update((str(key.parts[2]), Memo(row.value, row.version)) for key, row in page.rows)
        scan = Scan(MEMO.name, "key", (tenant, owner), _PAGE, page.next) if page.next else None
    return found


async def keep_memo(ports: Ports, tenant: TenantId, owner: str, name: str, text: str, version: int) -> bool:
    key = MEMO.of(tenant, owner, name)
    put, delete = ((Put(key, text),), ()) if text else ((), (key,))
    if not text and not version:
        return not (await memo(ports, tenant, owner, name)).version
    change = Change(tenant, ports.clock(), reads={key: version}, puts=put, deletes=delete)
    (outcome,) = await ports.storage.commit([change])
    return isinstance(outcome, Committed)
