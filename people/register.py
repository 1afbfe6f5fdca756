"""People on record: each change of a person is stated in the logs, with the row."""

import logging
from typing import Any

from people.models import SecondFactor, User
from verification import clock
from verification.core.events import PERSON
from verification.fields import columns_of
from verification.log import actors, approvals, keys
from verification.log.approvals import Approval

_log = logging.getLogger(__name__)


def keep(user: User, *, by: str = "", approval: Approval | None = None) -> None:
    """States a saved person, inside the transaction that saved them.

    by: the id of the operator who acts; empty for a command.

    Raises: `Refused` (approval_invalid).
    """
    actors.state(PERSON, user.pk, row_of(user), by=by, lender=user.lender_id, approval=approval)


def lock(user: User) -> User:
    """A person's row, locked before a change of it in the caller's transaction.

    Raises: `EvidenceUnreadable` if it is not as the logs state: the change would sign the rest.
    """
    locked = User.objects.select_for_update().get(pk=user.pk)
    actors.require_as_stated(locked.pk, row_of(locked))
    return locked


def is_on_record(user: User) -> bool:
    """Whether every ordered log states the person as their row does. A difference is logged."""
    row = row_of(user)
    for log in keys.ordered_logs():
        if not actors.is_as_stated(row, actors.read(log, [user.pk]).get(user.pk)):
            _log.error("%s is not as the %s log states", user.pk, log)
            return False
    return True


def is_invited(user: User, code: str) -> bool:
    """Whether this is the code of an active person's invitation, in time."""
    invitation, until = user.invitation, user.invited_until
    return user.is_active and approvals.is_invited(invitation, until, code, at=clock.now())


def row_of(user: User) -> dict[str, Any]:
    """The person by column, with the sealed key of their app."""
    factor = SecondFactor.objects.filter(user=user).order_by("pk").first()
    return columns_of(user) | {"sealed_key": bytes(factor.sealed_key) if factor else b""}
