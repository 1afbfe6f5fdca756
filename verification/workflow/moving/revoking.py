"""A key that signed decisions is revoked: by an entry that the root signed, and one to the lender of each decision."""

from verification import clock, transactions
from verification.audit import keys, log, signatures
from verification.case import moving
from verification.core import events
from verification.core.errors import BadInput
from verification.models import AuditEntry, AuditLeaf, Verification
from verification.workflow import policy
from verification.workflow.moving import clearances

TOLD = "verification.key_revoked"


def revoke(mode: str, *, key: str, from_index: int, signature: str) -> list[str]:
    """Nothing that this key signed counts any more from an index of the log on; gives the verifications it had decided.

    Each of their lenders is told, once: whoever runs it again goes on where it ended. What may be paid by it is frozen.
    `signature`: the root's, as `core.certificates.revocation` gives it. Raises `BadInput` for a key that nobody knows
    or another's signature.
    """
    body = {"key": key, "from_index": from_index, "revocation": signature}
    if key not in keys.believed(mode, needed={key}):
        raise BadInput(f"no key {key} signs entries of the {mode} log", code="signing_key_unknown")
    if not keys.is_of_root(AuditEntry(log=mode, type=events.REVOKED, body=body)):
        raise BadInput("the operator's root did not sign this revocation", code="revocation_unsigned")
    if keys.revoked(mode).get(key, from_index + 1) > from_index:
        with transactions.writing():
            log.append(log=mode, type=events.REVOKED, body=body)
    found, next_index = list[str](), from_index
    decided = AuditLeaf.objects.filter(log=mode, entry__type__in=events.DECISIONS).select_related("entry")
    while page := list(decided.filter(leaf_index__gte=next_index).order_by("leaf_index")[: policy.SWEEP_BATCH]):
        next_index = page[-1].leaf_index + 1
        _, signers = signatures.inspect([leaf.entry for leaf in page])
        for decision in (leaf.entry for leaf in page if signers.get(leaf.entry_id) == key):
            found.append(str(decision.verification_id))
            entries = AuditEntry.objects.filter(verification_id=decision.verification_id, type=TOLD, body__key=key)
            if signatures.sound(entries):
                continue
            with transactions.writing():
                row = Verification.objects.select_for_update().filter(pk=decision.verification_id).first()
                if row is None:  # taken away: `audit_verify` names it, and the others are told
                    continue
                said = {"key": key, "from_index": from_index, "decision": decision.pk}
                moving.record(row, TOLD, at=clock.now(), body=said)
    clearances.freeze_unsound(mode)
    return found
