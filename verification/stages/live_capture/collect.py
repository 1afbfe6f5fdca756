"""Our own errands: an order before we ask, the reference photo under a consent that holds, and perhaps that consent.

Nothing here judges: what a register or the consent service answered is kept as it came.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from verification.core import profiles
from verification.core.errors import ConsentMissing, ConsentPending, SourceUnavailable
from verification.core.person import Case
from verification.core.registry_answers import consent_id_to, parse_consent, parse_photo
from verification.core.route import Evidence, Memory, Prepared
from verification.sources import consent as consents
from verification.sources import photo_registry
from verification.sources.asking import check_granted
from verification.stages.live_capture.dialogue import begin, order_evidence
from verification.stages.live_capture.kept import (
    CONSENT_REQUEST,
    EARLIER_CONSENT,
    ORDER,
    OWN_CONSENT,
    PHOTO,
    SHOWN,
    captured,
    ordered,
)
from verification.stages.live_capture.measure import problem_of
from verification.stages.live_capture.policy import (
    CONSENT_SECONDS,
    CONSENT_WAIT_SECONDS,
    EARLIER_SERVICES,
    OWN_SERVICES,
    REFERENCE,
)


def prepare_live_capture(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """A fresh order that differs from the last one, and the reference photo: nobody does a capture to no purpose."""
    fresh = begin(memory, replaced_max=profiles.get(case.profile).replaced_max)
    order = {ORDER: order_evidence(fresh)}
    asked = replace(evidence, items={**evidence.items, **order})
    photo = _photo(case, asked, evidence.items[EARLIER_CONSENT], services=EARLIER_SERVICES)
    # Why nobody can be compared with it is told before the capture.
    notice = problem_of(case, photo.get(PHOTO), limits=REFERENCE)
    return Prepared(memory=fresh, evidence={**order, **photo}, notice=notice)


def collect_live_capture(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """The reference photo, if it was not fetched before the capture. Without a consent the register is not asked."""
    if PHOTO in evidence.items:
        return {}
    return _photo(case, evidence, evidence.items[EARLIER_CONSENT], services=EARLIER_SERVICES)


def prepare_with_own_consent(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """A fresh order; and the state's service asks the person for their consent. Where it holds already: the photo."""
    fresh = begin(memory, replaced_max=profiles.get(case.profile).replaced_max)
    order = {ORDER: order_evidence(fresh)}
    asked = replace(evidence, items={**evidence.items, **order})
    shown = json.loads(evidence.items[SHOWN])
    raw = consents.in_use(case.mode).request(
        consents.ConsentRequest(
            request_id=_request_id(case, asked, "consent"),
            reference=case.verification_id,
            iin=case.person.iin,
            phone=case.person.phone,
            lender_bin=case.lender.bin,
            lender_name=case.lender.name,
            purpose=case.purpose,
            services=OWN_SERVICES,
            valid_seconds=CONSENT_SECONDS,
            text_version=shown["version"],
            language=shown["language"],
            text_sha256=shown["text_sha256"],
        )
    )
    photo = _photo(case, asked, raw, services=OWN_SERVICES)
    notice = problem_of(case, photo.get(PHOTO), limits=REFERENCE)
    return Prepared(memory=fresh, evidence={**order, CONSENT_REQUEST: raw, **photo}, notice=notice)


def collect_under_own_consent(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """What became of the consent, and with it the reference photo. Without it the register is not asked, nor twice.

    One whom the service does not know was never asked, so there is no consent to read. Raises `ConsentPending` while
    the person may still answer the state's message, `SourceUnavailable` if a source is silent.
    """
    raw = evidence.items[CONSENT_REQUEST]
    if (terms := parse_consent(raw).terms) is not None:
        request_id = _request_id(case, evidence, "consent-read")
        raw = consents.in_use(case.mode).read(terms.consent_id, iin=case.person.iin, request_id=request_id)
    status = parse_consent(raw).status
    if status == "error":
        raise SourceUnavailable(consents.SOURCE, "the consent service reports an error")
    if status == "pending":
        *_, last = captured(evidence).steps or (None,)
        if last is not None and evidence.at < last.arrived + timedelta(seconds=CONSENT_WAIT_SECONDS):
            raise ConsentPending("the person has not answered the state's message yet")
    photo = {} if PHOTO in evidence.items else _photo(case, evidence, raw, services=OWN_SERVICES)
    return {OWN_CONSENT: raw, **photo}


def _photo(case: Case, evidence: Evidence, consent: bytes, *, services: tuple[str, ...]) -> Mapping[str, bytes]:
    """The register's answer; nothing where the consent does not hold now, for all that it was asked for."""
    answer, text = parse_consent(consent), json.loads(evidence.items[SHOWN])["text_sha256"]
    try:
        consent_id = consent_id_to(answer, services=services, case=case, text_sha256=text, at=evidence.at)
    except ConsentMissing:
        return {}
    request_id = _request_id(case, evidence, "photo")
    raw = photo_registry.in_use(case.mode).photo(case.person.iin, consent_id=consent_id, request_id=request_id)
    return {PHOTO: check_granted(raw, source=photo_registry.SOURCE, read=parse_photo)}


def _request_id(case: Case, evidence: Evidence, what: str) -> str:
    """An id of this attempt alone: a source that is asked again with an old one gives its old answer."""
    return f"{case.verification_id}:{ordered(evidence).request_nonce}:{what}"
