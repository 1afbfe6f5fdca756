"""The page of the one-time code: the masked phone, and the times as seconds from now."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from verification import clock
from verification.access.open_page import BorrowerPage
from verification.borrower import powers


def show(request: HttpRequest, view: Callable[[HttpRequest], HttpResponseBase]) -> HttpResponseBase:
    """Shows the page with leave to offer the code out of the message."""
    response = view(request)
    response.headers["Permissions-Policy"] = powers.header("otp-credentials")
    return response


def context(page: BorrowerPage) -> Mapping[str, Any]:
    """What the template needs. Seconds, not moments: the browser's clock may be wrong."""
    now = clock.now()
    # Rounded up: a button that is promised is never too early.
    resend_in, expires_in = (
        max(0, math.ceil((datetime.fromisoformat(page.data[name]) - now).total_seconds()))
        for name in ("resend_from", "expires")
    )
    return {
        "phone": page.data["phone_masked"],
        "guesses_left": page.data["guesses_left"],
        "resends_left": page.data["resends_left"],
        "resend_in": resend_in,
        "expires_in": expires_in,
    }
