"""Does every row about a verification say what its entries say, and has every row its entry?

Only what a body names is compared: the bytes of a body are signed, so nobody can take a name out of it unseen. Which
column is compared with what is listed in `columns.py`.
"""

from collections.abc import Iterator

from verification.audit import signatures
from verification.audit.compare_attempts import compare_attempts
from verification.audit.compare_case import compare_case, compare_receipt
from verification.audit.compare_clearances import compare_clearances
from verification.audit.compare_evidence import compare_evidence
from verification.audit.compare_ways import compare_ways
from verification.audit.held_rows import Held, load
from verification.core.errors import Conflict
from verification.core.findings import Finding
from verification.models import Verification


def compare(log: str, held: Held) -> Iterator[Finding]:
    """Everything that the rows of one verification and its entries say differently."""
    yield from compare_case(log, held)
    yield from compare_receipt(log, held)
    yield from compare_attempts(log, held)
    yield from compare_evidence(log, held)
    yield from compare_ways(log, held)
    yield from compare_clearances(log, held)


def require_as_said(verification: Verification) -> Held:
    """A verification's entries and rows, for whoever is about to end it by them; its own row is locked, and read anew.

    Raises `Conflict` unless every entry stands in its log and is signed as its type asks (`entries_unsound`), and its
    row, its attempts and their votes say what the entries say (`row_differs`): what was changed behind the log's back,
    to be put back once a worker has signed what it leads to, leads to nothing. Damaged evidence is told of where it is
    read.
    """
    verification.refresh_from_db()
    held, log = load([verification.pk], is_whole=False)[verification.pk], verification.mode
    if any(one.log != log for one in held.entries) or len(signatures.sound(held.entries)) != len(held.entries):
        raise Conflict("an entry about it does not count", code="entries_unsound")
    if wrong := [finding.detail for finding in (*compare_case(log, held), *compare_attempts(log, held))]:
        raise Conflict(f"its rows are not what its entries say: {'; '.join(wrong[:3])}", code="row_differs")
    return held
