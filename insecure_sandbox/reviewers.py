"""The lenders' reviewers in a simulation: two people who sign in at the desk and vote there.

They sign in as every reviewer does, by password and code, so each vote is a real one.
"""

import hashlib
import hmac
import struct
import time
from base64 import b32decode
from binascii import Error
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from insecure_sandbox.borrower import Browser, PlayFailed
from insecure_sandbox.exchange import Rejected, Request, Response, Route, as_json, only_fields
from insecure_sandbox.exchange import text_field as text_of

SOURCE: Final = "reviewers"
_VOTES: Final[Mapping[str, int]] = {"pass": 2, "fail": 1}
"""How many votes decide."""
_REASON: Final = "a simulation, with a painted face"
_STEP_SECONDS: Final = 30  # of a code, RFC 6238
_SIGN_IN_SECONDS: Final = 95.0  # a code is valid once: the next comes within 30 s
_SIGN_IN, _DESK = "/people/sign-in/", "/review/"
_FIELDS: Final = {"email", "password", "secret"}


@dataclass(frozen=True)
class Reviewer:
    """One person's factors."""

    email: str
    password: str = field(repr=False)
    secret: bytes = field(repr=False)

    def code(self, *, at: float) -> str:
        """The code of six digits at a time. Source: RFC 6238 and RFC 4226 §5.3, with SHA-1."""
        counter = struct.pack(">Q", int(at) // _STEP_SECONDS)
        digest = hmac.digest(self.secret, counter, hashlib.sha1)
        place = digest[-1] & 15
        number = struct.unpack(">I", digest[place : place + 4])[0] & 0x7FFFFFFF
        return f"{number % 1_000_000:06}"


class Reviewers:
    """The known people, by lender; in memory only. Threads may share it."""

    def __init__(self) -> None:
        """Empty at first."""
        self._lock, self._desk = Lock(), Lock()
        self._people: dict[str, tuple[Reviewer, ...]] = {}
        self._signed_in: dict[tuple[str, str], Browser] = {}

    def learn(self, lender: str, people: Sequence[Reviewer]) -> None:
        """The people of a lender from now on. lender: the word by which Tulga separates them."""
        with self._lock:
            self._people[lender] = tuple(people)

    def require(self, lender: str) -> None:
        """Raises: `Rejected` if two people of this lender are not known."""
        with self._lock:
            if len(self._people.get(lender, ())) < _VOTES["pass"]:
                raise Rejected(503, "two reviewers of this lender are not known here")

    def vote(self, lender: str, verification: str, *, word: str, url: str) -> None:
        """Gives the votes that decide, one after another. word: `pass` or `fail`; url: of Tulga.

        Raises: `PlayFailed`.
        """
        with self._lock:
            people = self._people.get(lender, ())[: _VOTES[word]]
        with self._desk:
            for reviewer in people:
                page = f"/review/cases/{verification}/"
                self._browser(reviewer, url).fill_in_at(
                    page, f"{page}vote", word=word, reason=_REASON
                )

    def _browser(self, reviewer: Reviewer, url: str) -> Browser:
        """A signed-in browser: an earlier one while its session lasts."""
        browser = self._signed_in.setdefault((url, reviewer.email), Browser(url))
        deadline = time.monotonic() + _SIGN_IN_SECONDS
        while not browser.may_see(_DESK):
            if time.monotonic() > deadline:
                raise PlayFailed("a reviewer could not sign in")
            factors = {"email": reviewer.email, "password": reviewer.password}
            with suppress(PlayFailed):
                browser.fill_in_at(_SIGN_IN, "", **factors, code=reviewer.code(at=time.time()))
            if not browser.may_see(_DESK):
                # The code was spent already: wait for the next one.
                time.sleep(_STEP_SECONDS - time.time() % _STEP_SECONDS)
        return browser


def routes(reviewers: Reviewers) -> tuple[Route, ...]:
    """`POST /reviewers`."""

    def learn(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, {"lender", "people"})
        people = fields.get("people")
        if not isinstance(people, list):
            raise Rejected(400, "people must be a list")
        reviewers.learn(text_of(fields, "lender", limit=64), [_reviewer(one) for one in people])
        return as_json({"known": len(people)}, status=201)

    return (Route(method="POST", path="/reviewers", source=SOURCE, handle=learn),)


def _reviewer(fields: Any) -> Reviewer:
    if not isinstance(fields, dict):
        raise Rejected(400, "a person must be an object")
    only_fields(fields, _FIELDS)
    try:
        secret = b32decode(text_of(fields, "secret"))
    except (Error, ValueError) as error:
        raise Rejected(400, "secret must be base32") from error
    return Reviewer(text_of(fields, "email"), text_of(fields, "password"), secret)
