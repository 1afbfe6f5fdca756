""""""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import pytest

from verification.core.errors import BadInput, Misconfigured, Refused, SourceUnavailable
from verification.core.results import (
    Decision,
    Failed,
    Inconclusive,
    Outcome,
    Passed,
    Result,
    Step,
    Steps,
    decide,
    judged,
    judged_step,
    measured,
)
from verification.core.status import OPEN, TERMINAL, Status

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
        (
            (Failed("a", "eds_malformed"), Failed("b", "eds_iin_mismatch")),
            REQUIRED,
            "eds_malformed",
        ),
        (
            (Failed("a", "eds_malformed"), Inconclusive("b", "eds_revocation_unknown")),
            REQUIRED,
            "eds_malformed",
        ),
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


def test_what_only_two_people_can_tell_is_for_review_and_burns_nothing():
    unclear = Inconclusive("b", "face_review")
    assert decide((Passed("a"), unclear), required=REQUIRED) == Decision(
        Outcome.REVIEW, "face_review", burns=False
    )
    # Whether or not the check was required, and by the first of several reasons.
    two = (*GOOD, Inconclusive("c", "liveness_review"), Inconclusive("d", "face_review"))
    assert decide(two, required=REQUIRED) == Decision(
        Outcome.REVIEW, "liveness_review", burns=False
    )


@pytest.mark.parametrize(
    ("codes", "outcome", "code"),
    [
        (("face_review", "eds_revocation_unknown"), Outcome.RETRY, "eds_revocation_unknown"),
        (("eds_revocation_unknown", "face_review"), Outcome.RETRY, "eds_revocation_unknown"),
        (("face_review", "check_missing"), Outcome.FAILED, "check_missing"),
        (("eds_revocation_unknown", "check_missing"), Outcome.FAILED, "check_missing"),
        (
            ("face_review", "eds_revocation_unknown", "check_missing"),
            Outcome.FAILED,
            "check_missing",
        ),
    ],
)
def test_another_try_outweighs_review_and_refusal_outweighs_both(codes, outcome, code):
    unclear = [Inconclusive(f"c{number}", each) for number, each in enumerate(codes)]
    assert decide((*GOOD, *unclear), required=REQUIRED) == Decision(outcome, code, burns=False)


def test_a_failure_outweighs_whatever_could_not_be_told():
    unclear = (Inconclusive("c", "face_review"), Inconclusive("d", "eds_revocation_unknown"))
    decision = decide((*GOOD, *unclear, Failed("e", "eds_iin_mismatch")), required=REQUIRED)
    assert decision == Decision(Outcome.FAILED, "eds_iin_mismatch", burns=True)


def test_a_result_of_an_unknown_kind_refuses():
    @dataclass(frozen=True)
    class Odd:
        check: str

    beside, instead = cast("Result", Odd("c")), cast("Result", Odd("b"))
    assert decide((*GOOD, beside), required=REQUIRED) == Decision(
        Outcome.FAILED, "check_missing", burns=False
    )
    assert decide((Passed("a"), instead), required=REQUIRED).outcome is Outcome.FAILED


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


@pytest.mark.parametrize(
    "result", [Passed("a"), Failed("a", "eds_malformed"), Inconclusive("a", "check_missing")]
)
def test_a_result_is_neither_true_nor_false(result):
    with pytest.raises(TypeError, match="is not true or false"):
        bool(result)


def test_a_code_outside_the_table_cannot_be_said():
    with pytest.raises(KeyError):
        Failed("a", "typo")


def test_a_failure_that_costs_nothing_does_not_make_a_later_one_free():
    decision = decide(
        (Failed("a", "face_quality"), Failed("b", "liveness_command_missed")), required=REQUIRED
    )
    assert (decision.code, decision.burns) == ("face_quality", True)
    assert not decide((Failed("a", "face_quality"), Passed("b")), required=REQUIRED).burns


# What a measurement refuses by becomes a step, and a step or a code becomes what its reason
# says.


def refuse(fault: Exception) -> int:
    raise fault


def test_what_can_be_measured_is_given() -> None:
    assert measured(int, "7") == 7


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        (
            Refused("eds_malformed", "no structure"),
            Step("eds_malformed", {"detail": "no structure"}),
        ),
        (Refused("eds_malformed"), Step("eds_malformed", {"detail": "eds_malformed"})),
        (
            Refused("frame_malformed", "cut", facts={"at": 1}),
            Step("frame_malformed", {"detail": "cut", "at": 1}),
        ),
        (
            BadInput("a field", code="iin_malformed"),
            Step("check_missing", {"detail": "iin_malformed"}),
        ),
    ],
)
def test_what_refuses_is_a_step_with_its_code(fault: Exception, step: Step) -> None:
    assert measured(refuse, fault) == step


@pytest.mark.parametrize(
    "fault", [SourceUnavailable("ocsp"), Misconfigured("x"), KeyError("x"), ValueError("x")]
)
def test_a_fault_is_no_step(fault: Exception) -> None:
    with pytest.raises(type(fault)):
        measured(refuse, fault)


def test_a_step_that_refuses_ends_alone_and_the_next_one_is_done() -> None:
    steps, reached = Steps(), []
    with steps.step("first") as found:
        found["length"] = 3
        refuse(Refused("eds_malformed", "later"))
        reached.append("never")
    with steps.step("second") as found:
        found["length"] = 4
        reached.append("second")
    assert steps.done == {
        "first": Step("eds_malformed", {"detail": "later"}),
        "second": Step("", {"length": 4}),
    }
    assert reached == ["second"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("", Passed),
        ("eds_malformed", Failed),
        ("eds_revocation_unknown", Inconclusive),  # tried again
        ("face_review", Inconclusive),  # two people look
    ],
)
def test_a_code_says_whether_a_check_passed_failed_or_could_not_tell(code: str, kind: type) -> None:
    result = judged("x.y", code, detail={"a": 1}, score=0.5, threshold=0.7)
    assert type(result) is kind
    assert (result.check, result.detail, result.score, result.threshold) == (
        "x.y",
        {"a": 1},
        0.5,
        0.7,
    )
    assert getattr(result, "code", "") == code
    of_step = judged_step("x.y", Step(code, {"a": 1}))
    assert (type(of_step), of_step.check, of_step.detail, getattr(of_step, "code", "")) == (
        kind,
        "x.y",
        {"a": 1},
        code,
    )


def test_a_code_that_is_in_no_table_is_refused() -> None:
    with pytest.raises(KeyError):
        judged("x.y", "frame_malformed", detail={})


def test_a_verification_is_open_or_has_ended() -> None:
    assert TERMINAL.isdisjoint(OPEN)
    assert set(Status) == OPEN | TERMINAL
