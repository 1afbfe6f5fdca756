"""For every request: the caller's address, an id for the log, transactions, a size limit, headers
that keep pages private.
"""

import re
import secrets
from contextlib import nullcontext
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from config import page_problems
from config.log_lines import request_id
from verification import transactions
from verification.access import addresses
from verification.borrower import browsers
from verification.core import almaty

ALIVE, READY = "/healthz", "/readyz"


class CallerAddressMiddleware(MiddlewareMixin):
    """Puts the caller's address into `REMOTE_ADDR`; behind a proxy the server sees the proxy's."""

    def process_request(self, request: HttpRequest) -> None:
        """Replaces the address of the connection."""
        request.META["REMOTE_ADDR"] = addresses.of_caller(
            peer=request.META.get("REMOTE_ADDR", ""),
            untrusted_forwarded=request.META.get("HTTP_X_FORWARDED_FOR"),
            proxies=settings.TULGA_TRUSTED_PROXIES,
        )


class RequestIdMiddleware(MiddlewareMixin):
    """Gives each request an id, as `request.request_id`, in the log and in the answer's
    `X-Request-Id`.

    A plain word from the caller is kept, so that a lender can find a request in both logs.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answers the request under its id."""
        # A plain word: it must not break a line of a header or log.
        untrusted_id = request.headers.get("X-Request-Id", "")
        identity = (
            untrusted_id
            if re.fullmatch(r"[A-Za-z0-9_-]{8,64}", untrusted_id)
            else secrets.token_hex(12)
        )
        # Django's own way to pass a value to a view
        request.request_id = identity  # type: ignore[attr-defined]
        if request.path in (ALIVE, READY):
            # A probe asks by an address; its answer depends on no host.
            request.META["HTTP_HOST"] = settings.ALLOWED_HOSTS[0]
        token = request_id.set(identity)
        try:
            response = cast(HttpResponse, self.get_response(request))
        finally:
            request_id.reset(token)
        response.headers["X-Request-Id"] = identity
        return response


class PageMiddleware(MiddlewareMixin):
    """Runs a request in transactions with visible rows, and keeps its answer private.

    No row is visible until the key, the link or the person is known: see `transactions.see`.
    Caching and browser features are forbidden unless a view permits them. Times that Django writes
    are Astana's.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer with both headers."""
        # Liveness is answered without the database.
        running = nullcontext() if request.path == ALIVE else transactions.running()
        with running, timezone.override(almaty.ZONE):
            response = cast(HttpResponse, self.get_response(request))
        # RFC 9111 §5.2.2.5: neither the browser's disk nor a proxy keeps it. A view's own header
        # stays.
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", browsers.NO_PERMISSIONS)
        return response


class LocalNameMiddleware(MiddlewareMixin):
    """Leads a browser from `127.0.0.1` to the public address at `localhost`.

    A passkey belongs to a domain, and an IP address is none (WebAuthn Level 2, §5.1.3). Programs do
    not ask for HTML, and are answered at both.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """The redirect of a page to its public address; other requests continue."""
        # Not `headers`, which keeps the host that a probe named.
        untrusted_host = request.META.get("HTTP_HOST", "")
        named = untrusted_host.replace("127.0.0.1", "localhost", 1)
        is_misnamed = untrusted_host != named == urlsplit(settings.TULGA_PUBLIC_URL).netloc
        asks_for_page = request.method in ("GET", "HEAD") and "text/html" in request.headers.get(
            "Accept", ""
        )
        if is_misnamed and asks_for_page and not page_problems.is_machine(request):
            # The path begins with a slash, so the host is ours whatever follows.
            return HttpResponseRedirect(f"{settings.TULGA_PUBLIC_URL}{request.get_full_path()}")
        return None


class BodyLimitMiddleware(MiddlewareMixin):
    """Refuses a form that is too large, or without a length, before reading it; machines have their
    own limit.

    Django's own limit counts form fields only; a file in a form would reach the disk first. It
    comes after Django's LocaleMiddleware, because the refusal is a page in the reader's language.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """The page of a 413 for a body that is too large, a 411 for a chunked one; other
        requests continue.
        """
        # Django reads as much as `Content-Length` says, and so nothing without it.
        if "HTTP_TRANSFER_ENCODING" in request.META:
            return page_problems.length_required(request)
        untrusted_length = request.META.get("CONTENT_LENGTH") or "0"
        length = (
            int(untrusted_length)
            if untrusted_length.isascii() and untrusted_length.isdigit()
            else 0
        )
        if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and not page_problems.is_machine(request):
            return page_problems.bad_request(request, RequestDataTooBig())
        return None
