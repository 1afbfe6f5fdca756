"""Passkeys of a person: enrolment, on record in the logs, and the answer at the sign-in."""

import secrets
from typing import Any, Final

from django.contrib.sessions.backends.base import SessionBase

from people import register
from people.models import User
from people.policy import CHALLENGE_BYTES, PASSKEYS_MAX
from verification import transactions
from verification.access import passkeys as door
from verification.core.errors import Refused
from verification.engines import passkeys
from verification.engines.passkeys import Passkey

ENROLMENT, SIGN_IN = "enrolment", "sign-in"
"""What a challenge in a session is for."""
_KEPT: Final = "challenge"


def creation_options(session: SessionBase, user: User) -> dict[str, Any]:
    """The options for a new passkey, as JSON."""
    return passkeys.creation_options(
        origin=door.origin(),
        person=user.pk,
        shown_as=user.email,
        challenge=_ask(session, ENROLMENT),
        known=tuple(keys_of(user)),
    )


def sign_in_options(session: SessionBase) -> dict[str, Any]:
    """The options for anybody's passkey, as JSON: who signs in is not known yet."""
    return door.request_options(_ask(session, SIGN_IN))


def add(session: SessionBase, user: User, untrusted: str) -> Passkey:
    """The new passkey in an answer to `creation_options`, on record.

    Raises: `Refused`: a code of `verification/engines/passkeys.py`, `passkey_known` or
    `passkeys_enough`.
    """
    challenge = _take(session, ENROLMENT)
    key, counter = passkeys.enrol(door.read(untrusted), challenge=challenge, origin=door.origin())
    with transactions.writing():
        person = register.lock(user)
        if key.id in keys_of(person):
            raise Refused("passkey_known", "this passkey is on record")
        if len(person.passkeys) >= PASSKEYS_MAX:
            raise Refused("passkeys_enough", f"a person has at most {PASSKEYS_MAX} passkeys")
        stated = {"id": key.id, "public_key": key.public_key, "origin": key.origin}
        person.passkeys = [*person.passkeys, stated]
        person.passkey_counters = {**person.passkey_counters, key.id: counter}
        person.save(update_fields=["passkeys", "passkey_counters"])
        register.keep(person, by=person.pk)
    return key


def prove(session: SessionBase, user: User, untrusted: str) -> str:
    """The id of the passkey in an answer to `sign_in_options`.

    The challenge is read anew under the lock of the person: of two posts of one answer, one counts.

    Raises: `Refused` with a code of `verification/engines/passkeys.py`.
    """
    challenge, answer = _take(session, SIGN_IN), door.read(untrusted)
    with transactions.writing():
        person = register.lock(user)
        stored = type(session)(session.session_key)
        _take(stored, SIGN_IN)
        stored.save()
        assertion = door.prove(person, keys_of(person), answer, challenge=challenge)
    return assertion["id"]


def keys_of(user: User) -> dict[str, Passkey]:
    """The passkeys on a person's row, by id."""
    return {key["id"]: Passkey(**key) for key in user.passkeys}


def _ask(session: SessionBase, purpose: str) -> bytes:
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    door.ask(session, purpose, {_KEPT: challenge.hex()})
    return challenge


def _take(session: SessionBase, purpose: str) -> bytes:
    return bytes.fromhex(door.take(session, purpose)[_KEPT])
