"""Cutting long text messages: against smpplib 2.2.4, which most Python programs that speak SMPP use for it."""

import random

from measuring import each_us, in_turn, median, ratio, report
from smpplib import gsm
from wa_connector_sms import segments

WORDS = [
    "Your",
    "order",
    "is",
    "on",
    "its",
    "way",
    "and",
    "will",
    "be",
    "with",
    "you",
    "on",
    "Monday",
    "between",
    "nine",
    "and",
    "ten,",
    "thank",
    "you",
]
ALSO = ["Grüße", "été", "Ç", "£5", "ok?"]
"""Characters of the default alphabet that are none of ASCII; none that smpplib has in a wrong place, and no escapes, which
it cuts in two."""


def texts(words: list[str], length: int, seed: int) -> list[str]:
    """Different ones: nobody sends the same twice."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(words, k=length // 4))[:length] for _ in range(200)]


def main() -> None:
    cases = {
        "GSM text of 160": (WORDS + ALSO, 160, 10),
        "GSM text of 500": (WORDS + ALSO, 500, 10),
        "GSM text of 2,000": (WORDS + ALSO, 2000, 10),
        "UCS-2 text of 500": ([*WORDS, "日本語", "привет"], 500, None),
    }
    for name, (words, length, at_least) in cases.items():
        written = texts(words, length, seed=length)
        assert all(len(gsm.make_parts(text)[0]) == len(segments(text)) for text in written)
        rounds = in_turn(
            9,
            {
                "ours": lambda _, w=written: each_us(segments, w),  # type: ignore[misc]
                "theirs": lambda _, w=written: each_us(gsm.make_parts, w),  # type: ignore[misc]
            },
        )
        ours, theirs = rounds["ours"], rounds["theirs"]
        faster = ratio(theirs, ours)
        report(f"cut a {name}", median(ours), "us", baseline=median(theirs), ratio=faster, at_least=at_least)


main()
