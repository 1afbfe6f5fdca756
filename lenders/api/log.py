"""/v1/log: the signed head of the log, the proof that an event of the lender stands in it, and that
it only grew.
"""

from base64 import b64encode
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import schemas
from lenders.keys import caller
from lenders.openapi import parameters_of, problems
from lenders.requests import read_query
from lenders.resources import checkpoints

_TEXT = "text/plain; charset=utf-8"
_SCOPES = {"GET": "log:read"}


class ConsistencyAnswer(serializers.Serializer[Any]):
    """By what the log of one size goes on from that of another."""

    hashes = serializers.ListField(
        child=serializers.CharField(),
        help_text="Base64, 32 bytes each, lowest first; none between equal sizes.",
    )


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
        read_query(schemas.NoQuery, request.query_params)
        return HttpResponse(checkpoints.checkpoint(caller(request).mode), content_type=_TEXT)


class LogProof(APIView):
    """The proof of one event."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_proof",
        summary="Read the proof that an event stands in the log (C2SP tlog-proof)",
        parameters=parameters_of(schemas.ProofQuery),
        responses={(200, "text/plain"): OpenApiTypes.STR, **problems(401, 403, 404, 409, 422, 429)},
    )
    def get(self, request: Request) -> HttpResponse:
        """The proof as text: it leads from the event to a checkpoint that the log has signed."""
        wanted = read_query(schemas.ProofQuery, request.query_params)
        text = checkpoints.proof(
            lender_id=caller(request).lender_id, mode=caller(request).mode, event_id=wanted.event
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
        parameters=parameters_of(schemas.ConsistencyQuery),
        responses={200: ConsistencyAnswer, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """The hashes."""
        asked = read_query(schemas.ConsistencyQuery, request.query_params)
        hashes = checkpoints.consistency(
            caller(request).mode, first=asked.first, second=asked.second
        )
        return Response({"hashes": [b64encode(one).decode() for one in hashes]})
