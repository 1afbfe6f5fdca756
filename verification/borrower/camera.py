"""The page of the live capture: what its script is told, leave to use the camera, and hints. No
other page has it.

A hint is one word for one small picture. Few a second, for they would teach an attacker.
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
# How long an answer waits for a worker's look before the script asks again, and how long at least
# until the first and until each further question whether there was one, seconds. Ours: a look takes
# 0.2 on an idle worker; where it takes longer many wait, and each asks after a fifth of what it has
# waited, or their questions would keep workers waiting.
HOLD_SECONDS, ASK_FIRST_SECONDS, ASK_AGAIN_SECONDS, ASK_AGAIN_SHARE = 2.0, 0.15, 0.04, 0.2
HELD = BoundedSemaphore(max(1, settings.TULGA_WEB_THREADS // 2))


def show(request: HttpRequest, view: Callable[[HttpRequest], HttpResponseBase]) -> HttpResponseBase:
    """Shows the page with leave to use the camera."""
    response = view(request)
    response.headers["Permissions-Policy"] = browsers.permissions("camera")
    return response


def context(page: BorrowerPage) -> Mapping[str, Any]:
    """What the script begins with, and the ways on for a person without a camera."""
    return {
        "told": json.dumps(state(page)),
        # Offered before each capture, too: any may end with two people, once more because of the
        # picture or at once for a large loan. A borrower who has a key need not wait for them.
        "without_camera": wording.routes_without_camera(page),
    }


def wait_for_look(*, verification_id: str) -> BorrowerTurn:
    """What is due once the worker that is looking at what was sent has done so; or after a while,
    whatever it is then.

    So many requests may wait at once that those of others find a thread; one too many is answered
    at once.
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
    """What the script learns of a page: which one is open, and of its own page what is due.

    `elapsed_ms` is how long ago the command was revealed, by our clock: the browser's may be wrong.
    `is_looked_at`: a worker is about to say what was seen of the last one.
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
    """The word for the picture in the request's body; an empty one where nothing is wrong, or no
    stage gives words.
    """
    if request.content_type != "image/jpeg":
        return JsonResponse({"hint": ""}, status=415)
    if len(request.body) > JPEG_MAX_BYTES:
        return JsonResponse({"hint": ""}, status=413)
    if rates.count(f"hint:{visit.verification_id}", seconds=1) > HINTS_A_SECOND:
        return JsonResponse({"hint": ""}, status=429)
    return JsonResponse({"hint": hint_of(visit.verification, jpeg=request.body)})


def hint_of(verification: Verification, *, jpeg: bytes) -> str:
    """What would make the picture better: `no_face`, `too_dark`, …; empty where nothing is known to
    be wrong.
    """
    stage = stages.known(verification.route, verification.stage, law=verification.profile_sha256)
    if stage is None or stage.hint is None:
        return ""
    try:
        return stage.hint(jpeg)
    except (BadInput, Refused):
        return ""
