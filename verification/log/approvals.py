"""Is a change of a person, a lender or an API key approved? The live log asks it of each statement.

1. Two operators: each answered by a passkey to what both had seen.
2. The operator's offline root, by its signature.
3. The person, for their passkeys alone: by the code of an invitation, or by a passkey of theirs.

An end of a key needs no approval. The test log asks for none.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeGuard

from django.conf import settings

from verification.core import certificates
from verification.core.errors import Refused
from verification.core.events import API_KEY, LENDER, PERSON
from verification.core.ids import secret_digest
from verification.course import actors, policy
from verification.course.actors import Actor, Values
from verification.course.entry import Entry, moment, number, text
from verification.engines import passkeys
from verification.log import acts

Statement = Mapping[str, Any]
"""What an entry states of an actor: its type and log, `actor`, `version`, and each field."""
Approval = Callable[[Statement], Mapping[str, Any]]
"""Gives the `approval` of a statement, or nothing."""

APPROVED_TYPES: Final = (PERSON, LENDER, API_KEY)
PROPOSE, CONFIRM = "propose", "confirm"
_PARTS: Final[Mapping[str, str]] = {"proposed": PROPOSE, "confirmed": CONFIRM}
"""The answers of two operators in an approval, by the part that each signed."""
_SEEN: Final[Mapping[str, tuple[str, ...]]] = {
    PERSON: ("role", "lender", "status", "known_as", "invitation", "invited_until"),
    LENDER: ("name", "bin", "phone", "test_calendar", "live_calendar", "return_urls"),
    API_KEY: ("lender", "mode", "scopes", "cidrs", "expires_at"),
}
"""What two operators see of an actor."""
_OWN: Final = ("passkeys",)
"""What a person changes of themselves."""
_UNSEEN_OF_NEW: Final = ("sha256", "shown")
"""What they do not see of a new key: its secret is made when it is confirmed."""
_PURPOSE: Final = b"reason\0"


def is_asked(log: str, entry_type: str) -> bool:
    """Whether a log asks for the approval of such a statement."""
    return log != policy.TEST_LOG and entry_type in APPROVED_TYPES


def statement_of(log: str, entry_type: str, body: Mapping[str, Any]) -> Statement:
    """What the root signs of an entry's body."""
    fields = {name: body.get(name) for name in actors.fields_of(entry_type)}
    named = {"actor": body.get("actor"), "version": body.get("version")}
    return {"log": log, "type": entry_type, **named, **fields}


def reason_mark(reason: str, salt: bytes) -> str:
    """The keyed hash by which a reason stands in the log: HMAC-SHA256 in hex."""
    return hmac.digest(salt, _PURPOSE + reason.encode(), "sha256").hex()


def shown(
    entry_type: str, actor: str, row: Values, *, after: Mapping[str, int], reason: str
) -> dict[str, Any]:
    """What two operators see of a change. row: as it will be.

    after: the last statement of the actor in each log, so that an approval counts once.
    reason: its `reason_mark`.
    """
    return {**_shown(entry_type, actor, row, _SEEN[entry_type], after), "reason": reason}


def shown_to_person(actor: str, row: Values, *, after: Mapping[str, int]) -> dict[str, Any]:
    """What a person sees of a change of their passkeys."""
    return _shown(PERSON, actor, row, _OWN, after)


def _shown(
    entry_type: str, actor: str, row: Values, names: Iterable[str], after: Mapping[str, int]
) -> dict[str, Any]:
    states = actors.stated(entry_type, row)
    named = {"act": entry_type, "actor": actor, "after": dict(after)}
    return {**named, "states": {name: states[name] for name in names}}


def challenge_of(seen: Mapping[str, Any], part: str) -> bytes:
    """The challenge for an operator who proposes or confirms what was shown."""
    return acts.challenge_of({**seen, "part": part})


def people_of(body: Mapping[str, Any]) -> set[str]:
    """The ids of the operators whose approval a statement's body has."""
    approval = body.get("approval")
    given = [approval.get(name) for name in _PARTS] if isinstance(approval, dict) else []
    return {text(part, "person") for part in given if isinstance(part, dict)}


def by_people(approval: Mapping[str, Any]) -> Approval:
    """The approval by two operators, or by the person themselves."""
    return lambda statement: approval


def by_root(seed: bytes) -> Approval:
    """The approval by the root of this seed."""
    return lambda statement: {"root": certificates.actor_signature(seed, statement)}


def by_signatures(signatures: Mapping[str, str]) -> Approval:
    """The approval by the root's signatures, which are known by actor."""
    return lambda statement: {"root": signatures.get(str(statement["actor"]), "")}


def fault(entry: Entry, before: Actor | None, people: Mapping[str, Actor]) -> str:
    """Why a statement is not approved; empty if it is, or if its log does not ask.

    before: the actor before it. people: each person whom it may name, as stated before it.
    """
    if not is_asked(entry.log, entry.type):
        return ""
    statement = statement_of(entry.log, entry.type, entry.body)
    if not actors.is_of_kind(str(statement["actor"]), entry.type):
        return "its actor is of another kind"
    if _only_ends(statement, before):
        return ""
    approval = entry.body.get("approval")
    if not isinstance(approval, dict):
        return "two operators or the root must approve it"
    if "root" in approval:
        is_of_root = certificates.is_actor(settings.TULGA_ROOT, approval["root"], statement)
        return "" if is_of_root else "the root did not sign this statement"
    if "own" in approval:
        return _fault_of_person(approval["own"], entry, statement, before)
    return _fault_of_two(approval, statement, before, people)


def _only_ends(statement: Statement, before: Actor | None) -> bool:
    """Whether a statement of a key says no more than that it ends, or ends earlier."""
    if before is None or statement["type"] != API_KEY:
        return False
    changed = {name for name, value in before.fields.items() if statement[name] != value}
    is_earlier = text(statement, "expires_at") <= text(before.fields, "expires_at")
    return changed <= {"expires_at", "revoked_at"} and is_earlier


def _fault_of_two(
    approval: Mapping[str, Any],
    statement: Statement,
    before: Actor | None,
    people: Mapping[str, Actor],
) -> str:
    seen = approval.get("shown")
    if not _says(seen, statement, _SEEN[str(statement["type"])]):
        return "the operators had been shown something else"
    if unseen := _unseen(statement, before):
        return f"the operators did not see its {unseen}"
    operators = list[str]()
    for name, part in _PARTS.items():
        given = approval.get(name)
        person = text(given, "person") if isinstance(given, dict) else ""
        if why := _fault_of_operator(given, people.get(person), challenge_of(seen, part)):
            return f"not {name}: {why}"
        operators.append(person)
    if statement["actor"] in operators:
        return "an operator does not approve a change of themselves"
    return "" if len(set(operators)) == len(operators) else "one operator approved it twice"


def _says(seen: Any, statement: Statement, names: Iterable[str]) -> TypeGuard[dict[str, Any]]:
    """Whether what a person had seen is this statement, by these fields, after the earlier one."""
    if not isinstance(seen, dict) or not isinstance(seen.get("after"), dict):
        return False
    is_next = seen["after"].get(statement["log"]) == number(statement, "version") - 1
    states = {name: statement[name] for name in names}
    named = (seen.get("act"), seen.get("actor"), seen.get("states"))
    return is_next and named == (statement["type"], statement["actor"], states)


def _unseen(statement: Statement, before: Actor | None) -> str:
    """The first field that differs from the earlier statement, and that no operator sees."""
    for name in sorted(actors.fields_of(str(statement["type"])) - {*_SEEN[str(statement["type"])]}):
        earlier = before.fields[name] if before is not None else ""
        if statement[name] and statement[name] != earlier:
            if before is None and name in _UNSEEN_OF_NEW:
                continue
            return name
    return ""


def _fault_of_operator(given: Any, actor: Actor | None, challenge: bytes) -> str:
    """Why this is no operator's answer to the challenge."""
    if actor is None or actor.type != PERSON or not actor.is_active:
        return "no statement names this person"
    if not acts.is_operator(actor):
        return "this person was no operator then"
    return _fault_of_assertion(given.get("assertion"), actor, challenge)


def _fault_of_assertion(assertion: Any, actor: Actor, challenge: bytes) -> str:
    if not isinstance(assertion, dict):
        return "its assertion cannot be read"
    key = acts.passkeys_of(actor).get(text(assertion, "id"))
    if key is None:
        return "the passkey that signed it is not this person's"
    try:
        passkeys.verify(assertion, key, challenge=challenge)
    except Refused as refusal:
        return f"its assertion does not hold: {refusal.code}"
    return ""


def _fault_of_person(given: Any, entry: Entry, statement: Statement, before: Actor | None) -> str:
    if before is None or not before.is_active or before.type != PERSON:
        return "no statement names this person"
    changed = {name for name, value in before.fields.items() if statement[name] != value}
    if not isinstance(given, dict):
        return "its approval cannot be read"
    if "code" in given:
        invitation = text(before.fields, "invitation")
        until = moment(before.fields, "invited_until")
        if not is_invited(invitation, until, text(given, "code"), at=entry.at):
            return "it does not have the code of an invitation"
        if statement["invitation"]:
            return "an invitation counts once"
        may_change = {"passkeys", "invitation", "invited_until"}
    else:
        seen = given.get("shown")
        if not _says(seen, statement, _OWN):
            return "the person had been shown something else"
        if why := _fault_of_assertion(given.get("assertion"), before, acts.challenge_of(seen)):
            return why
        may_change = {*_OWN}
    return "" if changed <= may_change else "a person changes their passkeys alone"


def is_invited(invitation: str, until: datetime | None, code: str, *, at: datetime) -> bool:
    """Whether this is the code of an invitation, which counts until a time."""
    is_code = hmac.compare_digest(secret_digest(code).hex().encode(), invitation.encode())
    return until is not None and at <= until and is_code
