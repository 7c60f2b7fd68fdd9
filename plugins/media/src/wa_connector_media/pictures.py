"""Pictures of telephones' cameras → pictures that a channel takes: JPEG, upright, small enough, without their position.

Rules of this file: bytes in, bytes out; no file, no state, nothing written into Pillow's own tables. Pillow and
pillow-heif are imported when the first picture comes, and never before.

Theory. What is small enough, of a type that is taken and tells no position is left as it is: to write a JPEG anew costs
quality. Everything else is decoded, turned as its orientation says, and written anew with its colour profile and no other
metadata at all, so that whatever else a maker hides in a picture stays behind as well. The size in pixels is looked at
before anything is decoded: a few kilobytes can unfold to gigabytes.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Final, final

from wa_connector.model.capability import MediaLimits
from wa_connector.ports.media import Converted, NotConverted

if TYPE_CHECKING:
    from PIL.Image import Image

JPEG: Final = "image/jpeg"
MOST_PIXELS: Final = 64_000_000
"""More than the 50 megapixels of today's telephones; decoded, some 200 MB."""
_HEIF_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_READ: Final = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
"""Pillow's names of what is read besides HEIF: no decoder of the other forty is ever given a stranger's bytes."""
_TYPES: Final = {"JPEG": JPEG, "MPO": JPEG, "PNG": "image/png", "WEBP": "image/webp"}
"""What may be sent as it is; MPO is a JPEG with more pictures behind it."""
_QUALITIES: Final = (90, 80, 70)
_SMALLEST: Final = 320
"""Pixels of the longer side below which nothing is made smaller."""
_GPS: Final = 0x8825
_UNREADABLE: Final = "The picture cannot be read. Open it, save it as JPEG and send that."


def is_available() -> bool:
    """Whether Pillow is there (extra ``pictures``)."""
    return find_spec("PIL") is not None


@final
class PictureConverter:
    """Implements ``ports.media.MediaConverter`` with Pillow, and with pillow-heif for what iPhones make.

    A conversion of 12 megapixels takes about half a second of one core and 100 MB. ``most_pixels`` bounds both: a picture
    of more is refused before it is decoded.
    """

    __slots__ = ("_most_pixels",)

    def __init__(self, most_pixels: int = MOST_PIXELS) -> None:
        self._most_pixels: Final = most_pixels

    def convert(self, content: bytes, mime_type: str, limits: MediaLimits) -> Converted | NotConverted | None:
        """See the port. What is no still picture is left as it is, and so is one for a channel that takes no JPEG."""
        if JPEG not in limits.mime_types or not _is_picture(content):
            return None
        try:
            return self._convert(content, mime_type, limits)
        except _TooMany as bomb:
            return NotConverted(str(bomb))
        except ImportError:
            return NotConverted("HEIC pictures cannot be converted here. Save it as JPEG and send that.")
        except Exception:  # noqa: BLE001 - decoders meet whatever somebody made up, and break in every way there is
            return NotConverted(_UNREADABLE)

    def _convert(self, content: bytes, mime_type: str, limits: MediaLimits) -> Converted | NotConverted | None:
        with self._opened(content) as picture:
            if getattr(picture, "is_animated", False) and picture.format not in ("MPO", "HEIF"):
                return None  # it moves: a still of it is another message
            if _fits(picture, content, mime_type, limits) and not _tells_position(picture, content):
                return None
            for made in _smaller_and_smaller(_upright(picture)):
                if len(made) <= limits.max_bytes:
                    return Converted(made, JPEG)
        return NotConverted("The picture cannot be made small enough. Send a smaller one.")

    def _opened(self, content: bytes) -> "Image":
        """The picture, its head read and nothing decoded."""
        from PIL import Image

        if _is_heif(content):
            # Not registered with Pillow: that would be for the whole process, which is the host's.
            from pillow_heif import HeifImageFile

            picture: Image.Image = HeifImageFile(BytesIO(content))  # type: ignore[no-untyped-call]  # it has no types
        else:
            try:
                picture = Image.open(BytesIO(content), formats=_READ)
            except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
                # Pillow's own bound, which is the process's; whether it warns or raises is the host's choice.
                raise _TooMany(self._most_pixels) from bomb
        width, height = picture.size
        if width * height > self._most_pixels:
            picture.close()
            raise _TooMany(self._most_pixels)
        return picture


class _TooMany(Exception):
    """A picture of more pixels than are decoded."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The picture has more than {most / 1_000_000:g} megapixels. Send a smaller one.")


def _is_picture(content: bytes) -> bool:
    beginnings = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"BM")
    return content.startswith(beginnings) or content[8:12] == b"WEBP" or _is_heif(content)


def _is_heif(content: bytes) -> bool:
    return content[4:8] == b"ftyp" and content[8:12] in _HEIF_BRANDS


def _fits(picture: "Image", content: bytes, mime_type: str, limits: MediaLimits) -> bool:
    actual = _TYPES.get(picture.format or "", "")
    is_taken = actual in limits.mime_types and (actual != "image/png" or picture.mode in ("RGB", "RGBA", "L", "P", "1"))
    is_declared = mime_type.partition(";")[0].strip().lower() in ("", actual)
    return is_taken and is_declared and len(content) <= limits.max_bytes


def _tells_position(picture: "Image", content: bytes) -> bool:
    """By its EXIF block, or by XMP, where the same is said in words."""
    return bool(picture.getexif().get_ifd(_GPS)) or b"GPSLatitude" in content


def _upright(picture: "Image") -> "Image":
    """Decoded, turned as its orientation says, and without transparency, which a JPEG has not."""
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.has_transparency_data:
        seen = upright.convert("RGBA")
        upright = Image.new("RGBA", seen.size, "white")
        upright.alpha_composite(seen)
    profile = picture.info.get("icc_profile") if picture.mode in ("RGB", "RGBA") else None
    made = upright.convert("RGB")
    made.info = {} if profile is None else {"icc_profile": profile}
    return made


def _smaller_and_smaller(picture: "Image") -> Iterator[bytes]:
    """JPEGs of it: first of lower quality, then of fewer pixels."""
    while True:
        for quality in _QUALITIES:
            yield _jpeg(picture, quality)
        width, height = picture.size
        if max(width, height) <= _SMALLEST:
            return
        profile = picture.info
        picture = picture.resize((max(1, width * 2 // 3), max(1, height * 2 // 3)))
        picture.info = profile


def _jpeg(picture: "Image", quality: int) -> bytes:
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality, icc_profile=picture.info.get("icc_profile"))
    return out.getvalue()
