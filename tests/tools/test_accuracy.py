"""Rates of errors over pairs of faces, their curves, and the calibration that they give."""

import math
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from datetime import date
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.commands.test_calibrate_faces import write
from tools import accuracy, det_curves, face_calibration, face_files
from tools.accuracy import (
    Asked,
    Pairs,
    Share,
    Tally,
    compare,
    compare_all,
    edges,
    nearest_strangers,
    pairs_needed,
    propose,
)
from tools.det_curves import draw
from tools.face_calibration import Calibrated, Targets
from tools.face_files import Measured, Pair, locate, parse_pairs, people_of
from verification.core.errors import BadInput, CalibrationMismatch, Misconfigured
from verification.engines.faces import backends, calibration
from verification.engines.faces.embedding import (
    Embedding,
    distance,
    mean_distance,
    mean_id,
    median_distance,
    unit,
)
from verification.engines.faces.intervals import interval

# Rates of errors, their curves, and the calibration that they give.


# Errors are counted as ISO/IEC 19795-1 counts them, and a zone is proposed only where the pairs
# can bear it.


def tally(
    genuine: list[float], impostor: list[float], *, name: str = "all", more: tuple[float, ...] = ()
) -> Tally:
    """Of two people, who are 0 and 1."""
    same = np.repeat([True, False], [len(genuine), len(impostor)])
    people = (np.zeros(len(same), np.intp), np.where(same, 0, 1))
    return accuracy.tally(
        name, Pairs(np.array([*genuine, *impostor]), same, people), at=edges(*more)
    )


def test_by_person_everybody_weighs_alike() -> None:
    # Person 0 has three pairs of their own, of which one is missed; person 1 has one, which is.
    pairs = [
        (0.1, 0, 0),
        (0.1, 0, 0),
        (0.9, 0, 0),
        (0.9, 1, 1),
        (0.2, 0, 1),
        (0.8, 0, 2),
        (0.8, 1, 2),
    ]
    apart, one, other = (np.array(each) for each in zip(*pairs, strict=True))
    found = accuracy.tally("all", Pairs(apart, one == other, (one, other)), at=edges())
    assert found.false_non_matches(0.5) == Share(2, 4)
    assert found.by_person(0.5)[1] == pytest.approx((1 / 3 + 1) / 2)
    assert found.false_matches(0.5) == Share(1, 3)
    assert found.by_person(0.5)[0] == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)


def test_a_pair_at_the_edge_of_a_zone_matches_and_one_beyond_it_does_not() -> None:
    found = tally([0.26, 0.2601, math.nan], [0.26, 0.2601, 9.0])
    assert found.false_matches(0.26) == Share(1, 3)
    assert found.false_non_matches(0.26) == Share(2, 3)
    assert (found.genuine_pairs, found.impostor_pairs, found.nearest_impostors) == (3, 3, 0.26)


def test_a_distance_that_was_not_counted_at_is_not_answered_for() -> None:
    with pytest.raises(KeyError):
        tally([0.1], [0.9]).false_matches(0.26005)
    assert tally([0.1], [0.26004, 0.9], more=(0.26005,)).false_matches(0.26005).events == 1


@pytest.mark.parametrize("target", [1e-4, 1e-2, 0.2])
def test_so_many_pairs_show_a_rate_and_one_fewer_does_not(target: float) -> None:
    needed = pairs_needed(target)
    assert interval(0, needed)[1] <= target < interval(0, needed - 1)[1]


def proposed(
    tallies: list[Tally], *, target_fmr: float, review_fmr: float = 1.0
) -> tuple[float, float]:
    return accuracy.propose(tallies, target_fmr=target_fmr, review_fnmr=0.05, review_fmr=review_fmr)


ENOUGH = [0.5 + at / 1000 for at in range(400)]


def test_the_zones_are_the_widest_that_is_shown_and_the_narrowest_that_reaches_the_honest() -> None:
    found = tally([0.1] * 90 + [0.45] * 10, ENOUGH)
    # All honest pairs match, and the review zone reaches a twentieth beyond the match zone all the
    # same.
    assert proposed([found], target_fmr=0.04) == (0.5, 0.53)
    beyond = found.false_matches(0.51)
    assert found.false_matches(0.5).bounds[1] < beyond.value < 0.04 < beyond.bounds[1]
    far = tally([0.1] * 90 + [0.75] * 10, ENOUGH)
    assert proposed([far], target_fmr=0.02) == (0.5, 0.75)
    # Of strangers 101 of 400 lie within 0.60: where no more may be looked at, it ends there.
    assert proposed([far], target_fmr=0.02, review_fmr=101 / 400) == (0.5, 0.6)
    assert proposed([far], target_fmr=0.02, review_fmr=1e-9) == (0.5, 0.53)


def test_a_zone_must_hold_in_each_cohort() -> None:
    wide, near = tally([0.1], ENOUGH), tally([0.1], [each - 0.3 for each in ENOUGH], name="near")
    assert proposed([wide], target_fmr=0.02)[0] == 0.5
    assert proposed([wide, near], target_fmr=0.02)[0] == 0.2


def test_too_few_pairs_in_one_cohort_propose_nothing_and_say_how_many_would() -> None:
    needed = pairs_needed(0.02)
    few = tally([0.1], ENOUGH[: needed - 1], name="few")
    with pytest.raises(BadInput, match=rf"{needed} impostor pairs .* few has {needed - 1}"):
        proposed([tally([0.1], ENOUGH), few], target_fmr=0.02)
    assert proposed([tally([0.1], ENOUGH[:needed])], target_fmr=0.02)[0] > 0


def test_people_that_are_no_distance_apart_propose_nothing() -> None:
    with pytest.raises(BadInput, match="labelled"):
        proposed([tally([0.1], [0.001] * 400)], target_fmr=0.02)


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=40),
    st.lists(st.floats(0, 5), min_size=1, max_size=40),
)
def test_along_a_curve_one_error_grows_and_the_other_shrinks(
    genuine: list[float], impostor: list[float]
) -> None:
    curve = list(tally(genuine, impostor).det())
    for errors, signs in ((0, 1), (1, -1)):
        steps = np.diff([point[errors] for point in curve])
        assert np.all(signs * steps >= 0)
    assert all(0 <= fmr <= 1 and 0 <= fnmr <= 1 for fmr, fnmr in curve)


def test_everybody_is_compared_with_everybody_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "_BLOCK", 7)  # several blocks, of which the last is not whole
    random = np.random.default_rng(1)
    faces = [Embedding("net/single", row) for row in random.normal(size=(23, 8)) / 5]
    people = [f"person {at // 2}" for at in range(23)]
    at = edges()
    found = compare_all(faces, people, name="all", at=at)
    pairs = list(combinations(range(23), 2))
    same = [(one, two) for one, two in pairs if people[one] == people[two]]
    apart = {pair: distance(faces[pair[0]], faces[pair[1]]).value for pair in pairs}
    one, other = (np.array(each) for each in zip(*pairs, strict=True))
    numbers = np.arange(23) // 2
    listed = Pairs(
        np.array([apart[pair] for pair in pairs]),
        numbers[one] == numbers[other],
        (numbers[one], numbers[other]),
    )
    expected = accuracy.tally("all", listed, at=at)
    assert found.genuine.tolist() == expected.genuine.tolist()
    assert found.impostor.tolist() == expected.impostor.tolist()
    for kind in ("genuine_by_person", "impostor_by_person"):
        assert getattr(found, kind) == pytest.approx(getattr(expected, kind))
    assert len(same) == found.genuine_pairs
    assert (found.people, found.genuine_pairs, found.impostor_pairs) == (12, 11, 242)


def test_two_people_who_are_near_are_told_by_place_the_nearest_first() -> None:
    places = (0.0, 0.1, 0.35, 0.3, 2.0)
    seen = [Embedding("net/single", np.array([1.0, place])) for place in places]
    people = ["a", "a", "b", "c", "d"]
    found = accuracy.near_strangers(seen, people, limit=0.3, most=3)
    assert [(one, other, round(apart, 2)) for one, other, apart in found] == [
        (2, 3, 0.05),
        (1, 3, 0.2),
        (1, 2, 0.25),
    ]
    assert len(accuracy.near_strangers(seen, people, limit=0.3, most=9)) == 4


def test_faces_of_two_embeddings_are_not_counted_together() -> None:
    mixed = [Embedding("net/single", np.ones(2)), Embedding("net/mirror-mean-l2", np.ones(2))]
    with pytest.raises(CalibrationMismatch):
        compare_all(mixed, ["a", "b"], name="all", at=edges())


# The drawing of a DET has a title, says its numbers in words, and keeps to its plane.


_SVG = "{http://www.w3.org/2000/svg}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_GENUINE, _IMPOSTOR = [at / 100 for at in range(10, 50)], [at / 1000 for at in range(300, 1200)]


def words(text: str) -> tuple[str, str]:
    """The title and the description of a drawing."""
    drawing = ET.fromstring(text)  # noqa: S314
    description = next(drawing.iter(f"{_DC}description"))
    return drawing.findtext(f"{_SVG}title") or "", description.text or ""


def test_a_drawing_has_a_title_and_its_numbers_in_words_and_is_the_same_each_time() -> None:
    text = draw([tally(_GENUINE, _IMPOSTOR)], zones=[0.26, 0.37], title="DET of <own>")
    assert text == draw([tally(_GENUINE, _IMPOSTOR)], zones=[0.26, 0.37], title="DET of <own>")
    title, description = words(text)
    assert title == "DET of <own>"
    assert "all: at 0.26 FMR 0 and FNMR 0.57, at 0.37 FMR 0.079 and FNMR 0.3" in description
    assert "all (900 / 40 pairs)" in text


def test_a_rate_of_zero_lies_on_the_edge_which_is_named_none() -> None:
    text = draw([tally([0.1] * 5, [0.9] * 50)], zones=[0.5], title="")
    assert "at 0.5 FMR 0 and FNMR 0" in words(text)[1]
    assert text.count(">none</text>") == 2


def test_a_cohort_without_pairs_of_both_kinds_is_not_drawn_and_too_many_are_counted() -> None:
    tallies = [
        tally(_GENUINE, _IMPOSTOR, name=f"cohort & {at}")
        for at in range(det_curves.MOST_CURVES + 2)
    ]
    text = draw([tally([], _IMPOSTOR, name="one-sided"), *tallies], zones=[0.26], title="")
    assert text.count("cohort &amp; ") == 2 * det_curves.MOST_CURVES
    assert "2 more cohorts are not drawn" in words(text)[1]
    assert "one-sided" not in text


def test_without_matplotlib_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(Misconfigured, match="make drawing"):
        draw([], zones=[], title="")


# What is written is what was counted, in the form that is read, and live's own check judges it.


FAR = [0.4 + at / 100_000 for at in range(40_000)]


def spelled(tallies: list[Tally], **changes: object) -> bytes:
    words: dict[str, object] = {
        "name": "own-2026",
        "embedding": "own-net/mirror-mean-l2",
        "model_sha256": "ab" * 32,
        "made_on": date(2026, 11, 24),
        "conditions": "Portraits.",
    }
    zones = changes.pop("zones", None) or propose(
        tallies, target_fmr=1e-4, review_fnmr=0.05, review_fmr=1.0
    )
    single = (zones, tallies)
    return face_calibration.spell(single, **{"several": {}, **words, **changes})  # type: ignore[arg-type]


def test_what_was_counted_is_read_back() -> None:
    found = tally([0.1] * 60 + [0.5] * 40, FAR)
    read = calibration.read(spelled([found]))
    (cohort,), match = read.cohorts, read.zones.match.value
    assert (read.id, read.embedding, read.made_on) == (
        "own-2026",
        "own-net/mirror-mean-l2",
        date(2026, 11, 24),
    )
    assert (cohort.people, cohort.genuine_pairs, cohort.impostor_pairs) == (2, 100, 40_000)
    assert (match, read.zones.review.value) == (0.39, 0.5)
    assert (cohort.source, read.source) == ("measured", "measured")
    for rate in cohort.rates:
        assert rate.false_matches == found.false_matches(rate.distance).events
        assert rate.fnmr == pytest.approx(found.false_non_matches(rate.distance).value)
        assert rate.fnmr_by_person == pytest.approx(found.by_person(rate.distance)[1])


def test_what_several_pictures_give_is_read_back_and_a_mean_is_another_embedding() -> None:
    found = tally([0.1] * 60 + [0.5] * 40, FAR)
    several = {"median-of-3": ((0.38, 0.5), [found]), "mean-of-3": ((0.3, 0.4), [found])}
    read = calibration.read(spelled([found], several=several))
    assert [each.decision for each in read.also] == ["median-of-3", "mean-of-3"]
    median, mean = (each.zones.match for each in read.also)
    assert (median.value, median.embedding) == (0.38, read.embedding)
    assert (mean.value, mean.embedding) == (0.3, mean_id(read.embedding, 3))


def test_only_a_calibration_that_shows_one_in_ten_thousand_is_fit_for_live() -> None:
    assert calibration.read(spelled([tally([0.1], FAR)])).unfit_for_live() == []
    few = [tally([0.1], FAR[:29_999])]
    assert pairs_needed(2e-4) < 29_999
    small = spelled(few, zones=propose(few, target_fmr=2e-4, review_fnmr=0.05, review_fmr=1.0))
    assert "30000" in calibration.read(small).unfit_for_live()[0]


@pytest.mark.parametrize(
    "changes",
    [{"conditions": ""}, {"conditions": "a\nb"}, {"model_sha256": "ab"}, {"name": "n" * 65}],
)
def test_what_could_not_be_read_is_not_written(changes: dict[str, object]) -> None:
    with pytest.raises(Misconfigured):
        spelled([tally([0.1], FAR)], **changes)


# Probes of several pictures: which of them is told where a label may be wrong, and how many
# pairs they are.


@pytest.fixture(scope="module")
def found(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    """One pair of one person and one of two, each with a folder of pictures; in the second lies a
    picture of the first person.
    """
    folder = tmp_path_factory.mktemp("sets")
    obama, biden = (sorted((people / name).glob("*.jpg")) for name in ("obama", "biden"))
    given = {
        "ref.jpg": obama[0],
        "own/a.jpg": obama[2],
        "own/b.jpg": obama[4],
        "other/a.jpg": biden[0],
    }
    # Another square of the reference's own picture, among those of somebody else.
    for name, path in (given | {"other/b.jpg": obama[1], "other/c.jpg": biden[1]}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(path.read_bytes())
    rows: list[tuple[str, ...]] = [("ref.jpg", "own", "1", ""), ("ref.jpg", "other", "0", "")]
    targets = Targets(0.99, 0.5, 0.9)
    return face_calibration.calibrate(
        write(folder, rows), backends.in_use(), frames=2, targets=targets, progress=str
    )


def test_of_a_folder_that_is_labelled_wrongly_the_picture_is_told(found: Calibrated) -> None:
    assert [(each.reference, each.probe) for each in found.suspects] == [("ref.jpg", "other/b.jpg")]


def test_several_pictures_of_one_capture_are_one_pair_and_not_as_many_as_pictures(
    found: Calibrated,
) -> None:
    # Else a fiftieth of the pairs that an FMR takes would do, and live mode would take the
    # calibration for large.
    (single,), several = found.single[1], [tallies[0] for _, tallies in found.several.values()]
    assert {(tally.impostor_pairs, tally.genuine_pairs) for tally in (single, *several)} == {(1, 1)}


@pytest.mark.proof("faces")
def test_a_hundred_thousand_pairs_are_calibrated_whole(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    proof_scale: float,
    proof_figures: dict[str, object],
) -> None:
    """From the rows of the file to the zones; measuring the pictures is what a net takes, and is
    left out.
    """
    count, chance = round(100_000 * proof_scale), np.random.default_rng(1)
    pictures = [f"{number // 3}_{number % 3}.jpg" for number in range(2 * round(count**0.5))]
    for name in pictures:
        (tmp_path / name).touch()
    people = chance.normal(size=(len(pictures), 16))

    def measured(paths: Iterable[Path], *_: Any, **__: Any) -> dict[Path, Measured]:
        near = {
            path: people[int(path.name.split("_")[0])] + chance.normal(scale=0.1, size=16)
            for path in paths
        }
        return {
            path: Measured(path.name, Embedding("net/single-l2", unit(face)))
            for path, face in near.items()
        }

    monkeypatch.setattr(face_files, "measure_all", measured)
    each = (
        (one, two, str(int(one.split("_")[0] == two.split("_")[0])), "")
        for one, two in combinations(pictures, 2)
    )
    rows = list[tuple[str, ...]](islice(each, count))
    asked = write(tmp_path, rows)
    began = time.process_time()
    targets = Targets(0.05, 0.5, 0.9)
    found = face_calibration.calibrate(
        asked, backends.in_use(), frames=5, targets=targets, progress=str
    )
    # Told, not asserted: a busy machine is no defect. The aim is 15.
    proof_figures["whole calibration, seconds of processor time"] = round(
        time.process_time() - began, 2
    )
    assert found.single[1][0].genuine_pairs + found.single[1][0].impostor_pairs == len(rows)


# Lists of pairs of faces, and their comparison.


# A file of pairs is read exactly or refused, and leads nowhere but below its own folder.


HEAD = "reference,probe,same,cohort\n"
GOOD = HEAD + "a.jpg,b.jpg,1,\n\xfcber/a.jpg,c.jpg,no,east\n"


def test_pairs_are_read_row_by_row() -> None:
    assert parse_pairs(b"\xef\xbb\xbf" + GOOD.encode()) == (
        Pair(2, "a.jpg", "b.jpg", True, ""),
        Pair(3, "über/a.jpg", "c.jpg", False, "east"),
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "first row"),
        (HEAD, "no pairs"),
        ("probe,reference,same,cohort\na,b,1,\n", "first row"),
        (HEAD + "a,b,1\n", "row 2 has 3"),
        (HEAD + "a,b,1,,\n", "row 2 has 5"),
        (HEAD + "a,a,1,\n", "two files"),
        (HEAD + ",b,1,\n", "two files"),
        (HEAD + "a\0,b,1,\n", "two files"),
        (HEAD + f"{'a' * 401},b,1,\n", "two files"),
        (HEAD + "a,b,maybe,\n", "same is 1 or 0"),
        (HEAD + "a,b,1,all\n", "cohort"),
        (HEAD + f"a,b,1,{'c' * 65}\n", "cohort"),
        (HEAD + 'a,"b,1,\n', "no CSV"),
        (HEAD + "a,b,1,\nb,a,1,\n", "row 3: the pair stands twice"),
        (HEAD + "a,b,1,\nb,c,1,\na,c,0,\n", "row 4 says two people"),
    ],
)
def test_a_file_that_is_not_exactly_pairs_is_refused_by_its_row(content: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        parse_pairs(content.encode())


def test_pairs_that_are_no_text_or_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="UTF-8"):
        parse_pairs(HEAD.encode() + b"\xff,b,1,\n")
    monkeypatch.setattr(face_files, "MAX_ROWS", 1)
    with pytest.raises(BadInput, match="more than 1 pairs"):
        parse_pairs(GOOD.encode())
    monkeypatch.setattr(face_files, "MAX_PAIRS_BYTES", 10)
    with pytest.raises(BadInput, match="more than 10 bytes"):
        parse_pairs(GOOD.encode())


@given(st.binary(max_size=200), st.integers(0, 80))
def test_damage_is_refused_or_read_and_never_anything_else(junk: bytes, place: int) -> None:
    whole = GOOD.encode()
    try:
        assert all(
            isinstance(pair, Pair)
            for pair in parse_pairs(whole[:place] + junk + whole[place + len(junk) :])
        )
    except BadInput:
        return


def test_pictures_are_of_one_person_where_any_chain_of_pairs_says_so() -> None:
    people = people_of(parse_pairs((HEAD + "a,b,1,\nc,d,1,\nb,c,1,\ne,a,0,\n").encode()))
    assert len({people[name] for name in "abcd"}) == 1
    assert people["e"] != people["a"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    (inside / "deep" / "a.jpg").write_bytes(b"a")
    (tmp_path / "secret.jpg").write_bytes(b"s")
    (inside / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (inside / "out").symlink_to(tmp_path)
    (inside / "loop.jpg").symlink_to(inside / "loop.jpg")
    (inside / "near.jpg").symlink_to(inside / "deep" / "a.jpg")
    return inside


@pytest.mark.parametrize("name", ["deep/a.jpg", "deep/../deep/a.jpg", "near.jpg"])
def test_a_picture_below_the_folder_is_found(folder: Path, name: str) -> None:
    assert [path.read_bytes() for path in located(folder, name)] == [b"a"]


def test_a_probe_may_be_a_folder_of_pictures_and_a_reference_may_not(folder: Path) -> None:
    (folder / "deep" / "notes.txt").write_text("no picture")
    (folder / "deep" / "b.png").write_bytes(b"b")
    assert [path.read_bytes() for path in located(folder, "deep")] == [b"a", b"b"]
    with pytest.raises(BadInput, match="deep is no file"):
        locate(folder, [Pair(2, "deep", "near.jpg", True, "")])
    (folder / "deep" / "c.jpg").symlink_to(folder.parent / "secret.jpg")
    with pytest.raises(BadInput, match="is no file below"):
        located(folder, "deep")
    (folder / "empty").mkdir()
    with pytest.raises(BadInput, match="0 pictures"):
        located(folder, "empty")


def located(folder: Path, name: str) -> tuple[Path, ...]:
    """Where the pictures of a probe lie."""
    return locate(folder, [Pair(2, "deep/a.jpg", name, True, "")])[name]


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        "deep/../../secret.jpg",
        "link.jpg",
        "out/secret.jpg",
        "loop.jpg",
        "absent.jpg",
        "x" * 300,
    ],
)
def test_a_name_that_leads_out_or_to_no_file_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(BadInput):
        located(folder, name)


def test_an_absolute_path_is_refused_even_to_a_picture_of_the_folder(folder: Path) -> None:
    with pytest.raises(BadInput):
        located(folder, str(folder / "deep" / "a.jpg"))


# Many pairs at once are compared as two faces are, and a hundred thousand take seconds.


NET = "net/single-l2"
CHANCE = np.random.default_rng(1)


def faces(count: int) -> list[Embedding]:
    return [Embedding(NET, unit(row)) for row in CHANCE.normal(size=(count, 16))]


def test_each_decision_is_the_one_that_two_faces_would_get() -> None:
    seen = faces(12)
    asked = [
        Asked(0, (1, 2, 3, 4), True, (0, 0)),
        Asked(5, (6, 7, 8), False, (1, 2)),
        Asked(9, (10,), True, (3, 3)),
        Asked(0, (), False, (0, 0)),
    ]
    found = compare(seen, asked, k=3)
    assert set(found) == {"single", "median-of-3", "mean-of-3"}
    assert found["single"].rows.tolist() == [0, 0, 0, 0, 1, 1, 1, 2]
    singles = [
        distance(seen[asked[row].reference], seen[probe]).value
        for row in range(3)
        for probe in asked[row].probes
    ]
    assert found["single"].pairs.apart == pytest.approx(singles)
    for decision, judge in (("median-of-3", median_distance), ("mean-of-3", mean_distance)):
        expected = [
            judge(seen[one.reference], [seen[at] for at in one.probes[:3]]).value
            for one in asked[:2]
        ]
        assert found[decision].pairs.apart == pytest.approx(expected)
        assert found[decision].pairs.same.tolist() == [True, False]
    assert found["single"].select({1, 2}).apart == pytest.approx(singles[4:])


def test_faces_of_two_embeddings_are_not_compared() -> None:
    with pytest.raises(CalibrationMismatch):
        compare(
            [*faces(1), Embedding("net/single", np.ones(16))], [Asked(0, (1,), True, (0, 0))], k=5
        )


def test_the_strangers_that_are_told_are_nearer_than_nine_in_ten_of_the_honest() -> None:
    apart = np.array([0.3, 0.5, 0.7, 0.4, 0.2, 0.6, 0.49, 0.69])
    same = np.array([True, True, True, False, False, False, False, False])
    people = (np.arange(8), np.arange(8))
    assert nearest_strangers(Pairs(apart, same, people)) == [4, 3, 6, 5]
    assert nearest_strangers(Pairs(apart, ~same & False, people)) == []
