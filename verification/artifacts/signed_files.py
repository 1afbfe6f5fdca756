"""The statement and the signature as they were judged, for the lender and for the borrower: the
very bytes.
"""

from dataclasses import dataclass, field
from typing import Final

from django.db.models import Exists, OuterRef

from verification import transactions
from verification.artifacts import documents
from verification.case import contents, dossier
from verification.case.history import read
from verification.core.errors import Conflict, NotFound
from verification.core.events import DOWNLOADED
from verification.core.statement_text import is_text
from verification.core.status import TERMINAL
from verification.log import decided, entries, log
from verification.models import Attempt, EvidenceItem, Verification

STATEMENT: Final = "statement"
FILES: Final = (STATEMENT, "signature")
_SIGNATURE: Final = "statement.signature"


@dataclass(frozen=True)
class SignedFile:
    """One of the two files, its media type, and the end of its name."""

    content: bytes = field(repr=False)
    media_type: str
    suffix: str


def read_for_lender(
    *, lender_id: str, mode: str, verification_id: str, file: str, key_id: str
) -> SignedFile:
    """A file of `FILES` of the signature that was judged last, and a `document.read` entry that
    names the caller's key.

    Raises `NotFound` (none, or another lender's), `Conflict` `document_not_ready` while it is
    judged and until the log has ordered what was said of it, and `document_erased` once the
    personal data were erased.
    """
    with transactions.writing():
        row = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        found, attempt, item_id = _read(row, file)
        # No event of the verification: a reading counts neither in its sequence nor in what the
        # lender is told.
        body = {
            "verification": row.pk,
            "attempt": attempt.pk,
            "document": item_id,
            "key": key_id,
            "what": file,
        }
        log.append(log=row.mode, type="document.read", lender=row.lender_id, body=body)
    return found


def read_for_borrower(*, verification_id: str, file: str, session: str) -> SignedFile:
    """The same for the borrower's own browser, once the end is told, and a `document.downloaded`
    entry.

    session: the hash by which entries name the session. Raises `NotFound`, and `Conflict` as
        `read_for_lender`.
    """
    with transactions.writing():
        row = Verification.objects.filter(pk=verification_id).first()
        if row is None or not is_offered(row):
            raise NotFound("there is no signature of this verification to be had")
        content, attempt, item_id = _read(row, file)
        body = {
            "verification": row.pk,
            "attempt": attempt.pk,
            "document": item_id,
            "session": session,
            "what": file,
        }
        log.append(log=row.mode, type=DOWNLOADED, lender=row.lender_id, body=body)
    return content


def is_offered(row: Verification) -> bool:
    """Whether the last page offers the files: a signature was judged, the end is told, within a
    day, nothing erased.
    """
    if contents.is_over(row) or _judged(row) is None or contents.is_erased(row):
        return False
    return decided.status_of(row).status in TERMINAL


def _read(row: Verification, file: str) -> tuple[SignedFile, Attempt, str]:
    attempt = _judged(row)
    if attempt is None:
        if Attempt.objects.filter(
            _with(_SIGNATURE), verification=row, status__in=documents.UNENDED
        ).exists():
            raise Conflict("the signature is not judged yet", code="document_not_ready")
        raise NotFound("no signature of this verification was judged")
    is_pending = entries.waiting(case=row.pk, until=attempt.closed_at) > 0
    if is_pending or (row.status in TERMINAL and decided.status_of(row).status not in TERMINAL):
        raise Conflict("the log has not ordered yet what was said of it", code="document_not_ready")
    if contents.is_erased(row):
        raise Conflict("the personal data of this verification were erased", code="document_erased")
    # As the log has it, not the rows: of a statement that was written anew in another language the
    # last was signed.
    listed = [
        one
        for one in dossier.on_record(read(row), attempt.pk).evidence
        if one.attempt == attempt.pk
    ]
    of_kind = [
        one
        for one in listed
        if (is_text(one.kind) if file == STATEMENT else one.kind == _SIGNATURE)
    ]
    [(claim, content)] = dossier.proven(of_kind[-1:], key=contents.key_of(row))
    if file == STATEMENT:
        return SignedFile(content, "text/plain; charset=utf-8", "txt"), attempt, claim.id
    # In PEM, base64 or XML, as it came: of these none is what the media type of a CMS promises.
    suffix = "xml" if content.lstrip().startswith(b"<") else "cms"
    return SignedFile(content, "application/octet-stream", suffix), attempt, claim.id


def _judged(row: Verification) -> Attempt | None:
    """The attempt whose signature was judged last."""
    attempts = Attempt.objects.filter(_with("statement.terms"), _with(_SIGNATURE), verification=row)
    return attempts.order_by("opened_at", "turn").last()


def _with(kind: str) -> Exists:
    return Exists(EvidenceItem.objects.filter(attempt=OuterRef("pk"), kind=kind))
