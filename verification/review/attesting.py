"""Attestations by employees: a repeated confirmation of consent, or the borrower's visit. Law:
O-55, O-56.

An attestation is an entry that the door signed, with the employee's id; a worker reads it at a
clearance's gates.
Place and remark are sealed. Every look is an entry, as at the desk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required, user_passes_test
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from verification import clock, transactions
from verification.case import blocks, contents, dossier, moving, policy, steps, votes
from verification.case.moving import read_unverified
from verification.case.votes import PERMISSION, Reviewer
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
from verification.core.codes import CODES
from verification.core.errors import BadInput, Conflict, NotFound, Refused
from verification.core.events import ADVANCED, ATTESTED
from verification.core.opening import Loan
from verification.core.status import Status
from verification.evidence import vault
from verification.log import acts, decided, entries, signatures
from verification.log.advanced import advanced_since
from verification.models import Attempt, Clearance, Verification
from verification.payout import clearances
from verification.review import desk, signing
from verification.review.desk import Line, ReferenceForm, Rows, Words
from verification.review.signing import Signed

COMMENT_KIND, PLACE_KIND, SALT_KIND = (
    *("attestation.comment", "attestation.place"),
    "attestation.salt",
)
"""Evidence of the case's last attempt, numbered in the order of the attestations:
`attestation.comment.1`.
"""
KINDS_IN_WORDS: Final[dict[str, Words]] = {
    "age_confirmation": _("Consent confirmed once more"),
    "in_person_visit": _("Visit in person"),
}
WHY_ATTESTED: Final[dict[str, Words]] = {
    "age_confirmation": _("The law asks this of borrowers under 21, and of 55 and older."),
    "in_person_visit": _("The law asks this for the first online credit over 75 MCI."),
}
HOWS_IN_WORDS: Final[dict[str, Words]] = {
    "in_person": _("In person, at our office"),
    "egov": _("On eGov"),
    "credit_bureau": _("By the credit bureau"),
    "lender_system": _("In our own system that is joined to eGov"),
}
MALFORMED: Final[dict[str, Words]] = {
    "day": _("A visit was today, or within the year before."),
    "place": _("Give the place, without signs that cannot be printed."),
    "comment": _("Write 10 to 500 characters, without signs that cannot be printed."),
    "how": _("Choose one."),
}


@dataclass(frozen=True)
class ToConfirm:
    """A verified case, without personal data. `lacking`: of its newest clearance. `attested`: on
    record.
    """

    verification_id: str
    client_reference: str
    verified_at: datetime | None
    lacking: tuple[str, ...]
    attested: tuple[str, ...]


@dataclass(frozen=True)
class Attested:
    """One attestation on record."""

    what: str
    how: str
    day: str
    person: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ConfirmCase:
    """A case for an attesting employee. `hindrance`: the code why the reader may not attest."""

    verification_id: str
    mode: str
    client_reference: str
    borrower: str = field(repr=False)
    iin_masked: str
    age: int
    loan: Loan
    verified_at: datetime | None
    lacking: tuple[str, ...]
    attested: tuple[Attested, ...]
    hindrance: str


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """One employee's attestation. `how` of an age confirmation; `place` and `day` of a visit;
    `comment` of either.
    """

    what: str
    how: str = ""
    place: str = field(default="", repr=False)
    day: date | None = None
    comment: str = field(repr=False)


def to_confirm(*, reviewer: Reviewer, mode: str, reference: str = "") -> Rows:
    """Verified cases of the reader's lender whose newest clearance lacks an attestation, newest
    first.

    reference: all verified ones with this `client_reference` instead.
    Left out: renewed consents, disputed, blocked, erased or old cases, which no attestation helps,
    and unconfirmed rows.
    Writes `review.listed`.

    Raises: `BadInput`.
    """
    desk.require_mode(mode)
    at = clock.now()
    with transactions.writing():
        rows = Verification.objects.filter(
            lender_id=reviewer.lender_id, mode=mode, status=Status.VERIFIED
        )
        rows = rows.filter(
            renews=None,
            disputed_at=None,
            redacted_at=None,
            redaction_requested_at=None,
            consent_withdrawn_at=None,
        ).exclude(_too_old("profile_sha256", at=at))
        if reference:
            cases = list(
                rows.filter(contents.by_reference(reference)).order_by("-created_at")[
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
            cases = [
                clearance.verification
                for clearance in lacking.order_by("-created_at")[: policy.DESK_ROWS + 1]
            ]
        listed = desk.unblocked(cases[: policy.DESK_ROWS])
        public, lacks = decided.statuses_of(listed), _lacking(listed)
        attested = entries.of_cases([row.pk for row in listed], types=(ATTESTED,))
        on_record = {
            (entry.verification_id, entry.body["what"]) for entry in signatures.sound(attested)
        }
        confirmable = tuple(
            ToConfirm(
                verification_id=row.pk,
                client_reference=row.client_reference,
                verified_at=public[row.pk].finished_at,
                lacking=lacks.get(row.pk, ()),
                attested=tuple(kind for kind in ATTESTATION_KINDS if (row.pk, kind) in on_record),
            )
            for row in listed
            if public[row.pk].status == Status.VERIFIED
        )
        body = {
            "what": "to_confirm",
            "asked": ["reference"] if reference else [],
            "found": len(confirmable),
        }
        desk.note(reviewer, "review.listed", mode=mode, body=body)
    return Rows(confirmable, len(cases) > policy.DESK_ROWS)


def look(*, reviewer: Reviewer, verification_id: str) -> ConfirmCase:
    """One case, and a `review.viewed` entry.

    Raises: `NotFound`, and `Conflict` if it can no longer be attested.
    """
    with transactions.writing():
        row = _open_to_word(verification_id, reviewer.lender_id)
        key = contents.key_of(row)
        case = contents.read(row, key).case
        person = case.person
        confirmable = ConfirmCase(
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
            lacking=_lacking([row]).get(row.pk, ()),
            attested=tuple(_attested(row)),
            hindrance=votes.part_of(reviewer, row, key=key),
        )
        desk.note(
            reviewer,
            "review.viewed",
            mode=row.mode,
            body={"what": "confirmation", "verification": row.pk},
        )
    return confirmable


@dataclass(frozen=True)
class _Attestable:
    """A case that this person may attest now; the attestation's entry without its proof.

    sealed: the texts that are sealed, by kind.
    """

    row: Verification
    attempt: Attempt
    key: vault.Key
    number: int
    body: dict[str, Any]
    sealed: dict[str, str] = field(repr=False)


def attest(
    *, verification_id: str, reviewer: Reviewer, word: Attestation, signed: Signed | None = None
) -> None:
    """Records one employee's attestation.

    1. It is complete: what and how or where and when, and a remark.
    2. The verification is of their lender, reported as verified, and not paid out. Its row is
       locked.
    3. The employee had no part in the case, and the same fact is not attested yet.
    4. It is the employee's: their passkey signed it, or they have none and the log is the test log.
    5. Place and remark are sealed, and the attestation is an entry.

    Raises: `BadInput`, `NotFound` (absent or another lender's), `Conflict`, and `Refused` for 4;
    then nothing is written.
    """
    with transactions.writing():
        attestable = _attestable(verification_id, reviewer, word, lock=True)  # 1 to 3
        verification, body, at = attestable.row, attestable.body, clock.now()
        more = _more(attestable, signed.salt) if signed else {}
        body |= signing.proof(  # 4
            verification, ATTESTED, body, reviewer=reviewer, signed=signed, more=more
        )
        kept = {kind: text.encode() for kind, text in attestable.sealed.items()}
        if signed:
            kept[SALT_KIND] = signed.salt
        numbered = {f"{kind}.{attestable.number}": content for kind, content in kept.items()}
        with moving.moving(read_unverified(verification)):  # 5
            dossier.keep(attestable.attempt, numbered, key=attestable.key, at=at)
            moving.record(verification, ATTESTED, at=at, body=body)


def to_be_signed(
    *, verification_id: str, reviewer: Reviewer, word: Attestation, salt: bytes
) -> dict[str, Any]:
    """What a person's passkey signs for this attestation: the attempt, the fact, and the keyed
    hashes of place and remark.

    Raises: as `attest`, for 1 to 3.
    """
    with transactions.writing():
        attestable = _attestable(verification_id, reviewer, word)
    return acts.shown(ATTESTED, verification_id, attestable.body, **_more(attestable, salt))


def _attestable(
    verification_id: str, reviewer: Reviewer, word: Attestation, *, lock: bool = False
) -> _Attestable:
    """Steps 1 to 3 of `attest`.

    Raises: `BadInput`, `NotFound` or `Conflict`.
    """
    today = almaty.day_of(clock.now())
    if word.what not in ATTESTATION_KINDS:  # 1
        raise BadInput(
            f"an attestation is one of {list(ATTESTATION_KINDS)}",
            code="attestation_malformed",
            pointer="what",
        )
    sealed = {COMMENT_KIND: _line(word.comment, "comment", least=policy.REASON_MIN)}
    if word.what == AGE and word.how not in ATTESTATION_HOWS:
        raise BadInput(
            f"how is one of {list(ATTESTATION_HOWS)}", code="attestation_malformed", pointer="how"
        )
    statement = {"what": AGE, "how": word.how}
    if word.what != AGE:
        if word.day is None or not today - policy.VISIT_BEFORE <= word.day <= today:
            detail = f"a visit was today or up to {policy.VISIT_BEFORE.days} days ago"
            raise BadInput(detail, code="attestation_malformed", pointer="day")
        sealed[PLACE_KIND] = _line(word.place, "place", least=policy.VISIT_PLACE_MIN)
        statement = {"what": VISIT, "day": word.day.isoformat()}
    verification = _open_to_word(verification_id, reviewer.lender_id, lock=lock)  # 2
    key = contents.key_of(verification)
    if code := votes.part_of(reviewer, verification, key=key):  # 3
        raise Conflict("this person may not attest this case", code=code)
    on_record = _attested(verification)
    if any(earlier.what == word.what for earlier in on_record):
        raise Conflict("this is attested already", code="already_attested")
    attempt = Attempt.objects.filter(verification=verification).latest("turn")
    attempt.verification = verification
    number = len(on_record) + 1
    body = {"attempt": attempt.pk, "person": reviewer.person_id, "number": number, **statement}
    return _Attestable(verification, attempt, key, number, body, sealed)


def _more(attestable: _Attestable, salt: bytes) -> dict[str, str]:
    """What the page of an attestation shows beside its entry's body: the sealed texts."""
    return {
        kind.rpartition(".")[2]: signing.mark(text, salt)
        for kind, text in attestable.sealed.items()
    }


def _line(untrusted: str, pointer: str, *, least: int) -> str:
    text = untrusted.strip()
    if not least <= len(text) <= policy.REASON_MAX or not text.isprintable():
        detail = f"{least} to {policy.REASON_MAX} printable characters on one line"
        raise BadInput(detail, code="attestation_malformed", pointer=pointer)
    return text


def _open_to_word(verification_id: str, lender_id: str, *, lock: bool = False) -> Verification:
    """The row if it is this lender's and payout is still possible.

    Raises: `NotFound`, or `Conflict`.
    """
    rows = Verification.objects.filter(pk=verification_id, lender_id=lender_id)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise NotFound("the lender of this person has no such verification")
    contents.require_lender(row)
    public = decided.status_of(row)
    if row.renews_id or public.status != Status.VERIFIED or public.finished_at is None:
        raise Conflict(
            "only a verification that is reported as verified can be attested", code="not_verified"
        )
    if row.redacted_at is not None:
        raise Conflict("the person can no longer be identified", code="verification_erased")
    blocks.require_unblocked(row)
    if row.disputed_at is not None:
        raise Conflict("the borrower disputes it", code="clearance_frozen")
    aged = timedelta(seconds=row.advanced_seconds)
    if row.advanced_seconds:
        aged = advanced_since(public.decision, clearances.entries_of(row, ADVANCED))
    # The laws of its payout: its own, its newest clearance's, in live mode the day's.
    pinned, at = profiles.pinned(row.profile_sha256), clock.now()
    newest = Clearance.objects.filter(verification=row).order_by("created_at").last()
    laws = [pinned, profiles.binding(pinned.id, mode=row.mode, at=at)]
    laws += [profiles.get(newest.profile_id)] if newest else []
    if at >= public.finished_at - aged + timedelta(
        seconds=min(law.valid_for_seconds for law in laws)
    ):
        raise Conflict(
            "it is too old for a payout: verify the borrower again",
            code="verification_too_old",
        )
    if Clearance.objects.filter(verification=row, status=CONSUMED).exists():
        raise Conflict("the loan is paid out", code="clearance_consumed")
    if lock and row.step not in ("", steps.LEND):
        raise Conflict("a worker has a step of it to do; try again", code="conflict")
    return row


def _too_old(law: str, *, at: datetime) -> Q:
    """Rows verified too long ago under the law in this column; for clearances, their
    verifications.
    """
    prefix, field_name = ("", "sha256") if law == "profile_sha256" else ("verification__", "id")
    conditions = Q()
    for profile in profiles.book().values():
        since = at - timedelta(seconds=profile.valid_for_seconds)
        conditions |= Q(**{law: getattr(profile, field_name), f"{prefix}finished_at__lte": since})
    return conditions


def _lacking(rows: Sequence[Verification]) -> dict[str, tuple[str, ...]]:
    """What the newest clearance of each lacked, if it was refused."""
    in_order = Clearance.objects.filter(verification__in=rows).order_by("created_at")
    newest = {str(clearance.verification_id): clearance for clearance in in_order}
    return {
        pk: tuple(
            ATTESTATION_ASKED_BY[gate["status"]]
            for gate in clearance.gates
            if gate["status"] in ATTESTATION_ASKED_BY
        )
        for pk, clearance in newest.items()
        if clearance.status == REFUSED
    }


def _attested(row: Verification) -> Sequence[Attested]:
    attested = entries.of_cases([row.pk], types=(ATTESTED,), log=row.mode)
    return [
        Attested(
            what=str(entry.body["what"]),
            how=str(entry.body.get("how", "")),
            day=str(entry.body.get("day", "")),
            person=str(entry.body["person"]),
            at=entry.at,
        )
        for entry in signatures.sound(attested)
    ]


# Words


def of_attesting(code: str) -> str:
    """Why an attestation is impossible; else the code itself."""
    row = CODES.get(code)
    return gettext(row.attesting) if row and row.attesting else code


# Pages


class _Word(forms.Form):
    """The field of every attestation: a remark on one line."""

    comment = forms.CharField(
        label=_("How do you know?"),
        help_text=_("10 to 500 characters: what you saw, and its number or date. It is sealed."),
        min_length=policy.REASON_MIN,
        max_length=policy.REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        error_messages=dict.fromkeys(
            ("required", "min_length", "max_length"), _("Write 10 to 500 characters.")
        ),
    )

    def clean_comment(self) -> str:
        """On one line, as it is stored."""
        return " ".join(self.cleaned_data["comment"].split())


class AgeForm(_Word):
    """The borrower's repeated confirmation of consent, and its way. Nothing is preselected."""

    how = forms.ChoiceField(
        label=_("How did the borrower confirm?"),
        choices=list(HOWS_IN_WORDS.items()),
        widget=forms.RadioSelect,
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose one.")),
    )
    field_order = ("how", "comment")


class VisitForm(_Word):
    """The borrower's visit: when and where."""

    day = forms.DateField(
        label=_("Day of the visit"),
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages=dict.fromkeys(("required", "invalid"), _("Give the day.")),
    )
    place = forms.CharField(
        label=_("Place"),
        help_text=_("Your office: town and address. It is sealed."),
        min_length=policy.VISIT_PLACE_MIN,
        max_length=policy.REASON_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages=dict.fromkeys(
            ("required", "min_length", "max_length"), _("Give the place.")
        ),
    )
    field_order = ("day", "place", "comment")


_FORMS: Final = {AGE: AgeForm, VISIT: VisitForm}


@never_cache
@user_passes_test(desk.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def to_confirm_page(request: HttpRequest) -> HttpResponse:
    """Verified cases that wait for an attestation; a POST shows those of one reference."""
    mode = desk.mode_of(request)
    form = ReferenceForm(request.POST or None)
    reference = form.cleaned_data["reference"].strip() if form.is_valid() else ""
    cases = to_confirm(reviewer=desk.reviewer_of(request), mode=mode, reference=reference)
    badges = {
        True: ("badge-ok", gettext("attested")),
        False: ("badge-warn", gettext("asked for")),
    }
    lines = [
        Line(
            row=row,
            facts=tuple(
                (KINDS_IN_WORDS.get(kind, kind), badges[kind in row.attested])
                for kind in dict.fromkeys((*row.lacking, *row.attested))
            ),
        )
        for row in cases.rows
    ]
    context = {"form": form, "found": lines, "has_more": cases.has_more, "asked": reference}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "review/to_confirm.html", context | desk.modes_of(mode), status=status)


@never_cache
@user_passes_test(desk.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def confirmation_page(request: HttpRequest, verification_id: str) -> HttpResponse:
    """One case, what its clearance lacked, and a form for each kind of attestation."""
    return _confirmation_page(request, verification_id, {})


@never_cache
@sensitive_post_parameters("comment", "place")
@user_passes_test(desk.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def attest_page(request: HttpRequest, verification_id: str, kind: str) -> HttpResponse:
    """An attestation by the signed-in person."""
    if kind not in _FORMS:
        raise Http404
    form = _FORMS[kind](request.POST, prefix=kind)
    if not form.is_valid():
        return _confirmation_page(request, verification_id, {kind: form})
    word = Attestation(what=kind, **form.cleaned_data)
    try:
        attest(
            verification_id=verification_id,
            reviewer=desk.reviewer_of(request),
            word=word,
            signed=signing.given(request, _purpose(verification_id, kind)),
        )
    except Conflict as error:
        return desk.refusal_page(request, of_attesting(error.code), error)
    except Refused as error:
        return desk.refusal_page(request, desk.of_code(error.code), error)
    except BadInput as error:
        form.add_error(error.pointer, str(MALFORMED.get(error.pointer, error.code)))
        return _confirmation_page(request, verification_id, {kind: form})
    messages.success(
        request, gettext("Your word is kept. Let the step that pays ask for a clearance again.")
    )
    return redirect("review:to_confirm")


@never_cache
@sensitive_post_parameters("comment", "place")
@user_passes_test(desk.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def attest_challenge(request: HttpRequest, verification_id: str, kind: str) -> HttpResponse:
    """The options for the passkey of the signed-in person over their attestation, as JSON.

    One that would be refused has none: the page posts it, and shows why.
    """
    if kind not in _FORMS:
        raise Http404
    form, salt = _FORMS[kind](request.POST, prefix=kind), signing.fresh_salt()
    if not form.is_valid():
        return JsonResponse({}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        shown = to_be_signed(
            verification_id=verification_id,
            reviewer=desk.reviewer_of(request),
            word=Attestation(what=kind, **form.cleaned_data),
            salt=salt,
        )
    except (Conflict, BadInput) as error:
        return JsonResponse({"code": error.code}, status=HTTPStatus.CONFLICT)
    return signing.challenge(request, _purpose(verification_id, kind), shown, salt=salt)


def _purpose(verification_id: str, kind: str) -> str:
    return f"{ATTESTED} {verification_id} {kind}"


def _confirmation_page(
    request: HttpRequest, verification_id: str, mistaken: dict[str, forms.Form]
) -> HttpResponse:
    """The required attestation comes first. mistaken: by kind, the form with mistakes."""
    try:
        case = look(reviewer=desk.reviewer_of(request), verification_id=verification_id)
    except Conflict as error:
        return desk.refusal_page(request, of_attesting(error.code), error)
    on_record = {word.what: word for word in case.attested}
    sections = [
        {
            "what": kind,
            "label": KINDS_IN_WORDS.get(kind, kind),
            "why": WHY_ATTESTED.get(kind, ""),
            "is_asked": kind in case.lacking,
            "form": mistaken.get(kind) or form(prefix=kind),
            "made": (word := on_record.get(kind)),
            "how": HOWS_IN_WORDS.get(word.how, word.how) if word else "",
        }
        for kind, form in _FORMS.items()
    ]
    context = {
        "case": case,
        "words": sorted(sections, key=lambda section: not section["is_asked"]),
        "hindrance": of_attesting(case.hindrance),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if mistaken else HTTPStatus.OK
    return render(request, "review/confirmation.html", context, status=status)
