"""Our own errands: consent and registers for the person, a code for the phone, an order and a photo for the face.

Nothing here judges: what a register, a gateway or the consent service answered is kept as it came.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count

from verification.core import live_capture
from verification.core.canonical import canonical_json
from verification.core.capture_evidence import request_nonce
from verification.core.consent_answers import consent_id_to, parse_consent
from verification.core.errors import ConsentMissing, ConsentPending, SourceUnavailable
from verification.core.person import Case
from verification.core.registry_answers import parse_ownership, parse_person, parse_photo
from verification.core.route import ANSWERED, SEED, Evidence, Memory, Prepared
from verification.core.sms import code_text, parse_sms
from verification.engines.liveness import gates
from verification.routes.live_face import dialogue
from verification.routes.live_face.policy import POLICY
from verification.sources import consent as consents
from verification.sources import person_registry, phone_registry, photo_registry, sms
from verification.sources.asking import check_granted

SERVICES = ("person", "phone", "photo")
NONCE_BYTES = 16
_DRAWN_DIGITS = 16  # hexadecimal, of a draw: far more than there are codes


def prepare_person(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """The state's service asks the person for their consent; the nonce makes this attempt's questions its own."""
    nonce = secrets.token_hex(NONCE_BYTES)
    shown = json.loads(evidence.items[dialogue.SHOWN])
    raw = consents.in_use(case.mode).request(
        consents.ConsentRequest(
            request_id=_question(case, "consent", nonce),
            reference=case.verification_id,
            iin=case.person.iin,
            phone=case.person.phone,
            lender_bin=case.lender.bin,
            lender_name=case.lender.name,
            purpose=case.purpose,
            services=SERVICES,
            text_version=shown["version"],
            language=shown["language"],
            text_sha256=shown["text_sha256"],
            valid_seconds=POLICY.consent_seconds,
        )
    )
    return Prepared(memory={}, evidence={dialogue.NONCE: nonce.encode(), dialogue.CONSENT_REQUEST: raw})


def collect_person(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """What became of the consent, and with it what the registers of people and phones say.

    Raises `ConsentPending` while the person may still answer the state's message, and `SourceUnavailable`.
    """
    nonce = evidence.items[dialogue.NONCE].decode()
    raw = _consent(case, evidence, nonce)
    consent_id = _consent_id(case, evidence, raw)
    if not consent_id:
        return {dialogue.CONSENT: raw}
    request_id = _question(case, "person", nonce)
    person = person_registry.in_use(case.mode).person(case.person.iin, consent_id=consent_id, request_id=request_id)
    check_granted(person, source=person_registry.SOURCE, read=parse_person)
    owner = _owner(case, consent_id, request_id=_question(case, "phone", nonce))
    return {dialogue.CONSENT: raw, dialogue.PERSON: person, dialogue.PHONE: owner}


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
    """Whose the number is now: the person may have been asked hours ago, and a number changes hands (law.md O-31)."""
    consent_id = _consent_id(case, evidence, evidence.items[dialogue.CONSENT])
    if not consent_id:
        return {}
    last = json.loads(evidence.items[dialogue.latest(evidence, dialogue.ISSUED)])
    request_id = _question(case, "owner", last["nonce"])
    return {dialogue.OWNER: _owner(case, consent_id, request_id=request_id)}


def prepare_commands(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """A fresh order that differs from the last one, and the reference photo: nobody does a capture to no purpose."""
    fresh = live_capture.begin(memory)
    order = {dialogue.ORDER: live_capture.order_evidence(fresh)}
    photo = _photo(case, replace(evidence, items={**evidence.items, **order}))
    notice = gates.unusable(case, photo[dialogue.PHOTO], limits=POLICY.reference) if photo else ""
    return Prepared(memory=fresh, evidence={**order, **photo}, notice=notice)


def collect_commands(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """The reference photo, if it was not fetched before the capture. Without a consent the register is not asked."""
    return {} if dialogue.PHOTO in evidence.items else _photo(case, evidence)


def _photo(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """The register's answer, under the consent that was given before; nothing where that does not hold now."""
    consent_id = _consent_id(case, evidence, evidence.items[dialogue.CONSENT])
    if not consent_id:
        return {}
    request_id = _question(case, "photo", request_nonce(evidence, stage=dialogue.COMMANDS_STAGE))
    photo = photo_registry.in_use(case.mode).photo(case.person.iin, consent_id=consent_id, request_id=request_id)
    return {dialogue.PHOTO: check_granted(photo, source=photo_registry.SOURCE, read=parse_photo)}


def _drawn(seed: str, number: int) -> str:
    """The code of this seed, all equally likely: a draw that would favour some of them is drawn again."""
    codes, draws = 10**POLICY.code_digits, 16**_DRAWN_DIGITS
    drawn = (int(dialogue.keyed(seed, f"code|{number}|{draw}")[:_DRAWN_DIGITS], 16) for draw in count())
    return f"{next(one for one in drawn if one < draws - draws % codes) % codes:0{POLICY.code_digits}}"


def _consent(case: Case, evidence: Evidence, nonce: str) -> bytes:
    """The consent service's last word, raw. One whom it does not know was never asked, so there is none to read."""
    raw = evidence.items[dialogue.CONSENT_REQUEST]
    asked = parse_consent(raw)
    if asked.terms is not None:
        request_id = _question(case, "consent-read", nonce)
        raw = consents.in_use(case.mode).read(asked.terms.consent_id, iin=case.person.iin, request_id=request_id)
    status = parse_consent(raw).status
    if status == "error":
        raise SourceUnavailable(consents.SOURCE, "the consent service reports an error")
    if status == "pending" and evidence.at < _answered(evidence) + timedelta(seconds=POLICY.consent_wait_seconds):
        raise ConsentPending("the person has not answered the state's message yet")
    return raw


def _consent_id(case: Case, evidence: Evidence, raw: bytes) -> str:
    """The id to look the person up with; empty where the consent does not hold now for all that we ask."""
    text = json.loads(evidence.items[dialogue.SHOWN])["text_sha256"]
    try:
        return consent_id_to(parse_consent(raw), services=SERVICES, case=case, text_sha256=text, at=evidence.at)
    except ConsentMissing:
        return ""


def _owner(case: Case, consent_id: str, *, request_id: str) -> bytes:
    registry = phone_registry.in_use(case.mode)
    raw = registry.ownership(case.person.phone, iin=case.person.iin, consent_id=consent_id, request_id=request_id)
    return check_granted(raw, source=phone_registry.SOURCE, read=parse_ownership)


def _answered(evidence: Evidence) -> datetime:
    return datetime.fromisoformat(json.loads(evidence.items[dialogue.ANSWER])["at"])


def _question(case: Case, about: str, nonce: str) -> str:
    return f"{case.verification_id}:{about}:{nonce}"
