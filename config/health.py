"""Liveness, and readiness of the installation. Reasons are shown on loopback only."""

import ipaddress
import time
from pathlib import Path
from threading import Lock
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from config.celery import app
from lenders import sender
from verification import clock
from verification.case import policy, stages
from verification.folders import folder_fault
from verification.worker import pulse, sweep

# A proxy on this machine also comes from loopback, but names its client.
_PROXIED = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-Ip",
)
_BROKER_SECONDS: Final = 2
"""Between two questions to the broker: a silent one would hold every thread. Ours."""
_AWAY: Final = "the database does not answer"
_NO_TICK: Final = "no tick works: start manage.py tick, and read its log"
_UNORDERED: Final = "entries wait for their place too long: read the log of tick"
_NO_WORKER: Final = "no worker serves each queue: start celery worker, and read its log"
_NO_BROKER: Final = "the broker does not answer: workers find their steps later"
_NO_SENDER: Final = "no process delivers webhooks: start manage.py deliver"
_KEPT: Final = "frames are kept too long: a worker must serve the queue storage, or its steps fault"
_FORGED: Final = (
    "an entry lacks a signature or an approval that it needs: see manage.py audit_verify, and"
    " find its writer"
)
_broker: dict[str, Any] = {"asked_at": 0.0, "detail": ""}
_asking = Lock()


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """`ok`, without a database query: an absent database must not restart every web process."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """`{"ready": …}`, 503 if a part is dead or late; on loopback each part with its reason.

    A missing webhook sender, or overdue frames, are reported without a 503: borrowers can continue,
    and the work is done later.
    """
    routes = stages.route_readiness()
    report: dict[str, Any] = {
        "routes": {
            name: {"ready": route.is_ready, "in_use": dict(route.in_use), "detail": route.detail}
            for name, route in routes.items()
        },
        "broker": _part(_broker_fault()),
        "store": _part(_store_fault()),
    }
    try:
        report |= {"database": _part(""), **_rows()}
    except DatabaseError:
        away = _part(_AWAY)
        report |= {"database": away, "tick": away, "worker": away, "log": away | {"refused": 0}}
        report |= {"webhooks": away | {"senders": 0}, "frames": away | {"overdue": 0}}
    required = [report[name] for name in ("database", "tick", "worker", "broker", "store", "log")]
    is_ready = all(part["ready"] for part in [*report["routes"].values(), *required])
    try:
        is_loopback = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        is_loopback = False  # a Unix socket has no address
    is_asked_here = is_loopback and not any(name in request.headers for name in _PROXIED)
    answer = {"ready": is_ready} | (report if is_asked_here else {})
    return JsonResponse(answer, status=200 if is_ready else 503)


def _part(detail: str, **more: object) -> dict[str, Any]:
    return {"ready": not detail, **more, "detail": detail}


def _rows() -> dict[str, Any]:
    """The parts that the database knows.

    Raises: `DatabaseError` if it does not answer.
    """
    at = clock.now()
    refusals, senders = sweep.entries_refused(), sender.running()
    overdue, ticks = sweep.frames_overdue(at=at), pulse.count_ticks(at=at)
    workers, waiting = pulse.count_workers(at=at), pulse.seconds_unordered(at=at)
    late = _UNORDERED if waiting > policy.ORDER_LATE_SECONDS else ""
    return {
        "tick": _part(late if ticks else _NO_TICK, running=ticks, unordered_seconds=waiting),
        "worker": _part("" if all(workers.values()) else _NO_WORKER, queues=workers),
        "log": _part(_FORGED if refusals else "", refused=refusals),
        "webhooks": _part("" if senders else _NO_SENDER, senders=senders),
        "frames": _part(_KEPT if overdue else "", overdue=overdue),
    }


def _store_fault() -> str:
    folder = Path(settings.TULGA_EVIDENCE_DIR)
    cause = folder_fault(folder)
    return f"no file can be stored in {folder} ({cause})" if cause else ""


def _broker_fault() -> str:
    """Whether the broker answers, asked at intervals by one thread; the others take its word."""
    if time.monotonic() < _broker["asked_at"] + _BROKER_SECONDS:
        return str(_broker["detail"])
    if not _asking.acquire(blocking=False):
        return str(_broker["detail"])
    try:
        if settings.CELERY_BROKER_URL.startswith("filesystem:"):
            fault = folder_fault(Path(settings.TULGA_BELL_DIR) / "messages")
        else:
            fault = ""
            with app.connection_for_write(connect_timeout=policy.RING_SECONDS) as connection:
                connection.ensure_connection(max_retries=1, timeout=policy.RING_SECONDS)
    except (OSError, OperationalError):
        fault = "it does not answer"
    finally:
        _asking.release()
    _broker.update(asked_at=time.monotonic(), detail=_NO_BROKER if fault else "")
    return str(_broker["detail"])
