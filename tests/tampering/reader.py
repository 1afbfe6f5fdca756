"""Who reads: the functions of `audit_verify` in its order, and somebody who kept one checkpoint from before."""

from collections.abc import Iterable, Iterator
from itertools import chain

from tests.verification.audit.looks import findings_of
from verification.audit import keys
from verification.audit.verify import verify_database, verify_log
from verification.audit.verify_since import verify_since
from verification.core.findings import Finding
from verification.evidence.inspection import Unchecked, verify_case, verify_cases, verify_evidence, verify_shared
from verification.models import AuditEntry


def findings() -> Iterator[Finding]:
    """Everything that `audit_verify` would say of both logs."""
    looks = [verify_database()]
    for log in keys.LOGS:
        looks += [verify_log(log), verify_cases(log, unchecked=Unchecked()), verify_evidence(log)]
    yield from chain(*looks, verify_shared())


def first(*, touched: Iterable[str] = ()) -> Finding | None:
    """One of them, if there is any, which is all that is asked.

    touched: verifications that are read first, each as `audit_verify` reads all of them, for there most are found.
    """
    try:
        early = next(chain.from_iterable(_of_case(pk) for pk in touched), None)
    except Exception:  # what cannot be read is a finding as well, and is told so by what is around it
        early = None
    return early or next(findings(), None)


def _of_case(pk: str) -> Iterator[Finding]:
    for log in keys.LOGS:
        yield from findings_of(pk, log=log)
    opened = AuditEntry.objects.filter(verification=pk, type="verification.created").values_list("pk", flat=True)
    for entry in opened:
        for field, detail in verify_case(entry, Unchecked()):
            yield Finding(code="case", entry=entry, field=field, detail=detail)


def contradicts(note: str, *, log: str = "test") -> bool:
    """Whether the log of today is not one that the checkpoint in this note was signed in: `audit_verify --since`."""
    return next(verify_since(log, note.encode()), None) is not None
