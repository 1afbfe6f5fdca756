"""Counts what may happen only so often a day, whoever asks: one conditional UPDATE, so that none slips in beside."""

from datetime import datetime

from django.db.models import F

from verification.core.route import Stage
from verification.evidence import vault
from verification.models import QuotaUse, Verification
from verification.workflow import cases


def take(verification: Verification, stage: Stage, *, key: vault.Key, at: datetime) -> bool:
    """Takes one of the day's uses for this stage; False when none is left. A stage without a quota always may."""
    quota = stage.quota
    if quota is None:
        return True
    counted = quota.value(cases.read(verification, key).case)
    index = vault.blind_index(purpose=f"quota:{quota.purpose}", value=f"{verification.mode}:{counted}").value
    today, _ = QuotaUse.objects.get_or_create(purpose=quota.purpose, value_index=index, day=at.date())
    return QuotaUse.objects.filter(pk=today.pk, used__lt=quota.a_day).update(used=F("used") + 1) == 1


def code_of(stage: Stage) -> str:
    """Why the stage cannot begin when its quota is used up."""
    return stage.quota.code if stage.quota else ""


def forget(*, at: datetime) -> None:
    """Forgets the counts of days gone by."""
    QuotaUse.objects.filter(day__lt=at.date()).delete()
