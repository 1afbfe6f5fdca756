"""Liveness and readiness of this process. Reasons and components are shown on loopback only."""

import ipaddress

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from lenders import sender
from verification import clock
from verification.case import stages
from verification.worker import sweep

# A proxy on this machine also comes from loopback, but names its client.
_PROXIED = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-Ip",
)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """`ok`, without a database query: an absent database must not restart every web process."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """`{"ready": …}`, 503 if a route cannot judge or the log refuses an entry; on loopback with
    reasons, and the senders.

    A missing webhook sender, or overdue frames, are reported without a 503: borrowers can continue,
    and the work is done later.
    """
    routes = stages.route_readiness()
    try:
        refusals = sweep.entries_refused()
    except DatabaseError:
        refusals = 0  # the database is absent and gives no number
    is_ready = all(route.is_ready for route in routes.values()) and not refusals
    report: dict[str, object] = {"ready": is_ready}
    try:
        is_loopback = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        is_loopback = False  # a Unix socket has no address
    if is_loopback and not any(name in request.headers for name in _PROXIED):
        report["routes"] = {
            name: {"ready": route.is_ready, "in_use": dict(route.in_use), "detail": route.detail}
            for name, route in routes.items()
        }
        try:
            senders, overdue, fault = sender.running(), sweep.frames_overdue(at=clock.now()), ""
        except DatabaseError:
            senders, overdue, fault = 0, 0, "the database does not answer"
        detail = fault or (
            "" if senders else "no process delivers webhooks: start manage.py deliver"
        )
        report["webhooks"] = {"ready": senders > 0, "senders": senders, "detail": detail}
        late = "frames are kept too long: a worker must serve the queue storage, or its steps fault"
        detail = fault or (late if overdue else "")
        forged = (
            "an entry lacks the worker's signature that it needs: see manage.py audit_verify, and"
            " find its writer"
        )
        report["log"] = {
            "ready": not refusals,
            "refused": refusals,
            "detail": forged if refusals else "",
        }
        report["frames"] = {"ready": not detail, "overdue": overdue, "detail": detail}
    return JsonResponse(report, status=200 if is_ready else 503)
