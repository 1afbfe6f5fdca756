"""Verifications as their lender reads them: one, and lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.db.models import QuerySet

from verification import clock
from verification.access.commands import Opened
from verification.access.open_page import (
    page_name,
)
from verification.case import attempts, contents, stages
from verification.case.contents import LIST_MAX, Page, Retention, beyond, retention_of
from verification.case.dossier import CheckView, check_views
from verification.core import ids
from verification.core.errors import BadInput, NotFound
from verification.core.opening import Opening
from verification.core.status import TERMINAL, Status
from verification.log import decided
from verification.log.decided import PublicStatus
from verification.models import Verification


@dataclass(frozen=True)
class NextAction:
    """What the borrower must do next. `type` is the name of the page."""

    type: str
    route: str
    stage: str
    attempts_left: int | None
    expires_at: datetime
    code: str


@dataclass(frozen=True)
class ContractView:
    """When a contract was signed, as reported, and until when its money waits; None where no law
    asked.
    """

    signed_at: datetime
    release_not_before: datetime | None


@dataclass(frozen=True, kw_only=True)
class VerificationView:
    """A verification as its lender may see it. `opening`: what the lender handed over; `renews`:
    whose consent it is about, asked for anew.
    """

    id: str
    mode: str
    status: str
    code: str
    last_failure: str
    next_action: NextAction | None
    combinations: tuple[tuple[str, ...], ...]
    route: str
    profile_id: str
    profile_sha256: str
    created_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    redacted_at: datetime | None
    disputed_at: datetime | None
    retention: Retention
    renews: str
    contract: ContractView | None
    opening: Opening
    sequence: int
    log_index: int | None


@dataclass(frozen=True, kw_only=True)
class CheckedView(VerificationView):
    """The same for a lender who asks for its checks too."""

    checks: tuple[CheckView, ...]


def opened_view(opened: Opened) -> VerificationView:
    """One that was opened just now: nothing that was written is read again."""
    row = opened.verification
    public = PublicStatus(row.status, row.code)  # it is open, or it could not be opened again
    return verification_view(row, opened.opening, public=public, standing=opened.standing)


def verification_view(
    each: Verification,
    opening: Opening,
    *,
    public: PublicStatus,
    standing: attempts.Standing | None,
) -> VerificationView:
    """A row for its lender, who is told no more than `public`. standing: where its borrower is, if
    anything is due.
    """
    is_untold = each.status in TERMINAL and public.status not in TERMINAL
    next_action = _next_action(each, standing) if standing else None
    if is_untold:  # the same, however it ended
        next_action = NextAction(
            "wait", each.route, each.stage, attempts_left=None, expires_at=each.expires_at, code=""
        )
    return VerificationView(
        id=each.pk,
        mode=each.mode,
        status=public.status,
        code=public.code,
        last_failure="" if is_untold else each.last_failure,
        next_action=next_action,
        combinations=tuple(tuple(combination) for combination in each.combinations),
        route=each.route,
        profile_id=each.profile_id,
        profile_sha256=each.profile_sha256,
        created_at=each.created_at,
        expires_at=each.expires_at,
        finished_at=public.finished_at,
        redacted_at=each.redacted_at,
        disputed_at=each.disputed_at,
        retention=retention_of(each),
        renews=each.renews_id or "",
        contract=ContractView(each.contract_signed_at, each.release_not_before)
        if each.contract_signed_at
        else None,
        opening=opening,
        sequence=each.sequence,
        log_index=public.log_index,
    )


def _next_action(verification: Verification, standing: attempts.Standing) -> NextAction:
    stage = stages.find(verification.route, verification.stage, law=verification.profile_sha256)
    attempt = standing.current
    return NextAction(
        type=page_name(verification, attempt),
        route=verification.route,
        stage=verification.stage,
        attempts_left=None
        if stage is None or stage.attempts is None
        else max(0, stage.attempts - standing.failures),
        expires_at=attempt.expires_at if attempt else verification.expires_at,
        code=attempt.notice if attempt else verification.last_failure,
    )


_WITH_NEXT_ACTION = (Status.REQUIRES_INPUT, Status.PROCESSING)


def view(
    *, lender_id: str, mode: str, verification_id: str, with_checks: bool = False
) -> VerificationView:
    """One verification of this lender; raises `NotFound` for none or another's."""
    found = _own_rows(lender_id=lender_id, mode=mode).filter(pk=verification_id).first()
    if found is None:
        raise NotFound("no such verification")
    (shown,) = _views([found])
    # That checks are left out says that nobody asked; none would say that there are none.
    return (
        CheckedView(**vars(shown), checks=check_views(found, key=contents.key_beside(found)))
        if with_checks
        else shown
    )


def list_views(
    *,
    lender_id: str,
    mode: str,
    client_reference: str | None = None,
    case_number: str | None = None,
    status: str | None = None,
    created_from: datetime | None = None,
    after: str | None = None,
    limit: int = 20,
) -> Page[VerificationView]:
    """A lender's verifications, newest first. Raises `BadInput` for a cursor that is not its
    own.
    """
    rows = _own_rows(lender_id=lender_id, mode=mode)
    if client_reference is not None:
        rows = rows.filter(client_reference=client_reference)
    if case_number is not None:
        rows = rows.filter(pk__range=ids.numbered(case_number, prefix="ver"))
    if created_from is not None:
        rows = rows.filter(created_at__gte=created_from)
    if after is not None:
        # A cursor is an id that the lender was given; another lender's must look like one that
        # never was.
        last = Verification.objects.filter(pk=after, lender_id=lender_id, mode=mode).first()
        if last is None:
            raise BadInput(
                "`after` is no verification of yours", code="cursor_unknown", pointer="?after"
            )
        rows = beyond(rows, last)
    limit = max(1, min(limit, LIST_MAX))
    while True:
        # One more than the page holds: whether there is a next page costs no count.
        found = _newest(rows, limit + 1, status=status)
        shown = tuple(view for view in _views(found[:limit]) if status in (None, view.status))
        more = len(found) > limit
        if shown or not more:
            return Page(shown, more, shown[-1].id if more else None)
        # Of all these the log has an end that nobody signed: what follows is the page.
        rows = beyond(rows, found[limit - 1])


def _newest(rows: QuerySet[Verification], number: int, *, status: str | None) -> list[Verification]:
    """The newest of these that are told to stand so, but for signatures. What ended just now is
    still `processing`.
    """
    newest = ("-created_at", "-pk")
    if status in TERMINAL:
        rows = decided.with_ordered_end(rows, str(status))
    elif status == Status.PROCESSING:
        ended = list(decided.with_unordered_end(rows).order_by(*newest)[:number])
        found = [*rows.filter(status=status).order_by(*newest)[:number], *ended]
        return sorted(found, key=attrgetter("created_at", "pk"), reverse=True)[:number]
    elif status is not None:
        rows = rows.filter(status=status)
    return list(rows.order_by(*newest)[:number])


def _own_rows(*, lender_id: str, mode: str) -> QuerySet[Verification]:
    """A lender's rows, each with its key."""
    return Verification.objects.filter(lender_id=lender_id, mode=mode).select_related("key")


def _views(rows: Sequence[Verification]) -> tuple[VerificationView, ...]:
    """Rows of `_own_rows`, with what else is told: one more statement for all that wait, one for
    all that ended.
    """
    standing = attempts.standing_of(
        [each for each in rows if each.status in _WITH_NEXT_ACTION], at=clock.now()
    )
    public = decided.statuses_of(rows)
    return tuple(
        verification_view(
            each,
            contents.read(each, contents.key_beside(each)).opening,
            public=public[each.pk],
            standing=standing.get(each.pk),
        )
        for each in rows
    )
