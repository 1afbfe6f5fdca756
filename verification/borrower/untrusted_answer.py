"""An answer as a browser sent it: a form's fields, or the JSON of a page whose script answers by itself."""

import json
import re
from typing import Any, NamedTuple, NoReturn

from django.http import HttpRequest, QueryDict

from verification.core.errors import BadInput

JSON_MAX_BYTES = 700_000
"""Ten frames of 40 KiB in base64 are 550 KB, and their codes and names a few more. Reviewed 2026-11."""

_TURN = re.compile(r"[0-9]{1,9}")
_TURN_END = 10**9
_WORDS = {"true": True, "false": False}


class Answer(NamedTuple):
    """The turn that is answered, and what is said."""

    turn: int
    untrusted: dict[str, Any]


def read(request: HttpRequest) -> Answer:
    """The answer of a request. Raises `BadInput` for one that names no turn or is no object."""
    if request.content_type == "application/json":
        return _from_json(request)
    return _from_form(request.POST)


def _from_form(form: QueryDict) -> Answer:
    untrusted_turn = str(form.get("turn", ""))
    if not _TURN.fullmatch(untrusted_turn):
        raise BadInput("a turn is a number", code="bad_answer", pointer="/turn")
    # A form knows only text; these two words are how our pages write yes and no.
    return Answer(int(untrusted_turn), {name: _WORDS.get(str(value), value) for name, value in form.items()})


def _from_json(request: HttpRequest) -> Answer:
    # Django reads no body over its own limit, so this one is in memory already.
    if len(request.body) > JSON_MAX_BYTES:
        raise BadInput(f"more than {JSON_MAX_BYTES} bytes", code="bad_answer")
    try:
        untrusted = json.loads(request.body.decode("utf-8"), parse_constant=_no_number)
    # RecursionError: brackets nested deeper than the reader can follow.
    except (ValueError, RecursionError):
        raise BadInput("not JSON in UTF-8", code="bad_answer") from None
    if not isinstance(untrusted, dict):
        raise BadInput("an answer is an object", code="bad_answer")
    turn = untrusted.pop("turn", None)
    if not isinstance(turn, int) or isinstance(turn, bool) or not 0 <= turn < _TURN_END:
        raise BadInput("a turn is a number", code="bad_answer", pointer="/turn")
    return Answer(turn, untrusted)


def _no_number(spelling: str) -> NoReturn:
    raise ValueError("JSON has neither NaN nor an infinity")
