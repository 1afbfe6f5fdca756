"""The lifetime of a person's session, the factor that opened it, and the rows visible in it."""

from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from people.models import User
from people.policy import SESSION_IDLE_S, SESSION_LIFETIME_S, SESSION_STAMP_S
from verification import clock, transactions

_SIGNED_IN_AT = "people_signed_in_at"
_SEEN_AT = "people_seen_at"
_OPENED_BY = "people_opened_by"
CODE: Final = "code"
"""The factor of a session that the code of an app opened; otherwise it is a passkey's id."""


def begin(session: SessionBase, *, by: str = CODE) -> None:
    """Starts both clocks of a session. by: `CODE`, or the id of the passkey that opened it."""
    # Whole seconds: a session is stored as JSON, which has no times.
    session[_SIGNED_IN_AT] = session[_SEEN_AT] = int(clock.now().timestamp())
    session[_OPENED_BY] = by
    session.set_expiry(None)  # a challenge's session is shorter


class SessionMiddleware(MiddlewareMixin):
    """Ends a session that was idle or open for too long, or whose passkey is not on record;
    otherwise sets its visible rows.

    A person with passkeys is here by one of them, and in live mode each person is.
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
            begin(session, by=session.get(_OPENED_BY, ""))
        if (
            now - session[_SIGNED_IN_AT] >= SESSION_LIFETIME_S
            or now - session[_SEEN_AT] >= SESSION_IDLE_S
        ):
            logout(request)
            return
        if now - session[_SEEN_AT] >= SESSION_STAMP_S:
            session[_SEEN_AT] = now
        with transactions.looking_up("sign_in"):
            user, opened_by = request.user, session.get(_OPENED_BY) or CODE
            if isinstance(user, User) and user.is_authenticated:
                keys = {key["id"] for key in user.passkeys}
                if opened_by not in (keys if settings.TULGA_MODES_LIVE else keys or {CODE}):
                    logout(request)
                    return
                if user.lender_id:
                    transactions.see(lender=user.lender_id)
                else:
                    transactions.see(scope=transactions.ALL)
