"""The borrower's cookies: tokens of one browser, out of reach of scripts and sent to these pages
only.

One is the session; the second is of a phone that has scanned a code and is not let in yet; the
third holds, sealed, what was typed into a form.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from verification.case import policy

NAME = "tulga_borrower"
PHONE = "tulga_phone"
TYPED = "tulga_typed"
PATH = "/v/"


def keep(
    response: HttpResponseBase,
    token: str,
    *,
    name: str = NAME,
    seconds: int = policy.VERIFICATION_SECONDS,
) -> None:
    """Gives the browser its token. It outlives a closed browser, so that the borrower may come
    back.
    """
    response.set_cookie(
        name,
        token,
        max_age=seconds,
        path=PATH,
        secure=settings.TULGA_PUBLIC_URL.startswith("https:"),
        httponly=True,
        # Not Strict: whoever comes back by a link on the lender's page would be a stranger.
        samesite="Lax",
    )


def forget(response: HttpResponseBase, *, name: str) -> None:
    """Takes a token back."""
    response.delete_cookie(name, path=PATH, samesite="Lax")


def untrusted_session(request: HttpRequest) -> str:
    """What the browser sent, or an empty string."""
    return request.COOKIES.get(NAME, "")


def untrusted_phone(request: HttpRequest) -> str:
    """What a phone that is not let in yet sent, or an empty string."""
    return request.COOKIES.get(PHONE, "")


def untrusted_typed(request: HttpRequest) -> str:
    """What was typed into a form, sealed, or an empty string."""
    return request.COOKIES.get(TYPED, "")
