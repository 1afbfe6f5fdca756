import itertools
from collections.abc import Callable

import pytest

from verification.core.decision import Outcome, decide
from verification.core.results import Failed, Inconclusive, Passed, Result

REQUIRED = ("a", "b")
GOOD = (Passed("a"), Passed("b"))


def test_all_required_checks_passed_passes():
    assert decide(GOOD, required=REQUIRED).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("results", "required", "code"),
    [
        (GOOD, (), "check_missing"),
        ((), (), "check_missing"),
        ((), REQUIRED, "check_missing"),
        ((Passed("a"),), REQUIRED, "check_missing"),
        ((Passed("a"), Passed("a"), Passed("b")), REQUIRED, "check_missing"),
        ((Passed("a"), Failed("b", "eds_iin_mismatch")), REQUIRED, "eds_iin_mismatch"),
        ((*GOOD, Failed("c", "eds_signature_invalid")), REQUIRED, "eds_signature_invalid"),
        ((Failed("a", "eds_malformed"), Failed("b", "eds_iin_mismatch")), REQUIRED, "eds_malformed"),
        ((Failed("a", "eds_malformed"), Inconclusive("b", "eds_revocation_unknown")), REQUIRED, "eds_malformed"),
        ((Passed("a"), Inconclusive("b", "check_missing")), REQUIRED, "check_missing"),
    ],
)
def test_anything_less_refuses_with_the_first_reason(results, required, code):
    decision = decide(results, required=required)
    assert (decision.outcome, decision.code) == (Outcome.FAILED, code)


def test_a_refusal_of_the_person_burns_an_attempt_and_our_own_fault_none():
    assert decide((Passed("a"), Failed("b", "eds_iin_mismatch")), required=REQUIRED).burns
    assert not decide((Passed("a"),), required=REQUIRED).burns


def test_an_unknown_revocation_is_tried_again_and_never_passes():
    decision = decide((Passed("a"), Inconclusive("b", "eds_revocation_unknown")), required=REQUIRED)
    assert (decision.outcome, decision.burns) == (Outcome.RETRY, False)


def test_no_combination_without_two_passes_passes():
    words: list[Callable[[str], Result]] = [
        Passed,
        lambda c: Failed(c, "eds_malformed"),
        lambda c: Inconclusive(c, "eds_revocation_unknown"),
    ]
    for left, right in itertools.product([*words, None], repeat=2):
        results = [make(name) for make, name in ((left, "a"), (right, "b")) if make]
        passes = decide(results, required=REQUIRED).outcome is Outcome.PASSED
        assert passes == (left is Passed and right is Passed)


@pytest.mark.parametrize("result", [Passed("a"), Failed("a", "eds_malformed"), Inconclusive("a", "check_missing")])
def test_a_result_is_neither_true_nor_false(result):
    with pytest.raises(TypeError):
        bool(result)


def test_a_code_outside_the_table_cannot_be_said():
    with pytest.raises(KeyError):
        Failed("a", "typo")


def test_a_failure_that_costs_nothing_does_not_make_a_later_one_free():
    decision = decide((Failed("a", "face_quality"), Failed("b", "liveness_command_missed")), required=REQUIRED)
    assert (decision.code, decision.burns) == ("face_quality", True)
    assert not decide((Failed("a", "face_quality"), Passed("b")), required=REQUIRED).burns
