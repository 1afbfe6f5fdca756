"""Every attack that is made is named by what is shown in place of a borrower, and its rates by
their ISO words.
"""

from typing import Any

import pytest

from tests.liveness_attacks import record
from tests.liveness_attacks.instruments import INSTRUMENTS, REAL, SIMULATED, not_stopped
from tests.liveness_attacks.species import MADE

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
