"""The receipt of a decision as its lender reads it, with the proof that the log has it, and what
opens it.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

from verification import transactions
from verification.artifacts import receipt
from verification.case import contents
from verification.core.errors import Conflict, EvidenceUnreadable, LogInconsistent, NotFound
from verification.log import decided, log, proofs
from verification.log.signatures import spell_leaf
from verification.models import Receipt, Verification


@dataclass(frozen=True)
class ReceiptView:
    """A receipt, and beside it what it could not say: its entry's place in the log, the entry as it
    was hashed.

    `proof`: C2SP tlog-proof under `checkpoint`, the first that covers the entry. `openings`: the
    salts in hex, None once the verification's key is destroyed. Nothing of it but that ever
    changes.
    """

    receipt: str
    index: int
    leaf: str
    proof: str
    checkpoint: str
    openings: dict[str, str] | None = field(repr=False)


def read_receipt(*, lender_id: str, mode: str, verification_id: str, key_id: str) -> ReceiptView:
    """The receipt of a verification of this lender; with its openings, a `receipt.read` entry that
    names the key.

    Raises `NotFound` (none, or another lender's), `Conflict` `receipt_not_ready` before its entry
    and the decision are told, and `LogInconsistent` for a row that is not what the entry names.
    """
    rows = Verification.objects.filter(pk=verification_id, lender_id=lender_id, mode=mode)
    row = rows.select_related("key", "receipt").first()
    if row is None:
        raise NotFound("no such verification")
    contents.require_lender(row)
    entry = decided.receipt_entry(row)
    if entry is None:
        raise Conflict(
            "the log has not ordered a decision and its receipt yet", code="receipt_not_ready"
        )
    kept: Receipt | None = getattr(row, "receipt", None)
    if kept is None or sha256(kept.jws.encode()).hexdigest() != entry.body["receipt"]:
        raise LogInconsistent(
            f"the receipt of {row.pk} is not the one that {entry.pk} names: see audit_verify"
        )
    proof, checkpoint = proofs.first_proof(entry.leaf)
    openings: dict[str, str] | None = None
    with suppress(EvidenceUnreadable):
        openings = {
            name: salt.hex() for name, salt in receipt.salts(contents.key_beside(row)).items()
        }
        with transactions.writing():
            body = {"verification": row.pk, "key": key_id, "what": "openings"}
            log.append(log=row.mode, type="receipt.read", lender=row.lender_id, body=body)
    return ReceiptView(
        receipt=kept.jws,
        index=entry.leaf.leaf_index,
        leaf=spell_leaf(entry, lender_sequence=entry.leaf.lender_sequence).decode(),
        proof=proof,
        checkpoint=checkpoint,
        openings=openings,
    )
