"""The lifetime of a person's session, and the rows visible in it."""

from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from people.models import User
from people.policy import SESSION_IDLE_S, SESSION_LIFETIME_S, SESSION_STAMP_S
from verification import clock, transactions

_SIGNED_IN_AT = "people_signed_in_at"
_SEEN_AT = "people_seen_at"


def begin(session: SessionBase) -> None:
    """Starts both clocks of a session."""
    # Whole seconds: a session is stored as JSON, which has no times.
    session[_SIGNED_IN_AT] = session[_SEEN_AT] = int(clock.now().timestamp())


class SessionMiddleware(MiddlewareMixin):
    """Ends a session that was idle or open for too long; otherwise sets its visible rows.

    A lender's person sees its rows, any other person all rows; permissions limit the pages.
    It comes after Django's AuthenticationMiddleware, which sets `request.user`, and before
    django-otp's, which needs the result.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Ends a stale session, then sets the visible rows."""
        session, now = request.session, int(clock.now().timestamp())
        if SESSION_KEY not in session:
            return
        if _SIGNED_IN_AT not in session:
            begin(session)
        if (
            now - session[_SIGNED_IN_AT] >= SESSION_LIFETIME_S
            or now - session[_SEEN_AT] >= SESSION_IDLE_S
        ):
            logout(request)
            return
        if now - session[_SEEN_AT] >= SESSION_STAMP_S:
            session[_SEEN_AT] = now
        with transactions.looking_up("sign_in"):
            user = request.user
            if isinstance(user, User) and user.is_authenticated:
                if user.lender_id:
                    transactions.see(lender=user.lender_id)
                else:
                    transactions.see(scope=transactions.ALL)
