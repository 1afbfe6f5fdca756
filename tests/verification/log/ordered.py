"""A log to damage: three cases of two lenders under checkpoints of 3, 6 and 9 entries, and one
entry that waits.

Its cases are made up, and moved by no law: what is said of that is left out.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.verification.log.rows import add_case, add_entry, add_lender, order_all
from verification.core.findings import Finding
from verification.course.entry import CODES
from verification.log import verify
from verification.log.verify import verify_log
from verification.log.verify_cases import verify_cases
from verification.models import AuditLeaf

ENTRY = 4
"""The leaf that most damages are done to: a case's second entry, in the second of three batches."""


def nine_ordered() -> list[AuditLeaf]:
    """Makes the log and gives its leaves in order."""
    lender = add_lender("111111111111")
    for owner in (lender, lender, add_lender("222222222222")):
        add_case(owner)
        order_all()
    add_entry()
    return list(AuditLeaf.objects.filter(log="test").order_by("leaf_index"))


def found(log: str = "test") -> list[Finding]:
    """Everything that is wrong with a log, but for how its cases were moved."""
    return [finding for finding in verify_log(log) if finding.code not in CODES]


def without_law(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told of how the cases of a log were moved."""

    def of_rows(log: str, **how: Any) -> Iterator[Finding]:
        return (finding for finding in verify_cases(log, **how) if finding.code not in CODES)

    monkeypatch.setattr(verify, "verify_cases", of_rows)
