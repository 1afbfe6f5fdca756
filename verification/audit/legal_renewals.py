"""New consents, each a verification of its own: looked up in the same log by those that name them. Law: O-52."""

from collections.abc import Collection, Iterator, Sequence

from verification.audit import signatures
from verification.audit.damaged import readable
from verification.audit.legal_words import MOVE, TERMS, text
from verification.core.clearance import UNWANTED
from verification.core.events import ATTESTED, CLEARED, RENEWED
from verification.core.findings import Finding
from verification.models import AuditEntry


def verify_renewals(log: str, entries: Sequence[AuditEntry], *, forged: Collection[str]) -> Iterator[Finding]:
    """A finding for every new consent that nobody asked for, every clearance that rests on another than one that was
    given, and every word of somebody who had sent the borrower a link to one."""
    counted = [one for one in entries if one.pk not in forged and isinstance(one.body, dict)]
    renewed = [one for one in counted if one.type == RENEWED]
    # 1 what was opened as a new consent was asked for
    opened = [(one, of) for one in counted if one.type == "verification.created" and (of := text(one.body, "renews"))]
    if opened:
        asked = AuditEntry.objects.filter(log=log, type=RENEWED, verification_id__in={of for _, of in opened})
        sound = signatures.sound(readable(asked))
        named = {(one.verification_id, one.lender_id, one.body.get("renewal")) for one in sound}
        for entry, of in opened:
            if (of, entry.lender_id, entry.verification_id) not in named:
                yield _told(log, entry, MOVE, f"it is a new consent of {of}, which asked for none, or not for this")
    # 2 what a clearance rests on was given
    issued = [(one, by) for one in counted if one.type == CLEARED and (by := text(one.body, "renewal"))]
    if issued:
        found = AuditEntry.objects.filter(log=log, type="verification.verified", pk__in={by for _, by in issued})
        given = {one.pk: one.verification_id for one in signatures.sound(readable(found))}
        children = {(one.verification_id, one.body.get("renewal")) for one in renewed}
        for entry, by in issued:
            if (entry.verification_id, given.get(by)) not in children:
                yield _told(log, entry, TERMS, f"it rests on {by}, which decided no new consent that it had asked for")
    # 3 who attested something had sent no link to one
    words = [one for one in counted if one.type == ATTESTED]
    of_words = {one.verification_id for one in words}
    parents = {text(one.body, "renewal"): one.verification_id for one in renewed}
    if sent_to := {child for child, parent in parents.items() if parent in of_words}:
        minted = AuditEntry.objects.filter(log=log, type="link.minted", verification_id__in=sent_to)
        links = [(parents[str(one.verification_id)], one) for one in signatures.sound(readable(minted))]
        for entry in words:
            before = {(parent, text(link.body, "person")) for parent, link in links if link.at <= entry.at}
            if (entry.verification_id, text(entry.body, "person")) in before:
                yield _told(log, entry, MOVE, "attested by somebody who had sent the borrower a link to a new consent")


def verify_declined(log: str, entries: Sequence[AuditEntry], *, forged: Collection[str]) -> Iterator[Finding]:
    """A finding for every clearance that was issued or consumed after its borrower had declined a new consent."""
    counted = [one for one in entries if one.pk not in forged and isinstance(one.body, dict)]
    asked = {text(one.body, "renewal"): one.verification_id for one in counted if one.type == RENEWED}
    if not asked:
        return
    found = AuditEntry.objects.filter(log=log, type="verification.declined", verification_id__in=asked)
    since = dict[str | None, int]()
    for one in signatures.sound(readable(found.filter(leaf__log=log).select_related("leaf"))):
        if text(one.body, "code") in UNWANTED:
            of, index = asked[str(one.verification_id)], one.leaf.leaf_index
            since[of] = min(index, since.get(of, index))
    for entry in counted:
        declined = since.get(entry.verification_id)
        if entry.type in (CLEARED, "clearance.consumed") and declined is not None and entry.leaf.leaf_index > declined:
            yield _told(log, entry, MOVE, "money was let out after the borrower had declined it by a new consent")


def _told(log: str, entry: AuditEntry, code: str, detail: str) -> Finding:
    return Finding(code=code, log=log, leaf_index=entry.leaf.leaf_index, entry=entry.pk, detail=detail)
