"""`calibrate_faces`: the calibration that it writes, and what it refuses."""

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from tests.verification.engines.faces.test_backends import DESCRIPTION, OWN
from tools import face_files
from tools.accuracy import pairs_needed
from tools.face_files import COLUMNS
from verification.engines import weights
from verification.engines.faces import backends, calibration, nets
from verification.engines.faces.backends import Choice
from verification.engines.faces.embedding import Embedding, TrainingData, mean_id
from verification.engines.faces.portrait import Portrait

# The command measures pairs, writes a calibration that is accepted, and writes none where pairs
# show too little.


WORDS = ("--conditions", "Official portraits of two men.")
# What 24 pairs of two people can show.
TARGET = ("--target-fmr", "0.15")


def write(folder: Path, rows: Iterator[tuple[str, ...]] | list[tuple[str, ...]]) -> Path:
    path = folder / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


@pytest.fixture(scope="session")
def pairs(people: Path) -> Path:
    """All pairs of the two people, of one cohort."""
    names = sorted(str(path.relative_to(people)) for path in people.rglob("*.jpg"))
    return write(
        people,
        [
            (one, two, str(int(one[:3] == two[:3])), "presidents")
            for one, two in combinations(names, 2)
        ],
    )


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An operator's net, which is the converted one under another name, and its description."""
    folder = tmp_path_factory.mktemp("own")
    content = nets.path_in(
        Path(configured.TULGA_FACE_MODELS_DIR), weights.FACE_RECOGNITION.sha256
    ).read_bytes()
    (folder / "own.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (folder / "own.json").write_text(json.dumps(DESCRIPTION | {"sha256": digest}))
    return folder / "own.json"


@pytest.fixture(scope="session")
def made(pairs: Path, own: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the calibration, the report and the curves of the operator's net."""
    folder = tmp_path_factory.mktemp("made")
    places = ("--output", folder / "c.json", "--report", folder / "r.json", "--det", folder / "det")
    told = run(pairs, *places, "--backend", "onnx-custom", "--model", own)
    assert told == ""
    return folder


def run(*words: object) -> str:
    out = StringIO()
    call_command(
        "calibrate_faces", *map(str, words), *WORDS, *TARGET, stdout=out, stderr=StringIO()
    )
    return out.getvalue()


def test_an_operators_net_is_judged_by_what_was_measured_with_it(made: Path, own: Path) -> None:
    models = Path(configured.TULGA_FACE_MODELS_DIR)
    backend = backends.load(
        Choice(backend="onnx-custom", models=models, model=own, calibration=made / "c.json")
    )
    found = backend.calibration
    assert found is not None
    assert found.embedding == OWN
    assert found.conditions.startswith("Official portraits of two men. Data SHA-256 ")
    assert [
        (cohort.name, cohort.people, cohort.impostor_pairs, cohort.genuine_pairs)
        for cohort in found.cohorts
    ] == [
        ("all", 2, 24, 21),
        ("presidents", 2, 24, 21),
    ]
    for cohort in found.cohorts:
        assert cohort.fmr_upper(found.zones.match.value) <= 0.15
        missed = cohort.at(found.zones.review.value).fnmr
        assert missed is not None
        assert missed <= 0.01
    assert 0.3 < found.zones.match.value < 0.7
    assert "30000" in backend.unfit_for_live()[0]


def test_folders_of_pictures_are_calibrated_as_single_ones_their_median_and_their_mean(
    people: Path, tmp_path: Path
) -> None:
    for number, path in enumerate(sorted(people.rglob("*.jpg"))):
        person = path.parent.name
        # The first of each person is the reference; the others are their capture.
        place = (
            tmp_path
            / ("refs" if path.name.endswith("_0001.jpg") else person)
            / f"{person}{number}.jpg"
        )
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(path.read_bytes())
    rows: list[tuple[str, ...]] = [
        (f"refs/{ref.name}", other, str(int(ref.name.startswith(other))), "")
        for ref in sorted((tmp_path / "refs").iterdir())
        for other in ("biden", "obama")
    ]
    out, told = StringIO(), StringIO()
    report = tmp_path / "r.json"
    call_command(
        "calibrate_faces",
        str(write(tmp_path, rows)),
        *WORDS,
        *("--target-fmr", "0.9", "--frames", "3"),
        *("--report", str(report)),
        stdout=out,
        stderr=told,
    )
    found = calibration.read(out.getvalue().encode())
    assert [each.decision for each in found.also] == ["mean-of-3", "median-of-3"]
    mean, median = (each.zones.match for each in found.also)
    assert (median.embedding, mean.embedding) == (found.embedding, mean_id(found.embedding, 3))
    assert (found.cohorts[0].impostor_pairs, found.cohorts[0].genuine_pairs) == (2, 2)
    assert [
        (each.cohorts[0].impostor_pairs, each.cohorts[0].genuine_pairs) for each in found.also
    ] == [(2, 2)] * 2
    assert found.source == "measured"
    assert set(json.loads(report.read_text())["several"]) == {"median-of-3", "mean-of-3"}
    assert "10 pictures measured, 4 pairs to compare" in told.getvalue()


def test_the_report_has_the_intervals_and_the_hash_of_the_data(made: Path) -> None:
    report = json.loads((made / "r.json").read_text())
    found = calibration.read((made / "c.json").read_bytes())
    assert report["data_sha256"] in found.conditions
    assert report["data_sha256"][:16] in found.id
    assert report["failures"] == {
        "pictures": 10,
        "refused": {},
        "rate": {"events": 0, "trials": 10, "share": 0.0, "low": 0.0, "high": 0.308497},
    }
    match = f"{report['zones']['match']:.2f}"
    assert report["cohorts"][0]["rates"][match]["fmr"] == {
        "events": 0,
        "trials": 24,
        "share": 0.0,
        "low": 0.0,
        "high": 0.142474,
    }
    assert [row["failures"]["pictures"] for row in report["cohorts"]] == [10, 10]
    assert report["dependent"][1].startswith(
        "presidents: its 24 impostor pairs are of 2 people, who make 1 pairs"
    )
    assert "False non-match rate" in (made / "det" / "det.svg").read_text()


@pytest.fixture
def changed(
    people: Path, pairs: Path, faceless: Path, tmp_path: Path
) -> tuple[Path, list[tuple[str, ...]]]:
    """The pictures and rows again, to be spoilt."""
    for path in people.rglob("*.jpg"):
        place = tmp_path / path.relative_to(people)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(path.read_bytes())
    (tmp_path / "faceless.jpg").write_bytes(faceless.read_bytes())
    with pairs.open(newline="") as file:
        return tmp_path, [tuple(row) for row in csv.reader(file)][1:]


def test_a_picture_without_a_face_is_told_by_its_code_and_its_pairs_are_not_counted(
    changed: tuple[Path, list[tuple[str, ...]]],
) -> None:
    folder, rows = changed
    found = calibration.read(
        run(write(folder, [*rows, ("biden/biden_0001.jpg", "faceless.jpg", "0", "")])).encode()
    )
    assert "11 pictures, refused: face_not_found 1." in found.conditions
    assert [cohort.impostor_pairs for cohort in found.cohorts] == [24, 24]
    assert found.embedding == "sface-2021dec-yunet5/single-l2"


def test_too_few_pairs_write_nothing_and_say_how_many_are_needed(
    pairs: Path, tmp_path: Path
) -> None:
    words = (
        "--conditions",
        "x",
        "--output",
        str(tmp_path / "c.json"),
        "--report",
        str(tmp_path / "r.json"),
    )
    with pytest.raises(CommandError, match=f"{pairs_needed(1e-4)} impostor pairs .* all has 24"):
        call_command("calibrate_faces", str(pairs), *words)
    assert list(tmp_path.iterdir()) == []


def _twice(folder: Path, rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    (folder / "copy.jpg").write_bytes((folder / "biden" / "biden_0001.jpg").read_bytes())
    return [*rows, ("copy.jpg", "obama/obama_0001.jpg", "0", "")]


def _cohort_of_strangers(folder: Path, rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [(*row[:3], "strangers") if row[2] == "0" else row for row in rows]


def _refused_cohort(folder: Path, rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [*rows, ("biden/biden_0001.jpg", "faceless.jpg", "0", "lost")]


def _outside(folder: Path, rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    (folder / "link.jpg").symlink_to("/etc/hostname")
    return [*rows, ("link.jpg", "obama/obama_0001.jpg", "0", "")]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_twice, "one picture under two names"),
        (_outside, "link.jpg is no file below"),
        (
            lambda folder, rows: [*rows, ("absent.jpg", "obama/obama_0001.jpg", "0", "")],
            "absent.jpg",
        ),
        (lambda folder, rows: [row for row in rows if row[2] == "0"], "pairs of both kinds"),
        (lambda folder, rows: [row for row in rows if row[2] == "1"], "pairs of both kinds"),
        (lambda folder, rows: [], "no pairs"),
        (
            _cohort_of_strangers,
            "presidents has 0 impostor and 21 genuine.*strangers has 24 impostor and 0 genuine",
        ),
        (_refused_cohort, "lost has 0 impostor and 0 genuine"),
    ],
    ids=[
        "twice",
        "outside",
        "absent",
        "only_impostors",
        "only_genuine",
        "empty",
        "strangers",
        "lost",
    ],
)
def test_pairs_that_show_nothing_are_refused(
    changed: tuple[Path, list[tuple[str, ...]]], spoil: Any, says: str
) -> None:
    folder, rows = changed
    with pytest.raises(CommandError, match=says):
        run(write(folder, spoil(folder, rows)))


class InsecureCounter:
    """A net that counts how often it is asked."""

    model, sha256 = "insecure", "ab" * 32
    training_data: TrainingData = "undocumented"

    def __init__(self, net: Any) -> None:
        self.net, self.asked, self.embedding = net, 0, net.embedding

    def embed_all(self, faces: Sequence[Portrait]) -> tuple[Embedding, ...]:
        self.asked += len(faces)
        embeddings: tuple[Embedding, ...] = self.net.embed_all(faces)
        return embeddings

    def test(self) -> None:
        """It gives the numbers of the net it asks."""


def test_a_picture_of_many_pairs_is_measured_once(people: Path) -> None:
    default = backends.in_use()
    counter = InsecureCounter(default.recogniser)
    backend = replace(default, name="insecure", calibration=None, recogniser=counter)
    two = sorted((people / "biden").iterdir())[:2]
    assert set(face_files.measure_all([*two, *two, two[0]], backend)) == set(two)
    assert counter.asked == 2


@pytest.mark.parametrize(
    "words", [("--target-fmr", "0"), ("--target-fmr", "1"), ("--review-fnmr", "much")]
)
def test_a_rate_that_is_none_is_a_mistake_on_the_command_line(
    pairs: Path, words: tuple[str, ...]
) -> None:
    with pytest.raises(CommandError, match="a rate is a number"):
        call_command("calibrate_faces", str(pairs), *WORDS, *words)


def test_what_was_calibrated_before_does_not_keep_anybody_from_calibrating_anew(
    pairs: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.TULGA_FACE_CALIBRATION = tmp_path / "of-another-net.json"
    assert calibration.read(run(pairs).encode()).embedding == "sface-2021dec-yunet5/single-l2"


def test_conditions_are_never_left_out(pairs: Path) -> None:
    with pytest.raises(CommandError, match="--conditions"):
        call_command("calibrate_faces", str(pairs))


def test_a_pair_that_is_labelled_wrongly_is_told_by_its_files(
    changed: tuple[Path, list[tuple[str, ...]]],
) -> None:
    folder, rows = changed
    # Another square of a picture of Obama, who is said to be somebody else.
    (folder / "else.jpg").write_bytes((folder / "obama" / "obama_0002.jpg").read_bytes() + b"\0")
    told = StringIO()
    wrong = ("obama/obama_0001.jpg", "else.jpg", "0", "")
    call_command(
        "calibrate_faces",
        str(write(folder, [*rows, wrong])),
        *WORDS,
        "--target-fmr",
        "0.3",
        stdout=StringIO(),
        stderr=told,
    )
    assert (
        "labelled rightly? obama/obama_0001.jpg and else.jpg are two people at" in told.getvalue()
    )


# What keeps pairs from being calibrated is told before hours of measuring, or with what to look
# at.


def test_too_few_rows_and_a_place_that_is_not_there_are_told_before_anything_is_measured(
    changed: tuple[Path, list[tuple[str, ...]]],
) -> None:
    folder, rows = changed
    told = StringIO()
    for more, said in (
        ((), "36887 impostor pairs"),
        (
            ("--target-fmr", "0.3", "--output", str(folder / "none" / "c.json")),
            "name one in a folder that is there",
        ),
        (("--target-fmr", "0.3", "--report", str(folder)), "name one in a folder that is there"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command(
                "calibrate_faces",
                str(write(folder, rows)),
                *WORDS,
                *more,
                stdout=StringIO(),
                stderr=told,
            )
    assert "measured" not in told.getvalue()


def test_where_no_zone_can_be_proposed_the_nearest_strangers_are_named(
    changed: tuple[Path, list[tuple[str, ...]]],
) -> None:
    folder, rows = changed
    (folder / "else.jpg").write_bytes((folder / "obama" / "obama_0001.jpg").read_bytes() + b"\0")
    wrong = ("obama/obama_0001.jpg", "else.jpg", "0", "")
    with pytest.raises(CommandError, match=r"The nearest strangers: obama/obama_0001.jpg and else"):
        call_command(
            "calibrate_faces",
            str(write(folder, [*rows, wrong])),
            *WORDS,
            *TARGET,
            stdout=StringIO(),
            stderr=StringIO(),
        )
