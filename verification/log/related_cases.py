"""Statements of an entry on other verifications, looked up in the same log: named reads, outside
every course.

Renewed consents are verifications of their own (O-52), and attempts count over all verifications of
a borrower.
Rows say which verifications are of one person; only the keys prove it.
A contract is paid once, whatever number of verifications name it.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from verification.core.clearance import CONSUMED, UNWANTED
from verification.core.events import ATTESTED, CLEARED, CLOSINGS, DECISIONS, PAID, RENEWED
from verification.core.findings import Finding
from verification.course import policy
from verification.course.entry import MOVE, TERMS, TRIES, maps, released, text
from verification.log import policy as log_policy
from verification.log import signatures
from verification.log.damaged import readable
from verification.log.entries import of_cases
from verification.models import AuditEntry, Clearance, Verification

_APART: Final = timedelta(seconds=policy.CLOCKS_APART_SECONDS)
_DAY: Final = timedelta(seconds=policy.TRIES_SECONDS)


def verify_related(
    log: str, entries: Sequence[AuditEntry], *, forged: Collection[str]
) -> Iterator[Finding]:
    """A finding for each entry that other verifications contradict.

    entries: all of these verifications, ordered, each with its leaf.
    forged: those without a valid signature.
    """
    counted = [
        entry for entry in entries if entry.pk not in forged and isinstance(entry.body, dict)
    ]
    yield from _verify_tries(log, counted)
    yield from _verify_opened(log, counted)
    yield from _verify_renewals(log, counted)
    yield from _verify_declined(log, counted)
    yield from _verify_paid(log, counted)


def is_paid_elsewhere(verification: Verification, contract: str) -> bool:
    """Whether another verification of this lender and mode paid this contract, by its row or by a
    valid entry.

    Rows locate the other verifications. An unreadable entry raises the database's error.
    """
    lender, mode = verification.lender_id, verification.mode
    of_contract = Clearance.objects.filter(lender=lender, mode=mode, contract_sha256=contract)
    others = list(
        of_contract.exclude(verification=verification).values_list("verification_id", "status")
    )
    if any(status == CONSUMED for _, status in others):
        return True
    if not others:
        return False
    payouts = of_cases({pk for pk, _ in others}, types=_PAYOUTS, log=mode)
    return any(key == (lender, contract) for _, key in _payments(signatures.sound(payouts)))


def _verify_tries(log: str, entries: Sequence[AuditEntry]) -> Iterator[Finding]:
    """Every end that names another case's spent attempt wrongly: not of its borrower, lender or
    stage, or not spent.
    """
    elsewhere = [
        (end, verification, text(row, "attempt"))
        for end in entries
        if end.type == "verification.declined"
        for row in maps(end.body, "spent")
        if (verification := text(row, "verification"))
    ]
    if not elsewhere:
        return
    named_ids = {verification for _, verification, _ in elsewhere}
    closings = AuditEntry.objects.filter(log=log, verification_id__in=named_ids, type__in=CLOSINGS)
    sound = signatures.sound(readable(closings.order_by("verification_sequence")))
    closed = {(entry.verification_id, entry.body.get("attempt")): entry for entry in sound}
    ids = named_ids | {end.verification_id for end, _, _ in elsewhere}
    columns = ("pk", "borrower_index_version", "borrower_index")
    rows = Verification.objects.filter(pk__in=ids).values_list(*columns)
    borrowers = {pk: (version, bytes(index)) for pk, version, index in rows if index is not None}
    for end, verification, attempt in elsewhere:
        closing = closed.get((verification, attempt))
        is_spent = (
            closing is not None
            and (closing.body.get("burnt"), closing.body.get("stage"))
            == (True, text(end.body, "stage"))
            and closing.lender_id == end.lender_id
            and end.at - _DAY - _APART <= closing.at <= end.at + _APART
        )
        (version, index), (end_version, end_index) = (
            borrowers.get(name, (0, b"")) for name in (verification, end.verification_id or "")
        )
        # An erased borrower has no index any more, and indexes of two keys cannot be compared.
        if not is_spent or (version == end_version and index != end_index):
            detail = (
                f"it names {attempt} of {verification} as spent, which the log does not say of this"
                " borrower"
            )
            yield _finding(log, end, TRIES, detail)


def _verify_opened(log: str, entries: Sequence[AuditEntry]) -> Iterator[Finding]:
    """Every attempt that was opened after the day's attempts were spent, over all cases of its
    borrower.

    A borrower with one case is left out, because the course counts there; so is an erased borrower.
    """
    opened = [entry for entry in entries if entry.type == "attempt.opened"]
    ids = {entry.verification_id for entry in opened}
    owners = _borrowers(Verification.objects.filter(pk__in=ids))
    indexes = {borrower[2] for borrower in owners.values()}
    rows = Verification.objects.filter(mode=log, borrower_index__in=indexes) if indexes else None
    cases = _borrowers(rows) if rows is not None else {}
    shared = {borrower for borrower, number in Counter(cases.values()).items() if number > 1}
    several = [pk for pk, borrower in cases.items() if borrower in shared]
    if not several:
        return
    types = ("attempt.opened", "route.chosen", *CLOSINGS, *DECISIONS)
    rows_of_log = AuditEntry.objects.filter(log=log, verification_id__in=several, type__in=types)
    sound = signatures.sound(readable(rows_of_log.order_by("at", "pk")))
    ended: dict[tuple[_Borrower, str], dict[str, list[AuditEntry]]] = {}
    for entry in sound:
        if entry.type in CLOSINGS:
            place = cases[str(entry.verification_id)], text(entry.body, "stage")
            ended.setdefault(place, {}).setdefault(text(entry.body, "attempt"), []).append(entry)
    for entry in opened:
        release = released(entry.body, text(entry.body, "route"))
        tries = release.tries(text(entry.body, "stage")) if release else 0
        borrower = owners.get(str(entry.verification_id))
        if not tries or borrower not in shared:
            continue
        spent = 0
        for of_attempt in ended.get((borrower, text(entry.body, "stage")), {}).values():
            # Two processes wrote them: an end at about the same time may be earlier or later.
            earlier = [closing for closing in of_attempt if closing.at <= entry.at + _APART]
            is_lately = (
                bool(earlier) and entry.at - _DAY + _APART <= earlier[-1].at <= entry.at - _APART
            )
            spent += is_lately and earlier[-1].body.get("burnt") is True
        if spent >= tries:
            detail = f"it was opened after {spent} attempts of its borrower were spent"
            yield _finding(log, entry, TRIES, detail)
        elif _is_beside(
            entry, [related for related in sound if cases[str(related.verification_id)] == borrower]
        ):
            detail = "it was opened while its borrower had an open attempt in another case"
            yield _finding(log, entry, TRIES, detail)


def _is_beside(opened: AuditEntry, entries: Sequence[AuditEntry]) -> bool:
    """Whether an attempt at the same stage was open in another case when this one was opened."""
    related = [entry for entry in entries if entry.verification_id != opened.verification_id]
    for earlier in related:
        is_such = earlier.type == "attempt.opened" and text(earlier.body, "stage") == text(
            opened.body, "stage"
        )
        if not is_such or earlier.at >= opened.at - _APART:
            continue
        # It was closed, left for another route, or ended with its case.
        over = [
            entry.at
            for entry in related
            if entry.verification_id == earlier.verification_id and entry.at >= earlier.at
            if entry.type in ("route.chosen", *DECISIONS)
            or (
                entry.type in CLOSINGS
                and text(entry.body, "attempt") == text(earlier.body, "attempt")
            )
        ]
        if not over or min(over) > opened.at + _APART:
            return True
    return False


_Borrower = tuple[str, int, bytes]
"""The lender, the index key's number, and the borrower's index."""


def _borrowers(rows: QuerySet[Verification, Verification]) -> dict[str, _Borrower]:
    """The borrower of each verification, by its row; erased borrowers are left out."""
    columns = ("pk", "lender_id", "borrower_index_version", "borrower_index")
    read = rows.exclude(borrower_index=None).values_list(*columns)
    return {pk: (lender, version, bytes(index or b"")) for pk, lender, version, index in read}


def _verify_renewals(log: str, entries: Sequence[AuditEntry]) -> Iterator[Finding]:
    """Every renewed consent without a request, every clearance based on another one, and every
    attestation by a sender.

    A sender is a person who had sent the borrower a link to a renewed consent.
    """
    renewed = [entry for entry in entries if entry.type == RENEWED]
    # 1 each renewed consent was requested
    children = [
        (entry, parent)
        for entry in entries
        if entry.type == "verification.created" and (parent := text(entry.body, "renews"))
    ]
    if children:
        parents = {parent for _, parent in children}
        requests = AuditEntry.objects.filter(log=log, type=RENEWED, verification_id__in=parents)
        sound = signatures.sound(readable(requests))
        places = {
            (entry.verification_id, entry.lender_id, entry.body.get("renewal")) for entry in sound
        }
        for entry, parent in children:
            if (parent, entry.lender_id, entry.verification_id) not in places:
                detail = f"it is a new consent of {parent}, which asked for none, or not for this"
                yield _finding(log, entry, MOVE, detail)
    # 2 each consent under a clearance was given
    issued = [
        (entry, name)
        for entry in entries
        if entry.type == CLEARED and (name := text(entry.body, "renewal"))
    ]
    if issued:
        ids = {name for _, name in issued}
        decisions = AuditEntry.objects.filter(log=log, type="verification.verified", pk__in=ids)
        consents = {
            entry.pk: entry.verification_id for entry in signatures.sound(readable(decisions))
        }
        pairs = {(entry.verification_id, entry.body.get("renewal")) for entry in renewed}
        for entry, name in issued:
            if (entry.verification_id, consents.get(name)) not in pairs:
                detail = f"it rests on {name}, which decided no new consent that it had asked for"
                yield _finding(log, entry, TERMS, detail)
    yield from _verify_attested(log, entries, renewed)


def _verify_attested(
    log: str, entries: Sequence[AuditEntry], renewed: Sequence[AuditEntry]
) -> Iterator[Finding]:
    attested = [entry for entry in entries if entry.type == ATTESTED]
    ids = {entry.verification_id for entry in attested}
    parents = {text(entry.body, "renewal"): entry.verification_id for entry in renewed}
    if children := {child for child, parent in parents.items() if parent in ids}:
        minted = AuditEntry.objects.filter(
            log=log, type="link.minted", verification_id__in=children
        )
        links = [
            (parents[str(link.verification_id)], link)
            for link in signatures.sound(readable(minted))
        ]
        for entry in attested:
            senders = {
                (parent, text(link.body, "person")) for parent, link in links if link.at <= entry.at
            }
            if (entry.verification_id, text(entry.body, "person")) in senders:
                detail = (
                    "attested by a person who had sent the borrower a link to a renewed consent"
                )
                yield _finding(log, entry, MOVE, detail)


def _verify_declined(log: str, entries: Sequence[AuditEntry]) -> Iterator[Finding]:
    """Every clearance issued or consumed after its borrower declined a renewed consent."""
    parents = {
        text(entry.body, "renewal"): entry.verification_id
        for entry in entries
        if entry.type == RENEWED
    }
    if not parents:
        return
    refusals = AuditEntry.objects.filter(
        log=log, type="verification.declined", verification_id__in=parents
    )
    since = dict[str | None, int]()
    for entry in signatures.sound(readable(refusals.filter(leaf__log=log).select_related("leaf"))):
        if text(entry.body, "code") in UNWANTED:
            parent, index = parents[str(entry.verification_id)], entry.leaf.leaf_index
            since[parent] = min(index, since.get(parent, index))
    for entry in entries:
        declined_at, is_release = (
            since.get(entry.verification_id),
            entry.type in (CLEARED, PAID),
        )
        if is_release and declined_at is not None and entry.leaf.leaf_index > declined_at:
            detail = (
                "a payout was permitted after the borrower had declined it by a renewed consent"
            )
            yield _finding(log, entry, MOVE, detail)


def _verify_paid(log: str, entries: Sequence[AuditEntry]) -> Iterator[Finding]:
    """Every payout of a contract that another verification of its lender had paid before."""
    paid = _payments(entries)
    if not paid:
        return
    lenders, contracts = ({key[place] for _, key in paid} for place in (0, 1))
    rows = Clearance.objects.filter(lender__in=lenders, mode=log, contract_sha256__in=contracts)
    related = set(rows.values_list("verification_id", flat=True))
    elsewhere = related - {str(entry.verification_id) for entry in entries}
    payouts = of_cases(elsewhere, types=_PAYOUTS, log=log, with_leaf=True, skips_damaged=True)
    payments = paid + _payments(signatures.sound(payouts))
    first = dict[_Contract, AuditEntry]()
    for entry, key in sorted(payments, key=lambda payment: _place(payment[0])):
        first.setdefault(key, entry)
    for entry, key in paid:
        earlier = first[key]
        if earlier.verification_id != entry.verification_id:
            detail = f"its contract was paid before, by {earlier.pk} of {earlier.verification_id}"
            yield _finding(log, entry, "contract_paid_twice", detail)


_PAYOUTS: Final = ("clearance.requested", CLEARED, PAID)

_Contract = tuple[str, str]
"""The lender, and the contract's hash."""


def _payments(entries: Sequence[AuditEntry]) -> list[tuple[AuditEntry, _Contract]]:
    """Each payout with its contract, which the issue of its clearance names, or else its request.

    entries: valid, each case in order.
    """
    contracts, payments = dict[tuple[str, str], str](), list[tuple[AuditEntry, _Contract]]()
    for entry in entries:
        place = str(entry.verification_id), text(entry.body, "clearance")
        if entry.type == PAID and place in contracts:
            payments.append((entry, (str(entry.lender_id), contracts[place])))
        elif entry.type in _PAYOUTS and (contract := text(entry.body, "contract")):
            contracts[place] = contract
    return payments


def _place(entry: AuditEntry) -> tuple[int, str]:
    """Its order among others of the log; entries without a place come last."""
    leaf = getattr(entry, "leaf", None)
    return (log_policy.SIZE if leaf is None else leaf.leaf_index), entry.pk


def _finding(log: str, entry: AuditEntry, code: str, detail: str) -> Finding:
    return Finding(
        code=code, log=log, leaf_index=entry.leaf.leaf_index, entry=entry.pk, detail=detail
    )
