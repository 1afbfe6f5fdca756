"""How our things are spelled in JSON. What is absent is null; times are RFC 3339 in UTC; money is never a float."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.conf import settings

from lenders.models import Delivery, WebhookEndpoint
from verification.workflow.document_files import DocumentView
from verification.workflow.queries import CheckView, EventView, NextAction, Page, VerificationView

Json = dict[str, Any]
Item = TypeVar("Item")


def moment(value: datetime) -> str:
    """A time as `2026-11-24T10:00:00.000Z`."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_or_null(value: datetime | None) -> str | None:
    """A time, or null."""
    return None if value is None else moment(value)


def page(items: Page[Item], spell: Callable[[Item], Json]) -> Json:
    """A slice of a list: `next` goes into `after` for the following one."""
    return {"data": [spell(item) for item in items.data], "has_more": items.has_more, "next": items.next}


def verification(view: VerificationView) -> Json:
    """A verification; its checks only where they were asked for."""
    told: Json = {
        "id": view.id,
        "mode": view.mode,
        "status": view.status,
        "code": view.code or None,
        "last_failure": view.last_failure or None,
        "next_action": None if view.next_action is None else _next_action(view.next_action),
        "combinations": [list(combination) for combination in view.combinations],
        "route": view.route or None,
        "profile": {"id": view.profile_id, "sha256": view.profile_sha256},
        "purpose": view.purpose,
        "client_reference": view.client_reference,
        "locale": view.locale,
        "opened_by": view.opened_by or None,
        "metadata": dict(view.metadata),
        "created_at": moment(view.created_at),
        "expires_at": moment(view.expires_at),
        "finished_at": moment_or_null(view.finished_at),
        "redacted_at": moment_or_null(view.redacted_at),
        "disputed_at": moment_or_null(view.disputed_at),
        "sequence": view.sequence,
        "log_index": view.log_index,
    }
    return told if view.checks is None else told | {"checks": [_check(check) for check in view.checks]}


def document(view: DocumentView) -> Json:
    """A signed document in the list; what only the document itself could say is null once it is erased."""
    return {
        "id": view.id,
        "attempt": view.attempt_id,
        "number": view.number,
        "route": view.route,
        "stage": view.stage,
        "outcome": view.outcome,
        "code": view.code,
        "at": view.at,
        "size": view.size,
        "sha256": view.sha256,
        "commitment": view.commitment,
        "salt": view.salt,
        "erased": view.is_erased,
    }


def link(token: str, expires_at: datetime) -> Json:
    """The borrower's address, shown once. The token stands in the fragment, which no server ever sees."""
    return {"url": f"{settings.TULGA_PUBLIC_URL}/v/#{token}", "link_expires_at": moment(expires_at)}


def event_body(view: EventView) -> Json:
    """What a webhook says of an event: thin, and free of personal data."""
    return {
        "type": view.type,
        "timestamp": moment(view.timestamp),
        "data": {
            "id": view.verification_id,
            "client_reference": view.client_reference or None,
            "status": view.status or None,
            "sequence": view.sequence if view.verification_id else None,
            "mode": view.mode,
        },
    }


def event(view: EventView) -> Json:
    """An event in the list: the webhook's body with its id and its places."""
    places = {"id": view.id, "lender_sequence": view.lender_sequence, "log_index": view.log_index}
    return places | event_body(view)


def endpoint(row: WebhookEndpoint) -> Json:
    """A webhook endpoint, without its secret."""
    return {
        "id": row.pk,
        "mode": row.mode,
        "url": row.url,
        "events": list(row.events),
        "public_key": row.public_key,
        "last_sequence": row.cursor,
        "failing": row.failing,
        "created_at": moment(row.created_at),
        "disabled_at": moment_or_null(row.disabled_at),
        "disabled_reason": row.disabled_reason or None,
        "previous_secret_until": moment_or_null(row.previous_secret_until),
    }


def delivery(row: Delivery) -> Json:
    """A delivery and what the other side said last."""
    said = row.response_status is not None or row.failure != ""
    return {
        "id": row.pk,
        "mode": row.mode,
        "endpoint": row.endpoint_id,
        "event": row.event_id,
        "type": row.type,
        "lender_sequence": row.lender_sequence,
        "redelivery_of": row.redelivery_of_id,
        "status": row.status,
        "tries": row.tries,
        "due_at": moment(row.due_at) if row.status == "pending" else None,
        "created_at": moment(row.created_at),
        "finished_at": moment_or_null(row.finished_at),
        "response": _response(row) if said else None,
    }


def _response(row: Delivery) -> Json:
    return {
        "status": row.response_status,
        "failure": row.failure or None,
        "excerpt": row.response_excerpt,
        "milliseconds": row.response_ms,
    }


def _next_action(action: NextAction) -> Json:
    return {
        "type": action.type,
        "route": action.route or None,
        "stage": action.stage or None,
        "attempts_left": action.attempts_left,
        "expires_at": moment(action.expires_at),
        "code": action.code or None,
    }


def _check(view: CheckView) -> Json:
    return {
        "id": view.id,
        "route": view.route,
        "stage": view.stage,
        "attempt": view.attempt,
        "name": view.name,
        "outcome": view.outcome,
        "code": view.code or None,
        "retryable": view.retryable,
        "score": view.score,
        "threshold": view.threshold,
        "engine": dict(view.engine),
        "borrower_message": view.borrower_message or None,
        "lender_detail": view.lender_detail or None,
        "created_at": moment(view.created_at),
    }
