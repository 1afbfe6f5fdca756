"""Small copies of the official portraits, several of each, made once for the session."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from insecure_sandbox import samples

# Where the face is, in pixels of the original: a copy is a square round it, so that it is small and
# its face is not.
_SQUARES = {
    "obama.jpg": (205, 80, 705, 580),
    "obama2.jpg": (60, 100, 626, 666),
    "obama3.jpg": (380, 300, 1080, 1000),
    "biden.jpg": (150, 200, 850, 900),
}
_SIDE = 320


@pytest.fixture(scope="session")
def portraits() -> Path:
    """The folder of the portraits; skips where they cannot be downloaded."""
    try:
        return samples.fetch()
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def people(portraits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of two people: three pictures of Obama and two others of each; four of
    Biden, who has one.
    """
    folder = tmp_path_factory.mktemp("people")
    for name, square in _SQUARES.items():
        with Image.open(portraits / name) as whole:
            for shift in (0, 12, 24, 36) if name == "biden.jpg" else (0, 18):
                left, top, right, bottom = square
                face = (
                    whole.convert("RGB")
                    .crop((left + shift, top + shift, right, bottom))
                    .resize((_SIDE, _SIDE))
                )
                put(folder, name.removesuffix(".jpg").rstrip("0123456789"), face)
    return folder


def put(folder: Path, person: str, picture: Image.Image) -> Path:
    """The picture as the next of this person."""
    place = folder / person
    place.mkdir(exist_ok=True)
    path = place / f"{person}_{len(list(place.iterdir())) + 1:04d}.jpg"
    path.write_bytes(jpeg(picture))
    return path


def jpeg(picture: Image.Image) -> bytes:
    """A picture's bytes."""
    content = BytesIO()
    picture.save(content, "JPEG", quality=92)
    return content.getvalue()


@pytest.fixture(scope="session")
def faceless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture without a face."""
    path = tmp_path_factory.mktemp("faceless") / "faceless.jpg"
    path.write_bytes(jpeg(Image.new("RGB", (_SIDE, _SIDE), (90, 120, 150))))
    return path
