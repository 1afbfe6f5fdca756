"""Pages for anybody: no verification, no session, no cookie. They may be kept, found and
printed.
"""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from verification.borrower import about as answers
from verification.borrower import wording
from verification.core.opening import LOCALES

KEPT_SECONDS: Final = 300  # ours: a lender that is gone is off the page in five minutes
_WRITTEN: Final = date(
    2026, 11, 28
)  # whoever changes what /protect says of numbers and services changes this day
_GROUP: Final = 4  # digits of a fingerprint, said in one breath

_View = Callable[[HttpRequest], HttpResponse]


def for_anybody(view: _View) -> _View:
    """The page in the language of `?lang=`, else in the reader's own; browsers and proxies may keep
    it.
    """

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        asked = request.GET.get("lang", "")
        with translation.override(asked if asked in LOCALES else translation.get_language()):
            answer = view(request)
            answer.headers["Content-Language"] = translation.get_language() or ""
        answer.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
        patch_vary_headers(answer, ("Accept-Language", "Cookie"))
        return answer

    return wrapped


@require_safe
@for_anybody
def protect(request: HttpRequest) -> HttpResponse:
    """How loan frauds go, who asks what, and what to do: one printed sheet."""
    return render(request, "borrower/protect.html", {**_place(), "written": _WRITTEN})


@require_safe
@for_anybody
def about(request: HttpRequest) -> HttpResponse:
    """Who runs this address, for which lenders, and by which key its log is signed."""
    key = answers.log_key()
    digits = key.fingerprint if key else ""
    context = {
        "operator": settings.TULGA_OPERATOR,
        "mode": answers.mode_served(),
        "lenders": [
            (lender, wording.telephone(lender.phone)) for lender in answers.lenders_served()
        ],
        "key": key,
        "groups": [digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP)],
    }
    return render(request, "borrower/about.html", {**_place(), **context})


def _place() -> dict[str, str]:
    """Where this is, as it must stand in the browser's address bar."""
    return {"origin": settings.TULGA_PUBLIC_URL, "host": urlsplit(settings.TULGA_PUBLIC_URL).netloc}
