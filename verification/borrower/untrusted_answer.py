"""An answer as a browser sent it: a form's fields, or the JSON of a page whose script answers by
itself.
"""

import re
from typing import Any, NamedTuple

from django.http import HttpRequest

from verification.core.errors import BadInput
from verification.core.route import FILES
from verification.core.strict_json import read_json

JSON_MAX_BYTES = 200_000
"""A signature with its certificates is the longest; what is larger comes as a file. Reviewed
2026-11.
"""

_TURN = re.compile(r"[0-9]{1,9}")
_TURN_END = 10**9
_WORDS = {"true": True, "false": False}


class Answer(NamedTuple):
    """The turn that is answered, and what is said."""

    turn: int
    untrusted: dict[str, Any]


def read(request: HttpRequest) -> Answer:
    """The answer of a request. Raises `BadInput` for one that names no turn or is no object."""
    is_with_files = request.content_type == "multipart/form-data" and "answer" in request.POST
    if not is_with_files and request.content_type != "application/json":
        form = request.POST
        untrusted_turn = str(form.get("turn", ""))
        # Ten digits would be past `_TURN_END`, and `int` takes signs, blanks and underscores.
        if not _TURN.fullmatch(untrusted_turn):
            raise BadInput("a turn is a number", code="bad_answer", pointer="/turn")
        # A form knows only text; these two words are how our pages write yes and no.
        return Answer(
            int(untrusted_turn),
            {name: _WORDS.get(str(value), value) for name, value in form.items()},
        )
    # Django reads no body over its own limit, so this one is in memory already.
    content = str(request.POST["answer"]).encode() if is_with_files else request.body
    try:
        untrusted = read_json(content, max_bytes=JSON_MAX_BYTES, fraction=float)
    except BadInput as refused:
        raise BadInput(str(refused), code="bad_answer") from None
    if not isinstance(untrusted, dict):
        raise BadInput("an answer is an object", code="bad_answer")
    untrusted.pop(FILES, None)  # bytes come as files alone
    turn = untrusted.pop("turn", None)
    # JSON's true is an int in Python, and would be turn 1.
    if not isinstance(turn, int) or isinstance(turn, bool) or not 0 <= turn < _TURN_END:
        raise BadInput("a turn is a number", code="bad_answer", pointer="/turn")
    if is_with_files:
        # Files stay in memory (FILE_UPLOAD_HANDLERS), and the request had no more bytes than one
        # may have.
        untrusted[FILES] = [file.read() for file in request.FILES.getlist("file")]
    return Answer(turn, untrusted)
