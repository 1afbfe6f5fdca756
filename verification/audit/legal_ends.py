"""When a verification may come to people or to its end, and whether the log shows why. Pure, as `legal_course` is."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from verification.audit.legal_course import OPEN, REVIEW, Course
from verification.audit.legal_words import (
    CONSENT,
    LAW,
    MOVE,
    REASON,
    STAGES,
    TIME,
    TRIES,
    Body,
    Fault,
    listed,
    released,
    text,
)
from verification.core import profiles, releases
from verification.core.reasons import REASONS
from verification.core.results import Outcome
from verification.core.route import OURS
from verification.course import policy

COERCED, EXHAUSTED, UNSURE = "coercion_reported", "attempts_exhausted", "check_missing"
UNLOOKED = "review_unavailable"


def in_review(course: Course, body: Body) -> Iterator[Fault]:
    """It comes to people by an attempt whose checks left it to them."""
    left = course.standing(REVIEW)
    if left is None or course.in_review or course.is_stopped:
        yield MOVE, "no judgement left it to people"
    elif left.code != text(body, "code"):
        yield REASON, "it came to people for another reason than was judged"
    course.in_review, course.until = True, course.now + timedelta(seconds=policy.REVIEW_SECONDS)
    yield from _same_law(course, body)


def verified(course: Course, body: Body) -> Iterator[Fault]:
    """One combination of its law is whole: every stage of every route of it passed, in order, the consent before."""
    if course.in_review or course.is_stopped or course.standing(OPEN) or course.standing(REVIEW):
        yield MOVE, "it was verified while something was still open"
    names = [str(one) for one in listed(body, "releases")]
    known = [releases.RELEASES[name] for name in names if name in releases.RELEASES]
    if len(known) != len(names) or [one.route for one in known] != listed(body, "routes"):
        yield LAW, "nobody knows the releases of the routes that it was verified by"
    # The stages of each route that have no lawful pass, or one before that of an earlier stage.
    missing: dict[str, list[str]] = {}
    for one in known:
        first, *others = one.names
        given = [at for (_, stage), at in course.passed.items() if stage == first]
        places = [course.passed.get((one.route, stage)) for stage in others]
        lacking = [] if given else [first]
        lacking += [stage for stage, at in zip(others, places, strict=True) if at is None]
        if not lacking:
            order = [min(given), *(at for at in places if at is not None)]
            lacking = [stage for stage, (before, at) in zip(others, pairwise(order), strict=True) if before >= at]
        missing[one.route] = lacking
    proven = [route for route, stages in missing.items() if not stages]
    if course.asks_register and not all(release.asks_register for release in known):
        yield LAW, "it was verified by a release that does not ask the register of people, and its law does"
        proven = []
    if not profiles.suffices(course.combinations, passed=proven):
        open_ones = [f"{stage} of {route}" for route, stages in missing.items() for stage in stages]
        what = f": there is no pass of {', '.join(open_ones)}" if open_ones else ""
        yield STAGES, f"no combination of its law is whole{what}"
    if any(one.names[0] in missing[one.route] for one in known):
        yield CONSENT, "it was verified without the borrower's consent"
    yield from _same_law(course, body)
    yield from _opened_lately(course)


def declined(course: Course, body: Body) -> Iterator[Fault]:
    """The log shows why: a failure that ends it, none left, a refusal by people, or a borrower who was told what to do.

    Attempts are counted over all verifications of a borrower: those of others that it names, `legal_tries` looks up.
    """
    code, last = text(body, "code"), course.last
    # The code by which the last attempt failed, if it did.
    failed = last.code if last is not None and last.outcome in (Outcome.FAILED, "lapsed") else None
    if course.is_stopped:
        is_shown = (code, body.get("cause")) == (COERCED, "hand_over")
    elif course.in_review or course.standing(OPEN) or course.standing(REVIEW):
        yield MOVE, "it was declined while something was still open"
        is_shown = True
    elif code == EXHAUSTED:
        # What hindered another attempt is no failure of one: it was counted over all verifications of the borrower.
        failure = text(body, "last_failure")
        is_shown = failure in ("", failed, *policy.HINDRANCES)
        yield from _exhausted(course, body)
    elif code == UNSURE:
        # The last stage of a route has passed, and what follows is nothing that its law knows.
        is_begun = any(set(course.finished) <= set(one) for one in course.combinations)
        is_shown = last is not None and last.outcome == Outcome.PASSED and (bool(course.overtaken) or not is_begun)
    else:
        reason = REASONS.get(code)
        is_shown = failed == code and bool(reason and reason.final)
    if not is_shown:
        yield REASON, "nothing before it shows why it was declined"
    yield from _same_law(course, body)


def expired(course: Course, body: Body) -> Iterator[Fault]:
    """The borrower, or the reviewers, let it run out."""
    code = "review_timeout" if course.in_review else "verification_expired"
    if text(body, "code") != code or course.is_stopped:
        yield REASON, "what let it run out is not what stood open"
    if (asked := course.standing(OPEN)) is not None and asked.next in OURS:
        yield MOVE, "it ran out when the borrower had answered"
    if course.until is None or course.now < course.until:
        yield TIME, "it ran out before its time was over"
    yield from _same_law(course, body)


def canceled(course: Course, body: Body) -> Iterator[Fault]:
    """The lender no longer needs it."""
    if text(body, "code") != "canceled_by_lender" or course.is_stopped:
        yield REASON, "nothing shows that its lender canceled it"
    yield from _same_law(course, body)


def in_vain(course: Course, entry_type: str) -> Iterator[Fault]:
    """What was left to people in vain failed, and nothing else came of it."""
    if course.is_in_vain and entry_type != "verification.failed":
        course.is_in_vain = False
        yield MOVE, "what was left to people in vain ends with the next entry"


def failed(course: Course, body: Body) -> Iterator[Fault]:
    """Our fault: the last try could not tell, as `cause` says, or the entry before names the last fault.

    Or people had to look, and a worker found too few who could vote. The log does not know who could.
    """
    if course.in_review or course.is_stopped:
        yield MOVE, "it failed while nothing was to be done"
    cause, last, tried = text(body, "cause"), course.last, course.faulted[1]
    is_in_vain, course.is_in_vain = course.is_in_vain, False
    if text(body, "code") == UNLOOKED:
        # The entry before is a judgement that left it to people for this cause, unburnt.
        if not is_in_vain:
            yield MOVE, "no judgement before it left it to people in vain"
        elif last is None or last.code != cause:
            yield REASON, "it failed for another reason than was judged"
        yield from _same_law(course, body)
        return
    # The judgement that could not tell is the last try.
    by_check = last is not None and (last.outcome, last.code) == (Outcome.RETRY, cause)
    is_shown, is_last = (by_check, tried + 1) if cause else (bool(course.fault), tried)
    if text(body, "code") != "retries_exhausted" or not is_shown:
        yield REASON, "nothing before it shows by which fault it failed"
    elif is_last < policy.FAULTS_MAX:
        yield TRIES, f"it failed after {is_last} tries, and has {policy.FAULTS_MAX}"
    yield from _same_law(course, body)


def _exhausted(course: Course, body: Body) -> Iterator[Fault]:
    """It names as many spent attempts at the stage as its release allows; its own are those it had."""
    release, stage = released(body, course.route), text(body, "stage")
    named = {text(one, "attempt"): text(one, "verification") for one in listed(body, "spent") if isinstance(one, dict)}
    if stage in course.done:
        yield MOVE, f"it was declined at {stage}, which had passed"
    if release is None or not 0 < release.tries(stage) <= len(named):
        yield TRIES, f"it names {len(named)} spent attempts, which is fewer than {stage or 'no stage'} has"
    own = [course.attempts[name] for name, of in named.items() if not of and name in course.attempts]
    if len(own) != sum(not of for of in named.values()) or not all(one in course.spent(stage) for one in own):
        yield TRIES, "it names as spent what was no attempt of it at this stage, or was not spent"


def _opened_lately(course: Course) -> Iterator[Fault]:
    """An opening that is put back to the days of a laxer law is longer ago than any verification lives."""
    latest = (course.opened_at or course.now) + timedelta(seconds=policy.COURSE_SECONDS)
    if course.log != policy.TEST_LOG and course.now > latest:
        yield TIME, "it was verified longer after its opening than any verification lives"


def _same_law(course: Course, body: Body) -> Iterator[Fault]:
    if text(body, "profile_sha256") != course.profile_sha256:
        yield LAW, "it names another law than it was opened by"
