"""What every check of a case said, as the log has it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from verification.case import dossier
from verification.core import codes
from verification.core.errors import EvidenceUnreadable
from verification.evidence import store, vault
from verification.log import decided
from verification.models import Attempt, EvidenceItem, Verification


@dataclass(frozen=True)
class CheckView:
    """What one check said."""

    id: str
    route: str
    stage: str
    attempt: int
    name: str
    outcome: str
    code: str
    retryable: bool
    score: float | None
    threshold: float | None
    engine: Mapping[str, str]
    borrower_message: str
    lender_detail: str
    created_at: datetime


logger = logging.getLogger(__name__)


ENGINE = {"name": "tulga", "version": "0.1.0"}


def check_views(verification: Verification, *, key: vault.Key | None) -> tuple[CheckView, ...]:
    """What every check said, as the log has it, in order of the attempts, numbered over all stages
    and routes.

    Of a judgement that has no place in the log, or that no worker signed, nothing is told. Scores
    are sealed: without the key, or once it was destroyed, there are none.
    """
    in_order = Attempt.objects.filter(verification=verification).order_by("opened_at", "turn")
    numbers = {
        pk: number for number, pk in enumerate(in_order.values_list("pk", flat=True), start=1)
    }
    scores: dict[tuple[str, str], tuple[float | None, float | None]] = {}
    if key is not None:
        for item in EvidenceItem.objects.filter(verification=verification, kind__endswith=".terms"):
            try:
                kept = {item.kind: store.opening(key, item).plain}
                for one in dossier.checks_in(kept, stage=item.kind.partition(".")[0]):
                    scores[str(item.attempt_id), one.name] = (one.score, one.threshold)
            except EvidenceUnreadable as fault:
                logger.error(
                    "%s of %s: no scores can be told (%s)", item.pk, verification.pk, fault.code
                )
    known = codes.REASONS
    return tuple(
        CheckView(
            id=f"chk_{body['attempt'].partition('_')[2]}_{position}",
            route=body["route"],
            stage=body["stage"],
            attempt=numbers[body["attempt"]],
            name=said["check"],
            outcome=said["outcome"],
            code=(code := said["code"]),
            retryable=code in known and not known[code].final,
            score=scores.get((body["attempt"], said["check"]), (None, None))[0],
            threshold=scores.get((body["attempt"], said["check"]), (None, None))[1],
            engine=ENGINE | said.get("engine", {}),
            # A code that the table no longer has is shown as it stands.
            borrower_message=known[code].borrower_message if code in known else "",
            lender_detail=known[code].lender_detail if code in known else "",
            created_at=at,
        )
        for body, at in ((entry.body, entry.at) for entry in decided.judgements(verification))
        for position, said in enumerate(body["checks"], start=1)
    )
