"""What a lender gave one person on a day in Kazakhstan, or may give yet: what makes the money wait. Law: O-53.

Rows find the person's other verifications; what they come to is said by their signed entries alone.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime

from verification.audit import signatures
from verification.core import almaty
from verification.core.events import CLEARED, CREDITING, REPORTED
from verification.evidence import vault
from verification.models import AuditEntry, Verification

_ASKED, _PAID = "clearance.requested", "clearance.consumed"


def most_of_days(verification: Verification, iin: str, *, days: Collection[date], at: datetime) -> int:
    """The sum, in tiyn, of the day on which it is most: of loans of this lender to the person but for this one.

    A loan counts on the days on which its contract was signed and reported, and its money left; today, too, if its
    money may still leave.
    """
    indexes = list(vault.blind_index(purpose=vault.BORROWER, value=iin).values())
    of_person = Verification.objects.filter(borrower_index__in=indexes, mode=verification.mode)
    others = of_person.filter(lender=verification.lender_id).exclude(pk=verification.pk).values("pk")
    said = AuditEntry.objects.filter(verification__in=others, type__in=CREDITING)
    of_loans = defaultdict[str, list[AuditEntry]](list)
    for entry in signatures.sound(said.order_by("verification_id", "verification_sequence")):
        of_loans[str(entry.verification_id)].append(entry)
    sums = dict.fromkeys(days, 0)
    for entries in of_loans.values():
        cap = max(int(entry.body.get("cap", 0)) for entry in entries)
        for day in {*_days_of(entries, at=at)} & sums.keys():
            sums[day] += cap
    return max(sums.values(), default=0)


def _days_of(entries: Iterable[AuditEntry], *, at: datetime) -> Iterator[date]:
    """The days on which one loan counts, by its entries in their order."""
    today = almaty.day_of(at)
    open_name, asked_at, until = "", at, at
    for entry in entries:
        if entry.type == REPORTED:
            yield almaty.day_of(datetime.fromisoformat(entry.body["signed_at"]))
            yield almaty.day_of(entry.at)
        elif entry.type == _ASKED:  # the one before is void
            open_name, asked_at, until = entry.body["clearance"], entry.at, at
        elif entry.type == CLEARED:
            until = datetime.fromisoformat(entry.body["expires_at"])
        else:
            open_name = ""
            if entry.type == _PAID:
                yield almaty.day_of(entry.at)
    # Of two that are asked for at once the later to be evaluated sees the other.
    if open_name and (almaty.day_of(asked_at) == today or until > at):
        yield today
