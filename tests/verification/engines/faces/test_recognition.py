"""The default backend on the public portraits: the distances that were measured, one face only, no mixed units."""

import numpy as np
import pytest

from verification.core.errors import CalibrationMismatch, Misconfigured, Refused
from verification.engines.faces import backends, recognition
from verification.engines.faces.alignment import Face
from verification.engines.faces.backends import Backend
from verification.engines.faces.distances import Distance, Threshold, Zones
from verification.engines.faces.embedding import Embedding, distance, mean, mirror_mean
from verification.engines.faces.image_gate import Pixels

EMBEDDING = "dlib-resnet-v1/mirror-mean-l2"
ZONES = Zones(Threshold(EMBEDDING, 0.26, "a"), Threshold(EMBEDDING, 0.37, "a"))


@pytest.mark.parametrize(
    ("probe", "least", "most"), [("obama3.jpg", 0.20, 0.26), ("obama2.jpg", 0.20, 0.26), ("biden.jpg", 0.50, 0.70)]
)
def test_the_portraits_are_as_far_apart_as_measured(
    portraits: dict[str, Pixels], probe: str, least: float, most: float
) -> None:
    reference = recognition.embed(portraits["obama.jpg"])
    assert reference.embedding == EMBEDDING
    assert least <= distance(reference, [recognition.embed(portraits[probe])]).value <= most


@pytest.mark.parametrize(
    ("probe", "least", "most"), [("obama3.jpg", 0.31, 0.35), ("obama2.jpg", 0.33, 0.37), ("biden.jpg", 0.75, 0.95)]
)
def test_the_reference_finds_the_distances_of_its_own_scale(
    faces: dict[str, Face], reference: Backend, probe: str, least: float, most: float
) -> None:
    far = distance(reference.embed(faces["obama.jpg"]), [reference.embed(faces[probe])])
    assert least <= far.value <= most


def test_two_faces_of_one_size_are_refused(portraits: dict[str, Pixels]) -> None:
    face = portraits["biden.jpg"]
    with pytest.raises(Refused) as refused:
        recognition.embed(np.hstack([face, face]))
    assert refused.value.code == "multiple_faces"


def test_the_mean_of_several_pictures_is_of_length_one_and_nearer_than_the_worse_of_them(
    faces: dict[str, Face], default: Backend
) -> None:
    known, *probes = (default.embed(faces[name]) for name in ("obama.jpg", "obama2.jpg", "obama3.jpg"))
    together = mean(probes)
    assert np.linalg.norm(together.numbers) == pytest.approx(1)
    assert distance(known, probes) == distance(known, [together])
    assert distance(known, probes).value < max(distance(known, [each]).value for each in probes)


def test_the_mean_of_raw_pictures_stays_raw() -> None:
    pair = [Embedding("net/single", np.array([each, 0.0])) for each in (2.0, 4.0)]
    assert mean(pair).numbers.tolist() == [3.0, 0.0]


@pytest.mark.parametrize(
    ("value", "zone"),
    [(0.0, "match"), (0.26, "match"), (0.261, "review"), (0.37, "review"), (0.371, "no_match"), (np.nan, "no_match")],
)
def test_a_distance_lies_in_one_of_three_zones(value: float, zone: str) -> None:
    assert ZONES.of(Distance(EMBEDDING, value)) == zone


@pytest.mark.parametrize("numbers", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], []], ids=["0", "nan", "inf", "none"])
def test_numbers_that_say_nothing_are_never_a_face(numbers: list[float]) -> None:
    with pytest.raises(Misconfigured):
        Embedding(EMBEDDING, np.array(numbers))


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("size", [0.0, 1e-200, 1e200], ids=["zero", "tiny", "huge"])
def test_a_face_without_a_length_never_becomes_one_that_is_at_no_distance_from_others(size: float) -> None:
    with pytest.raises(Misconfigured):
        Embedding(EMBEDDING, mirror_mean(np.full(4, size), np.full(4, size)))
    assert np.linalg.norm(mirror_mean(np.full(4, 1e-3), np.full(4, 1e-3))) == pytest.approx(1)


def test_numbers_of_two_embeddings_are_never_compared() -> None:
    raw, unit = (Embedding(f"dlib-resnet-v1/{name}", np.ones(2)) for name in ("single", "mirror-mean-l2"))
    with pytest.raises(CalibrationMismatch):
        distance(raw, [unit])
    with pytest.raises(CalibrationMismatch):
        mean([raw, unit])
    with pytest.raises(CalibrationMismatch):
        ZONES.of(Distance("dlib-resnet-v1/single", 0.2))


def test_what_is_in_use_is_named_with_its_file_and_calibration() -> None:
    assert recognition.facts() == {
        "backend": "dlib-onnx",
        "embedding": EMBEDDING,
        "model": "dlib_face_recognition_resnet_model_v1",
        "model_sha256": "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        "calibration": "lfw-2026-11.mirror-mean-l2",
    }
    assert backends.in_use() is backends.in_use()
