"""One case as its reviewers see it: the pictures and what the checks found. Every look is an entry
with the person.

The pictures are opened here only, while the case waits for reviewers of its own lender; after the
end there are none. Whether another reviewer has voted is not among what is shown: a vote that
stands is a pass, for a fail ends the case.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from verification import clock, transactions
from verification.case import contents, dossier
from verification.case.checks import CheckView, check_views
from verification.case.voters import Reviewer
from verification.core.errors import BadInput, Conflict, NotFound, Refused
from verification.core.identification_document import Judged
from verification.core.lender import LenderFacts
from verification.core.opening import Loan
from verification.core.route import Evidence, Stage
from verification.evidence import store
from verification.models import Attempt, EvidenceItem
from verification.review import desk, voting


@dataclass(frozen=True)
class Shot:
    """One picture: the id of its evidence, and the command it came for; empty for the reference."""

    evidence_id: str
    command: str


@dataclass(frozen=True, kw_only=True)
class ReviewCase:
    """All that a reviewer needs. `refused_before`: the checks by which earlier attempts of the case
    did not pass.

    `remarks`: codes of what checks remarked and did not decide by, each once. `hindrance`: a code,
    why the reader may not vote.
    """

    verification_id: str
    mode: str
    client_reference: str
    lender: LenderFacts
    borrower: str = field(repr=False)
    iin_masked: str
    loan: Loan
    purpose: str
    route: str
    code: str
    until: datetime
    shots: tuple[Shot, ...]
    checks: tuple[Judged, ...]
    refused_before: tuple[CheckView, ...]
    remarks: tuple[str, ...]
    hindrance: str


def look(*, reviewer: Reviewer, verification_id: str) -> ReviewCase:
    """The case, and a `review.viewed` entry. Raises `NotFound`, and `Conflict` when it is over."""
    at = clock.now()
    with transactions.writing():
        row = voting.case_in_review(verification_id, reviewer.lender_id, at=at)
        history, attempt, stage = voting.question(row)
        key = contents.key_of(row)
        case = contents.read(row, key).case
        person = case.person
        # A reviewer who decides by pictures must see all; other evidence that cannot be read leaves
        # the log's word.
        kept = (
            dict[str, bytes]() if stage.pictures is None else dossier.contents([attempt], key=key)
        )
        views = check_views(row, key=key)
        shown = ReviewCase(
            verification_id=row.pk,
            mode=row.mode,
            client_reference=row.client_reference,
            lender=case.lender,
            borrower=" ".join(
                name for name in (person.surname, person.name, person.patronymic) if name
            ),
            iin_masked=person.iin.masked,
            loan=case.loan,
            purpose=case.purpose,
            route=row.route,
            code=row.code,
            until=voting.ends_at(row),
            shots=_shots(attempt, stage, Evidence(items=kept, at=at)),
            checks=dossier.checks_of(history, attempt.pk, kept),
            # Of the attempt that people look at no check refused, or it would have failed.
            refused_before=tuple(check for check in views if check.outcome == "fail"),
            remarks=tuple(
                dict.fromkeys(
                    check.code for check in views if check.outcome == "pass" and check.code
                )
            ),
            hindrance=voting.hindrance(attempt, reviewer, key=key),
        )
        body = {"what": "case", "attempt": attempt.pk, "verification": row.pk}
        desk.note(reviewer, "review.viewed", mode=row.mode, body=body)
    return shown


def _shots(attempt: Attempt, stage: Stage, evidence: Evidence) -> tuple[Shot, ...]:
    """The pictures of the attempt in their order; none where that cannot be read."""
    if stage.pictures is None:
        return ()
    with suppress(BadInput, Refused):
        ids = dict(EvidenceItem.objects.filter(attempt=attempt).values_list("kind", "pk"))
        return tuple(
            Shot(ids[shot.kind], shot.command)
            for shot in stage.pictures(evidence)
            if shot.kind in ids
        )
    return ()


def picture(*, reviewer: Reviewer, verification_id: str, evidence_id: str) -> bytes:
    """One picture as a fresh JPEG, and a `review.viewed` entry. Raises `NotFound`, whatever is the
    matter.
    """
    with transactions.writing():
        try:
            row = voting.case_in_review(verification_id, reviewer.lender_id, at=clock.now())
            _, attempt, stage = voting.question(row)
        except Conflict:
            raise NotFound("there is no such picture any more") from None
        item = EvidenceItem.objects.filter(pk=evidence_id, attempt=attempt).first()
        if item is None or stage.show is None:
            raise NotFound("there is no such picture")
        try:
            jpeg = stage.show(item.kind, store.opening(contents.key_of(row), item).plain)
        except (BadInput, Refused):
            raise NotFound("this evidence is no picture") from None
        body = {
            "what": "picture",
            "attempt": attempt.pk,
            "evidence": item.pk,
            "verification": row.pk,
        }
        desk.note(reviewer, "review.viewed", mode=row.mode, body=body)
    return jpeg
