"""/v1/clearances: may the money leave now, for this person, this sum, this account? Asked for,
read, consumed once.
"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import idempotency, schemas
from lenders.clearance_answers import CLEARANCE, ClearanceAnswer
from lenders.keys import caller, law_of
from lenders.models import ApiKey
from lenders.openapi import IDEMPOTENCY_KEY, problems
from lenders.requests import read, read_query
from lenders.resources import clearances as clearance_resource
from verification import clock
from verification.payout import clearances

_SCOPES = {"GET": "verifications:read", "POST": "clearances:write"}


class Clearances(APIView):
    """Clearances of one verification."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="ask_for_clearance",
        summary="Ask whether the money may leave",
        description=(
            "Answered at once as `processing`; a worker evaluates every gate that your profile asks"
            " for and signs: `clearance.issued` tells you, or read it. It lives 15 minutes. One of"
            " a verification is open: another request makes the one before `superseded`. Once the"
            " money has left: 409 `clearance_consumed`."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.ClearanceRequest,
        responses={202: ClearanceAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """A new clearance, whose gates are being evaluated."""
        key = caller(request)
        wanted = read(schemas.ClearanceRequest, request.data)
        clearance_id = clearances.ask(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            profile_id=law_of(key, at=clock.now()),
            **vars(wanted),
        )
        return Response(_spelled(key, clearance_id), status=202)


class ClearanceDetail(APIView):
    """One clearance."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_clearance",
        summary="Read a clearance",
        description="With what each gate said, and until when it may be consumed.",
        responses={200: ClearanceAnswer, **problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Request, clearance_id: str) -> Response:
        """The clearance."""
        read_query(schemas.NoQuery, request.query_params)
        return Response(_spelled(caller(request), clearance_id))


class ClearanceConsume(APIView):
    """The money leaves."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="consume_clearance",
        summary="Consume a clearance, right before the money leaves",
        description=(
            "Pay only after a 200. It works once: of many requests at once one gets 200, the others"
            " 409 `clearance_consumed`; with the same Idempotency-Key the first answer again."
            " Amount up to `amount_max`, the IIN, contract and account of the verification; else"
            " 409 `clearance_mismatch`, and nothing is spent."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.ConsumeRequest,
        responses={200: ClearanceAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request, clearance_id: str) -> Response:
        """The consumed clearance."""
        key = caller(request)
        paid = read(schemas.ConsumeRequest, request.data)
        clearances.consume(
            lender_id=key.lender_id,
            mode=key.mode,
            clearance_id=clearance_id,
            payment=clearances.Payment(**{**vars(paid), "iin": paid.iin.value}),
        )
        return Response(_spelled(key, clearance_id))


def _spelled(key: ApiKey, clearance_id: str) -> dict[str, object]:
    found = clearance_resource.view(
        lender_id=key.lender_id, mode=key.mode, clearance_id=clearance_id
    )
    return dict(CLEARANCE.to_representation(found))
