"""manage.py tulga_trigger: causes an event of a test lender, through the API, for a receiver's
developer.

It sends the examples of openapi.json, each time for another person.
Only the real steps write: the sandbox plays the borrower, and the test clock advances time.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from string import ascii_lowercase
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lenders import openapi
from verification import outbound
from verification.core.errors import TulgaError, Unavailable
from verification.core.ids import check_digit
from verification.outbound import Limits

VARIABLE: Final = "TULGA_KEY"
_LIMITS: Final = Limits(seconds=15.0, max_bytes=1_000_000)
_ASKED_SECONDS: Final = 0.5  # between two looks; ours: a person waits at a screen
_AGAIN, _WAIT_SECONDS = (
    3,
    30,
)  # how often a call is retried if the answer gives a time, each up to this late; ours
_CAPTURED_SECONDS: Final = (
    240.0  # for a painted face's outcome: three attempts of half a minute, on a busy machine
)
# painted in turn until one has the wanted outcome; ours: of four more than three have it
_FACES: Final = 3
_DAY_SECONDS: Final = 24 * 3600 + 60
_MOVING: Final = ("requires_input", "processing")

NOT_BY_API: Final[Mapping[str, str]] = {
    "verification.redacted": "no request erases a person's data yet",
    "verification.disputed": "no person can dispute a verification yet",
    "verification.key_revoked": (
        "only the operator can, by revoking a key: manage.py revoke_signing_key"
    ),
    "clearance.frozen": (
        "only a borrower can, by declining the renewed consent, or the operator, by revoking a key"
    ),
}
"""Events that no API call and no simulation causes, and who causes them."""
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
"""All others, each with the only scenario that causes it; empty if it needs its own calls."""


class TriggerFailed(Exception):
    """A call was refused, or the event did not come; the text says which."""


@dataclass
class Trigger:
    """One lender's calls. `say` receives each id. iin, contract: of the newest loan."""

    url: str
    key: str = field(repr=False)
    say: Callable[[str], object]
    iin: str = ""
    contract: str = ""

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON answer. An answer with `Retry-After` is retried.

        Raises: `TriggerFailed` for anything but success, with the problem's code.
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
                content: dict[str, Any] = json.loads(answer.body or b"{}")
            except (Unavailable, ValueError) as fault:
                problem = fault.code if isinstance(fault, TulgaError) else "the answer is not JSON"
                raise TriggerFailed(f"{method} {path}: {problem}") from None
            if answer.status < 300:
                return content
            if (
                not answer.retry_after.isdecimal()
                or int(answer.retry_after) > _WAIT_SECONDS
                or again == _AGAIN
            ):
                break
            # With the same Idempotency-Key: nothing is done twice.
            time.sleep(int(answer.retry_after))
        raise TriggerFailed(f"{method} {path}: {answer.status} {content.get('code', '')}")

    def until(self, is_so: Callable[[], bool], *, subject: str, seconds: float = 60.0) -> None:
        """Polls until the condition holds.

        Raises: `TriggerFailed` after the time.
        """
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise TriggerFailed(f"{subject} did not come within {seconds:.0f} s")
            time.sleep(_ASKED_SECONDS)

    def open(self) -> str:
        """A fresh verification, of a person with attempts left today; its id.

        It names no routes, so that the lender's law allows it, whichever it is.
        """
        # An invented IIN, which no scripted person has: of the last four digits before the check,
        # theirs begin with 0.
        last = "x"
        while last == "x":
            eleven = f"9001019{1000 + secrets.randbelow(9000)}"
            last = check_digit(eleven)
        self.iin, self.contract = eleven + last, secrets.token_hex(32)
        example = dict(openapi.examples()["open_verification"]["request"])
        example.pop("routes", None)
        changes = {
            "subject": example["subject"] | {"iin": self.iin},
            "client_reference": (
                f"trigger-{''.join(secrets.choice(ascii_lowercase) for _ in range(12))}"
            ),
        }
        opened = str(self.call("POST", "/v1/verifications", example | changes)["id"])
        self.say(opened)
        return opened

    def played(self, scenario: str, *, status: str = "") -> str:
        """A verification on which this was played, once it has this status."""
        opened = self.open()
        self.call("POST", f"/v1/test/verifications/{opened}/simulate", {"scenario": scenario})
        if status:
            self.until(
                lambda: self.call("GET", f"/v1/verifications/{opened}")["status"] == status,
                subject=status,
                seconds=_CAPTURED_SECONDS,
            )
        return opened

    def comes_to(self, opened: str, *, seconds: float) -> str:
        """Its status, once the borrower has no open question."""
        place = f"/v1/verifications/{opened}"
        self.until(
            lambda: self.call("GET", place)["status"] not in _MOVING,
            subject="an end",
            seconds=seconds,
        )
        return str(self.call("GET", place)["status"])

    def require_reviewers(self, opened: str) -> None:
        """Raises: `TriggerFailed` if it failed because too few people could vote."""
        code = self.call("GET", f"/v1/verifications/{opened}").get("code")
        if code == "review_unavailable":
            raise TriggerFailed(f"{code}: two of your people must have a vote")

    def cleared(self) -> str:
        """A clearance that was issued."""
        verified = self.played("verified", status="verified")
        signed = {"signed_at": datetime.now(UTC).isoformat(), "contract_sha256": self.contract}
        self.call("POST", f"/v1/verifications/{verified}/contract", signed)
        place = f"/v1/verifications/{verified}/clearances"
        clearance = str(self.call("POST", place, {"contract_sha256": self.contract})["id"])
        self.say(clearance)
        place = f"/v1/clearances/{clearance}"
        self.until(lambda: self.call("GET", place)["status"] != "processing", subject="the gates")
        return clearance


def bring_about(trigger: Trigger, event: str, *, seconds: float) -> dict[str, Any]:
    """The event, once delivered to the lender.

    Raises: `TriggerFailed`; for one of `NOT_BY_API` it says who causes it.
    """
    if event in NOT_BY_API:
        raise TriggerFailed(f"{event}: {NOT_BY_API[event]}")
    if event not in TRIGGERS:
        raise TriggerFailed(
            f"there is no event {event}; there are {', '.join((*TRIGGERS, *NOT_BY_API))}"
        )
    # Only later events count: start after the newest event's number.
    cursor = 0
    while (page := trigger.call("GET", f"/v1/events?after={cursor}&limit=100"))["data"]:
        cursor = page["data"][-1]["lender_sequence"]
    _cause(trigger, event)
    matches: list[dict[str, Any]] = []

    def has_come() -> bool:
        page = trigger.call("GET", f"/v1/events?after={cursor}&limit=100")
        matches.extend(entry for entry in page["data"] if entry["type"] == event)
        return bool(matches)

    trigger.until(has_come, subject=event, seconds=seconds)
    return matches[0]


def _cause(trigger: Trigger, event: str) -> None:
    """The calls that cause it."""
    match event:
        case "verification.created":
            trigger.open()
        case "verification.in_review":
            # A face is painted at random: after another outcome, paint another.
            for _ in range(_FACES):
                opened = trigger.played("review")
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
            paid = openapi.examples()["consume_clearance"]["request"]
            paid |= {"iin": trigger.iin, "contract_sha256": trigger.contract}
            trigger.call("POST", place, paid)
        case "endpoint.disabled":
            endpoint = trigger.call(
                "POST", "/v1/webhook-endpoints", {"url": "https://lender.example/tulga"}
            )
            trigger.say(endpoint["id"])
            trigger.call("PATCH", f"/v1/webhook-endpoints/{endpoint['id']}", {"enabled": False})
        case _:
            trigger.played(TRIGGERS[event])


class Command(BaseCommand):
    """Calls the API as a lender does."""

    help = f"Causes an event of a test lender, by the real steps. Its key is read from {VARIABLE}."

    def add_arguments(self, parser: CommandParser) -> None:
        """The event, the API's address, and the source of the key: never the command line, which
        others can read.
        """
        parser.add_argument("event", choices=(*TRIGGERS, *NOT_BY_API))
        parser.add_argument(
            "--url", default="http://127.0.0.1:8000", help="of the API (default %(default)s)"
        )
        parser.add_argument(
            "--key-file", metavar="FILE", help=f"instead of {VARIABLE}; - reads it from the input"
        )
        parser.add_argument(
            "--seconds",
            type=float,
            default=120.0,
            help="to wait for the event (default %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints each id, and finally the event."""
        file = options["key_file"]
        try:
            if file is None:
                key = os.environ.get(VARIABLE, "").strip()
            else:
                key = (
                    sys.stdin.readline() if file == "-" else Path(file).read_text("utf-8")
                ).strip()
        except (OSError, UnicodeDecodeError) as fault:
            raise CommandError(f"--key-file: {type(fault).__name__}") from None
        if not key.startswith("tlg_test_"):
            raise CommandError(f"set {VARIABLE}: events need a test key, tlg_test_…")
        trigger = Trigger(options["url"].rstrip("/"), key, self.stdout.write)
        try:
            event = bring_about(trigger, options["event"], seconds=options["seconds"])
        except TriggerFailed as failure:
            raise CommandError(str(failure)) from None
        self.stdout.write(f"{event['type']}  {event['id']}  {event['lender_sequence']}")
