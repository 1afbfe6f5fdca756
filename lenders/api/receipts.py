"""/v1/verifications/{id}/receipt: what was decided, signed, with the proof that it stands in the
log.
"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import schemas
from lenders.document_answers import ReceiptAnswer
from lenders.keys import caller
from lenders.openapi import problems
from lenders.requests import read_query
from verification.artifacts import reading as artifacts

_SCOPES = {"GET": "verifications:read"}


class ReceiptFile(APIView):
    """The receipt of one verification."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_receipt",
        summary="Read the signed receipt of a decision, and its proof",
        description=(
            "A JSON Web Signature (RFC 7515, compact form, EdDSA) for every end: keep the whole"
            " answer. It holds nothing personal: IIN and payout account are commitments, which"
            " `openings` opens: every answer with them is logged with the id of the key. Until the"
            " log has ordered the decision and its receipt: 409 `receipt_not_ready`. Verify it"
            " offline by `scripts/verify_receipt.py`."
        ),
        responses={200: ReceiptAnswer, **problems(401, 403, 404, 409, 422, 429)},
    )
    def get(self, request: Request, verification_id: str) -> Response:
        """The receipt, its place in the log, and its openings."""
        read_query(schemas.NoQuery, request.query_params)
        key = caller(request)
        found = artifacts.read_receipt(
            lender_id=key.lender_id, mode=key.mode, verification_id=verification_id, key_id=key.pk
        )
        return Response(ReceiptAnswer(found).data, headers={"Cache-Control": "no-store"})
