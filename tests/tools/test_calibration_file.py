"""What is written is what was counted, in the form that is read, and live's own check judges it."""

from datetime import date

import pytest

from tests.tools.test_accuracy import tally
from tools import face_calibration
from tools.accuracy import Tally, pairs_needed, propose
from verification.core.errors import Misconfigured
from verification.engines.faces import calibration
from verification.engines.faces.embedding import mean_id

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
