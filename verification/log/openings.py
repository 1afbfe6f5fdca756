"""What operators showed of an answer to a person, as the log states it."""

from datetime import datetime

from verification.core.events import LOOKS, SUBJECT_READ
from verification.models import LOOKED_AT, AuditEntry


def is_open(request: str, part: str, *, log: str, since: datetime) -> bool:
    """Whether an entry, valid or not, states that operators opened this part of an answer.

    request: the id of the entry that admitted them. since: its time.
    """
    # The index of looks serves those without a case, too.
    looks = AuditEntry.objects.filter(log=log, type__in=LOOKS, at__gte=since)
    without = looks.annotate(case=LOOKED_AT).filter(case=None, type=SUBJECT_READ)
    return without.filter(body__request=request, body__part=part).exists()
