"""The store of vCard files."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import final
from urllib.parse import unquote

from wa_connector.errors import Unavailable
from wa_connector.model.ids import TenantId, UserId
from wa_connector_contacts import vcard
from wa_connector_contacts.shelf import Entry, FileContacts, Stamp, stamped


@final
class VcardContacts(FileContacts):
    """The contacts in one ``.vcf`` file of any number of cards, or in a folder of such files.

    In a folder, files directly in it are shared by the tenant. With ``folder_per_user`` each folder inside it holds the
    own contacts of the user whose id is its name (percent-encoded where a file system needs that); without, folders
    inside are not looked into. ``region`` (ISO 3166, as ``"DE"``) is where numbers without a country code are read.
    ``clock`` counts seconds and never goes back; it is there for tests.

    Raises ``Unavailable`` from every question while the files cannot be read, ``UsageError`` for a region that does not
    exist.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        tenant: TenantId,
        region: str | None = None,
        folder_per_user: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(Path(path), tenant, region, clock)
        self._folder_per_user = folder_per_user

    def _files(self) -> Iterator[tuple[Path, UserId | None]]:
        if not self._path.is_dir():
            yield self._path, None
            return
        yield from ((file, None) for file in _cards_in(self._path))
        if self._folder_per_user:
            for folder in sorted(each for each in self._path.iterdir() if each.is_dir()):
                owner = UserId(unquote(folder.name))
                yield from ((file, owner) for file in _cards_in(folder))

    def _stamp(self) -> Stamp:
        return tuple(stamped(file) for file, _ in self._files())

    def _entries(self) -> Iterable[Entry]:
        for file, owner in self._files():
            content = file.read_bytes()
            found = False
            for index, card in enumerate(vcard.cards(content), start=1):
                found = True
                yield Entry(
                    str(file),
                    f"card {index}",
                    card.name,
                    card.numbers,
                    user_ids=card.user_ids,
                    id=card.uid,
                    owner=owner,
                    locale=card.locale,
                    cut_off=not card.whole,
                )
            if content.strip() and not found:
                raise Unavailable(f"{file} holds no vCard; export the address book as vCard (.vcf) again")


def _cards_in(folder: Path) -> list[Path]:
    # "No folder" and not "a file": a link that leads nowhere has to be noticed, not skipped.
    suffixes = {".vcf", ".vcard"}
    return sorted(each for each in folder.iterdir() if each.suffix.lower() in suffixes and not each.is_dir())
