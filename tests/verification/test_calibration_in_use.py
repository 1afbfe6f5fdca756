"""A face is judged by the calibration that the operator installed, in any order of imports."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from verification.engines.faces import backends

_ROOT = Path(__file__).resolve().parents[2]
_TELL = """
import json, sys
if sys.argv[1] == "celery":
    import config.celery
import django
django.setup()
from verification import routes
from verification.core.errors import Misconfigured
from verification.stages.live_capture import STAGE
try:
    policy = routes.ROUTES["biometric"].stages[-1].policy_in_use()
    match = policy.zones.match
    said = [match.value, policy.same_face.value, match.calibration, match.embedding]
except Misconfigured as error:
    said = ["misconfigured", error.detail]
print(json.dumps(said))
"""


def told(first: str, **environment: str) -> list[object]:
    """What a process of this start judges by."""
    run = subprocess.run(
        [sys.executable, "-c", _TELL, first],
        cwd=_ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said: list[object] = json.loads(run.stdout)
    return said


@pytest.mark.service
@pytest.mark.parametrize("first", ["django", "celery"])
def test_the_operators_calibration_is_the_one_that_judges(first: str, tmp_path: Path) -> None:
    source = Path(backends.__file__).parent / "calibrations" / backends.SHIPPED["sface-onnx"]
    own = json.loads(source.read_text("utf-8"))
    own["id"], own["also"], own["cohorts"] = "operators-own", [], own["cohorts"][:2]
    own["review"] = "1.05"  # nearer than the shipped one's
    path = tmp_path / "own.json"
    path.write_text(json.dumps(own), "utf-8")
    assert told(first, TULGA_FACE_CALIBRATION=str(path))[:3] == [1.0, 1.05, "operators-own"]


@pytest.mark.service
def test_another_backend_brings_its_own_zones() -> None:
    embeddings = {
        told("celery", TULGA_FACE_BACKEND=name)[3] for name in ("dlib-onnx", "face_recognition")
    }
    assert len(embeddings) == 2


@pytest.mark.service
def test_an_unreadable_calibration_is_a_misconfiguration(tmp_path: Path) -> None:
    said = told("django", TULGA_FACE_CALIBRATION=str(tmp_path / "none.json"))
    assert said[0] == "misconfigured"
