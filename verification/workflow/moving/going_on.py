"""How an attempt goes on, or is left to us, after a preparation or a look: its columns, and what its entry says.

Call everything here inside a transaction.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from verification.core.errors import FenceLost
from verification.core.route import ANSWERED, ENDED, PARTS, SEED, Next, Prepared, Stage, Turn
from verification.evidence import vault
from verification.models import Attempt
from verification.workflow.moving import attempts


def hand_over(attempt: Attempt, stage: Stage, prepared: Prepared, *, key: vault.Key, at: datetime) -> Mapping[str, str]:
    """Gives a prepared attempt to the borrower; the dialogue's clock begins now. The seed has done its work.

    Gives what its entry says of it.
    """
    kept = {name: value for name, value in prepared.memory.items() if name not in (SEED, ANSWERED, ENDED, PARTS)}
    turn = Turn(next=Next.ASK, memory=kept, notice=prepared.notice or attempt.notice, seconds=stage.seconds)
    columns, said = columns_of(attempt, turn, key=key, at=at)
    Attempt.objects.filter(pk=attempt.pk, status=attempts.JUDGING).update(**columns)
    return said


def ask_on(attempt: Attempt, turn: Turn, *, key: vault.Key, at: datetime) -> Mapping[str, str]:
    """Writes down what a look at a turn led to: the borrower is asked on, or the attempt stays with us to be judged.

    Gives what its entry says of it.
    """
    columns, said = columns_of(attempt, turn, key=key, at=at)
    if Attempt.objects.filter(pk=attempt.pk, status=attempts.JUDGING).update(**columns) != 1:
        raise FenceLost(f"{attempt.pk} ended meanwhile")
    return said


def columns_of(attempt: Attempt, turn: Turn, *, key: vault.Key, at: datetime) -> tuple[dict[str, Any], dict[str, str]]:
    """The columns of an attempt that goes on, and what the log says of them."""
    sealed, expires_at = attempts.seal_memory(attempt, turn.memory, key=key), until(attempt, turn.seconds, at=at)
    status = attempts.OPEN if turn.next in (Next.ASK, Next.PART) else attempts.JUDGING
    columns = {"sealed_memory": sealed.data, "status": status, "expires_at": expires_at, "notice": turn.notice}
    return columns, {"memory": sealed.commitment, "expires_at": expires_at.isoformat()}


def until(attempt: Attempt, seconds: float | None, *, at: datetime) -> datetime:
    """When an attempt ends that has so many seconds from now, if that is said; never after its verification."""
    if seconds is None:
        return attempt.expires_at
    return min(at + timedelta(seconds=seconds), attempt.verification.expires_at)
