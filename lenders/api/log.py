"""/v1/events and /v1/log: the lender's events in log order, the signed head, and the log's
proofs.
"""

from typing import ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import requests
from lenders.keys import caller
from lenders.openapi import parameters_of, problems
from lenders.requests import read_query
from lenders.resources import checkpoints, events

_TEXT = "text/plain; charset=utf-8"
_SCOPES = {"GET": "log:read"}


class Events(APIView):
    """The events of the key's lender and mode."""

    scopes: ClassVar = {"GET": "events:read"}

    @extend_schema(
        operation_id="list_events",
        summary="List events, oldest first",
        description=(
            "Keep the `lender_sequence` of the last event you worked off and ask with `after` for"
            " those that followed. What is listed here is never withdrawn, whether or not a webhook"
            " reached you. Each is ordered in the log, and signed where it decides. With `type` a"
            " page may be short, even empty: go on with `next` while `has_more` is true."
        ),
        parameters=parameters_of(requests.EventQuery),
        responses={200: events.EventPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """A page of events."""
        query = read_query(requests.EventQuery, request.query_params)
        key = caller(request)
        page = events.events_of_types(
            query.types,
            lender_id=key.lender_id,
            mode=key.mode,
            cursor=query.after,
            limit=query.limit,
        )
        return Response(events.EventPage(page).data)


class LogCheckpoint(APIView):
    """The newest checkpoint of the key's mode."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_checkpoint",
        summary="Read the newest checkpoint of the log (C2SP signed note)",
        description=(
            "Keep it: every later one must go on from it, which `/v1/log/consistency` shows."
        ),
        responses={(200, "text/plain"): OpenApiTypes.STR, **problems(401, 403, 409, 422, 429)},
    )
    def get(self, request: Request) -> HttpResponse:
        """The signed note as text."""
        read_query(requests.NoQuery, request.query_params)
        return HttpResponse(checkpoints.checkpoint(caller(request).mode), content_type=_TEXT)


class LogProof(APIView):
    """The proof of one event."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_proof",
        summary="Read the proof that an event stands in the log (C2SP tlog-proof)",
        parameters=parameters_of(requests.ProofQuery),
        responses={(200, "text/plain"): OpenApiTypes.STR, **problems(401, 403, 404, 409, 422, 429)},
    )
    def get(self, request: Request) -> HttpResponse:
        """The proof as text: it leads from the event to a signed checkpoint."""
        query = read_query(requests.ProofQuery, request.query_params)
        text = checkpoints.proof(
            lender_id=caller(request).lender_id, mode=caller(request).mode, event_id=query.event
        )
        return HttpResponse(text, content_type=_TEXT)


class LogConsistency(APIView):
    """The proof that the log only grew."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_consistency",
        summary="Read the proof that the log of one checkpoint goes on from that of another",
        description=(
            "RFC 9162 §2.1.4, of any two sizes up to that of the newest checkpoint; at most 64"
            " hashes. Verify it by the roots of the two checkpoints: if it leads to others, the log"
            " was forked. Tell the regulator then."
        ),
        parameters=parameters_of(requests.ConsistencyQuery),
        responses={200: checkpoints.ConsistencyAnswer, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """The hashes."""
        query = read_query(requests.ConsistencyQuery, request.query_params)
        return Response(
            checkpoints.consistency(caller(request).mode, first=query.first, second=query.second)
        )
