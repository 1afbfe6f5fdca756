"""/v1/verifications/{id}/documents: the signed document of each attempt with a live face, and the
keys to verify by.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import document_answers, policy, schemas
from lenders.keys import caller
from lenders.openapi import problems
from lenders.requests import read_query
from verification.artifacts import reading as artifacts
from verification.artifacts import signing

MEDIA_TYPE = "application/jose+json"
_SCOPES = {"GET": "documents:read"}


class Documents(APIView):
    """All documents of one verification."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="list_documents",
        summary="List the signed documents of a verification",
        description=(
            "One for every attempt with a live face that has ended, however it ended, once the log"
            " has ordered how; in the order of the attempts. `commitment` is HMAC-SHA256(`salt`,"
            " document) and stands in the log. Once the personal data are erased, only that it"
            " existed is left: `erased` is true."
        ),
        responses={200: document_answers.DocumentList, **problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Request, verification_id: str) -> Response:
        """The list."""
        read_query(schemas.NoQuery, request.query_params)
        key = caller(request)
        found = artifacts.list_documents(
            lender_id=key.lender_id, mode=key.mode, verification_id=verification_id
        )
        return Response(document_answers.DocumentList({"data": found}).data)


class DocumentFile(APIView):
    """One document."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_document",
        summary="Download a signed document",
        description=(
            "A JSON Web Signature (RFC 7515, flattened JSON form, EdDSA) over the identification:"
            " result, times, lender, IIN, face, pictures of every command, model and thresholds."
            " Personal data: every download is logged with the id of the key. Verify it offline by"
            " `scripts/verify_document.py`."
        ),
        responses={
            (200, MEDIA_TYPE): document_answers.SignedDocument,
            **problems(401, 403, 404, 409, 410, 422, 429),
        },
    )
    def get(self, request: Request, verification_id: str, attempt_id: str) -> HttpResponse:
        """The bytes as they were signed."""
        read_query(schemas.NoQuery, request.query_params)
        key = caller(request)
        content = artifacts.read_document(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            attempt_id=attempt_id,
            key_id=key.pk,
        )
        headers = {
            "Content-Disposition": f'attachment; filename="{attempt_id}.jws.json"',
            "Cache-Control": "no-store",
        }
        return HttpResponse(content, content_type=MEDIA_TYPE, headers=headers)


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    """The public keys of documents and receipts (RFC 7517), for anybody: a key in use and those
    that were.

    Beside them, in a member that others ignore, those of the logs: what they sign are no web
        signatures.
    """
    published = {"keys": signing.public_keys(), "log_keys": signing.log_keys()}
    answer = JsonResponse(published, content_type="application/jwk-set+json")
    answer.headers["Cache-Control"] = f"public, max-age={policy.JWKS_SECONDS}"
    return answer
