"""How long a signed-in person stays signed in."""

import time
from collections.abc import Callable

from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from people.policy import SESSION_IDLE_S, SESSION_LIFETIME_S, SESSION_STAMP_S

_SIGNED_IN_AT = "people_signed_in_at"
_SEEN_AT = "people_seen_at"


def begin(session: SessionBase) -> None:
    """Starts both clocks of a session."""
    session[_SIGNED_IN_AT] = session[_SEEN_AT] = int(time.time())


def end_stale_sessions(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that signs out whoever was idle or signed in for too long.

    It stands after Django's AuthenticationMiddleware, which gives `request.user`, and before django-otp's, which
    must see the outcome.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        if SESSION_KEY in request.session:
            _end_or_stamp(request)
        return get_response(request)

    return respond


def _end_or_stamp(request: HttpRequest) -> None:
    session, now = request.session, int(time.time())
    if _SIGNED_IN_AT not in session:
        begin(session)
    if now - session[_SIGNED_IN_AT] >= SESSION_LIFETIME_S or now - session[_SEEN_AT] >= SESSION_IDLE_S:
        logout(request)
    elif now - session[_SEEN_AT] >= SESSION_STAMP_S:
        session[_SEEN_AT] = now
