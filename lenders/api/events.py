"""/v1/events: all that a lender is told, in the order of the log; for whoever prefers asking to being told."""

from collections.abc import Mapping
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import answer_schemas, answers, policy, query_schemas
from lenders.auth import caller
from lenders.fields import read_query
from lenders.openapi import problems
from verification.workflow import queries


class Events(APIView):
    """The events of the key's lender and mode."""

    scopes: ClassVar[Mapping[str, str]] = {"GET": "events:read"}

    @extend_schema(
        operation_id="list_events",
        summary="List events, oldest first",
        description=(
            "Keep the `lender_sequence` of the last event you worked off and ask with `after` for those that followed. "
            "What is listed here is never withdrawn, whether or not a webhook reached you."
        ),
        parameters=[query_schemas.EventQuery],
        responses={200: answer_schemas.EventPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """A page of events."""
        wanted = read_query(query_schemas.EventQuery, request.query_params)
        found = queries.events_after(
            lender_id=caller(request).lender_id,
            mode=caller(request).mode,
            after=wanted.get("after", 0),
            limit=wanted.get("limit", policy.PAGE_DEFAULT),
        )
        return Response(answers.page(found, answers.event))
