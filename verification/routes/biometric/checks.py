"""Was a living person in front of the camera, doing what was asked, and is it the borrower? All of it, or no.

1 consent · 2 frames bound to the commands · 3 in time · 4 fresh · 5 one face · 6 good enough · 7 the commands ·
8 depth · 9 the same face throughout · 10 no detector: only small loans ·
11 the reference. A match without all the gates before it never passes.
"""

from collections.abc import Mapping

from verification.core.capture_evidence import Captured, read, stored, stored_object
from verification.core.consent_answers import consent_id_to, parse_consent, why_missing
from verification.core.errors import ConsentMissing, Refused
from verification.core.person import Case
from verification.core.registry_answers import parse_photo
from verification.core.results import Result
from verification.core.route import Evidence
from verification.engines.liveness import gates
from verification.engines.liveness.gates import Found
from verification.routes.biometric.dialogue import CONSENT, PHOTO, SERVICE, SHOWN, STAGE
from verification.routes.biometric.policy import BiometricPolicy


def check_consent(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """1: the person consented, by the state's own service, to their photo being looked up."""
    return gates.result("face.consent", lambda: _consent(case, evidence))


def check_binding(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """2: every step of the order was answered, by enough frames, each bound to its step."""
    return gates.result("face.binding", lambda: gates.binding(_captured(evidence), limits=policy.gates))


def check_timing(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """3: each step's frames came after a person could have seen the command, and before the window closed."""
    return gates.result("face.timing", lambda: gates.timing(_captured(evidence), limits=policy.gates))


def check_fresh(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """4: no frame was presented before, none is frozen or repeated, and all have the noise of a sensor."""
    return gates.result("face.fresh", lambda: gates.fresh(_captured(evidence), limits=policy.gates))


def check_one_face(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """5: one face in nearly all frames, and never two."""
    return gates.result("face.one_face", lambda: gates.one_face(_captured(evidence), limits=policy.gates))


def check_quality(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """6: each step has a frame that is light, sharp and near enough to be compared."""
    return gates.result("face.quality", lambda: gates.quality(_captured(evidence)))


def check_commands(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """7: each step shows its command and nothing that contradicts it."""
    return gates.result("face.commands", lambda: gates.commands(_captured(evidence)))


def check_depth(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """8: the turning face is no plane. No evidence of depth is no depth."""
    return gates.result("face.depth", lambda: gates.depth(_captured(evidence), limits=policy.gates))


def check_continuity(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """9: one and the same face from the first frame to the last."""
    same_face = policy.same_face
    return gates.result(
        "face.continuity", lambda: gates.continuity(_captured(evidence), limits=policy.gates, same_face=same_face)
    )


def check_passive(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """10: no detector of presentation attacks is installed, so above a sum two people look as well."""
    return gates.result("face.passive", lambda: gates.unaided(case.loan, most=policy.unaided_max))


def check_match(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Result:
    """11: the face at rest against the reference, in three zones; the middle one is for two people."""
    return gates.result("face.match", lambda: _match(case, evidence, policy))


def ready() -> Mapping[str, object]:
    """What measures faces in this process. Raises `Misconfigured` if a model is missing, or fails its self-test."""
    return gates.ready()


COMMANDS = {
    "face.consent": check_consent,
    "face.binding": check_binding,
    "face.timing": check_timing,
    "face.fresh": check_fresh,
    "face.one_face": check_one_face,
    "face.quality": check_quality,
    "face.commands": check_commands,
    "face.depth": check_depth,
    "face.continuity": check_continuity,
    "face.passive": check_passive,
    "face.match": check_match,
}


def _consent(case: Case, evidence: Evidence) -> Found:
    answer, text = parse_consent(stored(evidence, CONSENT)), stored_object(evidence, SHOWN).get("text_sha256")
    try:
        consent_id_to(answer, services=(SERVICE,), case=case, text_sha256=text, at=evidence.at)
    except ConsentMissing as missing:
        code = why_missing(answer, case=case, text_sha256=text, at=evidence.at)
        raise Refused(code, missing.detail) from missing
    return Found()


def _match(case: Case, evidence: Evidence, policy: BiometricPolicy) -> Found:
    answer = parse_photo(stored(evidence, PHOTO))
    if answer.status != "found" or answer.iin != case.person.iin:
        raise Refused("face_reference_unavailable", answer.status)
    return gates.match(_captured(evidence), reference=answer.jpeg, limits=policy.reference, zones=policy.zones)


def _captured(evidence: Evidence) -> Captured:
    return read(evidence, stage=STAGE)
