"""/v1/webhook-endpoints: where the lender is told; trying one out, rotating its secret."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import answers, endpoints, idempotency, redelivery, schemas
from lenders.keys import caller
from lenders.models import ApiKey
from lenders.openapi import IDEMPOTENCY_KEY, problems
from lenders.requests import read, read_query

_SCOPES = {
    "GET": "webhooks:read",
    "POST": "webhooks:write",
    "PATCH": "webhooks:write",
    "DELETE": "webhooks:write",
}


class WebhookEndpoints(APIView):
    """All endpoints of the key's lender and mode."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="list_webhook_endpoints",
        summary="List webhook endpoints",
        responses={200: answers.EndpointPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """All of them: there are few."""
        read_query(schemas.NoQuery, request.query_params)
        rows = endpoints.of_lender(caller(request).lender, mode=caller(request).mode)
        return Response(answers.EndpointPage({"data": rows, "has_more": False, "next": None}).data)

    @extend_schema(
        operation_id="create_webhook_endpoint",
        summary="Create a webhook endpoint",
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.EndpointRequest,
        responses={
            201: answers.EndpointSecretAnswer,
            **problems(400, 401, 403, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request) -> Response:
        """The endpoint with its secret, which is told once: keep it."""
        key = caller(request)
        wanted = read(schemas.EndpointRequest, request.data)
        endpoint, secret = endpoints.create(
            key.lender, mode=key.mode, url=wanted.url, events=wanted.events
        )
        return Response(answers.EndpointAnswer(endpoint).data | {"secret": secret}, status=201)


class WebhookEndpointDetail(APIView):
    """One endpoint."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_webhook_endpoint",
        summary="Read a webhook endpoint",
        responses={200: answers.EndpointAnswer, **problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Request, endpoint_id: str) -> Response:
        """The endpoint, without its secret."""
        read_query(schemas.NoQuery, request.query_params)
        return Response(answers.EndpointAnswer(_own(caller(request), endpoint_id)).data)

    @extend_schema(
        operation_id="change_webhook_endpoint",
        summary="Change, disable or enable a webhook endpoint",
        request=schemas.EndpointChange,
        responses={200: answers.EndpointAnswer, **problems(400, 401, 403, 404, 415, 422, 429)},
    )
    def patch(self, request: Request, endpoint_id: str) -> Response:
        """The endpoint as it is now; what is left out of the request stays."""
        endpoint = _own(caller(request), endpoint_id)
        wanted = read(schemas.EndpointChange, request.data)
        endpoints.change(endpoint, url=wanted.url, events=wanted.events, enabled=wanted.enabled)
        return Response(answers.EndpointAnswer(endpoint).data)

    @extend_schema(
        operation_id="delete_webhook_endpoint",
        summary="Delete a webhook endpoint",
        responses={204: None, **problems(401, 403, 404, 422, 429)},
    )
    def delete(self, request: Request, endpoint_id: str) -> Response:
        """Nothing: it is sent nothing any more, also of what waited. Its deliveries stay listed."""
        endpoints.delete(_own(caller(request), endpoint_id))
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
        request=schemas.NothingRequest,
        responses={202: answers.DeliveryAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request, endpoint_id: str) -> Response:
        """The delivery that is on its way."""
        key = caller(request)
        read(schemas.NothingRequest, request.data)
        return Response(
            answers.DeliveryAnswer(redelivery.try_out(_own(key, endpoint_id))).data, status=202
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
        request=schemas.NothingRequest,
        responses={
            200: answers.EndpointSecretAnswer,
            **problems(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request, endpoint_id: str) -> Response:
        """The endpoint with its new secret."""
        key = caller(request)
        read(schemas.NothingRequest, request.data)
        endpoint = _own(key, endpoint_id)
        secret = endpoints.rotate_secret(endpoint)
        return Response(answers.EndpointAnswer(endpoint).data | {"secret": secret})


def _own(key: ApiKey, endpoint_id: str) -> Any:
    return endpoints.get(key.lender, mode=key.mode, endpoint_id=endpoint_id)
