"""Our own errands: an order and the person's consent before we ask, the reference photo afterwards."""

import json
from collections.abc import Mapping

from verification.core import consent, live_capture
from verification.core.canonical import canonical_json
from verification.core.consent_answers import ConsentAnswer, consent_id_for, parse_consent
from verification.core.errors import ConsentMissing, SourceUnavailable
from verification.core.person import Case
from verification.core.route import Evidence, Memory, Prepared
from verification.routes.biometric.dialogue import CONSENT, CONSENT_REQUEST, ORDER, PHOTO
from verification.routes.biometric.policy import POLICY
from verification.sources import consent as consents
from verification.sources import photo_registry

SERVICE = "photo"


def prepare_commands(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """A fresh order that differs from the last one; and the state's service asks the person for their consent."""
    fresh = live_capture.begin(memory)
    raw = consents.in_use(case.mode).request(
        consents.ConsentRequest(
            request_id=f"{case.verification_id}:consent",
            iin=case.person.iin,
            phone=case.person.phone,
            lender_bin=case.lender.bin,
            lender_name=case.lender.name,
            purpose=case.purpose,
            services=(SERVICE,),
            valid_seconds=POLICY.consent_seconds,
            **_text_shown(evidence),
        )
    )
    order = canonical_json({"order": fresh["order"]})
    return Prepared(memory=fresh, evidence={ORDER: order, CONSENT_REQUEST: raw})


def collect_commands(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """What became of the consent, and with it the reference photo. Without it the register is not asked.

    Raises `SourceUnavailable` while the person has not answered the state's message, or a source is silent.
    """
    asked = parse_consent(evidence.get(CONSENT_REQUEST) or b"")
    raw = _current(case, asked)
    answer = parse_consent(raw)
    if answer.status == "pending":
        raise SourceUnavailable(consents.SOURCE, "the person has not answered yet")
    try:
        consent_id = consent_id_for(answer, service=SERVICE, iin=case.person.iin, at=evidence.at)
    except ConsentMissing:
        return {CONSENT: raw}
    request_id = f"{case.verification_id}:photo"
    photo = photo_registry.in_use(case.mode).photo(case.person.iin, consent_id=consent_id, request_id=request_id)
    return {CONSENT: raw, PHOTO: photo}


def _current(case: Case, asked: ConsentAnswer) -> bytes:
    if asked.terms is None:
        raise SourceUnavailable(consents.SOURCE, f"the request is {asked.status}")
    request_id = f"{case.verification_id}:consent-read"
    return consents.in_use(case.mode).read(asked.terms.consent_id, iin=case.person.iin, request_id=request_id)


def _text_shown(evidence: Evidence) -> dict[str, str]:
    """Which wording the borrower agreed to on our own page."""
    given = json.loads(evidence.get("consent.answer") or b"{}")
    version, language = given.get("version", consent.CURRENT), given.get("language", "ru")
    return {"text_version": version, "language": language, "text_sha256": consent.text_sha256(version, language)}
