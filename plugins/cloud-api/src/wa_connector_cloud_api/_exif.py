"""Whether a JPEG tells where it was taken.

Rules of this file: bytes in, an answer out; never raises, whatever the bytes. Only the first directory of the EXIF
block is read: a position stands behind its entry 0x8825 (GPS).

Source: JEITA CP-3451 (Exif 2.32), 4.6.3; TIFF 6.0, section 2.
"""

import struct
from typing import Final

_EXIF: Final = b"Exif\0\0"
_GPS: Final = 0x8825
_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}


def tells_position(jpeg: bytes) -> bool:
    """Whether the picture's EXIF block has a position (GPS)."""
    at = 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF and jpeg[at + 1] not in (0xDA, 0xD9):
        length = int.from_bytes(jpeg[at + 2 : at + 4])
        if jpeg[at + 1] == 0xE1 and jpeg.startswith(_EXIF, at + 4) and _has_gps(jpeg[at + 10 : at + 2 + length]):
            return True
        # A length counts itself; one that does not would keep us here for ever.
        at += 2 + max(length, 2)
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
