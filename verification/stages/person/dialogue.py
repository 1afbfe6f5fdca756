"""Who are you? Two fields that the borrower copies from their own document."""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from verification.core.errors import BadInput
from verification.core.route import Evidence, Memory, Next, Turn, Untrusted
from verification.core.stored import canonical_json
from verification.stages.person.policy import POLICY

# The borrower's earlier agreement and its wording, and their consent through the state's service.
SHOWN, CONSENT = "consent.answer", "register.consent"
ANSWER = "person.answer"
PHONE = "person.phone"

# Letters and digits of every alphabet: \w without the underscore.
_NUMBER = re.compile(r"[^\W_]+")
# A day as people type it, in three fields: with or without a leading zero.
_PARTS = {
    "year": re.compile(r"[0-9]{4}"),
    "month": re.compile(r"[0-9]{1,2}"),
    "day": re.compile(r"[0-9]{1,2}"),
}
_TYPED_MAX = 64  # characters of a raw field: room for blanks


def prompt_person(memory: Memory) -> Mapping[str, Any]:
    """The two fields; no data of ours or of a register."""
    number = {"name": "document_number", "kind": "text", "max_length": POLICY.document_number_max}
    return {"fields": [number, {"name": "birth_date", "kind": "date"}]}


def accept_person(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """Takes the borrower's copy from their document, with its time of arrival; a check compares it.

    A field of the kind `date`, NAME, comes as NAME_day, NAME_month and NAME_year.
    """
    names = ("document_number", *(f"birth_date_{part}" for part in _PARTS))
    sent = {name: untrusted.get(name) for name in names}
    typed = {
        name: value if isinstance(value, str) and len(value) <= _TYPED_MAX else ""
        for name, value in sent.items()
    }
    number = plain_number(typed["document_number"])
    if len(number) > POLICY.document_number_max or not _NUMBER.fullmatch(number):
        raise BadInput(
            "a document's number is letters and digits",
            code="bad_answer",
            pointer="/document_number",
        )
    parts = {part: typed[f"birth_date_{part}"].strip() for part in _PARTS}
    try:
        born = date(
            **{
                part: int(text) if _PARTS[part].fullmatch(text) else 0
                for part, text in parts.items()
            }
        )
    except ValueError:
        raise BadInput(
            "a date needs a day, a month and a year", code="bad_answer", pointer="/birth_date"
        ) from None
    if born > at.astimezone(ZoneInfo(POLICY.time_zone)).date():
        raise BadInput(
            "a birth date cannot be in the future", code="bad_answer", pointer="/birth_date"
        )
    fields = {"document_number": number, "birth_date": born.isoformat(), "at": at.isoformat()}
    return Turn(next=Next.COLLECT, memory=memory, evidence={ANSWER: canonical_json(fields)})


def answered_at(evidence: Evidence) -> datetime:
    """When the borrower's answer came, by our clock."""
    return datetime.fromisoformat(json.loads(evidence.items[ANSWER])["at"])


def plain_number(number: str) -> str:
    """The number of a document in canonical form: capitals, no blanks."""
    return "".join(number.split()).upper()
