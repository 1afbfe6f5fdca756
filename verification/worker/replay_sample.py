"""Judges a few judgements of a log again, drawn by chance: `manage.py audit_verify --replay`.

Whoever names the number that the chance begins with, and the same log, draws the same ones.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import Any

from verification.case import contents
from verification.core.errors import NotFound, TulgaError
from verification.core.findings import Finding
from verification.log import entries
from verification.models import AuditEntry
from verification.worker.replay import FACTS, Replayed, Verdict, judge_again, record


@dataclass
class Sample:
    """How many are to be drawn of a log, by which seed, and what became of them.

    of: how many there were to draw from. from_facts: those of `same` that the kept measurements
        alone could show.
    cannot: how many could not be judged again, by the code that says why.
    """

    wanted: int
    seed: int
    of: int = 0
    drawn: int = 0
    same: int = 0
    from_facts: int = 0
    different: int = 0
    cannot: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """One line of plain words."""
        summary = (
            f"{self.drawn} of {self.of} judgements drawn (seed {self.seed}): {self.same} come out"
            " the same"
        )
        summary += f" ({self.from_facts} from facts alone)" if self.from_facts else ""
        summary += f", {self.different} otherwise" if self.different else ""
        why = ", ".join(f"{code} {number}" for code, number in sorted(self.cannot.items()))
        return summary + (
            f"; {self.cannot.total()} could not be judged again: {why}" if why else ""
        )

    @property
    def is_blind(self) -> bool:
        """Whether there was something to judge again, and nothing of it could be."""
        return 0 < self.drawn == self.cannot.total()

    def as_json(self) -> dict[str, Any]:
        """The same as a JSON object."""
        return asdict(self)


def replay_sample(log: str, sample: Sample) -> Iterator[Finding]:
    """Each drawn judgement that comes out otherwise; the others are counted. Each is on record, as
    by any replay.
    """

    def ids() -> Iterator[str]:
        for pk in entries.ids_of_type(log, "attempt.judged", are_ordered=True):
            sample.of += 1
            yield pk

    # Those whose ids, hashed with the seed, come first: nobody who does not know the seed foresees
    # them.
    for pk in heapq.nsmallest(
        sample.wanted, ids(), key=lambda pk: sha256(f"{sample.seed} {pk}".encode()).digest()
    ):
        [entry] = entries.by_ids([pk])
        found = _judged_again(entry)
        sample.drawn += 1
        if found.verdict is Verdict.CANNOT:
            sample.cannot[found.code] += 1
        elif found.verdict is Verdict.SAME:
            sample.same += 1
            sample.from_facts += found.source == FACTS
        else:
            sample.different += 1
            detail = f"{found.stage} of {found.route} comes out otherwise: {found.detail}"
            index = entry.leaf.leaf_index
            yield Finding(
                code="judged_otherwise", log=log, leaf_index=index, entry=entry.pk, detail=detail
            )


def _judged_again(entry: AuditEntry) -> Replayed:
    body = entry.body
    where = str(body.get("attempt")), str(body.get("route")), str(body.get("stage"))
    failed = Replayed(*where, Verdict.CANNOT)
    try:
        row = contents.of_any_lender(entry.verification_id or "")
    except NotFound as error:
        return replace(failed, detail=error.detail, code=error.code)
    try:
        again = judge_again(row, entry.pk)
    except TulgaError as error:
        again = replace(failed, detail=error.detail, code=error.code)
    except (LookupError, ValueError, TypeError, AttributeError) as error:  # its form is unknown
        again = replace(failed, detail=type(error).__name__, code="unreadable")
    record(row, [again])
    return again
