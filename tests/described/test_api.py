"""The proof that the API keeps what openapi.json says: `make prove PART=api`.

Requests are generated from the document, good and bad ones, and each answer is held against it. What cannot be in the
document (two fields that must agree, what is registered, today) is listed with its reason in `judging.SEMANTIC`.
"""

from collections import Counter
from typing import Any

import pytest
from schemathesis import GenerationMode

from lenders import keys
from lenders.models import Lender
from tests.clients.lender_side import ACCOUNT, CONTRACT, verified
from tests.described.asking import Asker, described, operations
from tests.lenders.conftest import lender  # noqa: F401 (fixtures)
from tests.lenders.log_of_lenders import pump
from tests.proofs import Figures
from tests.verification.workflow.conftest import Issued, authorities, issued, trusted  # noqa: F401 (fixtures)
from tests.verification.workflow.story import order

pytestmark = [
    pytest.mark.proof("api"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

CASES = 10_500
"""How many requests a whole proof sends at least. Ours: over 10 000, and each operation some hundred times."""
VERIFIED = 4
WALKS, STEPS = 60, 12
"""Walks along the links, and the requests of each. Ours: every link some times."""
_WEIGHTS = {GenerationMode.POSITIVE: 2, GenerationMode.NEGATIVE: 1}
_OF_OPENING = 5
"""So many times as often as another operation a verification is opened: of its fields there are most."""
_OPENING = "open_verification"


@pytest.fixture
def asker(lender: Lender, issued: Issued, proof_seed: int) -> Asker:  # noqa: F811 (fixtures)
    """A lender that knows verified borrowers."""
    stories = [verified(lender, issued, f"known-{number}") for number in range(VERIFIED)]

    def keep_up() -> str:
        for story in stories:
            story.work()
        order()
        pump()
        return keys.issue(lender, mode="test").secret  # of one key only so many requests a minute are answered

    paid = {
        "amount": "150000.00",
        "iin": "990101100010",
        "contract_sha256": CONTRACT,
        "payout_account": ACCOUNT,
    }
    asker = Asker(described(), seed=proof_seed, keep_up=keep_up, paid=paid)
    asker.learn(story.id for story in stories)
    return asker


def test_every_answer_is_one_that_the_document_lets_expect(
    asker: Asker, proof_scale: float, proof_figures: Figures
) -> None:
    wanted = round(CASES * proof_scale)
    weights = {
        (operation, mode): weight * (_OF_OPENING if _name(operation) == _OPENING else 1)
        for operation in operations(asker.schema)
        for mode, weight in _WEIGHTS.items()
    }
    for (operation, mode), weight in weights.items():
        asker.ask(operation, mode, max(2, round(wanted * weight / sum(weights.values()))))
    # Of some operations there are few cases: what they leave over goes to the one with most.
    opening = next(operation for operation in operations(asker.schema) if _name(operation) == _OPENING)
    while asker.asked < wanted:
        asker.seed += 1
        asker.ask(opening, GenerationMode.POSITIVE, min(500, wanted - asker.asked))
    opened = Counter(
        {status: n for (name, mode, status), n in asker.counts.items() if (name, mode) == (_OPENING, "positive")}
    )
    _write_down(asker, proof_figures)
    assert asker.faults == [], "\n".join(asker.faults[:20])
    assert asker.asked >= wanted
    assert opened[201] >= opened.total() / 2


def test_what_is_made_can_be_asked_for_along_the_links(
    asker: Asker, proof_scale: float, proof_figures: Figures
) -> None:
    asker.follow_links(max(2, round(WALKS * proof_scale)), STEPS)
    proof_figures["walks"] = {"cases": asker.asked, "faults": len(asker.faults)}
    assert asker.faults == [], "\n".join(asker.faults[:20])
    linked = {name for (name, _, status) in asker.counts if status < 300}
    assert "open_verification" in linked
    assert linked - {"open_verification", "create_webhook_endpoint"}


def _name(operation: Any) -> str:
    return str(operation.definition.raw["operationId"])


def _write_down(asker: Asker, figures: Figures) -> None:
    statuses: dict[str, dict[str, int]] = {}
    for (name, mode, status), number in sorted(asker.counts.items()):
        statuses.setdefault(f"{name} {mode}", {})[str(status)] = number
    figures |= {"cases": asker.asked, "seed": asker.seed, "faults": len(asker.faults), "statuses": statuses}
