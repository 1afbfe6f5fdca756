"""The converted net gives dlib's numbers, on every picture we have; a changed one never comes into use."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from django.core.management import CommandError, call_command
from onnx import numpy_helper
from pytest_django import Settings

from tests.verification.engines.faces.conftest import aligned, pixels
from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.faces import backends, building, conversion, dlib_onnx, self_test
from verification.engines.faces.alignment import Face
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.dlib_onnx import DlibOnnx


def _apart(face: Face, *, default: Backend, reference: Backend) -> float:
    converted = default.recogniser
    assert isinstance(converted, DlibOnnx)
    ours, theirs = converted.single(face), reference.embed(face)
    assert ours.embedding == theirs.embedding
    return float(np.linalg.norm(ours.numbers - theirs.numbers))


@pytest.mark.service
def test_the_converted_net_agrees_with_face_recognition_on_every_portrait(
    faces: dict[str, Face], default: Backend, reference: Backend
) -> None:
    apart = {name: _apart(face, default=default, reference=reference) for name, face in faces.items()}
    assert max(apart.values()) <= self_test.TOLERANCE, apart


@pytest.mark.service
@pytest.mark.proof("faces")
def test_the_converted_net_agrees_on_every_face_of_the_london_set(
    shared_data: Path, default: Backend, reference: Backend, proof_scale: float, proof_figures: dict[str, object]
) -> None:
    photographs = sorted((shared_data / "faces" / "london").glob("*.jpg"))
    if not photographs:
        pytest.skip("the London photographs are not here")
    chosen = photographs[: max(3, round(len(photographs) * proof_scale))]
    apart = [_apart(aligned(pixels(path)), default=default, reference=reference) for path in chosen]
    proof_figures["photographs"], proof_figures["farthest from face_recognition"] = len(apart), max(apart)
    assert max(apart) <= self_test.TOLERANCE


def test_the_command_builds_a_model_that_is_named_by_its_source(settings: Settings, tmp_path: Path) -> None:
    settings.TULGA_FACE_MODELS_DIR = tmp_path / "new"
    call_command("build_face_model", verbosity=0)
    built = tmp_path / "new" / f"{weights.FACE_RECOGNITION.sha256}.onnx"
    assert sorted((tmp_path / "new").iterdir()) == [built, built.with_name(f"{built.name}.sha256")]
    assert backends.load(Choice(models=tmp_path / "new")).name == "dlib-onnx"
    assert sum(node.op_type == "Conv" for node in onnx.load(built).graph.node) == 29


def test_a_conversion_with_one_number_changed_is_not_written_and_not_used(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path, models: Path
) -> None:
    model = onnx.load(dlib_onnx.path_in(models))
    first = next(each for each in model.graph.initializer if len(each.dims) == 4 and each.dims[0] == 32)
    changed = numpy_helper.to_array(first).copy()
    changed[0, 0, 0, 0] += 0.5
    first.CopyFrom(numpy_helper.from_array(changed, first.name))
    content = model.SerializeToString()
    monkeypatch.setattr(building, "convert", lambda _: content)
    settings.TULGA_FACE_MODELS_DIR = tmp_path
    with pytest.raises(CommandError, match="nothing was written"):
        call_command("build_face_model", verbosity=0)
    assert list(tmp_path.iterdir()) == []
    place(content, tmp_path)
    with pytest.raises(Misconfigured, match="does not give dlib's numbers"):
        backends.load(Choice(models=tmp_path))


def place(content: bytes, folder: Path) -> Path:
    """Puts a model where the built one stands, with its digest."""
    model = dlib_onnx.path_in(folder)
    model.write_bytes(content)
    dlib_onnx.digest_of(model).write_text(dlib_onnx.spelled_digest(model, name=model.name))
    return model


def test_a_built_model_with_one_bit_changed_is_not_used_whatever_it_says_of_the_test_picture(
    models: Path, tmp_path: Path
) -> None:
    model = place(dlib_onnx.path_in(models).read_bytes(), tmp_path)
    assert backends.load(Choice(models=tmp_path)).name == "dlib-onnx"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(Misconfigured, match="not as it was built"):
        backends.load(Choice(models=tmp_path))


def test_a_model_that_cannot_be_read_is_refused_by_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    dlib_onnx.path_in(tmp_path).mkdir()
    for models in (tmp_path, tmp_path / "file", tmp_path / "absent"):
        with pytest.raises(Misconfigured, match="build_face_model"):
            backends.load(Choice(models=models))


@pytest.mark.service
def test_two_builds_at_once_leave_one_whole_model(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert len({built.path for built in pool.map(building.build, [tmp_path] * 2)}) == 1
    assert len(list(tmp_path.iterdir())) == 2
    assert backends.load(Choice(models=tmp_path)).name == "dlib-onnx"


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x08" * 500])
def test_without_a_built_model_a_worker_refuses_and_says_what_to_run(content: bytes, tmp_path: Path) -> None:
    if content:
        place(content, tmp_path)
    with pytest.raises(Misconfigured) as refused:
        backends.load(Choice(models=tmp_path))
    assert "build_face_model" in refused.value.detail or content


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_half_a_file_of_weights_is_not_converted(share: float) -> None:
    whole = weights.read(weights.FACE_RECOGNITION)
    with pytest.raises(Misconfigured):
        conversion.convert(whole[: int(len(whole) * share)])
