"""Whether this process lives, and whether it is ready. Why not, and what it uses, is told on loopback only."""

import ipaddress

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from lenders import sender
from verification.workflow.reading import readiness

# A proxy on this machine comes from loopback too, but names whom it speaks for.
_PROXIED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip")


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """`ok`, without touching the database: a database that is away must not have every web process restarted."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """`{"ready": …}`, 503 if a route cannot judge; on loopback with each route, what it judges with, and the senders.

    That nobody delivers webhooks is told and is no 503: borrowers can go on, and what lenders are told waits.
    """
    routes = readiness.routes()
    is_ready = all(one.is_ready for one in routes.values())
    told: dict[str, object] = {"ready": is_ready}
    try:
        is_loopback = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        is_loopback = False  # a Unix socket has no address
    if is_loopback and not any(name in request.headers for name in _PROXIED):
        told["routes"] = {
            name: {"ready": one.is_ready, "in_use": dict(one.in_use), "detail": one.detail}
            for name, one in routes.items()
        }
        told["webhooks"] = _webhooks()
    return JsonResponse(told, status=200 if is_ready else 503)


def _webhooks() -> dict[str, object]:
    try:
        running = sender.running()
    except DatabaseError:
        return {"ready": False, "senders": 0, "detail": "the database does not answer"}
    detail = "" if running else "nobody delivers webhooks: start manage.py deliver"
    return {"ready": running > 0, "senders": running, "detail": detail}
