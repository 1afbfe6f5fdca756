"""The command compares files as the routes compare faces, and its exit code says the zone."""

import json
from io import BytesIO, StringIO, TextIOWrapper
from os import fsdecode
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image
from pytest_django import Settings

from tools import face_files
from tools.management.commands.match_faces import Command
from verification.engines.faces import backends
from verification.engines.faces.embedding import median_distance


def run(*words: object) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    try:
        call_command("match_faces", *map(str, words), stdout=out)
    except CommandError as error:
        return error.returncode, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_pictures_of_one_person_match_and_say_by_what(portraits: Path) -> None:
    code, told = run(portraits / "obama.jpg", portraits / "obama3.jpg")
    assert (code, told["zone"], told["thresholds"]) == (0, "match", {"match": 1.0, "review": 1.08})
    assert (told["calibration"], told["calibration_source"]) == (
        "lfw-2026-11.sface-single-l2",
        "quoted",
    )
    assert told["decision"] == "median-of-1"
    assert told["faces"] == [of["file"] for of in told["quality"]] == ["obama.jpg", "obama3.jpg"]
    assert told["quality"][0]["measures"]["eyes"] > 100
    assert (
        0
        <= min(told["quality"][0]["components"].values())
        <= max(told["quality"][0]["components"].values())
        <= 1
    )
    assert set(told) == {
        *(
            "zone",
            "distance",
            "thresholds",
            "faces",
            "quality",
            "backend",
            "decision",
            "embedding",
            "model",
            "model_sha256",
            "training_data",
            "detector_sha256",
            "calibration",
            "calibration_source",
            "ms",
        )
    }


def test_the_distance_is_the_one_that_the_routes_find(people: Path) -> None:
    reference, *probes = sorted((people / "obama").iterdir())[:3]
    _, told = run(reference, *probes)
    backend = backends.in_use()
    faces = [
        backend.embed_file(path.read_bytes(), limits=face_files.LIMITS)
        for path in (reference, *probes)
    ]
    assert told["distance"] == pytest.approx(median_distance(faces[0], faces[1:]).value, abs=1e-6)
    assert told["decision"] == "median-of-2"


@pytest.mark.parametrize("exists", [True, False])
def test_a_name_that_cannot_be_shown_is_no_reason_for_no_match(
    people: Path, tmp_path: Path, exists: bool
) -> None:
    picture, odd = people / "obama" / "obama_0001.jpg", tmp_path / fsdecode(b"\xff.jpg")
    if exists:
        odd.write_bytes(picture.read_bytes())
    out = TextIOWrapper(BytesIO(), encoding="utf-8", errors="strict")
    if exists:
        call_command("match_faces", str(picture), str(odd), stdout=out)
    else:
        with pytest.raises(CommandError, match="bad_input") as refused:
            call_command("match_faces", str(picture), str(odd), stdout=out)
        assert refused.value.returncode == 3
    out.seek(0)
    assert json.load(out)["zone"] == ("match" if exists else "refused")


def test_pictures_of_two_people_do_not_match(people: Path) -> None:
    code, told = run(people / "obama" / "obama_0001.jpg", people / "biden" / "biden_0001.jpg")
    assert (code, told["zone"]) == (1, "no_match")
    assert told["distance"] > 1.1


def test_between_the_zones_is_review(people: Path, calibration: Path) -> None:
    pair = (people / "obama" / "obama_0001.jpg", people / "biden" / "biden_0001.jpg")
    code, told = run(*pair, "--calibration", calibration)
    assert (code, told["zone"], told["calibration"]) == (2, "review", "wide")


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    """The shipped calibration with a review zone that reaches strangers."""
    fields = json.loads(
        (
            Path(backends.__file__).parent / "calibrations" / backends.SHIPPED["sface-onnx"]
        ).read_text()
    )
    for cohort in fields["cohorts"]:
        cohort["rates"].append(
            {
                "distance": "1.5",
                "false_matches": cohort["impostor_pairs"],
                "fnmr": "0",
                "fnmr_by_person": "",
            }
        )
    path = tmp_path / "wide.json"
    path.write_text(json.dumps({**fields, "id": "wide", "review": "1.5"}))
    return path


@pytest.fixture(scope="module")
def defects(
    tmp_path_factory: pytest.TempPathFactory, faceless: Path, people: Path
) -> dict[str, Path]:
    """Files that cannot be compared, by what is wrong with them."""
    folder = tmp_path_factory.mktemp("defects")
    biden = people / "biden"
    good = (biden / "biden_0001.jpg").read_bytes()
    contents = {
        "malformed": good[:900],
        "too_large": good + bytes(face_files.LIMITS.max_bytes),
        "text": b"face",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    both = Image.new("RGB", (640, 320))
    for number in range(2):
        with Image.open(biden / f"biden_000{number + 1}.jpg") as face:
            both.paste(face, (320 * number, 0))
    both.save(folder / "two.png")
    with Image.open(biden / "biden_0001.jpg") as face:
        face.point(lambda value: value // 6).save(folder / "dark.png")
    return {
        **{name: folder / name for name in contents},
        "two": folder / "two.png",
        "dark": folder / "dark.png",
        "faceless": faceless,
        "absent": folder / "absent.jpg",
        "folder": folder,
    }


@pytest.mark.parametrize(
    ("defect", "expected"),
    [
        ("faceless", "face_not_found"),
        ("two", "multiple_faces"),
        ("dark", "face_too_dark"),
        ("malformed", "face_image_malformed"),
        ("text", "face_image_malformed"),
        ("too_large", "face_image_too_large"),
        ("absent", "bad_input"),
        ("folder", "bad_input"),
    ],
)
@pytest.mark.parametrize("is_reference", [True, False], ids=["reference", "probe"])
def test_a_picture_that_cannot_be_compared_is_refused_by_its_code(
    people: Path, defects: dict[str, Path], defect: str, expected: str, is_reference: bool
) -> None:
    pair = (defects[defect], people / "biden" / "biden_0001.jpg")
    code, told = run(*(pair if is_reference else reversed(pair)))
    assert (code, told["zone"], told["code"]) == (3, "refused", expected)
    assert defects[defect].name in told["detail"]


def test_a_net_that_is_not_there_or_has_no_calibration_refuses(
    people: Path, settings: Settings, tmp_path: Path
) -> None:
    pair = sorted((people / "biden").iterdir())[:2]
    assert run(*pair, "--backend", "onnx-custom")[1]["code"] == "misconfigured"
    settings.TULGA_FACE_BACKEND = "dlib"
    assert (run(*pair)[0], run(*pair, "--backend", "sface-onnx")[0]) == (3, 0)
    settings.TULGA_FACE_BACKEND, settings.TULGA_FACE_MODELS_DIR = "sface-onnx", tmp_path
    assert "build_face_model" in run(*pair)[1]["detail"]


@pytest.mark.parametrize(
    "words",
    [[], ["a.jpg"], ["a.jpg", "b.jpg", "--backend", "dlib"], ["a.jpg", "b.jpg", "--nothing"]],
)
def test_a_mistake_on_the_command_line_exits_with_3_and_not_with_reviews_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        Command().run_from_argv(["manage.py", "match_faces", *words])
    assert leaving.value.code == 3
    assert "usage" in capsys.readouterr().err


def test_a_backend_of_one_run_takes_no_calibration_of_another(
    portraits: Path, settings: Settings, calibration: Path
) -> None:
    settings.TULGA_FACE_CALIBRATION = calibration
    pair = (portraits / "obama.jpg", portraits / "obama3.jpg")
    assert run(*pair)[1]["calibration"] == "wide"
    code, told = run(*pair, "--backend", "face_recognition")
    assert (code, told["embedding"], told["calibration"]) == (
        0,
        "dlib-resnet-v1/single",
        "lfw-2026-11.single",
    )
    assert configured.TULGA_FACE_BACKEND == "sface-onnx"
