"""How often something was done within a while, counted in Django's cache: exact where all processes share it."""

from django.core.cache import cache

from verification import clock


def count(name: str, *, seconds: int) -> int:
    """Counts once more, and says how often it was in this window of so many seconds, this time among them.

    A count that the cache has dropped begins anew.
    """
    window = f"rate:{name}:{int(clock.now().timestamp()) // seconds}"
    cache.add(window, 0, timeout=2 * seconds)
    try:
        return cache.incr(window)
    except ValueError:  # evicted between the two calls
        cache.set(window, 1, timeout=2 * seconds)
        return 1


def seconds_left(*, seconds: int) -> int:
    """How long the window of this moment still is."""
    return seconds - int(clock.now().timestamp()) % seconds
