"""What may be said of a verification once it is verified, beside its clearances. Pure, as `legal_steps` is."""

from collections.abc import Iterator
from datetime import timedelta

from verification.audit import policy
from verification.audit.legal_course import Course
from verification.audit.legal_words import MOVE, TIME, Body, Fault, moment, text
from verification.core.attestations import KINDS
from verification.core.clearance import CONSUMED
from verification.core.events import CLOSED, OPENED


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
