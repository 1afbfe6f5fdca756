"""Who reads: the functions of `audit_verify` in its order, and somebody who kept one checkpoint
from before.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from tests.verification.log.judged import findings_of
from verification.core.findings import Finding
from verification.evidence.inspection import verify_page, verify_shared
from verification.log import keys
from verification.log.entries import of_cases
from verification.log.verify import verify_database, verify_log, verify_since
from verification.log.verify_cases import case_pages

_PAGE = 50


def findings() -> Iterator[Finding]:
    """Everything that `audit_verify` would say of both logs."""
    looks = [verify_database()]
    for log in keys.LOGS:
        looks += [verify_log(log), _sealed(log)]
    yield from chain(*looks, verify_shared())


def first(*, touched: Iterable[str] = ()) -> Finding | None:
    """One of them, if there is any, which is all that is asked.

    touched: verifications that are read first, each as `audit_verify` reads all of them, for there
        most are found.
    """
    try:
        early = next(chain.from_iterable(_of_case(pk) for pk in touched), None)
    except (
        Exception
    ):  # what cannot be read is a finding as well, and is told so by what is around it
        early = None
    return early or next(findings(), None)


def _of_case(pk: str) -> Iterator[Finding]:
    for log in keys.LOGS:
        yield from findings_of(pk, log=log)
        yield from _sealed_of(log, [pk])


def _sealed(log: str) -> Iterator[Finding]:
    for page in case_pages(log, most=_PAGE):
        yield from _sealed_of(log, page)


def _sealed_of(log: str, ids: Sequence[str]) -> Iterator[Finding]:
    return (seen for seen in verify_page(log, of_cases, ids) if isinstance(seen, Finding))


def contradicts(note: str, *, log: str = "test") -> bool:
    """Whether the log of today is not one that the checkpoint in this note was signed in:
    `audit_verify --since`.
    """
    return next(verify_since(log, note.encode()), None) is not None
