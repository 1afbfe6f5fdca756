"""What a measurement refuses by becomes a step, and a step or a code becomes what its reason
says.
"""

import pytest

from verification.core.errors import BadInput, Misconfigured, Refused, SourceUnavailable
from verification.core.results import (
    Failed,
    Inconclusive,
    Passed,
    Step,
    Steps,
    judged,
    judged_step,
    measured,
)


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


def test_a_code_that_is_in_no_table_is_said_by_nobody() -> None:
    with pytest.raises(KeyError):
        judged("x.y", "frame_malformed", detail={})
