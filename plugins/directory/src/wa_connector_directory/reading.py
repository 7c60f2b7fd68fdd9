"""Reading TOML tables so that every mistake is found at once.

Rules of this file: a reader never raises. It notes the mistake with the path to it and goes on with a stand-in, so that
one start of the host shows the admin all that there is to correct. A text's stand-in is the empty text, which no reader
accepts as a value: whoever looks a reference up skips an empty one, and one mistake is told once. No message repeats
what stands where a secret might have been pasted: only names (of keys, and of things that refer to each other) are
quoted back.
"""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, final

LONGEST_NAME: Final = 256
_SHOWN: Final = 8
_KINDS: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a table",
}


def kind_of(value: object) -> str:
    """What a TOML value is, in an admin's words."""
    return _KINDS.get(type(value), "a date or time")


def quoted(name: str) -> str:
    """A name as it would stand in the file, shortened when somebody pasted a novel."""
    return json.dumps(name if len(name) <= 60 else name[:59] + "…", ensure_ascii=False)


def suggestion(name: str, known: Iterable[str]) -> str:
    """``; did you mean "x"?``, or ``; known: a, b`` when nothing is close."""
    names = list(dict.fromkeys(known))
    if close := difflib.get_close_matches(name[:LONGEST_NAME], names, n=1):
        return f"; did you mean {quoted(close[0])}?"
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"; known: {shown or 'none'}"


def joined(path: str, key: str) -> str:
    """The path to ``key`` in the table at ``path``; a key that TOML would want in quotes gets them."""
    bare = key.replace("-", "").replace("_", "").isalnum() and key.isascii()
    return ".".join(filter(None, (path, key if bare else quoted(key))))


@final
class Mistakes:
    """What is wrong with a file, in the order in which it was found."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, path: str, what: str) -> None:
        """Note one mistake: a line of its own, whatever was pasted into the file."""
        self.lines.append(f"{path}: {what}".replace("\n", " "))


@final
class Table:
    """One table being read: keys are taken one by one, and ``close`` notes those that nobody took."""

    def __init__(self, values: Mapping[str, object], path: str, mistakes: Mistakes) -> None:
        self.values = values
        self.path = path
        self.mistakes = mistakes
        self._taken: set[str] = set()

    def at(self, key: str) -> str:
        """The path to ``key`` in this table."""
        return joined(self.path, key)

    def wrong(self, key: str, what: str) -> None:
        """Note a mistake at ``key``."""
        self.mistakes.add(self.at(key), what)

    def take(self, key: str) -> object:
        """The raw value, or None when the key is not there (TOML has no null)."""
        self._taken.add(key)
        return self.values.get(key)

    def has(self, key: str) -> bool:
        """Whether the key is there, whatever its value."""
        return key in self.values

    def word(self, key: str, default: str | None = None) -> str:
        """An id, a name or another text of one line; required unless there is a default."""
        value = self.take(key)
        if value is None:
            if default is None:
                self.wrong(key, "is missing")
            return default or ""
        if not isinstance(value, str):
            self.wrong(key, f"needs a text in quotes, not {kind_of(value)}")
        elif what := _wrong_with_word(value):
            self.wrong(key, what)
        else:
            return value
        return ""

    def count(self, key: str) -> int | None:
        """A whole number from 1 on; None where there is none."""
        value = self.take(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.wrong(key, "needs a whole number from 1 on")
            return None
        return value

    def counts(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers from 1 on; an empty one when it is not there."""
        value = self.take(key)
        if value is None:
            return ()
        if not isinstance(value, list) or any(type(each) is not int or each < 1 for each in value):
            self.wrong(key, "needs a list of whole numbers from 1 on, such as [3, 4]")
            return ()
        return tuple(value)

    def words(self, key: str) -> tuple[str, ...]:
        """A list of ids; an empty one when it is not there."""
        value = self.take(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.wrong(key, f'needs a list as ["a", "b"], not {kind_of(value)}')
            return ()
        found = []
        for index, each in enumerate(value):
            path = f"{self.at(key)}[{index}]"
            if not isinstance(each, str):
                self.mistakes.add(path, f"needs a text in quotes, not {kind_of(each)}")
            elif what := _wrong_with_word(each):
                self.mistakes.add(path, what)
            else:
                found.append(each)
        return tuple(found)

    def flag(self, key: str, default: bool) -> bool:
        """``true`` or ``false``."""
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong(key, f"needs true or false (without quotes), not {kind_of(value)}")
            return default
        return value

    def table(self, key: str) -> "Table":
        """A table inside this one; an empty one when it is not there."""
        value = self.take(key)
        if value is None:
            value = {}
        elif not isinstance(value, dict):
            self.wrong(key, f"needs a table, not {kind_of(value)}")
            value = {}
        return Table(value, self.at(key), self.mistakes)

    def tables(self, key: str) -> Iterator["Table"]:
        """The tables of ``[[key]]``, each with its index, counted from 0, in its path."""
        value = self.take(key)
        if value is None:
            return
        if not isinstance(value, list):
            self.wrong(key, f"needs to be written [[{key}]], once for each; found {kind_of(value)}")
            return
        for index, each in enumerate(value):
            path = f"{self.at(key)}[{index}]"
            if isinstance(each, dict):
                yield Table(each, path, self.mistakes)
            else:
                self.mistakes.add(path, f"needs a table, not {kind_of(each)}")

    def close(self) -> None:
        """Note every key that was not taken."""
        for key in self.values:
            if key not in self._taken:
                self.wrong(key, f"is not known here{suggestion(key, sorted(self._taken))}")


def _wrong_with_word(value: str) -> str:
    if not value:
        return "is empty; write a value, or leave the key out where it may be missing"
    if value != value.strip():
        return "has spaces before or after it"
    if not value.isprintable():
        return "has characters that cannot be printed"
    return f"is longer than {LONGEST_NAME} characters" if len(value) > LONGEST_NAME else ""
