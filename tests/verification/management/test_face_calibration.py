"""Probes of several pictures: which of them is told where a label may be wrong, and how many pairs they are."""

from pathlib import Path

import pytest

from tests.verification.management.commands.test_calibrate_faces import write
from verification.engines.faces import backends
from verification.management import face_calibration
from verification.management.face_calibration import Calibrated, Targets


@pytest.fixture(scope="module")
def found(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    """One pair of one person and one of two, each with a folder of pictures; in the second lies a picture of the first
    person."""
    folder = tmp_path_factory.mktemp("sets")
    obama, biden = (sorted((people / name).glob("*.jpg")) for name in ("obama", "biden"))
    given = {"ref.jpg": obama[0], "own/a.jpg": obama[2], "own/b.jpg": obama[4], "other/a.jpg": biden[0]}
    # Another square of the reference's own picture, among those of somebody else.
    for name, path in (given | {"other/b.jpg": obama[1], "other/c.jpg": biden[1]}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(path.read_bytes())
    rows: list[tuple[str, ...]] = [("ref.jpg", "own", "1", ""), ("ref.jpg", "other", "0", "")]
    targets = Targets(0.99, 0.5, 0.9)
    return face_calibration.calibrate(write(folder, rows), backends.in_use(), frames=2, targets=targets, progress=str)


def test_of_a_folder_that_is_labelled_wrongly_the_picture_is_told(found: Calibrated) -> None:
    assert [(each.reference, each.probe) for each in found.suspects] == [("ref.jpg", "other/b.jpg")]


def test_several_pictures_of_one_capture_are_one_pair_and_not_as_many_as_pictures(found: Calibrated) -> None:
    # Else a fiftieth of the pairs that an FMR takes would do, and live mode would take the calibration for large.
    (single,), several = found.single[1], [tallies[0] for _, tallies in found.several.values()]
    assert {(tally.impostor_pairs, tally.genuine_pairs) for tally in (single, *several)} == {(1, 1)}
