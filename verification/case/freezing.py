"""Clearances that may no longer pay, because the borrower or a lost key stands against them."""

from datetime import datetime

from verification.case import moving
from verification.core.clearance import FROZEN, ISSUED
from verification.models import Clearance, Verification


def freeze(verification: Verification, *, at: datetime) -> None:
    """Freezes each unconsumed clearance of this verification, so that it pays nothing. Its row
    is locked.
    """
    for issued in Clearance.objects.filter(verification=verification, status=ISSUED):
        Clearance.objects.filter(pk=issued.pk).update(status=FROZEN, frozen_at=at)
        moving.record(verification, "clearance.frozen", at=at, body={"clearance": issued.pk})
