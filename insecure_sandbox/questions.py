"""Common parts of questions to a register or gateway: an id that is answered once, and a
consent.
"""

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from insecure_sandbox.exchange import Handler, Rejected, Request, Response, text_field

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{7,127}")
_REMEMBERED: Final = 10_000  # the oldest is dropped then


def request_id(fields: Mapping[str, Any]) -> str:
    """The question's id.

    Raises: `Rejected` if malformed.
    """
    value = text_field(fields, "request_id")
    if not _REQUEST_ID.fullmatch(value):
        raise Rejected(400, "request_id must be 8 to 128 of A-Z a-z 0-9 _ . : -")
    return value


class AnsweredOnce:
    """Answers by question: a repetition gets the same answer without an effect. Threads may
    share it.
    """

    def __init__(self) -> None:
        """Empty at first; answers end with the process."""
        self._lock = Lock()
        self._answers: OrderedDict[str, tuple[str, Response]] = OrderedDict()

    def guard(
        self, handle: Handler, *, is_kept: Callable[[Response], bool] = lambda answer: True
    ) -> Handler:
        """The same handler, acting once per id. Another body under a known id is rejected with 409.

        is_kept: whether an answer is remembered; otherwise its id stays unknown.
        """

        def answer(request: Request) -> Response:
            fields = request.fields()
            identity, digest = request_id(fields), _digest(fields)
            # Hold the lock over the effect: two simultaneous questions with one id count as one.
            with self._lock:
                earlier = self._answers.get(identity)
                if earlier is None:
                    earlier = (digest, handle(request))
                    if is_kept(earlier[1]):
                        self._answers[identity] = earlier
                    while len(self._answers) > _REMEMBERED:
                        self._answers.popitem(last=False)
            if earlier[0] != digest:
                raise Rejected(409, "this request_id was used for another question")
            return earlier[1]

        return answer


def _digest(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
