"""/v1/deliveries: what was sent, what was answered, and sending it once more."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import answer_schemas, answers, idempotency, policy, query_schemas, redelivery, webhook_schemas
from lenders.auth import caller
from lenders.fields import read, read_query
from lenders.idempotency import Answer
from lenders.models import ApiKey, Delivery
from lenders.openapi import IDEMPOTENCY_KEY, problems
from verification.core.errors import BadInput
from verification.workflow.queries import Page

_SCOPES = {"GET": "webhooks:read", "POST": "webhooks:write"}


class Deliveries(APIView):
    """The deliveries of the key's lender and mode."""

    scopes: ClassVar[Mapping[str, str]] = _SCOPES

    @extend_schema(
        operation_id="list_deliveries",
        summary="List deliveries, newest first",
        parameters=[query_schemas.DeliveryQuery],
        responses={200: answer_schemas.DeliveryPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """A page of deliveries."""
        wanted = read_query(query_schemas.DeliveryQuery, request.query_params)
        return Response(answers.page(_page(caller(request), wanted), answers.delivery))


class DeliveryAgain(APIView):
    """Once more, one delivery."""

    scopes: ClassVar[Mapping[str, str]] = _SCOPES

    @extend_schema(
        operation_id="redeliver",
        summary="Deliver an event once more",
        description="A fresh delivery of the same event, with the same `webhook-id` and body.",
        parameters=[IDEMPOTENCY_KEY],
        request=webhook_schemas.NothingRequest,
        responses={202: answer_schemas.DeliveryAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    def post(self, request: Request, delivery_id: str) -> Response:
        """The fresh delivery."""
        return idempotency.once(request, partial(_again, caller(request), request.data, delivery_id))


class DeliveriesAgain(APIView):
    """Once more, a range of time."""

    scopes: ClassVar[Mapping[str, str]] = _SCOPES

    @extend_schema(
        operation_id="redeliver_range",
        summary="Deliver the events of a range of time once more",
        parameters=[IDEMPOTENCY_KEY],
        request=webhook_schemas.RangeRequest,
        responses={202: answer_schemas.RedeliveredAnswer, **problems(400, 401, 403, 409, 413, 415, 422, 429)},
    )
    def post(self, request: Request) -> Response:
        """How many."""
        return idempotency.once(request, partial(_again_between, caller(request), request.data))


def _page(key: ApiKey, wanted: dict[str, Any]) -> Page[Delivery]:
    rows = _filtered(redelivery.of_lender(key.lender, mode=key.mode), wanted)
    limit = wanted.get("limit", policy.PAGE_DEFAULT)
    found = list(rows.order_by("-created_at", "-pk")[: limit + 1])
    has_more = len(found) > limit
    return Page(tuple(found[:limit]), has_more, found[limit - 1].pk if has_more else None)


def _filtered(rows: QuerySet[Delivery], wanted: dict[str, Any]) -> QuerySet[Delivery]:
    for name, column in (("endpoint", "endpoint_id"), ("event", "event_id"), ("status", "status")):
        if name in wanted:
            rows = rows.filter(**{column: wanted[name]})
    if "after" not in wanted:
        return rows
    last = rows.filter(pk=wanted["after"]).first()
    if last is None:
        raise BadInput("`after` is no delivery of this list", code="cursor_unknown", pointer="?after")
    return rows.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk))


def _again(key: ApiKey, untrusted: Any, delivery_id: str) -> Answer:
    read(webhook_schemas.NothingRequest, untrusted)
    return Answer(202, answers.delivery(redelivery.again(key.lender, mode=key.mode, delivery_id=delivery_id)))


def _again_between(key: ApiKey, untrusted: Any) -> Answer:
    values = read(webhook_schemas.RangeRequest, untrusted)
    number, has_more = redelivery.again_between(
        key.lender, mode=key.mode, start=values["from"], end=values["to"], endpoint_id=values.get("endpoint")
    )
    return Answer(202, {"redelivered": number, "has_more": has_more})
