"""Makes the signed document of each attempt with a live capture, in the transaction that ends the attempt. Law: O-25.

An attempt needs one as soon as commands were drawn for it, whatever becomes of it: passed, failed, could not be judged,
decided or left undecided by reviewers, left in silence, or ended around it. It is kept as evidence of the attempt, so
its commitment is in the log, and erasing the verification erases it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from verification.audit import log, signatures
from verification.core import identification_document
from verification.core.errors import EvidenceUnreadable
from verification.core.events import CLOSINGS, KEEPING
from verification.core.identification_document import AttemptFacts, Ending, Facts, Vote
from verification.core.keeping import Claim, claims
from verification.core.results import Outcome
from verification.evidence import document_signing, vault
from verification.models import Attempt, AuditEntry, EvidenceItem, ReviewVote, Verification
from verification.workflow import cases
from verification.workflow.moving import dossier, transition

# How an ended attempt is called in its document; what was still in review then was decided by nobody.
_OUTCOMES = {
    "passed": "passed",
    "failed": "failed",
    "retry": "inconclusive",
    "review": "undecided",
    "lapsed": "lapsed",
    "void": "void",
}
UNENDED = ("open", "judging", "review")
"""With the borrower, with us, and with the reviewers: its document is still to come."""


def produce(
    attempt: Attempt, *, at: datetime, key: vault.Key | None = None, known: Mapping[str, bytes] | None = None
) -> None:
    """Builds, signs and keeps the document of an attempt that has ended; does nothing where none is due or one is kept.

    Whom it is about, what came for the attempt and when, and what had passed before, say signed entries and no row.

    key: of the verification, where the caller has opened it. known: by whoever has judged the attempt and closed it in
    this object, all its evidence by kind, which is then not opened again. If the case cannot be opened any more there
    is only the entry `document.missing`. Raises `Misconfigured` without a key to sign by, so that nothing ends without
    its document.
    """
    if not is_owed(attempt):
        return
    kind = identification_document.kind_of(attempt.stage)
    ended = attempt
    if known is None:
        # The row says how it ended; what the caller holds may be older. Its verification is the caller's, maybe held.
        ended = Attempt.objects.get(pk=attempt.pk)
        ended.verification = attempt.verification
    try:
        key = key or cases.key_of(ended.verification)
        facts = _facts(ended, _said(ended), known, key=key, at=at)
    except EvidenceUnreadable as fault:
        body = {"attempt": ended.pk, "route": ended.route, "stage": ended.stage, "cause": fault.code}
        transition.record(ended.verification, "document.missing", at=at, body=body)
        return
    signed = document_signing.sign(identification_document.build(facts), mode=facts.case.mode)
    dossier.keep(ended, {kind: signed}, key=key, at=at)


def is_owed(attempt: Attempt) -> bool:
    """Whether a document of this attempt is due, or will be as it ends, and none is kept."""
    kinds = set(EvidenceItem.objects.filter(attempt=attempt).values_list("kind", flat=True))
    is_kept = identification_document.kind_of(attempt.stage) in kinds
    return not is_kept and identification_document.is_due(kinds, stage=attempt.stage)


@dataclass(frozen=True)
class _Said:
    """What the log says of an attempt. opened: the entry of its case, begun: its own. before: what had passed.

    number: its place among all of the verification. listed: what was kept of its stage and when, by kind.
    """

    opened: AuditEntry
    begun: AuditEntry
    number: int
    burnt: bool
    before: tuple[AuditEntry, ...]
    listed: Mapping[str, tuple[datetime, Claim]]


def _said(attempt: Attempt) -> _Said:
    """Raises `EvidenceUnreadable` where no signed entry opened the attempt, or its case."""
    own = attempt.verification_id
    said = signatures.sound_of(attempt.verification)
    said += [one for one in log.gathered() if one.verification_id == own]  # not read in the database yet
    opened = next((one for one in said if one.type == "verification.created"), None)
    begun = [one for one in said if one.type == "attempt.opened"]
    names = [one.body["attempt"] for one in begun]
    if opened is None or attempt.pk not in names:
        raise EvidenceUnreadable(f"nobody signed that {attempt.pk} was opened")
    first = begun[names.index(attempt.pk)]
    earlier = said[: said.index(first)]
    closed = [one for one in said if one.type in CLOSINGS and one.body["attempt"] == attempt.pk]
    kept = [(one.at, each) for one in said if one.type in KEEPING for each in claims(one.body)]
    return _Said(
        opened=opened,
        begun=first,
        number=names.index(attempt.pk) + 1,
        burnt=any(one.body["burnt"] for one in closed[-1:]),
        before=tuple(one for one in earlier if one.type in CLOSINGS and one.body.get("outcome") == Outcome.PASSED),
        listed={
            one.kind: (at, one)
            for at, one in kept
            if one.attempt == attempt.pk and one.kind.startswith(f"{attempt.stage}.")
        },
    )


def _facts(attempt: Attempt, said: _Said, known: Mapping[str, bytes] | None, *, key: vault.Key, at: datetime) -> Facts:
    verification, law = attempt.verification, said.opened.body
    sealed = cases.read(verification, key, commitment=str(law.get("case")))
    if known is None:
        # A damaged file must not keep a verification from ending.
        opened = dossier.proven([one for _, one in said.listed.values()], key=key, is_whole=False)
        evidence = {one.kind: content for one, content in opened}
        unreadable = tuple(kind for kind in said.listed if kind not in evidence)
    else:
        evidence, unreadable = {kind: known[kind] for kind in said.listed if kind in known}, ()
    return Facts(
        issuer=settings.TULGA_PUBLIC_URL,
        case=sealed.case,
        client_reference=sealed.opening.client_reference,
        identified_at=said.opened.at,
        profile_id=str(law["profile"]),
        profile_sha256=str(law["profile_sha256"]),
        attempt=AttemptFacts(
            id=attempt.pk,
            number=said.number,
            route=attempt.route,
            stage=attempt.stage,
            opened_at=said.begun.at,
            burnt=said.burnt,
        ),
        ending=_ending(attempt, verification, is_voted=known is None, at=at),
        passed=tuple((str(one.body["route"]), str(one.body["stage"]), one.at) for one in said.before),
        checks=dossier.checks_of(attempt, evidence),
        evidence=evidence,
        kept_at={kind: moment for kind, (moment, _) in said.listed.items()},
        unreadable=unreadable,
    )


def _ending(attempt: Attempt, verification: Verification, *, is_voted: bool, at: datetime) -> Ending:
    """is_voted: people may have looked at it, before this."""
    given = ReviewVote.objects.filter(attempt=attempt).order_by("created_at", "pk") if is_voted else ()
    votes = tuple(Vote(person=vote.person, passes=vote.passes, at=vote.created_at) for vote in given)
    is_judged = attempt.status in ("passed", "failed", "retry")
    by_people = "people" if votes else "checks"
    # What ends around an attempt has its reason in the verification.
    code = attempt.code if is_judged or attempt.status == "lapsed" else verification.code
    return Ending(
        outcome=_OUTCOMES[attempt.status],
        code=code or attempt.code,
        decided_by=by_people if is_judged else "nobody",
        at=at,
        votes=votes,
    )
