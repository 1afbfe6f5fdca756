"""A clearance as its lender reads it: one, and lists. Only a worker's signature counts:
`clearances.consume` checks it.

An issue is public once the log has ordered it, like an end, because it permits a payout.
A list of payouts comes from the log's entries: what they say of a payout stands in its answer.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import StringIO
from operator import attrgetter
from typing import Any, Final

from django.db.models import QuerySet
from rest_framework import serializers

from lenders.answers import Moment, Word, page
from verification import clock, transactions
from verification.case.contents import beyond
from verification.case.moving import History
from verification.core.clearance import (
    CONSUMED,
    FROZEN,
    ISSUED,
    NOT_EVALUATED,
    PASSED,
    PROCESSING,
    REFUSED,
    TIYN,
)
from verification.core.codes import REFUSALS
from verification.core.errors import BadInput, LogInconsistent, NotFound
from verification.log import decided, payouts
from verification.models import AuditEntry, Clearance
from verification.payout import clearances

_STATUSES: Final = "processing, issued, refused, superseded, consumed, frozen; accept unknown ones."
_CODES: Final = " ".join(f"`{code}`: {row.refusal}" for code, row in REFUSALS.items())


class Tenge(serializers.CharField):
    """A sum, in tiyn in rows, as a decimal."""

    def to_representation(self, value: Any) -> str:
        """Two places."""
        return f"{value // TIYN}.{value % TIYN:02}"


class GateAnswer(serializers.Serializer[Any]):
    """One gate's result."""

    name = serializers.CharField()
    status = serializers.SerializerMethodField(
        help_text=(
            "passed, refused, or not_evaluated where your profile does not ask; accept unknown"
            " ones."
        )
    )
    code = serializers.SerializerMethodField(help_text="Why it refuses; null where it does not.")
    at = Moment(allow_null=True, help_text="As of when.")
    # a field of this name hides the serializer's own `source`
    source = Word(allow_null=True)  # type: ignore[assignment]
    release_not_before = Moment(
        allow_null=True, required=False, help_text="Of `cooling_off`: until when."
    )

    def to_representation(self, gate: Any) -> dict[str, Any]:
        """What waits is told only where it makes the gate refuse."""
        answer: dict[str, Any] = super().to_representation(gate)
        return answer if _refuses(gate) else answer | {"release_not_before": None}

    def get_status(self, gate: Mapping[str, Any]) -> str:
        """In rows and entries a refusal's code takes its place."""
        return REFUSED if _refuses(gate) else gate["status"]

    def get_code(self, gate: Mapping[str, Any]) -> str | None:
        """The code in its place."""
        return gate["status"] if _refuses(gate) else None


def _refuses(gate: Mapping[str, Any]) -> bool:
    return gate["status"] not in (PASSED, NOT_EVALUATED)


class ClearanceAnswer(serializers.Serializer[Any]):
    """Permission to pay out one verification's loan."""

    id = serializers.CharField(help_text="`clr_…`")
    verification = serializers.CharField(source="verification_id")
    mode = serializers.ChoiceField(choices=("test", "live"))
    status = serializers.CharField(help_text=_STATUSES)
    code = Word(allow_null=True, help_text=f"Why it was refused. {_CODES}")
    profile = serializers.CharField(
        source="profile_id",
        help_text="Yours when you asked: the stricter rule of it and of the verification's holds.",
    )
    contract_sha256 = serializers.CharField()
    amount_max = Tenge(source="cap_tiyn", help_text="Tenge: at most so much may be paid.")
    amount = Tenge(
        source="amount_tiyn", allow_null=True, help_text="Tenge: what it was consumed for."
    )
    gates = GateAnswer(many=True)
    created_at = Moment()
    issued_at = Moment(allow_null=True)
    expires_at = Moment(allow_null=True)
    fresh_until = Moment(
        allow_null=True, help_text="From then on an answer is too old: `clearance_stale`."
    )
    consumed_at = Moment(allow_null=True)
    frozen_at = Moment(allow_null=True)


class ClearancePage(serializers.Serializer[Any]):
    """A slice of the list."""

    # a field of this name hides the serializer's own `data`
    data = ClearanceAnswer(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


_SPELLING = ClearanceAnswer()
"""Its fields are not copied each time."""


def read(
    *, lender_id: str, mode: str, clearance_id: str, is_written: bool = False
) -> dict[str, Any]:
    """The answer for a clearance of this lender, by its case's signed entries. An issue of a
    flawed case is reported as frozen, as at its use.

    is_written: this transaction wrote the row.

    Raises: `NotFound` if absent or another lender's.
    """
    rows = _rows(lender_id=lender_id, mode=mode)
    row = rows.filter(pk=clearance_id).first()
    if row is None:
        raise NotFound("no such clearance")
    return _answer(row, None if is_written else clearances.restore(row))


def read_page(
    *,
    lender_id: str,
    mode: str,
    status: str | None = None,
    consumed_from: datetime | None = None,
    consumed_to: datetime | None = None,
    after: str | None = None,
    limit: int = 20,
) -> dict[str, Any]:
    """A lender's clearances, newest first; with one of the first filters its payouts, oldest first.

    Raises: `BadInput` for a cursor of another list or lender.
    """
    if status == CONSUMED or consumed_from is not None or consumed_to is not None:
        asked = payouts.Range(lender_id, mode, consumed_from, consumed_to)
        place = payouts.beginning(asked) if after is None else _read_cursor(after)
        paid, following = _payouts(asked, place, limit=limit)
        return page([answer for answer, _, _ in paid], _spell_cursor(following))
    rows = _rows(lender_id=lender_id, mode=mode)
    if after is not None:
        last = Clearance.objects.filter(pk=after, lender_id=lender_id, mode=mode).first()
        if last is None:
            raise _foreign_cursor()
        rows = beyond(rows, last)
    while True:
        batch = _newest(rows, limit + 1, status=status)
        answers = [_answer(row) for row in batch[:limit]]
        listed = [answer for answer in answers if status in (None, answer["status"])]
        has_more = len(batch) > limit
        if listed or not has_more:
            return page(listed, batch[limit - 1].pk if has_more else None)
        # Skip rows whose issue lacks a valid signature.
        rows = beyond(rows, batch[limit - 1])


COLUMNS: Final = (
    "id",
    "verification",
    "client_reference",
    "mode",
    "status",
    "amount",
    "contract_sha256",
    "issued_at",
    "consumed_at",
    "event",
    "log_index",
)
"""Of a table of payouts. `event`: the id of `clearance.consumed`, and its place in the log."""
_TABLE_ROWS: Final = 500
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""The first signs by which a spreadsheet takes a cell for a formula. Source: OWASP, CSV Injection.
"""


def read_table(
    *, lender_id: str, mode: str, consumed_from: datetime, consumed_to: datetime
) -> Iterator[str]:
    """All payouts of a range as CSV (RFC 4180), in pieces; the head with the first rows.

    Each piece is read in a transaction of its own, and no transaction is open between them.
    """
    asked = payouts.Range(lender_id, mode, consumed_from, consumed_to)
    place: payouts.Place | None = None
    rows: list[Sequence[str]] = [COLUMNS]
    while place is not None or rows:
        with transactions.running(lender=lender_id):
            paid, place = _payouts(
                asked, payouts.beginning(asked) if place is None else place, limit=_TABLE_ROWS
            )
        rows += [_cells(*of_one) for of_one in paid]
        piece = StringIO()
        csv.writer(piece).writerows(rows)
        yield piece.getvalue()
        rows = []


def _cells(answer: Mapping[str, Any], row: Clearance, entry: AuditEntry) -> list[str]:
    """A payout's cells in the order of `COLUMNS`. A formula's sign gets an apostrophe before it."""
    more = {
        "client_reference": row.verification.client_reference,
        "event": entry.pk,
        "log_index": entry.leaf.leaf_index,
    }
    cells = {**answer, **more}
    texts = ["" if cells[name] is None else str(cells[name]) for name in COLUMNS]
    return [f"'{text}" if text.startswith(_FORMULA) else text for text in texts]


_Payout = tuple[dict[str, Any], Clearance, AuditEntry]


def _payouts(
    asked: payouts.Range, place: payouts.Place, *, limit: int
) -> tuple[list[_Payout], payouts.Place | None]:
    """The next payouts of a range: the answer, the row and the signed entry of each.

    Raises: `BadInput` for a foreign place, `LogInconsistent` for a payout without its row.
    """
    try:
        paid, place_after = payouts.page(asked, place, limit=limit)
    except LookupError:
        raise _foreign_cursor() from None
    ids = {entry.pk: str(entry.body.get("clearance")) for entry in paid}
    rows = _rows(lender_id=asked.lender_id, mode=asked.log).in_bulk(list(ids.values()))
    listed: list[_Payout] = []
    for entry in paid:
        row = rows.get(ids[entry.pk])
        if row is None or row.verification_id != entry.verification_id:
            raise LogInconsistent(f"the payout {entry.pk} has no clearance of its verification")
        row.status, row.amount_tiyn, row.consumed_at = CONSUMED, entry.body["amount"], entry.at
        listed.append((_SPELLING.to_representation(row), row, entry))
    return listed, place_after


def _read_cursor(untrusted: str) -> payouts.Place:
    match = re.fullmatch(r"([0-9]{1,18})(?:(-)(evt_[a-z2-7]{26})?)?", untrusted)
    if match is None:
        raise _foreign_cursor()
    return payouts.Place(int(match[1]), (match[3] or "") if match[2] else None)


def _spell_cursor(place: payouts.Place | None) -> str | None:
    if place is None:
        return None
    return str(place.since) if place.last is None else f"{place.since}-{place.last}"


def _foreign_cursor() -> BadInput:
    return BadInput("`after` is no `next` of this list", code="cursor_unknown", pointer="?after")


def _rows(*, lender_id: str, mode: str) -> QuerySet[Clearance, Clearance]:
    """A lender's rows, each with its verification, whose case is not read."""
    rows = Clearance.objects.annotate(is_unordered=decided.issue_waits())
    of_lender = rows.filter(lender_id=lender_id, mode=mode).select_related("verification")
    return of_lender.defer("verification__sealed_case")


def _newest(
    rows: QuerySet[Clearance, Clearance], number: int, *, status: str | None
) -> list[Clearance]:
    """The newest rows that may have this public status; an issued row may be told as another."""
    of_status = [rows if status is None else rows.filter(status=status)]
    issued = rows.filter(status=ISSUED)
    if status == PROCESSING:
        of_status.append(issued.filter(verification__in=decided.issuing()))
    elif status == FROZEN:
        of_status.append(issued.filter(expires_at__gt=clock.now()))
    found = [row for part in of_status for row in part.order_by("-created_at", "-pk")[:number]]
    return sorted(found, key=attrgetter("created_at", "pk"), reverse=True)[:number]


def _answer(row: Any, history: History | None = None) -> dict[str, Any]:
    """The answer of a row of `_rows`. history: its case's, if it was read already."""
    answer: dict[str, Any] = _SPELLING.to_representation(row)
    if row.status == ISSUED and row.is_unordered:
        untold = dict.fromkeys(("issued_at", "expires_at", "fresh_until"))
        answer |= {"status": PROCESSING, "gates": [], **untold}
    elif (
        row.status == ISSUED
        and row.expires_at > clock.now()  # it cannot be consumed afterwards
        and not clearances.is_sound(row.verification, row.pk, history)
    ):
        answer["status"] = FROZEN
    return answer
