"""What every answer carries: an id to find it in the log by, and headers that keep pages to themselves."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config.log_lines import request_id

_GetResponse = Callable[[HttpRequest], HttpResponse]
_SENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
# A page that needs the camera sets its own header; everything else is off.
_PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=(), browsing-topics=()"


class RequestIdMiddleware:
    """Gives each request an id, as `request.request_id`, in the log and in the answer's `X-Request-Id`.

    The caller's own id is kept when it is a plain word, so that a lender can find a request in both logs.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under its id."""
        untrusted_id = request.headers.get("X-Request-Id", "")
        identity = untrusted_id if _SENT_ID.fullmatch(untrusted_id) else secrets.token_hex(12)
        request.request_id = identity  # type: ignore[attr-defined]  # Django's own way to hand a value to a view
        token = request_id.set(identity)
        try:
            response = self._get_response(request)
        finally:
            request_id.reset(token)
        response.headers["X-Request-Id"] = identity
        return response


class PageHeadersMiddleware:
    """Forbids storing what was made for one person, and the browser's powers, unless a view has said otherwise."""

    def __init__(self, get_response: _GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with both headers."""
        response = self._get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        return response
