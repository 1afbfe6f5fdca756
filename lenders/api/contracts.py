"""/v1/verifications/{id}/contract: what the lender reports of its contract, from which a wait
counts.
"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import answers, idempotency, schemas
from lenders.keys import caller, law_of
from lenders.openapi import IDEMPOTENCY_KEY, problems
from lenders.requests import read
from lenders.resources import verifications
from verification import clock
from verification.payout import reports

_SCOPES = {"POST": "clearances:write"}


class Contract(APIView):
    """The contract of one verification."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="report_contract",
        summary="Report that the contract is signed",
        description=(
            "Once, right after it is signed: by it a person's credits of a day are counted, and the"
            " money waits. The wait counts from your report where `signed_at` is earlier. The same"
            " report again gives the same answer; another is 409 `contract_reported`. Over 48 hours"
            " after the decision it is 409 `verification_too_old`, for the money could not leave in"
            " time."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.ContractRequest,
        responses={
            200: answers.VerificationAnswer,
            **problems(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """The verification, with its contract."""
        key = caller(request)
        said = read(schemas.ContractRequest, request.data)
        reports.report_contract(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            profile_id=law_of(key, at=clock.now()),
            **vars(said),
        )
        found = verifications.view(
            lender_id=key.lender_id, mode=key.mode, verification_id=verification_id
        )
        return Response(answers.VERIFICATION.to_representation(found))
