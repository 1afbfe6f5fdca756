"""Our own errands: the person's consent to be looked up, and what the registers of people and phones say of them.

Nothing here judges: what a register or the consent service answered is kept as it came.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from verification.core.errors import ConsentMissing, ConsentPending, SourceUnavailable
from verification.core.person import Case
from verification.core.registry_answers import consent_id_to, parse_consent, parse_ownership, parse_person
from verification.core.route import Evidence, Memory, Prepared
from verification.sources import consent as consents
from verification.sources import person_registry, phone_registry
from verification.sources.asking import check_granted
from verification.stages.person import dialogue
from verification.stages.person.policy import POLICY, SERVICES

NONCE_BYTES = 16


def prepare_person(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """The state's service asks the person for their consent; the nonce makes this attempt's questions its own."""
    # A service answers a known id as it did before, so the questions of each attempt need ids of their own.
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
    nonce, raw = evidence.items[dialogue.NONCE].decode(), evidence.items[dialogue.CONSENT_REQUEST]
    # One whom the consent service does not know was never asked, so there is no last word to read.
    if (terms := parse_consent(raw).terms) is not None:
        request_id = _question(case, "consent-read", nonce)
        raw = consents.in_use(case.mode).read(terms.consent_id, iin=case.person.iin, request_id=request_id)
    status = parse_consent(raw).status
    if status == "error":
        raise SourceUnavailable(consents.SOURCE, "the consent service reports an error")
    # The state's message takes minutes to be answered; the wait counts from when the borrower did their part here.
    answered = datetime.fromisoformat(json.loads(evidence.items[dialogue.ANSWER])["at"])
    if status == "pending" and evidence.at < answered + timedelta(seconds=POLICY.consent_wait_seconds):
        raise ConsentPending("the person has not answered the state's message yet")
    text = json.loads(evidence.items[dialogue.SHOWN])["text_sha256"]
    try:
        # Nobody is looked up without a consent that holds now, to exactly this: then the checks refuse by its absence.
        consent_id = consent_id_to(parse_consent(raw), services=SERVICES, case=case, text_sha256=text, at=evidence.at)
    except ConsentMissing:
        return {dialogue.CONSENT: raw}
    request_id = _question(case, "person", nonce)
    person = person_registry.in_use(case.mode).person(case.person.iin, consent_id=consent_id, request_id=request_id)
    check_granted(person, source=person_registry.SOURCE, read=parse_person)
    request_id = _question(case, "phone", nonce)
    owner = phone_registry.in_use(case.mode).ownership(
        case.person.phone, iin=case.person.iin, consent_id=consent_id, request_id=request_id
    )
    check_granted(owner, source=phone_registry.SOURCE, read=parse_ownership)
    return {dialogue.CONSENT: raw, dialogue.PERSON: person, dialogue.PHONE: owner}


def _question(case: Case, about: str, nonce: str) -> str:
    return f"{case.verification_id}:{about}:{nonce}"
