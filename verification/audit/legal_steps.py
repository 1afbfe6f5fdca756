"""What each entry of a verification's course may say where it stands: attempts, judgements, votes, routes. Pure.

Each illegality is told once; what follows is judged as if the entry had been lawful, except that nothing unlawful
counts for a verdict. What the law asks comes from code, by the hashes that entries name: the profile from
`core/profiles.py`, stages, checks and tries from `core/releases.py`. Source: audit.md §6.
"""

from collections.abc import Iterator
from contextlib import suppress

from verification.audit.legal_course import LEFT, OPEN, REVIEW, Attempt, Course
from verification.audit.legal_words import (
    CHECKS,
    CONSENT,
    INPUTS,
    LAW,
    MOVE,
    PLAYED,
    TIME,
    TRIES,
    VOTES,
    Body,
    Fault,
    listed,
    number,
    released,
    text,
)
from verification.core import profiles, scenarios
from verification.core.errors import Misconfigured
from verification.core.keeping import inputs_mark
from verification.core.reasons import REASONS
from verification.core.results import Decision, Outcome, decide, on_record
from verification.core.route import Next
from verification.course import policy


def created(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """By which law it goes: the profile of that hash, of which the lender allows some combinations."""
    if at != 1:
        yield MOVE, "a verification is opened once, by its first entry"
        return
    course.route, course.profile_sha256 = text(body, "route"), text(body, "profile_sha256")
    course.until = course.expires_at = course.moment(body, "expires_at")
    course.opened_at = course.now
    if not course.is_signed:  # then nothing suffices
        return
    try:
        profile = profiles.pinned(course.profile_sha256)
    except Misconfigured:
        yield LAW, "nobody knows a profile of the hash by which it was opened"
        return
    course.asks_register = bool(profile.register_asked)
    allowed = [tuple(map(str, one)) for one in listed(body, "combinations") if isinstance(one, list)]
    course.combinations = tuple(one for one in profile.combinations if one in allowed)
    if (profile is profiles.RENEWAL) is not bool(text(body, "renews")):
        yield LAW, f"by {profile.id} a new consent is given, and nothing else"
    if profile.id != body.get("profile"):
        yield LAW, f"its profile has the hash of {profile.id} and another name"
    if not course.combinations or len(allowed) != len(course.combinations):
        yield LAW, f"it allows what {profile.id} does not have, or nothing of it"
    if course.route and [course.route] != sorted({one[0] for one in course.combinations}):
        yield MOVE, "it begins with a route that nobody had to choose"


def chosen(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """The borrower picks a first route, or leaves for another; or the next of a combination follows."""
    route = text(body, "route")
    if course.finished:
        begun = [one for one in course.combinations if set(course.finished) <= set(one)]
        offered = [profiles.next_route(one, passed=course.finished) for one in begun]
    else:
        offered = [one[0] for one in course.combinations if one[0] != course.route]
    if route not in offered or course.is_held():
        yield MOVE, "this route was not to be chosen here"
    if (left := course.standing(OPEN)) is not None:
        left.stands = LEFT
    course.route, course.release, course.done, course.overtaken = route, None, set(), set()
    course.faulted = ("", 0)


def opened(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """An attempt at a stage: no other is open, all before it have passed, the consent first of all."""
    name, course.faulted = text(body, "attempt"), ("", 0)
    attempt = Attempt(text(body, "route"), text(body, "stage"), is_signed=course.is_signed)
    attempt.until = course.moment(body, "expires_at")
    if not name or name in course.attempts or course.standing(OPEN) or course.is_held():
        yield MOVE, "an attempt was opened while another was, or twice, or where nobody is asked"
    course.attempts[name] = attempt
    attempt.release = released(body, attempt.route)
    if attempt.route != course.route:
        yield MOVE, f"the route under way is not {attempt.route}"
    if (release := released(body, attempt.route)) is None or attempt.stage not in release.names:
        yield LAW, f"nobody knows the release by which {attempt.route} has this stage"
        return
    if course.asks_register and not release.asks_register:
        yield LAW, f"its law wants the register of people asked, and {attempt.route} by this release does not"
    before = release.before(attempt.stage)
    if before and before[0] not in course.given:
        yield CONSENT, f"{attempt.stage} was opened without the borrower's consent"
    if course.release is not None and course.done:
        course.overtaken.update(set(before) - set(course.release.before(attempt.stage)))
    course.release = release
    if missing := [one for one in before[1:] if one not in course.done | course.overtaken]:
        yield MOVE, f"{attempt.stage} was opened before {missing[0]} had passed"
    if attempt.stage in course.done:
        yield MOVE, f"{attempt.stage} was opened again after it had passed"
    if (tries := release.tries(attempt.stage)) and len(course.spent(attempt.stage)) >= tries:
        yield TRIES, f"{attempt.stage} was opened after {tries} attempts at it were spent"


def answered(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """The borrower answers what is open and waits for them."""
    attempt = course.attempts.get(text(body, "attempt"))
    if attempt is None or attempt.stands != OPEN or attempt.next in (Next.LOOK, Next.COLLECT):
        yield MOVE, "an answer to what nobody asked"
    elif any(until is None or course.now > until for until in (attempt.until, course.expires_at)):
        yield TIME, "it was answered when its time was over, or the time of the whole"
    if attempt is not None:
        course.go_on(attempt, body)
        attempt.is_begun = True


def looked_at(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """A worker looked at one turn's answer, and said who moves next."""
    attempt = course.attempts.get(text(body, "attempt"))
    if attempt is None or attempt.stands != OPEN or attempt.next != Next.LOOK:
        yield MOVE, "a look at what nobody answered"
    if attempt is not None:
        course.go_on(attempt, body)


def kept(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """Evidence is that of an attempt that was opened."""
    if (attempt := course.attempts.get(text(body, "attempt"))) is None:
        yield MOVE, "evidence of an attempt that was never opened"
        return
    course.keep(attempt, body)
    if "expires_at" in body:  # it was prepared, and given to the borrower
        attempt.until, attempt.next, course.faulted = course.moment(body, "expires_at"), Next.ASK, ("", 0)


def lapsed(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """Nobody went on with an open attempt, or with one that was left for another route."""
    attempt = course.attempts.get(text(body, "attempt"))
    if attempt is None or attempt is not (course.standing(OPEN) or course.standing(LEFT)):
        yield MOVE, "what lapsed was not open"
    elif attempt.stands == OPEN and not course.has_ended and (attempt.until is None or course.now < attempt.until):
        yield TIME, "it lapsed before its time was over"
    if attempt is not None:
        reason = REASONS.get(text(body, "code"))
        burns = attempt.is_begun and reason is not None and reason.burns
        yield from course.close(attempt, "lapsed", body, burns=burns)


def judged(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """The word on an open and answered attempt is what its checks come to, all that its release asks for."""
    attempt = course.attempts.get(text(body, "attempt"))
    place = (text(body, "route"), text(body, "stage"))
    if attempt is None or attempt.stands != OPEN or attempt.next != Next.COLLECT or course.is_held():
        yield MOVE, "what was judged was not open, or not answered"
    if attempt is None:
        return
    if place != (attempt.route, attempt.stage):
        yield MOVE, "it was judged as another stage than it was opened"
    attempt.release = released(body, attempt.route)
    required = attempt.release.checks(attempt.stage) if attempt.release else ()
    decision: Decision | None = None
    with suppress(KeyError, TypeError):  # where nobody knows what a check says, it comes to nothing
        decision = decide(on_record(listed(body, "checks")), required=required)
    faults = list(_faults_of(course, attempt, body, decision))
    yield from faults
    if any(isinstance(one, dict) and one.get("engine", {}) != course.engine for one in listed(body, "checks")):
        yield PLAYED, "its checks do not say who played the borrower, or that somebody did"
    course.keep(attempt, body)
    attempt.is_lawful = attempt.is_signed and course.is_signed and not faults
    outcome = text(body, "outcome")
    # What people look at is spent until they pass it. Where too few could vote it is not.
    is_left = outcome == Outcome.REVIEW
    course.is_in_vain = is_left and attempt.is_counted and body.get("burnt") is False
    burns = (is_left and not course.is_in_vain) or (decision is not None and decision.burns)
    yield from course.close(attempt, outcome, body, burns=burns)
    if is_left:
        attempt.stands = REVIEW
    elif outcome == Outcome.PASSED:
        course.pass_on(attempt, at=at)


def voted(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """One of the lender's people, who had no part in the case, says what they see; each once."""
    person, attempt = text(body, "person"), course.attempts.get(text(body, "attempt"))
    if attempt is None or attempt.stands != REVIEW or not course.in_review or course.is_stopped:
        yield MOVE, "a vote on what was not left to people"
    elif not person or person in attempt.votes or person in course.senders:
        yield MOVE, "a vote of somebody who had voted, or had sent the borrower a link"
    elif course.until is None or course.now > course.until:
        yield TIME, "a vote when the time of its reviewers was over"
    elif course.is_signed and text(body, "outcome") in (Outcome.PASSED, Outcome.FAILED):
        attempt.votes[person] = body["outcome"] == Outcome.PASSED


def reviewed(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """What the votes lead to: passes of enough different people and no other vote, or one that is none."""
    attempt = course.attempts.get(text(body, "attempt"))
    if attempt is None or attempt.stands != REVIEW or not course.in_review or course.is_stopped:
        yield MOVE, "what people decided was not left to them"
    if attempt is None:
        return
    outcome, votes = text(body, "outcome"), attempt.votes.values()
    is_voted = all(votes) and len(votes) >= policy.VOTES_TO_PASS if outcome == Outcome.PASSED else not all(votes)
    if not is_voted:
        yield VOTES, "the votes before it do not come to this"
    if outcome not in (Outcome.PASSED, Outcome.FAILED):
        yield MOVE, "people pass or refuse, and nothing else"
    course.until = course.expires_at
    course.in_review, attempt.is_lawful = False, attempt.is_lawful and is_voted and course.is_signed
    refused = REASONS.get(text(body, "code"))
    burns = outcome == Outcome.FAILED and refused is not None and refused.burns
    yield from course.close(attempt, outcome, body, burns=burns)
    if outcome == Outcome.PASSED:
        course.pass_on(attempt, at=at)


def faulted_at(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """A step that was tried in vain; of what nobody asked for the tries lead nowhere, and are not counted."""
    step, tried = text(body, "step"), number(body, "faults")
    course.fault = text(body, "cause")
    if step in policy.ASKED_STEPS:
        before = course.faulted[1] if course.faulted[0] == step else 0
        if tried > before + 1:
            yield TRIES, f"{step} is said to have been tried {tried} times, and was {before + 1} times"
        course.faulted = (step, tried)


def minted(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """A link; whoever of the lender's people sent it has no vote."""
    course.senders |= {text(body, "person")} - {""}
    yield from ()


def stopped(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """At a phone the borrower said that somebody tells them what to press."""
    course.is_stopped = True
    yield from ()


def simulated(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """The sandbox plays the borrower from here on: in test mode alone, and while no answer is being judged."""
    attempt = course.standing(OPEN)
    if course.log != policy.TEST_LOG:
        yield LAW, "nobody plays a borrower in live mode"
    if course.is_held() or (attempt is not None and attempt.next in (Next.LOOK, Next.COLLECT)):
        yield MOVE, "somebody was to play whom nobody asked, or an answer that was being judged"
    if course.is_signed:
        course.engine = scenarios.engine(text(body, "scenario"))


def _faults_of(course: Course, attempt: Attempt, body: Body, decision: Decision | None) -> Iterator[Fault]:
    """What is wrong with a judgement by itself: its release, its checks, what was made of them, what it was made of."""
    if attempt.release is None or attempt.stage not in attempt.release.names:
        yield LAW, f"nobody knows the release of {attempt.route} that it was judged by"
    elif course.asks_register and not attempt.release.asks_register:
        yield LAW, f"its law wants the register of people asked, and {attempt.route} was judged without it"
    elif decision is None:
        yield LAW, "a check says what nobody knows"
    elif (decision.outcome, decision.code) != (text(body, "outcome"), text(body, "code")):
        come_to = f"{decision.outcome} {decision.code}".rstrip()
        yield CHECKS, f"its checks come to {come_to}, which is not what was said of it"
    # By all that was kept of it, of what else had passed in its route, of the consent, and of what is asked once.
    before = [
        one
        for one in course.attempts.values()
        if one.is_passed and one.stage != attempt.stage and (one.route == attempt.route or one.stage == "consent")
    ]
    if text(body, "inputs") != inputs_mark(course.once.union(*(each.kept for each in (attempt, *before)))):
        yield INPUTS, "it was judged by something else than what was kept before it"
