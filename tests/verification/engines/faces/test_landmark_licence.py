"""The 68-point model, whose training data excludes commercial use, judges nobody: not even through
the reference.
"""

import ast
from pathlib import Path
from typing import Any

import pytest

from verification.engines import weights
from verification.engines.faces import reference as reference_backend
from verification.engines.faces.backends import Backend
from verification.engines.faces.portrait import Portrait

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
