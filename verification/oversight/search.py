"""The regulator's questions. Each is answered only together with a log entry that says who asked
what kind of thing.

The entry is written in the transaction that reads, before anything is handed out: if it cannot be
written, nothing is shown. It names the person by id and the fields that were asked; of their values
only the lender's id. Readings are no events of a verification, so they neither count in its
sequence nor in its lender's, where they would be seen.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.apps import apps
from django.db.models import Q
from django.utils import timezone

from verification import transactions
from verification.case import contents
from verification.core import almaty, profiles
from verification.core.errors import BadInput
from verification.core.ids import Iin, is_id, numbered
from verification.core.status import Status
from verification.evidence import vault
from verification.log import decided, entries, log
from verification.models import AuditEntry, MonthlyChange, MonthlyCount, Verification

ZONE: Final = almaty.ZONE
"""In whose days and months a regulator asks."""
MODES: Final = ("live", "test")
ROUTES: Final = tuple(
    sorted({route for law in profiles.ALL for routes in law.combinations for route in routes})
)
"""Every route that any legal profile names, installed here or not: an old case may have used it."""
_COUNTED: Final = ("month", "route", "status", "code")
MONTHS_MAX: Final = 60
"""How far back one count may reach, months: five years are more than a page can show."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is looked for; every field left empty asks for nothing. Dates are days in `ZONE`, both
    included.

    `outcome` is a status. `after` is the `next` of the page before.
    """

    iin: str = field(default="", repr=False)
    case_number: str = ""
    lender_id: str = ""
    date_from: date | None = None
    date_to: date | None = None
    route: str = ""
    outcome: str = ""
    mode: str = "live"
    after: str = ""


@dataclass(frozen=True)
class SearchResult:
    """A verification as a list of results shows it: no personal data.

    Its status, with code and time, is what lender and borrower are told. row_status: what its row
    says instead, if
    anything: the log has no such end yet, or never will have.
    """

    verification_id: str
    lender_name: str
    mode: str
    route: str
    status: str
    code: str
    created_at: datetime
    finished_at: datetime | None
    row_status: str

    @property
    def is_told(self) -> bool:
        """Whether its row says what is told."""
        return not self.row_status


@dataclass(frozen=True)
class Step:
    """One entry of the log. `log_index` and `leaf_hash` (hex) are empty until the sequencer has
    ordered it.

    `sequence` counts within a verification; 0 for entries that belong to none.
    """

    at: datetime
    type: str
    sequence: int
    log_index: int | None
    body: Mapping[str, Any]
    leaf_hash: str


@dataclass(frozen=True)
class Count:
    """How many verifications opened in a month (its first day) now stand thus, by their rows:
    ordered or not.

    `status`: open, or how they have ended; `code`: why, if they have.
    """

    month: date
    route: str
    status: str
    code: str
    number: int


def search(*, person_id: str, question: Question, limit: int = 50) -> contents.Page[SearchResult]:
    """One page of the verifications that fit, newest first, and an `oversight.searched` entry.

    Raises `BadInput` with the field's name as pointer; then nothing was read and nothing is logged.
    """
    conditions = _conditions(question)
    with transactions.writing():
        # Keyset pages: a case opened meanwhile moves nothing, where an offset would show one case
        # twice.
        rows = (
            Verification.objects.filter(conditions)
            .select_related("lender")
            .order_by("-created_at", "-id")
        )
        if question.after:
            _require(is_id(question.after, prefix="ver"), "after", "cursor_unknown")
            last = Verification.objects.filter(pk=question.after, mode=question.mode).first()
            if last is None:
                raise BadInput("there is no such page", code="cursor_unknown", pointer="after")
            rows = contents.beyond(rows, last)
        # One more than is shown tells whether there is another page.
        rows_found = list(rows[: limit + 1])
        public = decided.statuses_of(rows_found[:limit])
        # What only rows say to have ended so is not found by that.
        page = tuple(
            found_of(row, public[row.pk])
            for row in rows_found[:limit]
            if question.outcome in ("", public[row.pk].status)
        )
        has_more = len(rows_found) > limit
        # Which fields were asked, by name; of the values only the lender's id.
        names = (
            "iin",
            "case_number",
            "lender_id",
            "date_from",
            "date_to",
            "route",
            "outcome",
            "after",
        )
        body: dict[str, Any] = {"asked": [name for name in names if getattr(question, name)]}
        body |= {"lender": question.lender_id} if question.lender_id else {}
        body |= {"found": len(page), "more": has_more}
        note_reading("oversight.searched", mode=question.mode, person_id=person_id, body=body)
    return contents.Page(page, has_more, rows_found[limit - 1].pk if has_more else None)


def monthly_counts(*, person_id: str, mode: str, months: int = 12) -> tuple[Count, ...]:
    """Numbers of verifications by the month they were opened in, oldest first, and an
    `oversight.counted` entry.

    `months`: how many, up to `MONTHS_MAX`, the current one included. A month without any has no
        row.
    """
    _require(mode in MODES, "mode", "mode_unknown")
    _require(1 <= months <= MONTHS_MAX, "months", "months_out_of_range")
    kept, waiting = (
        table.objects.filter(mode=mode, month__gte=first_month(months)).values_list(
            *_COUNTED, "number"
        )
        for table in (MonthlyCount, MonthlyChange)
    )
    numbers: Counter[tuple[date, str, str, str]] = Counter()
    with transactions.writing():
        # One statement: what is being added up meanwhile stands in one of the two, never in both or
        # in none.
        for *what, number in kept.union(waiting, all=True):
            numbers[tuple(what)] += number
        counts = tuple(Count(*what, number) for what, number in sorted(numbers.items()) if number)
        body = {"months": months, "found": sum(count.number for count in counts)}
        note_reading("oversight.counted", mode=mode, person_id=person_id, body=body)
    return counts


def own_readings(*, person_id: str, mode: str = "live", limit: int = 50) -> tuple[Step, ...]:
    """What the log of a mode says this person read, newest first; looking is itself a reading and
    is logged.
    """
    _require(mode in MODES, "mode", "mode_unknown")
    with transactions.writing():
        newest = entries.readings_by(person_id, log=mode, limit=limit)
        readings = tuple(step_of(entry) for entry in newest)
        body = {"what": "own_readings", "found": len(readings)}
        note_reading("oversight.viewed", mode=mode, person_id=person_id, body=body)
    return readings


def lender_choices(*before: tuple[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Id and name of every lender, by name, behind other choices. Who is a lender is public, so
    this is not logged.
    """
    lenders = apps.get_model("lenders", "Lender").objects.order_by("name", "id")
    return (*before, *lenders.values_list("id", "name"))


def first_month(months: int) -> date:
    """The first day of the oldest of so many months, the current one in `ZONE` being the newest."""
    today = timezone.localdate(timezone=ZONE)
    years, month = divmod(today.year * 12 + today.month - months, 12)
    return date(years, month + 1, 1)


def note_reading(entry_type: str, *, mode: str, person_id: str, body: Mapping[str, Any]) -> None:
    """Puts a reading on record in the log of this mode; call it in the transaction that reads."""
    log.append(log=mode, type=entry_type, body={"person": person_id, **body})


def found_of(row: Verification, public: decided.PublicStatus) -> SearchResult:
    """A row, with its lender loaded, as results show it: how it stands as far as that is told."""
    return SearchResult(
        verification_id=row.pk,
        lender_name=row.lender.name,
        mode=row.mode,
        route=row.route,
        status=public.status,
        code=public.code,
        created_at=row.created_at,
        finished_at=public.finished_at,
        row_status="" if (row.status, row.code) == (public.status, public.code) else row.status,
    )


def step_of(entry: AuditEntry) -> Step:
    """An entry, with its leaf loaded, as a timeline shows it."""
    leaf = getattr(
        entry, "leaf", None
    )  # Django has no attribute at all where the other row is missing
    return Step(
        at=entry.at,
        type=entry.type,
        sequence=entry.verification_sequence or 0,
        log_index=leaf.leaf_index if leaf else None,
        body=entry.body,
        leaf_hash=bytes(leaf.leaf_hash).hex() if leaf else "",
    )


def _conditions(question: Question) -> Q:
    """The question as a condition on rows; raises `BadInput` for a field that cannot be asked."""
    _require(question.mode in MODES, "mode", "mode_unknown")
    _require(question.route in ("", *ROUTES), "route", "route_unknown")
    _require(question.outcome in ("", *Status), "outcome", "outcome_unknown")
    _require(
        not question.lender_id or is_id(question.lender_id, prefix="len"),
        "lender_id",
        "lender_unknown",
    )
    first, last = question.date_from, question.date_to
    _require(not (first and last and first > last), "date_to", "dates_reversed")
    _require(last is None or last < date.max, "date_to", "date_out_of_range")
    # Almaty is ahead of UTC: the first day of all has no beginning there.
    _require(first is None or first > date.min, "date_from", "date_out_of_range")
    conditions = Q(mode=question.mode)
    if first:
        conditions &= Q(created_at__gte=almaty.begins(first))
    if last:
        conditions &= Q(created_at__lt=almaty.begins(last + timedelta(days=1)))
    pointer = "iin"
    try:
        if question.iin:
            # One value for each index key: rows keep the version they were written with.
            indexes = vault.blind_index(purpose=vault.BORROWER, value=Iin.parse(question.iin).value)
            conditions &= Q(borrower_index__in=indexes.values())
        pointer = "case_number"
        if question.case_number:
            conditions &= Q(pk__range=numbered(question.case_number, prefix="ver"))
    except BadInput as error:
        raise BadInput(error.detail, code=error.code, pointer=pointer) from None
    wanted = {"lender_id": question.lender_id, "route": question.route, "status": question.outcome}
    return conditions & Q(**{name: value for name, value in wanted.items() if value})


def _require(holds: bool, pointer: str, code: str) -> None:
    if not holds:
        raise BadInput(f"{pointer} cannot be asked like this", code=code, pointer=pointer)
