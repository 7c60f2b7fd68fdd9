"""Text messages for wa_connector: alphabets, parts, and what a text costs.

Everything here is pure: values in, values out, no socket and no clock.
"""

from wa_connector_sms.alphabet import Alphabet, alphabet_of, decode, encode, transliterated
from wa_connector_sms.assembly import Assembly, Header, Part, begun, split_header
from wa_connector_sms.segments import MAX_PARTS, Preview, Segment, preview, segments

__all__ = [
    "MAX_PARTS",
    "Alphabet",
    "Assembly",
    "Header",
    "Part",
    "Preview",
    "Segment",
    "alphabet_of",
    "begun",
    "decode",
    "encode",
    "preview",
    "segments",
    "split_header",
    "transliterated",
]
