"""This stage's errands: an order of commands, and the reference photo under a valid consent.
Judges nothing.
"""

from collections.abc import Mapping
from dataclasses import replace

from verification.core import profiles
from verification.core.answers import held_consent_id
from verification.core.person import Case
from verification.core.route import Evidence, Memory, Prepared
from verification.sources.photo_registry import REGISTRY, PhotoQuestion
from verification.stages.live_capture.dialogue import (
    CONSENT,
    CONSENT_REQUEST,
    ORDER,
    PHOTO,
    SHOWN,
    begin,
    order_evidence,
    ordered,
)
from verification.stages.live_capture.measure import problem_of
from verification.stages.live_capture.policy import REFERENCE, SERVICES


def prepare_live_capture(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
    """A fresh order that differs from the last one; and the reference photo, if its consent is
    already valid.
    """
    fresh = begin(memory, replaced_max=profiles.get(case.profile).replaced_max)
    order = {ORDER: order_evidence(fresh)}
    photo = _photo(case, replace(evidence, items={**evidence.items, **order}))
    # An unusable reference is reported before a useless capture.
    notice = problem_of(case, photo.get(PHOTO), limits=REFERENCE)
    return Prepared(memory=fresh, evidence={**order, **photo}, notice=notice)


def collect_live_capture(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """The reference photo, unless fetched before the capture. Without a consent the register is
    not asked.
    """
    return {} if PHOTO in evidence.items else _photo(case, evidence)


def _photo(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """The register's answer; empty without a currently valid consent."""
    shown = evidence.items[SHOWN]
    # The last answer, or the service's first answer: a new request has no later one yet.
    for raw in (evidence.items.get(CONSENT), evidence.items.get(CONSENT_REQUEST)):
        if raw is None:
            continue
        consent_id = held_consent_id(raw, shown, services=SERVICES, case=case, at=evidence.at)
        if consent_id is None:
            continue
        request_id = _request_id(case, evidence, "photo")
        question = PhotoQuestion(request_id=request_id, iin=case.person.iin, consent_id=consent_id)
        return REGISTRY.as_evidence(PHOTO, REGISTRY.fetch(case.mode, question))
    return {}


def _request_id(case: Case, evidence: Evidence, source: str) -> str:
    """An id of this attempt alone: a source repeats its old answer to an old id."""
    return f"{case.verification_id}:{ordered(evidence).request_nonce}:{source}"
