"""How many attempts a borrower has left at a stage: counted by what workers signed of each, whatever the rows say.

They are counted over all verifications with this lender and all routes of a day, or whoever may choose between two
routes with a capture would have twice the tries. A row says only whose a verification is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from verification.audit import log, signatures
from verification.core import events
from verification.core.results import Outcome
from verification.core.route import Stage
from verification.models import Attempt, AuditEntry, Verification
from verification.workflow import policy

_OPENED_BEFORE = timedelta(seconds=policy.VERIFICATION_SECONDS + policy.REVIEW_SECONDS)
"""How long an attempt may have been open, and with people, before it was spent."""


@dataclass(frozen=True)
class Tries:
    """The attempts at a stage that are spent, each by its entry, and of how many of them people may say otherwise.

    left: how many more may fail; None where none are counted.
    """

    stage: Stage
    left: int | None = None
    spent: tuple[AuditEntry, ...] = ()
    looked_at: int = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether none is left whatever people say of those they look at."""
        return self.stage.attempts is not None and len(self.spent) - self.looked_at >= self.stage.attempts

    @property
    def again_at(self) -> datetime | None:
        """From when one more may be made, if none but time gives it; None where one is left now."""
        if self.stage.attempts is None or not self.is_exhausted:
            return None
        counted = sorted(one.at for one in self.spent)[-self.stage.attempts :]
        # One that is exactly so old is counted still.
        return counted[0] + policy.ATTEMPTS_COUNTED + timedelta(seconds=1)

    def named(self, verification: Verification) -> list[dict[str, str]]:
        """As an end says by which attempts it came: their ids, and the verification of those that are another's."""
        of = ((one, one.verification_id or "") for one in self.spent)
        own = verification.pk
        return [{"attempt": one.body["attempt"], "verification": "" if whose == own else whose} for one, whose in of]


def count(verification: Verification, stage: Stage, *, at: datetime) -> Tries:
    """How the borrower of this verification stands at a stage, with what this transaction has put on record."""
    if stage.attempts is None:
        return Tries(stage)
    since = at - policy.ATTEMPTS_COUNTED
    lately = of_borrower(verification, stage).filter(opened_at__gte=since - _OPENED_BEFORE)
    of = {verification.pk, *lately.values_list("verification", flat=True)}
    wanted = Q(type__in=events.CLOSINGS, body__stage=stage.name) | Q(type__in=events.DECISIONS)
    found = AuditEntry.objects.filter(wanted, verification__in=of).order_by("verification_sequence")
    said = [*signatures.sound(found), *log.gathered()]
    closing = [entry for entry in said if entry.type in events.CLOSINGS and entry.body["stage"] == stage.name]
    last = {entry.body["attempt"]: entry for entry in closing}
    ended = {entry.verification_id for entry in said if entry.type in events.DECISIONS}
    spent = tuple(entry for entry in last.values() if entry.body["burnt"] and entry.at >= since)
    undecided = [entry for entry in spent if entry.body.get("outcome") == Outcome.REVIEW]
    left = max(0, stage.attempts - len(spent))
    return Tries(stage, left, spent, sum(entry.verification_id not in ended for entry in undecided))


def of_borrower(verification: Verification, stage: Stage) -> QuerySet[Attempt, Attempt]:
    """Every attempt of this borrower with this lender at this stage, over all verifications and routes, by the rows."""
    return Attempt.objects.filter(
        lender_id=verification.lender_id,
        mode=verification.mode,
        borrower_index=verification.borrower_index,
        stage=stage.name,
    )
