"""A web process that is wholly the attacker's: the door's key, the key-encryption key, the
application's role.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from tests.verification.log.rows import slip_in
from verification import clock
from verification.case import contents
from verification.core.certificates import key_id
from verification.core.ids import new_id
from verification.evidence import store
from verification.log import signatures
from verification.models import Attempt, AuditEntry, EvidenceItem, Verification


def sign_with(entry: AuditEntry, seed: bytes) -> dict[str, Any]:
    """The body of an entry that its own id is not known of yet: slipped in with this id, its
    signature holds.
    """
    private = Ed25519PrivateKey.from_private_bytes(seed)
    said = {"by": key_id(private.public_key().public_bytes_raw())}
    bare = {name: value for name, value in entry.body.items() if name != "signed"}
    entry.body = bare
    return bare | {
        "signed": {
            **said,
            "signature": b64encode(private.sign(signatures._message([entry]))).decode(),
        }
    }


def say(of: Verification, entry_type: str, body: dict[str, Any]) -> str:
    """One more entry about this verification, signed by the door; its id."""
    sequence = Verification.objects.get(pk=of.pk).sequence + 1
    Verification.objects.filter(pk=of.pk).update(sequence=sequence)
    entry = AuditEntry(
        id=new_id("evt"),
        log=of.mode,
        type=entry_type,
        at=clock.now(),
        verification_id=of.pk,
        verification_sequence=sequence,
        lender_id=of.lender_id,
        body={"v": 1, **body},
    )
    signed = sign_with(entry, settings.TULGA_SIGNING_KEYS["door"][of.mode][1])
    return slip_in(entry, id=entry.pk, verification_sequence=sequence, body=signed)


def look(of: Verification, entry_type: str, body: dict[str, Any], *, lender: str) -> str:
    """An entry of a reading, signed by the door; its id. `at` in the body: its time."""
    at = body.pop("at", None) or clock.now()
    entry = AuditEntry(
        id=new_id("evt"),
        log=of.mode,
        type=entry_type,
        at=at,
        lender_id=lender,
        body={"v": 1, **body},
    )
    entry.body = sign_with(entry, settings.TULGA_SIGNING_KEYS["door"][of.mode][1])
    entry.save(force_insert=True)
    return entry.pk


def keep(
    attempt: Attempt, *items: EvidenceItem, entry_type: str = "evidence.kept", **more: Any
) -> str:
    """An entry of the door's that lists this evidence of an attempt."""
    body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, **more}
    body["evidence"] = [store.leaf_list([item])[0] for item in items]
    return say(attempt.verification, entry_type, body)


def plant(attempt: Attempt, kind: str, content: bytes) -> EvidenceItem:
    """One more row of evidence, soundly sealed."""
    return store.put(
        contents.key_of(attempt.verification), content, kind=kind, attempt_id=attempt.pk
    )


def reseal(item: EvidenceItem, content: bytes) -> EvidenceItem:
    """The same row with other content, soundly sealed."""
    key, place = contents.key_of(item.verification), f"{item.pk}:{item.kind}"
    own, wrapped = key.make_own(table="EvidenceItem", field=f"{place}:key")
    item.wrapped_key = key.box(wrapped, table="EvidenceItem", field=f"{place}:key")
    sealed = own.seal(content, table="EvidenceItem", field=place)
    item.sealed, item.sealed_sha256 = sealed.data, sha256(sealed.data).hexdigest()
    item.commitment, item.offset, item.size = sealed.commitment, 0, len(content)
    item.save()
    return item
