"""The default backend on the public portraits: the distances that were measured, one face only, no
mixed units.
"""

from itertools import product

import numpy as np
import pytest

from verification.core.errors import CalibrationMismatch, Misconfigured, Refused
from verification.engines.faces import backends, portrait
from verification.engines.faces.backends import Backend
from verification.engines.faces.embedding import (
    Distance,
    Embedding,
    Threshold,
    Zones,
    common_distance,
    distance,
    mean,
    mean_distance,
    median_distance,
    unit,
)
from verification.engines.faces.image_gate import Pixels
from verification.engines.faces.portrait import ARCFACE, Portrait

EMBEDDING = "sface-2021dec-yunet5/single-l2"
ZONES = Zones(Threshold(EMBEDDING, 1.0, "a"), Threshold(EMBEDDING, 1.08, "a"))


def line(*places: float) -> list[Embedding]:
    """Faces that are as far from the first place of a line as these."""
    return [Embedding(EMBEDDING, np.array([1.0, place])) for place in places]


@pytest.mark.parametrize(
    ("probe", "least", "most"),
    [("obama3.jpg", 0.55, 0.85), ("obama2.jpg", 0.55, 0.85), ("biden.jpg", 1.2, 1.5)],
)
def test_the_portraits_are_as_far_apart_as_measured(
    portraits: dict[str, Pixels], default: Backend, probe: str, least: float, most: float
) -> None:
    reference = default.embed_image(portraits["obama.jpg"])
    assert reference.embedding == EMBEDDING
    assert least <= distance(reference, default.embed_image(portraits[probe])).value <= most


@pytest.mark.parametrize(
    ("probe", "least", "most"),
    [("obama3.jpg", 0.31, 0.36), ("obama2.jpg", 0.33, 0.38), ("biden.jpg", 0.75, 0.95)],
)
def test_the_reference_finds_the_distances_of_its_own_scale(
    faces: dict[str, Portrait], reference: Backend, probe: str, least: float, most: float
) -> None:
    far = distance(reference.embed(faces["obama.jpg"]), reference.embed(faces[probe]))
    assert least <= far.value <= most


def test_two_faces_of_one_size_are_refused(portraits: dict[str, Pixels], default: Backend) -> None:
    face = portraits["biden.jpg"]
    with pytest.raises(Refused) as refused:
        default.embed_image(np.hstack([face, face]))
    assert refused.value.code == "multiple_faces"
    assert default.look_at_all([np.hstack([face, face])])[0].code == "multiple_faces"


@pytest.mark.parametrize(
    ("apart", "median"),
    [
        ([0.4], 0.4),
        ([0.4, 0.9], 0.9),
        ([0.4, 0.9, 0.5], 0.5),
        ([0.4, 0.9, 0.5, 0.8], 0.8),
        ([0.9, 0.1, 0.1], 0.1),
    ],
)
def test_the_verdict_of_several_pictures_is_the_distance_that_at_least_half_of_them_are_within(
    apart: list[float], median: float
) -> None:
    (known,) = line(0.0)
    found = median_distance(known, line(*apart))
    assert found.embedding == EMBEDDING
    assert found.value == pytest.approx(median)
    assert 2 * sum(each <= median for each in apart) >= len(apart) + (len(apart) > 1)


def test_a_stranger_passes_by_the_median_at_most_twice_as_often_as_by_one_picture() -> None:
    # Every way in which the pictures of a capture may pass together, as chances of a stranger: the
    # worst is played.
    for pictures in range(1, 7):
        for passing in product((False, True), repeat=pictures):
            apart = [0.5 if each else 1.5 for each in passing]
            (known,) = line(0.0)
            is_match = ZONES.of(median_distance(known, line(*apart))) == "match"
            assert is_match <= 2 * sum(passing) / pictures


def test_a_median_of_nothing_is_no_distance() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        median_distance(line(0.0)[0], [])


def test_a_threshold_of_single_pictures_never_judges_a_mean(
    faces: dict[str, Portrait], default: Backend
) -> None:
    known, *probes = (
        default.embed(faces[name]) for name in ("obama.jpg", "obama2.jpg", "obama3.jpg")
    )
    together = mean(probes)
    assert np.linalg.norm(together.numbers) == pytest.approx(1)
    found = mean_distance(known, probes)
    assert found.value < max(distance(known, each).value for each in probes)
    assert default.calibration is not None
    for zones in (ZONES, default.calibration.zones):
        assert zones.of(median_distance(known, probes)) == "match"
        with pytest.raises(CalibrationMismatch, match="mean-of-2"):
            zones.of(found)
    with pytest.raises(CalibrationMismatch):
        distance(known, together)
    with pytest.raises(CalibrationMismatch):
        median_distance(known, [together])


def test_the_mean_of_raw_pictures_stays_raw() -> None:
    pair = [Embedding("net/single", np.array([each, 0.0])) for each in (2.0, 4.0)]
    assert mean(pair).numbers.tolist() == [3.0, 0.0]


@pytest.mark.parametrize(
    ("value", "zone"),
    [
        (0.0, "match"),
        (1.0, "match"),
        (1.001, "review"),
        (1.08, "review"),
        (1.081, "no_match"),
        (np.nan, "no_match"),
    ],
)
def test_a_distance_lies_in_one_of_three_zones(value: float, zone: str) -> None:
    assert ZONES.of(Distance(EMBEDDING, value)) == zone


@pytest.mark.parametrize(
    "numbers", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], []], ids=["0", "nan", "inf", "none"]
)
def test_numbers_that_say_nothing_are_never_a_face(numbers: list[float]) -> None:
    with pytest.raises(Misconfigured):
        Embedding(EMBEDDING, np.array(numbers))


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("size", [0.0, 1e-200, 1e200], ids=["zero", "tiny", "huge"])
def test_a_face_without_a_length_never_becomes_one_that_is_at_no_distance_from_others(
    size: float,
) -> None:
    with pytest.raises(Misconfigured):
        Embedding(EMBEDDING, unit(np.full(4, size)))
    assert np.linalg.norm(unit(np.full(4, 1e-3))) == pytest.approx(1)


def test_numbers_of_two_embeddings_are_never_compared() -> None:
    raw, one = (
        Embedding(f"dlib-resnet-v1/{name}", np.ones(2)) for name in ("single", "mirror-mean-l2")
    )
    for compared in (distance, lambda known, probe: median_distance(known, [probe])):
        with pytest.raises(CalibrationMismatch):
            compared(raw, one)
    with pytest.raises(CalibrationMismatch):
        mean([raw, one])
    with pytest.raises(CalibrationMismatch):
        mean_distance(raw, [one])
    with pytest.raises(CalibrationMismatch):
        ZONES.of(Distance("dlib-resnet-v1/single", 0.2))


def test_what_is_in_use_is_named_with_its_file_and_where_its_calibration_comes_from() -> None:
    assert backends.in_use().report() == {
        "backend": "sface-onnx",
        "embedding": EMBEDDING,
        "model": "face_recognition_sface_2021dec",
        "model_sha256": "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
        "training_data": "undocumented",
        "detector_sha256": "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
        "calibration": "lfw-2026-11.sface-single-l2",
        "calibration_source": "quoted",
    }
    assert backends.in_use() is backends.in_use()


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        (((0, 1, 0), (0, 0, 1)), 0.0),  # each its own way
        (((0, 1, 0), (0, -1, 0)), 0.0),  # against each other
        (((0, 0.5, 0), (0, 0.5, 0)), 0.5),  # all the same way
        (((7, 0.5, 0), (-3, 0.5, 0)), 0.5),  # how far along the face itself tells nothing
        (((0, 0.3, 0.4), (0, 0.3, -0.4), (0, 0.3, 0)), ((0.09 - 0.16 + 0.09 + 0.09) / 3) ** 0.5),
    ],
)
def test_faces_have_in_common_how_far_they_lie_the_same_way_from_another(
    others: tuple[tuple[float, float, float], ...], expected: float
) -> None:
    rest, *found = (
        Embedding(EMBEDDING, np.array(each, dtype=np.float64)) for each in ((2.0, 0, 0), *others)
    )
    assert common_distance(rest, found) == pytest.approx(expected, abs=1e-12)


def test_what_is_no_number_in_common_is_said_to_be_none() -> None:
    vast = Embedding(EMBEDDING, np.array([0.0, 1e200]))
    with np.errstate(over="ignore", invalid="ignore"):
        assert (
            not common_distance(
                line(0.0)[0], [vast, vast, Embedding(EMBEDDING, np.array([0.0, -1e200]))]
            )
            <= 1.0
        )


def test_means_of_one_net_are_compared_and_no_faces_of_two() -> None:
    (rest, face), other = line(0.0, 1.0), Embedding("another-net/single", np.array([1.0, 0.0]))
    assert common_distance(mean([rest, rest]), [face, mean([face, face, face])]) > 0
    with pytest.raises(CalibrationMismatch):
        common_distance(rest, [face, other])


def test_one_face_has_nothing_in_common() -> None:
    with pytest.raises(ValueError, match="fewer than two"):
        common_distance(line(0.0)[0], line(0.5))


PLACES = np.array(ARCFACE.places)


def picture(chance: np.random.Generator, *, high: int, wide: int) -> np.ndarray:
    return chance.integers(0, 256, (high, wide, 3), dtype=np.uint8)


@pytest.mark.parametrize("share", [0.35, 0.8, 1.9, 2.0, 2.003, 2.5, 6.0])
@pytest.mark.parametrize("turn", [0.0, -0.4, 2.5])
def test_what_lies_right_of_a_face_and_below_has_no_say(
    monkeypatch: pytest.MonkeyPatch, share: float, turn: float
) -> None:
    chance, faces = np.random.default_rng(0), []
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    for high, wide in ((480, 640), (545, 200), (90, 700)):
        for middle in ((0.2, 0.3), (0.5, 0.5), (0.95, 0.9), (-0.3, 1.4)):
            points = (PLACES - 56) @ turned.T * share + np.array([wide, high]) * middle
            faces.append(Portrait(picture(chance, high=high, wide=wide), points, 1.0))
    cuts = [face.cut(ARCFACE, side=112) for face in faces]
    monkeypatch.setattr(portrait, "_MORE", 10_000)  # all of it
    for face, cut in zip(faces, cuts, strict=True):
        np.testing.assert_array_equal(face.cut(ARCFACE, side=112), cut)
