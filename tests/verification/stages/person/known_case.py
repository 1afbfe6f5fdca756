"""A case whose person the registers know, and evidence as the workflow hands it to the checks."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.verification.core.answer_samples import CONSENT, OWNERSHIP, PERSON, SMS, spelled
from tests.verification.stories.story import IIN, opening, person
from verification.core.lender import LenderFacts
from verification.core.person import Case
from verification.core.results import Passed, Result
from verification.core.route import Evidence, Memory, Stage, Turn
from verification.core.stored import canonical_json
from verification.stages.code import dialogue as code_dialogue
from verification.stages.code.measure import look_code
from verification.stages.confirmation import policy as confirmation
from verification.stages.person import dialogue
from verification.stages.register.dialogue import ASKED
from verification.stages.register.dialogue import PERSON as REGISTERED

# 23:30 of the 24th in Kazakhstan: an hour later both clocks still differ by a day from each other.
NOW = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
PHONE = "+77011234567"
KEY = "5a" * 32
SECRET = "3c" * 32  # what workers alone know of the attempt
_NONCES = {code_dialogue.drawn(SECRET, nonce): nonce for nonce in ("7e" * 16, "8f" * 16)}
CODE, OTHER_CODE = _NONCES

_CONSENTED = {
    "version": confirmation.CONSENT.current,
    "language": "ru",
    "text_sha256": confirmation.CONSENT.sha256(confirmation.CONSENT.current, "ru"),
}
DOCUMENT = {
    "type": "id_card",
    "number": "012345678",
    "issued_on": "2023-01-02",
    "valid_to": "2033-01-01",
    "status": "valid",
}
_SAID: dict[str, dict[str, Any]] = {
    dialogue.CONSENT: CONSENT
    | {
        "reference": "ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "lender_bin": "120340000014",
        "purpose": "microcredit",
        "services": ["person", "photo", "phone"],
        "text_sha256": _CONSENTED["text_sha256"],
        "created_at": "2026-11-24T10:00:00+00:00",
        "expires_at": "2026-11-25T10:00:00+00:00",
    },
    ASKED: {"services": ["person", "phone", "photo"], "phone": "none"},
    REGISTERED: PERSON
    | {"surname": "ТЕСТОВ", "name": "ТЕСТ", "patronymic": "ТЕСТОВИЧ", "documents": [DOCUMENT]},
    dialogue.PHONE: OWNERSHIP | {"phone": PHONE},
    dialogue.ANSWER: {
        "document_number": "012345678",
        "birth_date": "1899-01-01",
        "at": NOW.isoformat(),
    },
    "consent.answer": {"agreed": True, **_CONSENTED, "at": NOW.isoformat()},
}


def case(**changes: Any) -> Case:
    """`changes`: fields of the person."""
    return Case(
        verification_id="ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        mode="test",
        profile="KZ-2021-04",
        lender=LenderFacts(
            id="len_a", name="Sandbox Credit", bin="120340000014", phone="+77270000044"
        ),
        person=replace(person(IIN), **changes),
        loan=opening().loan,
        purpose="microcredit",
        locale="ru",
        expires_at=NOW + timedelta(hours=1),
    )


def said(kind: str, **changes: Any) -> bytes:
    """What a source or the borrower said, as it is kept; with these fields changed."""
    return spelled(_SAID[kind] | changes)


def without_terms(kind: str, status: str) -> bytes:
    """An answer of this status that says nothing more than whom it is about."""
    about = {
        name: value for name, value in _SAID[kind].items() if name in ("request_id", "iin", "phone")
    }
    return spelled(about | {"status": status})


def known(at: datetime = NOW, **changes: bytes | None) -> Evidence:
    """Evidence of the stage `person`, the register asked beside it, that passes.

    `changes`: by the last word of a kind, None to leave it out."""
    items = {kind: said(kind) for kind in _SAID}
    for word, content in changes.items():
        kind = {"consent": dialogue.CONSENT, "registry": REGISTERED, "asked": ASKED}.get(
            word, f"person.{word}"
        )
        if content is None:
            del items[kind]
        else:
            items[kind] = content
    return Evidence(items=items, at=at)


def memory(of: Case | None = None, *, issued_at: datetime = NOW, **changes: Any) -> Memory:
    """What the stage `code` remembers after a code was sent."""
    bound = code_dialogue.bound_to(of or case())
    remembered = {
        "key": KEY,
        "bound_to": bound,
        "issued_at": issued_at.isoformat(),
        "phone_masked": code_dialogue.mask_phone(PHONE),
        "guesses": 0,
        "resends": 0,
    }
    return remembered | changes


def issued(remembered: Memory, code: str = CODE) -> dict[str, bytes]:
    """The evidence that stands beside such a memory, where this code was sent."""
    facts = {name: remembered[name] for name in ("key", "issued_at")} | {"nonce": _NONCES[code]}
    facts |= {"digest": code_dialogue.keyed(SECRET, f"{remembered['bound_to']}|{code}")}
    facts |= {"bound_to": code_dialogue.keyed(remembered["key"], remembered["bound_to"])}
    number = remembered["resends"]
    return {f"code.issued.{number}": canonical_json(facts), f"code.sent.{number}": spelled(SMS)}


def guessed(
    remembered: Memory, *guesses: str, at: datetime = NOW + timedelta(seconds=20)
) -> dict[str, bytes]:
    """The evidence of these guesses, by the dialogue itself."""
    kept: dict[str, bytes] = {}
    for guess in guesses:
        turn = code_dialogue.accept_code(remembered, {"code": guess}, at)
        remembered, kept = turn.memory, {**kept, **turn.evidence}
    return kept


def looked(remembered: Memory, guess: str, at: datetime) -> Turn:
    """What a guess leads to once a worker has looked at it; `CODE` was sent."""
    taken = code_dialogue.accept_code(remembered, {"code": guess}, at)
    found = Evidence(items={**issued(remembered), **taken.evidence}, at=at, secrets=(SECRET,))
    return code_dialogue.go_on_code(taken.memory, look_code(found, taken.memory), at)


def evidence(*parts: Mapping[str, bytes], at: datetime = NOW + timedelta(seconds=30)) -> Evidence:
    """Evidence of the stage `code`, with what the worker said of the last one; the phone is the
    person's, unless a part says otherwise.
    """
    items: dict[str, bytes] = {code_dialogue.OWNER: said(dialogue.PHONE)}
    for part in parts:
        items |= part
    if sent := sorted(kind for kind in items if kind.startswith(code_dialogue.ISSUED)):
        last, bound = fields(items[sent[-1]]), code_dialogue.bound_to(case())
        code = code_dialogue.sent(last, bound=bound, secrets=(SECRET,))
        digest = code_dialogue.keyed(last["key"], f"{bound}|{code}")
        items[code_dialogue.EXPECTED] = canonical_json({"digest": digest})
    return Evidence(items=items, at=at)


def judge(stage: Stage, of: Case, given: Evidence) -> tuple[Result, ...]:
    return stage.judge(stage.measure(of, given, stage.policy_in_use()), stage.policy_in_use())


def refusals(results: Iterable[Result]) -> dict[str, str]:
    return {result.check: result.code for result in results if not isinstance(result, Passed)}


def fields(content: bytes) -> dict[str, Any]:
    """What a piece of evidence says."""
    return dict(json.loads(content))
