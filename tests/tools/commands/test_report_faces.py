"""`match_faces` and `report_faces`: faces compared in pairs, and everybody with everybody."""

import json
from io import BytesIO, StringIO, TextIOWrapper
from os import fsdecode, mkfifo
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from django.conf import settings
from django.conf import settings as configured
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from pytest_django import Settings

from tests.proofs import Figures
from tests.verification.engines.liveness import insecure_detectors
from tools import det_curves, face_files, face_report
from tools.face_report import survey
from tools.management.commands.match_faces import Command
from verification.core.errors import BadInput
from verification.engines.faces import backends
from verification.engines.faces.backends import Choice
from verification.engines.faces.embedding import median_distance
from verification.engines.liveness import passive

# A folder of people is compared pair by pair and by cohort, its reviews are forecast, and the
# report is the same each time.


EVIDENCE = Path(__file__).resolve().parents[3] / "docs" / "evidence"


def run(*words: object) -> str:
    out = StringIO()
    call_command("report_faces", *map(str, words), stdout=out)
    return out.getvalue()


@pytest.fixture
def folder(people: Path, tmp_path: Path) -> Path:
    """The people, with their cohorts."""
    copytree(people, tmp_path / "people", ignore=lambda *_: ["pairs.csv"])
    folder = tmp_path / "people"
    (folder / "people.csv").write_text("person,cohort\nobama,tall\nbiden,tall\n")
    return folder


def test_everybody_is_compared_with_everybody_and_the_report_is_the_same_each_time(
    folder: Path, faceless: Path, tmp_path: Path
) -> None:
    (folder / "biden" / "biden_0009.jpg").write_bytes(faceless.read_bytes())
    told = [run(folder, "--output", tmp_path / name) for name in ("one", "two")]
    assert told[0] == told[1] == (tmp_path / "one" / "report.md").read_text()
    for name in ("report.json", "det.svg"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    facts = json.loads((tmp_path / "one" / "report.json").read_text())
    assert (facts["people"], facts["failures"]["pictures"]) == (2, 11)
    assert facts["failures"]["refused"] == {"face_not_found": 1}
    assert [
        (row["name"], row["impostor_pairs"], row["genuine_pairs"]) for row in facts["cohorts"]
    ] == [
        ("all", 24, 21),
        ("tall", 24, 21),
    ]
    assert facts["cohorts"][0]["rates"]["match"]["fmr"]["events"] == 0
    assert facts["nearest_impostors"] > 1.1
    assert facts["near"] == []
    assert 0 < facts["farthest_genuine"] < 1
    assert "2 people, 11 pictures" in told[0]
    assert "| tall | 2 | 24 / 21 | match: 1 | 0 of 24 (0 … 0.14) |" in told[0]
    assert "1 of them at most have no person in common" in told[0]


def reviewed(folder: Path, backend: str, captures: int) -> dict[tuple[str, str], tuple[float, ...]]:
    """Each row of the forecast by its cohort and weight."""
    chosen = backends.loaded(Choice(backend=backend, models=settings.TULGA_FACE_MODELS_DIR))
    rows = survey(folder, chosen, captures=captures).facts["reviews"]
    return {
        (row["cohort"], row["weight"]): (
            row["to_people"],
            row["hours"],
            row["people"],
            row["refused"],
        )
        for row in rows
    }


def test_a_million_captures_a_year_need_one_or_two_people_by_sface_and_a_score_by_dlib(
    folder: Path,
) -> None:
    sface = reviewed(folder, "sface-onnx", 1_000_000)
    # 0.043 - 0.009 of a million, two people, two minutes each, 1800 hours.
    assert sface["east-asian", "by pair"] == (0.034, 2267, 1.3, 0.009)
    assert sface["all", "by person"] == (0.054, 3600, 2.0, 0.027)
    dlib = reviewed(folder, "dlib-onnx", 1_000_000)
    assert dlib["all", "by pair"] == (0.659, 43933, 24.4, 0.071)


def test_the_number_of_captures_is_the_lenders(folder: Path) -> None:
    assert "east-asian (quoted by pair) 3.40%, 2 hours, 0.0 people, and 0.90% refused" in run(
        folder, "--captures", 1000
    )
    for wrong in ("0", "many"):
        with pytest.raises(CommandError, match="a whole number above 0"):
            run(folder, "--captures", wrong)


def test_a_detector_of_attacks_is_named_with_the_share_of_the_honest_that_it_sends(
    folder: Path, tmp_path: Path
) -> None:
    passive.use(insecure_detectors.install(tmp_path, insecure_detectors.saying(1.0)))
    try:
        line = run(folder).splitlines()[-1]
    finally:
        passive.use(None)
    assert line.startswith("Passive detector small@")
    assert "BPCER 0.050 (5 of 100" in line
    assert line.endswith("It sends up to 25.00% more, its BPCER for each of 5 pictures, to people.")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("people.csv", "name,tribe\nobama,tall\n", "no columns"),
        ("people.csv", "person,cohort\nobama,all\n", "cohort"),
        ("people.csv", 'person,cohort\n"obama\n', "no CSV"),
        ("people.csv", "person,cohort\nobama\n", None),
        ("people.csv", "person,cohort\nobama,tall\nobama,short\n", "two cohorts for 'obama'"),
        ("people.csv", "person,cohort\nobama,tall\nobama,tall\n", None),
        ("people.csv", "person,cohort\nObama,tall\n", "names no person"),
        ("people.csv", "person,cohort\n", None),
        ("extra.jpg", "x", "whose picture"),
    ],
)
def test_a_folder_that_cannot_be_understood_is_refused(
    folder: Path, name: str, content: str, says: str | None
) -> None:
    (folder / name).write_text(content)
    if says is None:
        face_files.read_folder(folder)
        return
    with pytest.raises(CommandError, match=says):
        run(folder)


def test_one_person_alone_or_no_folder_has_no_report(people: Path, tmp_path: Path) -> None:
    for path in (people / "biden", tmp_path / "absent", tmp_path):
        with pytest.raises(CommandError, match="no report"):
            run(path)


def test_a_picture_outside_the_folder_is_refused(folder: Path, faceless: Path) -> None:
    (folder / "biden" / "link.jpg").symlink_to(faceless)
    with pytest.raises(CommandError, match="outside"):
        run(folder)


def test_what_is_no_file_is_refused_and_not_waited_for(folder: Path) -> None:
    pipe, loop = folder / "biden" / "pipe.jpg", folder / "biden" / "loop.jpg"
    mkfifo(pipe)
    with pytest.raises(BadInput, match=r"pipe\.jpg is no file"):
        face_files.read_folder(folder)
    pipe.unlink()
    loop.symlink_to(loop)
    with pytest.raises(BadInput, match=r"loop\.jpg is no file"):
        face_files.read_folder(folder)


def test_two_folders_of_one_name_are_not_taken_for_one_person(folder: Path) -> None:
    (folder / "more" / "biden").mkdir(parents=True)
    (folder / "biden" / "biden_0001.jpg").rename(folder / "more" / "biden" / "biden_0001.jpg")
    with pytest.raises(BadInput, match="two folders are named biden"):
        face_files.read_folder(folder)


def test_a_picture_that_stands_twice_is_told(folder: Path) -> None:
    assert "byte for byte" not in run(folder)
    (folder / "biden" / "biden_0009.jpg").write_bytes(
        (folder / "obama" / "obama_0001.jpg").read_bytes()
    )
    assert "1 pictures are another, byte for byte" in run(folder)


def test_failures_are_told_by_cohort_even_where_no_picture_of_it_was_accepted(
    folder: Path, faceless: Path
) -> None:
    (folder / "eve").mkdir()
    (folder / "eve" / "eve_0001.jpg").write_bytes(faceless.read_bytes())
    (folder / "people.csv").write_text("person,cohort\nobama,tall\nbiden,tall\neve,short\n")
    found = survey(folder, backends.in_use()).facts
    told = {
        row["name"]: (row["failures"]["rate"]["events"], row["failures"]["pictures"])
        for row in found["cohorts"]
    }
    assert told == {"all": (1, 11), "short": (1, 1), "tall": (0, 10)}
    text = face_report.markdown(found)
    assert (
        "| short | 0 | 0 / 0 | match: 1 | no pairs | no pairs | 0 / 1 | 1 of 1 (0.025 … 1) |"
        in text
    )
    assert "95 % interval" in text
    assert "learned from is undocumented by its maker; the calibration's rates are quoted" in text


@hypothesis_settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=60)
    | st.text('0123456789\t\n,"obamaiden\0\u0436.-', max_size=60).map(str.encode),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_damage_to_what_lies_beside_the_pictures_is_refused_or_read_and_never_anything_else(
    folder: Path, junk: bytes, place: int, gone: int
) -> None:
    good = "person,cohort\nobama,tall\nbiden,tall\n"
    whole = good.encode()
    (folder / "people.csv").write_bytes(whole[:place] + junk + whole[place + gone :])
    try:
        pictures = face_files.read_folder(folder)
    except BadInput:
        return
    finally:
        (folder / "people.csv").write_text(good)
    assert {picture.person for picture in pictures} == {"obama", "biden"}


@pytest.mark.proof("faces")
@pytest.mark.parametrize("backend", ["sface-onnx", "dlib-onnx"])
def test_no_person_of_london_is_in_the_match_zone_of_another(
    backend: str,
    shared_data: Path,
    tmp_path: Path,
    settings: Settings,
    proof_figures: Figures,
    proof_scale: float,
) -> None:
    london = shared_data / "faces" / "london"
    if not london.is_dir():
        pytest.skip("the London set is not here")
    if proof_scale < 1:
        people = sorted({path.name[:3] for path in london.glob("*.jpg")})[
            : max(3, round(42 * proof_scale))
        ]
        copytree(
            london,
            tmp_path / "few",
            ignore=lambda _, names: [name for name in names if name[:3] not in people],
        )
        london = tmp_path / "few"
    loaded = backends.load(Choice(backend=backend, models=settings.TULGA_FACE_MODELS_DIR))
    found = survey(london, loaded)
    everyone = found.facts["cohorts"][0]
    match = everyone["rates"]["match"]
    assert match["fmr"]["events"] == 0
    assert match["fnmr"]["events"] <= 1
    assert found.facts["failures"]["refused"] == {}
    proof_figures |= _figures(backend.removesuffix("-onnx"), found.facts)
    if proof_scale >= 1 and backend == "sface-onnx":
        EVIDENCE.mkdir(parents=True, exist_ok=True)
        drawing = det_curves.draw(
            found.tallies, zones=list(found.zones.values()), title="DET on the London set"
        )
        (EVIDENCE / "faces-det.svg").write_text(drawing, encoding="utf-8")


def _figures(name: str, facts: dict[str, Any]) -> dict[str, float | int | str]:
    everyone = facts["cohorts"][0]
    match, review = everyone["rates"]["match"], everyone["rates"]["review"]
    near = [f"{' '.join(pair['pictures'])} {pair['distance']}" for pair in facts["near"]]
    figures = {
        "people": facts["people"],
        "pictures": facts["failures"]["pictures"],
        "refused": 0,
        "impostor_pairs": everyone["impostor_pairs"],
        "genuine_pairs": everyone["genuine_pairs"],
        "match_false": match["fmr"]["events"],
        "match_fmr_high": match["fmr"]["high"],
        "match_missed": match["fnmr"]["events"],
        "review_false": review["fmr"]["events"],
        "review_fmr_high": review["fmr"]["high"],
        "review_missed": review["fnmr"]["events"],
        "nearest": facts["nearest_impostors"],
        "farthest": facts["farthest_genuine"],
        "strangers_within_review": "; ".join(near),
    }
    return {f"{name}_{figure}": value for figure, value in figures.items()}


# The command compares files as the routes compare faces, and its exit code says the zone.


def matched(*words: object) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    try:
        call_command("match_faces", *map(str, words), stdout=out)
    except CommandError as error:
        return error.returncode, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_pictures_of_one_person_match_and_say_by_what(portraits: Path) -> None:
    code, told = matched(portraits / "obama.jpg", portraits / "obama3.jpg")
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
    _, told = matched(reference, *probes)
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
    code, told = matched(people / "obama" / "obama_0001.jpg", people / "biden" / "biden_0001.jpg")
    assert (code, told["zone"]) == (1, "no_match")
    assert told["distance"] > 1.1


def test_between_the_zones_is_review(people: Path, calibration: Path) -> None:
    pair = (people / "obama" / "obama_0001.jpg", people / "biden" / "biden_0001.jpg")
    code, told = matched(*pair, "--calibration", calibration)
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
    code, told = matched(*(pair if is_reference else reversed(pair)))
    assert (code, told["zone"], told["code"]) == (3, "refused", expected)
    assert defects[defect].name in told["detail"]


def test_a_net_that_is_not_there_or_has_no_calibration_refuses(
    people: Path, settings: Settings, tmp_path: Path
) -> None:
    pair = sorted((people / "biden").iterdir())[:2]
    assert matched(*pair, "--backend", "onnx-custom")[1]["code"] == "misconfigured"
    settings.TULGA_FACE_BACKEND = "dlib"
    assert (matched(*pair)[0], matched(*pair, "--backend", "sface-onnx")[0]) == (3, 0)
    settings.TULGA_FACE_BACKEND, settings.TULGA_FACE_MODELS_DIR = "sface-onnx", tmp_path
    assert "build_face_model" in matched(*pair)[1]["detail"]


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
    assert matched(*pair)[1]["calibration"] == "wide"
    code, told = matched(*pair, "--backend", "face_recognition")
    assert (code, told["embedding"], told["calibration"]) == (
        0,
        "dlib-resnet-v1/single",
        "lfw-2026-11.single",
    )
    assert configured.TULGA_FACE_BACKEND == "sface-onnx"
