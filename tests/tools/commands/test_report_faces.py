"""A folder of people is compared pair by pair, by cohort and by the protocol of LFW, and told the
same each time.
"""

import json
from io import StringIO
from os import mkfifo
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from tests.proofs import Figures
from tools import det_svg, face_folders, face_report
from tools.face_survey import survey
from verification.core.errors import BadInput
from verification.engines.faces import backends
from verification.engines.faces.backends import Choice

EVIDENCE = Path(__file__).resolve().parents[3] / "docs" / "evidence"


def run(*words: object) -> str:
    out = StringIO()
    call_command("report_faces", *map(str, words), stdout=out)
    return out.getvalue()


@pytest.fixture
def folder(people: Path, tmp_path: Path) -> Path:
    """The people, with their cohorts and a protocol of two folds in the form of LFW."""
    copytree(people, tmp_path / "people", ignore=lambda *_: ["pairs.csv"])
    folder = tmp_path / "people"
    (folder / "people.csv").write_text("person,cohort\nobama,tall\nbiden,tall\n")
    fold = ["obama\t1\t2", "biden\t1\t2", "obama\t1\tbiden\t1", "obama\t2\tbiden\t2"]
    other = ["obama\t3\t4", "biden\t3\t4", "obama\t3\tbiden\t3", "obama\t4\tbiden\t4"]
    (folder / "pairs.txt").write_text("\n".join(["2\t2", *fold, *other]) + "\n")
    return folder


def test_everybody_is_compared_with_everybody_and_the_report_is_the_same_each_time(
    folder: Path, nobody: Path, tmp_path: Path
) -> None:
    (folder / "biden" / "biden_0009.jpg").write_bytes(nobody.read_bytes())
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
    assert "1 of them at most have nobody in common" in told[0]


def test_the_protocol_of_lfw_is_judged_fold_by_fold(folder: Path) -> None:
    told = survey(folder, backends.in_use()).facts["lfw"]
    assert told == {
        "pairs": 8,
        "folds": 2,
        "refused_pairs": 0,
        "accuracy": 1.0,
        "standard_error": 0.0,
    }
    assert "8 pairs in 2 folds, accuracy 1.0000" in run(folder)


def test_a_pair_of_the_protocol_that_is_labelled_wrongly_costs_accuracy(folder: Path) -> None:
    lines = (folder / "pairs.txt").read_text().replace("obama\t4\tbiden\t4", "obama\t4\tobama\t1")
    (folder / "pairs.txt").write_text(lines)
    assert survey(folder, backends.in_use()).facts["lfw"]["accuracy"] < 1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("pairs.txt", "2\t2\nobama\t1\t2\n", "as many pairs"),
        ("pairs.txt", "two\tfolds\n", "no protocol"),
        ("pairs.txt", "", "no protocol"),
        ("pairs.txt", "2\t1\n" + "obama\t1\t00002\n" * 4, "no protocol"),
        (
            "pairs.txt",
            "2\t1\n" + "\U00020000" * 99 + "\t1\t2\n" + "obama\t1\t2\n" * 3,
            "no protocol",
        ),
        ("pairs.txt", "2\t1\n" + "obama\t1\n" * 4, "no protocol"),
        ("pairs.txt", "2\t1\n" + "../obama\t1\t2\n" * 4, "no protocol"),
        ("pairs.txt", "2\t1\n" + "obama\t1\t99\n" * 4, "obama_0099.jpg"),
        ("people.csv", "name,tribe\nobama,tall\n", "no columns"),
        ("people.csv", "person,cohort\nobama,all\n", "cohort"),
        ("people.csv", 'person,cohort\n"obama\n', "no CSV"),
        ("people.csv", "person,cohort\nobama\n", None),
        ("people.csv", "person,cohort\nobama,tall\nobama,short\n", "two cohorts for 'obama'"),
        ("people.csv", "person,cohort\nobama,tall\nobama,tall\n", None),
        ("people.csv", "person,cohort\nObama,tall\n", "nobody"),
        ("people.csv", "person,cohort\n", None),
        ("extra.jpg", "x", "whose picture"),
    ],
)
def test_a_folder_that_cannot_be_understood_is_refused(
    folder: Path, name: str, content: str, says: str | None
) -> None:
    (folder / name).write_text(content)
    if says is None:
        face_folders.read(folder)
        return
    with pytest.raises(CommandError, match=says):
        run(folder)


def test_one_person_alone_or_no_folder_has_no_report(people: Path, tmp_path: Path) -> None:
    for path in (people / "biden", tmp_path / "absent", tmp_path):
        with pytest.raises(CommandError, match="no report"):
            run(path)


def test_a_picture_outside_the_folder_is_refused(folder: Path, nobody: Path) -> None:
    (folder / "biden" / "link.jpg").symlink_to(nobody)
    with pytest.raises(CommandError, match="outside"):
        run(folder)


def test_what_is_no_file_is_refused_and_not_waited_for(folder: Path) -> None:
    pipe, loop = folder / "biden" / "pipe.jpg", folder / "biden" / "loop.jpg"
    mkfifo(pipe)
    with pytest.raises(BadInput, match=r"pipe\.jpg is no file"):
        face_folders.read(folder)
    pipe.unlink()
    loop.symlink_to(loop)
    with pytest.raises(BadInput, match=r"loop\.jpg is no file"):
        face_folders.read(folder)


def test_the_protocol_leads_nowhere_but_below_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "obama").rename(tmp_path / "elsewhere")
    (folder / "obama").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="outside"):
        face_folders.read_protocol(folder)


def test_two_folders_of_one_name_are_not_taken_for_one_person(folder: Path) -> None:
    (folder / "more" / "biden").mkdir(parents=True)
    (folder / "biden" / "biden_0001.jpg").rename(folder / "more" / "biden" / "biden_0001.jpg")
    with pytest.raises(BadInput, match="two folders are named biden"):
        face_folders.read(folder)


def test_a_picture_that_stands_twice_is_told(folder: Path) -> None:
    assert "byte for byte" not in run(folder)
    (folder / "biden" / "biden_0009.jpg").write_bytes(
        (folder / "obama" / "obama_0001.jpg").read_bytes()
    )
    assert "1 pictures are another, byte for byte" in run(folder)


def test_failures_are_told_by_cohort_even_where_no_picture_of_it_was_accepted(
    folder: Path, nobody: Path
) -> None:
    (folder / "eve").mkdir()
    (folder / "eve" / "eve_0001.jpg").write_bytes(nobody.read_bytes())
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
    st.sampled_from(["people.csv", "pairs.txt"]),
    st.binary(max_size=60)
    | st.text('0123456789\t\n,"obamaiden\0\u0436.-', max_size=60).map(str.encode),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_damage_to_what_lies_beside_the_pictures_is_refused_or_read_and_never_anything_else(
    folder: Path, name: str, junk: bytes, place: int, gone: int
) -> None:
    good = {
        "people.csv": "person,cohort\nobama,tall\nbiden,tall\n",
        "pairs.txt": "2\t1\n" + "obama\t1\t2\n" * 4,
    }
    whole = good[name].encode()
    (folder / name).write_bytes(whole[:place] + junk + whole[place + gone :])
    try:
        pictures, pairs = face_folders.read(folder), face_folders.read_protocol(folder)
    except BadInput:
        return
    finally:
        for each, content in good.items():
            (folder / each).write_text(content)
    assert {picture.person for picture in pictures} == {"obama", "biden"}
    assert all(path.is_relative_to(folder) for pair in pairs for path in (pair.first, pair.second))


@pytest.mark.proof("faces")
@pytest.mark.parametrize("backend", ["sface-onnx", "dlib-onnx"])
def test_nobody_of_london_is_in_the_match_zone_of_somebody_else(
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
        drawing = det_svg.draw(
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
