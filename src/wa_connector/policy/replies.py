"""Reading a reply: what signal, if any, a customer's message gives.

Theory: a tap on a button of an opt-in request carries our own payload and can mean one thing only. Typed words come from
lists, one file a locale under ``words/``, and only a message that *is* such a word counts: "no" is a no, "no problem" is
not. What a word means is not decided here (see ``policy.consent``).
"""

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final

from wa_connector.model.consent import Signal
from wa_connector.model.content import ButtonReply, Content, Text

ACCEPT_PAYLOAD: Final = "wa_connector:opt_in:accept"
DECLINE_PAYLOAD: Final = "wa_connector:opt_in:decline"
"""The payloads of the two buttons of an opt-in request; the request's buttons bring them back."""

HELP: Final = "help"
_BY_NAME: Final[Mapping[str, Signal | str]] = {
    "yes": Signal.YES,
    "no": Signal.NO,
    "stop": Signal.STOP,
    "start": Signal.START,
    "help": HELP,
}
_BY_PAYLOAD: Final[Mapping[str, Signal]] = {ACCEPT_PAYLOAD: Signal.ACCEPTED, DECLINE_PAYLOAD: Signal.DECLINED}
_LONGEST: Final = 40


def read_reply(content: Content) -> Signal | None:
    """The signal in a customer's message; None when it says nothing about consent."""
    if isinstance(content, ButtonReply):
        return _BY_PAYLOAD.get(content.payload) or _word_signal(content.title)
    return _word_signal(content.body) if isinstance(content, Text) else None


def words_of(content: Content) -> str:
    """What the customer wrote or tapped, as text; '' for what has no words."""
    match content:
        case Text(body):
            return body
        case ButtonReply(_, title):
            return title
        case _:
            return ""


def is_near_miss(content: Content) -> bool:
    """Whether a text looks like an answer about consent and is none: a short one that holds one of the words among
    others ("please stop this", "no, who are you?"). It is shown to a person, and never guessed at."""
    if not isinstance(content, Text) or len(content.body) > _LONGEST or _meaning(content.body) is not None:
        return False
    return any(isinstance(_words().get(normalised(word)), Signal) for word in content.body.split())


def asks_for_help(content: Content) -> bool:
    """Whether the customer wrote HELP."""
    return isinstance(content, Text) and _meaning(content.body) == HELP


def _word_signal(text: str) -> Signal | None:
    meaning = _meaning(text)
    return meaning if isinstance(meaning, Signal) else None


def _meaning(text: str) -> Signal | str | None:
    return None if len(text) > _LONGEST else _words().get(normalised(text))


def normalised(text: str) -> str:
    """The text as it is compared: compatibility-decomposed, case-folded, without accents, without punctuation or emoji
    around it, with single spaces and plain apostrophes.

    Vowel signs are no accents: in the scripts of India they are letters, and another one is another word.
    """
    decomposed = unicodedata.normalize("NFKD", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")).casefold()
    plain = "".join(character for character in decomposed if not _is_decoration(character))
    around = "".join(character for character in set(plain) if unicodedata.category(character)[0] not in "LMN")
    return " ".join(plain.strip(around).split())


def _is_decoration(character: str) -> bool:
    """Whether it is an accent (classes up to 9 are parts of letters, such as the virama) or asks for a colour emoji."""
    return (
        unicodedata.combining(character) > 9 or "\N{VARIATION SELECTOR-1}" <= character <= "\N{VARIATION SELECTOR-16}"
    )


@cache
def _words() -> Mapping[str, Signal | str]:
    """Every word of every locale; a word that two meanings claim belongs to the safer one (see ``words/README``)."""
    from importlib import resources  # a fifth of what importing the whole engine would take

    known: dict[str, Signal | str] = {}
    for file in sorted(resources.files("wa_connector.policy").joinpath("words").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".txt"):
            _read(file.read_text(encoding="utf-8"), known)
    return known


_SAFETY: Final = (HELP, Signal.START, Signal.YES, Signal.NO, Signal.STOP)


def _read(text: str, known: dict[str, Signal | str]) -> None:
    for line in text.splitlines():
        name, _, words = line.partition(":")
        meaning = _BY_NAME.get(name.strip())
        if meaning is None:
            continue
        for word in filter(None, map(normalised, words.split(","))):
            if word not in known or _SAFETY.index(meaning) > _SAFETY.index(known[word]):
                known[word] = meaning
