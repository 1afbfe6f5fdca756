"""Ends a verification with its receipt: a JSON Web Signature of a worker's, whose hash stands in the log.

It is made in the transaction that decides, and the decision's entry names it. What the lender ended is no worker's
decision: its receipt follows by the step `document`, with an entry of its own. A receipt never changes; what opens its
commitments is drawn from the verification's key and goes with it.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from django.conf import settings

from verification.audit import log, signatures
from verification.core import decision_receipt
from verification.core.clearance import UNWANTED
from verification.core.decision_receipt import COMMITTED, Facts
from verification.core.errors import EvidenceUnreadable
from verification.core.events import CLOSINGS, DECISIONS, KEEPING, RECEIPT
from verification.core.keeping import claims
from verification.core.statement_text import is_text
from verification.core.status import MOVES, Move, Status
from verification.evidence import document_signing, store, vault
from verification.models import AuditEntry, EvidenceItem, Receipt, Verification
from verification.workflow import cases
from verification.workflow.moving import clearances, transition

_OF_ATTEMPTS: Final = {"attempt.opened", *KEEPING, *CLOSINGS}


def end(
    verification: Verification,
    how: Move,
    *,
    at: datetime,
    code: str = "",
    body: Mapping[str, Any] | None = None,
    key: vault.Key | None = None,
) -> None:
    """Moves a verification to its end, as `transition.move` does, with its receipt; within `transition.holding`. A new
    consent that is declined freezes what was issued.

    key: of the verification, where the caller has opened it. Raises `Misconfigured` without a key to sign by, and for
    a verification that passed `EvidenceUnreadable` if its case does not open: its receipt would be about nobody.
    """
    if (to := MOVES.get((Status(verification.status), how))) is not None:
        body = {**(body or {}), "receipt": _issue(verification, to, code=code, at=at, key=key)}
    transition.move(verification, how, at=at, code=code, body=body)
    if verification.renews_id and code in UNWANTED:
        clearances.freeze(Verification.objects.select_for_update().get(pk=verification.renews_id), at=at)


def issue_late(verification: Verification, *, at: datetime) -> None:
    """Makes the receipt of what its lender ended, with an entry of its own; does nothing where there is one."""
    if Receipt.objects.filter(verification=verification).exists():
        return
    ended = AuditEntry.objects.get(verification=verification, type__in=DECISIONS)
    status, code = Status(ended.type.removeprefix("verification.")), str(ended.body["code"])
    said = _issue(verification, status, code=code, at=ended.at)
    transition.record(verification, RECEIPT, at=at, body={"decision": ended.pk, "receipt": said})


def salts(key: vault.Key) -> dict[str, bytes]:
    """What opens the commitments of a receipt, by what they commit to."""
    return {name: key.salt(f"receipt {name}") for name in COMMITTED}


def _issue(verification: Verification, status: Status, *, code: str, at: datetime, key: vault.Key | None = None) -> str:
    """Signs and keeps the receipt; gives its SHA-256 in hex."""
    # What nobody may have said is no part of it; what this transaction says is not read in the database yet.
    told = signatures.sound_of(verification)
    told += [one for one in log.gathered() if one.verification_id == verification.pk]
    commitments, statement = None, None
    try:
        key = key or cases.key_of(verification)
        # The case that it was opened with: whoever could seal another must not have the receipt be about that one.
        opened = next((str(one.body.get("case")) for one in told if one.type == "verification.created"), "")
        case = cases.read(verification, key, commitment=opened).case
        plain = {"iin": case.person.iin.value, "payout_account": case.loan.payout_account}
        commitments = {name: vault.commitment(salt, plain[name].encode()) for name, salt in salts(key).items()}
        statement = _statement(told, key)
    except EvidenceUnreadable:
        if status is Status.VERIFIED:
            raise
    facts = Facts(
        issuer=settings.TULGA_PUBLIC_URL,
        mode=verification.mode,
        verification=verification.pk,
        lender=verification.lender_id,
        profile_id=verification.profile_id,
        profile_sha256=verification.profile_sha256,
        routes=tuple(verification.passed_routes),
        route=verification.route,
        renews=verification.renews_id or "",
        status=status,
        code=code,
        decided_at=at,
        entries=tuple((one.type, one.at, one.body) for one in told if one.type in _OF_ATTEMPTS),
        commitments=commitments,
        statement_sha256=statement,
    )
    jws = document_signing.sign_receipt(decision_receipt.build(facts), mode=verification.mode)
    Receipt.objects.create(verification=verification, jws=jws)
    return sha256(jws.encode()).hexdigest()


def _statement(told: list[AuditEntry], key: vault.Key) -> str | None:
    """SHA-256 of the statement that was made last, as its entry lists it; None where none was."""
    made = [one for entry in told if entry.type in KEEPING for one in claims(entry.body) if is_text(one.kind)]
    if not made:
        return None
    item = EvidenceItem.objects.filter(pk=made[-1].id, commitment=made[-1].digest).first()
    if item is None:
        raise EvidenceUnreadable(f"{made[-1].id} is not there as its entry says")
    return sha256(store.get(key, item)).hexdigest()
