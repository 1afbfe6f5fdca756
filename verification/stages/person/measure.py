"""What the borrower, the consent service and the registers of people and phones say, compared once with the case."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from verification.core import registry_answers as registers
from verification.core.errors import Refused
from verification.core.person import Case, is_same_name, is_same_patronymic
from verification.core.registry_answers import has_run_out, parse_consent, require_consent
from verification.core.results import Step, Steps, measured
from verification.core.route import Evidence
from verification.stages.person import dialogue
from verification.stages.person.policy import SERVICES, PersonPolicy


@dataclass(frozen=True)
class Registered:
    """What the register of people has of this IIN. `names`: which of surname, name and patronymic are as stated.

    `is_document_known`, `is_document_in_time`: the stated one is registered as valid, and its last day, registered or
    stated, is not over in Kazakhstan.
    """

    is_birth_date: bool
    life_status: str
    names: Mapping[str, bool]
    is_document_known: bool
    is_document_in_time: bool


@dataclass(frozen=True)
class Typed:
    """Whether what the borrower copied from their document is what the lender was given."""

    is_document_number: bool
    is_birth_date: bool


@dataclass(frozen=True)
class PersonFacts:
    """What is known of the person. `consent`, `phone`: whether they may be looked up, and whether the number is theirs.

    `document_type`, `states_patronymic`: of the case.
    """

    consent: Step
    typed: Typed | Step
    registered: Registered | Step
    phone: Step
    document_type: str
    states_patronymic: bool


def measure_person(case: Case, evidence: Evidence, policy: PersonPolicy) -> PersonFacts:
    """The facts of a person. What could not be read stands in them as the step that refuses."""
    steps = Steps()
    with steps.step("consent"):  # by the state's own service, to all that we ask, for this purpose and on this text
        answer = parse_consent(evidence.require(dialogue.CONSENT))
        text = evidence.require_object(dialogue.SHOWN).get("text_sha256")
        require_consent(answer, services=SERVICES, case=case, text_sha256=text, at=evidence.at)
    with steps.step("phone") as found:
        # No answer is no ownership; but a consent that ran out before anybody could be asked is nobody's refusal.
        if dialogue.PHONE not in evidence.items:
            raw = evidence.items.get(dialogue.CONSENT)
            is_over = raw is not None and has_run_out(parse_consent(raw), at=evidence.at)
            raise Refused("consent_unanswered" if is_over else "phone_owner_mismatch", "nobody could be asked")
        # The answer repeats number and person: an answer about somebody else's phone says nothing of this one.
        said = registers.parse_ownership(evidence.items[dialogue.PHONE])
        if (said.status, said.iin, said.phone) != ("owned", case.person.iin, case.person.phone):
            raise Refused("phone_owner_mismatch", f"the register of phones says {said.status}")
        found["owned_since"] = said.owned_since.isoformat() if said.owned_since else ""
    typed: Typed | None = None
    with steps.step("typed"):
        copied = evidence.require_object(dialogue.ANSWER)
        typed = Typed(
            is_document_number=copied["document_number"] == dialogue.plain_number(case.person.document.number),
            is_birth_date=copied["birth_date"] == case.person.birth_date.isoformat(),
        )
    return PersonFacts(
        consent=steps.done["consent"],
        phone=steps.done["phone"],
        typed=typed or steps.done["typed"],
        registered=measured(_registered, case, evidence, policy),
        document_type=case.person.document.type,
        states_patronymic=bool(case.person.patronymic),
    )


def _registered(case: Case, evidence: Evidence, policy: PersonPolicy) -> Registered:
    answer, stated = registers.parse_person(evidence.require(dialogue.PERSON)), case.person
    if (theirs := answer.person) is None or answer.iin != stated.iin:
        raise Refused("registry_mismatch", f"the register of people says {answer.status}")
    # A document's last day ends at midnight in Kazakhstan, five hours before it ends in UTC.
    today = evidence.at.astimezone(ZoneInfo(policy.time_zone)).date()
    number = dialogue.plain_number(stated.document.number)
    # Several of one number may be registered, a lost one among them: one that is valid is enough.
    valid = [
        one
        for one in theirs.documents
        if (one.type, one.status) == (stated.document.type, "valid") and dialogue.plain_number(one.number) == number
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
        # Where the register knows no last day, the stated one counts.
        is_document_in_time=any((one.valid_to or stated.document.valid_to) >= today for one in valid),
    )
