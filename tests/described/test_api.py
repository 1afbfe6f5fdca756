"""The proof that the API keeps what openapi.json says: `make prove PART=api`.

Requests are generated from the document, good and bad ones, and each answer is held against it.
What cannot be in the document (two fields that must agree, what is registered, today) is listed
with its reason in `judging.SEMANTIC`.
"""

from collections import Counter

import pytest
from pytest_django import Settings
from schemathesis import GenerationMode

from lenders import keys
from lenders.models import Lender
from tests.clients.lender_side import ACCOUNT, CONTRACT, verified
from tests.described.asking import Asker, described, name, operations
from tests.lenders.conftest import lender  # noqa: F401
from tests.lenders.log_of_lenders import pump
from tests.proofs import Figures
from tests.verification.stories.conftest import Issued, authorities, issued, trusted  # noqa: F401
from tests.verification.stories.insecure_capture import played, put_in
from tests.verification.stories.story import order
from verification.models import Attempt

pytestmark = [
    pytest.mark.proof("api"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

CASES = 10_500
"""How many requests a whole proof sends at least. Ours: over 10 000, and each operation some
hundred times.
"""
VERIFIED = 4
STEPS, LEAST_STEPS, STEPS_OF_A_WALK = 1_500, 120, 12
"""Requests along the links, and those of one walk. Ours: every link some times."""
PLAYER = {"adapter": "tests.lenders.api.insecure_simulation.InsecureSimulation", "options": {}}
_WEIGHTS = {GenerationMode.POSITIVE: 2, GenerationMode.NEGATIVE: 1}
_OF_OPENING = 5
"""So many times as often as another operation a verification is opened: of its fields there are
most.
"""
_OPENING = "open_verification"


@pytest.fixture
def asker(
    lender: Lender,  # noqa: F811
    issued: Issued,  # noqa: F811
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    proof_seed: int,
) -> Asker:
    """A lender that knows verified borrowers, and one more whose live face was looked at."""
    routes, settings.TULGA_ROUTES = settings.TULGA_ROUTES, ["biometric"]
    put_in(monkeypatch)
    looked_at = played(lender)
    settings.TULGA_ROUTES = routes
    settings.TULGA_SOURCES = {
        **settings.TULGA_SOURCES,
        "test": settings.TULGA_SOURCES["test"] | {"simulation": PLAYER},
    }
    stories = [verified(lender, issued, f"known-{number}") for number in range(VERIFIED)]

    def keep_up() -> str:
        for story in stories:
            story.work()
        order()
        pump()
        return keys.issue(
            lender, mode="test"
        ).secret  # of one key only so many requests a minute are answered

    paid = {
        "amount": "150000.00",
        "iin": "990101100010",
        "contract_sha256": CONTRACT,
        "payout_account": ACCOUNT,
    }
    asker = Asker(described(), seed=proof_seed, keep_up=keep_up, paid=paid)
    asker.learn((looked_at.id, *(story.id for story in stories)))
    asker.learn(Attempt.objects.filter(verification_id=looked_at.id).values_list("pk", flat=True))
    return asker


def test_every_answer_is_one_that_the_document_lets_expect(
    asker: Asker, proof_scale: float, proof_figures: Figures
) -> None:
    wanted = round(CASES * proof_scale)
    weights = {
        (operation, mode): weight * (_OF_OPENING if name(operation) == _OPENING else 1)
        for operation in operations(asker.schema)
        for mode, weight in _WEIGHTS.items()
    }
    for (operation, mode), weight in weights.items():
        asker.ask(operation, mode, max(2, round(wanted * weight / sum(weights.values()))))
    # Of some operations there are few cases: what they leave over goes to the one with most.
    opening = next(
        operation for operation in operations(asker.schema) if name(operation) == _OPENING
    )
    while asker.asked < wanted:
        asker.seed += 1
        asker.ask(opening, GenerationMode.POSITIVE, min(500, wanted - asker.asked))
    opened = Counter(
        {
            status: n
            for (of, mode, status), n in asker.counts.items()
            if (of, mode) == (_OPENING, "positive")
        }
    )
    _write_down(asker, proof_figures)
    assert asker.faults == [], "\n".join(asker.faults[:20])
    assert asker.asked >= wanted
    assert opened[201] >= opened.total() / 2


def test_what_is_made_can_be_asked_for_along_the_links(
    asker: Asker, proof_scale: float, proof_figures: Figures
) -> None:
    asker.follow_links(max(LEAST_STEPS, round(STEPS * proof_scale)), STEPS_OF_A_WALK)
    proof_figures["walks"] = {"cases": asker.asked, "faults": len(asker.faults)}
    assert asker.faults == [], "\n".join(asker.faults[:20])
    linked = {of for (of, _, status) in asker.counts if status < 300}
    assert "open_verification" in linked
    assert linked - {"open_verification", "create_webhook_endpoint"}


def _write_down(asker: Asker, figures: Figures) -> None:
    statuses: dict[str, dict[str, int]] = {}
    for (of, mode, status), number in sorted(asker.counts.items()):
        statuses.setdefault(f"{of} {mode}", {})[str(status)] = number
    met_well = {of for (of, _, status) in asker.counts if status < 300}
    figures |= {
        "cases": asker.asked,
        "faults": len(asker.faults),
        "operations": len({of for (of, _, _) in asker.counts}),
        "operations_that_refused_always": sorted({of for (of, _, _) in asker.counts} - met_well),
        "statuses": statuses,
    }
