"""Does the register of people confirm the person of the case?

1 consent · 2 the register knows them, with this birth date · 3 alive · 4 names · 5 document.
"""

from verification.core.results import Passed, Result, Step, judged, judged_step
from verification.stages.register.measure import ConsentFacts, RegisterFacts
from verification.stages.register.policy import RegisterPolicy


def check_consent(facts: ConsentFacts | RegisterFacts, policy: RegisterPolicy) -> Result:
    """1: through the state's service they consented to all look-ups, for this purpose and this
    text.

    A remark says if the service got the lender's phone number: then another person may have
    answered.
    """
    result = judged_step("person.consent", facts.consent)
    is_remarked = isinstance(result, Passed) and facts.is_phone_named
    return judged("person.consent", "consent_phone_stated", detail={}) if is_remarked else result


def check_registry(facts: RegisterFacts, policy: RegisterPolicy) -> Result:
    """2: the register knows this IIN, and its birth date is the stated one."""
    theirs = facts.registered
    if isinstance(theirs, Step):
        return judged_step("person.registry", theirs)
    code = "" if theirs.is_birth_date else "birth_date_differs"
    return judged("person.registry", code, detail={})


def check_alive(facts: RegisterFacts, policy: RegisterPolicy) -> Result:
    """3: the register says that they are alive. Law: O-06."""
    theirs = facts.registered
    if isinstance(theirs, Step):
        return judged_step("person.alive", theirs)
    if theirs.life_status == "alive":
        return judged("person.alive", detail={})
    code = "person_deceased" if theirs.life_status == "deceased" else "person_unknown"
    return judged(
        "person.alive", code, detail={"detail": f"the register says {theirs.life_status}"}
    )


def check_names(facts: RegisterFacts, policy: RegisterPolicy) -> Result:
    """4: surname, name, and a stated patronymic are the registered ones."""
    theirs = facts.registered
    if isinstance(theirs, Step):
        return judged_step("person.names", theirs)
    if differing := ", ".join(name for name, is_same in theirs.names.items() if not is_same):
        return judged(
            "person.names", "name_mismatch", detail={"detail": f"not as registered: {differing}"}
        )
    return judged(
        "person.names", detail={"patronymic": "stated" if facts.states_patronymic else "not stated"}
    )


def check_document(facts: RegisterFacts, policy: RegisterPolicy) -> Result:
    """5: the stated document is registered, valid, and not expired on this day in Kazakhstan.
    Law: O-05.
    """
    theirs = facts.registered
    if isinstance(theirs, Step):
        return judged_step("person.document", theirs)
    detail = {"type": facts.document_type}
    if not theirs.is_document_known:
        return judged("person.document", "document_invalid", detail=detail)
    return judged(
        "person.document", "" if theirs.is_document_in_time else "document_expired", detail=detail
    )


CONSENT_CHECKS = {"person.consent": check_consent}
CHECKS = {
    "person.consent": check_consent,
    "person.registry": check_registry,
    "person.alive": check_alive,
    "person.names": check_names,
    "person.document": check_document,
}
