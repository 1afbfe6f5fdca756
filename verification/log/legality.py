"""Was a case moved lawfully? The fold of its entries decides, never a row."""

from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from verification.course.entry import Fault
from verification.course.fold import apply
from verification.course.state import State
from verification.log.signatures import course_entry
from verification.models import AuditEntry


class Judged(NamedTuple):
    """The state after a case's entries, and their faults in order."""

    state: State
    faults: list[tuple[AuditEntry, Fault]]


def judge(entries: Iterable[AuditEntry], forged: Container[str] = ()) -> Judged:
    """The course of one case by its entries, in order; `forged`: those without a valid
    signature.
    """
    state, unlawful = State(), list[tuple[AuditEntry, Fault]]()
    for entry in entries:
        state, faults = apply(state, course_entry(entry, is_signed=entry.pk not in forged))
        unlawful += [(entry, fault) for fault in faults]
    return Judged(state, unlawful)


def faults_of(
    entries: Iterable[AuditEntry], forged: Container[str] = ()
) -> Iterator[tuple[AuditEntry, Fault]]:
    """The faults in the entries of one case, as `judge` finds them."""
    yield from judge(entries, forged).faults
