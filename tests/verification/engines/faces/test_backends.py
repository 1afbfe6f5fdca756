"""One interface, four backends: each is tested before it is used, and judged by its own calibration
alone.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verification.engines.faces import insecure_nets, judge_files
from tests.verification.engines.faces.test_calibration import shipped
from verification.core.errors import CalibrationMismatch, Misconfigured
from verification.engines import weights
from verification.engines.faces import backends, custom, nets
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.custom import Description
from verification.engines.faces.embedding import Numbers, distance
from verification.engines.faces.portrait import Portrait

# Where dlib's own cut has the eyes, so that the converted net sees nearly what it sees in its own
# backend.
DESCRIPTION = {
    "schema": "tulga-face-model-1",
    "model": "own-net",
    "file": "own.onnx",
    "sha256": "",
    "training_data": "described",
    "side": "150",
    "channels": "RGB",
    "mean": "0",
    "scale": "1",
    "points": "eyes",
    "template": "47.7,47.1 100.3,47.1",
    "form": "mirror-mean-l2",
}
YUNETS = "38.2946,51.6963 73.5318,51.5014 56.0252,71.7366 41.5493,92.3655 70.7299,92.2041"
DLIBS = "110.957,46.350 89.606,47.897 37.058,46.377 58.409,47.906 74.011,87.780"
"""Five points where each net has them: of its mean face with a sixth of the square round it."""
Faces = dict[str, Portrait]
OWN = "own-net-b212ab33/mirror-mean-l2"
"""What comes out of it: the name, how faces are prepared, and how numbers become an embedding."""


@pytest.fixture
def chosen() -> Iterator[None]:
    """Whatever a test chooses is forgotten after it."""
    before = backends._chosen[0]
    yield
    backends.use(before)


@pytest.fixture
def own(tmp_path: Path, models: Path) -> Path:
    """An operator's net, which is the converted one under another name, and its description."""
    content = nets.path_in(models, weights.FACE_RECOGNITION.sha256).read_bytes()
    (tmp_path / "own.onnx").write_bytes(content)
    return described(tmp_path, sha256=hashlib.sha256(content).hexdigest())


def described(folder: Path, **changes: str) -> Path:
    (folder / "own.json").write_text(json.dumps(DESCRIPTION | changes))
    return folder / "own.json"


def calibrated(folder: Path, **changes: str) -> Path:
    (folder / "calibration.json").write_text(json.dumps(json.loads(shipped()) | changes))
    return folder / "calibration.json"


def test_an_operators_net_compares_faces_as_well_as_it_did_under_its_first_name(
    own: Path, models: Path, faces: dict[str, Portrait], dlib: Backend
) -> None:
    theirs = backends.load(Choice(backend="onnx-custom", models=models, model=own))
    assert (theirs.recogniser.embedding, theirs.recogniser.model, theirs.calibration) == (
        OWN,
        "own-net",
        None,
    )
    numbers = {name: theirs.embed(face) for name, face in faces.items()}
    assert distance(numbers["obama.jpg"], numbers["obama3.jpg"]).value < 0.30
    assert distance(numbers["obama.jpg"], numbers["biden.jpg"]).value > 0.45
    near = np.linalg.norm(numbers["obama.jpg"].numbers - dlib.embed(faces["obama.jpg"]).numbers)
    assert near < 0.15
    with pytest.raises(CalibrationMismatch):
        distance(dlib.embed(faces["obama.jpg"]), numbers["obama.jpg"])


@pytest.mark.parametrize(
    ("name", "source", "shown", "farthest"),
    [
        (
            "sface-onnx",
            weights.SFACE,
            {"points": "yunet5", "template": YUNETS, "side": "112", "form": "single-l2"},
            0,
        ),
        ("dlib-onnx", weights.FACE_RECOGNITION, {"points": "dlib5", "template": DLIBS}, 0.1),
    ],
    ids=["YuNet's", "dlib's"],
)
def test_an_operators_net_that_is_shown_faces_by_five_points_sees_what_ours_does(
    name: str,
    source: weights.PackedFile | weights.WeightFile,
    shown: dict[str, str],
    farthest: float,
    own: Path,
    models: Path,
    faces: Faces,
) -> None:
    content = nets.path_in(models, source.sha256).read_bytes()
    (own.parent / "own.onnx").write_bytes(content)
    described(own.parent, sha256=hashlib.sha256(content).hexdigest(), **shown)
    ours = backends.load(Choice(backend=name, models=models))
    theirs = backends.load(Choice(backend="onnx-custom", models=models, model=own))
    for face in faces.values():
        one, other = (each.embed(face).numbers for each in (ours, theirs))
        assert np.linalg.norm(one - other) <= farthest


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "ab" * 32},
        {"training_data": ""},
        {"training_data": "licensed"},
        {"side": "0"},
        {"side": "5000"},
        {"scale": "0"},
        {"channels": "GBR"},
        {"file": "../own.onnx"},
        {"file": "absent.onnx"},
        {"template": "120,47.1 100.3,47.1"},
        {"template": "47.7,47.1 900,47.1"},
        {"template": "47.7,150 100.3,47.1"},
        {"template": "47.7,47.1"},
        {"template": "47.7,47.1 100.3"},
        {"points": "yunet5"},
        {"points": "dlib68"},
        {"form": "single"},
        {"side": "150.5"},
        {"schema": "tulga-face-model-2"},
        {"more": "1"},
        {"mean": "1e3"},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_an_operators_net_that_is_not_as_described_refuses_to_run(
    own: Path, models: Path, changes: dict[str, str]
) -> None:
    right = json.loads(own.read_text())
    described(own.parent, **{"sha256": right["sha256"], **changes})
    with pytest.raises(Misconfigured):
        backends.load(Choice(backend="onnx-custom", models=models, model=own))


@pytest.mark.parametrize(
    "content", [pytest.param(net, id=name) for name, net in insecure_nets.every()]
)
def test_a_net_that_says_nothing_about_a_face_or_is_not_all_pinned_refuses_to_run(
    content: bytes, models: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.onnx").write_bytes(content)
    (tmp_path / insecure_nets.ELSEWHERE).write_bytes(insecure_nets.MATRIX.tobytes())
    model = described(tmp_path, sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(Misconfigured):
        backends.load(Choice(backend="onnx-custom", models=models, model=model))


def test_an_operators_net_of_another_size_of_face_refuses_to_run(own: Path, models: Path) -> None:
    described(own.parent, sha256=json.loads(own.read_text())["sha256"], side="112")
    with pytest.raises(Misconfigured, match="of this size"):
        backends.load(Choice(backend="onnx-custom", models=models, model=own))


def test_an_operators_net_without_a_calibration_does_not_judge(
    own: Path, models: Path, chosen: None
) -> None:
    backends.use(Choice(backend="onnx-custom", models=models, model=own))
    assert backends.tested()["unfit_for_live"] == [
        "face backend onnx-custom has no calibration: run manage.py calibrate_faces"
    ]
    with pytest.raises(Misconfigured, match="calibrate_faces"):
        backends.zones_in_use()


def test_a_calibration_exchanged_while_a_process_runs_is_not_used_by_it(
    tmp_path: Path, models: Path, chosen: None
) -> None:
    backends.use(Choice(backend="dlib-onnx", models=models, calibration=calibrated(tmp_path)))
    before = backends.zones_in_use()
    # Half written, as `calibrate_faces --output` may leave it for a moment, and then another's
    # zones.
    (tmp_path / "calibration.json").write_text("{")
    assert backends.zones_in_use() == before
    lax = json.loads(shipped().replace(b'"0.26"', b'"0.36"'))
    (tmp_path / "calibration.json").write_text(json.dumps(lax))
    found = backends.in_use().calibration
    assert found is not None
    assert backends.zones_in_use() == before == found.zones


def test_an_operators_net_is_judged_by_the_calibration_measured_with_it_and_by_no_other(
    own: Path, models: Path
) -> None:
    sha256 = json.loads(own.read_text())["sha256"]
    right = calibrated(own.parent, id="own-2026", embedding=OWN, model_sha256=sha256)
    found = backends.load(
        Choice(backend="onnx-custom", models=models, model=own, calibration=right)
    )
    assert found.calibration is not None
    assert found.report()["calibration"] == "own-2026"
    for wrong in ({"embedding": "own-net/single"}, {"model_sha256": "ab" * 32}):
        calibrated(own.parent, **({"embedding": OWN, "model_sha256": sha256} | wrong))
        with pytest.raises(Misconfigured, match="another net or embedding"):
            backends.load(
                Choice(backend="onnx-custom", models=models, model=own, calibration=right)
            )


@pytest.mark.parametrize(
    "changes",
    [{"mean": "127.5"}, {"scale": "2"}, {"channels": "BGR"}, {"template": "47.8,47.1 100.3,47.1"}],
    ids=lambda changes: "-".join(changes),
)
def test_a_calibration_does_not_hold_for_a_net_that_is_shown_faces_otherwise(
    own: Path, models: Path, changes: dict[str, str]
) -> None:
    sha256 = json.loads(own.read_text())["sha256"]
    right = calibrated(own.parent, embedding=OWN, model_sha256=sha256)
    assert (
        backends.load(
            Choice(backend="onnx-custom", models=models, model=own, calibration=right)
        ).recogniser.embedding
        == OWN
    )
    described(own.parent, sha256=sha256, **changes)
    with pytest.raises(Misconfigured, match="another net or embedding"):
        backends.load(Choice(backend="onnx-custom", models=models, model=own, calibration=right))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", None])
def test_a_calibration_that_is_none_keeps_the_backend_from_loading(
    content: bytes | None, models: Path, tmp_path: Path
) -> None:
    path = tmp_path / "calibration.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Misconfigured):
        backends.load(Choice(models=models, calibration=path))


@given(st.binary(max_size=40), st.integers(0, 400))
def test_a_damaged_description_is_refused_or_read_and_never_anything_else(
    junk: bytes, place: int
) -> None:
    whole = json.dumps(DESCRIPTION | {"sha256": "ab" * 32}).encode()
    try:
        assert isinstance(
            custom.read_description(whole[:place] + junk + whole[place + len(junk) :]), Description
        )
    except Misconfigured:
        return


def test_a_backend_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match="sface-onnx"):
        backends.use(Choice(backend="dlib"))


def test_the_reference_is_named_with_its_own_scale_and_calibration(reference: Backend) -> None:
    assert reference.report() == {
        "backend": "face_recognition",
        "embedding": "dlib-resnet-v1/single",
        "model": nets.DLIB_MODEL,
        "model_sha256": weights.FACE_RECOGNITION.sha256,
        "training_data": "described",
        "detector_sha256": weights.YUNET.sha256,
        "calibration": "lfw-2026-11.single",
        "calibration_source": "quoted",
    }
    assert reference.unfit_for_live() == []


@pytest.mark.service
def test_four_processes_find_the_same_numbers_as_one(
    folder: Path, models: Path, tmp_path: Path
) -> None:
    for name in ("obama.jpg", "biden.jpg"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    command = [sys.executable, "-m", "tests.verification.engines.faces.judge_files"]
    command += [str(tmp_path), str(models), "60", str(2 * 2**30)]

    def judged(_: int) -> object:
        done = subprocess.run(command, capture_output=True, check=True, timeout=240)
        return json.loads(done.stdout)["found"]

    alone = {path.name: judge_files.judge(path.read_bytes()) for path in sorted(tmp_path.iterdir())}
    assert [len(numbers) for numbers in alone.values()] == [128, 128]
    with ThreadPoolExecutor(4) as pool:
        assert [found == alone for found in pool.map(judged, range(4))] == [True] * 4


@pytest.mark.service
def test_the_default_backend_never_loads_the_library_that_holds_the_68_point_model(
    models: Path,
) -> None:
    program = (
        "import sys, pathlib; from verification.engines.faces import backends; "
        f"backends.load(backends.Choice(models=pathlib.Path({str(models)!r}))); "
        "sys.exit('face_recognition' in sys.modules or 'onnx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=120).returncode == 0


@pytest.mark.parametrize("at_once", [1, "n"])
def test_an_operators_net_is_shown_several_faces_one_by_one(
    at_once: str | int, tmp_path: Path, models: Path, faces: Faces
) -> None:
    content = insecure_nets.sound(faces=at_once)
    (tmp_path / "own.onnx").write_bytes(content)
    model = described(tmp_path, sha256=hashlib.sha256(content).hexdigest(), form="single-l2")
    loaded = backends.load(Choice(backend="onnx-custom", models=models, model=model))
    assert equal(loaded, [*faces.values()])


@pytest.mark.parametrize("several", range(nets.SFACE_AT_ONCE + 2))
def test_faces_at_once_have_the_numbers_they_have_alone(
    several: int, faces: Faces, default: Backend
) -> None:
    assert equal(default, [*faces.values(), *faces.values()][:several])


def equal(backend: Backend, faces: Sequence[Portrait]) -> bool:
    """Whether faces together have the numbers of each alone, to the last bit."""
    together = [each.numbers.tobytes() for each in backend.recogniser.embed_all(faces)]
    return together == [backend.embed(face).numbers.tobytes() for face in faces]


def test_a_net_that_says_something_else_beside_another_face_is_not_used(models: Path) -> None:
    sface = nets.load_sface(models)
    mixing = InsecureMixer(nets.built(models, weights.SFACE.sha256))
    with pytest.raises(Misconfigured, match="SFace's numbers"):
        replace(sface, net=mixing).test()


class InsecureMixer(nets.OnnxNet):
    """SFace, whose answer to each face of a run is that to the one before."""

    def rows(self, cuts: Sequence[Any]) -> Numbers:
        return np.roll(super().rows(cuts), 1, axis=0)
