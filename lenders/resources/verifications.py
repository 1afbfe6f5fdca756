"""A verification as its lender reads it: one, and lists.

An absent value is null; times are RFC 3339 in UTC; money is never a float.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.drainage import set_override
from rest_framework import serializers

from lenders.answers import CODE_HELP, Moment, Word, page
from verification import clock
from verification.access.open_page import page_name
from verification.access.openings import Opened
from verification.case import attempts, blocks, contents, stages, votes
from verification.case.blocks import Block
from verification.case.contents import LIST_MAX, beyond, retention_of
from verification.case.dossier import check_views
from verification.compiled import Compiled
from verification.core import ids
from verification.core.codes import WARNINGS
from verification.core.errors import BadInput, NotFound
from verification.core.events import ASKERS
from verification.core.opening import Opening, asked_of
from verification.core.status import TERMINAL, Status
from verification.log import decided
from verification.log.decided import PublicStatus
from verification.models import Verification

_END_HELP = "An end is told once the log has ordered the decision; `processing` until then."
_PAGES = ("choose_route", "consent", "question", "statement", "resume", "wait")
_WITH_NEXT_ACTION = (Status.REQUIRES_INPUT, Status.PROCESSING)


class NextActionAnswer(serializers.Serializer[Any]):
    """The borrower's next action."""

    type = serializers.CharField(
        help_text=f"The borrower's page: {', '.join(_PAGES)}, or one to come."
    )
    route = Word(allow_null=True)
    stage = Word(allow_null=True)
    attempts_left = serializers.IntegerField(
        allow_null=True, help_text="Null where not counted, or an end is to come."
    )
    expires_at = Moment()
    code = Word(allow_null=True, help_text=CODE_HELP)


class ProfileAnswer(serializers.Serializer[Any]):
    """The legal profile pinned by this verification."""

    id = serializers.CharField(source="profile_id")
    sha256 = serializers.CharField(source="profile_sha256")


class CheckAnswer(serializers.Serializer[Any]):
    """One check's result."""

    id = serializers.CharField(help_text="`chk_…`, at most 34 characters")
    route = serializers.CharField()
    stage = serializers.CharField()
    attempt = serializers.IntegerField()
    name = serializers.CharField()
    outcome = serializers.ChoiceField(choices=("pass", "fail", "inconclusive", "error"))
    code = Word(allow_null=True, help_text=CODE_HELP)
    retryable = serializers.BooleanField()
    score = serializers.FloatField(
        allow_null=True, help_text="Null where the check has none, or it cannot be read."
    )
    threshold = serializers.FloatField(allow_null=True)
    engine = serializers.DictField(child=serializers.CharField())
    borrower_message = Word(allow_null=True, help_text="English; the borrower saw it translated.")
    lender_detail = Word(allow_null=True)
    created_at = Moment()


class RetentionAnswer(serializers.Serializer[Any]):
    """Retention of all data, by the reported obligation."""

    obligation_opened_at = Moment(allow_null=True)
    obligation_closed_at = Moment(allow_null=True)
    until = Moment(
        allow_null=True,
        help_text="Then the data are erased. Null while the obligation is open, and once erased.",
    )
    requested_at = Moment(
        allow_null=True, help_text="When you, or the person, last asked to erase them."
    )
    answer_due_at = Moment(allow_null=True, help_text="By when the law asks for an answer to it.")


class BlockedAnswer(serializers.Serializer[Any]):
    """The block of all processing of the personal data."""

    since = Moment()
    asked_by = serializers.ChoiceField(
        choices=ASKERS, help_text="Who asked for the erasure, or withdrew, first."
    )
    answer_due_at = Moment(
        allow_null=True, help_text="By when the law asks for an answer to the last of them."
    )
    kept_until = Moment(
        allow_null=True,
        help_text="Then the data are erased. Null while the obligation is open.",
    )


class ContractAnswer(serializers.Serializer[Any]):
    """The reported contract."""

    signed_at = Moment()
    release_not_before = Moment(
        allow_null=True,
        help_text=(
            "Until then the money waits, as far as the credits of the day are known; null where"
            " nothing waits. A refused clearance may bring it later: another credit of the day"
            " counts."
        ),
    )


class VerificationAnswer(serializers.Serializer[Any]):
    """The state of a verification."""

    id = serializers.CharField(source="row.pk", help_text="`ver_…`")
    mode = serializers.ChoiceField(source="row.mode", choices=("test", "live"))
    status = serializers.ChoiceField(
        source="public.status", choices=tuple(Status), help_text=_END_HELP
    )
    code = Word(
        source="public.code", allow_null=True, help_text=f"Why it ended as it did. {CODE_HELP}"
    )
    last_failure = Word(allow_null=True, help_text=f"The last thing that went wrong. {CODE_HELP}")
    next_action = NextActionAnswer(allow_null=True)
    combinations = serializers.ListField(
        source="row.combinations", child=serializers.ListField(child=serializers.CharField())
    )
    route = Word(source="row.route", allow_null=True)
    profile = ProfileAnswer(source="row")
    created_at = Moment(source="row.created_at")
    expires_at = Moment(source="row.expires_at")
    finished_at = Moment(source="public.finished_at", allow_null=True)
    redacted_at = Moment(source="row.redacted_at", allow_null=True)
    disputed_at = Moment(source="row.disputed_at", allow_null=True)
    retention = RetentionAnswer()
    blocked = BlockedAnswer(
        allow_null=True,
        help_text=(
            "Set from a request for erasure or a withdrawn consent on. Then your words, the checks"
            " and the last failure are left out, unless an obligation, or a payout that may still"
            " come, rests on the case."
        ),
    )
    renews = Word(
        source="row.renews_id",
        allow_null=True,
        help_text="`ver_…`: this one is the new consent to the loan of that.",
    )
    contract = ContractAnswer(allow_null=True, help_text="Null until you report it.")
    sequence = serializers.IntegerField(
        source="row.sequence",
        help_text="Grows with every change: a webhook with a smaller one is older.",
    )
    log_index = serializers.IntegerField(
        source="public.log_index",
        allow_null=True,
        help_text="The decision's place in the log: with an end.",
    )
    checks = CheckAnswer(many=True, required=False, help_text="Only with `?expand=checks`.")

    def get_fields(self) -> dict[str, Any]:
        """Adds the opening's fields that the answer repeats, per `core/opening.py`; empty words
        are null, and all of them once erased.
        """
        fields: dict[str, Any] = super().get_fields()
        for name, field in asked_of(Opening).items():
            if not field.form.is_told:
                continue
            text = serializers.CharField if field.is_required else Word
            kind = text if field.form.schema["type"] == "string" else serializers.DictField
            fields[name] = kind(source=f"opening.{field.attribute}", allow_null=True)
            schema = dict(field.form.schema)
            if "enum" in schema:
                schema["enum"] = [*schema["enum"], None]
            set_override(fields[name], "field", schema)
        return fields


_SPELLING = VerificationAnswer()
"""The most frequent answer: its fields are not copied each time."""


class BorrowersAddress(serializers.URLField):
    """The borrower's address. The token is in the fragment, which never reaches a server."""

    def to_representation(self, value: Any) -> Any:
        """The address with a token."""
        return f"{settings.TULGA_PUBLIC_URL}/v/#{value}"


class LinkAnswer(serializers.Serializer[Any]):
    """The borrower's link. It works once and for 30 minutes; it appears only here."""

    url = BorrowersAddress(source="token", help_text="Send the borrower here. Keep it out of logs.")
    link_expires_at = Moment(source="expires_at")


_LINK = LinkAnswer()
"""As `_SPELLING`."""


class SentAnswer(LinkAnswer):
    """The borrower's link, and its target."""

    renewal = Word(
        source="renewal_id",
        allow_null=True,
        help_text="`ver_…`: it leads to this new consent. Null: to the verification itself.",
    )


class WarningAnswer(serializers.Serializer[Any]):
    """A possible obstacle to a verdict."""

    code = serializers.CharField(help_text=CODE_HELP)
    detail = serializers.CharField()


class OpenedAnswer(VerificationAnswer, LinkAnswer):
    """A verification with a fresh link for its borrower."""

    warnings = WarningAnswer(many=True, help_text="What may keep it from a verdict; mostly empty.")


class VerificationPage(serializers.Serializer[Any]):
    """A slice of the list, newest first."""

    # a field of this name hides the serializer's own `data`
    data = VerificationAnswer(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


def read(
    *, lender_id: str, mode: str, verification_id: str, with_checks: bool = False
) -> dict[str, Any]:
    """The answer for one verification of this lender.

    Raises: `NotFound` if absent or another lender's.
    """
    row = _BY_ID.first(lender_id, mode, verification_id)
    if row is None:
        raise NotFound("no such verification")
    (facts,) = _facts_of([row])
    # Checks that were not requested are left out; an empty list would mean that there are none.
    if with_checks and not _is_closed(facts["blocked"]):
        key = contents.key_beside(row) if facts["opening"] is not None else None
        facts["checks"] = check_views(row, key=key)
    return _SPELLING.to_representation(facts)


def read_opened(opened: Opened) -> dict[str, Any]:
    """The answer for a verification opened just now, without reading written data again."""
    row = opened.verification
    public = PublicStatus(row.status, row.code)  # it is open, or it could not be opened again
    link = {"token": opened.token, "expires_at": opened.link_expires_at}
    codes = votes.warnings_of(row, opened.opening)
    return {
        **_SPELLING.to_representation(_facts(row, opened.opening, public, opened.tries)),
        # The token appears only here: only its hash is stored.
        **_LINK.to_representation(link),
        "warnings": [{"code": code, "detail": WARNINGS[code].warning} for code in codes],
    }


def read_page(
    *,
    lender_id: str,
    mode: str,
    client_reference: str | None = None,
    case_number: str | None = None,
    status: str | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
    after: str | None = None,
    limit: int = 20,
) -> dict[str, Any]:
    """A lender's verifications, newest first.

    Raises: `BadInput` for a foreign cursor.
    """
    rows = _rows(lender_id=lender_id, mode=mode)
    if client_reference is not None:
        rows = rows.filter(client_reference=client_reference)
    if case_number is not None:
        rows = rows.filter(pk__range=ids.numbered(case_number, prefix="ver"))
    if created_from is not None:
        rows = rows.filter(created_at__gte=created_from)
    if created_to is not None:
        rows = rows.filter(created_at__lt=created_to)
    if after is not None:
        # A cursor is an id from the lender; another lender's must look like an unknown one.
        last = Verification.objects.filter(pk=after, lender_id=lender_id, mode=mode).first()
        if last is None:
            raise BadInput(
                "`after` is no verification of yours", code="cursor_unknown", pointer="?after"
            )
        rows = beyond(rows, last)
    limit = max(1, min(limit, LIST_MAX))
    while True:
        # One more than the page holds: so the next page's existence costs no count.
        batch = _newest(rows, limit + 1, status=status)
        listed = [
            facts for facts in _facts_of(batch[:limit]) if status in (None, facts["public"].status)
        ]
        has_more = len(batch) > limit
        if listed or not has_more:
            return page(
                [_SPELLING.to_representation(facts) for facts in listed],
                listed[-1]["row"].pk if has_more else None,
            )
        # Skip rows whose end in the log lacks a valid signature.
        rows = beyond(rows, batch[limit - 1])


def _newest(rows: QuerySet[Verification], number: int, *, status: str | None) -> list[Verification]:
    """The newest rows with this public status, signatures aside. A recent end is still
    `processing`.
    """
    newest = ("-created_at", "-pk")
    if status in TERMINAL:
        rows = decided.with_ordered_end(rows, str(status))
    elif status == Status.PROCESSING:
        ended = list(decided.with_unordered_end(rows).order_by(*newest)[:number])
        waiting = [*rows.filter(status=status).order_by(*newest)[:number], *ended]
        return sorted(waiting, key=attrgetter("created_at", "pk"), reverse=True)[:number]
    elif status is not None:
        rows = rows.filter(status=status)
    return list(rows.order_by(*newest)[:number])


def _rows(*, lender_id: str, mode: str) -> QuerySet[Verification]:
    """A lender's rows, each with its key."""
    return Verification.objects.filter(lender_id=lender_id, mode=mode).select_related("key")


_BY_ID = Compiled(lambda lender, mode, pk: _rows(lender_id=lender, mode=mode).filter(pk=pk))


def _facts_of(rows: Sequence[Verification]) -> list[dict[str, Any]]:
    """The public facts of rows of `_rows`: one more statement for all that wait, one for all
    that ended.
    """
    standings = attempts.standing_of(
        [row for row in rows if row.status in _WITH_NEXT_ACTION], at=clock.now()
    )
    public, blocked = decided.statuses_of(rows), blocks.of_rows(rows)
    return [
        _facts(
            row,
            None if _is_closed(blocked.get(row.pk)) else contents.opening_beside(row),
            public[row.pk],
            standings.get(row.pk),
            blocked.get(row.pk),
        )
        for row in rows
    ]


def _is_closed(block: Block | None) -> bool:
    """Whether a block leaves the lender only the skeleton of a case."""
    return block is not None and not block.is_readable


def _facts(
    row: Verification,
    opening: Opening | None,
    public: PublicStatus,
    borrower: attempts.Standing | None,
    block: Block | None = None,
) -> dict[str, Any]:
    """The input of `VerificationAnswer`: no more than `public` says of an end. `opening`: None
    once erased, and of a closed case. `borrower`: their position, if any.
    """
    is_untold = row.status in TERMINAL and public.status not in TERMINAL
    next_action: dict[str, Any] | None = None
    if is_untold:  # the same for every end
        next_action = {
            "type": "wait",
            "route": row.route,
            "stage": row.stage,
            "attempts_left": None,
            "expires_at": row.expires_at,
            "code": "",
        }
    elif borrower is not None:
        stage = stages.find(row.route, row.stage, law=row.profile_sha256)
        attempt = borrower.current
        allowed = stage.attempts if stage else None
        next_action = {
            "type": page_name(row, attempt),
            "route": row.route,
            "stage": row.stage,
            "attempts_left": None if allowed is None else max(0, allowed - borrower.failures),
            "expires_at": attempt.expires_at if attempt else row.expires_at,
            "code": attempt.notice if attempt else row.last_failure,
        }
    contract = {
        "signed_at": row.contract_signed_at,
        "release_not_before": row.release_not_before,
    }
    return {
        "row": row,
        "public": public,
        "opening": opening,
        "last_failure": "" if is_untold or _is_closed(block) else row.last_failure,
        "next_action": next_action,
        "retention": retention_of(row),
        "blocked": block,
        "contract": contract if row.contract_signed_at else None,
    }
