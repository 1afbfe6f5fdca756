"""/v1/events: all that a lender is told, in the order of the log; for whoever prefers asking to
being told.
"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import answers, schemas
from lenders.keys import caller
from lenders.openapi import parameters_of, problems
from lenders.requests import read_query
from lenders.resources import events

_SCOPES = {"GET": "events:read"}


class Events(APIView):
    """The events of the key's lender and mode."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="list_events",
        summary="List events, oldest first",
        description=(
            "Keep the `lender_sequence` of the last event you worked off and ask with `after` for"
            " those that followed. What is listed here is never withdrawn, whether or not a webhook"
            " reached you. Each is ordered in the log, and signed where it decides."
        ),
        parameters=parameters_of(schemas.EventQuery),
        responses={200: answers.EventPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """A page of events."""
        wanted = read_query(schemas.EventQuery, request.query_params)
        key = caller(request)
        found = events.events_after(
            lender_id=key.lender_id, mode=key.mode, after=wanted.after, limit=wanted.limit
        )
        return Response(answers.EventPage(found).data)
