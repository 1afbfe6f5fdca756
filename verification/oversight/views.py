"""The regulator's pages. Each asks one question of its room, which logs it before anything is
shown.

Of a log that is not kept here nothing is asked: nobody would ever order that it was.

Who asks has given both factors and holds the permission; everybody else is sent to sign in, or
refused. An unknown case is raised as `NotFound` and becomes a page at the edge of the site.
"""

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import permission_required, user_passes_test
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from verification.case import stages
from verification.core.errors import BadInput, Conflict
from verification.oversight import case_file, charts, search, tables
from verification.oversight.forms import PeriodForm, SearchForm, problems
from verification.worker import sweep

PERMISSION = "people.read_oversight"


def has_both_factors(user: Any) -> bool:
    """Whether this session was opened with both factors; False for strangers."""
    return bool(user.is_verified())


# The first stands outermost: who is not let in is told so before anything is said of methods, and
# nothing is stored of it.
@never_cache
@sensitive_post_parameters("iin")
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """The search form; a POST answers below it. Nothing of what was asked enters an address or the
    session.
    """
    if request.method != "POST":
        return render(request, "oversight/search.html", {"form": SearchForm()})
    form = SearchForm(request.POST)
    if form.is_valid():
        question = form.question(untrusted_after=request.POST.get("after", ""))
        if _is_not_kept(question.mode):
            return render(request, "oversight/search.html", {"form": form, "is_not_kept": True})
        try:
            page = search.search(person_id=_person(request), question=question)
        except BadInput as error:
            field = error.pointer if error.pointer in SearchForm.base_fields else None
            form.add_error(
                field, ValidationError(_("This cannot be asked. Search again."), code=error.code)
            )
        else:
            following = form.following(after=page.next) if page.next else None
            shown = {"form": form, "found": tables.results(page.data), "following": following}
            shown |= {"is_further": bool(question.after)}
            return render(request, "oversight/search.html", shown)
    refused = {"form": form, "problems": problems(form)}
    return render(request, "oversight/search.html", refused, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def case(request: HttpRequest, verification_id: str) -> HttpResponse:
    """One case on one page."""
    file = case_file.case_file(person_id=_person(request), verification_id=verification_id)
    shown = {
        "file": file,
        "found": tables.result(file.found),
        "combination": [stages.titles().get(route, route) for route in file.combination],
        "attempts": tables.attempts(file),
        "checks": tables.checks(file),
        "timeline": tables.timeline(file.steps),
        "looks": tables.looks(file.looks),
    }
    return render(request, "oversight/case.html", shown)


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def decision_proof(request: HttpRequest, verification_id: str) -> HttpResponse:
    """The tlog-proof of the decision, to be kept and verified elsewhere."""
    try:
        proof = case_file.proof_file(person_id=_person(request), verification_id=verification_id)
    except Conflict as error:
        return _not_ready(request, error)
    return _download(proof.encode(), name=f"{verification_id}.tlog-proof")


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def decision_leaf(request: HttpRequest, verification_id: str) -> HttpResponse:
    """The bytes the log hashed for the decision, without a byte more, so that anybody can hash them
    again.
    """
    try:
        leaf = case_file.leaf_file(person_id=_person(request), verification_id=verification_id)
    except Conflict as error:
        return _not_ready(request, error)
    return _download(leaf, name=f"{verification_id}.leaf")


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def checkpoint(request: HttpRequest, mode: str) -> HttpResponse:
    """The signed state of a log. A kept one shows later whether the log was only ever added to."""
    try:
        note = case_file.checkpoint_file(person_id=_person(request), mode=mode)
    except Conflict as error:
        return _not_ready(request, error)
    return _download(note.encode(), name=f"{mode}.checkpoint")


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def counts(request: HttpRequest) -> HttpResponse:
    """Numbers of verifications by month, as drawings and as tables."""
    form = PeriodForm(request.GET)
    if not form.is_valid():
        return _refused(request, "oversight/counts.html", form)
    mode, number = form.cleaned_data["mode"], form.cleaned_data["months"]
    shown: dict[str, Any] = {"form": PeriodForm(initial={"mode": mode, "months": number})}
    if _is_not_kept(mode):
        return render(request, "oversight/counts.html", shown | {"is_not_kept": True})
    counted = search.monthly_counts(person_id=_person(request), mode=mode, months=number)
    months = charts.months_from(search.first_month(number), number=number)
    shown |= {"charts": charts.all_of(counted, months=months), "mode": mode}
    return render(request, "oversight/counts.html", shown)


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def readings(request: HttpRequest) -> HttpResponse:
    """What the log says about the reader."""
    form = PeriodForm(request.GET)
    if not form.is_valid():
        return _refused(request, "oversight/readings.html", form)
    mode = form.cleaned_data["mode"]
    shown: dict[str, Any] = {"form": PeriodForm(initial={"mode": mode})}
    if _is_not_kept(mode):
        return render(request, "oversight/readings.html", shown | {"is_not_kept": True})
    own = search.own_readings(person_id=_person(request), mode=mode)
    return render(
        request, "oversight/readings.html", shown | {"readings": tables.own_readings(own)}
    )


def _person(request: HttpRequest) -> str:
    return str(request.user.pk)


def _is_not_kept(mode: str) -> bool:
    return mode not in sweep.modes()


def _refused(request: HttpRequest, template: str, form: PeriodForm) -> HttpResponse:
    shown = {"form": form, "problems": problems(form)}
    return render(request, template, shown, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _not_ready(request: HttpRequest, error: Conflict) -> HttpResponse:
    return render(
        request, "oversight/not_ready.html", {"code": error.code}, status=HTTPStatus.CONFLICT
    )


def _download(content: bytes, *, name: str) -> HttpResponse:
    # To be kept, not shown: what stands in the bytes of a log is never read as markup.
    response = HttpResponse(content, content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
