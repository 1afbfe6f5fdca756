"""The person's consent through the state's service, and the register's data on them. Judges
nothing.

One answer serves each later attempt and route of a verification.
The consent is requested by IIN: the state knows the person's phone.
An adapter that must name a phone gets the lender's, and the evidence says so.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from verification.core.answers import (
    ConsentAnswer,
    has_run_out,
    held_consent_id,
    parse_consent,
)
from verification.core.errors import ConsentMissing, ConsentPending, SourceUnavailable
from verification.core.person import Case
from verification.core.route import SEED, Evidence, Memory
from verification.core.stored import canonical_json
from verification.sources import consent as consents
from verification.sources.asking import Fetched
from verification.sources.person_registry import REGISTRY, PersonQuestion
from verification.stages.register.dialogue import (
    ASKED,
    CONSENT,
    CONSENT_REQUEST,
    PERSON,
    SHOWN,
    is_read,
)
from verification.stages.register.policy import POLICY, SERVICES

_NONCE_CHARACTERS = 32  # 128 bits of a hash


def prepare_register(
    case: Case, evidence: Evidence, memory: Memory
) -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    """Requests the person's consent through the state's service, unless an earlier request still
    covers all look-ups.

    A service repeats its answer to a known id: a retried preparation uses the same id, a later one
    a new id.
    The second item is the present state of an earlier consent, so that a withdrawn consent does not
    count.

    Raises: `SourceUnavailable`, also if the service reports an error.
    """
    consent_text = json.loads(evidence.items[SHOWN])
    if (requested := _requested(evidence)) is not None and _is_for(
        requested, evidence, consent_text
    ):
        if not is_read(evidence):
            return {}, {}
        read = _read(case, requested)
        answer = read.parsed
        # A refusal is final, and judged with the stage; a valid consent is used again. Any other is
        # requested again.
        if answer.status in ("valid", "invalid") and not has_run_out(answer, at=evidence.at):
            return {}, consents.SERVICE.as_evidence(CONSENT, read)
    nonce = sha256(f"register|{memory[SEED]}".encode()).hexdigest()[:_NONCE_CHARACTERS]
    names_phone = consents.in_use(case.mode).names_phone
    requested_now = consents.fetch(
        case.mode,
        consents.ConsentRequest(
            request_id=_question(case, "consent", nonce),
            reference=case.verification_id,
            iin=case.person.iin,
            phone=case.person.phone if names_phone else None,
            lender_bin=case.lender.bin,
            lender_name=case.lender.name,
            purpose=case.purpose,
            services=evidence.services,
            text_version=consent_text["version"],
            language=consent_text["language"],
            text_sha256=consent_text["text_sha256"],
            valid_seconds=POLICY.consent_seconds,
        ),
    )
    _require_working(requested_now)
    asked = {
        "services": list(evidence.services),
        "phone": "as_stated" if names_phone else "none",
    }
    answered = consents.SERVICE.as_evidence(CONSENT_REQUEST, requested_now)
    return {ASKED: canonical_json(asked), **answered}, {}


def collect_consent(
    case: Case, evidence: Evidence, answered_at: datetime | None
) -> Mapping[str, bytes]:
    """The answer to the consent request.

    Raises: `ConsentPending` while the person may still answer the state's message, and
    `SourceUnavailable`.
    """
    raw = evidence.items[CONSENT_REQUEST]
    requested = parse_consent(raw)
    kept = {CONSENT: raw}
    # The consent service does not know the person, so it asked nothing and has no answer.
    if requested.terms is not None:
        kept = consents.SERVICE.as_evidence(CONSENT, _read(case, requested))
    status = parse_consent(kept[CONSENT]).status
    # The state's message takes minutes to be answered; the wait counts from the end of the
    # borrower's part here.
    wait = timedelta(seconds=POLICY.consent_wait_seconds)
    if status == "pending" and answered_at is not None and evidence.at < answered_at + wait:
        raise ConsentPending("the person has not answered the state's message yet")
    return kept


def collect_register(
    case: Case, evidence: Evidence, answered_at: datetime | None
) -> Mapping[str, bytes]:
    """The same, and the register's data on the person. Without a valid consent it is not asked."""
    collected = collect_consent(case, evidence, answered_at)
    if PERSON in evidence.items:
        return collected
    consent, shown = collected[CONSENT], evidence.items[SHOWN]
    consent_id = held_consent_id(consent, shown, services=SERVICES, case=case, at=evidence.at)
    if consent_id is None:
        return collected
    nonce = _nonce(parse_consent(evidence.items[CONSENT_REQUEST]))
    request_id = _question(case, "person", nonce)
    question = PersonQuestion(request_id=request_id, iin=case.person.iin, consent_id=consent_id)
    return {**collected, **REGISTRY.as_evidence(PERSON, REGISTRY.fetch(case.mode, question))}


def _requested(evidence: Evidence) -> ConsentAnswer | None:
    raw = evidence.items.get(CONSENT_REQUEST)
    return None if raw is None else parse_consent(raw)


def _is_for(
    requested: ConsentAnswer, evidence: Evidence, consent_text: Mapping[str, object]
) -> bool:
    """Whether a request covers all present look-ups, and the text that was shown."""
    if (terms := requested.terms) is None:
        return False
    return (
        set(evidence.services) <= set(terms.services)
        and terms.text_sha256 == consent_text["text_sha256"]
    )


def _read(case: Case, requested: ConsentAnswer) -> Fetched[ConsentAnswer]:
    """The present state of a requested consent."""
    if requested.terms is None:
        raise ConsentMissing("no consent was asked for")
    request_id = _question(case, "consent-read", _nonce(requested))
    reading = consents.ConsentReading(
        request_id=request_id, iin=case.person.iin, consent_id=requested.terms.consent_id
    )
    return _require_working(consents.fetch(case.mode, reading))


def _require_working(answer: Fetched[ConsentAnswer]) -> Fetched[ConsentAnswer]:
    """The same answer.

    Raises: `SourceUnavailable` if it reports an error of the service.
    """
    if answer.parsed.status == "error":
        raise SourceUnavailable(consents.SOURCE, "the consent service reports an error")
    return answer


def _nonce(requested: ConsentAnswer) -> str:
    return requested.request_id.rpartition(":")[2]


def _question(case: Case, about: str, nonce: str) -> str:
    return f"{case.verification_id}:{about}:{nonce}"
