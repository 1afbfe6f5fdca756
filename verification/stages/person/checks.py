"""Does the borrower hold the document of the case, and is the phone theirs?  1 their own answer
· 2 phone.
"""

from verification.core.results import Result, Step, judged, judged_step
from verification.stages.person.measure import PersonFacts
from verification.stages.person.policy import PersonPolicy


def check_answer(facts: PersonFacts, policy: PersonPolicy) -> Result:
    """1: the borrower can copy number and birth date from the document that the lender stated."""
    typed = facts.typed
    if isinstance(typed, Step):
        return judged_step("person.answer", typed)
    wrong = "" if typed.is_birth_date else "the borrower typed another birth date"
    wrong = wrong if typed.is_document_number else "the borrower typed another document number"
    return judged(
        "person.answer",
        "registry_mismatch" if wrong else "",
        detail={"detail": wrong} if wrong else {},
    )


def check_phone(facts: PersonFacts, policy: PersonPolicy) -> Result:
    """2: the number is registered to this IIN; any other answer refuses. Law: O-31."""
    return judged_step("person.phone", facts.phone)


CHECKS = {"person.answer": check_answer, "person.phone": check_phone}
