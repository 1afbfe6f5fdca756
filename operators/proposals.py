"""A change of a person, a lender or a key: an operator proposes it, another confirms it.

1. A form makes a draft, which changes nothing.
2. Its writer gives the reason, and answers with a passkey to what the page shows.
3. Another operator sees the same, and answers too. Then the row changes, and the logs state it with
   both answers.

While live mode is off, one operator may do both, by the code of an app without a passkey.
The log judges the answers again: `verification/log/approvals.py`.
"""

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models

from lenders import keys as api_keys
from lenders import register as lenders_register
from lenders.models import ApiKey, Lender
from operators.models import Proposal
from operators.policy import PROPOSAL_DAYS
from people import enrolment, passkeys
from people import register as people_register
from people.models import Role, User
from verification import clock, transactions
from verification.access import acting
from verification.access import passkeys as door
from verification.core.errors import EvidenceUnreadable, Refused
from verification.core.events import API_KEY, LENDER, PERSON
from verification.core.ids import secret_digest
from verification.evidence import vault
from verification.fields import columns_of
from verification.log import actors, acts, approvals
from verification.log.damaged import UNREADABLE
from verification.review.signing import SALT_BYTES, Signed

MODELS: Final[dict[str, Any]] = {PERSON: User, LENDER: Lender, API_KEY: ApiKey}
INVITATION: Final = "invitation"
_ABSENT: Final = object()
_UNSHOWN: Final = {
    *("id", "salt", "password", "passkey_counters", INVITATION, "last_login"),
    *("sha256", "shown", "revoked_at", "last_used_at", "created_at"),
}
"""Columns that tell an operator nothing."""


@dataclass(frozen=True, repr=False)
class Confirmed:
    """A change that was made. secret: of a new key, shown once."""

    proposal: Proposal
    secret: str = field(default="")


def draft(row: models.Model, names: Collection[str], *, by: User) -> Proposal:
    """A draft of the new values of a row's fields, by name; the row itself is not saved.

    Raises: `Refused` (proposal_empty) if none differs from the stored row.
    """
    before = type(row)._default_manager.filter(pk=row.pk).first()
    values = _values_of(row, names)
    earlier = _values_of(before, names) if before is not None else {}
    changes = {name: value for name, value in values.items() if earlier.get(name, _ABSENT) != value}
    if not changes:
        raise Refused("proposal_empty", "every value is as before")
    return _draft(row, changes, by=by)


def _draft(row: models.Model, changes: Mapping[str, Any], *, by: User) -> Proposal:
    return Proposal.objects.create(
        type=next(name for name, model in MODELS.items() if isinstance(row, model)),
        actor=row.pk,
        changes=changes,
        reason_salt=secrets.token_bytes(SALT_BYTES),
        drafted_by=by,
        created_at=clock.now(),
    )


def draft_invitation(person: User, names: Collection[str], *, by: User) -> Proposal:
    """A draft by which a person, new or known, gets an invitation in place of all factors.

    It names the factors even where they are empty now: the person may get some meanwhile.
    """
    code = enrolment.invite(person)
    named = {*names, "passkeys", "passkey_counters", "password", INVITATION, "invited_until"}
    proposal = _draft(person, _values_of(person, named), by=by)
    proposal.sealed_code = vault.seal(scope_of(proposal), code.encode())
    proposal.save(update_fields=["sealed_code"])
    return proposal


def shown(proposal: Proposal, *, reason: str) -> dict[str, Any]:
    """What both operators see and sign.

    Raises: `Refused` (proposal_changed) if its actor is gone or not as the logs state, or if its
    row cannot be read.
    """
    candidate = _candidate(proposal)
    mark = approvals.reason_mark(reason, bytes(proposal.reason_salt))
    after = actors.versions(proposal.actor, logs=_logs(candidate))
    try:
        return approvals.shown(
            proposal.type, proposal.actor, _row_of(candidate), after=after, reason=mark
        )
    except UNREADABLE as error:
        raise Refused("proposal_changed", "a new value cannot be read") from error


def fingerprint(proposal: Proposal) -> str:
    """The SHA-256 of what a page shows of a proposal, in hex.

    The page posts it when it asks for the challenge: SQL may have changed the row since.
    """
    content = [proposal.pk, proposal.type, proposal.actor, proposal.reason, proposal.changes]
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def preview(proposal: Proposal, *, reason: str) -> dict[str, Any]:
    """`shown`, for a page that asks before the act."""
    with transactions.writing():
        return shown(proposal, reason=reason)


def is_new(proposal: Proposal) -> bool:
    """Whether its actor does not exist yet."""
    return _stored(proposal) is None


def propose(proposal_id: str, *, by: User, reason: str, signed: Signed | None) -> str:
    """Puts the first operator's answer on a draft, and gives the code of its invitation, if any,
    which is shown once.

    Raises: `Refused`.
    """
    reason = acting.reason_of(reason)
    with transactions.writing():
        proposal = _open(proposal_id)
        if proposal.proposed or proposal.drafted_by_id != by.pk:
            raise Refused("proposal_ended", "it was proposed, or is another person's draft")
        if needs_other(proposal, by=by):
            raise Refused("proposal_of_two", "other operators propose and confirm it")
        _lock_people(proposal, by=by)
        seen = shown(proposal, reason=reason)
        proposal.proposed = _answer(by, seen, approvals.PROPOSE, signed) | {"shown": seen}
        proposal.reason = reason
        code, proposal.sealed_code = _code(proposal), b""
        proposal.save(update_fields=["proposed", "reason", "sealed_code"])
        return code


def confirm(proposal_id: str, *, by: User, signed: Signed | None) -> Confirmed:
    """Makes the change with the second operator's answer, and states it in the logs.

    Raises: `Refused`.
    """
    with transactions.writing():
        proposal = _open(proposal_id)
        if not proposal.proposed:
            raise Refused("proposal_ended", "it is a draft")
        if needs_other(proposal, by=by):
            raise Refused("proposal_of_two", "another operator confirms it")
        _lock_people(proposal, by=by)
        seen = shown(proposal, reason=proposal.reason)
        if seen != proposal.proposed["shown"]:
            raise Refused("proposal_changed", "its actor has changed since")
        approval = {
            "shown": seen,
            "proposed": {key: value for key, value in proposal.proposed.items() if key != "shown"},
            "confirmed": _answer(by, seen, approvals.CONFIRM, signed),
        }
        secret = _apply(proposal, by=by, approval=approval)
        _end(proposal, Proposal.CONFIRMED, by=by)
        return Confirmed(proposal, secret)


def needs_other(proposal: Proposal, *, by: User) -> bool:
    """Whether live mode asks for another operator: this one proposed it, or is its actor."""
    return settings.TULGA_MODES_LIVE and by.pk in (proposal.proposed.get("person"), proposal.actor)


def withdraw(proposal_id: str, *, by: User) -> Proposal:
    """Ends a proposal without a change. Any operator may.

    Raises: `Refused`.
    """
    with transactions.writing():
        proposal = _open(proposal_id)
        _end(proposal, Proposal.WITHDRAWN, by=by)
        return proposal


def is_open(proposal: Proposal) -> bool:
    """Whether it can be proposed or confirmed."""
    is_young = clock.now() - proposal.created_at < timedelta(days=PROPOSAL_DAYS)
    return not proposal.outcome and is_young


def differences(proposal: Proposal) -> list[tuple[str, Any, Any]]:
    """What it changes: the name of each field, its value now, and its value then.

    Raises: `Refused` (proposal_changed) if its row cannot be read.
    """
    row = _stored(proposal)
    return [
        (column.name, getattr(row, column.attname, None), value)
        for column, value in _values(proposal)
        if column.name not in _UNSHOWN
    ]


def known_as(proposal: Proposal) -> str:
    """How people call its actor now: an address or a name; empty for a new one."""
    row = _stored(proposal)
    return str(getattr(row, "email", None) or getattr(row, "name", ""))


def _values(proposal: Proposal) -> list[tuple[Any, Any]]:
    """The columns that it changes, with their new values.

    Raises: `Refused` (proposal_changed).
    """
    field_of = MODELS[proposal.type]._meta.get_field
    try:
        columns = [(field_of(name), value) for name, value in proposal.changes.items()]
        return [(column, column.to_python(value)) for column, value in columns]
    except (FieldDoesNotExist, ValidationError, *UNREADABLE) as error:
        raise Refused("proposal_changed", "a new value cannot be read") from error


def _code(proposal: Proposal) -> str:
    """The code of the invitation that a draft makes; empty without one.

    Raises: `Refused` (proposal_changed) if it is not the code whose hash the operators sign. Then
    another may know that one's.
    """
    sealed, hashed = bytes(proposal.sealed_code), proposal.changes.get(INVITATION)
    if not sealed and hashed is None:
        return ""
    try:
        code = vault.unseal(scope_of(proposal), sealed).decode()
    except EvidenceUnreadable as error:
        raise Refused("proposal_changed", "its code cannot be read") from error
    if secret_digest(code).hex() != hashed:
        raise Refused("proposal_changed", "its code is of another invitation")
    return code


def _values_of(row: models.Model, names: Collection[str]) -> dict[str, Any]:
    columns = [column for column in row._meta.concrete_fields if column.name in names]
    return {column.name: _value_of(row, column) for column in columns}


def _value_of(row: models.Model, column: Any) -> Any:
    if isinstance(column, models.BinaryField):
        return column.value_to_string(row)
    return getattr(row, column.attname)


def _open(proposal_id: str) -> Proposal:
    proposal = Proposal.objects.select_for_update().filter(pk=proposal_id).first()
    if proposal is None or not is_open(proposal):
        raise Refused("proposal_ended", "it ended, or is too old")
    return proposal


def _lock_people(proposal: Proposal, *, by: User) -> None:
    """Locks the operator and the actor, if a person, before any other row.

    In the order of their ids: two operators who change each other's rows do not block each other.
    """
    people = User.objects.select_for_update().filter(pk__in=(by.pk, proposal.actor))
    list(people.order_by("pk"))


def _end(proposal: Proposal, outcome: str, *, by: User) -> None:
    proposal.outcome, proposal.ended_by, proposal.ended_at = outcome, by, clock.now()
    proposal.sealed_code = b""
    proposal.save(update_fields=["outcome", "ended_by", "ended_at", "sealed_code"])


def _stored(proposal: Proposal) -> Any:
    return MODELS[proposal.type]._default_manager.filter(pk=proposal.actor).first()


def _candidate(proposal: Proposal) -> Any:
    """The row as it will be, locked, not saved.

    Raises: `Refused` (proposal_changed).
    """
    model = MODELS[proposal.type]
    row = model._default_manager.select_for_update().filter(pk=proposal.actor).first()
    is_known = any(actors.versions(proposal.actor).values())
    if row is None and is_known:
        raise Refused("proposal_changed", "its row is not there any more")
    if row is not None:
        try:
            actors.require_as_stated(row.pk, _row_of(row), logs=_logs(row))
        except EvidenceUnreadable as error:
            raise Refused("proposal_changed", error.detail) from error
    candidate = row or model(pk=proposal.actor)
    for column, value in _values(proposal):
        setattr(candidate, column.attname, value)
    return candidate


def _row_of(row: models.Model) -> Mapping[str, Any]:
    """The row as the logs state it. An invited person has no app."""
    if not isinstance(row, User):
        return columns_of(row)
    return columns_of(row) | {"sealed_key": b""} if row.invitation else people_register.row_of(row)


def _logs(row: Any) -> tuple[str, ...]:
    """The logs of an actor that is not in all that are ordered."""
    return (row.mode,) if isinstance(row, ApiKey) else ()


def _answer(
    operator: User, seen: Mapping[str, Any], part: str, signed: Signed | None
) -> dict[str, Any]:
    """What an approval holds of an operator, whose row is locked meanwhile.

    Raises: `Refused`.
    """
    try:
        person = people_register.lock(operator)
    except EvidenceUnreadable as error:
        raise Refused("approval_invalid", error.detail) from error
    if not person.is_active or person.role != Role.OPERATOR:
        raise Refused("approval_invalid", "this person is no operator")
    if signed is None:
        if settings.TULGA_MODES_LIVE or person.passkeys:
            raise Refused("passkey_missing", "an approval counts by a passkey")
        return {"person": person.pk, "factor": acts.CODE}
    challenge = approvals.challenge_of(seen, part)
    keys = passkeys.keys_of(person)
    assertion = door.prove(person, keys, signed.answer, challenge=challenge)
    return {"person": person.pk, "assertion": assertion}


def _apply(proposal: Proposal, *, by: User, approval: Mapping[str, Any]) -> str:
    """Saves and states the change; gives the secret of a new key."""
    candidate, given = _candidate(proposal), approvals.by_people(approval)
    if isinstance(candidate, ApiKey):
        return api_keys.put_secret(candidate, by=by.pk, approval=given)
    try:
        candidate.full_clean()
    except ValidationError as error:
        raise Refused("proposal_changed", " ".join(error.messages)) from error
    if INVITATION in proposal.changes:
        enrolment.save_invited(candidate)
    else:
        candidate.save()
    if isinstance(candidate, Lender):
        lenders_register.keep_lender(candidate, by=by.pk, approval=given)
    else:
        people_register.keep(candidate, by=by.pk, approval=given)
    return ""


def scope_of(proposal: Proposal) -> str:
    return f"invitation:{proposal.pk}:{proposal.actor}"
