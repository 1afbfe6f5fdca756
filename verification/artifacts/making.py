"""Signs documents and receipts of a case, in the transaction of the entries they describe.

Facts of signed entries build them (`core/identification_document.py`, `core/decision_receipt.py`).
The document key signs them, and they are stored.

- A document is due for each attempt with drawn live-capture commands, whatever its end: passed,
  failed, not judged, decided or undecided by reviewers, abandoned, or void. It is evidence of the
  attempt: its commitment is in the log, and erasure erases it. Law: O-25.
- A receipt is due for each end. The decision's entry names its hash, and it never changes. After a
  lender's own ending, the step `document` makes the receipt with its own entry. The salts of its
  commitments derive from the verification's key, and go with it.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

from django.conf import settings

from verification.artifacts import signing
from verification.case import contents, dossier, moving
from verification.case.moving import History
from verification.core import decision_receipt, identification_document
from verification.core.errors import EvidenceUnreadable
from verification.core.events import CLOSINGS, DOCUMENT_MISSING, KEEPING, RECEIPT
from verification.core.identification_document import AttemptFacts, Ending, Vote
from verification.core.keeping import Claim, claims
from verification.core.results import Outcome
from verification.core.statement_text import is_text
from verification.core.status import Status
from verification.evidence import vault
from verification.models import Attempt, Receipt

# An ended attempt's outcome in its document; an attempt still in review then has no decision.
_OUTCOMES: Final = {
    "passed": "passed",
    "failed": "failed",
    "retry": "inconclusive",
    "review": "undecided",
    "lapsed": "lapsed",
    "void": "void",
}
UNENDED: Final = ("open", "judging", "review")
"""With the borrower, the system, or the reviewers: its document comes later."""
_OF_ATTEMPTS: Final = ("attempt.opened", *KEEPING, *CLOSINGS)


def make_document(
    history: History,
    name: str,
    *,
    at: datetime,
    key: vault.Key | None = None,
    evidence: Mapping[str, bytes] | None = None,
) -> None:
    """Builds, signs and stores the document of an ended attempt.

    Does nothing if it is not due, or it is already stored.
    If the case no longer opens, only the entry `document.missing` is written.

    key: of the verification, if already opened.
    evidence: all of the attempt by kind, if already opened for the judgement.

    Raises: `Misconfigured` without a signing key, so that nothing ends without its document.
    """
    if not is_document_owed(history, name):
        return
    attempt = history.attempt(name)
    try:
        key = key or contents.key_of(history.row)
        facts = _document_facts(history, attempt, evidence, key=key, at=at)
    except EvidenceUnreadable as fault:
        body = moving.place_of(name, attempt) | {"cause": fault.code}
        moving.record(history.row, DOCUMENT_MISSING, at=at, body=body)
        return
    document = signing.sign(identification_document.build(facts), mode=facts.case.mode)
    kind = identification_document.kind_of(attempt.stage)
    # The entry tells a lender's list what the document says.
    stated = {"outcome": facts.ending.outcome, "code": facts.ending.code}
    dossier.keep(attempt, {kind: document}, key=key, at=at, stated=stated)


def is_document_owed(history: History, name: str) -> bool:
    """Whether a document of this attempt is due now or at its end, and no entry lists one."""
    stage = history.state.attempts[name].stage
    kinds = {claim.kind for claim in history.claims() if claim.attempt == name}
    is_kept = identification_document.kind_of(stage) in kinds
    return not is_kept and identification_document.is_due(kinds, stage=stage)


def make_receipt(
    history: History,
    status: Status,
    *,
    code: str,
    at: datetime,
    routes: tuple[str, ...] | None = None,
    key: vault.Key | None = None,
) -> str:
    """Builds, signs and stores the receipt of an end; returns its SHA-256 in hex.

    routes: the passed routes, if the end adds one.

    Raises: `EvidenceUnreadable` for a verified person whose case does not open: the receipt would
    name no person.
    """
    row = history.row
    commitments: dict[str, str] | None = None
    statement: str | None = None
    try:
        key = key or contents.key_of(row)
        # The case of the opening: a receipt must not describe one sealed later.
        case = contents.read(row, key, commitment=str(history.opening().get("case", ""))).case
        disclosed = {"iin": case.person.iin.value, "payout_account": case.loan.payout_account}
        commitments = {
            name: vault.commitment(salt, disclosed[name].encode())
            for name, salt in receipt_salts(key).items()
        }
        # The latest statement, by its entry.
        statements = [claim for claim in history.claims() if is_text(claim.kind)]
        for _, content in dossier.proven(statements[-1:], key=key):
            statement = sha256(content).hexdigest()
    except EvidenceUnreadable:
        if status is Status.VERIFIED:
            raise
    facts = decision_receipt.Facts(
        issuer=settings.TULGA_PUBLIC_URL,
        mode=row.mode,
        verification=row.pk,
        lender=row.lender_id,
        profile_id=row.profile_id,
        profile_sha256=row.profile_sha256,
        routes=tuple(row.passed_routes) if routes is None else routes,
        route=row.route,
        renews=row.renews_id or "",
        status=status,
        code=code,
        decided_at=at,
        entries=tuple((entry.type, entry.at, entry.body) for entry in history.typed(*_OF_ATTEMPTS)),
        commitments=commitments,
        statement_sha256=statement,
    )
    payload = decision_receipt.build(facts)
    receipt = signing.sign_compact(payload, mode=row.mode, type_=signing.RECEIPT_TYPE)
    Receipt.objects.create(verification=row, jws=receipt)
    return sha256(receipt.encode()).hexdigest()


def make_late_receipt(history: History, *, at: datetime) -> None:
    """Makes the receipt after a lender's own ending; does nothing if there is one."""
    ending = history.state.ending
    if ending is None or Receipt.objects.filter(verification=history.row).exists():
        return
    status, code = Status(history.row.status), str(ending.body["code"])
    digest = make_receipt(history, status, code=code, at=ending.at)
    body = {"decision": ending.id, "receipt": digest}
    moving.record(history.row, RECEIPT, at=at, body=body)


def receipt_salts(key: vault.Key) -> dict[str, bytes]:
    """The salts of a receipt's commitments, by their subject."""
    return {name: key.salt(f"receipt {name}") for name in decision_receipt.COMMITTED}


def _document_facts(
    history: History,
    attempt: Attempt,
    evidence: Mapping[str, bytes] | None,
    *,
    key: vault.Key,
    at: datetime,
) -> identification_document.Facts:
    """Raises: `EvidenceUnreadable` without a signed opening entry, or if the case does not open."""
    opened = history.state.opening.entry
    if opened is None:
        raise EvidenceUnreadable(f"no signed entry opened {history.row.pk}")
    sealed = contents.read(history.row, key, commitment=str(opened.body.get("case")))
    begun = history.state.attempts[attempt.pk].opening
    listed: dict[str, tuple[datetime, Claim]] = {
        claim.kind: (entry.at, claim)
        for entry in history.typed(*KEEPING)
        for claim in claims(entry.body)
        if claim.attempt == attempt.pk and claim.kind.startswith(f"{attempt.stage}.")
    }
    if evidence is None:
        # A damaged file must not keep a verification from ending.
        items = dossier.proven([claim for _, claim in listed.values()], key=key, is_whole=False)
        contents_by_kind = {claim.kind: content for claim, content in items}
        unreadable = tuple(kind for kind in listed if kind not in contents_by_kind)
    else:
        contents_by_kind = {kind: evidence[kind] for kind in listed if kind in evidence}
        unreadable = ()
    places = {entry.pk: place for place, entry in enumerate(history.entries)}
    earlier = history.entries[: places[begun.id]]
    return identification_document.Facts(
        issuer=settings.TULGA_PUBLIC_URL,
        case=sealed.case,
        client_reference=sealed.opening.client_reference,
        identified_at=opened.at,
        profile_id=str(opened.body["profile"]),
        profile_sha256=str(opened.body["profile_sha256"]),
        attempt=AttemptFacts(
            id=attempt.pk,
            number=list(history.state.attempts).index(attempt.pk) + 1,
            route=attempt.route,
            stage=attempt.stage,
            opened_at=begun.at,
            burnt=attempt.burnt,
        ),
        ending=_ending(history, attempt, at=at),
        passed_stages=tuple(
            (str(entry.body["route"]), str(entry.body["stage"]), entry.at)
            for entry in earlier
            if entry.type in CLOSINGS and entry.body.get("outcome") == Outcome.PASSED
        ),
        checks=dossier.checks_of(history, attempt.pk, contents_by_kind),
        evidence=contents_by_kind,
        kept_at={kind: kept_at for kind, (kept_at, _) in listed.items()},
        unreadable=unreadable,
    )


def _ending(history: History, attempt: Attempt, *, at: datetime) -> Ending:
    votes = tuple(
        Vote(person=person, passes=vote.passes, at=vote.at)
        for person, vote in history.state.attempts[attempt.pk].votes.items()
    )
    is_judged = attempt.status in ("passed", "failed", "retry")
    by_people = "people" if votes else "checks"
    # An attempt without its own end takes the verification's reason.
    is_closed = is_judged or attempt.status == "lapsed"
    code = attempt.code if is_closed else history.row.code
    return Ending(
        outcome=_OUTCOMES[attempt.status],
        code=code or attempt.code,
        decided_by=by_people if is_judged else "nobody",
        at=at,
        votes=votes,
    )
