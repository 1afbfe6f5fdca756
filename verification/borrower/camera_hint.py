"""Hints for the camera's guide: one small picture in, one word out. Few a second, for they would teach an attacker."""

import time

from django.core.cache import cache
from django.http import HttpRequest, JsonResponse

from verification.workflow import hints

JPEG_MAX_BYTES = 40_960
"""40 KiB, as a frame of the capture; the page sends 320 pixels, about 15 KB. Source: liveness.md §4."""
HINTS_A_SECOND = 2
"""For one verification. Source: liveness.md §4. Counted in Django's cache: exact where all processes share it."""
_COUNTED_SECONDS = 5  # how long a second's count is kept; longer than the second is enough


def answer(request: HttpRequest, *, verification_id: str) -> JsonResponse:
    """The word for the picture in the request's body; an empty one where nothing is wrong or nobody is asked."""
    if request.content_type != "image/jpeg":
        return _nothing(415)
    if len(request.body) > JPEG_MAX_BYTES:
        return _nothing(413)
    if not _is_within_rate(verification_id):
        return _nothing(429)
    return JsonResponse({"hint": hints.hint(verification_id=verification_id, jpeg=request.body)})


def _nothing(status: int) -> JsonResponse:
    return JsonResponse({"hint": ""}, status=status)


def _is_within_rate(verification_id: str) -> bool:
    name = f"hint:{verification_id}:{int(time.time())}"
    cache.add(name, 0, timeout=_COUNTED_SECONDS)
    try:
        return cache.incr(name) <= HINTS_A_SECOND
    except ValueError:  # evicted between the two calls: the second begins anew
        return True
