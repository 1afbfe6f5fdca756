"""A simulated borrower's course: page after page, from the link to the end or to where they leave.

This module decides nothing: every answer goes through the borrower's real pages, and workers judge
it.
"""

import base64
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from insecure_sandbox.borrower import Browser, PlayFailed
from insecure_sandbox.camera import Camera, follow
from insecure_sandbox.credential import Credential
from insecure_sandbox.manners import HONEST, Manner
from insecure_sandbox.signing import sign_cms

_CODE: Final = re.compile(r"(?<!\d)\d{6}(?!\d)")
_ANOTHER: Final = {"iin": "910303900015", "surname": "ДРУГОВ", "name": "ДРУГ", "patronymic": ""}
_SMS_SECONDS: Final = 30.0
_JUDGED_SECONDS: Final = 150.0  # a step that faults each time is given up after 67 s
_TURNS_MAX: Final = 60  # answers of one borrower; a capture of nine tries has fewer
_RESUMED: Final = 3  # how often a borrower returns to a step that cannot begin
_OVER: Final = ("finished", "checking")


@dataclass(frozen=True, kw_only=True)
class Borrower:
    """A person at a browser, and their equipment.

    subject: as the lender stated them.
    certify: a certificate of this state for a person's fields.
    messages: the texts on their phone, oldest first.
    camera: their content for the camera.
    route: their choice, if free.
    turns: they leave after so many pages of a kind; signatures, guesses and captures are judged at
    most so often.
    """

    subject: Mapping[str, Any]
    certify: Callable[[Mapping[str, Any], str], Credential]
    messages: Callable[[str], Sequence[str]]
    camera: Camera | None = None
    manner: Manner = HONEST
    route: str = ""
    turns: Mapping[str, int] = field(default_factory=dict)

    def play(self, browser: Browser) -> str:
        """Answers each open page; returns the page that is open in the end.

        Raises: `PlayFailed`.
        """
        visits, most = dict[str, int](), {"resume": _RESUMED, **self.manner.turns, **self.turns}
        for _ in range(_TURNS_MAX):
            page = browser.wait_for_judgement(seconds=_JUDGED_SECONDS)
            if page == self.manner.goes_on_at and page not in visits:
                browser = browser.hand_over()
            # A slow borrower may only see the end of a page that they leave.
            is_too_late = page == "resume" and len(visits) > 0 and self.manner.leaves_at != ()
            has_left = page in self.manner.leaves_at or is_too_late
            visits[page] = visits.get(page, 0) + 1
            if page in _OVER or has_left or visits[page] > most.get(page, _TURNS_MAX):
                return page
            answer = _ANSWERS.get(page)
            if answer is None:
                raise PlayFailed(f"the page {page} is unknown")
            answer(self, browser)
        raise PlayFailed("the pages came to no end")

    def _choose(self, browser: Browser) -> None:
        browser.press("/v/now/route/", route=self.route)

    def _resume(self, browser: Browser) -> None:
        browser.press("/v/now/resume/")

    def _consent(self, browser: Browser) -> None:
        browser.consent(agreed=self.manner.agrees)

    def _consent_anew(self, browser: Browser) -> None:
        browser.fill_in("renewal", "version", "language", agreed="true")

    def _answer(self, browser: Browser) -> None:
        browser.deny(is_told=self.manner.is_told_what_to_press)

    def _state(self, browser: Browser) -> None:
        browser.copy_document(
            number=self.subject["document"]["number"], born=self.subject["birth_date"]
        )

    def _guess(self, browser: Browser) -> None:
        code = self.code()
        if self.manner.is_late:
            browser.outwait_code()
        # One less than a million is a different code from any of them.
        browser.fill_in(
            "code", code=code if self.manner.knows_the_code else f"{(int(code) + 1) % 1_000_000:06}"
        )

    def _sign(self, browser: Browser) -> None:
        key = self.certify(
            _ANOTHER if self.manner.signs_as_another else self.subject, self.manner.key
        )
        text = browser.statement() + (b" " if self.manner.alters_statement else b"")
        browser.send(base64.b64encode(sign_cms(key, text, signed_at=datetime.now(UTC))).decode())

    def _show(self, browser: Browser) -> None:
        if self.camera is None:
            raise PlayFailed("nothing was painted to be held before a camera")
        follow(browser, self.camera, shows=self.manner.shows)

    def code(self) -> str:
        """The one-time code in the newest message with one. It stands before the amount."""
        deadline = time.monotonic() + _SMS_SECONDS
        while not (
            codes := [code.group() for text in self._texts() if (code := _CODE.search(text))]
        ):
            if time.monotonic() > deadline:
                raise PlayFailed("no message with a code came")
            time.sleep(0.1)
        return codes[-1]

    def _texts(self) -> Sequence[str]:
        return self.messages(str(self.subject["phone"]))


_ANSWERS: Final[Mapping[str, Callable[[Borrower, Browser], None]]] = {
    "choose_route": Borrower._choose,
    "resume": Borrower._resume,
    "consent": Borrower._consent,
    "renewal": Borrower._consent_anew,
    "question": Borrower._answer,
    "form": Borrower._state,
    "code": Borrower._guess,
    "statement": Borrower._sign,
    "commands": Borrower._show,
}
