"""/v1/test/clock: what is due of test verifications is put forward, so that nobody waits for an
end.
"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import idempotency, schemas
from lenders.keys import caller
from lenders.openapi import IDEMPOTENCY_KEY, problems
from lenders.requests import read, read_query
from verification.case import test_clock

_SCOPES = {"GET": "verifications:read", "POST": "verifications:write"}


class TestClock(serializers.Serializer[Any]):
    """A lender's test clock."""

    verifications = serializers.IntegerField(
        help_text=(
            "How many can be put forward now (101: more than 100), or were just now: those that are"
            " open, or were verified in the last 72 hours."
        )
    )
    advanced_seconds = serializers.IntegerField(
        help_text="The most that one of these was put forward altogether."
    )


class Clock(APIView):
    """The clock of the lender's test verifications."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_test_clock",
        summary="See how far the test clock was put forward",
        description="With test keys only: with a live one there is no such address.",
        responses={200: TestClock, **problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """How it stands."""
        read_query(schemas.NoQuery, request.query_params)
        key = caller(request)
        return Response(
            TestClock(test_clock.clock_standing(lender_id=key.lender_id, mode=key.mode)).data
        )

    @extend_schema(
        operation_id="advance_test_clock",
        summary="Put the test clock forward",
        description=(
            "With test keys only. What is due of your open and verified test verifications is due"
            " so much earlier: `expires_at` of the whole, of the borrower's turns, links and codes;"
            " the reviewers' 24 hours; a clearance's 15 minutes and the age of its answers; the 72"
            " hours after the decision; `release_not_before`. Nothing ends in this request: what is"
            " over by then ends some seconds later, by the same way as in live mode, and is told as"
            " always. Times already told, days on which attempts and credits are counted, the"
            " keeping of frames and your obligation go by real time. Up to 100 verifications at"
            " once; above that, and beyond 30 days of one, it is 409 `test_clock_limit`. Of one"
            " that has ended without money to leave, 409 `illegal_transition`."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.AdvanceRequest,
        responses={200: TestClock, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request) -> Response:
        """How many were put forward, and by how much altogether."""
        key = caller(request)
        said = read(schemas.AdvanceRequest, request.data)
        moved = test_clock.advance(
            lender_id=key.lender_id,
            mode=key.mode,
            seconds=said.advance_seconds,
            verification_id=said.verification,
        )
        return Response(TestClock(moved).data)
