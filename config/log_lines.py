"""One log record, one line of JSON. No line break or terminal code leaves it, no personal number enters it."""

import json
import logging
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

from verification.core.errors import TulgaError

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Names the request this thread is answering; empty outside of one. Set by `config.middleware.RequestIdMiddleware`."""

# JSON escapes the controls below 0x20. DEL, C1 (0x9b starts a terminal code), line and direction marks are left to us.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# An IIN is twelve digits, a mobile number eleven after an optional plus. A second line: callers log neither.
_PERSONAL = re.compile(r"(?<![0-9A-Za-z])\+?[0-9]{11,12}(?![0-9A-Za-z])")

# eGov's protocol puts a secret into an address, and Django writes the address of each refused request into the log.
_SECRET_PLACE = re.compile(r"(?<=/v/egov/)[^/\s]+")


class LineFormatter(logging.Formatter):
    """Formats a record as one line of JSON with the request's id.

    Of an exception the types and places are told, and the text only of our own errors, which hold no personal data:
    a database's or a parser's text repeats the values it stumbled over.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _SECRET_PLACE.sub("[secret]", _PERSONAL.sub("[number]", record.getMessage())),
        }
        if identity := request_id.get():
            line["request_id"] = identity
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _chain(record.exc_info[1])
        return _UNSAFE.sub(_escape, json.dumps(line, ensure_ascii=False))


def _chain(error: BaseException) -> list[str]:
    """The exception and its causes, outermost first: type, our own text, the innermost places."""
    told: list[str] = []
    current: BaseException | None = error
    while current is not None and len(told) < 5:
        text = f" {current}" if isinstance(current, TulgaError) else ""
        places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(current.__traceback__)[-4:]]
        told.append(f"{type(current).__name__}{_PERSONAL.sub('[number]', text)} at {' < '.join(reversed(places))}")
        current = current.__cause__ or current.__context__
    return told


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
