"""The answers of the consent service and of the register of people, compared with the case."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from verification.core import answers as registers
from verification.core.answers import parse_consent, require_consent
from verification.core.errors import Refused
from verification.core.person import Case, is_same_name, is_same_patronymic
from verification.core.results import Step, measured
from verification.core.route import Evidence
from verification.stages.register import dialogue
from verification.stages.register.policy import RegisterPolicy


@dataclass(frozen=True)
class Registered:
    """The register's data on this IIN. `names`: which of surname, name and patronymic are as
    stated.

    is_document_known: the stated document is registered as valid.
    is_document_in_time: its last day, registered or stated, is not over in Kazakhstan.
    """

    is_birth_date: bool
    life_status: str
    names: Mapping[str, bool]
    is_document_known: bool
    is_document_in_time: bool


@dataclass(frozen=True)
class ConsentFacts:
    """Whether the photo may be looked up, and whether the consent service got the lender's phone
    number.
    """

    consent: Step
    is_phone_named: bool


@dataclass(frozen=True)
class RegisterFacts:
    """The same for the person. `document_type`, `states_patronymic`: of the case."""

    consent: Step
    is_phone_named: bool
    registered: Registered | Step
    document_type: str
    states_patronymic: bool


def measure_consent(case: Case, evidence: Evidence, policy: RegisterPolicy) -> ConsentFacts:
    """The facts of a consent to the look-up of the photo."""
    consent = measured(_consent, case, evidence, services=("photo",))
    return ConsentFacts(consent=consent, is_phone_named=_is_phone_named(evidence))


def measure_register(case: Case, evidence: Evidence, policy: RegisterPolicy) -> RegisterFacts:
    """The facts of a person. An unreadable item appears as a step that refuses."""
    return RegisterFacts(
        consent=measured(_consent, case, evidence, services=("person",)),
        is_phone_named=_is_phone_named(evidence),
        registered=measured(_registered, case, evidence, policy),
        document_type=case.person.document.type,
        states_patronymic=bool(case.person.patronymic),
    )


def _consent(case: Case, evidence: Evidence, services: tuple[str, ...]) -> Step:
    """Through the state's service, to all look-ups, for this purpose and this text."""
    answer = parse_consent(evidence.require(dialogue.CONSENT))
    text = evidence.require_object(dialogue.SHOWN).get("text_sha256")
    listed = evidence.require_object(dialogue.ASKED).get("services")
    requested = [str(service) for service in listed] if isinstance(listed, list) else []
    require_consent(
        answer, services=(*services, *requested), case=case, text_sha256=text, at=evidence.at
    )
    return Step()


def _is_phone_named(evidence: Evidence) -> bool:
    question = measured(evidence.require_object, dialogue.ASKED)
    return not isinstance(question, Step) and question.get("phone") != "none"


def _registered(case: Case, evidence: Evidence, policy: RegisterPolicy) -> Registered:
    answer, stated = registers.parse_person(evidence.require(dialogue.PERSON)), case.person
    if (theirs := answer.person) is None or answer.iin != stated.iin:
        raise Refused("person_unknown", f"the register of people says {answer.status}")
    # A document's last day ends at midnight in Kazakhstan, five hours before it ends in UTC.
    today = evidence.at.astimezone(ZoneInfo(policy.time_zone)).date()
    number = dialogue.plain_number(stated.document.number)
    # Several with one number may be registered, one of them as lost: one valid document suffices.
    valid = [
        document
        for document in theirs.documents
        if (document.type, document.status) == (stated.document.type, "valid")
        and dialogue.plain_number(document.number) == number
    ]
    return Registered(
        is_birth_date=theirs.birth_date == stated.birth_date,
        life_status=theirs.life_status,
        names={
            "surname": is_same_name(stated.surname, theirs.surname),
            "name": is_same_name(stated.name, theirs.name),
            "patronymic": is_same_patronymic(stated.patronymic, theirs.patronymic),
        },
        is_document_known=bool(valid),
        # Without a last day in the register, the stated one counts.
        is_document_in_time=any(
            (document.valid_to or stated.document.valid_to) >= today for document in valid
        ),
    )
