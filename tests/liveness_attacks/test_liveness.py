"""The proof of how attacks on liveness fare, and the page of its numbers."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.liveness_attacks import casting, people, played, presented, record
from tests.liveness_attacks.casting import Cast
from tests.liveness_attacks.instruments import INSTRUMENTS, REAL, SIMULATED, not_stopped
from tests.liveness_attacks.record import Judge, Record, Row
from tests.liveness_attacks.species import AGAIN, MADE
from tests.liveness_attacks.studio import Studio
from tests.proofs import Figures

# The proof of live capture against attacks that are made here, and what of the honest it lets
# through.
#
# `make prove PART=liveness`; what came out stands in docs/security/liveness.md.


_FIRST_TRY, _WITHIN_THREE = 95, 99  # percent of people
_FEW_PEOPLE, _MANY_PEOPLE = 2, 20  # there are two without the portraits beside the checkout
_FEW = ("replay_anew",)
"""What `make test` presents too: a recording; paper, screens and two people are
stages/live_capture/test_attacks.py.
"""


@pytest.fixture(scope="module")
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


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
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


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
def test_no_cut_between_two_people_is_verified(run: Record, proof_figures: Figures) -> None:
    rows = run.run("splice", 144)
    by = {word: record.grouped(rows, word) for word in ("places", "joint", "kind")}
    proof_figures["splice"] = {**record.counted(rows), **by}
    _stopped(rows)


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
@pytest.mark.whole
def test_gestures_under_the_victims_face_are_counted(run: Record, proof_figures: Figures) -> None:
    rows = run.run("blended_gesture", 60)
    by = {word: record.grouped(rows, word) for word in ("places", "joint", "alpha", "kind")}
    proof_figures["blended_gesture"] = {**record.counted(rows), **by}
    _stopped(rows)


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
@pytest.mark.parametrize(
    "species", ["pasted", pytest.param("pasted_by_step", marks=pytest.mark.whole)]
)
def test_pasted_faces_are_counted(run: Record, proof_figures: Figures, species: str) -> None:
    rows = run.run(species, 30)
    proof_figures[species] = record.counted(rows)
    _stopped(rows)


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
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


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
def test_a_film_of_somebody_who_talks_is_refused(
    cast: Cast, run: Record, proof_figures: Figures
) -> None:
    if not cast.talkers:
        pytest.skip("the clips are not here")
    rows = run.run("talking_head", 50)
    proof_figures["talking_head"] = record.counted(rows)
    _stopped(rows)


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
def test_full_frames_between_two_people_are_refused(run: Record, proof_figures: Figures) -> None:
    rows = run.run("laid_stills", 60)
    proof_figures["laid_stills"] = {**record.counted(rows), "alpha": record.grouped(rows, "alpha")}
    _stopped(rows)


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
@pytest.mark.parametrize(
    "species", ["blend", pytest.param("laid_throughout", marks=pytest.mark.whole)]
)
def test_a_blend_over_all_of_it_is_counted(
    run: Record, proof_figures: Figures, species: str
) -> None:
    rows = run.run(species, 30)
    proof_figures[species] = {**record.counted(rows), "alpha": record.grouped(rows, "alpha")}
    assert rows


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
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


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
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


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
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


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
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


@pytest.mark.proof("liveness")
@pytest.mark.usefixtures("_seen_once")
def test_real_people_pass_as_far_as_their_clips_go(
    cast: Cast, run: Record, proof_figures: Figures
) -> None:
    if not cast.whole:
        pytest.skip("the clips are not here")
    rows = run.run("genuine", 3 * len(cast.whole))
    proof_figures["genuine"] = record.bona_fide(rows)
    assert rows


# Every attack that is made is named by what is shown in place of a borrower, and its rates by
# their ISO words.


# More tries of a species, splices that are tried beforehand, and people who are no attack.
_NO_SPECIES = {"warped_still_again", "candidate", "genuine"}


def row(species: str, outcome: str, *codes: str) -> dict[str, Any]:
    refused = [code for code in codes if outcome == "refused" and code != "face.depth"]
    told = {"victim": "a", "person": outcome, "actor": outcome, "refused": refused}
    return {"species": species, "outcome": outcome, "codes": {code: code for code in codes}, **told}


def test_every_species_that_is_made_has_a_name_and_says_whether_it_is_real() -> None:
    assert set(INSTRUMENTS) == set(MADE) - _NO_SPECIES
    assert {instrument for _, instrument in INSTRUMENTS.values()} == {SIMULATED, REAL}


def test_attacks_are_told_by_iapar_and_apcer() -> None:
    # The register alone refuses the second: it was taken for a living person.
    rows = [
        row("still", "verified"),
        row("still", "refused", "face.match"),
        row("still", "refused", "face.depth"),
    ]
    told = record.counted(rows)
    assert (told["species"], told["instrument"]) == ("print, still", SIMULATED)
    assert (told["verified"], told["iapar"]["rate"]) == (1, 33.33)
    assert (told["gates_passed"], told["apcer"]["rate"]) == (2, 66.67)
    assert told["apcer"]["lower"] < 66.67 < told["apcer"]["upper"]
    assert told["by_person"] == {"trials": 2, "verified": 1, "upper_percent": 98.74}


def test_one_check_refuses_alone_whatever_else_only_sends_to_people() -> None:
    rows = [
        row("still", "refused", "face.match", "face.depth"),
        row("still", "refused", "face.match", "face.commands"),
    ]
    assert record.counted(rows)["alone"] == {"match": 1}


def test_real_people_are_told_by_bpcer_and_are_no_attack() -> None:
    told = record.bona_fide(
        [row("genuine", "verified"), row("genuine", "refused", "face.commands")]
    )
    assert (told["instrument"], told["bpcer"]["rate"]) == (REAL, 50.0)
    assert not {"iapar", "apcer", "species"} & {*told}


def test_what_is_not_stopped_is_told_with_its_rate_or_as_not_tried() -> None:
    later = (
        "later_splice",
        "tuned_splice",
        "later_commands",
        "morph",
        "tuned_blend",
        "part",
        "tuned_part",
    )
    tried = ("warped_still", *later)
    rates = {species: record.counted([row(species, "verified")]) for species in tried}
    told = not_stopped(rates)
    found, others = told[: len(tried)], told[len(tried) :]
    assert [(one["tried_as"], one["iapar"]) for one in found] == [
        (each, rates[each]["iapar"]) for each in tried
    ]
    assert {tuple(one) for one in others} == {("species", "tried_as")}
    assert {one["tried_as"] for one in others} == {"not tried"}


def test_a_species_without_a_name_is_not_counted() -> None:
    with pytest.raises(KeyError):
        record.counted([row("unnamed", "refused")])


# The table of docs/security/liveness.md has every attack with the figures of liveness.json.


_DOCS = Path(__file__).resolve().parents[2] / "docs"
_PAGE = (_DOCS / "security" / "liveness.md").read_text(encoding="utf-8")
_FIGURES = json.loads((_DOCS / "evidence" / "liveness.json").read_text("utf-8"))["figures"]
_ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| .* \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.M)
_ATTACKS = {
    name for name, figures in _FIGURES.items() if isinstance(figures, dict) and "iapar" in figures
}


def test_each_attack_has_a_row_with_the_figures_on_record() -> None:
    rows = _ROW.findall(_PAGE)
    named = [name for row in rows for name in re.findall(r"\w+", row[0])]
    assert sorted(named) == sorted(_ATTACKS)
    for names, *figures in rows:
        attacks = [_FIGURES[name] for name in re.findall(r"\w+", names)]
        sums = [
            sum(attack[key] for attack in attacks) for key in ("attempts", "verified", "people")
        ]
        bound = round(max(attack["by_person"]["upper_percent"] for attack in attacks))
        assert [*sums, bound] == [int(figure) for figure in figures], names
