"""Requests for documents of a case, and the loans that workers recorded."""

from datetime import datetime

from verification.core.events import LOOKS
from verification.log import signatures
from verification.models import LOOKED_AT, AuditEntry, Verification


def lately(case: Verification, *, since: datetime) -> list[AuditEntry]:
    """The valid looks at a case from a time on, in order, and the loans of its documents."""
    looks = AuditEntry.objects.filter(log=case.mode, type__in=LOOKS, at__gte=since)
    about = looks.annotate(case=LOOKED_AT).filter(case=case.pk)
    return signatures.sound(about.order_by("at", "pk"))
