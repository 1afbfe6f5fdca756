"""/v1/test: the sandbox for machines: every end without a browser, by the real steps, and a test
clock.

A live key finds nothing here.
"""

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import idempotency, requests
from lenders.answers import Word
from lenders.keys import caller
from lenders.openapi import IDEMPOTENCY_KEY, problems
from lenders.requests import read, read_query
from lenders.resources.verifications import BorrowersAddress
from verification.access import simulations
from verification.case import test_clock
from verification.core.scenarios import SCENARIOS
from verification.core.status import Status

_SCOPES = {"GET": "verifications:read", "POST": "verifications:write"}


class ScenarioAnswer(serializers.Serializer[Any]):
    """One scenario: events and exact outcome."""

    name = serializers.CharField()
    iin = Word(allow_null=True, help_text="Plays it where you name no scenario.")
    routes = serializers.ListField(
        child=serializers.CharField(), help_text="On which it is played."
    )
    registered = serializers.ListField(
        child=serializers.CharField(),
        help_text=(
            "Routes on which it is played, too, where the legal profile asks the register of"
            " people."
        ),
    )
    happens = serializers.CharField()
    status = serializers.ChoiceField(
        choices=tuple(Status), help_text="In which it ends, or stands once the borrower has left."
    )
    code = Word(allow_null=True, help_text="Of the end.")
    last_failure = Word(allow_null=True)
    checks = serializers.ListField(
        child=serializers.CharField(),
        help_text="Codes of checks that do not pass; before a camera others may come beside.",
    )
    events = serializers.ListField(
        child=serializers.CharField(), help_text="Told after `verification.created`."
    )
    clearance = Word(allow_null=True, help_text="Of the refusal of a clearance.")
    then = Word(allow_null=True, help_text="What only time, or you, can bring.")


class ScenarioPage(serializers.Serializer[Any]):
    """The whole catalogue."""

    # a field of this name hides the serializer's own `data`
    data = ScenarioAnswer(many=True)  # type: ignore[assignment]


class SimulationAnswer(serializers.Serializer[Any]):
    """The play that starts now."""

    verification = serializers.CharField()
    scenario = serializers.CharField()
    route = serializers.CharField(help_text="With which the borrower begins.")


class Scenarios(APIView):
    """The catalogue."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="list_scenarios",
        summary="List what the sandbox can play",
        description="With what each comes to: the status, the codes, the events. Test keys only.",
        responses={200: ScenarioPage, **problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """Every scenario."""
        read_query(requests.NoQuery, request.query_params)
        return Response(ScenarioPage({"data": list(SCENARIOS.values())}).data)


class Simulation(APIView):
    """One verification of test mode."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="simulate",
        summary="Have the sandbox play the borrower",
        description=(
            "Answered at once; the borrower then opens the real pages, consents, signs or shows a"
            " painted face, and workers judge as always: read the verification, or wait for its"
            " event. No status is set by this. Every check says `insecure_simulated` under"
            " `engine`. Test keys only. While it is played: 409 `simulation_under_way`; where"
            " somebody has opened the link: 409 `borrower_at_it`."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=requests.SimulateRequest,
        responses={202: SimulationAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429, 503)},
    )
    def post(self, request: Request, verification_id: str) -> HttpResponseBase:
        """The play."""
        key = caller(request)
        body = read(requests.SimulateRequest, request.data)

        def ask() -> simulations.Accepted:
            return simulations.ask(
                lender_id=key.lender_id,
                mode=key.mode,
                verification_id=verification_id,
                scenario=body.scenario,
                route=body.route,
                link=BorrowersAddress().to_representation,
            )

        def enter(accepted: simulations.Accepted) -> Response:
            simulations.enter(accepted, lender_id=key.lender_id, mode=key.mode)
            simulation = {
                "verification": verification_id,
                "scenario": accepted.scenario.name,
                "route": accepted.routes[0],
            }
            return Response(SimulationAnswer(simulation).data, status=202)

        return idempotency.run_once(request, enter, ask=ask)


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
        """The state of the clock."""
        read_query(requests.NoQuery, request.query_params)
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
        request=requests.AdvanceRequest,
        responses={200: TestClock, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request) -> Response:
        """How many advanced, and their total advance."""
        key = caller(request)
        body = read(requests.AdvanceRequest, request.data)
        progress = test_clock.advance(
            lender_id=key.lender_id,
            mode=key.mode,
            seconds=body.advance_seconds,
            verification_id=body.verification,
        )
        return Response(TestClock(progress).data)
