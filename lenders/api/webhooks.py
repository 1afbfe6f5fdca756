"""/v1/webhook-endpoints and /v1/deliveries: the lender's addresses for events, and the messages
sent there.
"""

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import deliveries, endpoints, idempotency, requests
from lenders.answers import Moment, Word, page
from lenders.keys import caller
from lenders.models import WebhookEndpoint
from lenders.openapi import IDEMPOTENCY_KEY, parameters_of, problems
from lenders.requests import read, read_query
from verification.core.errors import BadInput

_SCOPES = {
    "GET": "webhooks:read",
    "POST": "webhooks:write",
    "PATCH": "webhooks:write",
    "DELETE": "webhooks:write",
}


class EndpointAnswer(serializers.Serializer[Any]):
    """An address for events."""

    id = serializers.CharField(help_text="`whe_…`")
    mode = serializers.ChoiceField(choices=("test", "live"))
    url = serializers.URLField()
    version = serializers.CharField(help_text="Of the API, by which its messages are spelled.")
    events = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    public_key = serializers.CharField(help_text="`whpk_…`: checks the `v1a` signatures (Ed25519).")
    last_sequence = serializers.IntegerField(
        source="cursor", help_text="`lender_sequence` of the last event made into a delivery."
    )
    failing = serializers.BooleanField(help_text="The last answer was no success.")
    paused_until = Moment(
        allow_null=True, help_text="Nothing is sent before: it failed again and again, or asked so."
    )
    created_at = Moment()
    disabled_at = Moment(allow_null=True)
    disabled_reason = Word(allow_null=True, help_text="gone, exhausted or by_lender.")
    previous_secret_until = Moment(allow_null=True)


class EndpointSecretAnswer(EndpointAnswer):
    """An endpoint with its secret, which appears only here."""

    secret = serializers.CharField(help_text="`whsec_…`: checks the `v1` signatures (HMAC-SHA256).")


class EndpointPage(serializers.Serializer[Any]):
    """All endpoints of the key's mode."""

    # a field of this name hides the serializer's own `data`
    data = EndpointAnswer(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class ResponseAnswer(serializers.Serializer[Any]):
    """The endpoint's last answer."""

    status = serializers.IntegerField(source="response_status", allow_null=True)
    failure = Word(allow_null=True, help_text="Why there is no status, in a word.")
    excerpt = serializers.CharField(source="response_excerpt", allow_blank=True)
    milliseconds = serializers.IntegerField(source="response_ms", allow_null=True)


class DeliveryAnswer(serializers.Serializer[Any]):
    """One message to one endpoint."""

    id = serializers.CharField(help_text="`dlv_…`")
    mode = serializers.ChoiceField(choices=("test", "live"))
    endpoint = serializers.CharField(source="endpoint_id")
    event = serializers.CharField(source="event_id")
    type = serializers.CharField()
    lender_sequence = serializers.IntegerField(allow_null=True)
    redelivery_of = Word(allow_null=True)
    status = serializers.ChoiceField(choices=("pending", "delivered", "exhausted", "canceled"))
    tries = serializers.IntegerField()
    due_at = Moment(source="next_try_at", allow_null=True)
    created_at = Moment()
    finished_at = Moment(allow_null=True)
    response = ResponseAnswer(source="last_response", allow_null=True)


class DeliveryPage(serializers.Serializer[Any]):
    """A slice of the deliveries, newest first."""

    # a field of this name hides the serializer's own `data`
    data = DeliveryAnswer(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class RedeliveredAnswer(serializers.Serializer[Any]):
    """How many deliveries were made again."""

    redelivered = serializers.IntegerField()
    has_more = serializers.BooleanField(
        help_text="The range holds more than may wait at once: go on later."
    )


class WebhookEndpoints(APIView):
    """All endpoints of the key's lender and mode."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="list_webhook_endpoints",
        summary="List webhook endpoints",
        responses={200: EndpointPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """All of them: there are few."""
        read_query(requests.NoQuery, request.query_params)
        rows = endpoints.of_lender(caller(request).lender, mode=caller(request).mode)
        return Response(EndpointPage(page(rows, None)).data)

    @extend_schema(
        operation_id="create_webhook_endpoint",
        summary="Create a webhook endpoint",
        parameters=[IDEMPOTENCY_KEY],
        request=requests.EndpointRequest,
        responses={
            201: EndpointSecretAnswer,
            **problems(400, 401, 403, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request) -> Response:
        """The endpoint with its secret, which is shown once: keep it."""
        key = caller(request)
        body = read(requests.EndpointRequest, request.data)
        endpoint, secret = endpoints.create(
            key.lender, mode=key.mode, url=body.url, events=body.events, by=key.pk
        )
        return Response(EndpointAnswer(endpoint).data | {"secret": secret}, status=201)


class WebhookEndpointDetail(APIView):
    """One endpoint."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_webhook_endpoint",
        summary="Read a webhook endpoint",
        responses={200: EndpointAnswer, **problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Request, endpoint_id: str) -> Response:
        """The endpoint, without its secret."""
        read_query(requests.NoQuery, request.query_params)
        return Response(EndpointAnswer(_endpoint(request, endpoint_id)).data)

    @extend_schema(
        operation_id="change_webhook_endpoint",
        summary="Change, disable or enable a webhook endpoint",
        request=requests.EndpointChange,
        responses={200: EndpointAnswer, **problems(400, 401, 403, 404, 415, 422, 429)},
    )
    def patch(self, request: Request, endpoint_id: str) -> Response:
        """The endpoint after the change; absent fields stay."""
        endpoint = _endpoint(request, endpoint_id)
        body = read(requests.EndpointChange, request.data)
        endpoints.change(
            endpoint, url=body.url, events=body.events, enabled=body.enabled, by=caller(request).pk
        )
        return Response(EndpointAnswer(endpoint).data)

    @extend_schema(
        operation_id="delete_webhook_endpoint",
        summary="Delete a webhook endpoint",
        responses={204: None, **problems(401, 403, 404, 422, 429)},
    )
    def delete(self, request: Request, endpoint_id: str) -> Response:
        """Nothing: it gets no more messages, including waiting ones. Its deliveries stay listed."""
        endpoints.delete(_endpoint(request, endpoint_id), by=caller(request).pk)
        return Response(status=204)


class WebhookEndpointTest(APIView):
    """Trying an endpoint out."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="test_webhook_endpoint",
        summary="Send a test message to an endpoint",
        description=(
            "A signed message of the type `endpoint.test`. Read the delivery to see what your"
            " server said."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=requests.NothingRequest,
        responses={202: DeliveryAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request, endpoint_id: str) -> Response:
        """The delivery in progress."""
        read(requests.NothingRequest, request.data)
        return Response(
            DeliveryAnswer(deliveries.send_test(_endpoint(request, endpoint_id))).data, status=202
        )


class WebhookEndpointSecret(APIView):
    """Rotating a secret."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="rotate_webhook_secret",
        summary="Rotate the secret of an endpoint",
        description=(
            "For a day messages carry two `v1` signatures: one by the new secret, one by the one"
            " before."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=requests.NothingRequest,
        responses={
            200: EndpointSecretAnswer,
            **problems(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request, endpoint_id: str) -> Response:
        """The endpoint with its new secret."""
        read(requests.NothingRequest, request.data)
        endpoint = _endpoint(request, endpoint_id)
        secret = endpoints.rotate_secret(endpoint, by=caller(request).pk)
        return Response(EndpointAnswer(endpoint).data | {"secret": secret})


def _endpoint(request: Request, endpoint_id: str) -> WebhookEndpoint:
    key = caller(request)
    return endpoints.get(key.lender, mode=key.mode, endpoint_id=endpoint_id)


class Deliveries(APIView):
    """The deliveries of the key's lender and mode."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="list_deliveries",
        summary="List deliveries, newest first",
        parameters=parameters_of(requests.DeliveryQuery),
        responses={200: DeliveryPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """Messages of the last 30 days, sent or waiting, and your server's answers."""
        query = read_query(requests.DeliveryQuery, request.query_params)
        rows = deliveries.of_lender(caller(request).lender, mode=caller(request).mode)
        chosen = {"endpoint_id": query.endpoint, "event_id": query.event, "status": query.status}
        rows = rows.filter(
            **{column: value for column, value in chosen.items() if value is not None}
        )
        if query.after is not None:
            last = rows.filter(pk=query.after).first()
            if last is None:
                raise BadInput(
                    "`after` is no delivery of this list", code="cursor_unknown", pointer="?after"
                )
            rows = rows.filter(
                Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk)
            )
        # One more than requested tells whether there is another page.
        listed = list(rows.order_by("-created_at", "-pk")[: query.limit + 1])
        following = listed[query.limit - 1].pk if len(listed) > query.limit else None
        return Response(DeliveryPage(page(listed[: query.limit], following)).data)


class DeliveryAgain(APIView):
    """Once more, one delivery."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="redeliver",
        summary="Deliver an event once more",
        description="A fresh delivery of the same event, with the same `webhook-id` and body.",
        parameters=[IDEMPOTENCY_KEY],
        request=requests.NothingRequest,
        responses={202: DeliveryAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request, delivery_id: str) -> Response:
        """The fresh delivery."""
        key = caller(request)
        read(requests.NothingRequest, request.data)
        fresh = deliveries.redeliver(key.lender, mode=key.mode, delivery_id=delivery_id)
        return Response(DeliveryAnswer(fresh).data, status=202)


class DeliveriesAgain(APIView):
    """Once more, a range of time."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="redeliver_range",
        summary="Deliver the events of a range of time once more",
        parameters=[IDEMPOTENCY_KEY],
        request=requests.RangeRequest,
        responses={202: RedeliveredAnswer, **problems(400, 401, 403, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request) -> Response:
        """How many were made again, one per endpoint and event; events still waiting are
        skipped.
        """
        key = caller(request)
        body = read(requests.RangeRequest, request.data)
        number, has_more = deliveries.redeliver_range(
            key.lender,
            mode=key.mode,
            start=body.start,
            end=body.end,
            endpoint_id=body.endpoint,
        )
        return Response({"redelivered": number, "has_more": has_more}, status=202)
