"""Makes the signed document of each attempt with a live capture, in the transaction that ends the attempt. Law: O-25.

An attempt needs one as soon as commands were drawn for it, whatever becomes of it: passed, failed, could not be judged,
decided or left undecided by reviewers, left in silence, or ended around it. It is kept as evidence of the attempt, so
its commitment is in the log, and erasing the verification erases it.
"""

from datetime import datetime

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


def produce(attempt: Attempt, *, at: datetime, key: vault.Key | None = None) -> None:
    """Builds, signs and keeps the document of an attempt that has ended; does nothing where none is due or one is kept.

    key: of the verification, where the caller has opened it. If it cannot be opened any more there is only the entry
    `document.missing`. Raises `Misconfigured` without a key to sign by, so that nothing ends without its document.
    """
    kinds = set(EvidenceItem.objects.filter(attempt=attempt).values_list("kind", flat=True))
    kind = identification_document.kind_of(attempt.stage)
    if kind in kinds or not identification_document.is_due(kinds, stage=attempt.stage):
        return
    # The row says how it ended; what the caller holds may be older. Its verification is the caller's: it may be held.
    ended = Attempt.objects.get(pk=attempt.pk)
    ended.verification = attempt.verification
    try:
        key = key or cases.key_of(ended.verification)
        facts = _facts(ended, key=key, at=at)
    except EvidenceUnreadable as fault:
        body = {"attempt": ended.pk, "route": ended.route, "stage": ended.stage, "cause": fault.code}
        transition.record(ended.verification, "document.missing", at=at, body=body)
        return
    signed = document_signing.sign(identification_document.build(facts), mode=ended.mode)
    dossier.keep(ended, {kind: signed}, key=key, at=at)


def _facts(attempt: Attempt, *, key: vault.Key, at: datetime) -> Facts:
    verification = attempt.verification
    items = EvidenceItem.objects.filter(attempt=attempt, kind__startswith=f"{attempt.stage}.")
    evidence: dict[str, bytes] = {}
    unreadable: list[str] = []
    for item in items:
        try:
            evidence[item.kind] = store.get(key, item)
        except EvidenceUnreadable:
            # A damaged file must not keep a verification from ending.
            unreadable.append(item.kind)
    of_case = Attempt.objects.filter(verification=verification)
    in_order = list(of_case.order_by("opened_at", "turn").values_list("pk", flat=True))
    earlier = of_case.filter(status="passed", turn__lt=attempt.turn).order_by("turn")
    return Facts(
        issuer=settings.TULGA_PUBLIC_URL,
        case=cases.read(verification, key).case,
        client_reference=verification.client_reference,
        identified_at=verification.created_at,
        profile_id=verification.profile_id,
        profile_sha256=verification.profile_sha256,
        attempt=AttemptFacts(
            id=attempt.pk,
            number=in_order.index(attempt.pk) + 1,
            route=attempt.route,
            stage=attempt.stage,
            opened_at=attempt.opened_at,
            burnt=attempt.burnt,
        ),
        ending=_ending(attempt, verification, at=at),
        passed=tuple((one.route, one.stage, one.closed_at or one.opened_at) for one in earlier),
        checks=dossier.checks_of(attempt, evidence),
        evidence=evidence,
        kept_at={item.kind: item.created_at for item in items},
        unreadable=tuple(unreadable),
    )


def _ending(attempt: Attempt, verification: Verification, *, at: datetime) -> Ending:
    given = ReviewVote.objects.filter(attempt=attempt).order_by("created_at", "pk")
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
