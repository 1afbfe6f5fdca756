"""Nobody is looked up whose consent does not hold, and nobody is asked twice for the same."""

import pytest

from tests.insecure_sandbox.asked import (
    consent_of,
    consent_source,
    new_id,
    ownership_of,
    person_of,
    photo_of,
    register,
    wanted,
)
from tests.insecure_sandbox_process import SandboxProcess
from verification.core.answers import ConsentAnswer
from verification.core.ids import Iin
from verification.sources.consent import ConsentReading, ask
from verification.stages.confirmation.policy import CONSENT


def id_in(answer: ConsentAnswer) -> str:
    assert answer.terms is not None
    return answer.terms.consent_id


def read(sandbox: SandboxProcess, consent_id: str, iin: str) -> ConsentAnswer:
    reading = ConsentReading(request_id=new_id(), iin=Iin(iin), consent_id=consent_id)
    return ask(consent_source(sandbox), reading).parsed


def messages(sandbox: SandboxProcess, phone: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = sandbox.post("/inbox", phone=phone)["messages"]
    return found


def test_a_consent_keeps_what_was_asked_and_which_text_was_shown(sandbox: SandboxProcess) -> None:
    iin = register(sandbox)
    answer = consent_of(sandbox, iin, services=("person",))
    assert answer.status == "valid"
    assert answer.terms is not None
    assert answer.terms.services == ("person",)
    assert (answer.terms.reference, answer.terms.lender_bin) == (f"ver_of_{iin}", "990240000008")
    assert answer.terms.text_sha256 == CONSENT.sha256(CONSENT.current, "kk")
    assert (answer.terms.expires_at - answer.terms.created_at).total_seconds() == 3600
    assert read(sandbox, id_in(answer), iin).terms == answer.terms


def test_the_same_question_again_is_answered_as_before(sandbox: SandboxProcess) -> None:
    request = wanted(register(sandbox, consent="pending"))
    first = consent_source(sandbox).fetch(request)
    assert consent_source(sandbox).fetch(request) == first


def test_a_pending_consent_opens_nothing_until_the_person_agrees(sandbox: SandboxProcess) -> None:
    iin = register(sandbox, consent="pending")
    consent_id = id_in(consent_of(sandbox, iin))
    assert read(sandbox, consent_id, iin).status == "pending"
    assert person_of(sandbox, iin, consent_id).status == "consent_refused"
    assert sandbox.post("/consent/answer", consent_id=consent_id, status="valid") == {
        "answered": True
    }
    assert read(sandbox, consent_id, iin).status == "valid"
    assert person_of(sandbox, iin, consent_id).status == "found"


@pytest.mark.parametrize("status", ["invalid", "timeout", "not_found", "error"])
def test_a_person_may_be_registered_to_answer_in_any_way(
    sandbox: SandboxProcess, status: str
) -> None:
    assert consent_of(sandbox, register(sandbox, consent=status)).status == status


def test_a_consent_opens_what_it_names_for_whom_it_names(sandbox: SandboxProcess) -> None:
    iin, other = register(sandbox, phone="+77055551003"), register(sandbox)
    consent_id = id_in(consent_of(sandbox, iin, services=("person",)))
    assert person_of(sandbox, iin, consent_id).status == "found"
    assert photo_of(sandbox, iin, consent_id).status == "consent_refused"
    assert (
        ownership_of(sandbox, "+77055551003", iin=iin, consent_id=consent_id).status
        == "consent_refused"
    )
    assert person_of(sandbox, other, consent_id).status == "consent_refused"
    assert read(sandbox, consent_id, other).status == "not_found"
