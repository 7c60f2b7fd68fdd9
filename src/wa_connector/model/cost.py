"""What sending a text would come to, for a message field to show while one types."""

from attrs import field, frozen


@frozen
class Cost:
    """``parts`` is how many messages are paid for, ``left`` how many more characters go into the last of them, and ``used``
    how many the text counts as; a character that is dear counts as two. ``coding`` is the channel's word for how it is
    written on the air, and ``culprits`` are the characters, each once, but for which it would be written a cheaper way."""

    parts: int
    used: int
    left: int
    coding: str
    culprits: tuple[str, ...] = field(default=(), repr=False)
