"""Which pictures the engine opens, and which it refuses."""

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from PIL.PngImagePlugin import PngInfo

from verification.core.errors import Refused
from verification.engines.faces import policy
from verification.engines.faces.image_gate import ImageLimits, open_draft, open_image, renewed

# Files that hurt a program that opens them without care, made from one portrait; each with the
# code it must be refused with.
#
# Usage: python -m tests.verification.engines.faces.test_hostile_files PORTRAIT FOLDER     writes
# them, to look
#     at.


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
        "face_image_malformed",
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


# Which pictures the engine opens, and which it refuses.


# Files that hurt the careless, judged in a process of little time and memory: each gets its
# code, and none ends it.


_SECONDS, _BYTES = (
    60,
    2 * 2**30,
)  # of processor time; of address space, for the whole process with its libraries
_PEAK = 400 * 2**20  # bytes in memory, at any moment
_PATIENCE = 240  # seconds, on a busy machine
Found = dict[str, str | list[float]]


@pytest.fixture(scope="module")
def files(folder: Path) -> list[Hostile]:
    portrait = Image.open(folder / "biden.jpg").convert("RGB")
    return list(every(portrait.resize((portrait.width // 2, portrait.height // 2))))


@pytest.fixture(scope="module")
def found(files: list[Hostile], models: Path, tmp_path_factory: pytest.TempPathFactory) -> Found:
    place = tmp_path_factory.mktemp("hostile")
    for name, content, _ in files:
        (place / name).write_bytes(content)
    command = [sys.executable, "-m", "tests.verification.engines.faces.judge_files"]
    command += [str(place), str(models), str(_SECONDS), str(_BYTES)]
    done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    told = json.loads(done.stdout)
    assert told["peak_bytes"] < _PEAK
    return dict(told["found"])


@pytest.mark.service
def test_every_hostile_file_gets_its_own_code_and_the_process_lives(
    files: list[Hostile], found: Found
) -> None:
    wanted = {name: code for name, _, code in files}
    assert len(wanted) == len(files) >= 40
    assert {name: "" if isinstance(each, list) else each for name, each in found.items()} == wanted


@pytest.mark.service
def test_a_picture_in_any_of_the_eight_orientations_shows_the_same_face(found: Found) -> None:
    upright = np.array(found["orientation_1.jpg"])
    apart = [
        float(np.linalg.norm(np.array(found[f"orientation_{at}.jpg"]) - upright))
        for at in range(2, 9)
    ]
    assert max(apart) < 0.2


@pytest.mark.service
@pytest.mark.parametrize(
    "name", ["cmyk.jpg", "rgba.png", "png_named.jpg", "progressive.jpg", "l.jpg"]
)
def test_the_kind_of_file_moves_the_face_by_less_than_half_of_the_match_zone(
    found: Found, name: str
) -> None:
    assert float(np.linalg.norm(np.array(found[name]) - np.array(found["jpeg_named.png"]))) < 0.5


# What a reference may be: a whole JPEG or PNG of a bearable size, turned upright; and a picture
# for people, which is made anew.


LIMITS = ImageLimits(max_bytes=200_000, max_pixels=1_000_000)


def gradient(width: int = 160, height: int = 120) -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces this many pixels and has none."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 9) + b"IDAT" + bytes(13)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_whole_picture_opens_as_rgb(kind: str) -> None:
    assert open_image(saved(gradient(), kind), limits=LIMITS).shape == (120, 160, 3)


@pytest.mark.parametrize(
    ("width", "height"),
    [(1, 999), (999, 1), (policy.MOST_RATIO * 30 + 1, 30), (policy.MOST_SIDE + 1, 5000)],
)
def test_sides_and_their_ratio_are_refused_by_the_header_alone(width: int, height: int) -> None:
    with pytest.raises(Refused) as refused:
        open_image(
            png_header(width, height), limits=ImageLimits(max_bytes=200_000, max_pixels=10**9)
        )
    assert refused.value.code == "face_image_too_large"


def test_a_picture_of_the_largest_ratio_opens() -> None:
    width = policy.MOST_RATIO * 30
    assert open_image(saved(gradient(width, 30)), limits=LIMITS).shape == (30, width, 3)


@pytest.mark.parametrize(
    ("kind", "size", "least", "shape", "scale"),
    [
        ("JPEG", (640, 480), 320, (240, 320, 3), 2),
        ("JPEG", (640, 480), 321, (480, 640, 3), 1),
        ("JPEG", (480, 640), 160, (160, 120, 3), 4),
        ("JPEG", (641, 479), 320, (240, 321, 3), 641 / 321),
        ("PNG", (640, 480), 160, (480, 640, 3), 1),
    ],
)
def test_a_draft_has_no_fewer_pixels_than_asked_for_and_says_how_much_smaller_it_is(
    kind: str, size: tuple[int, int], least: int, shape: tuple[int, ...], scale: float
) -> None:
    draft = open_draft(saved(gradient(*size), kind), limits=LIMITS, least=least)
    assert draft.pixels.shape == shape
    assert draft.scale == pytest.approx(scale)


def test_a_draft_is_turned_and_refused_as_the_whole_picture_is() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    assert open_draft(
        saved(gradient(640, 480), exif=exif), limits=LIMITS, least=320
    ).pixels.shape == (320, 240, 3)
    with pytest.raises(Refused):
        open_draft(saved(gradient(640, 480))[:-400], limits=LIMITS, least=80)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_every_colour_of_jpeg_comes_out_as_rgb(mode: str) -> None:
    assert open_image(saved(gradient().convert(mode)), limits=LIMITS).shape == (120, 160, 3)


@pytest.mark.parametrize(
    ("orientation", "shape"), [(1, (120, 160, 3)), (3, (120, 160, 3)), (6, (160, 120, 3))]
)
def test_a_picture_is_turned_as_the_camera_said(orientation: int, shape: tuple[int, ...]) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    assert open_image(saved(gradient(), exif=exif), limits=LIMITS).shape == shape


def with_notes(*entries: bytes) -> bytes:
    """A JPEG whose camera noted these things after the orientation 6."""
    notes = struct.pack("<HHIHH", ORIENTATION, 3, 1, 6, 0), *entries
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(notes)) + b"".join(notes) + bytes(4)
    jpeg = saved(gradient())
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


# As cameras and phones write them: what follows the orientation is of another type than the
# standard says.
@pytest.mark.parametrize(
    "note",
    [
        struct.pack("<HHIf", 0x010F, 11, 1, 1.5),  # the maker, as a number
        struct.pack("<HHIf", 0x8769, 11, 1, 1.5),  # where further notes are, as a fraction
        struct.pack("<HHI4s", 0x0111, 2, 4, b"abc\0"),  # where a strip begins, as text
        struct.pack("<HHII", 0x927C, 7, 2**32 - 1, 2**31),  # the maker's own notes, of 4 GB
    ],
    ids=["maker", "further", "strip", "endless"],
)
def test_malformed_notes_of_a_camera_do_not_keep_a_picture_from_being_turned(
    note: bytes,
) -> None:
    assert open_image(with_notes(note), limits=LIMITS).shape == (160, 120, 3)


@pytest.mark.parametrize("profile", ["no number", "\nexif\n 4\nzzzz\n", "\nexif\n 8\n49492a00ff\n"])
def test_notes_of_an_editor_that_are_no_notes_do_not_keep_a_picture_from_being_opened(
    profile: str,
) -> None:
    beside = PngInfo()
    beside.add_text("Raw profile type exif", profile)
    assert open_image(saved(gradient(), "PNG", pnginfo=beside), limits=LIMITS).shape == (
        120,
        160,
        3,
    )


def test_an_empty_chunk_behind_the_pixels_is_refused_and_is_no_fault_of_ours() -> None:
    # Pillow reads it when the pixels are decoded, and takes its first byte.
    empty = struct.pack(">I4sI", 0, b"iCCP", zlib.crc32(b"iCCP"))
    whole = saved(gradient(), "PNG")
    with pytest.raises(Refused) as refused:
        open_image(whole[:-12] + empty + whole[-12:], limits=LIMITS)
    assert refused.value.code == "face_image_malformed"


@pytest.mark.filterwarnings("ignore::UserWarning")  # what Pillow says about such notes
@given(st.lists(st.binary(min_size=12, max_size=12), max_size=5), st.binary(max_size=60))
def test_whatever_a_camera_noted_a_picture_is_opened(notes: list[bytes], more: bytes) -> None:
    assert open_image(with_notes(*notes, more), limits=LIMITS).dtype == np.uint8


@pytest.mark.parametrize(
    ("untrusted", "code"),
    [
        (b"", "face_image_malformed"),
        (b"\xff\xd8\xff", "face_image_malformed"),
        (saved(gradient(), "GIF"), "face_image_malformed"),
        (saved(gradient(), "BMP"), "face_image_malformed"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "face_image_malformed"),
        (saved(gradient())[:-400], "face_image_malformed"),
        (saved(gradient(), "PNG")[:-400], "face_image_malformed"),
        (png_header(1001, 1000), "face_image_too_large"),
        (png_header(60_000, 60_000), "face_image_too_large"),
        (png_header(0, 10), "face_image_malformed"),
        (b"\xff\xd8\xff" + bytes(200_000), "face_image_too_large"),
    ],
)
def test_anything_else_is_refused_by_name(untrusted: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        open_image(untrusted, limits=LIMITS)
    assert refused.value.code == code


@given(st.binary(max_size=300), st.integers(0, 2000))
def test_damage_is_refused_or_opened_and_never_anything_else(junk: bytes, place: int) -> None:
    whole = saved(gradient(40, 30))
    damaged = whole[:place] + junk + whole[place + len(junk) :]
    try:
        assert open_image(damaged, limits=LIMITS).dtype == np.uint8
    except Refused:
        return


# A picture opens whole or not at all.


def png(depth: int, colour: int, data: bytes, *, interlace: int = 0) -> bytes:
    """A PNG of 60 × 80 with this compressed content."""
    header = struct.pack(">IIBBBBB", 60, 80, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (_chunk(b"IHDR", header), _chunk(b"IDAT", data), _chunk(b"IEND", b""))
    )


def noise(size: int) -> bytes:
    """Bytes that compress badly, so that a cut meets the rows."""
    return np.random.default_rng(7).integers(0, 256, size, dtype=np.uint8).tobytes()


def rows(depth: int, samples: int, number: int = 80) -> bytes:
    """So many rows of noise, without a filter."""
    width = 60 * samples * depth // 8
    content = noise(number * width)
    return b"".join(b"\0" + content[at : at + width] for at in range(0, number * width, width))


# RFC 2083 §2.6: columns and rows of a picture of 60 × 80 in each of Adam7's passes.
_PASSES = [(8, 10), (7, 10), (15, 10), (15, 20), (30, 20), (30, 40), (60, 40)]
_INTERLACED = b"".join((b"\0" + noise(3 * columns)) * lines for columns, lines in _PASSES)
_DEEP = {
    f"{colour}_{depth}": (depth, colour, samples)
    for colour, samples in ((2, 3), (6, 4))
    for depth in (8, 16)
} | {"0_8": (8, 0, 1), "4_8": (8, 4, 2)}
_PHOTO = Image.fromarray(np.frombuffer(noise(60 * 80 * 3), np.uint8).reshape(80, 60, 3))
WHOLE = {
    "baseline.jpg": saved(_PHOTO),
    "progressive.jpg": saved(_PHOTO, progressive=True),
    "grey.jpg": saved(_PHOTO.convert("L")),
    "palette.png": saved(_PHOTO.convert("P"), "PNG"),
    "black_and_white.png": saved(_PHOTO.convert("1"), "PNG"),
    "interlaced.png": png(8, 2, zlib.compress(_INTERLACED), interlace=1),
    **{
        f"{name}.png": png(depth, colour, zlib.compress(rows(depth, samples)))
        for name, (depth, colour, samples) in _DEEP.items()
    },
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_picture_cut_anywhere_is_refused_and_the_whole_one_opens(name: str) -> None:
    whole = WHOLE[name]
    assert open_image(whole, limits=LIMITS).shape == (80, 60, 3)
    for length in (*range(0, len(whole), 37), *range(max(0, len(whole) - 40), len(whole))):
        with pytest.raises(Refused) as refused:
            open_image(whole[:length], limits=LIMITS)
        assert refused.value.code == "face_image_malformed", length


@pytest.mark.parametrize("number", [0, 1, 4, 79, 81])
@pytest.mark.parametrize("name", _DEEP)
def test_a_png_with_fewer_or_more_rows_than_it_announces_is_refused(name: str, number: int) -> None:
    depth, colour, samples = _DEEP[name]
    with pytest.raises(Refused) as refused:
        open_image(png(depth, colour, zlib.compress(rows(depth, samples, number))), limits=LIMITS)
    assert refused.value.code == "face_image_malformed"


@pytest.mark.parametrize("cut", [1, 3, 200, 2000])
def test_an_interlaced_png_without_its_last_rows_is_refused(cut: int) -> None:
    with pytest.raises(Refused) as refused:
        open_image(png(8, 2, zlib.compress(_INTERLACED[:-cut]), interlace=1), limits=LIMITS)
    assert refused.value.code == "face_image_malformed"


WORD = b"where the borrower lives"


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_nothing_beside_the_picture_goes_on(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = WORD.decode()
    beside: dict[str, object] = {"exif": exif, **({"comment": WORD} if kind == "JPEG" else {})}
    given = saved(gradient(), kind, **beside)
    assert WORD in given
    fresh = renewed(given, limits=LIMITS)
    assert WORD not in fresh
    assert (opened(fresh).format, dict(opened(fresh).getexif())) == ("JPEG", {})


def test_it_stands_upright_and_fits_a_screen() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    assert opened(renewed(saved(gradient(160, 120), exif=exif), limits=LIMITS)).size == (120, 160)
    assert opened(renewed(saved(gradient(1000, 500)), limits=LIMITS)).size == (1000, 500)
    assert opened(renewed(saved(gradient(1600, 400)), limits=LIMITS)).size == (1280, 320)


@pytest.mark.parametrize(
    "hostile", [b"", b"no picture", saved(gradient())[:200], png_header(13_000, 13_000)]
)
def test_what_the_gate_refuses_is_not_made_anew(hostile: bytes) -> None:
    with pytest.raises(Refused):
        renewed(hostile, limits=LIMITS)
