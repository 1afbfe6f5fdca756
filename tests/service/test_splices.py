"""Splices over HTTP: the attacker tries his clips on the public engine beforehand, and plays those that came nearest.

Whole: 20 victims, three tries each, as many as a lender gives a person in a day, and each try another splice, for one
that comes again is known. `make test` makes two splices for one victim, and plays the better one.
"""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from insecure_sandbox import warp
from insecure_sandbox.camera import Camera, follow
from tests.liveness_attacks import casting, splices
from tests.liveness_attacks.casting import Cast
from tests.liveness_attacks.people import NEUTRAL, Person, filmed
from tests.liveness_attacks.played import Attempt, play
from tests.proofs import Figures
from tests.service.deployment import Deployment
from tests.verification.engines.liveness.insecure_paper import jpeg
from verification.engines.faces.intervals import interval
from verification.engines.liveness.gestures import GESTURES

pytestmark = [pytest.mark.service, pytest.mark.proof("liveness")]

_VICTIMS = 20
_WHOLE, _SMALL = (6, 3), (2, 1)
"""How many splices are made for a victim, and how many of them are played."""
_SHARED = "TULGA_PROOF_SHARED"
_PLACES, _JOINTS = ("first", "both", "peak"), ("laid", "dissolve", "soft_blend")


class Splicer(Camera):
    """Shows for each command what was made of it beforehand; nothing is painted."""

    def __init__(self, attempt: Attempt, chance: np.random.Generator) -> None:
        """`attempt` has every command there is."""
        self._made, self._chance = attempt.shown, chance

    def wait(self) -> None:
        """Everything is there."""

    def take(self, gesture: warp.Play) -> list[bytes]:
        """The frames; those that are sent in full show the victim."""
        shown = self._made.get(gesture, self._made[NEUTRAL])  # what he cannot do he leaves out
        images = [*shown.chain]
        for place, still in shown.stills.items():
            images[place] = still
        return [jpeg(filmed(image, self._chance)) for image in images]


@pytest.fixture
def cast(proof_seed: int) -> Cast:
    """Everybody whose portraits are there."""
    shared = Path(os.environ.get(_SHARED, Path(__file__).resolve().parents[3] / "shared" / "data"))
    try:
        return casting.cast(shared if shared.is_dir() else None, [], seed=proof_seed)
    except OSError as error:
        pytest.skip(str(error))


def test_the_attacker_who_chooses_beforehand_is_not_verified(
    deployment: Deployment, cast: Cast, proof_scale: float, proof_seed: int, proof_figures: Figures
) -> None:
    victims = cast.victims[: max(1, round(_VICTIMS * proof_scale))]
    ends, failures = list[str](), Counter[str]()
    candidates, tries = _WHOLE if proof_scale == 1 else _SMALL
    for number, victim in enumerate(victims):
        chance = np.random.default_rng([proof_seed, 16, number])
        opened, browser = deployment.stage.arrive(
            "splice", deployment.stage.person(victim.registered), routes=("biometric",)
        )
        browser.agree()
        for attempt in chosen(cast, victim, chance, candidates=candidates)[:tries]:
            then = follow(browser, Splicer(attempt, chance))
            read = deployment.api.call("GET", f"/v1/verifications/{opened['id']}")
            failures[read["last_failure"] or ""] += 1
            if then != "commands":
                break
        ends.append(read["status"])
    verified = ends.count("verified")
    upper = round(100 * interval(verified, len(ends))[1], 2)
    proof_figures["over_http"] = {"victims": len(ends), "tries": tries, "verified": verified, "upper_percent": upper}
    proof_figures["over_http"] |= {"played": failures.total(), "codes": dict(sorted(failures.items()))}
    assert [end for end in ends if end in ("verified", "in_review")] == []


def chosen(cast: Cast, victim: Person, chance: np.random.Generator, *, candidates: int) -> list[Attempt]:
    """A few splices with every command; first those that the fewest checks refuse, and whose actors come nearest."""
    return sorted((made(cast, victim, chance, at) for at in range(candidates)), key=_refused)


def made(cast: Cast, victim: Person, chance: np.random.Generator, at: int) -> Attempt:
    """One splice."""
    recipe = splices.Recipe.number(at, _PLACES, _JOINTS, chance)
    actor = cast.warped_attacker(victim, chance, does=GESTURES)
    return splices.splice(victim, actor, [each for each in GESTURES if each in actor.shown], recipe, chance)


def _refused(attempt: Attempt) -> tuple[int, float]:
    ended = play(attempt)
    return (len(ended.codes), ended.numbers.get("acting") or 2.0)
