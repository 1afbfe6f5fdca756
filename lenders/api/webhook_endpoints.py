"""/v1/webhook-endpoints: where the lender is told; trying one out, rotating its secret."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import answer_schemas, answers, endpoints, idempotency, query_schemas, redelivery, webhook_schemas
from lenders.auth import caller
from lenders.fields import read, read_query
from lenders.idempotency import Answer
from lenders.models import ApiKey
from lenders.openapi import IDEMPOTENCY_KEY, problems

_SCOPES = {
    "GET": "webhooks:read",
    "POST": "webhooks:write",
    "PATCH": "webhooks:write",
    "DELETE": "webhooks:write",
}


class WebhookEndpoints(APIView):
    """All endpoints of the key's lender and mode."""

    scopes: ClassVar[Mapping[str, str]] = _SCOPES

    @extend_schema(
        operation_id="list_webhook_endpoints",
        summary="List webhook endpoints",
        responses={200: answer_schemas.EndpointPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """All of them: there are few."""
        read_query(query_schemas.NoQuery, request.query_params)
        rows = endpoints.of_lender(caller(request).lender, mode=caller(request).mode)
        return Response({"data": [answers.endpoint(row) for row in rows], "has_more": False, "next": None})

    @extend_schema(
        operation_id="create_webhook_endpoint",
        summary="Create a webhook endpoint",
        parameters=[IDEMPOTENCY_KEY],
        request=webhook_schemas.EndpointRequest,
        responses={
            201: answer_schemas.EndpointSecretAnswer,
            **problems(400, 401, 403, 409, 413, 415, 422, 429),
        },
    )
    def post(self, request: Request) -> Response:
        """A fresh endpoint with its secret."""
        return idempotency.once(request, partial(_create, caller(request), request.data))


class WebhookEndpointDetail(APIView):
    """One endpoint."""

    scopes: ClassVar[Mapping[str, str]] = _SCOPES

    @extend_schema(
        operation_id="get_webhook_endpoint",
        summary="Read a webhook endpoint",
        responses={200: answer_schemas.EndpointAnswer, **problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Request, endpoint_id: str) -> Response:
        """The endpoint, without its secret."""
        read_query(query_schemas.NoQuery, request.query_params)
        return Response(answers.endpoint(_own(caller(request), endpoint_id)))

    @extend_schema(
        operation_id="change_webhook_endpoint",
        summary="Change, disable or enable a webhook endpoint",
        request=webhook_schemas.EndpointChange,
        responses={200: answer_schemas.EndpointAnswer, **problems(400, 401, 403, 404, 413, 415, 422, 429)},
    )
    def patch(self, request: Request, endpoint_id: str) -> Response:
        """The endpoint as it is now."""
        endpoint = _own(caller(request), endpoint_id)
        endpoints.change(endpoint, **read(webhook_schemas.EndpointChange, request.data))
        return Response(answers.endpoint(endpoint))

    @extend_schema(
        operation_id="delete_webhook_endpoint",
        summary="Delete a webhook endpoint",
        responses={204: None, **problems(401, 403, 404, 429)},
    )
    def delete(self, request: Request, endpoint_id: str) -> Response:
        """Nothing: it is gone."""
        endpoints.delete(_own(caller(request), endpoint_id))
        return Response(status=204)


class WebhookEndpointTest(APIView):
    """Trying an endpoint out."""

    scopes: ClassVar[Mapping[str, str]] = _SCOPES

    @extend_schema(
        operation_id="test_webhook_endpoint",
        summary="Send a test message to an endpoint",
        description="A signed message of the type `endpoint.test`. Read the delivery to see what your server said.",
        parameters=[IDEMPOTENCY_KEY],
        request=webhook_schemas.NothingRequest,
        responses={202: answer_schemas.DeliveryAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        """The delivery that is on its way."""
        return idempotency.once(request, partial(_test, caller(request), request.data, endpoint_id))


class WebhookEndpointSecret(APIView):
    """Rotating a secret."""

    scopes: ClassVar[Mapping[str, str]] = _SCOPES

    @extend_schema(
        operation_id="rotate_webhook_secret",
        summary="Rotate the secret of an endpoint",
        description="For a day messages carry two `v1` signatures: one by the new secret, one by the one before.",
        parameters=[IDEMPOTENCY_KEY],
        request=webhook_schemas.NothingRequest,
        responses={200: answer_schemas.EndpointSecretAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        """The endpoint with its new secret."""
        return idempotency.once(request, partial(_rotate, caller(request), request.data, endpoint_id))


def _own(key: ApiKey, endpoint_id: str) -> Any:
    return endpoints.get(key.lender, mode=key.mode, endpoint_id=endpoint_id)


def _create(key: ApiKey, untrusted: Any) -> Answer:
    values = read(webhook_schemas.EndpointRequest, untrusted)
    endpoint, secret = endpoints.create(key.lender, mode=key.mode, url=values["url"], events=values.get("events", ()))
    return Answer(201, answers.endpoint(endpoint) | {"secret": secret})


def _test(key: ApiKey, untrusted: Any, endpoint_id: str) -> Answer:
    read(webhook_schemas.NothingRequest, untrusted)
    return Answer(202, answers.delivery(redelivery.try_out(_own(key, endpoint_id))))


def _rotate(key: ApiKey, untrusted: Any, endpoint_id: str) -> Answer:
    read(webhook_schemas.NothingRequest, untrusted)
    endpoint = _own(key, endpoint_id)
    secret = endpoints.rotate_secret(endpoint)
    return Answer(200, answers.endpoint(endpoint) | {"secret": secret})
