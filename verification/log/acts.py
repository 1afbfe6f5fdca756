"""Is an act of a person their act? A vote, an attestation, or an operator's word for a person
counts by the actor's passkey, over what the page had shown.

In the test log a person without a passkey acts by the code of their app, and the entry says so.
"""

from collections.abc import Mapping
from typing import Any, Final

from verification.core.errors import Refused
from verification.core.events import ATTESTED, IN_PERSON, PERSON, VOTED, VOUCHED
from verification.core.stored import canonical_json
from verification.course import policy
from verification.course.actors import OPERATOR, REVIEWER, Actor
from verification.course.entry import Entry, text
from verification.engines import passkeys
from verification.engines.passkeys import Passkey

CODE: Final = "code"
"""The `factor` of an act by the code of an app."""
_SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    VOTED: ("attempt", "person", "outcome"),
    ATTESTED: ("attempt", "person", "what", "how", "day"),
    IN_PERSON: ("request", "person", "subject", "details"),
    VOUCHED: ("request", "person", "subject", "details", "asked", "asked_by"),
}
"""What of an entry's body the page had shown, too."""


def shown(
    entry_type: str, verification: str, body: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """What a page shows of an act, whose hash is the challenge; `more`: pictures, reason and the
    like, which the entry repeats as they are.
    """
    named = {name: body[name] for name in _SHOWN[entry_type] if name in body}
    return {**more, "act": entry_type, "verification": verification, **named}


def challenge_of(shown_to_person: Mapping[str, Any]) -> bytes:
    """The challenge for what was shown."""
    return passkeys.challenge_of(canonical_json(shown_to_person))


def passkeys_of(actor: Actor) -> dict[str, Passkey]:
    """The passkeys that a person's statement names, by id."""
    stated = actor.fields.get("passkeys")
    keys = [
        Passkey(text(key, "id"), text(key, "public_key"), text(key, "origin"))
        for key in (stated if isinstance(stated, list) else ())
        if isinstance(key, dict)
    ]
    return {key.id: key for key in keys}


def fault(entry: Entry, verification: str, actor: Actor | None) -> str:
    """Why this act does not count as this person's; empty if it does.

    actor: the person as stated when they acted. verification: empty for an operator's act.
    """
    if actor is None or actor.type != PERSON:
        return "no statement names this person"
    if why := _fault_of_role(entry, actor):
        return why
    keys = passkeys_of(actor)
    assertion, on_page = entry.body.get("assertion"), entry.body.get("shown")
    if assertion is None:
        is_by_code = entry.body.get("factor") == CODE
        may_be = is_by_code and entry.log == policy.TEST_LOG and not keys
        return "" if may_be else "this person's passkey did not sign it"
    if not isinstance(assertion, dict) or not isinstance(on_page, dict):
        return "its assertion cannot be read"
    named = shown(entry.type, verification, entry.body)
    if any(
        on_page.get(name) != named.get(name)
        for name in ("act", "verification", *_SHOWN[entry.type])
    ):
        return "the person had been shown something else"
    key = keys.get(text(assertion, "id"))
    if key is None:
        return "the passkey that signed it is not this person's"
    try:
        passkeys.verify(assertion, key, challenge=challenge_of(on_page))
    except Refused as refusal:
        return f"its assertion does not hold: {refusal.code}"
    return ""


def is_operator(actor: Actor | None) -> bool:
    """Whether a statement has this person as an operator who may act."""
    if actor is None or actor.type != PERSON:
        return False
    return actor.is_active and actor.fields["role"] == OPERATOR


def _fault_of_role(entry: Entry, actor: Actor) -> str:
    if entry.type in (IN_PERSON, VOUCHED):
        if not is_operator(actor):
            return "this person was no operator then"
        is_twice = entry.type == VOUCHED and text(entry.body, "asked_by") == actor.id
        return "one operator approved it twice" if is_twice else ""
    stands = actor.is_active and actor.fields["role"] == REVIEWER
    if not stands or not entry.lender or actor.fields["lender"] != entry.lender:
        return "this person was no reviewer of this lender then"
    return ""
