"""The signed documents of a verification as its lender lists and downloads them, and the keys they
are verified by.
"""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from verification import transactions
from verification.artifacts import documents, signing
from verification.case import contents
from verification.core import identification_document, stored
from verification.core.errors import Conflict, NotFound
from verification.core.ids import is_id
from verification.core.status import TERMINAL
from verification.evidence import store
from verification.log import decided, entries, log
from verification.models import Attempt, EvidenceItem, Verification


@dataclass(frozen=True)
class DocumentView:
    """A document in a list. `outcome`, `code` and `at` are what it says; all from there on is None
    once erased.

    commitment: HMAC-SHA256(salt, document) in hex, as the log has it. sha256: of the document.
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
    sha256: str | None = None
    salt: str | None = field(default=None, repr=False)

    @property
    def is_erased(self) -> bool:
        """Whether only the log still knows of it."""
        return self.sha256 is None


def list_documents(*, lender_id: str, mode: str, verification_id: str) -> tuple[DocumentView, ...]:
    """The documents of one verification of this lender, in order of the attempts; raises
    `NotFound`.

    Left out is what says more than the log has ordered: see `read_document`.
    """
    row = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
    # Erased, the list still says which documents there were: their commitments stand in the log.
    key = None if contents.is_erased(row) else contents.key_of(row)
    attempts = Attempt.objects.filter(verification=row).order_by("opened_at", "turn")
    listed: list[DocumentView] = []
    for number, attempt in enumerate(attempts, start=1):
        item = _item(attempt)
        if item is None or not _is_told(row, item):
            continue
        document: dict[str, Any] = {}
        if key is not None:
            opened = store.opening(key, item)
            # What our own document says became of the attempt.
            result = json.loads(stored.from_base64url(json.loads(opened.plain)["payload"]))[
                "result"
            ]
            document = {name: result[name] for name in ("outcome", "code", "at")}
            document |= {"sha256": sha256(opened.plain).hexdigest(), "salt": opened.salt.hex()}
        listed.append(
            DocumentView(
                id=item.pk,
                attempt_id=attempt.pk,
                number=number,
                route=attempt.route,
                stage=attempt.stage,
                size=item.size,
                commitment=item.commitment,
                **document,
            )
        )
    return tuple(listed)


def read_document(
    *, lender_id: str, mode: str, verification_id: str, attempt_id: str, key_id: str
) -> bytes:
    """One document, exactly as it was signed, and a `document.read` entry that names the caller's
    key.

    Raises `NotFound` (none, or another lender's), `Conflict` `document_not_ready` before the
    attempt has ended and the log has ordered how, and `document_erased` once the personal data were
    erased.
    """
    with transactions.writing():
        row = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        attempt = None
        if is_id(attempt_id, prefix="att"):
            attempt = Attempt.objects.filter(pk=attempt_id, verification=row).first()
        if attempt is None:
            raise NotFound("this verification has no such attempt")
        item = _item(attempt)
        if item is None:
            kinds = set(EvidenceItem.objects.filter(attempt=attempt).values_list("kind", flat=True))
            # Not yet there and never to be there are two answers: who waits for the second waits
            # for ever.
            is_due = identification_document.is_due(kinds, stage=attempt.stage)
            if is_due and attempt.status in documents.UNENDED:
                raise Conflict(
                    "the document is made when the attempt has ended", code="document_not_ready"
                )
            raise NotFound("there is no document of this attempt")
        if not _is_told(row, item):
            raise Conflict("the log has not ordered yet what it says", code="document_not_ready")
        if contents.is_erased(row):
            raise Conflict(
                "the personal data of this verification were erased", code="document_erased"
            )
        content = store.opening(contents.key_of(row), item).plain
        # No event of the verification: a reading counts neither in its sequence nor in what the
        # lender is told.
        body = {"verification": row.pk, "attempt": attempt.pk, "document": item.pk, "key": key_id}
        log.append(log=row.mode, type="document.read", lender=row.lender_id, body=body)
    return content


def public_keys() -> list[dict[str, Any]]:
    """The public keys of all documents and receipts as JSON Web Keys."""
    return signing.public_keys()


def log_keys() -> list[dict[str, Any]]:
    """The public keys of the logs."""
    return signing.log_keys()


def _item(attempt: Attempt) -> EvidenceItem | None:
    kind = identification_document.kind_of(attempt.stage)
    return EvidenceItem.objects.filter(attempt=attempt, kind=kind).first()


def _is_told(row: Verification, item: EvidenceItem) -> bool:
    """Whether the log has ordered what was on record when the document was made, and the decision
    if there was one.
    """
    if entries.waiting(case=row.pk, until=item.created_at):
        return False
    return row.status not in TERMINAL or decided.status_of(row).status in TERMINAL
