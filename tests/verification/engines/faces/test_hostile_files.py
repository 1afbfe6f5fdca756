"""Which pictures the engine opens, and which it refuses."""

import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.verification.engines.faces import hostile
from verification.core.errors import Refused
from verification.engines.faces import policy
from verification.engines.faces.image_gate import ImageLimits, open_draft, open_image, renewed

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
def files(folder: Path) -> list[hostile.Hostile]:
    portrait = Image.open(folder / "biden.jpg").convert("RGB")
    return list(hostile.every(portrait.resize((portrait.width // 2, portrait.height // 2))))


@pytest.fixture(scope="module")
def found(
    files: list[hostile.Hostile], models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Found:
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
    files: list[hostile.Hostile], found: Found
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
ORIENTATION = 0x0112  # EXIF tag


def saved(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    kept = io.BytesIO()
    image.save(kept, kind, **options)
    return kept.getvalue()


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
