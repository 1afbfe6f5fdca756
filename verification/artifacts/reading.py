"""The artifacts of a verification as handed out: documents, the statement with its signature, the
receipt.

All follow the same rules.
An artifact is handed out once the log has ordered the entries it describes. Another lender's is not
found.
An erased artifact is reported as erased. A reading of personal data is recorded.
Web opens no original: the entry of the reading asks a worker, who lends the file for some seconds.
"""

import time
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from operator import attrgetter
from threading import BoundedSemaphore
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, OuterRef

from verification import transactions
from verification.artifacts.making import UNENDED, receipt_salts
from verification.case import blocks, contents, dossier, policy, steps
from verification.case.moving import read, read_sound
from verification.core import identification_document, stored
from verification.core.errors import Conflict, EvidenceUnreadable, LogInconsistent, NotFound
from verification.core.events import DOWNLOADED, READ
from verification.core.ids import is_id
from verification.core.keeping import Claim
from verification.core.statement_text import is_text
from verification.core.status import TERMINAL
from verification.evidence import store
from verification.log import decided, entries, log, proofs
from verification.log.signatures import spell_leaf
from verification.models import Attempt, EvidenceItem, Receipt, Verification

DOCUMENT: Final = "document"
STATEMENT: Final = "statement"
SIGNATURE: Final = "signature"
SIGNED_FILES: Final = (STATEMENT, SIGNATURE)
"""What a borrower signed by EDS, and the signature."""
_SIGNATURE_KIND: Final = "statement.signature"
HELD: Final = BoundedSemaphore(max(1, settings.TULGA_WEB_THREADS // 2))
"""Requests that may wait for a worker."""


@dataclass(frozen=True)
class DocumentView:
    """A document in a list, by the entry that lists it.

    commitment: HMAC-SHA256(salt, document) in hex, as in the log.
    salt: None once erased, as are `outcome`, `code` and `at`.
    """

    id: str
    attempt_id: str
    number: int
    route: str
    stage: str
    size: int
    commitment: str
    outcome: str | None = None
    code: str | None = None
    at: str | None = None
    salt: str | None = field(default=None, repr=False)

    @property
    def is_erased(self) -> bool:
        """Whether only the log still knows it."""
        return self.salt is None


@dataclass(frozen=True)
class SignedFile:
    """The statement or its signature, its media type, and its file name suffix."""

    content: bytes = field(repr=False)
    media_type: str
    suffix: str


@dataclass(frozen=True)
class ReceiptView:
    """The receipt, its entry's place in the log, and the entry as hashed.

    proof: C2SP tlog-proof under `checkpoint`, the first that covers the entry.
    openings: the salts in hex, None once the verification's key is destroyed, or while the case is
    blocked. All other parts are immutable.
    """

    receipt: str
    index: int
    leaf: str
    proof: str
    checkpoint: str
    openings: dict[str, str] | None = field(repr=False)


def list_documents(*, lender_id: str, mode: str, verification_id: str) -> tuple[DocumentView, ...]:
    """The documents of one verification of this lender, in order of the attempts.

    A document that says more than the log has ordered is left out: see `read_document`.

    Raises: `NotFound`, and `Conflict` (processing_blocked).
    """
    row = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
    blocks.require_readable(row)
    # After erasure the list still names the documents: their commitments are in the log.
    key = None if contents.is_erased(row) else contents.key_of(row)
    # A copy gets the values of the entries: the row as stored must not contradict them.
    history, listed = read_sound(copy(row)), dict[str, DocumentView]()
    for entry in history.typed("evidence.kept"):
        for item in entry.body.get("evidence", ()):
            stage = str(entry.body.get("stage"))
            if item["kind"] != identification_document.kind_of(stage):
                continue
            if not _is_ordered(row, until=entry.at):
                continue
            name, document = str(entry.body["attempt"]), dict[str, Any]()
            if key is not None:
                document = {"outcome": entry.body["outcome"], "code": entry.body["code"] or None}
                document |= {"at": stored.moment(entry.at)}
                document |= {"salt": store.salt_of(key, item["id"]).hex()}
            listed[name] = DocumentView(
                id=item["id"],
                attempt_id=name,
                number=list(history.state.attempts).index(name) + 1,
                route=str(entry.body["route"]),
                stage=stage,
                size=item["size"],
                commitment=item["commitment"],
                **document,
            )
    return tuple(sorted(listed.values(), key=attrgetter("number")))


def read_document(
    *, lender_id: str, mode: str, verification_id: str, attempt_id: str, key_id: str
) -> bytes:
    """One document, exactly as signed, and a `document.read` entry with the caller's key.

    Raises: `NotFound` if absent or another lender's.
    Raises: `Conflict` — `document_not_ready` before the log has ordered the attempt's end, and
    while no worker lends it; `document_erased` after erasure; `processing_blocked`.
    """
    with transactions.writing():
        row = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        blocks.require_readable(row)
        attempt = None
        if is_id(attempt_id, prefix="att"):
            attempt = Attempt.objects.filter(pk=attempt_id, verification=row).first()
        if attempt is None:
            raise NotFound("this verification has no such attempt")
        item = _document_of(attempt)
        if item is None:
            kinds = set(EvidenceItem.objects.filter(attempt=attempt).values_list("kind", flat=True))
            # Tell "not yet" from "never", so that a reader does not wait for nothing.
            is_due = identification_document.is_due(kinds, stage=attempt.stage)
            if is_due and attempt.status in UNENDED:
                raise Conflict(
                    "the document follows the end of the attempt", code="document_not_ready"
                )
            raise NotFound("there is no document of this attempt")
        wanted = _ask(row, attempt, DOCUMENT, until=item.created_at, reader={"key": key_id})
    return _read(wanted)


def read_for_lender(
    *, lender_id: str, mode: str, verification_id: str, file: str, key_id: str
) -> SignedFile:
    """One of `SIGNED_FILES` of the last judged signature, and a `document.read` entry with the
    caller's key.

    Raises: as `read_document`; the file is not ready during the judgement.
    """
    with transactions.writing():
        row = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        blocks.require_readable(row)
        wanted = _ask_for_signed(row, file, reader={"key": key_id})
    return _signed_file(_read(wanted), file)


def read_for_borrower(*, verification_id: str, file: str, session: str) -> SignedFile:
    """The same for the borrower's browser, after the end is shown, and a `document.downloaded`
    entry.

    session: its hash in entries.

    Raises: `NotFound`, and `Conflict` as `read_for_lender`.
    """
    with transactions.writing():
        row = Verification.objects.filter(pk=verification_id).first()
        if row is None or not is_offered(row):
            raise NotFound("no signature of this verification is available")
        blocks.require_unblocked(row)
        reader = {"session": session}
        wanted = _ask_for_signed(row, file, reader=reader, entry_type=DOWNLOADED)
    return _signed_file(_read(wanted), file)


def is_offered(row: Verification) -> bool:
    """Whether the last page offers the signed files.

    A signature was judged, the end is shown and at most a day old, and nothing was erased.
    """
    if contents.is_over(row) or _judged(row) is None or contents.is_erased(row):
        return False
    return decided.status_of(row).status in TERMINAL


def read_receipt(*, lender_id: str, mode: str, verification_id: str, key_id: str) -> ReceiptView:
    """The receipt of a verification of this lender; with openings, a `receipt.read` entry with the
    key. A blocked case has no openings, unless something rests on it.

    Raises: `NotFound` if absent or another lender's.
    Raises: `Conflict` `receipt_not_ready` before the decision is delivered.
    Raises: `LogInconsistent` for a row that differs from its entry.
    """
    rows = Verification.objects.filter(pk=verification_id, lender_id=lender_id, mode=mode)
    row = rows.select_related("key", "receipt").first()
    if row is None:
        raise NotFound("no such verification")
    contents.require_lender(row)
    entry = decided.receipt_entry(row)
    if entry is None:
        raise Conflict(
            "the log has not ordered a decision and its receipt yet", code="receipt_not_ready"
        )
    receipt: Receipt | None = getattr(row, "receipt", None)
    if receipt is None or sha256(receipt.jws.encode()).hexdigest() != entry.body["receipt"]:
        raise LogInconsistent(
            f"the receipt of {row.pk} differs from the one in {entry.pk}: see audit_verify"
        )
    proof, checkpoint = proofs.first_proof(entry.leaf)
    openings: dict[str, str] | None = None
    block = blocks.of_row(row)
    with suppress(EvidenceUnreadable):
        if block is not None and not block.is_readable:
            raise EvidenceUnreadable(f"{row.pk} is blocked")
        salts = receipt_salts(contents.key_beside(row))
        openings = {name: salt.hex() for name, salt in salts.items()}
        with transactions.writing():
            _record_reading(row, "receipt.read", key=key_id, what="openings")
    return ReceiptView(
        receipt=receipt.jws,
        index=entry.leaf.leaf_index,
        leaf=spell_leaf(entry, lender_sequence=entry.leaf.lender_sequence).decode(),
        proof=proof,
        checkpoint=checkpoint,
        openings=openings,
    )


@dataclass(frozen=True)
class _Wanted:
    """A file that an entry lists, whose reading is on record."""

    row: Verification
    claim: Claim


def _ask_for_signed(
    row: Verification, file: str, *, reader: dict[str, str], entry_type: str = READ
) -> _Wanted:
    attempt = _judged(row)
    if attempt is None:
        unended = Attempt.objects.filter(verification=row, status__in=UNENDED)
        if unended.filter(_with(_SIGNATURE_KIND)).exists():
            raise Conflict("the signature is not judged yet", code="document_not_ready")
        raise NotFound("no signature of this verification was judged")
    reader = reader | {"what": file}
    return _ask(row, attempt, file, until=attempt.closed_at, reader=reader, type_=entry_type)


def _signed_file(content: bytes, file: str) -> SignedFile:
    if file == STATEMENT:
        return SignedFile(content, "text/plain; charset=utf-8", "txt")
    # PEM, base64 or XML, as received: none of them fits the media type of a CMS.
    suffix = "xml" if content.lstrip().startswith(b"<") else "cms"
    return SignedFile(content, "application/octet-stream", suffix)


def _ask(
    row: Verification,
    attempt: Attempt,
    file: str,
    *,
    until: datetime | None,
    reader: dict[str, str],
    type_: str = READ,
) -> _Wanted:
    """A file in an attempt's signed entry, and an entry of its reading, which asks a worker for it.

    until: its entries up to this time describe it.
    reader: the reader and the file.

    Raises: `Conflict` `document_not_ready` and `document_erased`, and `EvidenceUnreadable`.
    """
    if not _is_ordered(row, until=until):
        raise Conflict("the log has not ordered its entries yet", code="document_not_ready")
    if contents.is_erased(row):
        raise Conflict("the personal data of this verification were erased", code="document_erased")
    # One entry lists a document. A statement may be rewritten in another language and the last one
    # is signed; only the whole history tells which is last.
    history = read_sound(row) if file == DOCUMENT else read(row)
    listed = [
        claim
        for claim in history.claims()
        if claim.attempt == attempt.pk and is_of(claim.kind, file, stage=attempt.stage)
    ]
    if not listed:
        raise EvidenceUnreadable(f"no signed entry lists the {file} of {attempt.pk}")
    claim = listed[-1]
    _record_reading(row, type_, attempt=attempt.pk, document=claim.id, **reader)
    return _Wanted(row, claim)


def _read(wanted: _Wanted) -> bytes:
    """The original bytes, as soon as a worker lends them. Waiting requests are limited, so that
    others find a thread.

    Raises: `Conflict` (document_not_ready) if no worker lends it in time, and `EvidenceUnreadable`.
    """
    row, claim, until = wanted.row, wanted.claim, time.monotonic() + policy.LENT_WAIT_SECONDS
    is_waiting = not store.is_readable(claim.id) and HELD.acquire(blocking=False)
    try:
        while is_waiting and not store.is_readable(claim.id) and time.monotonic() < until:
            steps.ask_to_lend(row.pk)
            transactions.end_reading()
            time.sleep(policy.LENT_LOOK_SECONDS)
        [(_, content)] = dossier.proven([claim], key=contents.key_of(row))
    except EvidenceUnreadable as fault:
        if fault.code != store.NOT_LENT:
            raise
        raise Conflict("no worker has opened it yet", code="document_not_ready") from None
    finally:
        if is_waiting:
            HELD.release()
    return content


def _record_reading(row: Verification, entry_type: str, **body: str) -> None:
    # Not an event of the verification: a reading is outside its sequence and the lender's events.
    log.append(
        log=row.mode,
        type=entry_type,
        lender=row.lender_id,
        body={"verification": row.pk, **body},
    )


def _is_ordered(row: Verification, *, until: datetime | None) -> bool:
    """Whether the log has ordered all entries up to a time, and the decision if there was one."""
    if entries.waiting(case=row.pk, until=until):
        return False
    return row.status not in TERMINAL or decided.status_of(row).status in TERMINAL


def is_of(kind: str, file: str, *, stage: str) -> bool:
    """Whether evidence of this kind is this artifact of an attempt at the stage."""
    if file == STATEMENT:
        return is_text(kind)
    return kind == (
        _SIGNATURE_KIND if file == SIGNATURE else identification_document.kind_of(stage)
    )


def _document_of(attempt: Attempt) -> EvidenceItem | None:
    kind = identification_document.kind_of(attempt.stage)
    return EvidenceItem.objects.filter(attempt=attempt, kind=kind).first()


def _judged(row: Verification) -> Attempt | None:
    """The attempt of the last judged signature."""
    attempts = Attempt.objects.filter(
        _with("statement.terms"), _with(_SIGNATURE_KIND), verification=row
    )
    return attempts.order_by("opened_at", "turn").last()


def _with(kind: str) -> Exists:
    return Exists(EvidenceItem.objects.filter(attempt=OuterRef("pk"), kind=kind))
