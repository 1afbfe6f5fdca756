"""A calibration is read strictly, says what it was measured on, and does not decide on less than
live needs.
"""

import json
from collections.abc import Callable
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verification.core.errors import Misconfigured
from verification.engines.faces import calibration
from verification.engines.faces.calibration import LIVE_FMR_MAX, LIVE_PAIRS_MIN, Calibration
from verification.engines.faces.intervals import interval

Fields = dict[str, object]
Change = Callable[[Fields], object]


def shipped(name: str = "dlib-mirror-mean-l2") -> bytes:
    return (files("verification.engines.faces") / "calibrations" / f"{name}.json").read_bytes()


def spelled(*, pairs: int = 85_455, false_matches: int = 4, name: str = "own") -> bytes:
    """A calibration of one cohort."""
    edges = {
        "distance": "0.26",
        "false_matches": str(false_matches),
        "fnmr": "0.5",
        "fnmr_by_person": "",
    }
    review = {
        "distance": "0.37",
        "false_matches": str(pairs // 2),
        "fnmr": "0.1",
        "fnmr_by_person": "0.2",
    }
    cohort = {
        "name": name,
        "source": "measured",
        "people": "184",
        "impostor_pairs": str(pairs),
        "genuine_pairs": "865",
    }
    fields = {
        **json.loads(shipped()),
        "id": "own-2026",
        "cohorts": [{**cohort, "rates": [edges, review]}],
    }
    return json.dumps(fields).encode()


def _judged(fields: Fields) -> Fields:
    return {name: fields[name] for name in ("match", "review", "cohorts")}


def changed(change: Change) -> bytes:
    fields = json.loads(shipped())
    change(fields)
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("name", "match", "review"), [("dlib-mirror-mean-l2", 0.26, 0.37), ("dlib-single", 0.35, 0.50)]
)
def test_the_shipped_calibrations_hold_the_zones_and_rates_that_were_measured(
    name: str, match: float, review: float
) -> None:
    found = calibration.read(shipped(name))
    zones, people = found.zones, {cohort.name: cohort for cohort in found.cohorts}
    assert (zones.match.value, zones.review.value) == (match, review)
    assert (
        zones.match.embedding
        == zones.review.embedding
        == found.embedding
        == f"dlib-resnet-v1/{name[5:]}"
    )
    east = people["east-asian"]
    assert (east.at(match).false_matches, east.impostor_pairs) == (4, 85_455)
    assert east.fmr_upper(match) == pytest.approx(1.2e-4, rel=0.01)
    assert people["all"].fmr(match) < 1e-6
    assert "Kazakh" in found.conditions
    assert found.unfit_for_live() == []


def test_the_default_zones_send_one_in_twenty_of_the_hardest_cohort_to_people() -> None:
    found = calibration.read(shipped("sface-single-l2"))
    match, review = found.zones.match.value, found.zones.review.value
    assert (match, review, found.source) == (1.0, 1.08, "quoted")
    east = next(cohort for cohort in found.cohorts if cohort.name == "east-asian")
    at = east.at(match)
    assert at.fnmr is not None
    assert at.fnmr <= 0.05
    assert (at.false_matches, east.impostor_pairs, at.fnmr_by_person) == (20, 192_247, 0.087)
    # The review zone reaches to where at most one honest pair in a hundred is beyond it, at a
    # stated FMR.
    assert (east.at(review).fnmr, east.at(review).false_matches) == (0.009, 162)
    assert found.unfit_for_live() == []
    assert {each.decision: each.cohorts[0].at(match).fnmr_by_person for each in found.also} == {
        "median-of-3": 0.061,
        "median-of-5": 0.043,
    }
    # The upper median lets in at most twice as many as one picture, as it must.
    single = 2.5e-5
    assert all(each.cohorts[0].fmr(match) <= 2 * single for each in found.also)
    # What we measured ourselves stands beside it, under its own word; it is too small to let
    # anything go live.
    assert [
        (cohort.name, cohort.source) for cohort in found.cohorts if cohort.source != "quoted"
    ] == [("london", "measured")]
    for word in ("quoted", "measured", "192247", "Kazakh", "not documented"):
        assert word in found.told()


def test_the_library_default_of_0_60_would_let_two_of_five_strangers_of_the_cohort_in() -> None:
    east = calibration.read(shipped("dlib-single")).cohorts[1]
    assert east.fmr(0.60) == pytest.approx(0.40, abs=0.01)


@pytest.mark.parametrize(
    ("pairs", "false_matches", "is_fit"),
    [
        (LIVE_PAIRS_MIN, 0, True),
        (LIVE_PAIRS_MIN - 1, 0, False),
        (85_455, 8, True),
        (85_455, 12, False),
    ],
)
def test_live_needs_a_large_cohort_and_few_wrong_matches_in_it(
    pairs: int, false_matches: int, is_fit: bool
) -> None:
    found = calibration.read(spelled(pairs=pairs, false_matches=false_matches))
    assert (found.unfit_for_live() == []) == is_fit
    upper = interval(false_matches, pairs)[1]
    assert (upper <= LIVE_FMR_MAX and pairs >= LIVE_PAIRS_MIN) == is_fit


@pytest.mark.parametrize(
    ("pairs", "is_fit"),
    [(LIVE_PAIRS_MIN, False), (LIVE_PAIRS_MIN - 1, True)],
    ids=["large", "small"],
)
def test_every_large_cohort_must_hold_and_a_small_one_does_not_count(
    pairs: int, is_fit: bool
) -> None:
    both = json.loads(spelled())
    both["cohorts"] += json.loads(spelled(pairs=pairs, false_matches=pairs // 100, name="another"))[
        "cohorts"
    ]
    assert (calibration.read(json.dumps(both).encode()).unfit_for_live() == []) == is_fit


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.update(schema="tulga-face-calibration-2"),
        lambda fields: fields.update(more="1"),
        lambda fields: fields.pop("model_sha256"),
        lambda fields: fields.update(model_sha256="ab"),
        lambda fields: fields.update(made_on="yesterday"),
        lambda fields: fields.update(match="0.38"),
        lambda fields: fields.update(match="0"),
        lambda fields: fields.update(match="0.25"),
        lambda fields: fields.update(review="0.36"),
        lambda fields: fields.update(review=fields["match"]),
        lambda fields: fields.update(match=0.26),
        lambda fields: fields.update(match="nan"),
        lambda fields: fields.update(match="2.6e-1"),
        lambda fields: fields["cohorts"][0].update(impostor_pairs="0"),
        lambda fields: fields["cohorts"][0].update(impostor_pairs="100"),
        lambda fields: fields["cohorts"][0].update(name=fields["cohorts"][1]["name"]),
        lambda fields: fields["cohorts"][0]["rates"].reverse(),
        lambda fields: fields["cohorts"][0]["rates"][0].update(fnmr="1.1"),
        lambda fields: fields["cohorts"][0]["rates"][0].update(fnmr_by_person="0.9x"),
        lambda fields: fields["cohorts"][0].update(source="guessed"),
        lambda fields: fields["cohorts"][0].pop("source"),
        lambda fields: fields.pop("also"),
        lambda fields: fields.update(also=[{"decision": "mean-of-1", **_judged(fields)}]),
        lambda fields: fields.update(also=[{"decision": "median-of-3", **_judged(fields)}] * 2),
        lambda fields: fields.update(
            also=[{"decision": "median-of-3", **_judged(fields), "more": "1"}]
        ),
        lambda fields: fields["cohorts"][0]["rates"][0].update(fnmr="0.1"),
        lambda fields: fields["cohorts"][0]["rates"][0].update(false_matches="-1"),
        lambda fields: fields["cohorts"][0]["rates"].append(fields["cohorts"][0]["rates"][0]),
    ],
)
def test_a_file_that_is_not_exactly_a_calibration_is_refused(change: Change) -> None:
    with pytest.raises(Misconfigured):
        calibration.read(changed(change))


@given(st.binary(max_size=400), st.integers(0, 3000))
def test_damage_is_refused_or_read_and_never_anything_else(junk: bytes, place: int) -> None:
    whole = shipped()
    damaged = whole[:place] + junk + whole[place + len(junk) :]
    try:
        assert isinstance(calibration.read(damaged), Calibration)
    except Misconfigured:
        return


# Of Clopper and Pearson: R's binom.test(x, n)$conf.int
@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.3084971),
        (3, 10, 0.06673951, 0.6524529),
        (10, 10, 0.6915029, 1.0),
        (4, 85_455, 1.275382e-05, 1.198434e-04),
        (500, 1000, 0.4685492, 0.5314508),
    ],
)
def test_an_interval_is_that_of_clopper_and_pearson(
    events: int, trials: int, low: float, high: float
) -> None:
    assert interval(events, trials) == pytest.approx((low, high), rel=1e-5, abs=1e-9)
