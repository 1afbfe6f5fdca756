"""What employees attested, and whether a credit is the first, for the gates of a clearance. Law:
O-55, O-56.

By entries that count alone. Rows only say where to look: an entry of another verification counts if
the case that was opened there is sealed as its first entry says, and is this person's.
"""

from collections.abc import Sequence

from verification.case import contents, policy
from verification.core import almaty, profiles
from verification.core.clearance import AGE, TIYN, VISIT, Answer
from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.core.events import ATTESTED, CLEARED
from verification.core.profiles import Profile
from verification.evidence import vault
from verification.log import entries, signatures
from verification.models import AuditEntry, Verification

_VERIFIED, _PAID = "verification.verified", "clearance.consumed"
DESK, CREDIT = "desk", "earlier credit"
"""Where the answer is from: an employee's word, or a credit over the same sum that was paid
before.
"""


def answers(
    verification: Verification, laws: Sequence[Profile], *, sound: Sequence[AuditEntry], iin: str
) -> tuple[Answer | None, Answer | None]:
    """That consent was confirmed once more, and that the person came; None where no entry says so,
    or no law asks.

    Who came to this lender for another verification, or had a credit over the sum from it before,
    has come. sound: the entries of this one that count.
    """
    over_mci = min(
        (one.visit_over_mci for one in laws if one.visit_over_mci is not None), default=None
    )
    asks_age = any(one.confirmed_below_years or one.confirmed_from_years for one in laws)
    if over_mci is None and not asks_age:
        return None, None
    visit = (
        None
        if over_mci is None
        else _attested(sound, VISIT) or _earlier(verification, iin, over_mci=over_mci)
    )
    return _attested(sound, AGE), visit


def _earlier(verification: Verification, iin: str, *, over_mci: int) -> Answer | None:
    """By an earlier verification here: an attested visit, or a credit over so many MCI of its day,
    paid by a clearance that a worker issued on a decision that counts.
    """
    # 1. Other verifications of what rows call this person, that have an entry which may answer;
    #    newest first.
    indexes = list(vault.blind_index(purpose=vault.BORROWER, value=iin).values())
    of_person = Verification.objects.filter(borrower_index__in=indexes, mode=verification.mode)
    of_person = of_person.filter(lender=verification.lender_id).exclude(pk=verification.pk)
    told = entries.of_cases(of_person, types=(ATTESTED, _PAID), skips_damaged=True)
    # Of another thing that was attested there may be any number since.
    telling = [
        one
        for one in sorted(told, key=lambda entry: entry.at, reverse=True)
        if (one.type == ATTESTED and isinstance(one.body, dict) and one.body.get("what") == VISIT)
        or _is_over(one, over_mci)
    ]
    ids = list(dict.fromkeys(str(one.verification_id) for one in telling))[: policy.EARLIER_OPENED]
    found = of_person.select_related("key").in_bulk(ids)
    for other in (found[pk] for pk in ids if pk in found):
        sound = signatures.sound_of(other)
        # 2. Whether the case that was opened there is this person's; one that is erased tells
        #    nothing.
        opened = [str(one.body["case"]) for one in sound if one.type == "verification.created"]
        try:
            own = [
                contents.read(other, contents.key_beside(other), commitment=case).case
                for case in opened[:1]
            ]
        except EvidenceUnreadable:
            continue
        if [case.person.iin.value for case in own] != [iin]:
            continue
        # 3. What its entries that count say.
        if visit := _attested(sound, VISIT):
            return visit
        decisions = {one.pk for one in sound if one.type == _VERIFIED}
        issued = {
            one.body["clearance"]
            for one in sound
            if one.type == CLEARED and one.body["decision"] in decisions
        }
        for one in sound:
            if one.type == _PAID and one.body["clearance"] in issued and _is_over(one, over_mci):
                return Answer(fits=True, at=one.at, source=CREDIT)
    return None


def _attested(sound: Sequence[AuditEntry], what: str) -> Answer | None:
    said = [one for one in sound if one.type == ATTESTED and one.body["what"] == what]
    return Answer(fits=True, at=said[0].at, source=DESK) if said else None


def _is_over(paid: AuditEntry, over_mci: int) -> bool:
    """Whether so much was paid; what anybody can have written, or of a year without a value, says
    nothing.
    """
    amount = paid.body.get("amount") if isinstance(paid.body, dict) else None
    try:
        return (
            isinstance(amount, int)
            and amount > profiles.mci_tenge(over_mci, on=almaty.day_of(paid.at)) * TIYN
        )
    except Misconfigured:
        return False
