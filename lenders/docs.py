"""The documentation, served by this installation itself: nothing is fetched from elsewhere."""

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from lenders import openapi, policy
from lenders.codes import FIELD_CODES, PROBLEMS
from verification.core.clearance import REFUSALS
from verification.core.events import TOLD
from verification.core.reasons import REASONS
from verification.core.status import TERMINAL, Status


@require_safe
def openapi_json(request: HttpRequest) -> HttpResponse:
    """The description for machines."""
    return JsonResponse(openapi.document(), json_dumps_params={"ensure_ascii": False})


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The first page a developer reads: a call, the operations, the statuses, the webhook."""
    facts = {
        "base": settings.TULGA_PUBLIC_URL,
        "operations": [
            {"method": method.upper(), "path": path, "summary": item[method]["summary"]}
            for path, item in openapi.document()["paths"].items()
            for method in ("get", "post", "patch", "put", "delete")
            if method in item
        ],
        "statuses": [(status.value, status in TERMINAL) for status in Status],
        "event_types": TOLD,
        "ladder": [_span(seconds) for seconds in policy.LADDER_SECONDS],
        "post_seconds": policy.POST_SECONDS,
        "replay_hours": policy.REPLAY_SECONDS // 3600,
    }
    return render(request, "lenders/docs.html", facts)


@require_safe
def problems_page(request: HttpRequest) -> HttpResponse:
    """Every code, each with an anchor of its own: the `type` of a problem leads here."""
    tables = {
        "problems": PROBLEMS.values(),
        "field_codes": FIELD_CODES.items(),
        "reasons": REASONS.values(),
        "refusals": REFUSALS.items(),
    }
    return render(request, "lenders/problems.html", tables)


@require_safe
@csp_update({"img-src": ["data:"]})
def reference(request: HttpRequest) -> HttpResponse:
    """All operations with their fields, to be tried out. Its pictures are data in its own style sheet."""
    return render(request, "lenders/reference.html")


def _span(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
