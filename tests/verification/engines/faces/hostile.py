"""Files that hurt a program that opens them without care, made from one portrait; each with the
code it must be refused with.

Usage: python -m tests.verification.engines.faces.hostile PORTRAIT FOLDER     writes them, to look
    at.
"""

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

ORIENTATION = 0x0112  # EXIF tag
_BEFORE_THE_PIXELS = b"\x08\x02\x00\x00\x00"  # of a PNG header: 8 bits, RGB, no interlace
_WIDTHS = 2.9  # of its face, that the portrait is wide
Hostile = tuple[str, bytes, str]
"""Name, bytes, and the code of the refusal; empty where the file must be read as it is meant."""


def every(portrait: Image.Image) -> Iterator[Hostile]:
    """All of them."""
    for group in (
        _bombs,
        _wrong_kinds,
        _broken,
        _polyglots,
        _odd_colours,
        _orientations,
        _faces,
        _poor,
    ):
        yield from group(portrait)


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The image as a file."""
    kept = io.BytesIO()
    image.save(kept, kind, **options)
    return kept.getvalue()


def _bombs(portrait: Image.Image) -> Iterator[Hostile]:
    too_large = "face_image_too_large"
    yield "flat_169_mpx.png", saved(Image.new("1", (13_000, 13_000)), "PNG"), too_large
    yield "flat_26_mpx.jpg", saved(Image.new("L", (5100, 5100)), quality=1), too_large
    yield "announces_60000.png", _png(60_000, 60_000, b""), too_large
    yield "announces_2_31.png", _png(2**31 - 1, 2**31 - 1, b""), too_large
    yield "announces_65500.jpg", _jpeg_of_size(saved(portrait), 65_500), too_large
    yield "eleven_megabytes.jpg", saved(portrait) + bytes(11 * 2**20), too_large
    # Within 25 megapixels, and 2 s of decoding: each row costs as well.
    yield (
        "one_wide_25_mpx.png",
        _png(1, 25_000_000, zlib.compress(bytes(4 * 25_000_000), 9)),
        too_large,
    )
    yield (
        "one_high_25_mpx.png",
        _png(25_000_000, 1, zlib.compress(bytes(3 * 25_000_000 + 1), 9)),
        too_large,
    )
    progressive = saved(portrait, progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    yield "forty_more_scans.jpg", progressive[:-2] + scan * 40 + progressive[-2:], ""
    yield "hundreds_of_scans.jpg", progressive[:-2] + scan * 300 + progressive[-2:], too_large
    # Few pixels, and a text that unfolds to 100 MB.
    text = _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(100_000_000), 9))
    whole = saved(portrait.resize((300, 400)), "PNG")
    yield "text_of_100_mb.png", whole[:33] + text + whole[33:], "face_image_malformed"
    yield (
        "pixels_of_100_mb.png",
        _png(100, 100, zlib.compress(bytes(100_000_000), 9)),
        "face_not_found",
    )


def _wrong_kinds(portrait: Image.Image) -> Iterator[Hostile]:
    small, malformed = portrait.resize((200, 250)), "face_image_malformed"
    for kind in ("GIF", "BMP", "TIFF", "WEBP", "PDF", "EPS", "PPM"):
        yield f"{kind.lower()}.jpg", saved(small, kind), malformed
    yield (
        "svg.jpg",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        malformed,
    )
    yield "html.png", b"<html><script>alert(1)</script></html>", malformed
    yield "empty.jpg", b"", malformed
    yield "zeros.png", bytes(5000), malformed
    yield "png_named.jpg", saved(portrait, "PNG"), ""
    yield "jpeg_named.png", saved(portrait), ""


def _broken(portrait: Image.Image) -> Iterator[Hostile]:
    jpeg, png, malformed = (
        saved(portrait),
        saved(portrait.resize((200, 250)), "PNG"),
        "face_image_malformed",
    )
    yield "cut_in_half.jpg", jpeg[: len(jpeg) // 2], malformed
    yield "cut_in_half.png", png[: len(png) // 2], malformed
    # A decoder cannot tell it from a picture whose lower half is grey: what is seen of the face is
    # compared.
    yield "cut_and_ended.jpg", jpeg[: len(jpeg) * 3 // 4] + b"\xff\xd9", ""
    yield "magic_alone.jpg", b"\xff\xd8\xff", malformed
    yield "magic_alone.png", png[:8], malformed
    yield "wrong_checksum.png", png[:40] + bytes([png[40] ^ 1]) + png[41:], malformed
    yield "no_tables.jpg", jpeg.replace(b"\xff\xdb", b"\xff\xfe"), malformed
    yield "segment_of_no_length.jpg", jpeg[:2] + b"\xff\xe1\x00\x00" + jpeg[2:], malformed
    yield "exif_is_noise.jpg", _with_exif(jpeg, b"Exif\0\0" + bytes(range(256)) * 20), ""


def _polyglots(portrait: Image.Image) -> Iterator[Hostile]:
    jpeg, png, malformed = (
        saved(portrait),
        saved(portrait.resize((200, 250)), "PNG"),
        "face_image_malformed",
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("a.sh", "rm -rf /")
    yield "jpeg_and_zip.jpg", jpeg + archive.getvalue(), malformed
    yield "jpeg_and_zip_that_ends_well.jpg", jpeg + archive.getvalue() + b"\xff\xd9", malformed
    yield "png_and_script.png", png + b"<script>alert(1)</script>", malformed
    yield "two_pictures.jpg", jpeg + jpeg, malformed
    frames = [
        portrait.resize((200, 250)),
        portrait.resize((200, 250)).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    ]
    yield (
        "animated.png",
        saved(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        malformed,
    )


def _odd_colours(portrait: Image.Image) -> Iterator[Hostile]:
    deep = np.asarray(portrait.convert("L"), np.uint16) * 257
    yield "16_bit_grey.png", saved(Image.fromarray(deep), "PNG"), "face_image_malformed"
    for mode in ("CMYK", "L"):
        yield f"{mode.lower()}.jpg", saved(portrait.convert(mode), quality=95), ""
    for mode in ("L", "P", "RGBA", "LA"):
        yield f"{mode.lower()}.png", saved(portrait.convert(mode), "PNG"), ""
    yield "black_and_white.png", saved(portrait.convert("1"), "PNG"), ""
    yield "progressive.jpg", saved(portrait, progressive=True), ""


def _orientations(portrait: Image.Image) -> Iterator[Hostile]:
    turned = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    turned |= {6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        back = turned.get(orientation)
        picture = portrait.transpose(Image.Transpose[back]) if back else portrait
        yield f"orientation_{orientation}.jpg", saved(picture, exif=exif, quality=95), ""
    yield (
        "upside_down_unsaid.jpg",
        saved(portrait.transpose(Image.Transpose.ROTATE_180)),
        "face_not_found",
    )


def _faces(portrait: Image.Image) -> Iterator[Hostile]:
    both = Image.new("RGB", (2 * portrait.width, portrait.height))
    both.paste(portrait, (0, 0))
    both.paste(portrait, (portrait.width, 0))
    yield "two_faces.jpg", saved(both), "multiple_faces"
    beside = Image.new("RGB", (portrait.width, portrait.height + 300))
    beside.paste(portrait, (0, 0))
    beside.paste(portrait.resize((240, 300)), (0, portrait.height))
    yield "a_small_face_below.jpg", saved(beside), ""
    yield (
        "no_face.jpg",
        saved(Image.linear_gradient("L").resize((640, 480)).convert("RGB")),
        "face_not_found",
    )
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    yield "noise.png", saved(Image.fromarray(noise), "PNG"), "face_not_found"
    yield "one_pixel.png", saved(portrait.resize((1, 1)), "PNG"), "face_not_found"
    yield "a_line.png", saved(portrait.resize((20_000, 1)), "PNG"), "face_image_too_large"
    yield "a_stripe.jpg", saved(portrait.resize((900, 100))), "face_image_too_large"
    yield "an_allowed_stripe.jpg", saved(portrait.resize((640, 80))), "face_not_found"
    for pixels, code in ((20, "face_not_found"), (36, "face_too_small")):
        small = Image.new("RGB", (480, 480), (90, 110, 90))
        width = round(pixels * _WIDTHS)
        small.paste(
            portrait.resize((width, round(width * portrait.height / portrait.width))), (100, 100)
        )
        yield f"face_of_{pixels}_px.jpg", saved(small, quality=95), code


def _poor(portrait: Image.Image) -> Iterator[Hostile]:
    yield (
        "a_fifth_of_the_light.png",
        saved(portrait.point(lambda value: value * 0.16), "PNG"),
        "face_too_dark",
    )
    yield (
        "three_times_the_light.jpg",
        saved(portrait.point(lambda value: min(255, value * 3.0))),
        "face_too_bright",
    )
    pale = portrait.point(lambda value: 127 + (value - 127) * 0.1)
    yield "a_tenth_of_the_contrast.png", saved(pale, "PNG"), "face_without_contrast"
    yield "blurred.jpg", saved(portrait.filter(ImageFilter.GaussianBlur(2))), ""


def _png(width: int, height: int, pixels: bytes) -> bytes:
    header = struct.pack(">II", width, height) + _BEFORE_THE_PIXELS
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", pixels), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def _jpeg_of_size(jpeg: bytes, side: int) -> bytes:
    at = jpeg.index(b"\xff\xc0")
    return jpeg[: at + 5] + struct.pack(">HH", side, side) + jpeg[at + 9 :]


def _with_exif(jpeg: bytes, content: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


if __name__ == "__main__":
    for name, content, _ in every(Image.open(sys.argv[1]).convert("RGB")):
        (Path(sys.argv[2]) / name).write_bytes(content)
