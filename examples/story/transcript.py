"""What a performance of the story leaves behind: values, for whoever prints or compares them."""

from typing import TypeAlias

from attrs import frozen


@frozen
class Did:
    """Somebody did something."""

    who: str
    what: str


@frozen
class Ruled:
    """The SDK's verdict on something, with its reason."""

    subject: str
    allowed: bool
    reason: str
    sentence: str
    remedies: tuple[str, ...] = ()
    billed: bool = False


@frozen
class Seen:
    """An effect that was expected, and was seen."""

    what: str


@frozen
class Entry:
    """A line of the stored conversation. When it was said is not part of what two performances have in common."""

    author: str
    text: str
    status: str
    at: str = ""


@frozen
class Stored:
    """The conversation as the host has stored it, oldest first."""

    entries: tuple[Entry, ...]


Line: TypeAlias = Did | Ruled | Seen | Stored


@frozen
class Scene:
    """One step, played."""

    number: int
    title: str
    lines: tuple[Line, ...]


class StoryFailed(Exception):
    """A step went otherwise than the story says."""

    def __init__(self, step: str, what: str, expected: object, got: object) -> None:
        super().__init__(step, what, expected, got)
        self.step = step
        self.what = what
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"{self.step}: {self.what}: expected {self.expected!r}, got {self.got!r}"
