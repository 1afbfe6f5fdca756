"""The live capture page: its script's data, the camera permission, and hints. It is the only page
with the camera.

A hint is one word for one small picture. Its rate is limited, because hints would also teach an
attacker.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from verification import clock
from verification.access import open_page, rates
from verification.access.links import Visit
from verification.access.open_page import BorrowerPage, BorrowerTurn
from verification.borrower import browsers, wording
from verification.case import stages
from verification.core.errors import BadInput, Refused
from verification.models import Verification

JPEG_MAX_BYTES = 40_960
HINTS_A_SECOND = 2
# How long an answer waits for a worker's look before the script asks again, and the minimum wait
# before the first and each later question, seconds. Ours: a look takes 0.2 on an idle worker. If it
# takes longer, many wait, and each asks again after a fifth of its wait, so that questions do not
# occupy the workers.
HOLD_SECONDS, ASK_FIRST_SECONDS, ASK_AGAIN_SECONDS, ASK_AGAIN_SHARE = 2.0, 0.15, 0.04, 0.2
HELD = BoundedSemaphore(max(1, settings.TULGA_WEB_THREADS // 2))


def show(request: HttpRequest, view: Callable[[HttpRequest], HttpResponseBase]) -> HttpResponseBase:
    """The page with the camera permission."""
    response = view(request)
    response.headers["Permissions-Policy"] = browsers.permissions("camera")
    return response


def context(page: BorrowerPage) -> Mapping[str, Any]:
    """The script's initial data, and alternatives for a person without a camera."""
    return {
        "told": json.dumps(state(page)),
        # Offered before each capture, because any may end in review, or be repeated for a better
        # picture. A borrower with a key need not wait for that.
        "without_camera": wording.routes_without_camera(page),
    }


def wait_for_look(*, verification_id: str) -> BorrowerTurn:
    """The next step after a worker's look, or the present state after a while.

    Waiting requests are limited, so that others find a thread; a request above the limit is
    answered at once.
    """
    if HELD.acquire(blocking=False):
        try:
            began = time.monotonic()
            time.sleep(ASK_FIRST_SECONDS)
            while (
                open_page.is_looked_at(verification_id=verification_id)
                and time.monotonic() < began + HOLD_SECONDS
            ):
                time.sleep(max(ASK_AGAIN_SECONDS, ASK_AGAIN_SHARE * (time.monotonic() - began)))
        finally:
            HELD.release()
    return open_page.borrower_turn(verification_id=verification_id)


def state(page: BorrowerTurn) -> dict[str, Any]:
    """The page's state for its script: the open page, and the due part of its own page.

    `elapsed_ms`: time since the command was shown, by our clock, because the browser's may be
    wrong.
    `is_looked_at`: a worker is measuring the last answer.
    """
    data = dict(page.data) if page.page == "commands" else {}
    elapsed_ms = 0
    if revealed := data.get("revealed"):
        elapsed_ms = max(
            0, round((clock.now() - datetime.fromisoformat(revealed)).total_seconds() * 1000)
        )
    return {
        "page": page.page,
        "turn": page.turn,
        "data": data,
        "elapsed_ms": elapsed_ms,
        "is_looked_at": page.is_looked_at,
    }


def hint(request: HttpRequest, visit: Visit) -> JsonResponse:
    """The word for the picture in the request's body; empty without a defect, or without a stage
    that gives hints.
    """
    if request.content_type != "image/jpeg":
        return JsonResponse({"hint": ""}, status=415)
    if len(request.body) > JPEG_MAX_BYTES:
        return JsonResponse({"hint": ""}, status=413)
    if rates.count(f"hint:{visit.verification_id}", seconds=1) > HINTS_A_SECOND:
        return JsonResponse({"hint": ""}, status=429)
    return JsonResponse({"hint": hint_of(visit.verification, jpeg=request.body)})


def hint_of(verification: Verification, *, jpeg: bytes) -> str:
    """The defect to correct: `no_face`, `too_dark`, …; empty without a known defect."""
    stage = stages.find(verification.route, verification.stage, law=verification.profile_sha256)
    if stage is None or stage.hint is None:
        return ""
    try:
        return stage.hint(jpeg)
    except (BadInput, Refused):
        return ""
