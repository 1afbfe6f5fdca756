"""A policy, facts and checks grow, checks change and go: what was judged before is judged the same
again.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from tests.entries import body_of
from tests.scenes import staged
from tests.vectors.stored import grown
from tests.verification import lawful
from tests.verification.stories.conftest import Issued
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import Story, begin, lender, verified_at_second_try
from verification import routes
from verification.case import stages
from verification.core import releases
from verification.core.route import Check, Report, Stage
from verification.models import AuditEntry
from verification.stages import statement
from verification.stages.register import REGISTER
from verification.worker.replay import Replayed, Verdict, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]

Change = Callable[[Stage], Stage]


@pytest.fixture
def verified(trusted: type[InsecureRevocation], issued: Issued) -> Story:
    """A story that ended well at the second try of its signature."""
    return staged("verified", lambda: verified_at_second_try(issued))


def release_a_change(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """The next release, in which the stage of the signature has changed."""
    now = change(statement.STAGE)
    registered = change(REGISTER.beside(statement.STAGE))
    monkeypatch.setitem(
        routes.ROUTES, "eds", replace(routes.EDS, stages=(now,), registered=(registered,))
    )
    lawful.know_route(monkeypatch, "eds", (now,))


def again(story: Story) -> set[tuple[str, Verdict, str, str]]:
    """How each stage comes out, from what, and what is told of it."""
    replays = replay(verification_id=story.id)
    return {
        (replayed.stage, replayed.verdict, replayed.source, replayed.detail) for replayed in replays
    }


def of_statement(story: Story) -> Replayed:
    return replay(verification_id=story.id)[-1]


FIRST = next(iter(statement.STAGE.checks))
SAME = {(name, Verdict.SAME, "evidence", "") for name in ("consent", "question", "statement")}


@pytest.mark.parametrize(
    "change",
    [
        grown.with_policy_field,
        grown.with_fact,
        grown.with_check,
        grown.with_changed_check,
        grown.without_check,
        grown.grown,
    ],
)
def test_an_earlier_case_comes_out_the_same_after(
    verified: Story, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    release_a_change(monkeypatch, change)
    assert again(verified) == SAME


def test_a_case_of_the_new_release_comes_out_the_same_beside_an_earlier_one(
    verified: Story, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(stage: Stage) -> Stage:
        now = grown.with_changed_check(grown.with_fact(stage))
        first = next(iter(stage.checks))
        return now.differing(
            checks={**now.checks, first: stage.checks[first], "eds.later": later(stage)}
        )

    release_a_change(monkeypatch, change)
    story = begin(lender("Other Credit", number=2)).to_statement()
    story.sign(issued())
    story.work()
    assert story.row().status == "verified"
    judged = AuditEntry.objects.filter(verification=story.id, type="attempt.judged")
    body = body_of(judged.get(body__stage="statement"))
    assert "eds.later" in [check["check"] for check in body["checks"]]
    release = releases.RELEASES[body["release"]]
    assert (release.changes(FIRST), release.changes("eds.later")) == (1, 0)
    assert again(story) == SAME
    assert again(verified) == SAME


def later(stage: Stage) -> Check:
    """A check of the new release, which passes."""
    return lambda facts, policy: replace(
        stage.checks["eds.usage"](facts, policy), check="eds.later"
    )


def test_a_check_that_changed_and_left_no_former_function_is_different(
    verified: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_a_change(monkeypatch, lambda stage: grown.with_changed_check(stage, keeps_former=False))
    last = of_statement(verified)
    assert last.verdict is Verdict.DIFFERENT
    assert f"from evidence: {FIRST} was pass and is fail check_missing" in last.detail


def test_a_check_that_is_gone_and_left_no_former_function_cannot_be_judged_by(
    verified: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_a_change(monkeypatch, lambda stage: grown.without_check(stage, keeps_former=False))
    last = of_statement(verified)
    assert (last.verdict, last.code) == (Verdict.CANNOT, "misconfigured")
    assert last.detail.startswith("eds.statement as release ")


def test_a_policy_field_that_declares_no_earlier_value_cannot_be_judged_by(
    verified: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_a_change(
        monkeypatch, lambda stage: grown.with_policy_field(stage, before=grown.UNDECLARED)
    )
    last = of_statement(verified)
    assert (last.verdict, last.code) == (Verdict.CANNOT, "stored_unreadable")
    assert last.detail == "policy.is_strict is missing, which this release needs"


def test_an_earlier_value_that_judges_otherwise_is_different(
    verified: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_a_change(monkeypatch, lambda stage: grown.with_policy_field(stage, before=True))
    assert of_statement(verified).verdict is Verdict.DIFFERENT


def test_a_report_that_lost_a_field_or_says_another_is_different(
    verified: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: tuple[tuple[Report | None, str], ...] = (
        (lambda *_: b"{}", "the report's checks differs"),
        (lambda *_: b'{"status": "TOTAL-FAILED"}', "the report's status differs"),
        (None, "the report's signer differs"),
    )
    for report, problem in reports:
        release_a_change(monkeypatch, partial(Stage.differing, report=report))
        last = of_statement(verified)
        assert last.verdict is Verdict.DIFFERENT
        assert f"from facts: {problem}" in last.detail


def test_a_release_that_is_not_known_cannot_be_judged_by(
    verified: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = stages.release("eds", law=verified.row().profile_sha256).id
    table = {key: release for key, release in releases.RELEASES.items() if key != name}
    with monkeypatch.context() as before_it:
        before_it.setattr(releases, "RELEASES", table)
        last = of_statement(verified)
    assert (last.verdict, last.code) == (Verdict.CANNOT, "stored_unreadable")
    assert last.detail == f"release {name} is unknown to this release"
