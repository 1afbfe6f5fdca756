"""This stage's errands: a code for the person's phone, and the phone's owner at the answer.
Judges nothing.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from verification.core.answers import held_consent_id
from verification.core.person import Case
from verification.core.route import ANSWERED, SEED, Evidence, Memory, Prepared
from verification.core.spelling import code_sms
from verification.core.stored import canonical_json
from verification.sources import phone_registry, sms
from verification.stages.code import dialogue
from verification.stages.code.policy import POLICY, SERVICES

NONCE_BYTES = 16


def prepare_code(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """A fresh code, sent. Guesses continue today's count; the code itself is not stored.

    A gateway may send a message and answer badly, so a retry sends the same code under the same id.
    The stored digest needs a worker's key: a plain digest of so few digits could be searched.
    """
    number = sum(kind.startswith(f"{dialogue.ISSUED}.") for kind in evidence.items)
    secret = evidence.secrets[0]
    nonce = dialogue.keyed(secret, f"nonce|{memory[SEED]}|{number}")[: 2 * NONCE_BYTES]
    code, key, bound = (
        dialogue.drawn(secret, nonce),
        secrets.token_hex(POLICY.code_key_bytes),
        dialogue.bound_to(case),
    )
    issued = {
        "key": key,
        "digest": dialogue.keyed(secret, f"{bound}|{code}"),
        "bound_to": dialogue.keyed(key, bound),
        "issued_at": evidence.at.isoformat(),
        "expires": (evidence.at + timedelta(seconds=POLICY.code_seconds)).isoformat(),
        "nonce": nonce,
    }
    request_id = f"sms.{dialogue.keyed(secret, f'id|{nonce}')[: 2 * NONCE_BYTES]}"
    message = sms.Message(request_id=request_id, phone=case.person.phone, text=_text(case, code))
    answer = sms.GATEWAY.fetch(case.mode, message)
    fresh = {
        **{name: issued[name] for name in ("key", "issued_at")},
        "bound_to": bound,
        "phone_masked": dialogue.mask_phone(case.person.phone.value),
        "guesses": memory.get(ANSWERED, memory.get("guesses", 0)),
        "resends": number,
    }
    sent = {
        dialogue.numbered(dialogue.ISSUED, number): canonical_json(issued),
        **sms.GATEWAY.as_evidence(dialogue.numbered(dialogue.SENT, number), answer),
    }
    notice = "" if answer.parsed.status == "accepted" else "sms_refused"
    return Prepared(memory=fresh, evidence=sent, notice=notice)


def collect_code(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """The last code in the form of a stored guess, the text that carried it, and the number's
    present owner.

    The first makes the judgement readable without a worker's key, once the code is useless.
    The person's consent may be hours old, and a number changes owners (law: O-31).
    Without a consent, as when no stage obtained one, the register is not asked.
    """
    last = json.loads(evidence.items[dialogue.latest(evidence, dialogue.ISSUED)])
    bound = dialogue.bound_to(case)
    code = dialogue.sent(last, bound=bound, secrets=evidence.secrets)
    expected = {
        "digest": dialogue.keyed(last["key"], f"{bound}|{code}"),
        "text_sha256": sha256(_text(case, code).encode()).hexdigest(),
    }
    collected = {dialogue.EXPECTED: canonical_json(expected)}
    if dialogue.CONSENT not in evidence.items:
        return collected
    consent, shown = evidence.items[dialogue.CONSENT], evidence.items[dialogue.SHOWN]
    consent_id = held_consent_id(consent, shown, services=SERVICES, case=case, at=evidence.at)
    if consent_id is None:
        return collected
    question = phone_registry.OwnershipQuestion(
        request_id=f"{case.verification_id}:owner:{last['nonce']}",
        iin=case.person.iin,
        phone=case.person.phone,
        consent_id=consent_id,
    )
    owner = phone_registry.REGISTRY.fetch(case.mode, question)
    return {**collected, **phone_registry.REGISTRY.as_evidence(dialogue.OWNER, owner)}


def _text(case: Case, code: str) -> str:
    return code_sms(
        code,
        lender=case.lender.name,
        amount=case.loan.amount,
        currency=case.loan.currency,
        language=case.locale,
        host=sms.host(),
    )
