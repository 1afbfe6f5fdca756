"""/v1/verifications/{id}/obligation: the credit's obligation began, or ended."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import answers, idempotency, schemas
from lenders.keys import caller
from lenders.openapi import IDEMPOTENCY_KEY, problems
from lenders.requests import read
from lenders.resources import verifications
from verification.payout import reports

_SCOPES = {"POST": "clearances:write"}


class Obligation(APIView):
    """The obligation of one verification's credit."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="report_obligation",
        summary="Say that the obligation began, or ended",
        description=(
            "It starts and stops the retention clock: while an obligation is open nothing of it may"
            " go, and then for five years (`retention.until`). Once each; the same word again gives"
            " the same answer, another time is 409 `obligation_opened` or `obligation_closed`."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.ObligationRequest,
        responses={
            200: answers.VerificationAnswer,
            **problems(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """The verification, with its retention."""
        key = caller(request)
        obligation = read(schemas.ObligationRequest, request.data)
        reports.report_obligation(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            status=obligation.status,
            at=obligation.at,
        )
        view = verifications.view(
            lender_id=key.lender_id, mode=key.mode, verification_id=verification_id
        )
        return Response(answers.VERIFICATION.to_representation(view))
