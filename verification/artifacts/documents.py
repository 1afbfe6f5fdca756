"""Makes the signed document of each attempt with a live capture, in the transaction that ends the
attempt. Law: O-25.

An attempt needs one as soon as commands were drawn for it, whatever becomes of it: passed, failed,
could not be judged, decided or left undecided by reviewers, left in silence, or ended around it. It
is kept as evidence of the attempt, so its commitment is in the log, and erasing the verification
erases it.
"""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

from verification.artifacts import signing
from verification.case import contents, dossier, moving
from verification.case.history import History
from verification.core import identification_document
from verification.core.errors import EvidenceUnreadable
from verification.core.events import CLOSINGS, KEEPING
from verification.core.identification_document import AttemptFacts, Ending, Facts, Vote
from verification.core.keeping import Claim, claims
from verification.core.results import Outcome
from verification.evidence import vault
from verification.models import Attempt

# How an ended attempt is called in its document; what was still in review then was decided by
# nobody.
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
    history: History,
    name: str,
    *,
    at: datetime,
    key: vault.Key | None = None,
    known: Mapping[str, bytes] | None = None,
) -> None:
    """Builds, signs and keeps the document of an attempt that has ended.

    Does nothing where none is due or one is kept. Its facts are those of signed entries.

    key: of the verification, where the caller has opened it. known: all evidence of the attempt by
    kind, where the caller has judged it, and which is then not opened again. If the case cannot be
    opened any more there is only the entry `document.missing`. Raises `Misconfigured` without a key
    to sign by, so that nothing ends without its document.
    """
    if not is_owed(history, name):
        return
    attempt = history.attempt(name)
    kind = identification_document.kind_of(attempt.stage)
    try:
        key = key or contents.key_of(history.row)
        facts = _facts(history, attempt, known, key=key, at=at)
    except EvidenceUnreadable as fault:
        body = {
            "attempt": name,
            "route": attempt.route,
            "stage": attempt.stage,
            "cause": fault.code,
        }
        moving.record(history.row, "document.missing", at=at, body=body)
        return
    signed = signing.sign(identification_document.build(facts), mode=facts.case.mode)
    dossier.keep(attempt, {kind: signed}, key=key, at=at)


def is_owed(history: History, name: str) -> bool:
    """Whether a document of this attempt is due, or will be as it ends, and entries list none."""
    stage = history.state.attempts[name].stage
    kinds = {claim.kind for claim in history.claims() if claim.attempt == name}
    is_kept = identification_document.kind_of(stage) in kinds
    return not is_kept and identification_document.is_due(kinds, stage=stage)


def _facts(
    history: History,
    attempt: Attempt,
    known: Mapping[str, bytes] | None,
    *,
    key: vault.Key,
    at: datetime,
) -> Facts:
    """Raises `EvidenceUnreadable` where no signed entry opened the attempt, or its case."""
    opened, entry = history.state.opening.entry, history.state.attempts[attempt.pk].opening
    if opened is None:
        raise EvidenceUnreadable(f"no signed entry opened {history.row.pk}")
    sealed = contents.read(history.row, key, commitment=str(opened.body.get("case")))
    kept = [(each.at, claim) for each in history.typed(*KEEPING) for claim in claims(each.body)]
    listed: dict[str, tuple[datetime, Claim]] = {
        claim.kind: (time, claim)
        for time, claim in kept
        if claim.attempt == attempt.pk and claim.kind.startswith(f"{attempt.stage}.")
    }
    if known is None:
        # A damaged file must not keep a verification from ending.
        items = dossier.proven([claim for _, claim in listed.values()], key=key, is_whole=False)
        evidence = {claim.kind: content for claim, content in items}
        unreadable = tuple(kind for kind in listed if kind not in evidence)
    else:
        evidence, unreadable = {kind: known[kind] for kind in listed if kind in known}, ()
    begun = next(each for each in history.entries if each.pk == entry.id)
    earlier = history.entries[: history.entries.index(begun)]
    return Facts(
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
            opened_at=entry.at,
            burnt=attempt.burnt,
        ),
        ending=_ending(history, attempt, at=at),
        passed_stages=tuple(
            (str(each.body["route"]), str(each.body["stage"]), each.at)
            for each in earlier
            if each.type in CLOSINGS and each.body.get("outcome") == Outcome.PASSED
        ),
        checks=dossier.checks_of(history, attempt.pk, evidence),
        evidence=evidence,
        kept_at={kind: moment for kind, (moment, _) in listed.items()},
        unreadable=unreadable,
    )


def _ending(history: History, attempt: Attempt, *, at: datetime) -> Ending:
    given = history.state.attempts[attempt.pk].votes
    votes = tuple(
        Vote(person=person, passes=vote.passes, at=vote.at) for person, vote in given.items()
    )
    is_judged = attempt.status in ("passed", "failed", "retry")
    by_people = "people" if votes else "checks"
    # What ends around an attempt has its reason in the verification.
    is_closed = is_judged or attempt.status == "lapsed"
    code = attempt.code if is_closed else history.row.code
    return Ending(
        outcome=_OUTCOMES[attempt.status],
        code=code or attempt.code,
        decided_by=by_people if is_judged else "nobody",
        at=at,
        votes=votes,
    )
