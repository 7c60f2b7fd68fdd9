"""The store of a CSV file."""

import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, final

from attrs import frozen

from wa_connector.errors import Unavailable, UsageError
from wa_connector.model.ids import TenantId, UserId
from wa_connector_contacts.shelf import Entry, FileContacts, Stamp, stamped

_DELIMITERS: Final = (",", ";", "\t", "|")
# Google's export puts several numbers into one cell with " ::: " between them; people use the others.
_BETWEEN_NUMBERS: Final = re.compile(r"\s*(?::::|[;|\n])\s*")


@frozen
class Columns:
    """The header names of a file, compared without regard to case and surrounding blanks.

    ``name``: joined with a blank (a first and a last name). ``numbers``: each may hold several numbers, with ``:::``,
    ``;`` or a line break between them. ``id``, ``owner`` (a user's id; an empty cell is shared by all) and ``locale``
    are not looked for while they are empty here. Every column that is named must be in the file: were a missing owner
    column taken for "shared", everybody would see everything.
    """

    name: tuple[str, ...] = ("name",)
    numbers: tuple[str, ...] = ("number",)
    id: str = ""
    owner: str = ""
    locale: str = ""

    @property
    def all(self) -> tuple[str, ...]:
        """Every column that is named."""
        return tuple(filter(None, (*self.name, *self.numbers, self.id, self.owner, self.locale)))


@final
class CsvContacts(FileContacts):
    """The contacts in one CSV file with a header.

    The delimiter (comma, semicolon, tab or bar) is the one under which the header has the columns: a spreadsheet's
    locale decides it, and a sniffer that guesses from the data can be led astray by it. ``encoding`` is for exports
    that are not UTF-8 (``"cp1252"``: Excel's plain CSV in Western Europe). ``region`` and ``clock`` as for
    ``VcardContacts``, and so are the errors.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        tenant: TenantId,
        region: str | None = None,
        columns: Columns | None = None,
        encoding: str = "utf-8-sig",
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(Path(path), tenant, region, clock)
        self._columns = columns or Columns()
        if not (self._columns.name and self._columns.numbers):
            raise UsageError("Columns needs at least one column for the name and one for the numbers")
        self._encoding = encoding

    def _stamp(self) -> Stamp:
        return (stamped(self._path),)

    def _entries(self) -> Iterable[Entry]:
        try:
            text = self._path.read_text(encoding=self._encoding)
        except (UnicodeError, LookupError):
            raise self._broken(f"is not in {self._encoding}; save it as CSV UTF-8, or pass the `encoding`") from None
        return [self._entry(row, cells) for row, cells in self._rows(text) if any(cells.values())]

    def _rows(self, text: str) -> list[tuple[int, Mapping[str, str]]]:
        """The rows as a spreadsheet counts them, the header being row 1, with the cells by the column's name."""
        delimiter = self._delimiter(text)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            header = [_folded(name) for name in next(reader)]
            # A row that is too short lacks cells, and one that is too long has some that no column names.
            return [(row, dict(zip(header, cells, strict=False))) for row, cells in enumerate(reader, start=2)]
        except csv.Error:
            # `from None`, and no word of the cause: it may quote what stands there.
            why = f"is broken before line {reader.line_num + 1}; open it in a spreadsheet and save it anew"
            raise self._broken(why) from None

    def _delimiter(self, text: str) -> str:
        wanted = {_folded(name) for name in self._columns.all}
        for delimiter in _DELIMITERS:
            try:
                header = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
            except csv.Error:
                continue
            if wanted <= {_folded(name) for name in header}:
                return delimiter
        # Not the header that was found: a file without one begins with somebody's name and number.
        names = ", ".join(f'"{name}"' for name in self._columns.all)
        raise self._broken(f"has no header with the columns {names}; say `columns=Columns(…)`")

    def _broken(self, why: str) -> Unavailable:
        return Unavailable(f"the contacts in {self._path} cannot be read: the file {why}")

    def _entry(self, row: int, cells: Mapping[str, str]) -> Entry:
        def cell(name: str) -> str:
            return " ".join(cells.get(_folded(name), "").split()) if name else ""

        typed = (cells.get(_folded(name), "") for name in self._columns.numbers)
        numbers = (each.strip() for cell_ in typed for each in _BETWEEN_NUMBERS.split(cell_))
        owner = cell(self._columns.owner)
        return Entry(
            str(self._path),
            f"row {row}",
            " ".join(filter(None, map(cell, self._columns.name))),
            tuple(dict.fromkeys(filter(None, numbers))),
            id=cell(self._columns.id),
            owner=UserId(owner) if owner else None,
            locale=cell(self._columns.locale),
        )


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
