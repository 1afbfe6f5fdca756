"""/v1/deliveries: what was sent, what was answered, and sending it once more."""

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import answers, idempotency, redelivery, schemas
from lenders.keys import caller
from lenders.openapi import IDEMPOTENCY_KEY, parameters_of, problems
from lenders.requests import read, read_query
from verification.case.contents import Page
from verification.core.errors import BadInput

_SCOPES = {"GET": "webhooks:read", "POST": "webhooks:write"}


class Deliveries(APIView):
    """The deliveries of the key's lender and mode."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="list_deliveries",
        summary="List deliveries, newest first",
        parameters=parameters_of(schemas.DeliveryQuery),
        responses={200: answers.DeliveryPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """What was sent in the last 30 days, or is to be, and what your server answered."""
        wanted = read_query(schemas.DeliveryQuery, request.query_params)
        rows = redelivery.of_lender(caller(request).lender, mode=caller(request).mode)
        chosen = {"endpoint_id": wanted.endpoint, "event_id": wanted.event, "status": wanted.status}
        rows = rows.filter(
            **{column: value for column, value in chosen.items() if value is not None}
        )
        if wanted.after is not None:
            last = rows.filter(pk=wanted.after).first()
            if last is None:
                raise BadInput(
                    "`after` is no delivery of this list", code="cursor_unknown", pointer="?after"
                )
            rows = rows.filter(
                Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk)
            )
        # One more than asked for tells whether there is another page.
        found = list(rows.order_by("-created_at", "-pk")[: wanted.limit + 1])
        has_more = len(found) > wanted.limit
        page = Page(
            tuple(found[: wanted.limit]), has_more, found[wanted.limit - 1].pk if has_more else None
        )
        return Response(answers.DeliveryPage(page).data)


class DeliveryAgain(APIView):
    """Once more, one delivery."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="redeliver",
        summary="Deliver an event once more",
        description="A fresh delivery of the same event, with the same `webhook-id` and body.",
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.NothingRequest,
        responses={202: answers.DeliveryAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request, delivery_id: str) -> Response:
        """The fresh delivery."""
        key = caller(request)
        read(schemas.NothingRequest, request.data)
        fresh = redelivery.again(key.lender, mode=key.mode, delivery_id=delivery_id)
        return Response(answers.DeliveryAnswer(fresh).data, status=202)


class DeliveriesAgain(APIView):
    """Once more, a range of time."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="redeliver_range",
        summary="Deliver the events of a range of time once more",
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.RangeRequest,
        responses={202: answers.RedeliveredAnswer, **problems(400, 401, 403, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request) -> Response:
        """How many were made anew, one an endpoint and event: of events that still wait to be sent
        none is.
        """
        key = caller(request)
        wanted = read(schemas.RangeRequest, request.data)
        number, has_more = redelivery.again_between(
            key.lender,
            mode=key.mode,
            start=wanted.start,
            end=wanted.end,
            endpoint_id=wanted.endpoint,
        )
        return Response({"redelivered": number, "has_more": has_more}, status=202)
