"""Three dialogues: who are you, which code came to your phone, and commands for a live face."""

import hmac
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from verification.core import capture_evidence, live_capture
from verification.core.canonical import canonical_json
from verification.core.errors import BadInput, Refused
from verification.core.person import Case
from verification.core.registry_answers import parse_photo
from verification.core.route import Evidence, Memory, Next, Picture, Turn, Untrusted
from verification.engines.faces import pictures
from verification.engines.liveness import hints
from verification.routes.live_face.policy import POLICY

SHOWN = "consent.answer"
"""The stage before: the borrower's own yes, and the wording they said it to."""
NONCE = "person.nonce"
CONSENT_REQUEST = "person.consent_request"
CONSENT = "person.consent"
ANSWER = "person.answer"
PERSON = "person.registry"
PHONE = "person.phone"
ISSUED, SENT, GUESS = "code.issued", "code.sent", "code.guess"
OWNER = "code.owner"
COMMANDS_STAGE = "commands"
ORDER, PHOTO = "commands.order", "commands.photo"
CODE_PURPOSE = "live_face.code"

_NUMBER = re.compile(r"[^\W_]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TYPED_MAX = 64  # characters of a field before it is read: what a hand may add in blanks


def prompt_person(memory: Memory) -> Mapping[str, Any]:
    """The two fields; nothing that we or a register know."""
    number = {"name": "document_number", "kind": "text", "max_length": POLICY.document_number_max}
    return {"fields": [number, {"name": "birth_date", "kind": "date"}]}


def accept_person(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """Takes what the borrower copied from their document, with the time it came; a check compares it."""
    said = {
        "document_number": _document_number(untrusted.get("document_number")),
        "birth_date": _birth_date(untrusted.get("birth_date"), at=at).isoformat(),
        "at": at.isoformat(),
    }
    return Turn(next=Next.COLLECT, memory=memory, evidence={ANSWER: canonical_json(said)})


def plain_number(number: str) -> str:
    """The number of a document in one form: capitals, no blanks."""
    return "".join(number.split()).upper()


def _document_number(untrusted: Any) -> str:
    typed = untrusted if isinstance(untrusted, str) and len(untrusted) <= _TYPED_MAX else ""
    number = plain_number(typed)
    if len(number) > POLICY.document_number_max or not _NUMBER.fullmatch(number):
        raise BadInput("a document's number is letters and digits", code="bad_answer", pointer="/document_number")
    return number


def _birth_date(untrusted: Any, *, at: datetime) -> date:
    typed = untrusted.strip() if isinstance(untrusted, str) and len(untrusted) <= _TYPED_MAX else ""
    try:
        born = date.fromisoformat(typed if _DAY.fullmatch(typed) else "")
    except ValueError:
        raise BadInput("a day is written 1999-01-31", code="bad_answer", pointer="/birth_date") from None
    if born > at.astimezone(ZoneInfo(POLICY.time_zone)).date():
        raise BadInput("nobody is born tomorrow", code="bad_answer", pointer="/birth_date")
    return born


def bound_to(case: Case) -> str:
    """What a code is for: our purpose, this verification, this phone."""
    return f"{CODE_PURPOSE}|{case.verification_id}|{case.person.phone.value}"


def keyed(key: str, message: str) -> str:
    """HMAC-SHA256 in hex; `key` in hex."""
    return hmac.new(bytes.fromhex(key), message.encode(), sha256).hexdigest()


def numbered(kind: str, number: int) -> str:
    """A kind that may come more than once in an attempt."""
    return f"{kind}.{number}"


def latest(evidence: Evidence, kind: str) -> str:
    """The highest numbered of a kind; raises `Refused` where there is none."""
    numbers = [int(name.removeprefix(f"{kind}.")) for name in evidence.items if name.startswith(f"{kind}.")]
    if not numbers:
        raise Refused("check_missing", f"no evidence {kind}")
    return numbered(kind, max(numbers))


def mask_phone(phone: str) -> str:
    """A number as its owner knows it again: the last two digits. It is the lender's, never a register's."""
    return f"+7 7•• ••• •• {phone[-2:]}"


def prompt_code(memory: Memory) -> Mapping[str, Any]:
    """Where the code went, in part, and what is left of guesses, resends and time."""
    issued = datetime.fromisoformat(memory["issued_at"])
    return {
        "phone_masked": memory["phone_masked"],
        "guesses_left": max(0, POLICY.guesses - memory["guesses"]),
        "resends_left": max(0, POLICY.resends - memory["resends"]),
        "resend_from": (issued + timedelta(seconds=POLICY.resend_after_seconds)).isoformat(),
        "expires": (issued + timedelta(seconds=POLICY.code_seconds)).isoformat(),
    }


def accept_code(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """Takes a guess, or the wish for another code.

    A guess counts however late it is and whichever code it was for; the last one and a right one end the dialogue.
    After one that is right and in time the count begins anew: whoever comes this way again has proved the phone.
    """
    if untrusted.get("resend") is True:
        return _resend(memory, at)
    digest = keyed(memory["key"], f"{memory['bound_to']}|{_code(untrusted.get('code'))}")
    number = memory["guesses"] + 1
    guess = {"number": number, "issued": memory["resends"], "digest": digest, "at": at.isoformat()}
    evidence = {numbered(GUESS, number): canonical_json(guess)}
    is_right = hmac.compare_digest(digest, memory["digest"])
    is_in_time = 0 <= _seconds_since_issue(memory, at) <= POLICY.code_seconds
    counted = {**memory, "guesses": 0 if is_right and is_in_time and number <= POLICY.guesses else number}
    if number >= POLICY.guesses or is_right:
        return Turn(next=Next.COLLECT, memory=counted, evidence=evidence)
    return Turn(next=Next.ASK, memory=counted, evidence=evidence, notice="otp_wrong")


def _resend(memory: Memory, at: datetime) -> Turn:
    if memory["resends"] >= POLICY.resends:
        return Turn(next=Next.ASK, memory=memory, notice="otp_resends_exhausted")
    if _seconds_since_issue(memory, at) < POLICY.resend_after_seconds:
        return Turn(next=Next.ASK, memory=memory, notice="otp_resend_early")
    return Turn(next=Next.PREPARE, memory=memory)


def _seconds_since_issue(memory: Memory, at: datetime) -> float:
    return (at - datetime.fromisoformat(memory["issued_at"])).total_seconds()


def _code(untrusted: Any) -> str:
    typed = "".join(untrusted.split()) if isinstance(untrusted, str) and len(untrusted) <= _TYPED_MAX else ""
    if not re.fullmatch(rf"[0-9]{{{POLICY.code_digits}}}", typed):
        raise BadInput(f"a code is {POLICY.code_digits} digits", code="bad_answer", pointer="/code")
    return typed


def prompt_commands(memory: Memory) -> Mapping[str, Any]:
    """ "Ready?", or the one command that is due."""
    return live_capture.prompt(memory, limits=POLICY.capture)


def accept_commands(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """ "Ready", or the frames of the command that was due."""
    return live_capture.accept(memory, untrusted, at, stage=COMMANDS_STAGE, limits=POLICY.capture)


def hint_commands(untrusted: bytes) -> str:
    """What would make the borrower's picture better, in one word of the page."""
    return hints.hint(untrusted, limits=POLICY.hints)


def pictures_commands(evidence: Evidence) -> tuple[Picture, ...]:
    """The register's photo, then the frames of each command. Raises `Refused` where a part is not there."""
    frames = capture_evidence.frame_kinds(evidence, stage=COMMANDS_STAGE)
    return (Picture(PHOTO), *(Picture(kind, command) for kind, command in frames))


def show_commands(kind: str, content: bytes) -> bytes:
    """One of these pictures, made anew. Raises `BadInput` or `Refused`."""
    return pictures.renewed(parse_photo(content).jpeg if kind == PHOTO else content, limits=POLICY.reference)
