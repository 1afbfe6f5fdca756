"""Counts what may happen only so often a day, whoever asks: one conditional UPDATE, so that none
slips in beside.
"""

from datetime import datetime

from django.db.models import F

from verification.case import contents
from verification.core.route import Quota
from verification.evidence import vault
from verification.models import QuotaUse, Verification


def take(verification: Verification, quota: Quota, *, key: vault.Key, at: datetime) -> bool:
    """Takes one of the day's uses; False when none is left."""
    counted = quota.value(contents.read(verification, key).case)
    newest, *_ = vault.blind_index(
        purpose=f"quota:{quota.purpose}", value=f"{verification.mode}:{counted}"
    ).values()
    # The day of UTC, which begins at five in the morning in Kazakhstan: a limit of ours, none of
    # the law's.
    today, _ = QuotaUse.objects.get_or_create(
        purpose=quota.purpose, value_index=newest, day=at.date()
    )
    return (
        QuotaUse.objects.filter(pk=today.pk, used__lt=quota.a_day).update(used=F("used") + 1) == 1
    )


def forget(*, at: datetime) -> None:
    """Forgets the counts of days gone by."""
    QuotaUse.objects.filter(day__lt=at.date()).delete()
