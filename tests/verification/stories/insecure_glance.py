"""Two routes whose checks say what the borrower tells them to: `clear` passes, `grey` is for
people, `wrong` fails, and `near` is asked for once more while no attempt is spent, and then for
people.

Each stage keeps two pictures: a reference, and a frame of the command `blink` in whose file the
    camera wrote a word.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from PIL import Image
from pytest_django import Settings

from lenders.models import Lender
from tests import registered
from tests.scenes import staged
from tests.verification import lawful
from tests.verification.stories.insecure_route import InsecurePolicy, install
from tests.verification.stories.story import Story, begin, lender
from verification.access.answers import choose_route
from verification.case.votes import Reviewer
from verification.core.results import Failed, Inconclusive, Passed, Result
from verification.core.route import Next, Picture, Stage, Turn
from verification.engines.faces import image_gate
from verification.engines.faces.image_gate import ImageLimits
from verification.models import Attempt, AuditEntry
from verification.review.voting import vote
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

ROUTES = ("eds", "biometric")
ATTEMPTS = 3
BESIDE = "where the borrower lives"
REASON = "Айгүл Ахметова, the same scar above the left eye"
SAID: dict[str, Callable[[str], Result]] = {
    "grey": lambda check: Inconclusive(check, "face_review"),
    "near": lambda check: Inconclusive(check, "face_review"),
    "wrong": lambda check: Failed(check, "face_mismatch"),
    "clear": Passed,
}


@dataclass(frozen=True)
class Glance:
    """What was seen."""

    seen: str
    is_after_a_glance: bool
    left: int | None


@cache
def photograph(colour: str) -> bytes:
    """A JPEG of one colour with a word in its EXIF."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x010E] = BESIDE
    Image.new("RGB", (320, 240), colour).save(file, "JPEG", exif=exif, comment=BESIDE)
    return file.getvalue()


def _stage(name: str) -> Stage:
    def accept(memory, untrusted, at):
        shown = {f"{name}.photo": photograph("teal"), f"{name}.frame.0": photograph("olive")}
        return Turn(
            next=Next.COLLECT,
            memory=memory,
            evidence={f"{name}.answer": untrusted["sees"].encode(), **shown},
        )

    def measure(case, evidence, policy):
        # A later stage sees what an earlier one was passed by, checks or people.
        seen = (evidence.items.get(f"{name}.answer") or b"").decode()
        return Glance(
            seen=seen,
            is_after_a_glance=evidence.items.get("glance.answer") is not None,
            left=evidence.attempts_left,
        )

    def told(facts, policy):
        return Passed(f"{name}.told") if facts.seen else Failed(f"{name}.told", "bad_answer")

    def match(facts, policy):
        if facts.seen == "near" and facts.left == ATTEMPTS:
            return Failed(f"{name}.match", "face_again")
        return SAID[facts.seen](f"{name}.match")

    def first(facts, policy):
        return (
            Passed(f"{name}.first")
            if facts.is_after_a_glance
            else Failed(f"{name}.first", "bad_answer")
        )

    def show(kind, content):
        return image_gate.renewed(
            content, limits=ImageLimits(max_bytes=100_000, max_pixels=100_000)
        )

    return Stage(
        name=name,
        page="code",
        accept=accept,
        measure=measure,
        facts=Glance,
        policy_in_use=InsecurePolicy,
        checks={f"{name}.told": told, f"{name}.match": match, f"{name}.first": first},
        seconds=300,
        attempts=ATTEMPTS,
        shows=lambda kind: kind in (f"{name}.photo", f"{name}.frame.0"),
        pictures=lambda evidence: (Picture(f"{name}.photo"), Picture(f"{name}.frame.0", "blink")),
        show=show,
    )


@pytest.fixture
def glances(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The workflow finds these routes, of the stages `glance` and `nod`, where it looks for `eds`
    and `biometric`.
    """
    settings.TULGA_ROUTES = list(ROUTES)
    put_in(monkeypatch)


def put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts both where the workflow looks for these routes."""
    for name in ("glance", "nod"):
        lawful.know_kinds(
            monkeypatch, *(f"{name}.{word}" for word in ("answer", "photo", "frame.N"))
        )
    for name in ROUTES:
        install(monkeypatch, name, _stage("glance"), _stage("nod"))


def glanced(
    *answers: str,
    of: Lender | None = None,
    reference: str = "A-1",
    profile: str = "KZ-2025-01",
    **more: Any,
) -> Story:
    """A verification whose borrower agreed and then was seen like this, stage after stage."""
    name = f"glanced {answers} {of and of.pk} {reference} {profile} {more}"
    return staged(
        name,
        lambda: _glanced(*answers, of=of or lender(), reference=reference, profile=profile, **more),
    )


def _glanced(*answers: str, of: Lender, reference: str, profile: str, **more: Any) -> Story:
    story = begin(of, reference, profile=profile, **more)
    if not story.row().route:
        choose_route(verification_id=story.id, route=ROUTES[0])
    story.reply(agreed=True, version=CURRENT, language="ru")
    for sees in answers:
        see(story, sees)
    return story


def see(story: Story, sees: str) -> None:
    """Answers the stage that is open; the question before the last stage is answered on the way."""
    if story.page().page == "question":
        story.reply(somebody_tells_me=False)
    story.reply(sees=sees)


def people(story, number=2):
    for n in range(number):
        registered.reviewer(f"usr_{n}", story.lender)
    return [Reviewer(person_id=f"usr_{n}", lender_id=story.lender.pk) for n in range(number)]


def voted(story, *, passes=True, reviewers=None, reason=REASON):
    """The status after two people passed it, or one refused it."""
    people_asked = people(story) if reviewers is None else reviewers
    for reviewer in people_asked if passes else people_asked[:1]:
        registered.reviewer(reviewer.person_id, story.lender)
        vote(verification_id=story.id, reviewer=reviewer, passes=passes, reason=reason)
    return _weighed(story)


def one_voted(story, *, person="usr_0", passes=True, reason=REASON, known_as=()):
    registered.reviewer(person, story.lender)
    reviewer = Reviewer(person_id=person, lender_id=story.lender.pk, known_as=known_as)
    vote(verification_id=story.id, reviewer=reviewer, passes=passes, reason=reason)
    return _weighed(story)


def _weighed(story):
    """The status once a worker has weighed what suffices."""
    story.work()
    return story.row().status


def judged(story):
    return Attempt.objects.filter(verification_id=story.id, stage=story.row().stage).latest("turn")


def entries(story, *types):
    found = AuditEntry.objects.filter(verification_id=story.id, type__in=types)
    return list(found.order_by("verification_sequence"))
