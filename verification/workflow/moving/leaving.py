"""Ends attempts that nobody judges: the borrower fell silent or went away, or the verification goes on without them.

Call everything here inside a transaction. All but `void` make the documents of what they end.
"""

from datetime import datetime

from verification.core import reasons
from verification.core.results import Outcome
from verification.models import Attempt, AuditEntry, Verification
from verification.workflow import stages
from verification.workflow.moving import attempts, documents, transition


def leave(verification: Verification, *, at: datetime) -> None:
    """Ends the attempt the borrower goes away from. One that was begun burns as silence would: no free second look."""
    attempt = Attempt.objects.filter(verification=verification, status=attempts.OPEN).first()
    if attempt is not None:
        attempt.verification = verification
        lapse(attempt, at=at)
    drop_open(verification, at=at)


def lapse(attempt: Attempt, *, at: datetime) -> bool:
    """Ends an open attempt nobody goes on with; False if somebody else ended it first. The row's `burnt` says the rest.

    It burns only if the borrower had begun ("ready") and the stage's timeout code burns.
    """
    stage = stages.known(attempt.route, attempt.stage, law=attempt.verification.profile_sha256)
    code = stage.timeout_code if stage else "abandoned"
    answered = AuditEntry.objects.filter(verification_id=attempt.verification_id, type="attempt.answered")
    has_begun = answered.filter(body__attempt=attempt.pk)
    burns = attempt.counted and reasons.require(code).burns and has_begun.exists()
    if not attempts.close(attempt, outcome="lapsed", code=code, burns=burns, at=at, among=(attempts.OPEN,)):
        return False
    body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "code": code}
    transition.record(attempt.verification, "attempt.lapsed", at=at, body=body | {"burnt": attempt.burnt})
    documents.produce(attempt, at=at)
    return True


def drop_open(verification: Verification, *, at: datetime) -> None:
    """Voids whatever attempt is still alive: the verification went on without its answer.

    One that was in review stays so for ever; its document is made now. Move the verification before: it says why.
    """
    left = void(verification, at=at)
    for attempt in left:
        attempt.verification = verification
        documents.produce(attempt, at=at)


def void(verification: Verification, *, at: datetime) -> list[Attempt]:
    """The same without their documents; gives those that were alive or in review."""
    alive = (attempts.OPEN, attempts.JUDGING)
    left = list(Attempt.objects.filter(verification=verification, status__in=(*alive, Outcome.REVIEW)))
    live = Attempt.objects.filter(verification=verification, status__in=alive)
    live.update(status="void", closed_at=at)
    return left
