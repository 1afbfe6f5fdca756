"""One log record, one line of JSON, without line breaks, terminal codes and personal numbers."""

import json
import logging
import re
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime

from verification.core.errors import TulgaError

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of this thread's request; empty outside one. Set by
`config.middleware.RequestIdMiddleware`.
"""

# JSON escapes the controls below 0x20, but not DEL, C1 (0x9b starts a terminal code), line and
# direction marks.
_UNSAFE = (*range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {code: f"\\u{code:04x}" for code in _UNSAFE}
# An IIN is twelve digits, a mobile number eleven after an optional plus. A second defence: callers
# log neither.
_PERSONAL = re.compile(r"(?<![0-9A-Za-z])\+?[0-9]{11,12}(?![0-9A-Za-z])")

# eGov's protocol puts a secret into an address, and Django logs the address of each refused
# request.
_SECRET_PLACE = re.compile(r"(?<=/v/egov/)[^/\s]+")


_REPEATED = (
    "config.feeding",
    "lenders.sender",
    "verification.clock",
    "verification.log.laws",
    "verification.management.commands",
    "verification.worker.pulse",
    "verification.worker.sweep",
)
"""Loggers of rounds, which would repeat a lasting fault each half second."""
_QUIET_SECONDS = 60
_MESSAGES_KEPT = 1000


class OncePerMinute(logging.Filter):
    """Lets one of the equal warnings of a round pass in a minute, with the number of the others."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is the first in its minute."""
        if record.levelno < logging.WARNING or not record.name.startswith(_REPEATED):
            return True
        key = record.name, record.getMessage()
        at, left_out = self._passed.get(key, (0.0, 0))
        if at and record.created - at < _QUIET_SECONDS:
            self._passed[key] = at, left_out + 1
            return False
        if len(self._passed) >= _MESSAGES_KEPT:
            self._passed.clear()
        self._passed[key] = record.created, 0
        if left_out:
            record.msg, record.args = f"{key[1]} ({left_out} more since the last line)", ()
        return True


class OwnAnswers(logging.Filter):
    """Drops Django's line about an answer of ours, which has a line already, and the places of a
    database that is away.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is Django's own news."""
        status = getattr(record, "status_code", 0)
        if status == 503 and record.exc_info:
            record.exc_info, record.is_away = None, True
        return status < 500 or bool(record.exc_info) or hasattr(record, "is_away")


class LineFormatter(logging.Formatter):
    """Formats a record as one line of JSON with the request's id.

    An exception shows types and places, and the text only of our own errors, which hold no personal
    data: the text of a database or parser repeats values.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(record.args, Mapping) and "exc" in record.args:
            # Celery formats a task's exception: only its type is kept.
            message = str(record.msg) % {
                **record.args,
                "exc": type(error).__name__ if error else "an exception",
            }
        else:
            message = record.getMessage()
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _SECRET_PLACE.sub("[secret]", _PERSONAL.sub("[number]", message)),
        }
        if identity := request_id.get():
            line["request_id"] = identity
        # The exception and its causes, outermost first: type, our own text, the innermost places.
        parts: list[str] = []
        while error is not None and len(parts) < 5:
            text = f" {error}" if isinstance(error, TulgaError) else ""
            places = [
                f"{frame.filename}:{frame.lineno}"
                for frame in traceback.extract_tb(error.__traceback__)[-4:]
            ]
            parts.append(
                f"{type(error).__name__}{_PERSONAL.sub('[number]', text)} at"
                f" {' < '.join(reversed(places))}"
            )
            error = error.__cause__ or error.__context__
        if parts:
            line["exception"] = parts
        return json.dumps(line, ensure_ascii=False).translate(_ESCAPES)
