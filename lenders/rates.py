"""How many requests a key may make in a minute, told in `RateLimit-…` headers.

Counted in Django's cache: exact in one process, and over all of them where the cache is shared.
"""

import time

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from lenders import policy


class KeyRate(BaseThrottle):
    """Fixed windows of a minute for each key."""

    def __init__(self) -> None:
        self._seconds_left = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Counts this request; False once the window is full."""
        if request.auth is None:
            return True
        now = int(time.time())
        window = now // policy.RATE_SECONDS
        self._seconds_left = (window + 1) * policy.RATE_SECONDS - now
        used = _count(f"rate:{request.auth.pk}:{window}")
        view.headers["RateLimit-Limit"] = str(policy.RATE_REQUESTS)
        view.headers["RateLimit-Remaining"] = str(max(0, policy.RATE_REQUESTS - used))
        view.headers["RateLimit-Reset"] = str(self._seconds_left)
        return used <= policy.RATE_REQUESTS

    def wait(self) -> float:
        """Seconds until the next window."""
        return float(self._seconds_left)


def _count(name: str) -> int:
    cache.add(name, 0, timeout=2 * policy.RATE_SECONDS)
    try:
        return cache.incr(name)
    except ValueError:  # evicted between the two calls: the window begins anew
        cache.set(name, 1, timeout=2 * policy.RATE_SECONDS)
        return 1
