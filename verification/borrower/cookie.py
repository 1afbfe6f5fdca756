"""The borrower's cookie: the token of one browser's session, out of reach of scripts and sent to these pages only."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from verification.workflow import policy

NAME = "tulga_borrower"
PATH = "/v/"


def keep(response: HttpResponse, session: str) -> None:
    """Gives the browser its session. It outlives a closed browser, so that the borrower may come back."""
    response.set_cookie(
        NAME,
        session,
        max_age=policy.VERIFICATION_SECONDS,
        path=PATH,
        secure=settings.TULGA_PUBLIC_URL.startswith("https:"),
        httponly=True,
        # Not Strict: whoever comes back by a link on the lender's page would be a stranger.
        samesite="Lax",
    )


def untrusted_session(request: HttpRequest) -> str:
    """What the browser sent, or an empty string."""
    return request.COOKIES.get(NAME, "")
