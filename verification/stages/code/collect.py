"""Our own errands: a code for the person's phone, and whose the phone is when the code came back. Judges nothing."""

import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from itertools import count

from verification.core.errors import ConsentMissing
from verification.core.person import Case
from verification.core.registry_answers import consent_id_to, parse_consent, parse_ownership
from verification.core.route import ANSWERED, SEED, Evidence, Memory, Prepared
from verification.core.sms import code_text, parse_sms
from verification.core.stored import canonical_json
from verification.sources import phone_registry, sms
from verification.sources.asking import check_granted
from verification.stages.code import dialogue
from verification.stages.code.policy import POLICY, SERVICES

NONCE_BYTES = 16
_DRAWN_DIGITS = 16  # hexadecimal, of a draw: far more than there are codes


def prepare_code(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """A fresh code, sent. Guesses count on from whatever code went before today; the code itself is kept nowhere.

    A gateway may have sent a message and answered badly, so whoever tries again sends the same under the same id.
    """
    number = sum(kind.startswith(f"{dialogue.ISSUED}.") for kind in evidence.items)
    code = _drawn(memory[SEED], number)
    text = code_text(
        code,
        lender=case.lender.name,
        amount=case.loan.amount,
        currency=case.loan.currency,
        language=case.locale,
    )
    key, bound = secrets.token_hex(POLICY.code_key_bytes), dialogue.bound_to(case)
    issued = {
        "key": key,
        "digest": dialogue.keyed(key, f"{bound}|{code}"),
        "bound_to": dialogue.keyed(key, bound),
        "issued_at": evidence.at.isoformat(),
        "expires": (evidence.at + timedelta(seconds=POLICY.code_seconds)).isoformat(),
        "text_sha256": sha256(text.encode()).hexdigest(),
        "nonce": secrets.token_hex(NONCE_BYTES),
    }
    request_id = f"sms.{dialogue.keyed(memory[SEED], f'id|{number}')[: 2 * NONCE_BYTES]}"
    answer = sms.in_use(case.mode).send(case.person.phone, text, request_id=request_id)
    fresh = {
        **{name: issued[name] for name in ("key", "digest", "issued_at")},
        "bound_to": bound,
        "phone_masked": dialogue.mask_phone(case.person.phone.value),
        "guesses": memory.get(ANSWERED, memory.get("guesses", 0)),
        "resends": number,
    }
    kept = {
        dialogue.numbered(dialogue.ISSUED, number): canonical_json(issued),
        dialogue.numbered(dialogue.SENT, number): answer,
    }
    notice = "" if parse_sms(answer).status == "accepted" else "sms_refused"
    return Prepared(memory=fresh, evidence=kept, notice=notice)


def collect_code(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """Whose the number is now: the person may have been asked hours ago, and a number changes hands (law.md O-31).

    Nothing without a consent of the person, as where no stage obtained one: then nobody may be looked up.
    """
    if dialogue.CONSENT not in evidence.items:
        return {}
    consent, text = parse_consent(evidence.items[dialogue.CONSENT]), json.loads(evidence.items[dialogue.SHOWN])
    try:
        consent_id = consent_id_to(
            consent, services=SERVICES, case=case, text_sha256=text["text_sha256"], at=evidence.at
        )
    except ConsentMissing:
        return {}
    last = json.loads(evidence.items[dialogue.latest(evidence, dialogue.ISSUED)])
    raw = phone_registry.in_use(case.mode).ownership(
        case.person.phone,
        iin=case.person.iin,
        consent_id=consent_id,
        request_id=f"{case.verification_id}:owner:{last['nonce']}",
    )
    return {dialogue.OWNER: check_granted(raw, source=phone_registry.SOURCE, read=parse_ownership)}


def _drawn(seed: str, number: int) -> str:
    """The code of this seed, all equally likely: a draw that would favour some of them is drawn again."""
    codes, draws = 10**POLICY.code_digits, 16**_DRAWN_DIGITS
    drawn = (int(dialogue.keyed(seed, f"code|{number}|{draw}")[:_DRAWN_DIGITS], 16) for draw in count())
    return f"{next(one for one in drawn if one < draws - draws % codes) % codes:0{POLICY.code_digits}}"
