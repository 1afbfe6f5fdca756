"""The checks of the code, on evidence that the dialogue itself made."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.verification.core.answer_samples import SMS, spelled
from tests.verification.stages.person import known_case as given
from tests.verification.stages.person.known_case import (
    CODE,
    NOW,
    OTHER_CODE,
    evidence,
    guessed,
    issued,
    memory,
)
from verification.core.ids import Phone
from verification.core.results import Outcome, decide
from verification.core.stored import canonical_json
from verification.stages.code import STAGE
from verification.stages.code.checks import CHECKS
from verification.stages.code.dialogue import OWNER
from verification.stages.person.dialogue import PHONE


def refused(found, **person):
    return given.refusals(given.judge(STAGE, given.case(**person), found))


def after(*guesses, seconds=20, **remembered):
    first = memory(**remembered)
    return evidence(issued(first), guessed(first, *guesses, at=NOW + timedelta(seconds=seconds)))


def test_the_right_code_passes_every_check():
    results = given.judge(STAGE, given.case(), after(CODE))
    assert given.refusals(results) == {}
    assert decide(results, required=tuple(CHECKS)).outcome is Outcome.PASSED
    assert [result.detail for result in results] == [
        {},
        {"guess": 1},
        {"owned_since": "2021-05-06"},
    ]


@pytest.mark.parametrize(
    ("guesses", "code"),
    [
        ([OTHER_CODE], "otp_wrong"),
        ([OTHER_CODE] * 4 + [CODE], ""),
        ([OTHER_CODE] * 5, "otp_attempts_exhausted"),
        ([OTHER_CODE] * 5 + [CODE], "otp_attempts_exhausted"),
    ],
)
def test_five_guesses_count_and_a_sixth_is_none(guesses, code):
    assert refused(after(*guesses)) == ({"code.guess": code} if code else {})


@pytest.mark.parametrize(
    ("guess", "seconds", "code"),
    [
        (CODE, 300, ""),
        (CODE, 301, "otp_expired"),
        (OTHER_CODE, 301, "otp_expired"),
        (CODE, -1, "otp_expired"),
        (CODE, 0, ""),
    ],
)
def test_a_code_lives_five_minutes(guess, seconds, code):
    assert refused(after(guess, seconds=seconds)) == ({"code.guess": code} if code else {})


def test_a_last_guess_that_comes_late_leaves_none():
    assert refused(after(CODE, seconds=301, guesses=4)) == {"code.guess": "otp_attempts_exhausted"}


def test_guesses_of_a_lapsed_dialogue_count():
    assert refused(after(OTHER_CODE, guesses=4)) == {"code.guess": "otp_attempts_exhausted"}
    assert refused(after(CODE, guesses=4)) == {}
    assert refused(after(CODE, guesses=5)) == {"code.guess": "otp_attempts_exhausted"}


def test_only_the_last_code_counts():
    first, second = memory(), memory(resends=1)
    both = issued(first) | issued(second, OTHER_CODE)
    assert refused(evidence(both, guessed(second, OTHER_CODE))) == {}
    assert refused(evidence(both, guessed(second, CODE))) == {"code.guess": "otp_wrong"}
    # A guess at the first code, right as it was, is none at the second.
    assert refused(evidence(both, guessed(first, CODE))) == {"code.guess": "otp_wrong"}


def test_a_guess_made_at_an_earlier_code_is_none_at_the_last_whatever_it_says():
    first, second = memory(), memory(resends=1)
    guess = given.fields(guessed(second, OTHER_CODE)["code.guess.1"])
    moved = {"code.guess.1": canonical_json(guess | {"issued": 0})}
    assert refused(evidence(issued(first) | issued(second, OTHER_CODE), moved)) == {
        "code.guess": "otp_wrong"
    }


def test_a_code_for_another_verification_or_phone_is_wrong():
    assert refused(after(CODE), phone=Phone("+77011234568")) == {
        "code.guess": "otp_wrong",
        "code.owner": "phone_owner_mismatch",
    }


def test_a_digest_under_another_key_is_wrong():
    first = memory()
    forged = guessed(memory(key="00" * 32), CODE)
    assert refused(evidence(issued(first), forged)) == {"code.guess": "otp_wrong"}


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (canonical_json({"request_id": SMS["request_id"], "status": "refused"}), "sms_refused"),
        (b"{}", "check_missing"),
    ],
)
def test_a_message_that_the_gateway_did_not_take_refuses(sent, code):
    first = memory()
    found = evidence(issued(first), guessed(first, CODE), {"code.sent.0": sent})
    assert refused(found) == {"code.sent": code}


def test_it_is_the_last_message_that_must_have_gone_out():
    refusal = canonical_json({"request_id": SMS["request_id"], "status": "refused"})
    first, second = memory(), memory(resends=1)
    kept = issued(first) | issued(second, OTHER_CODE)
    assert refused(evidence(kept, guessed(second, OTHER_CODE), {"code.sent.0": refusal})) == {}
    last = {"code.sent.1": refusal, "code.sent.0": spelled(SMS)}
    assert refused(evidence(kept, guessed(second, OTHER_CODE), last)) == {
        "code.sent": "sms_refused"
    }


@pytest.mark.parametrize("status", ["owned_by_another", "not_found", "consent_refused"])
def test_a_number_that_has_changed_hands_meanwhile_refuses(status):
    first = memory()
    found = evidence(
        issued(first), guessed(first, CODE), {OWNER: given.without_terms(PHONE, status)}
    )
    assert refused(found) == {"code.owner": "phone_owner_mismatch"}


@pytest.mark.parametrize(
    ("expires_at", "code"),
    [
        ("2026-11-24T18:30:30+00:00", "consent_unanswered"),
        ("2026-11-24T18:30:31+00:00", "phone_owner_mismatch"),
    ],
)
def test_a_consent_that_ran_out_meanwhile_is_told_as_unanswered(expires_at, code):
    consent, first = given.said("register.consent", expires_at=expires_at), memory()
    found = evidence(issued(first), guessed(first, CODE), {"register.consent": consent})
    found = replace(
        found, items={kind: content for kind, content in found.items.items() if kind != OWNER}
    )
    assert refused(found) == {"code.owner": code}


def test_more_guesses_than_it_admits_are_counted_as_they_stand_on_record():
    first, kept = memory(), {}
    for number, guess in enumerate([OTHER_CODE] * 5 + [CODE], start=1):
        kept[f"code.guess.{number}"] = guessed(first, guess)["code.guess.1"]
    assert refused(evidence(issued(first), kept)) == {"code.guess": "otp_attempts_exhausted"}
    del kept["code.guess.1"]
    assert refused(evidence(issued(first), kept)) == {}


def test_without_evidence_nothing_passes():
    nothing = type(evidence())(items={}, at=NOW)
    assert set(refused(nothing)) == set(CHECKS)
