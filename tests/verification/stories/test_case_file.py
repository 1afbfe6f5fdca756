"""One case as a regulator sees it, and the files to verify it with."""

import json

import pytest

from tests.verification.oversight import rows
from verification.core.errors import BadInput, Conflict, LogInconsistent, NotFound
from verification.log.tree import leaf_hash
from verification.oversight import case_file

pytestmark = pytest.mark.django_db

READER = "usr_" + "a" * 26


def test_a_case_file_shows_the_timeline_of_a_real_verification_in_order() -> None:
    verification_id = rows.declined(rows.lender())
    file = case_file.case_file(person_id=READER, verification_id=verification_id)
    types = [step.type for step in file.steps]
    assert types[0] == "verification.created"
    assert types[-1] == "verification.declined"
    assert (
        types.index("attempt.opened")
        < types.index("attempt.answered")
        < types.index("attempt.judged")
    )
    assert [step.sequence for step in file.steps] == list(range(1, len(types) + 1))
    places = [step.log_index for step in file.steps]
    assert None not in places
    assert places == sorted(places)  # type: ignore[type-var]
    assert file.is_decision_ordered
    assert (file.result.status, file.result.code) == ("declined", "consent_declined")


def test_a_case_file_shows_checks_attempts_and_evidence_without_content() -> None:
    file = case_file.case_file(person_id=READER, verification_id=rows.declined(rows.lender()))
    assert [(check.name, check.outcome, check.code) for check in file.checks] == [
        ("consent.agreed", "fail", "consent_declined")
    ]
    assert file.checks[0].lender_detail == "The borrower did not consent."
    assert [(attempt.stage, attempt.number) for attempt in file.attempts] == [("consent", 1)]
    answer = next(item for item in file.evidence if item.kind == "consent.answer")
    assert answer.size > 0
    assert (len(answer.commitment), len(answer.sealed_sha256)) == (64, 64)
    for personal in (rows.IIN, "Ахметова", "+77011234567", "012345678", "KZ86125KZT5004100100"):
        assert personal not in repr(file)


def test_a_case_not_ended_has_its_steps_but_no_proof() -> None:
    verification_id = rows.opened(rows.lender())
    file = case_file.case_file(person_id=READER, verification_id=verification_id)
    assert not file.is_decision_ordered
    assert file.steps[0].log_index is None
    assert file.steps[0].leaf_hash == ""
    for read in (case_file.proof_file, case_file.leaf_file):
        with pytest.raises(Conflict) as raised:
            read(person_id=READER, verification_id=verification_id)
        assert raised.value.code == "receipt_not_ready"
    assert [entry.body["what"] for entry in rows.reading_entries()] == ["case"]


@pytest.mark.parametrize("unknown", ["", "ver_\0", "../../etc", rows.IIN, f"ver_{'a' * 26}"])
def test_an_unknown_case_is_not_found_and_not_logged(unknown: str) -> None:
    for read in (case_file.case_file, case_file.proof_file, case_file.leaf_file):
        with pytest.raises(NotFound):
            read(person_id=READER, verification_id=unknown)
    assert rows.reading_entries() == []


def test_the_leaf_of_the_decision_hashes_to_the_leaf_hash_of_the_timeline() -> None:
    mine = {"person_id": READER, "verification_id": rows.declined(rows.lender())}
    leaf = case_file.leaf_file(**mine)
    decision = case_file.case_file(**mine).steps[-1]
    assert leaf_hash(leaf).hex() == decision.leaf_hash
    assert json.loads(leaf)["type"] == "verification.declined"


def test_the_proof_of_the_decision_verifies_and_not_for_another_leaf() -> None:
    from_log = rows.declined(rows.lender())
    leaf = case_file.leaf_file(person_id=READER, verification_id=from_log)
    proof = case_file.proof_file(person_id=READER, verification_id=from_log)
    rows.verify_proof(proof, leaf=leaf)
    with pytest.raises(LogInconsistent):
        rows.verify_proof(proof, leaf=leaf + b" ")


def test_an_empty_log_has_no_checkpoint_and_another_mode_no_log() -> None:
    with pytest.raises(Conflict) as raised:
        case_file.checkpoint_file(person_id=READER, mode="live")
    assert raised.value.code == "receipt_not_ready"
    with pytest.raises(BadInput):
        case_file.checkpoint_file(person_id=READER, mode="demo")
