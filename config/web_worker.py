"""gunicorn's answers to requests that the application never sees: in the API's form,
`application/problem+json`.
"""

import json
import secrets
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from gunicorn import glogging, util
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from lenders import problems
from verification.core.codes import PROBLEMS

_CODES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (errors.InvalidResponseHeader, "internal_error"),
    (errors.InvalidResponseHeaderName, "internal_error"),
    (errors.LimitRequestLine, "uri_too_long"),
    (errors.LimitRequestHeaders, "headers_too_large"),
    (errors.ParseException, "malformed_request"),
)


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's logger, which formats an access line only if there is a file for it.

    With a logging configuration of its own, gunicorn would format each line and drop it.
    """

    def access(self, *about: Any) -> None:
        """Logs a request, if there is a file for it."""
        if self.cfg.accesslog:
            super().access(*about)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threaded worker with our answers to unreadable requests."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answers and logs without the received content, which may be a misplaced secret."""
        code = next((code for kind, code in _CODES if isinstance(exc, kind)), "internal_error")
        request_id, problem = secrets.token_hex(12), PROBLEMS[code]
        self.log.warning("request %s was not read: %s", request_id, type(exc).__name__)
        body = problems.body_of(problem, code=code, detail="", instance="", request_id=request_id)
        content = json.dumps(body | {"errors": []}, ensure_ascii=False).encode()
        head = {
            "Connection": "close",
            "Content-Type": problems.MEDIA_TYPE,
            "Content-Length": len(content),
        }
        lines = [
            f"{name}: {value}" for name, value in (head | {"X-Request-Id": request_id}).items()
        ]
        first = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"
        with suppress(OSError):  # the sender may have gone
            util.write_nonblock(client, "\r\n".join([first, *lines, "", ""]).encode() + content)
