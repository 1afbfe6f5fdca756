"""Passkeys of a person: enrolment, on record in the logs, and the answer at the sign-in."""

import secrets
from typing import Any, Final

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase

from people import register
from people.models import User
from people.policy import CHALLENGE_BYTES, PASSKEYS_MAX
from verification import transactions
from verification.access import passkeys as door
from verification.core.errors import Refused
from verification.engines import passkeys
from verification.engines.passkeys import Passkey
from verification.log import actors, acts, approvals

ENROLMENT, SIGN_IN, SIGNATURE = "enrolment", "sign-in", "new passkey"
"""What a challenge in a session is for."""
_KEPT: Final = "challenge"
_NEW: Final = "people_new_passkey"
_COLUMNS: Final = ("passkeys", "passkey_counters")


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


def add(session: SessionBase, user: User, untrusted: str) -> Passkey | None:
    """The new passkey in an answer to `creation_options`, on record; None if it waits for a known
    one to sign it, as the live log asks.

    Raises: `Refused`: a code of `verification/engines/passkeys.py`, `passkey_known` or
    `passkeys_enough`.
    """
    challenge = _take(session, ENROLMENT)
    key, counter = passkeys.enrol(door.read(untrusted), challenge=challenge, origin=door.origin())
    _with(user, key, counter)
    if settings.TULGA_MODES_LIVE:
        session[_NEW] = {**_stated(key), "counter": counter}
        return None
    with transactions.writing():
        person = _with(register.lock(user), key, counter)
        _save(person)
        register.keep(person, by=person.pk)
    return key


def is_waiting(session: SessionBase) -> bool:
    """Whether a new passkey waits for a known one to sign it."""
    return _NEW in session


def signing_options(session: SessionBase, user: User) -> dict[str, Any]:
    """The options for a known passkey over the person with the new one, as JSON.

    Raises: `Refused` (passkey_challenge) if none waits.
    """
    door.ask(session, SIGNATURE, {})
    person = _with(user, *_waiting(session))
    return door.request_options(acts.challenge_of(_shown(person)), tuple(keys_of(user))[:-1])


def sign(session: SessionBase, user: User, untrusted: str) -> Passkey:
    """Puts the waiting passkey on record, with the answer of a known one to `signing_options`.

    Raises: `Refused`: as `prove` and `add`.
    """
    door.take(session, SIGNATURE)
    answer, (key, counter) = door.read(untrusted), _waiting(session)
    del session[_NEW]
    with transactions.writing():
        person = register.lock(user)
        known = keys_of(person)
        seen = _shown(_with(person, key, counter))
        assertion = door.prove(person, known, answer, challenge=acts.challenge_of(seen))
        _save(person)
        approval = approvals.by_people({"own": {"shown": seen, "assertion": assertion}})
        register.keep(person, by=person.pk, approval=approval)
    return key


def accept(
    session: SessionBase, user: User, untrusted: str, *, code: str, password: str
) -> Passkey:
    """The first passkey of an invited person, in an answer to `creation_options`, and their
    password. The invitation is spent.

    Raises: `Refused` (invitation_invalid), or as `add`.
    """
    challenge = _take(session, ENROLMENT)
    key, counter = passkeys.enrol(door.read(untrusted), challenge=challenge, origin=door.origin())
    user.set_password(password)
    with transactions.writing():
        person = register.lock(user)
        if not register.is_invited(person, code):
            raise Refused("invitation_invalid", "it was spent meanwhile")
        person.password, person.invitation, person.invited_until = user.password, "", None
        _with(person, key, counter)
        person.save(update_fields=["password", "invitation", "invited_until", *_COLUMNS])
        approval = approvals.by_people({"own": {"code": code}})
        register.keep(person, by=person.pk, approval=approval)
    user.refresh_from_db()
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


def _with(person: User, key: Passkey, counter: int) -> User:
    """The unsaved person with one more passkey.

    Raises: `Refused` (passkey_known, passkeys_enough).
    """
    if key.id in keys_of(person):
        raise Refused("passkey_known", "this passkey is on record")
    if len(person.passkeys) >= PASSKEYS_MAX:
        raise Refused("passkeys_enough", f"a person has at most {PASSKEYS_MAX} passkeys")
    person.passkeys = [*person.passkeys, _stated(key)]
    person.passkey_counters = {**person.passkey_counters, key.id: counter}
    return person


def _save(person: User) -> None:
    person.save(update_fields=_COLUMNS)


def _stated(key: Passkey) -> dict[str, str]:
    return {"id": key.id, "public_key": key.public_key, "origin": key.origin}


def _waiting(session: SessionBase) -> tuple[Passkey, int]:
    new = session.get(_NEW)
    if new is None:
        raise Refused("passkey_challenge", "no new passkey waits")
    return Passkey(new["id"], new["public_key"], new["origin"]), new["counter"]


def _shown(person: User) -> dict[str, Any]:
    row, after = register.row_of(person), actors.versions(person.pk)
    return approvals.shown_to_person(person.pk, row, after=after)


def _ask(session: SessionBase, purpose: str) -> bytes:
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    door.ask(session, purpose, {_KEPT: challenge.hex()})
    return challenge


def _take(session: SessionBase, purpose: str) -> bytes:
    return bytes.fromhex(door.take(session, purpose)[_KEPT])
