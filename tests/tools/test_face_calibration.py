"""Probes of several pictures: which of them is told where a label may be wrong, and how many pairs
they are.
"""

import time
from collections.abc import Iterable
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tools.commands.test_calibrate_faces import write
from tools import face_calibration, face_files
from tools.face_calibration import Calibrated, Targets
from tools.face_files import Measured
from verification.engines.faces import backends
from verification.engines.faces.embedding import Embedding, unit


@pytest.fixture(scope="module")
def found(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    """One pair of one person and one of two, each with a folder of pictures; in the second lies a
    picture of the first person.
    """
    folder = tmp_path_factory.mktemp("sets")
    obama, biden = (sorted((people / name).glob("*.jpg")) for name in ("obama", "biden"))
    given = {
        "ref.jpg": obama[0],
        "own/a.jpg": obama[2],
        "own/b.jpg": obama[4],
        "other/a.jpg": biden[0],
    }
    # Another square of the reference's own picture, among those of somebody else.
    for name, path in (given | {"other/b.jpg": obama[1], "other/c.jpg": biden[1]}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(path.read_bytes())
    rows: list[tuple[str, ...]] = [("ref.jpg", "own", "1", ""), ("ref.jpg", "other", "0", "")]
    targets = Targets(0.99, 0.5, 0.9)
    return face_calibration.calibrate(
        write(folder, rows), backends.in_use(), frames=2, targets=targets, progress=str
    )


def test_of_a_folder_that_is_labelled_wrongly_the_picture_is_told(found: Calibrated) -> None:
    assert [(each.reference, each.probe) for each in found.suspects] == [("ref.jpg", "other/b.jpg")]


def test_several_pictures_of_one_capture_are_one_pair_and_not_as_many_as_pictures(
    found: Calibrated,
) -> None:
    # Else a fiftieth of the pairs that an FMR takes would do, and live mode would take the
    # calibration for large.
    (single,), several = found.single[1], [tallies[0] for _, tallies in found.several.values()]
    assert {(tally.impostor_pairs, tally.genuine_pairs) for tally in (single, *several)} == {(1, 1)}


@pytest.mark.proof("faces")
def test_a_hundred_thousand_pairs_are_calibrated_whole(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    proof_scale: float,
    proof_figures: dict[str, object],
) -> None:
    """From the rows of the file to the zones; measuring the pictures is what a net takes, and is
    left out.
    """
    count, chance = round(100_000 * proof_scale), np.random.default_rng(1)
    pictures = [f"{number // 3}_{number % 3}.jpg" for number in range(2 * round(count**0.5))]
    for name in pictures:
        (tmp_path / name).touch()
    people = chance.normal(size=(len(pictures), 16))

    def measured(paths: Iterable[Path], *_: Any, **__: Any) -> dict[Path, Measured]:
        near = {
            path: people[int(path.name.split("_")[0])] + chance.normal(scale=0.1, size=16)
            for path in paths
        }
        return {
            path: Measured(path.name, Embedding("net/single-l2", unit(face)))
            for path, face in near.items()
        }

    monkeypatch.setattr(face_files, "measure_all", measured)
    each = (
        (one, two, str(int(one.split("_")[0] == two.split("_")[0])), "")
        for one, two in combinations(pictures, 2)
    )
    rows = list[tuple[str, ...]](islice(each, count))
    asked = write(tmp_path, rows)
    began = time.process_time()
    targets = Targets(0.05, 0.5, 0.9)
    found = face_calibration.calibrate(
        asked, backends.in_use(), frames=5, targets=targets, progress=str
    )
    # Told, not asserted: a busy machine is no defect. The aim is 15.
    proof_figures["whole calibration, seconds of processor time"] = round(
        time.process_time() - began, 2
    )
    assert found.single[1][0].genuine_pairs + found.single[1][0].impostor_pairs == len(rows)
