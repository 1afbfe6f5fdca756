"""Two routes whose checks say what the borrower tells them to: `clear` passes, `grey` is for people, `wrong` fails."""

import sys
from types import ModuleType

import pytest
from pytest_django import Settings

from tests.verification.workflow.insecure_route import InsecurePolicy
from tests.verification.workflow.story import Story, begin, lender
from verification.core.consent import CURRENT
from verification.core.results import Failed, Inconclusive, Passed
from verification.core.route import Next, Route, Stage, Turn
from verification.models import Attempt, AuditEntry
from verification.workflow import commands
from verification.workflow.review import Reviewer, review

ROUTES = ("eds", "biometric")
REASON = "Айгүл Ахметова, the same scar above the left eye"
SAID = {
    "grey": lambda check: Inconclusive(check, "face_review"),
    "wrong": lambda check: Failed(check, "face_mismatch"),
    "clear": Passed,
}


def _stage(name: str) -> Stage:
    def accept(memory, untrusted, at):
        return Turn(next=Next.COLLECT, memory=memory, evidence={f"{name}.answer": untrusted["sees"].encode()})

    def match(case, evidence, policy):
        return SAID[evidence.get(f"{name}.answer").decode()](f"{name}.match")

    def told(case, evidence, policy):
        return Passed(f"{name}.told") if evidence.get(f"{name}.answer") else Failed(f"{name}.told", "bad_answer")

    def first(case, evidence, policy):
        # A later stage sees what an earlier one was passed by, whoever passed it.
        return Passed(f"{name}.first") if evidence.get("glance.answer") else Failed(f"{name}.first", "bad_answer")

    checks = {f"{name}.told": told, f"{name}.match": match, f"{name}.first": first}
    return Stage(name=name, page="code", accept=accept, checks=checks, seconds=300, attempts=3)


@pytest.fixture
def glances(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The workflow finds these routes, of the stages `glance` and `nod`, where it looks for `eds` and `biometric`."""
    settings.TULGA_ROUTES = list(ROUTES)
    for name in ROUTES:
        module = ModuleType(f"insecure_{name}")
        module.ROUTE = Route(name=name, policy=InsecurePolicy(), stages=(_stage("glance"), _stage("nod")))
        monkeypatch.setitem(sys.modules, f"verification.routes.{name}", module)


def glanced(*answers: str, of=None, reference: str = "A-1", profile: str = "KZ-2025-01", **more) -> Story:
    """A verification whose borrower agreed and then was seen like this, stage after stage."""
    story = begin(of or lender(), reference, profile=profile, **more)
    if not story.row().route:
        commands.choose_route(verification_id=story.id, route=ROUTES[0])
    story.answer(agreed=True, version=CURRENT, language="ru")
    story.work()
    for sees in answers:
        see(story, sees)
    return story


def see(story: Story, sees: str) -> None:
    """Answers the stage that is open; the question before the last stage is answered on the way."""
    if story.page().page == "question":
        story.answer(somebody_tells_me=False)
        story.work()
    story.answer(sees=sees)
    story.work()


def people(story, number=2):
    return [Reviewer(person_id=f"usr_{n}", lender_id=story.lender.pk) for n in range(number)]


def voted(story, *, passes=True, reviewers=None, reason=REASON):
    reviewers = people(story) if reviewers is None else reviewers
    return review(verification_id=story.id, passes=passes, reviewers=reviewers, reason=reason)


def judged(story):
    return Attempt.objects.filter(verification_id=story.id, stage=story.row().stage).latest("turn")


def entries(story, *types):
    found = AuditEntry.objects.filter(verification_id=story.id, type__in=types)
    return list(found.order_by("verification_sequence"))
