"""Files that hurt the careless, judged in a process of little time and memory: each gets its code,
and none ends it.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.verification.engines.faces import hostile

pytestmark = pytest.mark.service

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


def test_every_hostile_file_gets_its_own_code_and_the_process_lives(
    files: list[hostile.Hostile], found: Found
) -> None:
    wanted = {name: code for name, _, code in files}
    assert len(wanted) == len(files) >= 40
    assert {name: "" if isinstance(each, list) else each for name, each in found.items()} == wanted


def test_a_picture_in_any_of_the_eight_orientations_shows_the_same_face(found: Found) -> None:
    upright = np.array(found["orientation_1.jpg"])
    apart = [
        float(np.linalg.norm(np.array(found[f"orientation_{at}.jpg"]) - upright))
        for at in range(2, 9)
    ]
    assert max(apart) < 0.2


@pytest.mark.parametrize(
    "name", ["cmyk.jpg", "rgba.png", "png_named.jpg", "progressive.jpg", "l.jpg"]
)
def test_the_kind_of_file_moves_the_face_by_less_than_half_of_the_match_zone(
    found: Found, name: str
) -> None:
    assert float(np.linalg.norm(np.array(found[name]) - np.array(found["jpeg_named.png"]))) < 0.5
