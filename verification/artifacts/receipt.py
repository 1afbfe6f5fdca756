"""The receipt of an end: a JSON Web Signature of a worker's, whose hash stands in the log.

It is made in the transaction that decides, and the decision's entry names it. What the lender ended
is no worker's decision: its receipt follows by the step `document`, with an entry of its own. A
receipt never changes. What opens its commitments is drawn from the verification's key, and goes
with it.
"""

from datetime import datetime
from hashlib import sha256
from typing import Final

from django.conf import settings

from verification.artifacts import signing
from verification.case import contents, moving
from verification.case.history import History
from verification.core import decision_receipt
from verification.core.decision_receipt import COMMITTED, Facts
from verification.core.errors import EvidenceUnreadable
from verification.core.events import CLOSINGS, KEEPING, RECEIPT
from verification.core.statement_text import is_text
from verification.core.status import Status
from verification.evidence import store, vault
from verification.models import EvidenceItem, Receipt

_OF_ATTEMPTS: Final = {"attempt.opened", *KEEPING, *CLOSINGS}


def issue(
    history: History,
    status: Status,
    *,
    code: str,
    at: datetime,
    routes: tuple[str, ...] | None = None,
    key: vault.Key | None = None,
) -> str:
    """Signs and keeps the receipt; gives its SHA-256 in hex.

    routes: those that have passed, where the end adds one. Raises `EvidenceUnreadable` for a
    verified person whose case does not open: the receipt would be about nobody.
    """
    row, commitments, statement = history.row, None, None
    try:
        key = key or contents.key_of(row)
        # The case that it was opened with: the receipt is about no other that is sealed since.
        case = contents.read(row, key, commitment=str(history.opening().get("case", ""))).case
        plain = {"iin": case.person.iin.value, "payout_account": case.loan.payout_account}
        commitments = {
            name: vault.commitment(salt, plain[name].encode()) for name, salt in salts(key).items()
        }
        statement = _statement(history, key)
    except EvidenceUnreadable:
        if status is Status.VERIFIED:
            raise
    facts = Facts(
        issuer=settings.TULGA_PUBLIC_URL,
        mode=row.mode,
        verification=row.pk,
        lender=row.lender_id,
        profile_id=row.profile_id,
        profile_sha256=row.profile_sha256,
        routes=tuple(row.passed_routes) if routes is None else routes,
        route=row.route,
        renews=row.renews_id or "",
        status=status,
        code=code,
        decided_at=at,
        entries=tuple((entry.type, entry.at, entry.body) for entry in history.typed(*_OF_ATTEMPTS)),
        commitments=commitments,
        statement_sha256=statement,
    )
    payload = decision_receipt.build(facts)
    jws = signing.sign_compact(payload, mode=row.mode, type_=signing.RECEIPT_TYPE)
    Receipt.objects.create(verification=row, jws=jws)
    return sha256(jws.encode()).hexdigest()


def issue_late(history: History, *, at: datetime) -> None:
    """Makes the receipt of what its lender ended; does nothing where there is one."""
    ending = history.state.ending
    if ending is None or Receipt.objects.filter(verification=history.row).exists():
        return
    status, code = Status(history.row.status), str(ending.body["code"])
    digest = issue(history, status, code=code, at=ending.at)
    body = {"decision": ending.id, "receipt": digest}
    moving.record(history.row, RECEIPT, at=at, body=body)


def salts(key: vault.Key) -> dict[str, bytes]:
    """What opens the commitments of a receipt, by what they commit to."""
    return {name: key.salt(f"receipt {name}") for name in COMMITTED}


def _statement(history: History, key: vault.Key) -> str | None:
    """SHA-256 of the statement that was made last, as its entry lists it; None where none was."""
    made = [claim for claim in history.claims() if is_text(claim.kind)]
    if not made:
        return None
    item = EvidenceItem.objects.filter(pk=made[-1].id).first()
    if item is None or item.commitment != made[-1].digest:
        raise EvidenceUnreadable(f"{made[-1].id} is not there as its entry says")
    return sha256(store.opening(key, item).plain).hexdigest()
