"""Is this the person of the case?

1 consent · 2 the borrower's own answer · 3 the register knows them · 4 alive · 5 names · 6 document · 7 phone.
"""

from verification.core.results import Result, Step, judged, said
from verification.stages.person.measure import PersonFacts
from verification.stages.person.policy import PersonPolicy


def check_consent(facts: PersonFacts, policy: PersonPolicy) -> Result:
    """1: by the state's own service they consented to all that we ask, for this purpose and on this text."""
    return said("person.consent", facts.consent)


def check_answer(facts: PersonFacts, policy: PersonPolicy) -> Result:
    """2: who sits there can copy number and birth date from the very document that the lender was given."""
    typed = facts.typed
    if isinstance(typed, Step):
        return said("person.answer", typed)
    wrong = "" if typed.is_birth_date else "the borrower typed another birth date"
    wrong = wrong if typed.is_document_number else "the borrower typed another document number"
    return judged("person.answer", "registry_mismatch" if wrong else "", detail={"detail": wrong} if wrong else {})


def check_registry(facts: PersonFacts, policy: PersonPolicy) -> Result:
    """3: the register knows this number, and its birth date is the one we were told."""
    theirs = facts.registered
    if isinstance(theirs, Step):
        return said("person.registry", theirs)
    if not theirs.is_birth_date:
        return judged("person.registry", "registry_mismatch", detail={"detail": "another birth date is registered"})
    return judged("person.registry", detail={})


def check_alive(facts: PersonFacts, policy: PersonPolicy) -> Result:
    """4: the register says that they live. Law: O-06."""
    theirs = facts.registered
    if isinstance(theirs, Step):
        return said("person.alive", theirs)
    if theirs.life_status == "alive":
        return judged("person.alive", detail={})
    code = "person_deceased" if theirs.life_status == "deceased" else "registry_mismatch"
    return judged("person.alive", code, detail={"detail": f"the register says {theirs.life_status}"})


def check_names(facts: PersonFacts, policy: PersonPolicy) -> Result:
    """5: surname, name, and the patronymic if the lender stated one, are the registered ones."""
    theirs = facts.registered
    if isinstance(theirs, Step):
        return said("person.names", theirs)
    if differing := ", ".join(name for name, is_same in theirs.names.items() if not is_same):
        return judged("person.names", "name_mismatch", detail={"detail": f"not as registered: {differing}"})
    return judged("person.names", detail={"patronymic": "stated" if facts.states_patronymic else "not stated"})


def check_document(facts: PersonFacts, policy: PersonPolicy) -> Result:
    """6: the stated document is registered, valid, and has not run out on this day in Kazakhstan. Law: O-05."""
    theirs = facts.registered
    if isinstance(theirs, Step):
        return said("person.document", theirs)
    if not theirs.is_document_known:
        detail = {"detail": "no valid document of this type and number is registered"}
        return judged("person.document", "registry_mismatch", detail=detail)
    return judged(
        "person.document",
        "" if theirs.is_document_in_time else "document_expired",
        detail={"type": facts.document_type},
    )


def check_phone(facts: PersonFacts, policy: PersonPolicy) -> Result:
    """7: the number is registered to this IIN; whatever else is known of it refuses. Law: O-31."""
    return said("person.phone", facts.phone)


CHECKS = {
    "person.consent": check_consent,
    "person.answer": check_answer,
    "person.registry": check_registry,
    "person.alive": check_alive,
    "person.names": check_names,
    "person.document": check_document,
    "person.phone": check_phone,
}
