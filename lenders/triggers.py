"""How each event is brought about for a lender in test mode, by the API alone: what `manage.py
tulga_trigger` does.

What is sent are the examples of openapi.json, each time of somebody else. Nothing is written past
the real steps: the sandbox plays the borrower, and time is put forward by the test clock.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import ascii_lowercase
from typing import Any, Final

from lenders import examples
from verification import outbound
from verification.core.codes import REVIEW_UNAVAILABLE
from verification.core.errors import TulgaError, Unavailable
from verification.core.ids import check_digit
from verification.outbound import Limits

_LIMITS: Final = Limits(seconds=15.0, max_bytes=1_000_000)
_ASKED_SECONDS: Final = 0.5  # between two looks; ours: a person waits before a screen
_AGAIN, _WAIT_SECONDS = (
    3,
    30,
)  # times that a call is sent again where the answer says when, each so late at most; ours
_CAPTURED_SECONDS: Final = (
    240.0  # for what a painted face comes to: three attempts of half a minute, on a busy machine
)
# painted one after the other until one comes to what is wanted; ours: of four more than three do
_FACES: Final = 3
_DAY_SECONDS: Final = 24 * 3600 + 60
_MOVING: Final = ("requires_input", "processing")

NOT_BY_API: Final[Mapping[str, str]] = {
    "verification.redacted": "nothing erases a person's data by request yet",
    "verification.disputed": "nobody can say yet that it was not them",
    "verification.key_revoked": (
        "only the operator does, who revokes a key: manage.py revoke_signing_key"
    ),
    "clearance.frozen": (
        "only a borrower who declines the new consent after a wait, or the operator who revokes"
        " a key"
    ),
}
"""Events that no call of the API and no simulation brings about, and who does."""
TRIGGERS: Final[Mapping[str, str]] = {
    "verification.created": "",
    "verification.in_review": "",
    "verification.verified": "verified",
    "verification.declined": "consent_declined",
    "verification.expired": "",
    "verification.canceled": "",
    "verification.failed": "ocsp_silent",
    "verification.handed_over": "handed_over",
    "clearance.issued": "",
    "clearance.consumed": "",
    "endpoint.disabled": "",
}
"""All others, each with the scenario that alone brings it about; empty where it takes calls of its
own.
"""


class TriggerFailed(Exception):
    """A call was refused, or the event did not come; the text says which."""


@dataclass
class Trigger:
    """One lender's calls. `say` is told each id as it comes. iin: of the newest borrower."""

    url: str
    key: str = field(repr=False)
    say: Callable[[str], object]
    iin: str = ""

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON answer. Raises `TriggerFailed` for anything but success, with the code of the
        problem.

        What an answer asks to send again in a moment (`Retry-After`) is sent again.
        """
        headers = {"Authorization": f"Bearer {self.key}"}
        if method != "GET":
            headers |= {
                "Content-Type": "application/json",
                "Idempotency-Key": secrets.token_urlsafe(),
            }
        request = outbound.Request(
            method=method,
            url=f"{self.url}{path}",
            headers=headers,
            body=b"" if body is None else json.dumps(body).encode(),
            limits=_LIMITS,
            is_public_only=False,
            wants_whole=False,
        )
        for again in range(_AGAIN + 1):
            try:
                answer = outbound.send(request)
                said: dict[str, Any] = json.loads(answer.body or b"{}")
            except (Unavailable, ValueError) as fault:
                problem = fault.code if isinstance(fault, TulgaError) else "the answer is not JSON"
                raise TriggerFailed(f"{method} {path}: {problem}") from None
            if answer.status < 300:
                return said
            if (
                not answer.retry_after.isdecimal()
                or int(answer.retry_after) > _WAIT_SECONDS
                or again == _AGAIN
            ):
                break
            # By the same Idempotency-Key: nothing is done twice.
            time.sleep(int(answer.retry_after))
        raise TriggerFailed(f"{method} {path}: {answer.status} {said.get('code', '')}")

    def until(self, is_so: Callable[[], bool], *, what: str, seconds: float = 60.0) -> None:
        """Asks until it is so. Raises `TriggerFailed` when the time is over."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise TriggerFailed(f"{what} did not come within {seconds:.0f} s")
            time.sleep(_ASKED_SECONDS)

    def open(self, route: str = "eds") -> str:
        """A fresh verification, of somebody who has not used up their attempts of the day; its
        id.
        """
        # An IIN of 1899, by which nobody is scripted: of the last four digits before the check,
        # those begin with 0.
        last = "x"
        while last == "x":
            eleven = f"9901011{1000 + secrets.randbelow(9000)}"
            last = check_digit(eleven)
        self.iin = eleven + last
        asked = examples.kept()["open_verification"]["request"]
        own = {
            "subject": asked["subject"] | {"iin": self.iin},
            "routes": [route],
            "client_reference": (
                f"trigger-{''.join(secrets.choice(ascii_lowercase) for _ in range(12))}"
            ),
        }
        opened = str(self.call("POST", "/v1/verifications", asked | own)["id"])
        self.say(opened)
        return opened

    def played(
        self, scenario: str, *, route: str = "eds", status: str = "", seconds: float = 60.0
    ) -> str:
        """A verification on which this was played, once it stands like this."""
        opened = self.open(route)
        self.call("POST", f"/v1/test/verifications/{opened}/simulate", {"scenario": scenario})
        if status:
            self.until(
                lambda: self.call("GET", f"/v1/verifications/{opened}")["status"] == status,
                what=status,
            )
        return opened

    def comes_to(self, opened: str, *, seconds: float) -> str:
        """Its status, once the borrower is asked for nothing any more."""
        place = f"/v1/verifications/{opened}"
        self.until(
            lambda: self.call("GET", place)["status"] not in _MOVING, what="an end", seconds=seconds
        )
        return str(self.call("GET", place)["status"])

    def require_reviewers(self, opened: str) -> None:
        """Raises `TriggerFailed` where it failed because too few people could vote."""
        code = self.call("GET", f"/v1/verifications/{opened}").get("code")
        if code == REVIEW_UNAVAILABLE:
            raise TriggerFailed(f"{code}: two of your people must have a vote")

    def cleared(self) -> str:
        """A clearance that was issued."""
        verified = self.played("verified", status="verified")
        place = f"/v1/verifications/{verified}/clearances"
        asked = str(self.call("POST", place, examples.kept()["ask_for_clearance"]["request"])["id"])
        self.say(asked)
        place = f"/v1/clearances/{asked}"
        self.until(lambda: self.call("GET", place)["status"] != "processing", what="the gates")
        return asked


def bring_about(trigger: Trigger, event: str, *, seconds: float) -> dict[str, Any]:
    """The event, once the lender is told it. Raises `TriggerFailed`; for one of `NOT_BY_API` it
    says who brings it.
    """
    if event in NOT_BY_API:
        raise TriggerFailed(f"{event}: {NOT_BY_API[event]}")
    if event not in TRIGGERS:
        raise TriggerFailed(
            f"there is no event {event}; there are {', '.join((*TRIGGERS, *NOT_BY_API))}"
        )
    # What is told from now on counts: behind the number of the newest event.
    known = 0
    while (page := trigger.call("GET", f"/v1/events?after={known}&limit=100"))["data"]:
        known = page["data"][-1]["lender_sequence"]
    _cause(trigger, event)
    found: list[dict[str, Any]] = []

    def has_come() -> bool:
        page = trigger.call("GET", f"/v1/events?after={known}&limit=100")
        found.extend(one for one in page["data"] if one["type"] == event)
        return bool(found)

    trigger.until(has_come, what=event, seconds=seconds)
    return found[0]


def _cause(trigger: Trigger, event: str) -> None:
    """The calls that bring it about."""
    match event:
        case "verification.created":
            trigger.open()
        case "verification.in_review":
            # A face is painted by chance: where one comes to something else, another is.
            for _ in range(_FACES):
                opened = trigger.played("review", route="biometric")
                if (status := trigger.comes_to(opened, seconds=_CAPTURED_SECONDS)) == "in_review":
                    return
                if status == "failed":
                    trigger.require_reviewers(opened)
        case "verification.expired":
            opened = trigger.open()
            trigger.call(
                "POST", "/v1/test/clock", {"advance_seconds": _DAY_SECONDS, "verification": opened}
            )
        case "verification.canceled":
            trigger.call("POST", f"/v1/verifications/{trigger.open()}/cancel", {})
        case "clearance.issued":
            trigger.cleared()
        case "clearance.consumed":
            place = f"/v1/clearances/{trigger.cleared()}/consume"
            paid = examples.kept()["consume_clearance"]["request"] | {"iin": trigger.iin}
            trigger.call("POST", place, paid)
        case "endpoint.disabled":
            made = trigger.call(
                "POST", "/v1/webhook-endpoints", {"url": "https://lender.example/tulga"}
            )
            trigger.say(made["id"])
            trigger.call("PATCH", f"/v1/webhook-endpoints/{made['id']}", {"enabled": False})
        case _:
            trigger.played(TRIGGERS[event])
