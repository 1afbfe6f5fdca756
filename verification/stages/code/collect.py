"""Our own errands: a code for the person's phone, and whose the phone is when the code came back.
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
    """A fresh code, sent. Guesses count on from whatever code went before today; the code itself is
    kept nowhere.

    A gateway may have sent a message and answered badly, so whoever tries again sends the same
    under the same id. What is kept gives no code to who has no key of a worker: a digest of so few
    digits under any other is found by trying.
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
    """What the last code was, as a guess is kept, and which text brought it; and whose the number
    is now.

    The first makes the judgement readable without a worker's key, when the code opens nothing any
    more. The person may have been asked hours ago, and a number changes hands (law.md O-31);
    without a consent of the person, as where no stage obtained one, nobody may be looked up.
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
