"""A key that signed decisions is revoked: by an entry that the root signed, and one to the lender
of each decision.
"""

from verification import clock, transactions
from verification.case import moving, policy
from verification.core import events
from verification.core.errors import BadInput
from verification.log import entries, keys, log, signatures
from verification.models import AuditEntry, Verification
from verification.payout import clearances

TOLD = "verification.key_revoked"


def revoke(mode: str, *, key: str, from_index: int, signature: str) -> list[str]:
    """Nothing that this key signed counts any more from an index of the log on; gives the
    verifications it had decided.

    Each of their lenders is told, once: whoever runs it again goes on where it ended. What may be
        paid by it is frozen.
    `signature`: the root's, as `core.certificates.revocation` gives it. Raises `BadInput` for a key
    that nobody knows or another's signature.
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
    found, next_index = list[str](), from_index
    batch = policy.SWEEP_BATCH
    while page := entries.of_log(mode, types=events.DECISIONS, from_index=next_index, limit=batch):
        next_index = page[-1].leaf.leaf_index + 1
        _, signers = signatures.inspect(page)
        for decision in (entry for entry in page if signers.get(entry.pk) == key):
            found.append(str(decision.verification_id))
            if signatures.sound(entries.of_cases(found[-1:], types=(TOLD,), saying={"key": key})):
                continue
            with transactions.writing():
                row = (
                    Verification.objects.select_for_update()
                    .filter(pk=decision.verification_id)
                    .first()
                )
                if row is None:  # taken away: `audit_verify` names it, and the others are told
                    continue
                said = {"key": key, "from_index": from_index, "decision": decision.pk}
                moving.record(row, TOLD, at=clock.now(), body=said)
    clearances.freeze_unsound(mode)
    return found
