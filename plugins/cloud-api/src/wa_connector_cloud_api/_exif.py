"""Whether a JPEG or a PNG tells where it was taken.

Rules of this file: bytes in, an answer out; never raises, whatever the bytes. Of an EXIF block only the first directory is
read: a position stands behind its entry 0x8825 (GPS). XMP says the same in words.

Source: JEITA CP-3451 (Exif 2.32), 4.6.3; TIFF 6.0, section 2; XMP part 2 (exif:GPSLatitude); PNG third edition, eXIf.
"""

import struct
from typing import Final

_EXIF: Final = b"Exif\0\0"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_IN_WORDS: Final = b"GPSLatitude"
_GPS: Final = 0x8825
_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def tells_position(picture: bytes) -> bool:
    """Whether the picture's metadata has a position."""
    return _png_tells(picture) if picture.startswith(_PNG) else _jpeg_tells(picture)


def _jpeg_tells(jpeg: bytes) -> bool:
    at = 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] not in (0xDA, 0xD9):
        length = int.from_bytes(jpeg[at + 2 : at + 4])
        if jpeg[at + 1] == 0xE1:
            segment = jpeg[at + 4 : at + 2 + length]
            if segment.startswith(_EXIF) and _has_gps(segment[len(_EXIF) :]):
                return True
            if segment.startswith(_XMP) and _IN_WORDS in segment:
                return True
        # A length counts itself; one that does not would keep us here for ever.
        at += 2 + max(length, 2)
    return False


def _png_tells(png: bytes) -> bool:
    at = len(_PNG)
    while at + 8 <= len(png):
        length, kind = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        if kind == b"eXIf" and _has_gps(png[at + 8 : at + 8 + length]):
            return True
        if kind == b"iTXt" and _IN_WORDS in png[at + 8 : at + 8 + length]:
            return True
        at += 12 + length
    return False


def _has_gps(tiff: bytes) -> bool:
    order = _ORDERS.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return False
    start: int = struct.unpack_from(order + "I", tiff, 4)[0]
    if start + 2 > len(tiff):
        return False
    count: int = struct.unpack_from(order + "H", tiff, start)[0]
    entries = range(start + 2, min(start + 2 + 12 * count, len(tiff) - 1), 12)
    return any(struct.unpack_from(order + "H", tiff, entry)[0] == _GPS for entry in entries)
