"""How long a signed-in person stays signed in."""

from collections.abc import Callable

from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from people.models import User
from people.policy import SESSION_IDLE_S, SESSION_LIFETIME_S, SESSION_STAMP_S
from verification import clock, transactions

_SIGNED_IN_AT = "people_signed_in_at"
_SEEN_AT = "people_seen_at"


def begin(session: SessionBase) -> None:
    """Starts both clocks of a session."""
    session[_SIGNED_IN_AT] = session[_SEEN_AT] = int(clock.now().timestamp())


def end_stale_sessions(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that signs out whoever was idle or signed in for too long.

    It stands after Django's AuthenticationMiddleware, which gives `request.user`, and before django-otp's, which
    must see the outcome.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        session, now = request.session, int(clock.now().timestamp())
        if SESSION_KEY in session:
            if _SIGNED_IN_AT not in session:
                begin(session)
            if now - session[_SIGNED_IN_AT] >= SESSION_LIFETIME_S or now - session[_SEEN_AT] >= SESSION_IDLE_S:
                logout(request)
            elif now - session[_SEEN_AT] >= SESSION_STAMP_S:
                session[_SEEN_AT] = now
        return get_response(request)

    return respond


def see_what_is_theirs(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware by which a signed-in person's request sees their lender's rows; who works for none of them, all.

    What of these may be shown to whom, permissions say.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        if SESSION_KEY in request.session:
            with transactions.looking_up("sign_in"):
                user = request.user
                if isinstance(user, User) and user.is_authenticated:
                    whose = {"lender": user.lender_id} if user.lender_id else {"scope": transactions.ALL}
                    transactions.see(**whose)
        return get_response(request)

    return respond
