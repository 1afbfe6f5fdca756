"""The desk's pages of what employees attest before the money leaves, built as the others in
`views.py` are.
"""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required, user_passes_test
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from verification.case.voters import PERMISSION
from verification.core.clearance import AGE, VISIT
from verification.core.errors import BadInput, Conflict
from verification.review import attesting, labels, tables, views
from verification.review.forms import AgeForm, ReferenceForm, VisitForm

_FORMS = {AGE: AgeForm, VISIT: VisitForm}


@never_cache
@user_passes_test(views.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def to_confirm(request: HttpRequest) -> HttpResponse:
    """The verified cases that wait for a word of an employee; a POST shows those of one
    reference.
    """
    mode = views.mode_of(request)
    form = ReferenceForm(request.POST or None)
    reference = form.cleaned_data["reference"].strip() if form.is_valid() else ""
    found = attesting.to_confirm(
        reviewer=views.reviewer_of(request), mode=mode, reference=reference
    )
    shown = {
        "form": form,
        "found": tables.to_confirm(found.rows),
        "has_more": found.has_more,
        "asked": reference,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "review/to_confirm.html", shown | views.modes_of(mode), status=status)


@never_cache
@user_passes_test(views.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def confirmation(request: HttpRequest, verification_id: str) -> HttpResponse:
    """One case, what its clearance lacked, and a form for each thing that may be attested."""
    return _page(request, verification_id, {})


@never_cache
@sensitive_post_parameters("comment", "place")
@user_passes_test(views.has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def attest(request: HttpRequest, verification_id: str, what: str) -> HttpResponse:
    """One word of whoever is signed in."""
    if what not in _FORMS:
        raise Http404
    form = _FORMS[what](request.POST, prefix=what)
    if not form.is_valid():
        return _page(request, verification_id, {what: form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    said = attesting.Attestation(what=what, **form.cleaned_data)
    try:
        attesting.attest(
            verification_id=verification_id, reviewer=views.reviewer_of(request), word=said
        )
    except Conflict as error:
        return _refused(request, error)
    except BadInput as error:
        form.add_error(error.pointer, str(labels.MALFORMED.get(error.pointer, error.code)))
        return _page(request, verification_id, {what: form}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    messages.success(
        request, _("Your word is kept. Let the step that pays ask for a clearance again.")
    )
    return redirect("review:to_confirm")


def _page(
    request: HttpRequest,
    verification_id: str,
    filled: dict[str, Form],
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    try:
        found = attesting.look(reviewer=views.reviewer_of(request), verification_id=verification_id)
    except Conflict as error:
        return _refused(request, error)
    forms: dict[str, Any] = {
        what: filled.get(what) or form(prefix=what) for what, form in _FORMS.items()
    }
    return render(
        request, "review/confirmation.html", tables.confirmation(found, forms=forms), status=status
    )


def _refused(request: HttpRequest, error: Conflict) -> HttpResponse:
    shown = {"sentence": labels.NO_ATTESTATION.get(error.code, ""), "code": error.code}
    return render(request, "review/refused.html", shown, status=HTTPStatus.CONFLICT)
