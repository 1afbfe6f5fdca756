"""Embeddings: quality, pose, the models and the processor's instructions they run on."""

import ast
import io
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.proofs import Figures
from tests.verification.engines.faces.conftest import pixels
from verification.core import codes
from verification.core.errors import CalibrationMismatch, Misconfigured, Refused
from verification.engines import weights
from verification.engines.faces import backends, detection, image_gate, nets, portrait
from verification.engines.faces import reference as reference_backend
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
from verification.engines.faces.image_gate import ImageLimits, Pixels
from verification.engines.faces.nets import OnnxNet
from verification.engines.faces.policy import QUALITY
from verification.engines.faces.portrait import ARCFACE, Portrait, Quality
from verification.engines.liveness import landmarks, networks

# The default backend on the public portraits: the distances that were measured, one face only,
# no mixed units.


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


# What refuses a picture of a face: each thing the borrower can mend, just beyond its limit and
# just within.


GOOD = Quality(
    eyes=90.0, head=0.4, luminance=0.5, under=0.0, over=0.0, entropy=6.8, evenness=0.9, score=0.93
)


@pytest.mark.parametrize(
    ("within", "beyond", "code"),
    [
        ({"eyes": QUALITY.least_eyes}, {"eyes": QUALITY.least_eyes - 0.1}, "face_too_small"),
        (
            {"luminance": QUALITY.least_luminance},
            {"luminance": QUALITY.least_luminance - 0.01},
            "face_too_dark",
        ),
        ({"under": QUALITY.most_under}, {"under": QUALITY.most_under + 0.01}, "face_too_dark"),
        (
            {"luminance": QUALITY.most_luminance},
            {"luminance": QUALITY.most_luminance + 0.01},
            "face_too_bright",
        ),
        ({"over": QUALITY.most_over}, {"over": QUALITY.most_over + 0.01}, "face_too_bright"),
        (
            {"evenness": QUALITY.least_evenness},
            {"evenness": QUALITY.least_evenness - 0.01},
            "face_light_uneven",
        ),
        (
            {"entropy": QUALITY.least_entropy},
            {"entropy": QUALITY.least_entropy - 0.1},
            "face_without_contrast",
        ),
    ],
)
def test_a_picture_is_refused_just_beyond_a_limit_and_not_just_within(
    within: dict[str, float], beyond: dict[str, float], code: str
) -> None:
    replace(GOOD, **within).refuse_poor(QUALITY)
    with pytest.raises(Refused) as refused:
        replace(GOOD, **beyond).refuse_poor(QUALITY)
    assert refused.value.code == code
    assert not codes.require(code).burns


def test_the_portraits_are_good_pictures(faces: dict[str, Portrait]) -> None:
    for face in faces.values():
        measured = face.quality()
        measured.refuse_poor(QUALITY)
        assert all(0 <= each <= 1 for each in measured.components.values())
        assert measured.components["eye_distance"] > 0.8


def test_a_face_lit_from_one_side_is_less_even(faces: dict[str, Portrait]) -> None:
    face = faces["biden.jpg"]
    shade = np.where(np.arange(face.image.shape[1]) < face.points[2, 0], 0.1, 1.0)[None, :, None]
    lit = replace(face, image=(face.image * shade).astype(np.uint8))
    assert lit.quality().evenness < QUALITY.least_evenness < face.quality().evenness


# How far a turned face is from itself at rest, and from strangers at rest: real people, few of
# whom turn.


# The clips are of 30 frames a second; every fourth is about what a capture has.
# |FaceMeasurement.turn|, no unit.
_EVERY, _LONGEST = 4, 640
_POSES = ((0.0, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 1.0))
Frames = Mapping[str, list[tuple[float, float, Embedding]]]
"""Yaw, pitch and face of each frame, by the clip's name: each clip is of another person."""


def _frames(folder: Path, backend: Backend, *, every: int) -> Frames:
    loaded, found = networks.load(), defaultdict(list)
    for path in sorted(folder.glob("*.mp4")):
        clip, number = cv2.VideoCapture(str(path)), 0
        while (read := clip.read())[0]:
            number += 1
            if number % every:
                continue
            share = min(1.0, _LONGEST / max(read[1].shape))
            small = cv2.resize(read[1], None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
            image = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
            face, look = (
                landmarks.measure(image, networks=loaded).face,
                backend.look_at_all([image])[0],
            )
            if face is not None and look.face is not None:
                found[path.stem].append((face.turn, face.pitch, look.face))
    return found


@pytest.mark.service
@pytest.mark.proof("faces")
def test_a_turned_face_is_nearer_to_itself_at_rest_than_any_stranger(
    shared_data: Path, default: Backend, proof_figures: Figures, proof_scale: float
) -> None:
    frames = _frames(
        shared_data / "liveness", default, every=_EVERY if proof_scale >= 1 else 10 * _EVERY
    )
    if not frames:
        pytest.skip("the clips are not here")
    # At rest: straight into the camera, where 60 degrees of pitch weigh as much as a full turn.
    rest = {
        name: min(own, key=lambda frame: abs(frame[0]) + abs(frame[1]) / 60)[2]
        for name, own in frames.items()
    }
    assert default.calibration is not None
    review = default.calibration.zones.review.value
    for low, high in _POSES:
        own: dict[str, list[float]] = defaultdict(list)
        strangers: list[float] = []
        for shown, known in product(frames, rest):
            apart = [
                distance(rest[known], face).value
                for yaw, _, face in frames[shown]
                if low <= abs(yaw) < high
            ]
            if shown == known:
                own[shown] += apart
            else:
                strangers += apart
        genuine = sorted(value for each in own.values() for value in each)
        if not genuine:
            continue
        # Each person weighs alike in the last of these; few of them turn.
        missed = [np.mean([value > review for value in each]) for each in own.values() if each]
        told = {
            "people": len(missed),
            "frames": len(genuine),
            "median": round(float(np.median(genuine)), 2),
            "most_of_95_in_100": round(float(np.quantile(genuine, 0.95)), 2),
            "farthest": round(genuine[-1], 2),
            "beyond_review": round(float(np.mean([value > review for value in genuine])), 4),
            "beyond_review_by_person": round(float(np.mean(missed)), 4),
            "strangers": len(strangers),
            "nearest_stranger": round(min(strangers), 2),
        }
        proof_figures |= {f"yaw_{100 * low:.0f}_{name}": value for name, value in told.items()}
        assert genuine[-1] < min(strangers)
        assert genuine[-1] <= review


# The 68-point model, whose training data excludes commercial use, judges no face: not even
# through the reference.


_ROOT = Path(__file__).resolve().parents[4]
# By way of our own module, which takes back what importing the library does to every picture in the
# process.
face_recognition: Any = vars(reference_backend)["face_recognition"]


def test_the_reference_never_asks_the_68_point_model(
    faces: dict[str, Portrait], reference: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> None:
        raise AssertionError("the 68-point model was asked")

    monkeypatch.setattr(face_recognition.api, "pose_predictor_68_point", asked)
    assert reference.embed(faces["obama.jpg"]).numbers.shape == (128,)
    with pytest.raises(AssertionError):
        face_recognition.face_encodings(faces["obama.jpg"].image, model="large")


def test_every_call_that_takes_a_landmark_model_names_the_small_one() -> None:
    sources = (path.read_text("utf-8") for path in (_ROOT / "verification").rglob("*.py"))
    calls = [
        call
        for source in sources
        if "face_encodings" in source
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "face_encodings"
    ]
    named = [{word.arg: ast.literal_eval(word.value) for word in call.keywords} for call in calls]
    assert [each.get("model") for each in named] == ["small"]


def test_no_pinned_file_of_weights_is_the_68_point_model() -> None:
    pinned = [each for each in vars(weights).values() if isinstance(each, weights.WeightFile)]
    assert len(pinned) == 5
    assert not [each.path for each in pinned if "68" in Path(each.path).name]


# The ladder of detectors: YuNet first; dlib says only whether one face is there; the points are
# always YuNet's.


Finds = Callable[[Pixels, OnnxNet], list[detection._Found]]
_LIMITS = ImageLimits(max_bytes=20_000_000, max_pixels=30_000_000)


def only_in_a_part(find: Finds, whole: list[detection._Found]) -> Finds:
    """YuNet that finds this in the whole picture, and what it does find in a part of it."""
    asked: list[int] = []

    def finds(image: Pixels, net: OnnxNet) -> list[detection._Found]:
        asked.append(1)
        return whole if len(asked) == 1 else find(image, net)

    return finds


@pytest.fixture
def portrait_pixels(folder: Path) -> Pixels:
    return pixels(folder / "obama.jpg")


def twins(image: Pixels, find: Finds, net: OnnxNet) -> list[detection._Found]:
    """Two faces of one size where there is one."""
    [found] = find(image, net)
    return [found, found]


@pytest.mark.parametrize("how", ["nothing", "two"])
def test_where_yunet_finds_nothing_or_two_the_points_are_its_own_in_dlibs_box(
    monkeypatch: pytest.MonkeyPatch, default: Backend, portrait_pixels: Pixels, how: str
) -> None:
    find = detection._find
    sure = detection.locate(portrait_pixels, yunet=default.yunet)
    whole = [] if how == "nothing" else twins(portrait_pixels, find, default.yunet)
    monkeypatch.setattr(detection, "_find", only_in_a_part(find, whole))
    found = detection.locate(portrait_pixels, yunet=default.yunet)
    # Not dlib's, of which there are none here: near those of the first look, and to the net the
    # same face.
    assert np.abs(found.points - sure.points).max() < 0.2 * sure.eye_distance
    assert distance(default.embed(found), default.embed(sure)).value < 0.5


def test_a_face_that_dlib_alone_sees_is_not_found(
    monkeypatch: pytest.MonkeyPatch, default: Backend, portrait_pixels: Pixels
) -> None:
    monkeypatch.setattr(detection, "_find", lambda image, net: [])
    with pytest.raises(Refused) as refused:
        detection.locate(portrait_pixels, yunet=default.yunet)
    assert refused.value.code == "face_not_found"


@pytest.mark.parametrize(("boxes", "code"), [(0, "face_not_found"), (2, "multiple_faces")])
def test_no_face_is_chosen_where_dlib_finds_none_or_two(
    monkeypatch: pytest.MonkeyPatch,
    default: Backend,
    portrait_pixels: Pixels,
    boxes: int,
    code: str,
) -> None:
    shown = np.hstack([portrait_pixels] * boxes) if boxes else np.zeros_like(portrait_pixels)
    monkeypatch.setattr(detection, "_find", only_in_a_part(detection._find, []))
    with pytest.raises(Refused) as refused:
        detection.locate(shown, yunet=default.yunet)
    assert refused.value.code == code


def test_dlib_is_not_asked_where_yunet_finds_one(
    monkeypatch: pytest.MonkeyPatch, default: Backend, portrait_pixels: Pixels
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(detection, "_hog", lambda: asked.append("dlib"))
    detection.locate(portrait_pixels, yunet=default.yunet)
    assert asked == []


def test_a_small_face_of_a_large_file_is_cut_from_all_its_pixels(
    default: Backend, folder: Path
) -> None:
    face = Image.open(folder / "obama.jpg").convert("RGB").resize((640, 640))
    large, small = Image.new("RGB", (2560, 2560), "grey"), io.BytesIO()
    large.paste(face, (960, 960))
    large.save(small, "JPEG", quality=95)
    draft = image_gate.open_draft(small.getvalue(), limits=_LIMITS, least=640)
    assert draft.scale > 1
    found, _ = default.open(small.getvalue(), limits=_LIMITS)
    assert (found.scale, max(found.image.shape)) == (1.0, 2560)
    whole, _ = default.find(image_gate.open_image(small.getvalue(), limits=_LIMITS))
    assert np.array_equal(found.points, whole.points)


# The library that runs the nets tells its maker nothing, and leaves no lasting id of the
# machine.


ROOT = Path(__file__).resolve().parents[4]
BARE = "import sys, onnxruntime; onnxruntime.InferenceSession(sys.argv[1])"
OURS = (
    "import sys; from pathlib import Path; from verification.engines.faces import nets;"
    " nets.OnnxNet(Path(sys.argv[1]))"
)


def left_behind(home: Path, code: str, net: Path) -> list[str]:
    """What a process with a home of its own leaves there. The library is silent where it takes
    itself to be tested.
    """
    bare = {"PATH": os.environ["PATH"], "HOME": str(home)}
    subprocess.run([sys.executable, "-c", code, str(net)], cwd=ROOT, env=bare, check=True)
    return [
        path.name
        for path in home.rglob("*")
        if "onnxruntime" in str(path) or path.name == "deviceid"
    ]


@pytest.mark.service
def test_our_process_leaves_no_record_where_the_library_by_itself_does(
    tmp_path: Path, models: Path
) -> None:
    net = nets.built(models, weights.ZOO[0].sha256)
    bare, ours = tmp_path / "bare", tmp_path / "ours"
    bare.mkdir()
    ours.mkdir()
    assert left_behind(ours, OURS, net) == []
    if not left_behind(bare, BARE, net):
        pytest.skip("on this machine the library leaves nothing by itself either")
