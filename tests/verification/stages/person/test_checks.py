"""The checks of the person: each case passes but for one change, and the right check speaks of
it.
"""

from datetime import UTC, date, datetime

import pytest

from tests.verification.stages.person import known_case as given
from tests.verification.stages.person.known_case import DOCUMENT, said, without_terms
from tests.verification.stories.story import OTHER_IIN
from verification.core import codes
from verification.core.ids import Phone
from verification.core.opening import Document
from verification.core.results import Outcome, decide
from verification.routes import LIVE_FACE
from verification.stages.person.dialogue import ANSWER, CONSENT, PHONE
from verification.stages.register.dialogue import ASKED
from verification.stages.register.dialogue import PERSON as REGISTRY

STAGE = LIVE_FACE.stages[0]


def refused(evidence, **person):
    return given.refusals(given.judge(STAGE, given.case(**person), evidence))


def test_a_person_whom_the_registers_confirm_passes_every_check():
    results = given.judge(STAGE, given.case(), given.known())
    assert given.refusals(results) == {}
    assert decide(results, required=tuple(STAGE.checks)).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("consent", "code"),
    [
        (said(CONSENT, status="pending"), "consent_unanswered"),
        (said(CONSENT, status="timeout"), "consent_unanswered"),
        (said(CONSENT, status="invalid"), "consent_declined"),
        (
            said(CONSENT, status="invalid", expires_at="2026-11-24T18:30:01+00:00"),
            "consent_declined",
        ),
        (
            said(CONSENT, status="invalid", expires_at="2026-11-24T18:30:00+00:00"),
            "consent_unanswered",
        ),
        (said(CONSENT, status="invalid", reference="ver_of_another_loan"), "consent_unanswered"),
        (said(CONSENT, status="invalid", iin=OTHER_IIN), "consent_unanswered"),
        (said(CONSENT, reference="ver_of_another_loan"), "consent_unanswered"),
        (said(CONSENT, lender_bin="990240000008"), "consent_unanswered"),
        (said(CONSENT, lender_bin="1203"), "check_missing"),
        (without_terms(CONSENT, "not_found"), "person_unknown"),
        (said(CONSENT, services=["person", "phone"]), "consent_unanswered"),
        (said(CONSENT, services=["photo", "phone"]), "consent_unanswered"),
        (said(CONSENT, services=["person", "photo"]), "consent_unanswered"),
        (said(CONSENT, expires_at="2026-11-24T18:30:00+00:00"), "consent_unanswered"),
        (said(CONSENT, iin=OTHER_IIN), "consent_unanswered"),
        (said(CONSENT, purpose="marketing"), "consent_unanswered"),
        (said(CONSENT, text_sha256="ab" * 32), "consent_unanswered"),
        (b"{}", "check_missing"),
        (None, "check_missing"),
    ],
)
def test_a_consent_that_does_not_hold_for_all_of_it_refuses(consent, code):
    assert refused(given.known(consent=consent)) == {"person.consent": code}


def test_a_consent_that_runs_out_a_second_later_still_holds():
    assert refused(given.known(consent=said(CONSENT, expires_at="2026-11-24T18:30:01+00:00"))) == {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"document_number": "012345679"}, "registry_mismatch"),
        ({"document_number": "12345678"}, "registry_mismatch"),
        ({"birth_date": "1899-01-02"}, "registry_mismatch"),
    ],
)
def test_who_types_another_number_or_birth_date_is_refused(changes, code):
    assert refused(given.known(answer=said(ANSWER, **changes))) == {"person.answer": code}


def test_the_number_of_a_passport_is_the_same_in_small_letters_and_with_blanks():
    passport = Document(type="passport", number="n 01234567", valid_to=date(2033, 1, 1))
    registered = said(REGISTRY, documents=[DOCUMENT | {"type": "passport", "number": "N01234567"}])
    evidence = given.known(answer=said(ANSWER, document_number="N01234567"), registry=registered)
    assert refused(evidence, document=passport) == {}


@pytest.mark.parametrize(
    ("changes", "refusals"),
    [
        ({"birth_date": "1899-01-02"}, {"person.registry": "birth_date_differs"}),
        ({"life_status": "deceased"}, {"person.alive": "person_deceased"}),
        ({"life_status": "unknown"}, {"person.alive": "person_unknown"}),
        ({"surname": "ИНАКОВ"}, {"person.names": "name_mismatch"}),
        ({"name": "TECT"}, {"person.names": "name_mismatch"}),
        ({"patronymic": "ИНАКОВИЧ"}, {"person.names": "name_mismatch"}),
        ({"patronymic": ""}, {"person.names": "name_mismatch"}),
        ({"surname": "Тестов", "name": " тест "}, {}),
        ({"documents": []}, {"person.document": "document_invalid"}),
    ],
)
def test_what_the_register_says_otherwise_refuses(changes, refusals):
    assert refused(given.known(registry=said(REGISTRY, **changes))) == refusals


def test_a_patronymic_that_the_lender_did_not_state_is_not_missed():
    assert refused(given.known(), patronymic="") == {}


@pytest.mark.parametrize("status", ["not_found", "consent_refused"])
def test_whom_the_register_does_not_know_is_refused_by_all_that_it_would_confirm(status):
    found = refused(given.known(registry=without_terms(REGISTRY, status)))
    assert set(found) == {"person.registry", "person.alive", "person.names", "person.document"}
    assert set(found.values()) == {"person_unknown"}


@pytest.mark.parametrize("registry", [None, b"", said(REGISTRY, iin=OTHER_IIN)])
def test_no_answer_about_this_person_refuses(registry):
    found = refused(given.known(registry=registry))
    assert set(found) == {"person.registry", "person.alive", "person.names", "person.document"}


OTHER = {
    "type": "id_card",
    "number": "999999999",
    "issued_on": None,
    "valid_to": None,
    "status": "valid",
}
TODAY, YESTERDAY = "2026-11-24", "2026-11-23"


@pytest.mark.parametrize(
    ("documents", "code"),
    [
        ([DOCUMENT | {"valid_to": TODAY}], ""),
        ([DOCUMENT | {"valid_to": YESTERDAY}], "document_expired"),
        ([DOCUMENT | {"valid_to": YESTERDAY}, DOCUMENT | {"valid_to": TODAY}], ""),
        ([DOCUMENT | {"valid_to": None}], ""),
        ([DOCUMENT | {"status": "lost"}], "document_invalid"),
        ([DOCUMENT | {"status": "invalid"}], "document_invalid"),
        ([DOCUMENT | {"status": "lost", "valid_to": YESTERDAY}], "document_invalid"),
        ([DOCUMENT | {"number": "012345679"}], "document_invalid"),
        ([DOCUMENT | {"type": "residence_permit"}], "document_invalid"),
        ([OTHER], "document_invalid"),
        ([OTHER, DOCUMENT], ""),
    ],
)
def test_the_very_document_must_be_registered_and_valid_on_the_day(documents, code):
    evidence = given.known(registry=said(REGISTRY, documents=documents))
    assert refused(evidence) == ({"person.document": code} if code else {})


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (datetime(2026, 11, 24, 18, 59, 59, tzinfo=UTC), ""),
        (datetime(2026, 11, 24, 19, 0, 0, tzinfo=UTC), "document_expired"),
    ],
)
def test_the_day_ends_at_midnight_in_kazakhstan(at, code):
    evidence = given.known(
        at=at, registry=said(REGISTRY, documents=[DOCUMENT | {"valid_to": TODAY}])
    )
    assert refused(evidence) == ({"person.document": code} if code else {})


def test_where_the_register_knows_no_last_day_the_stated_one_counts():
    card = Document(type="id_card", number="012345678", valid_to=date(2026, 11, 23))
    evidence = given.known(registry=said(REGISTRY, documents=[DOCUMENT | {"valid_to": None}]))
    assert refused(evidence, document=card) == {"person.document": "document_expired"}


@pytest.mark.parametrize(
    "phone",
    [
        without_terms(PHONE, "owned_by_another"),
        without_terms(PHONE, "not_found"),
        without_terms(PHONE, "consent_refused"),
        said(PHONE, iin=OTHER_IIN),
        said(PHONE, phone="+77011234568"),
        None,
    ],
)
def test_a_phone_that_is_not_known_to_be_the_persons_refuses(phone):
    assert refused(given.known(phone=phone)) == {"person.phone": "phone_owner_mismatch"}


def test_an_ownership_of_another_number_than_the_cases_refuses():
    assert refused(given.known(), phone=Phone("+77011234568")) == {
        "person.phone": "phone_owner_mismatch"
    }


_DENIED = (
    *(
        "person_unknown",
        "name_mismatch",
        "birth_date_differs",
        "person_deceased",
        "document_invalid",
    ),
    "document_expired",
)
"""What the register has otherwise than the lender stated: no other try of the borrower can change
it.
"""
_OWN = ("registry_mismatch", "phone_owner_mismatch")
"""What the borrower typed, and a number that the operator may register meanwhile."""


def test_what_the_register_denies_is_final_and_burns_and_what_the_borrower_may_mend_burns():
    assert [code for code in (*_DENIED, *_OWN) if not codes.require(code).burns] == []
    assert [code for code in (*_DENIED, *_OWN) if codes.require(code).final] == list(_DENIED)


def test_the_borrower_is_not_told_which_register_denied_what():
    assert len({codes.require(code).borrower_message for code in (*_DENIED, *_OWN)}) == 1


@pytest.mark.parametrize("asked", [None, b"", b"[]", said(ASKED, services="person")])
def test_a_consent_without_a_readable_request_refuses_or_holds_for_the_person_alone(
    asked,
):
    found = refused(given.known(asked=asked))
    assert found == (
        {} if asked == said(ASKED, services="person") else {"person.consent": "check_missing"}
    )


def test_that_the_lenders_phone_was_given_to_the_consent_service_is_remarked_and_decides_nothing():
    results = given.judge(STAGE, given.case(), given.known(asked=said(ASKED, phone="as_stated")))
    assert [(result.check, result.code) for result in results if result.code] == [
        ("person.consent", "consent_phone_stated")
    ]
    assert decide(results, required=tuple(STAGE.checks)).outcome is Outcome.PASSED


def test_a_result_names_nothing_that_a_register_said():
    evidence = given.known(
        registry=said(REGISTRY, surname="ИНАКОВ", birth_date="1899-02-03", documents=[OTHER]),
        phone=without_terms(PHONE, "owned_by_another"),
    )
    told = " ".join(str(result) for result in given.judge(STAGE, given.case(), evidence))
    for secret in ("ИНАКОВ", "1899-02-03", "999999999", "012345678", "+77011234567"):
        assert secret not in told
