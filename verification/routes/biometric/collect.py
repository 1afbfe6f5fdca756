"""Our own errands: an order and the person's consent before we ask, the reference photo once the consent holds."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from verification.core import live_capture
from verification.core.capture_evidence import last_arrival, request_nonce
from verification.core.consent_answers import consent_id_to, parse_consent
from verification.core.errors import ConsentMissing, ConsentPending, SourceUnavailable
from verification.core.person import Case
from verification.core.registry_answers import parse_photo
from verification.core.route import Evidence, Memory, Prepared
from verification.engines.liveness import gates
from verification.routes.biometric.dialogue import CONSENT, CONSENT_REQUEST, ORDER, PHOTO, SERVICE, SHOWN, STAGE
from verification.routes.biometric.policy import POLICY
from verification.sources import consent as consents
from verification.sources import photo_registry
from verification.sources.asking import check_granted


def prepare_commands(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """A fresh order that differs from the last one; and the state's service asks the person for their consent.

    Where it holds already the photo is fetched too, so that nobody does a capture that can be compared with nothing.
    """
    fresh = live_capture.begin(memory)
    order = live_capture.order_evidence(fresh)
    ordered = replace(evidence, items={**evidence.items, ORDER: order})
    raw = _asked(case, ordered)
    photo = _photo(case, ordered, raw)
    notice = gates.unusable(case, photo[PHOTO], limits=POLICY.reference) if photo else ""
    return Prepared(memory=fresh, evidence={ORDER: order, CONSENT_REQUEST: raw, **photo}, notice=notice)


def collect_commands(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """What became of the consent, and with it the reference photo. Without it the register is not asked, nor twice.

    Raises `ConsentPending` while the person may still answer the state's message, `SourceUnavailable` if a source is
    silent.
    """
    raw = _current(case, evidence)
    photo = {} if PHOTO in evidence.items else _photo(case, evidence, raw)
    return {CONSENT: raw, **photo}


def _asked(case: Case, evidence: Evidence) -> bytes:
    shown = json.loads(evidence.items[SHOWN])
    return consents.in_use(case.mode).request(
        consents.ConsentRequest(
            request_id=_request_id(case, evidence, "consent"),
            reference=case.verification_id,
            iin=case.person.iin,
            phone=case.person.phone,
            lender_bin=case.lender.bin,
            lender_name=case.lender.name,
            purpose=case.purpose,
            services=(SERVICE,),
            valid_seconds=POLICY.consent_seconds,
            text_version=shown["version"],
            language=shown["language"],
            text_sha256=shown["text_sha256"],
        )
    )


def _current(case: Case, evidence: Evidence) -> bytes:
    """The consent service's last word, raw. One whom it does not know was never asked, so there is none to read."""
    raw = evidence.items[CONSENT_REQUEST]
    asked = parse_consent(raw)
    if asked.terms is not None:
        request_id = _request_id(case, evidence, "consent-read")
        raw = consents.in_use(case.mode).read(asked.terms.consent_id, iin=case.person.iin, request_id=request_id)
    status = parse_consent(raw).status
    if status == "error":
        raise SourceUnavailable(consents.SOURCE, "the consent service reports an error")
    if status == "pending" and evidence.at < _waited_for(evidence):
        raise ConsentPending("the person has not answered the state's message yet")
    return raw


def _photo(case: Case, evidence: Evidence, consent: bytes) -> Mapping[str, bytes]:
    """The register's answer; nothing where the consent does not hold now, for this."""
    answer, text = parse_consent(consent), json.loads(evidence.items[SHOWN])["text_sha256"]
    try:
        consent_id = consent_id_to(answer, services=(SERVICE,), case=case, text_sha256=text, at=evidence.at)
    except ConsentMissing:
        return {}
    request_id = _request_id(case, evidence, "photo")
    raw = photo_registry.in_use(case.mode).photo(case.person.iin, consent_id=consent_id, request_id=request_id)
    return {PHOTO: check_granted(raw, source=photo_registry.SOURCE, read=parse_photo)}


def _waited_for(evidence: Evidence) -> datetime:
    return last_arrival(evidence, stage=STAGE) + timedelta(seconds=POLICY.consent_wait_seconds)


def _request_id(case: Case, evidence: Evidence, what: str) -> str:
    """An id of this attempt alone: a source that is asked again with an old one gives its old answer."""
    return f"{case.verification_id}:{request_nonce(evidence, stage=STAGE)}:{what}"
