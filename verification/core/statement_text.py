"""The text of a statement: what a person reads, and behind it the same data for programs, in one line.

    title, declaration, an empty line
    one row a line: label, colon, value
    an empty line, a sentence
    tulga.statement.v2
    canonical JSON

The words are made of the data and of nothing else. Who reads a text makes them anew and compares every byte, so no text
can say one thing to a person and another to a program.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from verification.core.errors import BadInput, Refused
from verification.core.forms import asked_of, in_one_line
from verification.core.ids import Iin
from verification.core.opening import Loan
from verification.core.statement_words import WORDS
from verification.core.stored import canonical_json

KIND: Final = "statement.text"
"""The kind of evidence that is the statement; one that was written anew in another language has a number behind it.
It holds a nonce of 128 bits, so its plain hash is no way to what it says."""
FORMS_NAMED: Final = "tulga.statement."
"""How every form of a statement begins, and nothing else that a person would sign."""
FORM: Final = f"{FORMS_NAMED}v2"
MAX_BYTES: Final = 16 * 1024
"""One text. Ours: the longest that names and purposes allow has a fifth of it."""
SIGNED: Final = tuple(name for name, asked in asked_of(Loan).items() if asked.form.is_signed)
"""What stands in the statement of a loan as the lender said it."""

_PLAIN: Final = ("mode", "verification", "lender_bin", "lender_name", "iin", "purpose", "payout_account")
_FIELDS: Final = {"type", "words", "language", *_PLAIN, *SIGNED, "payout_account_sha256", "nonce", "issued", "expires"}
_TIME: Final = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+00:00")
_FORMS: Final = {
    "mode": re.compile("test|live"),
    "currency": re.compile("KZT"),
    "amount": re.compile(r"[0-9]{1,13}\.[0-9]{2}"),
    "total_repayable": re.compile(r"[0-9]{1,13}\.[0-9]{2}"),
    "annual_rate": re.compile(r"[0-9]{1,4}\.[0-9]{2}([0-9]?[1-9])?"),
    "payout_account_sha256": re.compile("[0-9a-f]{64}"),
    "contract_sha256": re.compile("([0-9a-f]{64})?"),
    "nonce": re.compile("[0-9a-f]{32}"),
    "issued": _TIME,
    "expires": _TIME,
}
_ANEW: Final = re.compile(rf"{re.escape(KIND)}(?:\.([1-9][0-9]*))?")


@dataclass(frozen=True)
class Shown:
    """What a statement says to a person. Everything of it stands in the text that is signed."""

    language: str
    title: str
    declaration: str
    rows: tuple[tuple[str, str], ...]


def is_text(kind: str) -> bool:
    """Whether evidence of this kind is a statement. Of one attempt the last in the order of `place` is signed."""
    return _ANEW.fullmatch(kind) is not None


def place(kind: str) -> int:
    """Which of an attempt's statements this kind is: 0 the first. As text `.10` would stand before `.9`."""
    found = _ANEW.fullmatch(kind)
    return int(found[1] or 0) if found else 0


def write(data: Mapping[str, Any]) -> bytes:
    """The bytes to be signed. Raises `Refused` (eds_statement_mismatch) for data that no statement can have."""
    shown = show(data)
    lines = [shown.title, shown.declaration, "", *(f"{label}: {value}" for label, value in shown.rows)]
    lines += ["", WORDS[data["words"]][data["language"]].machine, FORM]
    return "\n".join(lines).encode() + b"\n" + canonical_json(dict(data))


def read(text: bytes) -> dict[str, Any]:
    """The data of a text that says to a person what it says to a program, to the byte.

    Raises `Refused` (eds_statement_mismatch) for every other text.
    """
    if len(text) > MAX_BYTES:
        raise _refused("too long")
    try:
        data = json.loads(text.rpartition(b"\n")[2])
        is_same = isinstance(data, dict) and write(data) == text
    except (ValueError, TypeError, RecursionError) as fault:
        raise _refused("its data cannot be read") from fault
    if not is_same:
        raise _refused("the words do not say what the data say")
    return dict(data)


def show(data: Mapping[str, Any]) -> Shown:
    """The words of these data. Raises as `write`."""
    # Of each field that it is there, of its type, and can be said in words; nothing else is there.
    texts = {name: value for name, value in data.items() if name != "term_days"}
    if data.keys() != _FIELDS or not all(isinstance(value, str) for value in texts.values()):
        raise _refused("not the fields of a statement")
    if data["type"] != FORM or data["language"] not in WORDS.get(data["words"], {}):
        raise _refused("a form, words or a language that we do not know")
    strange = [name for name, form in _FORMS.items() if not form.fullmatch(data[name])]
    if strange or type(data["term_days"]) is not int:
        raise _refused(f"{', '.join(strange) or 'term_days'} cannot be said in words")
    try:
        iin = Iin.parse(data["iin"])
        for name in ("issued", "expires"):
            datetime.fromisoformat(data[name])
    except (BadInput, ValueError) as fault:
        raise _refused("an IIN or a time that is none") from fault
    words = WORDS[data["words"]][data["language"]]
    said = {
        # Nothing that a lender said hides, ends its line, turns it around, or draws a row of its own behind blanks.
        **{name: in_one_line(str(data[name])) for name in words.labels},
        "mode": words.test,
        "iin": iin.masked,
        "amount": words.number(data["amount"], data["currency"]),
        "total_repayable": words.number(data["total_repayable"], data["currency"]),
        "term_days": words.term(data["term_days"]),
        "annual_rate": words.number(data["annual_rate"], "%"),
        "contract_sha256": data["contract_sha256"] or words.no_contract,
        "issued": words.moment(data["issued"]),
        "expires": words.moment(data["expires"]),
    }
    names = [name for name in words.labels if name != "mode" or data["mode"] != "live"]
    rows = tuple((words.labels[name], said[name]) for name in names)
    return Shown(data["language"], words.title, words.declaration, rows)


def _refused(detail: str) -> Refused:
    return Refused("eds_statement_mismatch", f"the statement: {detail}")
