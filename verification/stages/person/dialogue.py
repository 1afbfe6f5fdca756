"""Who are you? Two fields that whoever sits there copies from the borrower's own document."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from verification.core.errors import BadInput
from verification.core.route import Memory, Next, Turn, Untrusted
from verification.core.stored import canonical_json
from verification.stages.person.policy import POLICY

SHOWN = "consent.answer"
"""The stage before: the borrower's own yes, and the wording they said it to."""
NONCE = "person.nonce"
CONSENT_REQUEST = "person.consent_request"
CONSENT = "person.consent"
ANSWER = "person.answer"
PERSON = "person.registry"
PHONE = "person.phone"

_NUMBER = re.compile(r"[^\W_]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TYPED_MAX = 64  # characters of a field before it is read: what a hand may add in blanks


def prompt_person(memory: Memory) -> Mapping[str, Any]:
    """The two fields; nothing that we or a register know."""
    number = {"name": "document_number", "kind": "text", "max_length": POLICY.document_number_max}
    return {"fields": [number, {"name": "birth_date", "kind": "date"}]}


def accept_person(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """Takes what the borrower copied from their document, with the time it came; a check compares it."""
    typed = (untrusted.get("document_number"), untrusted.get("birth_date"))
    texts = [one if isinstance(one, str) and len(one) <= _TYPED_MAX else "" for one in typed]
    number, day = plain_number(texts[0]), texts[1].strip()
    if len(number) > POLICY.document_number_max or not _NUMBER.fullmatch(number):
        raise BadInput("a document's number is letters and digits", code="bad_answer", pointer="/document_number")
    try:
        born = date.fromisoformat(day if _DAY.fullmatch(day) else "")
    except ValueError:
        raise BadInput("a day is written 1999-01-31", code="bad_answer", pointer="/birth_date") from None
    if born > at.astimezone(ZoneInfo(POLICY.time_zone)).date():
        raise BadInput("nobody is born tomorrow", code="bad_answer", pointer="/birth_date")
    said = {"document_number": number, "birth_date": born.isoformat(), "at": at.isoformat()}
    return Turn(next=Next.COLLECT, memory=memory, evidence={ANSWER: canonical_json(said)})


def plain_number(number: str) -> str:
    """The number of a document in one form: capitals, no blanks."""
    return "".join(number.split()).upper()
