"""What employees attest: that consent was confirmed once more, or that the borrower came in person.
Law: O-55, O-56.

An attestation is one entry that the door signed with the employee's id; a worker reads it as it
evaluates the gates of a clearance. Where it was and what they remark is sealed. Every look is an
entry, as at the rest of the desk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from verification import clock, transactions
from verification.case import contents, dossier, moving, policy, voters
from verification.case.history import read_unverified
from verification.case.voters import Reviewer
from verification.core import almaty, profiles
from verification.core.clearance import (
    AGE,
    ATTESTATION_ASKED_BY,
    ATTESTATION_HOWS,
    ATTESTATION_KINDS,
    CONSUMED,
    REFUSED,
    VISIT,
)
from verification.core.errors import BadInput, Conflict, NotFound
from verification.core.events import ADVANCED, ATTESTED
from verification.core.opening import Loan
from verification.core.status import Status
from verification.log import decided, entries, signatures
from verification.log.entries import advanced_since
from verification.models import Attempt, Clearance, Verification
from verification.payout import clearances
from verification.review import desk
from verification.review.desk import Rows

COMMENT_KIND, PLACE_KIND = "attestation.comment", "attestation.place"
"""Evidence of the case's last attempt, numbered in the order of the attestations:
`attestation.comment.1`.
"""


@dataclass(frozen=True)
class ToConfirm:
    """A verified case, without personal data. `asked`: what its newest clearance lacked, `made`:
    what is attested.
    """

    verification_id: str
    client_reference: str
    verified_at: datetime | None
    asked: tuple[str, ...]
    made: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """One attestation on record."""

    what: str
    how: str
    day: str
    person: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ConfirmCase:
    """What whoever attests needs to know whom they speak of. `hindrance`: a code, why the reader
    may not attest.
    """

    verification_id: str
    mode: str
    client_reference: str
    borrower: str = field(repr=False)
    iin_masked: str
    age: int
    loan: Loan
    verified_at: datetime | None
    asked: tuple[str, ...]
    made: tuple[Made, ...]
    hindrance: str


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """One word of an employee. `how` of an age confirmation; `place` and `day` of a visit;
    `comment` of either.
    """

    what: str
    how: str = ""
    place: str = field(default="", repr=False)
    day: date | None = None
    comment: str = field(repr=False)


def to_confirm(*, reviewer: Reviewer, mode: str, reference: str = "") -> Rows:
    """The verified cases of the reader's lender whose newest clearance lacks an attestation, newest
    first.

    reference: all verified ones with this `client_reference` instead. Of those that no word helps
        any more none is
    listed: new consents, disputed, erased, verified too long ago; nor any that only its row says to
    be verified. Writes `review.listed`; raises `BadInput`.
    """
    desk.require_mode(mode)
    at = clock.now()
    with transactions.writing():
        rows = Verification.objects.filter(
            lender_id=reviewer.lender_id, mode=mode, status=Status.VERIFIED
        )
        rows = rows.filter(renews=None, disputed_at=None, redacted_at=None).exclude(
            _too_old("profile_sha256", at=at)
        )
        if reference:
            found = list(
                rows.filter(contents.called(reference)).order_by("-created_at")[
                    : policy.DESK_ROWS + 1
                ]
            )
        else:
            of_case = Clearance.objects.filter(verification=OuterRef("verification"))
            newer = of_case.filter(created_at__gt=OuterRef("created_at"))
            lacking = Clearance.objects.filter(
                lender=reviewer.lender_id, mode=mode, status=REFUSED, code__in=ATTESTATION_ASKED_BY
            )
            lacking = lacking.filter(~Exists(newer), verification__in=rows).select_related(
                "verification"
            )
            lacking = lacking.exclude(_too_old("profile_id", at=at))
            found = [
                one.verification for one in lacking.order_by("-created_at")[: policy.DESK_ROWS + 1]
            ]
        listed = found[: policy.DESK_ROWS]
        public, asked = decided.statuses_of(listed), _asked(listed)
        attested = entries.of_cases([row.pk for row in listed], types=(ATTESTED,))
        made = {(entry.verification_id, entry.body["what"]) for entry in signatures.sound(attested)}
        shown = tuple(
            ToConfirm(
                verification_id=row.pk,
                client_reference=row.client_reference,
                verified_at=public[row.pk].finished_at,
                asked=asked.get(row.pk, ()),
                made=tuple(kind for kind in ATTESTATION_KINDS if (row.pk, kind) in made),
            )
            for row in listed
            if public[row.pk].status == Status.VERIFIED
        )
        body = {
            "what": "to_confirm",
            "asked": ["reference"] if reference else [],
            "found": len(shown),
        }
        desk.note(reviewer, "review.listed", mode=mode, body=body)
    return Rows(shown, len(found) > policy.DESK_ROWS)


def look(*, reviewer: Reviewer, verification_id: str) -> ConfirmCase:
    """One case, and a `review.viewed` entry. Raises `NotFound`, and `Conflict` where nothing is
    attested any more.
    """
    with transactions.writing():
        row = _open_to_word(verification_id, reviewer.lender_id)
        key = contents.key_of(row)
        case = contents.read(row, key).case
        person = case.person
        shown = ConfirmCase(
            verification_id=row.pk,
            mode=row.mode,
            client_reference=row.client_reference,
            borrower=" ".join(
                name for name in (person.surname, person.name, person.patronymic) if name
            ),
            iin_masked=person.iin.masked,
            age=almaty.age_on(almaty.day_of(clock.now()), born=person.birth_date),
            loan=case.loan,
            verified_at=decided.status_of(row).finished_at,
            asked=_asked([row]).get(row.pk, ()),
            made=tuple(_made(row)),
            hindrance=voters.part_of(reviewer, row, key=key),
        )
        desk.note(
            reviewer,
            "review.viewed",
            mode=row.mode,
            body={"what": "confirmation", "verification": row.pk},
        )
    return shown


def attest(*, verification_id: str, reviewer: Reviewer, word: Attestation) -> None:
    """Puts the word of one employee on record.

    1. It is complete: what and how or where and when, and a remark.
    2. The verification is one of their lender, told to be verified, and its money has not left. Its
      row is locked.
    3. The employee had no part in the case, and nobody has attested the same of it.
    4. Place and remark are sealed, and the word is an entry.

    Raises `BadInput`, `NotFound` (none, or another lender's), `Conflict`; then nothing was written.
    """
    today = almaty.day_of(clock.now())
    if word.what not in ATTESTATION_KINDS:  # 1
        raise BadInput(
            f"what is attested is one of {list(ATTESTATION_KINDS)}",
            code="attestation_malformed",
            pointer="what",
        )
    sealed = {COMMENT_KIND: _line(word.comment, "comment", least=policy.REVIEW_REASON_MIN)}
    if word.what == AGE and word.how not in ATTESTATION_HOWS:
        raise BadInput(
            f"how is one of {list(ATTESTATION_HOWS)}", code="attestation_malformed", pointer="how"
        )
    said = {"what": AGE, "how": word.how}
    if word.what != AGE:
        if word.day is None or not today - policy.VISIT_BEFORE <= word.day <= today:
            detail = f"a visit was today or up to {policy.VISIT_BEFORE.days} days ago"
            raise BadInput(detail, code="attestation_malformed", pointer="day")
        sealed[PLACE_KIND] = _line(word.place, "place", least=policy.VISIT_PLACE_MIN)
        said = {"what": VISIT, "day": word.day.isoformat()}
    with transactions.writing():
        verification = _open_to_word(verification_id, reviewer.lender_id, lock=True)  # 2
        key = contents.key_of(verification)
        if code := voters.part_of(reviewer, verification, key=key):  # 3
            raise Conflict("this person may not attest here", code=code)
        before = list(_made(verification))
        if any(one.what == word.what for one in before):
            raise Conflict("this is attested already", code="already_attested")
        attempt, at = Attempt.objects.filter(verification=verification).latest("turn"), clock.now()
        attempt.verification = verification
        number = len(before) + 1
        with moving.moving(read_unverified(verification)):  # 4
            dossier.keep(
                attempt,
                {f"{kind}.{number}": text.encode() for kind, text in sealed.items()},
                key=key,
                at=at,
            )
            body = {"attempt": attempt.pk, "person": reviewer.person_id, "number": number, **said}
            moving.record(verification, ATTESTED, at=at, body=body)


def _line(untrusted: str, pointer: str, *, least: int) -> str:
    text = untrusted.strip()
    if not least <= len(text) <= policy.REVIEW_REASON_MAX or not text.isprintable():
        detail = f"{least} to {policy.REVIEW_REASON_MAX} printable characters on one line"
        raise BadInput(detail, code="attestation_malformed", pointer=pointer)
    return text


def _open_to_word(verification_id: str, lender_id: str, *, lock: bool = False) -> Verification:
    """The row if it is this lender's and its money may yet leave. Raises `NotFound`, or
    `Conflict`.
    """
    rows = Verification.objects.filter(pk=verification_id, lender_id=lender_id)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise NotFound("the lender of this person has no such verification")
    contents.require_lender(row)
    public = decided.status_of(row)
    if row.renews_id or public.status != Status.VERIFIED or public.finished_at is None:
        raise Conflict("only what is told to be verified is attested", code="not_verified")
    if row.redacted_at is not None:
        raise Conflict("nobody can tell any more who it was", code="verification_erased")
    if row.disputed_at is not None:
        raise Conflict("the borrower disputes it", code="clearance_frozen")
    aged = timedelta(seconds=row.advanced_seconds)
    if row.advanced_seconds:
        aged = advanced_since(public.decision, clearances.entries_of(row, ADVANCED))
    # The laws by which its money would leave: its own, that of its newest clearance, in live mode
    # that of the day.
    own, at = profiles.pinned(row.profile_sha256), clock.now()
    newest = Clearance.objects.filter(verification=row).order_by("created_at").last()
    laws = [own, profiles.binding(own.id, mode=row.mode, at=at)]
    laws += [profiles.get(newest.profile_id)] if newest else []
    if at >= public.finished_at - aged + timedelta(
        seconds=min(one.valid_for_seconds for one in laws)
    ):
        raise Conflict(
            "no money leaves for it any more: verify the borrower again",
            code="verification_too_old",
        )
    if Clearance.objects.filter(verification=row, status=CONSUMED).exists():
        raise Conflict("the money has left", code="clearance_consumed")
    if lock and row.step:
        raise Conflict("a worker owes it something; try again", code="conflict")
    return row


def _too_old(law: str, *, at: datetime) -> Q:
    """Rows that were verified too long ago by the law which this column names; of clearances, their
    verifications.
    """
    of, known = ("", "sha256") if law == "profile_sha256" else ("verification__", "id")
    found = Q()
    for profile in profiles.book().values():
        since = at - timedelta(seconds=profile.valid_for_seconds)
        found |= Q(**{law: getattr(profile, known), f"{of}finished_at__lte": since})
    return found


def _asked(rows: Sequence[Verification]) -> dict[str, tuple[str, ...]]:
    """What the newest clearance of each lacked, if it was refused."""
    found = Clearance.objects.filter(verification__in=rows).order_by("created_at")
    newest = {str(one.verification_id): one for one in found}
    return {
        pk: tuple(
            ATTESTATION_ASKED_BY[gate["status"]]
            for gate in one.gates
            if gate["status"] in ATTESTATION_ASKED_BY
        )
        for pk, one in newest.items()
        if one.status == REFUSED
    }


def _made(row: Verification) -> Sequence[Made]:
    attested = entries.of_cases([row.pk], types=(ATTESTED,), log=row.mode)
    return [
        Made(
            what=str(one.body["what"]),
            how=str(one.body.get("how", "")),
            day=str(one.body.get("day", "")),
            person=str(one.body["person"]),
            at=one.at,
        )
        for one in signatures.sound(attested)
    ]
