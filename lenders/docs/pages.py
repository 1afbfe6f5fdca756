"""The documentation pages in English and Russian, served by this installation without outside
requests.
"""

from collections.abc import Mapping
from typing import Any, Final

from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe

from lenders import openapi, policy
from lenders.docs import code_pages, prose, search
from lenders.docs.words import in_a_developers_language
from lenders.problems import MEDIA_TYPE, body_of
from verification.core.codes import PROBLEMS

NAVIGATION: Final[Mapping[str, str]] = {
    "docs": "Overview",
    **{name: prose.TITLES[name] for name in prose.FILES},
    "reference": "Reference",
    "problems": "Codes",
    "changelog": prose.TITLES[prose.CHANGELOG],
}
"""The pages in the navigation, by the names of their addresses."""


@require_safe
def openapi_json(request: HttpRequest, *, has_webhooks: bool = True) -> HttpResponse:
    """The description for machines; a query may name its version."""
    if request.GET.get("version", policy.API_VERSION) != policy.API_VERSION:
        row, request_id = PROBLEMS["unknown_version"], getattr(request, "request_id", "")
        problem = body_of(
            row, code=row.code, detail="", instance=request.path, request_id=request_id
        )
        return JsonResponse(problem | {"errors": []}, status=row.status, content_type=MEDIA_TYPE)
    described = openapi.document() if has_webhooks else openapi.operations()
    return JsonResponse(described, json_dumps_params={"ensure_ascii": False})


@require_safe
@in_a_developers_language
def overview(request: HttpRequest) -> HttpResponse:
    """The first page a developer reads: the other pages, a call, the operations."""
    facts = {
        "base": settings.TULGA_PUBLIC_URL,
        "documents": [
            (name, prose.TITLES[name], subject) for name, subject in prose.SUBJECTS.items()
        ],
        "operations": [
            {"method": method.upper(), "path": path, **operation}
            for path, item in openapi.document()["paths"].items()
            for method, operation in item.items()
        ],
    }
    return _page(request, "docs", "lenders/docs.html", facts)


@require_safe
@in_a_developers_language
def document(request: HttpRequest, name: str) -> HttpResponse:
    """A document of `prose.NAMES`, with a list of its sections."""
    page = prose.read(name, translation.get_language() or "")
    return _page(request, name, "lenders/document.html", {"page": page})


@require_safe
@in_a_developers_language
def problems_page(request: HttpRequest) -> HttpResponse:
    """Every code in a table for each place it may be in, each leading to its own page."""
    tables = [
        (place, title, [meaning for meaning in code_pages.table() if meaning.place == place])
        for place, title in code_pages.PLACES.items()
    ]
    return _page(request, "problems", "lenders/problems.html", {"tables": tables})


@require_safe
@in_a_developers_language
def code_page(request: HttpRequest, code: str) -> HttpResponse:
    """One code: its meaning and remedy. A problem's `type` leads here."""
    meanings = code_pages.of_code(code)
    if not meanings:
        raise Http404
    return _page(request, "problems", "lenders/code.html", {"code": code, "meanings": meanings})


@require_safe
@in_a_developers_language
def search_page(request: HttpRequest) -> HttpResponse:
    """Search results in the documentation, without a script."""
    query = request.GET.get("q", "").strip()
    is_too_long = len(query) > policy.QUERY_MAX
    hits = () if is_too_long else search.find(query, translation.get_language() or "")
    facts = {"query": query[: policy.QUERY_MAX], "is_too_long": is_too_long, "hits": hits}
    return _page(
        request, "search", "lenders/search.html", facts, status=400 if is_too_long else 200
    )


@require_safe
@csp_update({"img-src": ["data:"]})
@in_a_developers_language
def reference(request: HttpRequest) -> HttpResponse:
    """All operations with their fields, with a form to try them. Its pictures are data in its
    own style sheet.
    """
    return _page(request, "reference", "lenders/reference.html", {})


def _page(
    request: HttpRequest, here: str, template: str, facts: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """A page with the common parts: the navigation, and the other language."""
    of_all = {
        "here": here,
        "language": translation.get_language(),
        "navigation": NAVIGATION.items(),
        "query_max": policy.QUERY_MAX,
    }
    return render(request, template, {**of_all, **facts}, status=status)
