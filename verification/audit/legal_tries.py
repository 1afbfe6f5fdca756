"""Were the attempts spent that an end names of a borrower's other verifications? Looked up in the same log.

Of its own an end is judged by in `legal_ends`. That two verifications are one person's, say their rows; whether those
rows are right, whoever holds the keys.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Final

from verification.audit import signatures
from verification.audit.damaged import readable
from verification.audit.legal_words import TRIES, listed, text
from verification.core import events
from verification.core.findings import Finding
from verification.course import policy
from verification.models import AuditEntry, Verification

_APART: Final = timedelta(seconds=policy.CLOCKS_APART_SECONDS)


def verify_tries(log: str, entries: Sequence[AuditEntry], *, forged: Collection[str]) -> Iterator[Finding]:
    """A finding for every end that names what was no spent attempt of its borrower with its lender, at its stage."""
    elsewhere = []
    for end in entries:
        if end.type == "verification.declined" and end.pk not in forged and isinstance(end.body, dict):
            spent = [one for one in listed(end.body, "spent") if isinstance(one, dict)]
            elsewhere += [(end, of, text(one, "attempt")) for one in spent if (of := text(one, "verification"))]
    if not elsewhere:
        return
    others = {of for _, of, _ in elsewhere}
    closings = AuditEntry.objects.filter(log=log, verification_id__in=others, type__in=events.CLOSINGS)
    sound = signatures.sound(readable(closings.order_by("verification_sequence")))
    said = {(one.verification_id, one.body.get("attempt")): one for one in sound}
    ids = others | {end.verification_id for end, _, _ in elsewhere}
    found = Verification.objects.filter(pk__in=ids).values_list("pk", "borrower_index_version", "borrower_index")
    whose = {pk: (version, bytes(index)) for pk, version, index in found if index is not None}
    for end, of, attempt in elsewhere:
        since = end.at - timedelta(seconds=policy.TRIES_SECONDS) - _APART
        one = said.get((of, attempt))
        is_spent = (
            one is not None
            and (one.body.get("burnt"), one.body.get("stage")) == (True, text(end.body, "stage"))
            and one.lender_id == end.lender_id
            and since <= one.at <= end.at + _APART
        )
        (first, first_index), (second, second_index) = (
            whose.get(name, (0, b"")) for name in (of, end.verification_id or "")
        )
        # Who was erased has no index any more, and those of two keys cannot be compared.
        if not is_spent or (first == second and first_index != second_index):
            detail = f"it names {attempt} of {of} as spent, which the log does not say of this borrower"
            yield Finding(code=TRIES, log=log, leaf_index=end.leaf.leaf_index, entry=end.pk, detail=detail)
