"""The page of the live capture: what its script is told, leave to use the camera, and hints. No other page has it.

A hint is one word for one small picture. Few a second, for they would teach an attacker.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from verification import clock
from verification.borrower import wording
from verification.workflow.moving import hints, rates
from verification.workflow.moving.links import Visit
from verification.workflow.reading.queries import BorrowerPage

# As on every page, but for the camera.
_OFF = ("microphone", "geolocation", "payment", "usb", "display-capture", "browsing-topics")
_PERMISSIONS = ", ".join(["camera=(self)", *(f"{power}=()" for power in _OFF)])
JPEG_MAX_BYTES = 40_960
HINTS_A_SECOND = 2


def show(request: HttpRequest, view: Callable[[HttpRequest], HttpResponseBase]) -> HttpResponseBase:
    """Shows the page with leave to use the camera."""
    response = view(request)
    response.headers["Permissions-Policy"] = _PERMISSIONS
    return response


def context(page: BorrowerPage) -> Mapping[str, Any]:
    """What the script begins with, and the ways on for a person without a camera."""
    return {
        "told": json.dumps(state(page)),
        # Offered before each capture, too: any may end with two people, once more because of the picture or at once for
        # a large loan, and whoever has a key need not wait for them.
        "without_camera": wording.routes_without_camera(page),
    }


def state(page: BorrowerPage) -> dict[str, Any]:
    """What the script learns of a page: which one is open, and of its own page what is due.

    `elapsed_ms` is how long ago the command was revealed, by our clock: the browser's may be wrong.
    """
    data = dict(page.data) if page.page == "commands" else {}
    elapsed_ms = 0
    if revealed := data.get("revealed"):
        elapsed_ms = max(0, round((clock.now() - datetime.fromisoformat(revealed)).total_seconds() * 1000))
    return {"page": page.page, "turn": page.turn, "data": data, "elapsed_ms": elapsed_ms}


def hint(request: HttpRequest, visit: Visit) -> JsonResponse:
    """The word for the picture in the request's body; an empty one where nothing is wrong or nobody is asked."""
    if request.content_type != "image/jpeg":
        return JsonResponse({"hint": ""}, status=415)
    if len(request.body) > JPEG_MAX_BYTES:
        return JsonResponse({"hint": ""}, status=413)
    if rates.count(f"hint:{visit.verification_id}", seconds=1) > HINTS_A_SECOND:
        return JsonResponse({"hint": ""}, status=429)
    return JsonResponse({"hint": hints.hint(visit.verification, jpeg=request.body)})
