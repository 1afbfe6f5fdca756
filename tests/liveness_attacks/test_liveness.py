"""The proof of live capture against attacks that are made here, and what of the honest it lets
through.

`make prove PART=liveness`; what came out stands in docs/security/liveness.md.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from tests.liveness_attacks import casting, people, played, presented, record
from tests.liveness_attacks.casting import Cast
from tests.liveness_attacks.instruments import not_stopped
from tests.liveness_attacks.record import Judge, Record, Row
from tests.liveness_attacks.species import AGAIN
from tests.liveness_attacks.studio import Studio
from tests.proofs import Figures

pytestmark = pytest.mark.proof("liveness")

_FIRST_TRY, _WITHIN_THREE = 95, 99  # percent of people
_FEW_PEOPLE, _MANY_PEOPLE = 2, 20  # there are two without the portraits beside the checkout
_FEW = ("replay_anew",)
"""What `make test` presents too: a recording; paper, screens and two people are
stages/live_capture/test_attacks.py.
"""


@pytest.fixture(scope="module", autouse=True)
def _seen_once(seen_once: None) -> None:
    """A frame that comes in several attempts is measured once."""


@pytest.fixture(scope="module")
def studio(request: pytest.FixtureRequest, proof_seed: int) -> Studio:
    """Everybody who is there, a few outside of `make prove`; skips without the portraits."""
    is_small = not request.config.getoption("--prove")
    try:
        return Studio.here(seed=proof_seed, is_small=is_small)
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def cast(studio: Studio) -> Cast:
    """The same people."""
    return studio.cast


@pytest.fixture(scope="module")
def judge(request: pytest.FixtureRequest, studio: Studio) -> Iterator[Judge]:
    """Makes attempts and judges them."""
    with studio.judging(is_whole=request.config.getoption("--prove")) as judge:
        yield judge


@pytest.fixture
def run(judge: Judge, proof_scale: float, proof_seed: int) -> Record:
    """What became of the attempts."""
    return Record(judge, seed=proof_seed, scale=proof_scale)


def _stopped(rows: list[Row]) -> None:
    assert not [row for row in rows if row["outcome"] != "refused"]


@pytest.mark.whole
def test_each_attacker_is_told_by_how_often_he_is_verified_as_himself(
    cast: Cast, proof_scale: float, proof_seed: int, proof_figures: Figures
) -> None:
    """An attacker whom gestures or depth refuse before his own picture, too, proves little by being
    refused.
    """
    chance = np.random.default_rng([proof_seed, 16])
    warped = (people.warped(casting.nearest(victim, cast.people)[0]) for victim in cast.victims)
    real = (cast.real_attacker(at) for at in range(len(cast.real)))
    told: dict[str, dict[str, int | str]] = {}
    for kind, actors, count in (
        ("warped", warped, len(cast.victims)),
        ("real", real, len(cast.real)),
    ):
        few = islice(actors, max(1, round(count * proof_scale)))
        own = (presented.own(actor, casting.order(actor, chance=chance), chance) for actor in few)
        played_by = [(attempt.told["actor"], played.play(attempt).outcome) for attempt in own]
        ends = Counter(outcome for _, outcome in played_by)
        by = {actor: outcome for actor, outcome in played_by if kind == "real"}
        told[kind] = {
            "attempts": ends.total(),
            "verified": ends["verified"],
            "people": ends["people"],
            **by,
        }
    proof_figures["as_themselves"] = told
    assert told["warped"]["attempts"]


def test_no_cut_between_two_people_is_verified(run: Record, proof_figures: Figures) -> None:
    rows = run.run("splice", 144)
    by = {word: record.grouped(rows, word) for word in ("places", "joint", "kind")}
    proof_figures["splice"] = {**record.counted(rows), **by}
    _stopped(rows)


@pytest.mark.whole
def test_gestures_under_the_victims_face_are_counted(run: Record, proof_figures: Figures) -> None:
    rows = run.run("blended_gesture", 60)
    by = {word: record.grouped(rows, word) for word in ("places", "joint", "alpha", "kind")}
    proof_figures["blended_gesture"] = {**record.counted(rows), **by}
    _stopped(rows)


@pytest.mark.parametrize(
    "species", ["pasted", pytest.param("pasted_by_step", marks=pytest.mark.whole)]
)
def test_pasted_faces_are_counted(run: Record, proof_figures: Figures, species: str) -> None:
    rows = run.run(species, 30)
    proof_figures[species] = record.counted(rows)
    _stopped(rows)


@pytest.mark.parametrize(
    "species",
    [
        pytest.param(species, marks=() if species in _FEW else pytest.mark.whole)
        for species in (*presented.PAPER, *presented.ACTED)
    ],
)
def test_what_is_presented_is_refused(run: Record, proof_figures: Figures, species: str) -> None:
    rows = run.run(species, 50)
    proof_figures[species] = record.counted(rows)
    _stopped(rows)


def test_a_film_of_somebody_who_talks_is_refused(
    cast: Cast, run: Record, proof_figures: Figures
) -> None:
    if not cast.talkers:
        pytest.skip("the clips are not here")
    rows = run.run("talking_head", 50)
    proof_figures["talking_head"] = record.counted(rows)
    _stopped(rows)


def test_full_frames_between_two_people_are_refused(run: Record, proof_figures: Figures) -> None:
    rows = run.run("laid_stills", 60)
    proof_figures["laid_stills"] = {**record.counted(rows), "alpha": record.grouped(rows, "alpha")}
    _stopped(rows)


@pytest.mark.parametrize(
    "species", ["blend", pytest.param("laid_throughout", marks=pytest.mark.whole)]
)
def test_a_blend_over_all_of_it_is_counted(
    run: Record, proof_figures: Figures, species: str
) -> None:
    rows = run.run(species, 30)
    proof_figures[species] = {**record.counted(rows), "alpha": record.grouped(rows, "alpha")}
    assert rows


@pytest.mark.parametrize(
    ("species", "count"),
    [
        pytest.param(*each, marks=pytest.mark.whole)
        for each in (("later_splice", 150), ("tuned_splice", 30))
    ],
)
def test_a_splice_of_the_face_alone_is_counted(
    run: Record, proof_figures: Figures, species: str, count: int
) -> None:
    rows = run.run(species, count)
    words = ("way", "joint", "full", "photographs", "share", "kind")
    proof_figures[species] = {
        **record.counted(rows),
        **{word: record.grouped(rows, word) for word in words},
    }
    assert rows


@pytest.mark.parametrize(
    ("species", "count"),
    [
        pytest.param(*each, marks=pytest.mark.whole)
        for each in (("morph", 30), ("later_commands", 40), ("tuned_blend", 20))
    ],
)
def test_a_face_at_part_share_over_all_of_it_is_counted(
    run: Record, proof_figures: Figures, species: str, count: int
) -> None:
    rows = run.run(species, count)
    by = {word: record.grouped(rows, word) for word in ("way", "share", "kind")}
    proof_figures[species] = {**record.counted(rows), **by}
    assert rows


@pytest.mark.parametrize(
    ("species", "count"), [("part", 40), pytest.param("tuned_part", 20, marks=pytest.mark.whole)]
)
def test_a_part_of_a_face_over_all_of_it_is_counted(
    run: Record, proof_figures: Figures, species: str, count: int
) -> None:
    rows = run.run(species, count)
    proof_figures[species] = {
        **record.counted(rows),
        **{word: record.grouped(rows, word) for word in ("part", "kind")},
    }
    assert rows


def test_a_person_who_does_what_is_asked_passes(
    cast: Cast, run: Record, proof_scale: float, proof_figures: Figures
) -> None:
    first = run.of("warped_still", range(max(_FEW_PEOPLE, round(len(cast.victims) * proof_scale))))
    failed = [at for at, row in enumerate(first) if row["outcome"] != "verified"]
    later = run.of(
        "warped_still_again", [at * AGAIN + more for at in failed for more in range(AGAIN)]
    )
    proof_figures["warped_still"] = {**record.counted(first), **record.tries(first, later)}
    proof_figures["not_stopped"] = not_stopped(proof_figures)
    # Of few one may be a portrait that, warped so far, is no more like itself, or opens its mouth
    # too little.
    assert len(failed) < len(first)
    if len(first) >= _MANY_PEOPLE:
        assert not [row for row in first + later if "face.continuity" in row["codes"]]
        assert proof_figures["warped_still"]["first_try"]["rate"] >= _FIRST_TRY
        assert proof_figures["warped_still"]["within_three"]["rate"] >= _WITHIN_THREE


def test_real_people_pass_as_far_as_their_clips_go(
    cast: Cast, run: Record, proof_figures: Figures
) -> None:
    if not cast.whole:
        pytest.skip("the clips are not here")
    rows = run.run("genuine", 3 * len(cast.whole))
    proof_figures["genuine"] = record.bona_fide(rows)
    assert rows
