"""Is this the person of the case, do they hold their own phone, and is a living face there that is theirs?

person: 1 consent · 2 the borrower's own answer · 3 the register knows them · 4 alive · 5 names · 6 document · 7 phone
code: 1 sent · 2 guessed, in time and among the first five · 3 the phone is still theirs
commands: 1 frames bound to the commands · 2 in time · 3 fresh · 4 one face · 5 good enough · 6 the commands · 7 depth ·
8 the same face throughout · 9 no detector: only small loans · 10 the reference. A match without all before it fails.
Every check stands alone: it starts from the stored bytes and trusts nothing another check found.
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from verification.core import reasons
from verification.core import registry_answers as registers
from verification.core.capture_evidence import Captured, read, stored, stored_object
from verification.core.consent_answers import SERVICES, consent_id_to, parse_consent, why_missing
from verification.core.errors import BadInput, ConsentMissing, Refused
from verification.core.names import is_same_name, is_same_patronymic
from verification.core.person import Case
from verification.core.results import Detail, Failed, Passed, Result
from verification.core.route import Evidence
from verification.core.sms import parse_sms
from verification.engines.liveness import gates
from verification.engines.liveness.gates import Found
from verification.routes.live_face import dialogue
from verification.routes.live_face.policy import LiveFacePolicy


def check_person_consent(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Person, 1: by the state's own service they consented to all that we ask, for this purpose and on this text."""

    def measure() -> Detail:
        answer, shown = parse_consent(stored(evidence, dialogue.CONSENT)), stored_object(evidence, dialogue.SHOWN)
        text = shown.get("text_sha256")
        try:
            consent_id_to(answer, services=SERVICES, case=case, text_sha256=text, at=evidence.at)
        except ConsentMissing as missing:
            code = why_missing(answer, case=case, text_sha256=text, at=evidence.at)
            raise Refused(code, missing.detail) from missing
        return {}

    return _judged("person.consent", measure)


def check_person_answer(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Person, 2: who sits there can copy number and birth date from the very document that the lender was given."""

    def measure() -> Detail:
        said = stored_object(evidence, dialogue.ANSWER)
        if said["document_number"] != dialogue.plain_number(case.person.document.number):
            raise Refused("registry_mismatch", "the borrower typed another document number")
        if said["birth_date"] != case.person.birth_date.isoformat():
            raise Refused("registry_mismatch", "the borrower typed another birth date")
        return {}

    return _judged("person.answer", measure)


def check_person_registry(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Person, 3: the register knows this number, and its birth date is the one we were told."""

    def measure() -> Detail:
        if _registered(case, evidence).birth_date != case.person.birth_date:
            raise Refused("registry_mismatch", "another birth date is registered")
        return {}

    return _judged("person.registry", measure)


def check_person_alive(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Person, 4: the register says that they live. Law: O-06."""

    def measure() -> Detail:
        status = _registered(case, evidence).life_status
        if status == "deceased":
            raise Refused("person_deceased")
        if status != "alive":
            raise Refused("registry_mismatch", "the register does not say that the person lives")
        return {}

    return _judged("person.alive", measure)


def check_person_names(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Person, 5: surname, name, and the patronymic if the lender stated one, are the registered ones."""

    def measure() -> Detail:
        theirs, stated = _registered(case, evidence), case.person
        same = {
            "surname": is_same_name(stated.surname, theirs.surname),
            "name": is_same_name(stated.name, theirs.name),
            "patronymic": is_same_patronymic(stated.patronymic, theirs.patronymic),
        }
        differing = ", ".join(name for name, is_same in same.items() if not is_same)
        if differing:
            raise Refused("name_mismatch", f"not as registered: {differing}")
        return {"patronymic": "stated" if stated.patronymic else "not stated"}

    return _judged("person.names", measure)


def check_person_document(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Person, 6: the stated document is registered, valid, and has not run out on this day in Kazakhstan. Law: O-05."""

    def measure() -> Detail:
        stated = case.person.document
        today = evidence.at.astimezone(ZoneInfo(policy.time_zone)).date()
        valid = [one for one in _registered(case, evidence).documents if _is_valid(one, case)]
        if not valid:
            raise Refused("registry_mismatch", "no valid document of this type and number is registered")
        # Where the register knows no last day, the stated one counts.
        if all((one.valid_to or stated.valid_to) < today for one in valid):
            raise Refused("document_expired")
        return {"type": stated.type}

    return _judged("person.document", measure)


def check_person_phone(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Person, 7: the number is registered to this IIN; whatever else is known of it refuses. Law: O-31."""
    return _judged("person.phone", lambda: _owned(case, evidence, dialogue.PHONE))


def check_code_sent(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Code, 1: the gateway took the message with the last code."""

    def measure() -> Detail:
        if parse_sms(stored(evidence, dialogue.latest(evidence, dialogue.SENT))).status != "accepted":
            raise Refused("sms_refused")
        return {}

    return _judged("code.sent", measure)


def check_code_guess(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Code, 2: the last guess is the last code, for this verification and phone, in time, and one of the allowed."""

    def measure() -> Detail:
        last = dialogue.latest(evidence, dialogue.ISSUED)
        issued = stored_object(evidence, last)
        guess = stored_object(evidence, dialogue.latest(evidence, dialogue.GUESS))
        is_ours = hmac.compare_digest(issued["bound_to"], dialogue.keyed(issued["key"], dialogue.bound_to(case)))
        is_last = last == dialogue.numbered(dialogue.ISSUED, guess["issued"])
        is_right = hmac.compare_digest(issued["digest"], guess["digest"]) and is_ours and is_last
        is_in_time = 0 <= _seconds_between(issued["issued_at"], guess["at"]) <= policy.code_seconds
        if guess["number"] > policy.guesses:
            raise Refused("otp_attempts_exhausted", "more guesses than allowed")
        if not (is_right and is_in_time):
            code = "otp_wrong" if is_in_time else "otp_expired"
            raise Refused("otp_attempts_exhausted" if guess["number"] == policy.guesses else code)
        return {"guess": guess["number"]}

    return _judged("code.guess", measure)


def check_code_owner(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Code, 3: when the code came back the number was still this person's. Law: O-31."""
    return _judged("code.owner", lambda: _owned(case, evidence, dialogue.OWNER))


def check_binding(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Face, 1: every step of the order was answered, by enough frames, each bound to its step."""
    return gates.result("face.binding", lambda: gates.binding(_captured(evidence), limits=policy.gates))


def check_timing(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Face, 2: each step's frames came after a person could have seen the command, and before the window closed."""
    return gates.result("face.timing", lambda: gates.timing(_captured(evidence), limits=policy.gates))


def check_fresh(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Face, 3: no frame was presented before, none is frozen or repeated, and all have the noise of a sensor."""
    return gates.result("face.fresh", lambda: gates.fresh(_captured(evidence), limits=policy.gates))


def check_one_face(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Face, 4: one face in nearly all frames, and never two."""
    return gates.result("face.one_face", lambda: gates.one_face(_captured(evidence), limits=policy.gates))


def check_quality(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Face, 5: each step has a frame that is light, sharp and near enough to be compared."""
    return gates.result("face.quality", lambda: gates.quality(_captured(evidence)))


def check_commands(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Face, 6: each step shows its command and nothing that contradicts it."""
    return gates.result("face.commands", lambda: gates.commands(_captured(evidence)))


def check_depth(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Face, 7: the turning face is no plane. No evidence of depth is no depth."""
    return gates.result("face.depth", lambda: gates.depth(_captured(evidence), limits=policy.gates))


def check_continuity(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Face, 8: one and the same face from the first frame to the last."""
    same_face = policy.same_face
    return gates.result(
        "face.continuity", lambda: gates.continuity(_captured(evidence), limits=policy.gates, same_face=same_face)
    )


def check_passive(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Face, 9: no detector of presentation attacks is installed, so above a sum two people look as well."""
    return gates.result("face.passive", lambda: gates.unaided(case.loan, most=policy.unaided_max))


def check_match(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Result:
    """Face, 10: the face at rest against the reference, in three zones; the middle one is for two people."""
    return gates.result("face.match", lambda: _match(case, evidence, policy))


def ready() -> Mapping[str, object]:
    """What measures faces in this process. Raises `Misconfigured` if a model is missing, or fails its self-test."""
    return gates.ready()


PERSON = {
    "person.consent": check_person_consent,
    "person.answer": check_person_answer,
    "person.registry": check_person_registry,
    "person.alive": check_person_alive,
    "person.names": check_person_names,
    "person.document": check_person_document,
    "person.phone": check_person_phone,
}
CODE = {"code.sent": check_code_sent, "code.guess": check_code_guess, "code.owner": check_code_owner}
COMMANDS = {
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


def _judged(check: str, measure: Callable[[], Detail]) -> Result:
    try:
        return Passed(check, detail=measure())
    except BadInput as fault:
        return Failed(check, "check_missing", detail={"detail": fault.code})
    except Refused as refusal:
        reasons.require(refusal.code)
        return Failed(check, refusal.code, detail={"detail": refusal.detail})


def _registered(case: Case, evidence: Evidence) -> registers.RegisteredPerson:
    answer = registers.parse_person(stored(evidence, dialogue.PERSON))
    if answer.person is None or answer.iin != case.person.iin:
        raise Refused("registry_mismatch", f"the register of people says {answer.status}")
    return answer.person


def _is_valid(document: registers.RegisteredDocument, case: Case) -> bool:
    stated = case.person.document
    is_stated = dialogue.plain_number(document.number) == dialogue.plain_number(stated.number)
    return is_stated and document.type == stated.type and document.status == "valid"


def _owned(case: Case, evidence: Evidence, kind: str) -> Detail:
    # No answer is no ownership: the second factor is not there.
    answer = registers.parse_ownership(_answer(evidence, kind, otherwise="phone_owner_mismatch"))
    if answer.status != "owned" or answer.iin != case.person.iin or answer.phone != case.person.phone:
        raise Refused("phone_owner_mismatch", f"the register of phones says {answer.status}")
    return {"owned_since": answer.owned_since.isoformat() if answer.owned_since else ""}


def _answer(evidence: Evidence, kind: str, *, otherwise: str) -> bytes:
    """What a register said; without it the code says why: a consent that ran out meanwhile is nobody's refusal."""
    content = evidence.get(kind)
    if content is None:
        terms = parse_consent(stored(evidence, dialogue.CONSENT)).terms if dialogue.CONSENT in evidence.items else None
        has_run_out = terms is not None and terms.expires_at <= evidence.at
        raise Refused("consent_unanswered" if has_run_out else otherwise, "nobody could be asked")
    return content


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _match(case: Case, evidence: Evidence, policy: LiveFacePolicy) -> Found:
    answer = registers.parse_photo(_answer(evidence, dialogue.PHOTO, otherwise="check_missing"))
    if answer.status != "found" or answer.iin != case.person.iin:
        raise Refused("face_reference_unavailable", answer.status)
    return gates.match(_captured(evidence), reference=answer.jpeg, limits=policy.reference, zones=policy.zones)


def _captured(evidence: Evidence) -> Captured:
    return read(evidence, stage=dialogue.COMMANDS_STAGE)
