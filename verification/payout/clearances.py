"""Clearances, which a lender presents before payout: requested, consumed once, or frozen.
`worker/clearing.py` issues them.

Every transaction locks the verification first, then its clearances, which prevents deadlocks.
For a renewed consent, a worker first locks the verification it renews (`queue.require_fence`).
A row decides nothing alone: only an issue in a worker's signed entry can be consumed.
A contract is paid once, whatever number of verifications it has.

A root-signed entry revokes a key that signed decisions. The lender of each decision gets an entry.
Clearances that depend on the key are frozen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import IntegrityError
from django.db.models import Exists, OuterRef

from verification import clock, transactions
from verification.case import blocks, contents, freezing, moving, policy, steps
from verification.case.moving import History, read_sound
from verification.core import clearance as words
from verification.core import events, profiles
from verification.core.clearance import (
    CONSUMED,
    FROZEN,
    ISSUED,
    OPEN,
    PROCESSING,
    SUPERSEDED,
    TIYN,
    UNWANTED,
)
from verification.core.errors import BadInput, Conflict, NotFound
from verification.core.events import CLEARED, DISPUTED, RENEWED, REPORTED, WITHDRAWN
from verification.core.opening import Loan
from verification.core.status import Status
from verification.course.projection import of_clearance
from verification.evidence import vault
from verification.log import decided, entries, keys, log, signatures
from verification.log.advanced import advanced_since, earlier
from verification.log.related_cases import is_paid_elsewhere
from verification.models import AuditEntry, Clearance, Verification

_VERIFIED, _DECLINED = "verification.verified", "verification.declined"
_ASKED, _REFUSED, _PAID, _FROZEN = (
    "clearance.requested",
    "clearance.refused",
    "clearance.consumed",
    "clearance.frozen",
)

_NOT_OPEN: Mapping[str, str] = {
    PROCESSING: "clearance_not_ready",
    words.REFUSED: "clearance_refused",
    SUPERSEDED: "clearance_superseded",
    CONSUMED: "clearance_consumed",
    FROZEN: "clearance_frozen",
}
_OPPOSING: Final = (DISPUTED, WITHDRAWN)
TOLD = "verification.key_revoked"
_CONTRACT_PAID = "contract_paid"
_PAID_ELSEWHERE = "another verification paid this contract"


def ask(
    *, lender_id: str, mode: str, verification_id: str, profile_id: str, contract_sha256: str = ""
) -> str:
    """A new clearance, whose gates a worker evaluates next; an open one is void. Returns its id.

    profile_id: the lender's present law.

    Raises: `NotFound`, `BadInput` without a contract, `Conflict` for another or a paid contract,
    or if no issue is possible.
    """
    at = clock.now()
    profile = profiles.binding(profile_id, mode=mode, at=at)
    with transactions.writing():
        verification = contents.lock_of_lender(verification_id, lender_id=lender_id, mode=mode)
        require_told(verification)
        of_case = Clearance.objects.filter(verification=verification)
        history = read_sound(verification)
        sound = history.entries
        if any(entry.type == _PAID for entry in sound) or of_case.filter(status=CONSUMED).exists():
            raise Conflict("the loan is paid out", code="clearance_consumed")
        blocks.require_payable(blocks.of_history(history))
        if is_opposed(verification, sound):
            raise Conflict("the borrower disputes it", code="clearance_frozen")
        if verification.step not in ("", steps.CLEAR):
            raise Conflict("a worker has another step of it to do; send again", code="conflict")
        loan = contents.read(verification, contents.key_of(verification)).case.loan
        contract = contract_of(loan, contract_sha256, reported=reported(sound))
        if is_paid_elsewhere(verification, contract):
            raise Conflict(_PAID_ELSEWHERE, code=_CONTRACT_PAID)
        of_case.filter(status__in=OPEN).update(status=SUPERSEDED)
        clearance = Clearance.objects.create(
            verification=verification,
            lender_id=lender_id,
            mode=mode,
            profile_id=profile.id,
            contract_sha256=contract,
            cap_tiyn=tiyn(loan.amount),
            created_at=at,
        )
        with moving.moving(history):
            body = {
                "clearance": clearance.pk,
                "profile": profile.id,
                "contract": contract,
                "cap": clearance.cap_tiyn,
            }
            moving.record(verification, _ASKED, at=at, body=body)
            steps.schedule(verification, steps.CLEAR, due_at=at, queue=policy.ENDING_QUEUE)
        return clearance.pk


def require_told(verification: Verification) -> AuditEntry:
    """The decision that verified it.

    Raises: `Conflict` unless that decision is delivered and its case is readable.
    """
    if verification.renews_id:
        raise Conflict("it is a renewed consent to another verification's loan", code="is_renewal")
    public = decided.status_of(verification)
    if public.status != Status.VERIFIED or public.decision is None:
        raise Conflict(
            "only a verification that is reported as verified can do this", code="not_verified"
        )
    if verification.redacted_at is not None:
        raise Conflict("the person can no longer be identified", code="verification_erased")
    return public.decision


@dataclass(frozen=True)
class Payment:
    """The intended payout: tenge, person, contract and account."""

    amount: str
    iin: str = field(repr=False)
    contract_sha256: str
    payout_account: str = field(repr=False)


def consume(*, lender_id: str, mode: str, clearance_id: str, payment: Payment) -> None:
    """Spends a clearance for this sum, person, contract and account: once, however often it is
    requested, and once for all verifications of the contract.

    Raises: `NotFound`, or `Conflict` with the code of the reason; then nothing is spent.
    """
    sum_tiyn, contract = tiyn(payment.amount), payment.contract_sha256
    iins = index(clearance_id, "iin", payment.iin)
    accounts = index(clearance_id, "account", payment.payout_account)
    clearance = Clearance.objects.filter(pk=clearance_id, lender_id=lender_id, mode=mode)
    with transactions.writing():
        cases = clearance.values("verification")
        verification = (
            Verification.objects.select_for_update()
            .filter(pk__in=cases, lender_id=lender_id)
            .first()
        )
        if verification is None:
            raise NotFound("no such clearance")
        contents.require_lender(verification)
        at = clock.now()  # under the row's lock: the borrower's dispute comes before or after
        of_case = Verification.objects.filter(pk=OuterRef("verification_id"))
        unopposed = of_case.filter(disputed_at=None, consent_withdrawn_at=None)
        # One conditional statement: of many at once one succeeds.
        payable = clearance.filter(
            Exists(unopposed),
            ~decided.issue_waits(),
            status=ISSUED,
            expires_at__gt=at,
            fresh_until__gt=at,
            cap_tiyn__gte=sum_tiyn,
            contract_sha256=contract,
            iin_index__in=iins,
            account_index__in=accounts,
        )
        try:
            # A savepoint: PostgreSQL refuses further statements after a broken constraint.
            with transactions.writing():
                spent = payable.update(status=CONSUMED, consumed_at=at, amount_tiyn=sum_tiyn)
        except IntegrityError as fault:  # one_payout_per_contract, or else it is passed on
            if not is_paid_elsewhere(verification, contract):
                raise
            raise Conflict(_PAID_ELSEWHERE, code=_CONTRACT_PAID) from fault
        if spent != 1:
            raise Conflict(code=_why(clearance.get(), verification, at=at))
        # Rows issue nothing: workers' signed entries count, and a flawed case pays nothing.
        history = read_sound(verification)
        body = None if history.flaw else issued_body(verification, clearance_id, history.entries)
        presented = {"contract": [contract], "iin": [mark.hex() for mark in iins]}
        if not _is_said(
            body, sum_tiyn=sum_tiyn, at=at, account=[mark.hex() for mark in accounts], **presented
        ):
            raise Conflict("no valid worker's signature supports it", code="clearance_frozen")
        # A changed row evades the constraint; the other verification's signed entry still counts.
        if is_paid_elsewhere(verification, contract):
            raise Conflict(_PAID_ELSEWHERE, code=_CONTRACT_PAID)
        with moving.moving(history):
            used = {"clearance": clearance_id, "amount": sum_tiyn}
            moving.record(verification, _PAID, at=at, body=used)


def freeze_unsound(mode: str) -> None:
    """Freezes issued, unconsumed clearances that depend on a revoked key, their own or the
    decision's.
    """
    waiting = Clearance.objects.filter(mode=mode, status=ISSUED, expires_at__gt=clock.now())
    for clearance_id, verification_id in list(waiting.values_list("pk", "verification_id")):
        with transactions.writing():
            verification = Verification.objects.select_for_update().get(pk=verification_id)
            if not is_sound(verification, clearance_id):
                freezing.freeze(verification, at=clock.now())


def restore(row: Clearance) -> History:
    """Gives a row, loaded with its verification, what the signed entries of its case say of it.

    Raises: `NotFound` if they do not say that this lender requested it.
    """
    history = read_sound(row.verification)
    clearance = history.state.credit.clearances.get(row.pk)
    values = of_clearance(history.state, clearance) if clearance is not None else {}
    if values.get("lender_id") != row.lender_id:
        raise NotFound("no such clearance")
    for column, value in values.items():
        if column not in ("iin_index", "account_index"):
            setattr(row, column, value)
    return history


def is_sound(verification: Verification, clearance_id: str, history: History | None = None) -> bool:
    """Whether an issued clearance may be consumed, by the signed entries of its case.

    history: the case's, if it was read already.
    """
    history = history or read_sound(verification)
    return not history.flaw and issued_body(verification, clearance_id, history.entries) is not None


def issued_body(
    verification: Verification, clearance_id: str, sound: Sequence[AuditEntry]
) -> Mapping[str, Any] | None:
    """A worker's signed clearance, with times moved by the test clock's advance since.

    None unless it and its decision are sound, whatever the rows say.
    None, too, after an entry of a payout, a newer request, a refusal, a freeze, a dispute, a
    withdrawal or a declined payout.
    """
    newest = next(
        (entry.body["clearance"] for entry in reversed(sound) if entry.type == _ASKED), None
    )
    ended_by = {entry.type for entry in sound if entry.body.get("clearance") == clearance_id} & {
        _REFUSED,
        _FROZEN,
    }
    if (
        newest != clearance_id
        or ended_by
        or any(entry.type == _PAID for entry in sound)
        or barred(verification, sound)
    ):
        return None
    decisions = {entry.pk for entry in sound if entry.type == _VERIFIED}
    issued = [
        entry
        for entry in sound
        if entry.type == CLEARED and entry.body.get("clearance") == clearance_id
    ]
    issue = next((entry for entry in issued if entry.body.get("decision") in decisions), None)
    advance, body = advanced_since(issue, sound), issue.body if issue is not None else None
    if advance and body:
        body = {
            **body,
            **{until: earlier(body[until], advance) for until in ("expires_at", "fresh_until")},
        }
    # The renewed consent that it depends on, if any: a decision of its own.
    if body is None or "renewal" not in body:
        return body
    renewed = [entry for entry in entries.by_ids([str(body["renewal"])]) if entry.type == _VERIFIED]
    return body if signatures.sound(renewed) else None


def is_opposed(verification: Verification, sound: Sequence[AuditEntry]) -> bool:
    """Whether the borrower disputes it, or withdrew the consent, by its row or a valid entry."""
    is_marked = (verification.disputed_at or verification.consent_withdrawn_at) is not None
    return is_marked or any(entry.type in _OPPOSING for entry in sound)


def barred(verification: Verification, sound: Sequence[AuditEntry]) -> str:
    """Why no payout is possible whatever the gates say; empty if possible. sound: its valid
    entries.

    A declined renewed consent bars the payout, whichever request opened it. A disputed or withdrawn
    one does not count as given.
    Two more statements run if these entries name one.
    """
    if is_opposed(verification, sound):
        return "clearance_frozen"
    opened = [str(entry.body["renewal"]) for entry in sound if entry.type == RENEWED]
    if not opened:
        return ""
    answers = signatures.sound(
        entries.of_cases(opened, types=(_DECLINED, *_OPPOSING), log=verification.mode)
    )
    if any(entry.type == _DECLINED and entry.body["code"] in UNWANTED for entry in answers):
        return "consent_declined"
    rows = Verification.objects.filter(pk__in=opened, disputed_at__isnull=False)
    return (
        "clearance_frozen"
        if any(entry.type in _OPPOSING for entry in answers) or rows.exists()
        else ""
    )


def index(clearance_id: str, name: str, value: str) -> list[bytes]:
    """Keyed hashes of a value for this clearance alone: one per index key, newest first."""
    return list(
        vault.blind_index(purpose=f"clearance {name}", value=f"{clearance_id} {value}").values()
    )


def tiyn(amount: str) -> int:
    """A sum in tenge as a whole number of tiyn."""
    return int(Decimal(amount) * TIYN)


@dataclass(frozen=True)
class Reported:
    """The lender's report of its contract. `told_at`: its time; the wait counts from
    `release_from`.
    """

    contract: str
    signed_at: datetime
    told_at: datetime
    release_from: datetime


def entries_of(verification: Verification, *types: str) -> list[AuditEntry]:
    """Its valid entries of these types, in order."""
    return signatures.sound(entries.of_cases([verification.pk], types=types, log=verification.mode))


def reported(sound: Sequence[AuditEntry]) -> Reported | None:
    """The report of the contract in such entries; the first counts, because a report is final.

    The wait starts earlier by the test clock's advance since, if these entries have one.
    """
    for entry in sound:
        if entry.type == REPORTED:
            signed_at, release_from = (
                datetime.fromisoformat(entry.body[field]) for field in ("signed_at", "release_from")
            )
            waits_from = max(release_from, signed_at, entry.at) - advanced_since(entry, sound)
            return Reported(entry.body["contract"], signed_at, entry.at, waits_from)
    return None


def contract_of(loan: Loan, named_contract: str, *, reported: Reported | None = None) -> str:
    """The contract of the loan, or the reported one, or the one named if there is no other.

    Raises: `BadInput` without any, `Conflict` if the named one differs.
    """
    contract = loan.contract_sha256 or (reported.contract if reported else "") or named_contract
    if not contract:
        raise BadInput(
            "the verification names no contract", code="required", pointer="/contract_sha256"
        )
    if named_contract not in ("", contract):
        raise Conflict("the borrower was verified for another contract", code="clearance_mismatch")
    return contract


def _is_said(
    body: Mapping[str, Any] | None, *, sum_tiyn: int, at: datetime, **presented: Sequence[str]
) -> bool:
    """Whether a signed entry permits this sum now, with one of the presented values for each
    name.
    """
    if body is None or body["cap"] < sum_tiyn:
        return False
    until = min(datetime.fromisoformat(body[name]) for name in ("expires_at", "fresh_until"))
    return until > at and all(body[name] in values for name, values in presented.items())


def _why(row: Clearance, verification: Verification, *, at: datetime) -> str:
    """The code that says why this row cannot be spent; permanent reasons first."""
    if row.status in _NOT_OPEN:
        return _NOT_OPEN[row.status]
    if (verification.disputed_at or verification.consent_withdrawn_at) is not None:
        return "clearance_frozen"
    if is_paid_elsewhere(verification, row.contract_sha256):
        return _CONTRACT_PAID
    if row.expires_at is None or row.expires_at <= at:
        return "clearance_expired"
    if row.fresh_until is None or row.fresh_until <= at:
        return "clearance_stale"
    if Clearance.objects.filter(decided.issue_waits(), pk=row.pk).exists():
        return "clearance_not_ready"
    return "clearance_mismatch"


def revoke_key(mode: str, *, key: str, from_index: int, signature: str) -> list[str]:
    """Revokes a key from a log index on; returns the verifications that it decided.

    Each of their lenders is informed once: another run continues where this one ended.
    Clearances that depend on the key are frozen.

    signature: the root's, as `core.certificates.revocation` gives it.

    Raises: `BadInput` for an unknown key or another signature.
    """
    body = {"key": key, "from_index": from_index, "revocation": signature}
    if key not in keys.believed(mode, needed={key}):
        raise BadInput(f"no key {key} signs entries of the {mode} log", code="signing_key_unknown")
    if not keys.is_of_root(AuditEntry(log=mode, type=events.REVOKED, body=body)):
        raise BadInput(
            "the operator's root did not sign this revocation", code="revocation_unsigned"
        )
    if keys.revoked(mode).get(key, from_index + 1) > from_index:
        with transactions.writing():
            log.append(log=mode, type=events.REVOKED, body=body)
    decided_cases, next_index = list[str](), from_index
    batch = policy.SWEEP_BATCH
    while page := entries.of_log(mode, types=events.DECISIONS, from_index=next_index, limit=batch):
        next_index = page[-1].leaf.leaf_index + 1
        _, signers = signatures.inspect(page)
        for decision in (entry for entry in page if signers.get(entry.pk) == key):
            decided_cases.append(str(decision.verification_id))
            if signatures.sound(
                entries.of_cases(decided_cases[-1:], types=(TOLD,), saying={"key": key})
            ):
                continue
            with transactions.writing():
                row = (
                    Verification.objects.select_for_update()
                    .filter(pk=decision.verification_id)
                    .first()
                )
                if row is None:  # deleted: `audit_verify` names it, and the others are informed
                    continue
                notice = {"key": key, "from_index": from_index, "decision": decision.pk}
                moving.record(row, TOLD, at=clock.now(), body=notice)
    freeze_unsound(mode)
    return decided_cases
