"""One case as its reviewers see it, and their votes.

Every look is an entry with the person.
Pictures are opened here only, while the case waits for reviewers of its own lender; never after the
end. A worker lends them for that time.
Other reviewers' votes are hidden: a standing vote is a pass, because a fail ends the case.
Each vote is one transaction under the lock of the verification's row: of two at once the second
sees the first.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required, user_passes_test
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from verification import clock, transactions
from verification.case import blocks, contents, dossier, moving, policy, stages, steps, votes
from verification.case.dossier import CheckView, check_views
from verification.case.moving import History, read_sound
from verification.case.votes import PERMISSION, Reviewer
from verification.core.errors import BadInput, Conflict, EvidenceUnreadable, NotFound, Refused
from verification.core.events import VOTED
from verification.core.identification_document import Judged
from verification.core.lender import LenderFacts
from verification.core.opening import Loan
from verification.core.results import Outcome
from verification.core.route import Evidence, Stage
from verification.core.status import Status
from verification.evidence import store, vault
from verification.log import acts
from verification.models import Attempt, EvidenceItem, ReviewVote, Verification
from verification.review import desk, measures, signing
from verification.review.desk import Line, Words
from verification.review.signing import Signed

REASON_KIND, SALT_KIND = "review.reason", "review.salt"
"""Evidence of the attempt, numbered in the order of the votes: `review.reason.1`."""
PASS, FAIL = "pass", "fail"
MATCH, QUALITY, COMMANDS = "face.match", "face.quality", "face.commands"
HAND_OVER = "face.hand_over"

LEFT_OUT: Final[dict[str, Words]] = {
    "turn": _("Turn the head to the side"),
    "blink": _("Close the eyes"),
    "open_mouth": _("Open the mouth wide"),
}
OUTCOMES: Final[dict[str, Words]] = {
    "pass": _("Passed"),
    "fail": _("Not passed"),
    "inconclusive": _("Could not tell"),
}
OUTCOME_BADGES: Final[dict[str, str]] = {"pass": "badge-ok", "fail": "badge-bad"}
ZONES: Final[dict[str, Words]] = {
    "pass": _("Match"),
    "inconclusive": _("Between match and refusal: two people look"),
    "fail": _("No match"),
}
SOURCES: Final[dict[str, Words]] = {
    "quoted": _("Measured by others on press photographs; quoted"),
    "measured": _("Measured by the operator"),
}
TRAINING_DATA: Final[dict[str, Words]] = {
    "undocumented": _(
        "Not documented by its maker: whether this net may judge people is for counsel"
    ),
    "described": _("Described by its maker"),
}
TASKS: Final[dict[str, Words]] = {
    "": _("Reference from the register"),
    "look_straight": _("Look straight"),
    "turn_left": _("Turn to the left"),
    "turn_right": _("Turn to the right"),
    "blink": _("Blink"),
    "open_mouth": _("Open the mouth"),
    "come_closer": _("Come closer"),
    "nod": _("Nod"),
}
CHECKS: Final[dict[str, Words]] = {
    "person.consent": _("Consent to the look-up, by the SMS from 1414"),
    "person.registry": _("Known to the register of people, birth date as stated"),
    "person.alive": _("Alive, as the register of people has it"),
    "person.names": _("Names as the register of people has them"),
    "person.document": _("Document registered, valid and not expired"),
    "face.binding": _("Frames belong to their commands"),
    "face.timing": _("Frames came in time"),
    "face.fresh": _("Frames are fresh"),
    "face.one_face": _("One face only"),
    "face.quality": _("Good enough to compare"),
    "face.commands": _("Commands were followed"),
    "face.depth": _("The face has depth"),
    "face.continuity": _("The same face throughout"),
    "face.hand_over": _("Small enough a loan for a phone that took over"),
    "face.passive": _("Detector of attacks, or small enough a loan without one"),
    "face.injection": _("No sign of pictures put in place of the camera's"),
    "face.match": _("Likeness to the reference"),
}
DETAILS: Final[dict[str, Words]] = {
    "interocular": _("Pixels between the eyes, fewest"),
    "darkest": _("Light, darkest (0–1)"),
    "brightest": _("Light, brightest (0–1)"),
    "sharpness": _("Sharpness, poorest"),
}


@dataclass(frozen=True)
class Shot:
    """One picture: its evidence id, and its command; empty for the reference."""

    evidence_id: str
    command: str


@dataclass(frozen=True, kw_only=True)
class ReviewCase:
    """A reviewer's data. `refused_before`: failed checks of the case's earlier attempts.

    `remarks`: codes of checks' remarks, each once. `hindrance`: the code why the reader may not
    vote.
    """

    verification_id: str
    mode: str
    client_reference: str
    lender: LenderFacts
    borrower: str = field(repr=False)
    iin_masked: str
    loan: Loan
    purpose: str
    is_handed_over: bool
    route: str
    code: str
    until: datetime
    shots: tuple[Shot, ...]
    checks: tuple[Judged, ...]
    refused_before: tuple[CheckView, ...]
    remarks: tuple[str, ...]
    hindrance: str


def look(*, reviewer: Reviewer, verification_id: str) -> ReviewCase:
    """The case, and a `review.viewed` entry.

    Raises: `NotFound`, and `Conflict` after its end.
    """
    at = clock.now()
    with transactions.writing():
        row = case_in_review(verification_id, reviewer.lender_id, at=at)
        history, attempt, stage = question(row)
        key = contents.key_of(row)
        case = contents.read(row, key).case
        person = case.person
        # Reviewers who decide by pictures must see all; for other unreadable evidence the log's
        # record suffices.
        contents_by_kind = _shown(attempt, stage, key=key)
        views = check_views(row, key=key)
        reviewed = ReviewCase(
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
            is_handed_over=row.handed_over_at is not None,
            route=row.route,
            code=row.code,
            until=ends_at(row),
            shots=_shots(attempt, stage, Evidence(items=contents_by_kind, at=at)),
            checks=dossier.checks_of(history, attempt.pk, contents_by_kind),
            # No check refused the attempt in review, or it would have failed.
            refused_before=tuple(check for check in views if check.outcome == "fail"),
            remarks=tuple(
                dict.fromkeys(
                    check.code for check in views if check.outcome == "pass" and check.code
                )
            ),
            hindrance=hindrance(attempt, reviewer, key=key),
        )
        body = {"what": "case", "attempt": attempt.pk, "verification": row.pk}
        desk.note(reviewer, "review.viewed", mode=row.mode, body=body)
    return reviewed


def _shown(attempt: Attempt, stage: Stage, *, key: vault.Key) -> dict[str, bytes]:
    """The originals that a worker lent for this attempt.

    Raises: `Conflict` if it took them back meanwhile.
    """
    try:
        return dossier.shown(attempt, stage, key=key)
    except EvidenceUnreadable as fault:
        if fault.code == store.NOT_LENT:
            detail = "a worker took the pictures back"
            raise Conflict(detail, code="not_in_review") from None
        raise


def _shots(attempt: Attempt, stage: Stage, evidence: Evidence) -> tuple[Shot, ...]:
    """The pictures of the attempt in order; empty if unreadable."""
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
    """One picture as a fresh JPEG, and a `review.viewed` entry.

    Raises: `NotFound` for any defect.
    """
    with transactions.writing():
        try:
            row = case_in_review(verification_id, reviewer.lender_id, at=clock.now())
            _, attempt, stage = question(row)
        except Conflict:
            raise NotFound("there is no such picture any more") from None
        item = EvidenceItem.objects.filter(pk=evidence_id, attempt=attempt).first()
        if item is None or stage.show is None or not stage.is_shown(item.kind):
            raise NotFound("there is no such picture")
        try:
            jpeg = stage.show(item.kind, store.opening(contents.key_of(row), item).plain)
        except (BadInput, Refused):
            raise NotFound("this evidence is not a picture") from None
        body = {
            "what": "picture",
            "attempt": attempt.pk,
            "evidence": item.pk,
            "verification": row.pk,
        }
        desk.note(reviewer, "review.viewed", mode=row.mode, body=body)
    return jpeg


@dataclass(frozen=True)
class _Votable:
    """A case that this person may vote on now, and the vote's entry without its proof."""

    history: History
    attempt: Attempt
    stage: Stage
    key: vault.Key
    body: dict[str, Any]


def vote(
    *,
    verification_id: str,
    reviewer: Reviewer,
    passes: bool,
    reason: str,
    signed: Signed | None = None,
) -> bool:
    """Whether one reviewer's vote decides: the second pass passes the attempt, one fail refuses.

    1. There is a reason.
    2. The verification is of their lender and in review, within its time. Its row is locked.
    3. The reviewer has not voted on this attempt, sent no link of the case, and did not open it for
       the lender.
    4. A pass requires that all other checks passed: the stored results are weighed again.
    5. It is the reviewer's: their passkey signed it, or they have none and the log is the test log.
    6. The reason is sealed and the vote is logged. After two passes or one fail a worker ends the
       attempt.

    Raises: `BadInput`, `NotFound` (absent or another lender's), `Conflict`, and `Refused` for 5;
    then nothing is written.
    """
    text, at = _reason(reason), clock.now()  # 1
    with transactions.writing():
        votable = _votable(verification_id, reviewer, passes=passes, at=at, lock=True)  # 2 to 4
        history, attempt, body = votable.history, votable.attempt, votable.body
        more = _more(history, attempt.pk, text, signed) if signed else {}
        body |= signing.proof(  # 5
            history.row, VOTED, body, reviewer=reviewer, signed=signed, more=more
        )
        # 6. Of the reason the log holds the commitment only.
        number = len(history.state.attempts[attempt.pk].votes) + 1
        sealed = {f"{REASON_KIND}.{number}": text.encode()}
        if signed:
            sealed[f"{SALT_KIND}.{number}"] = signed.salt
        with moving.moving(history):
            dossier.keep(attempt, sealed, key=votable.key, at=at)
            person = reviewer.person_id
            ReviewVote.objects.create(attempt=attempt, person=person, passes=passes, created_at=at)
            moving.record(history.row, VOTED, at=at, body=body)
            if is_decided := votes.verdict(history, attempt.pk) is not None:
                steps.schedule(history.row, steps.WEIGH, due_at=at, queue=policy.ENDING_QUEUE)
    return is_decided


def to_be_signed(
    *, verification_id: str, reviewer: Reviewer, passes: bool, reason: str, salt: bytes
) -> dict[str, Any]:
    """What a person's passkey signs for this vote: the attempt, its judgement, the pictures, the
    choice and the reason's keyed hash.

    Raises: as `vote`, for 1 to 4.
    """
    text, at = _reason(reason), clock.now()
    with transactions.writing():
        votable = _votable(verification_id, reviewer, passes=passes, at=at)
        attempt, stage = votable.attempt, votable.stage
        seen = _shown(attempt, stage, key=votable.key)
        shots = _shots(attempt, stage, Evidence(items=seen, at=at))
        signed = Signed(None, salt, tuple(shot.evidence_id for shot in shots))
        more = _more(votable.history, attempt.pk, text, signed)
    return acts.shown(VOTED, verification_id, votable.body, **more)


def _reason(untrusted: str) -> str:
    """Raises: `BadInput` without a reason on one line."""
    text = untrusted.strip()
    least, most = policy.REASON_MIN, policy.REASON_MAX
    if not least <= len(text) <= most or not text.isprintable():
        limits = f"{least} to {most} printable characters on one line"
        raise BadInput(f"a reason has {limits}", code="reason_malformed", pointer="reason")
    return text


def _votable(
    verification_id: str, reviewer: Reviewer, *, passes: bool, at: datetime, lock: bool = False
) -> _Votable:
    """Steps 2 to 4 of `vote`.

    Raises: `NotFound`, or `Conflict`.
    """
    verification = case_in_review(verification_id, reviewer.lender_id, at=at, lock=lock)
    history, attempt, stage = question(verification)
    key = contents.key_of(verification)
    if code := hindrance(attempt, reviewer, key=key):
        raise Conflict("this person may not vote on this case", code=code)
    if passes:
        votes.require_the_rest_passed(history, attempt.pk)
    body = moving.place_of(attempt.pk, attempt) | {"person": reviewer.person_id}
    body["outcome"] = Outcome.PASSED if passes else Outcome.FAILED
    return _Votable(history, attempt, stage, key, body)


def _more(history: History, name: str, reason: str, signed: Signed) -> dict[str, Any]:
    """What the page of a vote shows beside its entry's body."""
    judged = [
        entry.pk for entry in history.typed("attempt.judged") if entry.body["attempt"] == name
    ]
    reason_mark = signing.mark(reason, signed.salt)
    return {"judged": judged[-1], "pictures": list(signed.pictures), "reason": reason_mark}


def case_in_review(
    verification_id: str, lender_id: str, *, at: datetime, lock: bool = False
) -> Verification:
    """The row if it is this lender's and waits for reviewers now.

    Raises: `NotFound`, or `Conflict` after its end.
    """
    rows = Verification.objects.filter(pk=verification_id, lender_id=lender_id)
    verification = (rows.select_for_update() if lock else rows).first()
    if verification is None:
        raise NotFound("the lender of these reviewers has no such verification")
    contents.require_lender(verification)
    blocks.require_unblocked(verification)
    if verification.status != Status.IN_REVIEW:
        raise Conflict("the verification is not in review", code="not_in_review")
    # The sweep ends such a case a moment later; it is over already.
    if ends_at(verification) <= at:
        raise Conflict("the time for this review is over", code="review_timeout")
    if verification.step not in ("", steps.LEND):
        raise Conflict(
            "the votes suffice, or it was stopped: a worker ends it", code="not_in_review"
        )
    return verification


def ends_at(verification: Verification) -> datetime:
    """The end of the reviewers' time. After a second referral, that one counts."""
    since = verification.in_review_since
    # Without a referral it is over.
    return since + timedelta(seconds=policy.REVIEW_SECONDS) if since else verification.created_at


def question(verification: Verification) -> tuple[History, Attempt, Stage]:
    """The case, the attempt in review, and its stage.

    Raises: `Conflict` (not_reviewable) if no signed entry refers an attempt to people.
    """
    history = read_sound(verification)
    name = votes.open_question(history)
    if history.flaw or not name:
        raise Conflict("no worker referred this attempt to people", code="not_reviewable")
    attempt = history.attempt(name)
    stage = stages.find(attempt.route, attempt.stage, law=verification.profile_sha256)
    if stage is None:
        raise Conflict("people cannot decide this stage", code="not_reviewable")
    return history, attempt, stage


def hindrance(attempt: Attempt, reviewer: Reviewer, *, key: vault.Key) -> str:
    """The code why this person may not vote on this attempt; empty if they may.

    Four eyes belong to people without a part in the case. Law: O-88.
    """
    if ReviewVote.objects.filter(attempt=attempt, person=reviewer.person_id).exists():
        return "already_voted"
    return votes.part_of(reviewer, attempt.verification, key=key)


# Words


@dataclass(frozen=True)
class Strip:
    """The frames of one command, in order."""

    label: Words
    shots: tuple[Shot, ...]


def _lines(case: ReviewCase, *, at: datetime) -> dict[str, Any]:
    """The data of a case's page."""
    references = [shot for shot in case.shots if not shot.command]
    # Shots are in time order, so a command's are adjacent.
    commanded = groupby(
        (shot for shot in case.shots if shot.command), key=lambda shot: shot.command
    )
    quality = next((check.detail for check in case.checks if check.name == QUALITY), {})
    # The commands that the borrower cannot do, so that they were left out.
    without = next(
        (check.detail.get("without", "") for check in case.checks if check.name == COMMANDS), ""
    )
    checks = [_check_line(check, is_handed_over=case.is_handed_over) for check in case.checks]
    return {
        "case": case,
        "why": desk.of_code(case.code),
        "left_out": [LEFT_OUT.get(name, name) for name in str(without).split(", ") if name],
        "route": stages.titles().get(case.route, case.route),
        "left": desk.time_left(case.until, at=at),
        "reference": references[0] if references else None,
        "strips": [Strip(TASKS.get(name, name), tuple(shots)) for name, shots in commanded],
        "checks": checks,
        "refused_before": [_refused_line(check) for check in case.refused_before],
        "remarks": [desk.of_code(code) for code in case.remarks],
        "comparison": _comparison(case.checks),
        "quality": [
            (label, number_format(quality[name]))
            for name, label in DETAILS.items()
            if name in quality
        ],
        "hindrance": desk.of_code(case.hindrance),
    }


def _check_line(check: Judged, *, is_handed_over: bool) -> Line:
    """A check in words; one about a phone that took over applies only where one did."""
    label = CHECKS.get(check.name, check.name)
    if check.name == HAND_OVER and not is_handed_over:
        return Line(row=check, label=label, outcome=_("Does not apply"))
    measure = measures.measure_of(check.name, check.code, check.detail)
    return Line(
        row=check,
        label=label,
        mark=OUTCOME_BADGES.get(check.outcome, "badge-warn"),
        outcome=OUTCOMES.get(check.outcome, check.outcome),
        value=measures.value_of(measure, check.score),
        limit=measures.limit_of(measure, check.threshold),
        facts=tuple(
            (DETAILS.get(name, name), value)
            for name, value in sorted(check.detail.items())
            if value
        ),
    )


def _refused_line(check: CheckView) -> Line:
    """A failed check of an earlier attempt."""
    measure = measures.measure_of(check.name, check.code, {})
    return Line(
        row=check,
        label=CHECKS.get(check.name, check.name),
        value=measures.value_of(measure, check.score),
        limit=measures.limit_of(measure, check.threshold),
    )


def _comparison(checks: Iterable[Judged]) -> tuple[tuple[Words, Any], ...]:
    """Distance, zone, thresholds, model and calibration of the comparison with the reference."""
    match = next((check for check in checks if check.name == MATCH), None)
    if match is None or match.score is None:
        return ()
    detail: Mapping[str, Any] = match.detail
    facts = [
        (gettext("Distance to the reference"), number_format(match.score, 3)),
        (gettext("Zone"), ZONES.get(match.outcome, match.outcome)),
        (
            gettext("Match up to"),
            number_format(match.threshold, 3) if match.threshold is not None else None,
        ),
        (
            gettext("Two people up to"),
            number_format(float(detail["review"]), 3) if "review" in detail else None,
        ),
        (gettext("Backend"), detail.get("backend")),
        (gettext("Model"), detail.get("model")),
        (
            gettext("What the model learned from"),
            TRAINING_DATA.get(str(detail.get("training_data", ""))),
        ),
        (gettext("Embedding"), detail.get("embedding")),
        (gettext("Calibration"), detail.get("calibration")),
        (
            gettext("Rates of the calibration"),
            SOURCES.get(str(detail.get("calibration_source", ""))),
        ),
        (gettext("Decided by"), detail.get("decision")),
    ]
    return tuple((label, value) for label, value in facts if value is not None)


# Pages


class VoteForm(forms.Form):
    """One vote. Nothing is preselected."""

    word = forms.ChoiceField(
        label=_("What do you see?"),
        choices=[
            (PASS, _("It is the borrower, alive and alone")),
            (FAIL, _("It is not, or I cannot tell")),
        ],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose one of the two."),
            "invalid_choice": _("Choose one of the two."),
        },
    )
    reason = forms.CharField(
        label=_("Why?"),
        help_text=_(
            "10 to 500 characters. It is sealed: neither the other reviewer nor the log sees it."
        ),
        min_length=policy.REASON_MIN,
        max_length=policy.REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        error_messages=dict.fromkeys(
            ("required", "min_length", "max_length"), _("Write 10 to 500 characters.")
        ),
    )

    def clean_reason(self) -> str:
        """On one line, as it is stored. Unprintable characters are refused."""
        text = " ".join(self.cleaned_data["reason"].split())
        if len(text) < policy.REASON_MIN or not text.isprintable():
            raise forms.ValidationError(_("Write 10 to 500 characters."), code="reason_malformed")
        return text


@never_cache
@user_passes_test(desk.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def case_page(request: HttpRequest, verification_id: str) -> HttpResponse:
    """One case: pictures, findings, and the vote's form."""
    return _case_page(request, verification_id, VoteForm())


@never_cache
@user_passes_test(desk.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def picture_page(request: HttpRequest, verification_id: str, evidence_id: str) -> HttpResponse:
    """One picture, re-encoded; only during the review."""
    jpeg = picture(
        reviewer=desk.reviewer_of(request), verification_id=verification_id, evidence_id=evidence_id
    )
    response = HttpResponse(jpeg, content_type="image/jpeg")
    # No other site's page may embed it, not even for a signed-in reviewer.
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@never_cache
@sensitive_post_parameters("reason")
@user_passes_test(desk.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def vote_page(request: HttpRequest, verification_id: str) -> HttpResponse:
    """A vote of the signed-in person."""
    form = VoteForm(request.POST)
    if not form.is_valid():
        return _case_page(request, verification_id, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    passes = form.cleaned_data["word"] == PASS
    try:
        is_decided = vote(
            verification_id=verification_id,
            reviewer=desk.reviewer_of(request),
            passes=passes,
            reason=form.cleaned_data["reason"],
            signed=signing.given(request, _purpose(verification_id)),
        )
    except (Conflict, Refused) as error:
        return desk.refusal_page(request, desk.of_code(error.code), error)
    if not passes:
        message = gettext("Your vote is kept. The case was refused.")
    elif not is_decided:
        message = gettext("Your vote is kept. A second reviewer must look with their own eyes.")
    else:
        message = gettext("Your vote is kept, and it was the second one. The case goes on.")
    messages.success(request, message)
    return redirect("review:queue")


@never_cache
@sensitive_post_parameters("reason")
@user_passes_test(desk.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def vote_challenge(request: HttpRequest, verification_id: str) -> HttpResponse:
    """The options for the passkey of the signed-in person over their vote, as JSON.

    A vote that would be refused has none: the page posts it, and shows why.
    """
    form, salt = VoteForm(request.POST), signing.fresh_salt()
    if not form.is_valid():
        return JsonResponse({}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        shown = to_be_signed(
            verification_id=verification_id,
            reviewer=desk.reviewer_of(request),
            passes=form.cleaned_data["word"] == PASS,
            reason=form.cleaned_data["reason"],
            salt=salt,
        )
    except Conflict as error:
        return JsonResponse({"code": error.code}, status=HTTPStatus.CONFLICT)
    return signing.challenge(request, _purpose(verification_id), shown, salt=salt)


def _purpose(verification_id: str) -> str:
    return f"{VOTED} {verification_id}"


def _case_page(
    request: HttpRequest,
    verification_id: str,
    form: VoteForm,
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    try:
        reviewed = look(reviewer=desk.reviewer_of(request), verification_id=verification_id)
    except Conflict as error:
        return desk.refusal_page(request, desk.of_code(error.code), error)
    context = _lines(reviewed, at=clock.now()) | {"form": form}
    return render(request, "review/case.html", context, status=status)
