"""What may be said of a verification beside its clearances: attested, disputed, of its contract and its obligation.

A contract is reported once, and a new consent asked for no sooner than the law's wait was over (O-52). And what a test
clock puts forward, by which such a wait, and each other time, is over sooner. Pure, as `legal_steps` is.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from verification.audit.legal_clearances import laws_of
from verification.audit.legal_course import Course
from verification.audit.legal_words import LAW, MOVE, TERMS, TIME, Body, Fault, moment, number, text
from verification.core.attestations import KINDS
from verification.core.clearance import CONSUMED, release_not_before
from verification.core.events import CLOSED, OPENED
from verification.course import policy


def attested(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """An employee who had no part in the case says that something was confirmed, each thing once."""
    what, person = text(body, "what"), text(body, "person")
    if not course.is_signed:  # then it counts for nothing
        return
    if what not in KINDS or what in course.attested or not person or person in course.senders:
        yield MOVE, "attested twice, or by somebody who had sent the borrower a link, or what nobody knows"
    if CONSUMED in course.clearances.values():
        yield MOVE, "attested after the money had left"
    course.attested.add(what)


def disputed(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """The borrower says that it was not them: no money leaves from then on."""
    course.is_disputed |= course.is_signed
    yield from ()


def obliged(course: Course, body: Body, *, at: int, word: str) -> Iterator[Fault]:
    """The obligation was opened, then closed, each once, after the decision and not in time to come."""
    when = moment(body, "at")
    if not course.is_signed:  # then it counts for nothing
        return
    if when is None or word in course.obligation or (word == CLOSED and OPENED not in course.obligation):
        yield MOVE, f"an obligation that stood otherwise is said to be {word}"
        return
    ahead = timedelta(seconds=policy.OBLIGATION_AHEAD_SECONDS + policy.CLOCKS_APART_SECONDS)
    opened, decided = course.obligation.get(OPENED), course.ended_at
    is_early = opened is not None and when < opened
    # The decision's own time may come back cut.
    is_early |= decided is not None and when <= decided - timedelta(seconds=policy.TOLD_TO_SECONDS)
    if when > course.stamped + ahead or is_early:
        yield TIME, f"an obligation is said to be {word} before it could be, or in time to come"
    course.obligation[word] = when


def reported(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """The lender reports its contract, once; the wait counts from then, or from a later signing."""
    since, signed_at = course.moment(body, "release_from"), course.moment(body, "signed_at")
    if not course.is_signed:
        return
    if course.waits_until is not None or since is None or signed_at is None:
        yield MOVE, "a contract was reported twice, or without its times"
        return
    if since != max(signed_at, course.now):
        yield TIME, "the wait counts from another time than the report, or a later signing"
    course.waits_until, course.contract = since, text(body, "contract")
    if number(body, "cap") != (course.cap or number(body, "cap")):
        yield TERMS, "a contract was reported for another sum than was asked for"
    course.cap = course.cap or number(body, "cap")


def renewed(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """The borrower is asked anew once the wait is over that the laws of then ask. Whoever sent it attests nothing."""
    if not course.is_signed:
        return
    course.senders |= {text(body, "person")} - {""}
    if course.waits_until is None:
        yield MOVE, "a new consent was asked for, and no contract was reported"
        return
    if not (laws := laws_of(course, body)):
        yield LAW, "nobody knows the law by which a new consent was asked for"
        return
    until: datetime | None = release_not_before(course.waits_until, laws)
    if until is None or course.now < until:
        yield TIME, "a new consent was asked for before the wait was over, or where none is"


def advanced(course: Course, body: Body, *, at: int) -> Iterator[Fault]:
    """A test lender puts forward what is due: of test verifications alone, and by no more than it may at once."""
    seconds = number(body, "advance_seconds")
    if not course.is_signed:
        return
    if course.log != policy.TEST_LOG or not 1 <= seconds <= policy.ADVANCE_SECONDS_MAX:
        yield MOVE, "a clock was advanced of what is live, or by what it may not be"
        return
    course.advanced += timedelta(seconds=seconds)
