"""The regulator's queries. Each answer needs a log entry with the reader and the kind of query.

The reading transaction writes the entry before any output: without the entry, nothing is shown.
It has the reader's id and the queried fields, but only the lender's id of their values.
Readings are no events of a verification, so they count neither in its sequence nor in its lender's.

A reader of these pages has passed both factors and holds the permission; others are sent to sign
in, or refused.
A log that is not kept here cannot be queried: its reading would never be ordered.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from http import HTTPStatus
from operator import itemgetter
from typing import Any, Final

from django import forms
from django.contrib.auth.decorators import permission_required, user_passes_test
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from verification import transactions
from verification.case import contents, stages
from verification.core import almaty, profiles
from verification.core.errors import BadInput
from verification.core.ids import Iin, is_id, numbered
from verification.core.status import Status
from verification.evidence import vault
from verification.log import actors, decided, entries, keys, log
from verification.models import AuditEntry, Verification
from verification.oversight import labels
from verification.worker import sweep

PERMISSION: Final = "people.read_oversight"
ZONE: Final = almaty.ZONE
"""The zone of a regulator's days and months."""
MODES: Final = ("live", "test")
ROUTES: Final = tuple(
    sorted({route for law in profiles.ALL for routes in law.combinations for route in routes})
)
"""Every route of any legal profile, installed here or not: an old case may have used it."""
MONTHS_OFFERED: Final = (12, 24, 36)
# Django's codes name the defect, ours also the place.
_OF_DJANGO: Final = {
    "invalid_choice": "unknown",
    "invalid": "malformed",
    "max_length": "malformed",
    "required": "missing",
}
_CHOOSE = {"invalid_choice": _("Choose one from the list.")}
_OF_A_DAY: Final[Mapping[str, Any]] = {
    "required": False,
    "widget": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    "input_formats": ["%Y-%m-%d"],
    "error_messages": {"invalid": _("Write a day as year, month and day: 2026-11-24.")},
}
_IIN = _("An IIN is 12 digits with a valid date and check digit.")
_CASE_NUMBER = _("A case number is 13 digits, as the borrower's last page shows them.")
_ANY: tuple[str, Any] = ("", _("Any"))


@dataclass(frozen=True, kw_only=True)
class Question:
    """A query; an empty field does not restrict it. Dates are days in `ZONE`, inclusive.

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
    """A verification in a list of results: no personal data.

    Its status, code and time are those of lender and borrower. last_failure: as its end in the log
    states it; of used-up tries the failure of the last.
    row_status: the row's differing status, if any: the log has no such end yet, or never will.
    """

    verification_id: str
    lender_name: str
    mode: str
    route: str
    status: str
    code: str
    last_failure: str
    created_at: datetime
    finished_at: datetime | None
    row_status: str

    @property
    def is_told(self) -> bool:
        """Whether its row agrees with the public status."""
        return not self.row_status


@dataclass(frozen=True)
class Step:
    """One entry of the log. `log_index` and `leaf_hash` (hex) are empty until it is ordered.

    `sequence` counts within a verification; 0 for entries outside verifications.
    """

    at: datetime
    type: str
    sequence: int
    log_index: int | None
    body: Mapping[str, Any]
    leaf_hash: str


def search(*, person_id: str, question: Question, limit: int = 50) -> contents.Page[SearchResult]:
    """One page of the matching verifications, newest first, and an `oversight.searched` entry.

    Raises: `BadInput` with the field's name as pointer; then nothing is read or logged.
    """
    conditions = _conditions(question)
    with transactions.writing():
        # Keyset pages: a case opened meanwhile moves nothing, while an offset would show one case
        # twice.
        rows = Verification.objects.filter(conditions).order_by("-created_at", "-id")
        if question.after:
            require(is_id(question.after, prefix="ver"), "after", "cursor_unknown")
            last = Verification.objects.filter(pk=question.after, mode=question.mode).first()
            if last is None:
                raise BadInput("there is no such page", code="cursor_unknown", pointer="after")
            rows = contents.beyond(rows, last)
        # One more than is shown tells whether there is another page.
        rows_found = list(rows[: limit + 1])
        public = decided.statuses_of(rows_found[:limit])
        # Skip rows whose end the log does not confirm.
        named = names_of({row.lender_id for row in rows_found[:limit]})
        page = tuple(
            result_of(row, public[row.pk], named)
            for row in rows_found[:limit]
            if question.outcome in ("", public[row.pk].status)
        )
        has_more = len(rows_found) > limit
        # The queried fields by name; of the values only the lender's id.
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


def own_readings(*, person_id: str, mode: str = "live", limit: int = 50) -> tuple[Step, ...]:
    """This person's readings in a mode's log, newest first; this look is itself logged."""
    require(mode in MODES, "mode", "mode_unknown")
    with transactions.writing():
        newest = entries.readings_by(person_id, log=mode, limit=limit)
        readings = tuple(step_of(entry) for entry in newest)
        body = {"what": "own_readings", "found": len(readings)}
        note_reading("oversight.viewed", mode=mode, person_id=person_id, body=body)
    return readings


def lender_choices(*first: tuple[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Id and name of every lender, by name, after other choices. Lenders are public, so this is
    not logged.
    """
    return (*first, *sorted(names_of(actors.lenders()).items(), key=itemgetter(1, 0)))


def names_of(ids: Collection[str]) -> dict[str, str]:
    """Names of lenders by id, as every ordered log states them, whatever their rows say; else the
    id.
    """
    of_logs = [actors.read(name, ids) for name in keys.ordered_logs() if ids]

    def name_of(pk: str) -> str:
        stated = {str(known[pk].fields["name"]) if pk in known else "" for known in of_logs}
        return (stated.pop() or pk) if len(stated) == 1 else pk

    return {pk: name_of(pk) for pk in ids}


def note_reading(entry_type: str, *, mode: str, person_id: str, body: Mapping[str, Any]) -> None:
    """Records a reading in the log of this mode; call it in the transaction that reads."""
    log.append(log=mode, type=entry_type, body={"person": person_id, **body})


def result_of(
    row: Verification, public: decided.PublicStatus, named: Mapping[str, str]
) -> SearchResult:
    """A row as a result with its public status. named: its lender's name by id."""
    return SearchResult(
        verification_id=row.pk,
        lender_name=named[row.lender_id],
        mode=row.mode,
        route=row.route,
        status=public.status,
        code=public.code,
        last_failure=str(public.decision.body.get("last_failure", "")) if public.decision else "",
        created_at=row.created_at,
        finished_at=public.finished_at,
        row_status="" if (row.status, row.code) == (public.status, public.code) else row.status,
    )


def step_of(entry: AuditEntry) -> Step:
    """An entry, with its leaf loaded, as a timeline shows it."""
    leaf = getattr(entry, "leaf", None)  # Django lacks the attribute if the other row is missing
    return Step(
        at=entry.at,
        type=entry.type,
        sequence=entry.verification_sequence or 0,
        log_index=leaf.leaf_index if leaf else None,
        body=entry.body,
        leaf_hash=bytes(leaf.leaf_hash).hex() if leaf else "",
    )


def _conditions(question: Question) -> Q:
    """The query as a condition on rows.

    Raises: `BadInput` for an impossible value.
    """
    require(question.mode in MODES, "mode", "mode_unknown")
    require(question.route in ("", *ROUTES), "route", "route_unknown")
    require(question.outcome in ("", *Status), "outcome", "outcome_unknown")
    require(
        not question.lender_id or is_id(question.lender_id, prefix="len"),
        "lender_id",
        "lender_unknown",
    )
    first, last = question.date_from, question.date_to
    require(not (first and last and first > last), "date_to", "dates_reversed")
    require(last is None or last < date.max, "date_to", "date_out_of_range")
    # Almaty is ahead of UTC: the first possible day has no start there.
    require(first is None or first > date.min, "date_from", "date_out_of_range")
    conditions = Q(mode=question.mode)
    if first:
        conditions &= Q(created_at__gte=almaty.begins(first))
    if last:
        conditions &= Q(created_at__lt=almaty.begins(last + timedelta(days=1)))
    pointer = "iin"
    try:
        if question.iin:
            # One value per index key: rows keep the version of their writing.
            iin = Iin.parse(question.iin)
            iin.require_mode(question.mode)
            indexes = vault.blind_index(purpose=vault.BORROWER, value=iin.value)
            conditions &= Q(borrower_index__in=indexes.values())
        pointer = "case_number"
        if question.case_number:
            conditions &= Q(pk__range=numbered(question.case_number, prefix="ver"))
    except BadInput as error:
        raise BadInput(error.detail, code=error.code, pointer=pointer) from None
    columns = {"lender_id": question.lender_id, "route": question.route, "status": question.outcome}
    return conditions & Q(**{name: value for name, value in columns.items() if value})


def require(holds: bool, pointer: str, code: str) -> None:
    """Raises: `BadInput` for an impossible value of a field."""
    if not holds:
        raise BadInput(f"{pointer} cannot be asked like this", code=code, pointer=pointer)


# Words


@dataclass(frozen=True)
class Line:
    """One row, its name in words, and the class of its mark; a `note` adds a few words, `body`
    has all.
    """

    row: Any
    label: labels.Words
    mark: str = ""
    route: labels.Words = ""
    note: str = ""
    body: str = ""


def result_line(result: SearchResult) -> Line:
    """A verification by its outcome and route; the note: the row's differing status."""
    return Line(
        row=result,
        label=labels.STATUSES.get(result.status, result.status),
        mark=labels.BADGES.get(result.status, ""),
        route=stages.titles().get(result.route, result.route),
        note=str(labels.STATUSES.get(result.row_status, result.row_status)),
    )


def reading_lines(steps: Iterable[Step]) -> list[Line]:
    """A reader's log entries; `label` is the action, `note` the query or the object."""
    lines = []
    for step in steps:
        reading, names = str(step.body.get("what", "")), step.body.get("asked", [])
        fields = (
            [str(labels.ASKED.get(name, name)) for name in names] if isinstance(names, list) else []
        )
        lines.append(
            Line(
                row=step,
                label=labels.ENTRIES.get(step.type, step.type),
                route=labels.VIEWED.get(reading, reading),
                note=", ".join(fields),
            )
        )
    return lines


# Pages


class SearchForm(forms.Form):
    """Filters, all optional. Sent by POST only, so that no address contains them."""

    iin = forms.CharField(
        label=_("IIN"),
        required=False,
        max_length=32,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"}
        ),
        error_messages={"max_length": _IIN},
    )
    case_number = forms.CharField(
        label=_("Case number"),
        required=False,
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"max_length": _CASE_NUMBER},
    )
    lender = forms.ChoiceField(
        label=_("Lender"),
        required=False,
        choices=partial(lender_choices, _ANY),  # for each form: lenders may be added meanwhile
        error_messages=_CHOOSE,
    )
    date_from = forms.DateField(label=_("Opened from"), **_OF_A_DAY)
    date_to = forms.DateField(label=_("Opened to"), **_OF_A_DAY)
    route = forms.ChoiceField(
        label=_("Route"),
        required=False,
        choices=[_ANY, *((name, stages.titles().get(name, name)) for name in ROUTES)],
        error_messages=_CHOOSE,
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        required=False,
        choices=[_ANY, *((status.value, labels.STATUSES[status.value]) for status in Status)],
        error_messages=_CHOOSE,
    )
    mode = forms.ChoiceField(
        label=_("Log"),
        choices=list(labels.MODES.items()),
        error_messages={**_CHOOSE, "required": _("Choose one from the list.")},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, auto_id: str = "id_%s") -> None:
        super().__init__(data, auto_id=auto_id, initial={"mode": "live"})

    def clean_iin(self) -> str:
        """The IIN without surrounding blanks; no error repeats the input."""
        typed: str = self.cleaned_data["iin"]
        if not typed:
            return ""
        try:
            return Iin.parse(typed).value
        except BadInput:
            raise forms.ValidationError(_IIN, code="iin_malformed") from None

    def clean_case_number(self) -> str:
        """The number as the borrower reads it out."""
        typed: str = self.cleaned_data["case_number"]
        try:
            return typed if not typed or numbered(typed, prefix="ver") else ""
        except BadInput:
            raise forms.ValidationError(_CASE_NUMBER, code="case_number_malformed") from None

    def clean(self) -> dict[str, Any]:
        """The fields together: a period ends after it begins."""
        first, last = self.cleaned_data.get("date_from"), self.cleaned_data.get("date_to")
        if first and last and first > last:
            reversed_dates = forms.ValidationError(
                _("The period ends before it begins."), code="dates_reversed"
            )
            self.add_error("date_to", reversed_dates)
        return self.cleaned_data

    def question(self, *, untrusted_after: str) -> Question:
        """The query of a valid form, for the page after a cursor or the first one."""
        data = self.cleaned_data
        return Question(
            iin=data["iin"],
            case_number=data["case_number"],
            lender_id=data["lender"],
            date_from=data["date_from"],
            date_to=data["date_to"],
            route=data["route"],
            outcome=data["outcome"],
            mode=data["mode"],
            after=untrusted_after,
        )

    def following(self, *, cursor: str) -> "SearchForm":
        """The same valid query as hidden fields, with their own ids on the page."""
        values = {name: value or "" for name, value in self.cleaned_data.items()}
        return SearchForm({**values, "after": cursor}, auto_id="next_%s")


class PeriodForm(forms.Form):
    """Which log, and for counts how many months. It names no person, so it may be in an
    address.
    """

    mode = forms.ChoiceField(
        label=_("Log"),
        choices=list(labels.MODES.items()),
        initial="live",
        required=False,
        error_messages=_CHOOSE,
    )
    months = forms.ChoiceField(
        label=_("Months"),
        choices=[(number, str(number)) for number in MONTHS_OFFERED],
        initial=MONTHS_OFFERED[0],
        required=False,
        error_messages=_CHOOSE,
    )

    def clean_mode(self) -> str:
        """Live by default: exercises are never shown as if they were people."""
        return self.cleaned_data["mode"] or "live"

    def clean_months(self) -> int:
        """A year by default."""
        return int(self.cleaned_data["months"] or MONTHS_OFFERED[0])


def problems(form: forms.Form) -> list[tuple[str, str, str]]:
    """Label, sentence and stable code of each mistake, in field order; those without a field
    come last.
    """
    errors, messages = form.errors.as_data(), []
    for name in (*form.fields, NON_FIELD_ERRORS):
        label = str(form.fields[name].label) if name in form.fields else ""
        for error in errors.get(name, []):
            code = error.code or ""
            stable = f"{name}_{_OF_DJANGO[code]}" if code in _OF_DJANGO else code
            messages.append((label, error.messages[0], stable))
    return messages


def has_both_factors(user: Any) -> bool:
    """Whether this session was opened with both factors; False for anonymous users."""
    return bool(user.is_verified())


# The first decorator is outermost: a refused person sees that before any answer on methods, and no
# response is cached.
@never_cache
@sensitive_post_parameters("iin")
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def search_page(request: HttpRequest) -> HttpResponse:
    """The search form; a POST answers below it. No query enters an address or the session."""
    if request.method != "POST":
        return render(request, "oversight/search.html", {"form": SearchForm()})
    form = SearchForm(request.POST)
    if form.is_valid():
        question = form.question(untrusted_after=request.POST.get("after", ""))
        if is_not_kept(question.mode):
            return render(request, "oversight/search.html", {"form": form, "is_not_kept": True})
        try:
            page = search(person_id=person_of(request), question=question)
        except BadInput as error:
            field = error.pointer if error.pointer in SearchForm.base_fields else None
            form.add_error(
                field,
                ValidationError(gettext("This cannot be asked. Search again."), code=error.code),
            )
        else:
            following = form.following(cursor=page.next) if page.next else None
            context = {
                "form": form,
                "found": [result_line(result) for result in page.data],
                "following": following,
                "is_further": bool(question.after),
            }
            return render(request, "oversight/search.html", context)
    return form_refused(request, "oversight/search.html", form)


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def readings_page(request: HttpRequest) -> HttpResponse:
    """The reader's own log entries."""
    form = PeriodForm(request.GET)
    if not form.is_valid():
        return form_refused(request, "oversight/readings.html", form)
    mode = form.cleaned_data["mode"]
    context: dict[str, Any] = {"form": PeriodForm(initial={"mode": mode})}
    if is_not_kept(mode):
        return render(request, "oversight/readings.html", context | {"is_not_kept": True})
    steps = own_readings(person_id=person_of(request), mode=mode)
    return render(request, "oversight/readings.html", context | {"readings": reading_lines(steps)})


def person_of(request: HttpRequest) -> str:
    """The id of the signed-in person."""
    return str(request.user.pk)


def is_not_kept(mode: str) -> bool:
    """Whether this installation keeps no log of this mode."""
    return mode not in sweep.modes()


def form_refused(request: HttpRequest, template: str, form: forms.Form) -> HttpResponse:
    """The same page with the form's mistakes."""
    context = {"form": form, "problems": problems(form)}
    return render(request, template, context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
