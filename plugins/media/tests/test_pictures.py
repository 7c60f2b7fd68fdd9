"""Pictures as telephones' cameras make them: what comes out can be sent, looks the same way up and tells no position."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from io import BytesIO

import pluggy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pillow_heif import from_pillow
from wa_connector_media import MediaPlugin, ObjectMediaPlugin, PictureConverter, PicturePlugin, pictures

from wa_connector.model.capability import MediaLimits
from wa_connector.ports import hooks
from wa_connector.ports.media import Converted, NotConverted

WHATSAPP = MediaLimits(frozenset({"image/jpeg", "image/png"}), 5 * 1024 * 1024)
SMALL = MediaLimits(frozenset({"image/jpeg"}), 20_000)
GPS, ORIENTATION, MAKER = 0x8825, 0x0112, 0x010F
PLACE = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
RED, BLUE = (200, 30, 30), (30, 30, 200)


def halves(width: int = 120, height: int = 80, mode: str = "RGB") -> Image.Image:
    """Red above, blue below."""
    made = Image.new("RGB", (width, height), BLUE)
    made.paste(RED, (0, 0, width, height // 2))
    return made.convert(mode)


def exif(orientation: int = 1, *, place: bool = True) -> bytes:
    block = Image.Exif()
    block[MAKER], block[ORIENTATION] = "Ana's telephone", orientation
    if place:
        block[GPS] = PLACE
    return block.tobytes()


def heic(picture: Image.Image, block: bytes | None = None) -> bytes:
    out = BytesIO()
    from_pillow(picture).save(out, quality=80, exif=block or exif(place=False))
    return out.getvalue()


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def shown(content: bytes) -> Image.Image:
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


def made(content: bytes, mime_type: str = "", limits: MediaLimits = WHATSAPP) -> Image.Image:
    """What the converter made of it: a JPEG with no metadata, within the limits."""
    outcome = PictureConverter().convert(content, mime_type, limits)
    assert isinstance(outcome, Converted)
    assert outcome.mime_type == "image/jpeg"
    assert len(outcome.content) <= limits.max_bytes
    for trace in (b"Exif", b"Ana's", b"GPS", b"http://ns.adobe.com"):
        assert trace not in outcome.content
    assert PictureConverter().convert(content, mime_type, limits) == outcome
    picture = shown(outcome.content)
    assert (picture.format, dict(picture.getexif())) == ("JPEG", {})
    return picture


def is_like(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(have - want) < 25 for have, want in zip(pixel, colour, strict=True))


def test_an_iphones_picture_becomes_a_jpeg_without_its_position() -> None:
    original = heic(halves(), exif())
    assert original[8:12] == b"heic"
    picture = made(original, "image/heic")
    assert picture.size == (120, 80)
    assert is_like(picture.getpixel((60, 10)), RED)
    assert is_like(picture.getpixel((60, 70)), BLUE)


@pytest.mark.parametrize("make", [heic, lambda p, e: saved(p, "JPEG", exif=e)], ids=["heic", "jpeg"])
def test_a_picture_that_was_held_sideways_stands_upright(make: Callable[[Image.Image, bytes], bytes]) -> None:
    """The position goes, and with it the word on how the picture is to be turned: so it is turned."""
    turned = halves().transpose(Image.Transpose.ROTATE_90)
    picture = made(make(turned, exif(6)), "")
    assert picture.size == (120, 80)
    assert is_like(picture.getpixel((60, 10)), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_position_goes_and_a_picture_without_one_is_left_alone(kind: str) -> None:
    declared = f"image/{kind.lower()}"
    made(saved(halves(), kind, exif=exif()), declared)
    for fitting in (saved(halves(), kind), saved(halves(), kind, exif=exif(place=False))):
        assert PictureConverter().convert(fitting, declared, WHATSAPP) is None


def test_a_position_that_is_told_in_words_goes_as_well() -> None:
    words = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>52,31N</exif:GPSLatitude></x:xmpmeta>'
    made(saved(halves(), "JPEG", xmp=words), "image/jpeg")


def test_a_large_picture_becomes_a_smaller_one() -> None:
    noise = Image.effect_noise((900, 600), 90).convert("RGB")
    picture = made(saved(noise, "JPEG", quality=95), "image/jpeg", SMALL)
    assert picture.size[0] < 900
    assert abs(picture.size[0] / picture.size[1] - 1.5) < 0.02


def test_what_cannot_be_made_small_enough_is_refused_with_the_remedy() -> None:
    tiny = MediaLimits(frozenset({"image/jpeg"}), 100)
    assert PictureConverter().convert(heic(halves()), "image/heic", tiny) == NotConverted(
        "The picture cannot be made small enough. Send a smaller one."
    )


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (saved(halves(), "TIFF"), "image/tiff"),
        (saved(halves(), "BMP"), "image/bmp"),
        (saved(halves(), "WEBP"), "image/webp"),
        (saved(halves(mode="CMYK"), "TIFF"), "image/tiff"),
        (saved(Image.new("I;16", (20, 20), 40_000), "PNG"), "image/png"),
        (saved(halves(), "JPEG"), "application/octet-stream"),
    ],
    ids=["tiff", "bmp", "webp", "cmyk", "16 bit", "misnamed"],
)
def test_other_still_pictures_become_jpegs(content: bytes, declared: str) -> None:
    made(content, declared)


def test_what_shines_through_is_white() -> None:
    see_through = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture = made(saved(see_through, "WEBP", lossless=True), "image/webp")
    assert is_like(picture.getpixel((5, 5)), (255, 255, 255))


def test_colours_keep_their_profile() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = made(saved(halves(), "JPEG", exif=exif(), icc_profile=profile), "image/jpeg")
    assert picture.info["icc_profile"] == profile


@pytest.mark.parametrize(
    "content",
    [b"", b"%PDF-1.7", b"GIF89a....", b"OggS", b"\0\0\0\x18ftypmp42", saved(halves(), "GIF")],
)
def test_what_is_no_still_picture_is_left_alone(content: bytes) -> None:
    assert PictureConverter().convert(content, "image/gif", WHATSAPP) is None


def test_what_moves_is_left_alone() -> None:
    """A still of it would be another message."""
    moving = saved(halves(), "WEBP", save_all=True, append_images=[halves().rotate(90)])
    assert PictureConverter().convert(moving, "image/webp", WHATSAPP) is None


def test_nothing_is_made_for_a_channel_that_takes_no_jpeg() -> None:
    assert PictureConverter().convert(heic(halves()), "image/heic", MediaLimits(frozenset({"image/png"}), 9**9)) is None


# --- what is made up to do harm ---------------------------------------------------------------------------------------


def bomb(width: int, height: int) -> bytes:
    """A PNG of many pixels and few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [8_100, 9_700, 60_000])
def test_what_would_unfold_to_gigabytes_is_refused_before_it_is_decoded(side: int) -> None:
    """Over our bound, over the one from which Pillow warns, and over the one from which it raises."""
    outcome = PictureConverter().convert(bomb(side, side), "image/png", WHATSAPP)
    assert outcome == NotConverted("The picture has more than 64 megapixels. Send a smaller one.")


def test_the_bound_holds_for_heic_and_is_the_hosts_to_set() -> None:
    converter = PictureConverter(most_pixels=9_000)
    assert isinstance(converter.convert(heic(halves()), "image/heic", WHATSAPP), NotConverted)
    assert isinstance(converter.convert(heic(halves(100, 80)), "image/heic", WHATSAPP), Converted)


WHOLE = (heic(halves(), exif()), saved(halves(), "JPEG", exif=exif()), saved(halves(), "PNG", exif=exif()))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(WHOLE), st.integers(0, 2000), st.binary(max_size=8))
def test_no_bytes_whatever_break_it(whole: bytes, at: int, change: bytes) -> None:
    """Cut off, or changed somewhere: it is converted, left alone or refused, and nothing is raised."""
    for content in (whole[:at], whole[:at] + change + whole[at + len(change) :]):
        outcome = PictureConverter().convert(content, "", WHATSAPP)
        assert outcome is None or isinstance(outcome, Converted | NotConverted)


def test_a_broken_picture_is_refused_with_the_remedy() -> None:
    assert PictureConverter().convert(heic(halves())[:200], "image/heic", WHATSAPP) == NotConverted(
        "The picture cannot be read. Open it, save it as JPEG and send that."
    )


# --- where the extra is not installed ---------------------------------------------------------------------------------


def test_without_pillow_there_is_no_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PicturePlugin().wa_media_converter() is not None
    monkeypatch.setattr(pictures, "find_spec", lambda _: None)
    assert PicturePlugin().wa_media_converter() is None


def test_without_pillow_heif_the_rest_is_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    refused = PictureConverter().convert(heic_before, "image/heic", WHATSAPP)
    assert refused == NotConverted("HEIC pictures cannot be converted here. Save it as JPEG and send that.")
    assert isinstance(PictureConverter().convert(WHOLE[1], "image/jpeg", WHATSAPP), Converted)


heic_before = WHOLE[0]


def test_pillow_is_loaded_with_the_first_picture_and_learns_nothing_of_heif() -> None:
    """In a fresh process: not with the plugin, and without a change to Pillow's tables, which are the host's."""
    program = (
        "import sys\n"
        "from wa_connector_media import MediaPlugin, PictureConverter\n"
        "from wa_connector.model.capability import MediaLimits\n"
        "assert MediaPlugin('nowhere').wa_media_converter() is not None\n"
        "assert not {'PIL', 'pillow_heif'} & set(sys.modules)\n"
        "content = sys.stdin.buffer.read()\n"
        "PictureConverter().convert(content, 'image/heic', MediaLimits(frozenset({'image/jpeg'}), 10**6))\n"
        "from PIL import Image\n"
        "assert 'HEIF' not in Image.OPEN, sorted(Image.OPEN)\n"
    )
    subprocess.run([sys.executable, "-c", program], input=WHOLE[0], check=True)


@pytest.mark.parametrize("made_plugin", [MediaPlugin("nowhere"), PicturePlugin()])
def test_a_connector_finds_it(made_plugin: object) -> None:
    manager = pluggy.PluginManager("wa_connector")
    manager.add_hookspecs(hooks)
    manager.register(made_plugin)
    assert isinstance(manager.hook.wa_media_converter(), PictureConverter)


def test_both_stores_bring_it() -> None:
    assert issubclass(ObjectMediaPlugin, PicturePlugin)
