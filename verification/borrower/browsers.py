"""Input from borrowers' browsers, and their permissions: cookies, an answer, and browser features.

Cookies are one browser's tokens, out of reach of scripts and sent to these pages only.
An answer is a form's fields, or the JSON of a page's script.
"""

import re
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from verification.case import policy
from verification.core.errors import BadInput
from verification.core.route import FILES
from verification.core.strict_json import read_json

SESSION = "tulga_borrower"
PHONE = "tulga_phone"
TYPED = "tulga_typed"
"""The cookies: of the session; of a phone that scanned a code and has no session yet; of a
sealed form draft.
"""
PATH = "/v/"

JSON_MAX_BYTES = 200_000
"""A signature with its certificates is the longest; larger content arrives as a file. Reviewed
2026-11.
"""
_TURN = re.compile(r"[0-9]{1,9}")
_TURN_END = 10**9
_WORDS = {"true": True, "false": False}
_POWERS = (
    "camera",
    "otp-credentials",
    "microphone",
    "geolocation",
    "payment",
    "usb",
    "display-capture",
    "browsing-topics",
)


def keep_cookie(
    response: HttpResponseBase,
    token: str,
    *,
    name: str = SESSION,
    seconds: int = policy.VERIFICATION_SECONDS,
    path: str = PATH,
) -> None:
    """Gives the browser its token. It outlives a closed browser, so that the borrower can
    return.
    """
    response.set_cookie(
        name,
        token,
        max_age=seconds,
        path=path,
        secure=settings.TULGA_PUBLIC_URL.startswith("https:"),
        httponly=True,
        # Not Strict: a borrower who returns by a link on the lender's page would have no session.
        samesite="Lax",
    )


def forget_cookie(response: HttpResponseBase, *, name: str, path: str = PATH) -> None:
    """Deletes a token."""
    response.delete_cookie(name, path=path, samesite="Lax")


def untrusted_session(request: HttpRequest) -> str:
    """The session token from the browser, or an empty string."""
    return request.COOKIES.get(SESSION, "")


def untrusted_phone(request: HttpRequest) -> str:
    """The token of a phone without a session, or an empty string."""
    return request.COOKIES.get(PHONE, "")


def untrusted_typed(request: HttpRequest) -> str:
    """The sealed form draft, or an empty string."""
    return request.COOKIES.get(TYPED, "")


class Answer(NamedTuple):
    """The answered turn, and the answer."""

    turn: int
    untrusted: dict[str, Any]


def read_answer(request: HttpRequest) -> Answer:
    """The answer in a request.

    Raises: `BadInput` without a turn, or if it is no object.
    """
    is_with_files = request.content_type == "multipart/form-data" and "answer" in request.POST
    if not is_with_files and request.content_type != "application/json":
        form = request.POST
        untrusted_turn = str(form.get("turn", ""))
        # Ten digits would exceed `_TURN_END`, and `int` accepts signs, blanks and underscores.
        if not _TURN.fullmatch(untrusted_turn):
            raise BadInput("a turn must be a number", code="bad_answer", pointer="/turn")
        # A form has only text; our pages write yes and no with these two words.
        return Answer(
            int(untrusted_turn),
            {name: _WORDS.get(str(value), value) for name, value in form.items()},
        )
    # Django reads no body over its own limit, so this one is in memory already.
    content = str(request.POST["answer"]).encode() if is_with_files else request.body
    try:
        untrusted = read_json(content, max_bytes=JSON_MAX_BYTES, fraction=float)
    except BadInput as error:
        raise BadInput(str(error), code="bad_answer") from None
    if not isinstance(untrusted, dict):
        raise BadInput("an answer must be an object", code="bad_answer")
    untrusted.pop(FILES, None)  # bytes arrive as files only
    turn = untrusted.pop("turn", None)
    # JSON's true is an int in Python, and would be turn 1.
    if not isinstance(turn, int) or isinstance(turn, bool) or not 0 <= turn < _TURN_END:
        raise BadInput("a turn must be a number", code="bad_answer", pointer="/turn")
    if is_with_files:
        # Files stay in memory (FILE_UPLOAD_HANDLERS), within the limit of a request.
        untrusted[FILES] = [file.read() for file in request.FILES.getlist("file")]
    return Answer(turn, untrusted)


def permissions(allowed: str = "") -> str:
    """The header `Permissions-Policy` of a page with this feature of the browser, or with none."""
    return ", ".join(f"{power}=({'self' if power == allowed else ''})" for power in _POWERS)


NO_PERMISSIONS = permissions()
