"""Lenders, their keys and endpoints on record: each change is stated in the logs, with the row."""

from collections.abc import Collection
from typing import Any

from lenders.models import ApiKey, Lender, WebhookEndpoint
from verification.core.errors import EvidenceUnreadable
from verification.core.events import API_KEY, ENDPOINT, LENDER
from verification.fields import columns_of
from verification.log import actors
from verification.log.approvals import Approval


def keep_lender(lender: Lender, *, by: str = "", approval: Approval | None = None) -> None:
    """States a saved lender, inside the transaction that saved it.

    by: the id of the operator who acts; empty for a command.

    Raises: `Refused` (approval_invalid).
    """
    row = columns_of(lender)
    actors.state(LENDER, lender.pk, row, by=by, lender=lender.pk, approval=approval)


def keep_key(key: ApiKey, *, by: str = "", approval: Approval | None = None) -> None:
    """States a saved key in its log. Raises: `Refused` (approval_invalid)."""
    row, logs = columns_of(key), [key.mode]
    lender = key.lender_id
    actors.state(API_KEY, key.pk, row, logs=logs, by=by, lender=lender, approval=approval)


def keep_endpoint(endpoint: WebhookEndpoint, *, by: str = "") -> None:
    """States a saved endpoint in its log; by: the id of the key that asked."""
    row, lender_id = columns_of(endpoint), endpoint.lender_id
    actors.state(ENDPOINT, endpoint.pk, row, logs=[endpoint.mode], by=by, lender=lender_id)


def lock(row: Lender | ApiKey | WebhookEndpoint) -> None:
    """Locks a row before a change of it, in the caller's transaction.

    Raises: `EvidenceUnreadable` if it is not as its logs state: the change would sign the rest.
    """
    locked = type(row)._default_manager.select_for_update().get(pk=row.pk)
    logs = () if isinstance(locked, Lender) else (locked.mode,)
    actors.require_as_stated(locked.pk, columns_of(locked), logs=logs)


def is_on_record(key: ApiKey) -> bool:
    """Whether the log states this key, and its row and its lender's are as stated.

    Raises: `EvidenceUnreadable` if a row differs from its statement: then it admits no request.
    """
    by_id = actors.read(key.mode, [key.pk, key.lender_id])
    if key.pk not in by_id:
        return False
    for row in (key, key.lender):
        if not actors.is_as_stated(columns_of(row), by_id.get(row.pk)):
            raise EvidenceUnreadable(f"the row of {row.pk} is not what the log states")
    return True


def as_stated(endpoints: Collection[WebhookEndpoint]) -> set[str]:
    """The ids of these endpoints whose rows are as the log states."""
    by_mode: dict[str, dict[str, dict[str, Any]]] = {}
    for endpoint in endpoints:
        by_mode.setdefault(endpoint.mode, {})[endpoint.pk] = columns_of(endpoint)
    return {pk for mode, rows in by_mode.items() for pk in actors.as_stated(mode, rows)}
