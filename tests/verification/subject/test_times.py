"""What a stranger could learn by a stopwatch: the times of `/mine` for a known IIN and an unknown
one. They are measured and compared with nothing: a figure of the evidence.
"""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import quantiles

import pytest

from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from tests.proofs import Figures
from tests.verification.stories.story import IIN, OTHER_IIN, begin, lender
from tests.verification.subject import people
from verification.case import policy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("trusted")]

CASES = 30
"""Cases of the person whose IIN is known: the most that a page holds."""


def ways(iin: str, credential: Credential) -> dict[str, float]:
    """Milliseconds of each request of a stranger, and of the worker's step."""
    taken = dict[str, float]()

    def timed(name: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        taken[name] = 1000 * (time.perf_counter() - began)

    client = people.asking(IIN)
    timed("ask", lambda: client.post(people.START, {"iin": iin, "language": "en"}))
    text = people.exact_text(client)
    signature = sign_cms(credential, text, signed_at=datetime.now(UTC))
    timed("read", lambda: client.get(people.NOW))
    timed("sign", lambda: people.post(client, signature))
    timed("wait", lambda: client.get(people.STATE))
    timed("judge", people.work)
    timed("refused", lambda: client.get(people.NOW))
    return taken


@pytest.mark.proof("subject")
@pytest.mark.long
def test_times_for_a_known_iin_and_an_unknown_one_are_on_record(
    issued: Callable[..., Credential],
    monkeypatch: pytest.MonkeyPatch,
    proof_scale: float,
    proof_seed: int,
    proof_figures: Figures,
) -> None:
    monkeypatch.setattr(policy, "SUBJECT_REQUESTS", 10**6)
    owner, own = lender(), issued(iin="990101900013")
    for number in range(CASES):
        begin(owner, f"A-{number}", iin=OTHER_IIN)
    iins, chance = {"known": OTHER_IIN, "unknown": IIN}, random.Random(proof_seed)
    ways(IIN, own)  # what a process does once
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in iins}
    number = int(1000 * proof_scale)
    for _ in range(number):
        # In an order that is drawn, so that neither comes after the other.
        for name in chance.sample(sorted(iins), k=2):
            taken[name].append(ways(iins[name], own))
    for name, rounds in taken.items():
        assert len(rounds) == number
        proof_figures[name] = {
            step: {
                "median_ms": round(quantiles(values, n=20)[9], 2),
                "p95_ms": round(quantiles(values, n=20)[18], 2),
            }
            for step in rounds[0]
            for values in [[each[step] for each in rounds]]
        }
    proof_figures["rounds"] = number
