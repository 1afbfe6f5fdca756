"""Splices over HTTP: the attacker tries his clips on the public engine beforehand, and plays those
that came nearest.

20 victims, three tries each, as many as a lender gives a person in a day, and each try another
splice, for one that
comes again is known: by `make prove PART=liveness` alone.
"""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock

import numpy as np
import pytest

from insecure_sandbox import warp
from insecure_sandbox.camera import Camera, follow
from tests.liveness_attacks.people import NEUTRAL, filmed
from tests.liveness_attacks.played import Attempt
from tests.liveness_attacks.record import Record, Row
from tests.liveness_attacks.species import CANDIDATES
from tests.liveness_attacks.studio import Studio
from tests.proofs import Figures
from tests.seen_once import remembered
from tests.service.deployment import Deployment
from tests.verification.engines.liveness.insecure_paper import jpeg
from verification.engines.faces.intervals import interval

pytestmark = [pytest.mark.service, pytest.mark.proof("liveness"), pytest.mark.whole]

_VICTIMS = 20
_TRIES = 3
"""How many of a victim's candidates are played."""


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
def studio(proof_seed: int) -> Studio:
    """Each person with portraits; people of real clips are excluded."""
    try:
        return replace(Studio.here(seed=proof_seed), clips=())
    except OSError as error:
        pytest.skip(str(error))


def test_the_attacker_who_chooses_beforehand_is_not_verified(
    deployment: Deployment, studio: Studio, proof_scale: float, proof_figures: Figures
) -> None:
    with studio.judging(is_whole=True) as judge:
        rows = Record(judge, seed=studio.seed, scale=proof_scale).of(
            "candidate", range(_VICTIMS * CANDIDATES)
        )
    sides = os.cpu_count() or 1
    deployment.staff(workers=sides, ticks=1)
    cast, making = studio.cast, Lock()

    def played(number: int) -> tuple[str, list[str]]:
        """How the victim's verification stands in the end, and why each capture failed."""
        registered, failures = cast.victims[number].registered, list[str]()
        opened, browser = deployment.stage.arrive(
            "splice", deployment.stage.person(registered), routes=("biometric",)
        )
        browser.agree()
        for best in sorted(rows[CANDIDATES * number :][:CANDIDATES], key=_refused)[:_TRIES]:
            with making, remembered():  # his nets know one thread only
                attempt = studio.made("candidate", int(best["name"].rpartition("/")[2]))
            then = follow(
                browser,
                Splicer(attempt, np.random.default_rng([studio.seed, 16, number, len(failures)])),
            )
            read = deployment.api.call("GET", f"/v1/verifications/{opened['id']}")
            failures.append(read["last_failure"] or "")
            if then != "commands":
                break
        return read["status"], failures

    with ThreadPoolExecutor(sides) as threads:
        found = list(threads.map(played, range(_VICTIMS)))
    ends, codes = (
        [status for status, _ in found],
        Counter(code for _, failures in found for code in failures),
    )
    verified = ends.count("verified")
    upper = round(100 * interval(verified, len(ends))[1], 2)
    proof_figures["over_http"] = {
        "victims": len(ends),
        "tries": _TRIES,
        "verified": verified,
        "upper_percent": upper,
    }
    proof_figures["over_http"] |= {"played": codes.total(), "codes": dict(sorted(codes.items()))}
    assert [end for end in ends if end in ("verified", "in_review")] == []


def _refused(row: Row) -> tuple[int, float]:
    """First those that the fewest checks refuse, and whose actors come nearest."""
    return (len(row["codes"]), row["numbers"].get("acting") or 2.0)
