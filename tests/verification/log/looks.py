"""What `audit_verify` says of one case alone, and of how the cases of a log were moved."""

from collections.abc import Iterator

from verification.core.findings import Finding
from verification.log.verify_cases import look_at, verify_cases

_OF_ROWS = frozenset({"row_differs", "row_missing", "row_unsaid", "entry_lost"})


def findings_of(case: str, *, log: str = "test") -> list[Finding]:
    return list(look_at(log).at_page([case]))


def differences_of(case: str, *, log: str = "test") -> list[Finding]:
    """Of its rows alone."""
    return [finding for finding in findings_of(case, log=log) if finding.code in _OF_ROWS]


def verify_legality(log: str) -> Iterator[Finding]:
    """Without what it says of their rows."""
    return (finding for finding in verify_cases(log) if finding.code not in _OF_ROWS)
