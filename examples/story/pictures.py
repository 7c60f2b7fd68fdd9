"""Two real pictures, made here, so that the story needs no files: a colourful PNG and a JPEG of grey squares.

Any viewer opens them. The JPEG is the smallest that the standard (ITU-T T.81) allows for: of each 8×8 block only the
mean is coded, and the rest is "end of block".
"""

import struct
import zlib
from collections.abc import Callable, Sequence


def png(width: int, height: int, pixel: Callable[[int, int], tuple[int, int, int]]) -> bytes:
    """A PNG of 8-bit RGB; ``pixel(x, y)`` gives each colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(part for x in range(width) for part in pixel(x, y)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg(squares: Sequence[Sequence[int]]) -> bytes:
    """A greyscale JPEG; each number, 0 to 255, is the shade of a square of 8×8 pixels."""

    def segment(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data

    size = struct.pack(">HH", 8 * len(squares), 8 * len(squares[0]))
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            segment(0xDB, b"\0" + bytes([8] * 64)),  # the mean of a block is coded eightfold: divided by 8, a shade
            segment(0xC0, b"\x08" + size + b"\x01\x01\x11\0"),
            segment(0xC4, b"\0" + bytes([0, 0, 0, 9, *[0] * 12]) + bytes(range(9))),  # nine codes of four bits
            segment(0xC4, b"\x10" + bytes([1, *[0] * 15]) + b"\0"),  # one code, of one bit: end of block
            segment(0xDA, b"\x01\x01\0\0\x3f\0"),
            _scan([shade for row in squares for shade in row]),
            b"\xff\xd9",
        )
    )


def _scan(shades: Sequence[int]) -> bytes:
    """Each square as its difference to the one before: how many bits it has, those bits, end of block."""
    bits, before = "", 128
    for shade in shades:
        step = shade - before
        length = abs(step).bit_length()
        # A negative number is written as the complement of its bits.
        value = step if step >= 0 else step + (1 << length) - 1
        bits += f"{length:04b}" + (f"{value:0{length}b}" if length else "") + "0"
        before = shade
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return data.replace(b"\xff", b"\xff\0")  # in a scan, 0xFF begins a marker


SUNSET = png(64, 48, lambda x, y: (255 - y, 120 + 2 * (48 - y), 3 * x))
"""What Ana sends."""
CHESSBOARD = jpeg([[230 if (row + column) % 2 else 40 for column in range(8)] for row in range(8)])
"""What the customer sends."""
