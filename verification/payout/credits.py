"""What a lender gave one person on a day in Kazakhstan, or may give yet: what makes the money wait.
Law: O-53.

Rows find the person's other verifications; what they come to is said by their signed entries alone.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime

from verification.core import almaty
from verification.core.events import CLEARED, CREDITING, REPORTED
from verification.evidence import vault
from verification.log import entries, signatures
from verification.models import AuditEntry, Verification

_ASKED, _PAID = "clearance.requested", "clearance.consumed"


def most_of_days(
    verification: Verification, iin: str, *, days: Collection[date], at: datetime
) -> int:
    """The sum, in tiyn, of the day on which it is most: of loans of this lender to the person but
    for this one.

    A loan counts on the days on which its contract was signed and reported, and its money left;
    today, too, if its money may still leave.
    """
    indexes = list(vault.blind_index(purpose=vault.BORROWER, value=iin).values())
    of_person = Verification.objects.filter(borrower_index__in=indexes, mode=verification.mode)
    others = of_person.filter(lender=verification.lender_id).exclude(pk=verification.pk)
    of_loans = defaultdict[str, list[AuditEntry]](list)
    for entry in signatures.sound(entries.of_cases(others, types=CREDITING)):
        of_loans[str(entry.verification_id)].append(entry)
    sums, today = dict.fromkeys(days, 0), almaty.day_of(at)
    for of_loan in of_loans.values():
        counted, open_name, asked_at, until = set[date](), "", at, at
        for entry in of_loan:
            if entry.type == REPORTED:
                counted |= {
                    almaty.day_of(datetime.fromisoformat(entry.body["signed_at"])),
                    almaty.day_of(entry.at),
                }
            elif entry.type == _ASKED:  # the one before is void
                open_name, asked_at, until = entry.body["clearance"], entry.at, at
            elif entry.type == CLEARED:
                until = datetime.fromisoformat(entry.body["expires_at"])
            else:
                open_name = ""
                counted |= {almaty.day_of(entry.at)} if entry.type == _PAID else set()
        # Of two that are asked for at once the later to be evaluated sees the other.
        if open_name and (almaty.day_of(asked_at) == today or until > at):
            counted.add(today)
        cap = max(int(entry.body.get("cap", 0)) for entry in of_loan)
        for day in counted & sums.keys():
            sums[day] += cap
    return max(sums.values(), default=0)
