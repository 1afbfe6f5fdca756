"""Makes the signed document of each attempt with a live capture, in the transaction that ends the attempt. Law: O-25.

An attempt needs one as soon as commands were drawn for it, whatever becomes of it: passed, failed, could not be judged,
decided or left undecided by reviewers, left in silence, or ended around it. It is kept as evidence of the attempt, so
its commitment is in the log, and erasing the verification erases it.
"""

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter

from django.conf import settings

from verification.core import identification_document
from verification.core.errors import EvidenceUnreadable
from verification.core.identification_document import AttemptFacts, Ending, Facts, Vote
from verification.evidence import document_signing, store, vault
from verification.models import Attempt, EvidenceItem, ReviewVote, Verification
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

    key: of the verification, where the caller has opened it. known: by whoever has judged the attempt and closed it in
    this object, all its evidence by kind, which is then not opened again. If the key cannot be opened any more there is
    only the entry `document.missing`. Raises `Misconfigured` without a key to sign by, so that nothing ends without its
    document.
    """
    if not (kept_at := _kept_where_owed(attempt)):
        return
    kind = identification_document.kind_of(attempt.stage)
    ended = attempt
    if known is None:
        # The row says how it ended; what the caller holds may be older. Its verification is the caller's, maybe held.
        ended = Attempt.objects.get(pk=attempt.pk)
        ended.verification = attempt.verification
    try:
        key = key or cases.key_of(ended.verification)
        facts = _facts(ended, kept_at, known, key=key, at=at)
    except EvidenceUnreadable as fault:
        body = {"attempt": ended.pk, "route": ended.route, "stage": ended.stage, "cause": fault.code}
        transition.record(ended.verification, "document.missing", at=at, body=body)
        return
    signed = document_signing.sign(identification_document.build(facts), mode=ended.mode)
    dossier.keep(ended, {kind: signed}, key=key, at=at)


def is_owed(attempt: Attempt) -> bool:
    """Whether a document of this attempt is due, or will be as it ends, and none is kept."""
    return bool(_kept_where_owed(attempt))


def _kept_where_owed(attempt: Attempt) -> dict[str, datetime]:
    """When what is kept of an attempt came, by kind; empty where no document is due, or one is kept."""
    kept_at = dict(EvidenceItem.objects.filter(attempt=attempt).values_list("kind", "created_at"))
    is_kept = identification_document.kind_of(attempt.stage) in kept_at
    return kept_at if not is_kept and identification_document.is_due(kept_at, stage=attempt.stage) else {}


def _facts(
    attempt: Attempt,
    kept_at: Mapping[str, datetime],
    known: Mapping[str, bytes] | None,
    *,
    key: vault.Key,
    at: datetime,
) -> Facts:
    own = {kind: moment for kind, moment in kept_at.items() if kind.startswith(f"{attempt.stage}.")}
    evidence, unreadable = _opened(attempt, key=key) if known is None else ({kind: known[kind] for kind in own}, ())
    of_case = Attempt.objects.filter(verification=attempt.verification).defer("sealed_memory")
    in_order = sorted(of_case, key=attrgetter("opened_at", "turn"))
    earlier = [one for one in in_order if one.status == "passed" and one.turn < attempt.turn]
    verification = attempt.verification
    return Facts(
        issuer=settings.TULGA_PUBLIC_URL,
        case=cases.read(verification, key).case,
        client_reference=verification.client_reference,
        identified_at=verification.created_at,
        profile_id=verification.profile_id,
        profile_sha256=verification.profile_sha256,
        attempt=AttemptFacts(
            id=attempt.pk,
            number=in_order.index(attempt) + 1,
            route=attempt.route,
            stage=attempt.stage,
            opened_at=attempt.opened_at,
            burnt=attempt.burnt,
        ),
        ending=_ending(attempt, verification, is_voted=known is None, at=at),
        passed=tuple(
            (one.route, one.stage, one.closed_at or one.opened_at) for one in sorted(earlier, key=attrgetter("turn"))
        ),
        checks=dossier.checks_of(attempt, evidence),
        evidence=evidence,
        kept_at=own,
        unreadable=unreadable,
    )


def _opened(attempt: Attempt, *, key: vault.Key) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """What can be read of the evidence of an attempt, by kind, and the kinds of what cannot."""
    evidence: dict[str, bytes] = {}
    unreadable: list[str] = []
    for item in EvidenceItem.objects.filter(attempt=attempt, kind__startswith=f"{attempt.stage}."):
        try:
            evidence[item.kind] = store.get(key, item)
        except EvidenceUnreadable:
            # A damaged file must not keep a verification from ending.
            unreadable.append(item.kind)
    return evidence, tuple(unreadable)


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
