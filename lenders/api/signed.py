"""/v1/verifications/{id}/statement and …/signature: what the borrower signed by EDS, as it was
judged.
"""

from typing import ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from lenders import schemas
from lenders.keys import caller
from lenders.openapi import problems
from lenders.requests import read_query
from verification.artifacts import reading as artifacts

_LAST = (
    "Of the EDS signature that was judged last, accepted or not. Personal data: every download is"
    " logged with the id of the key. 409 `document_not_ready` while it is judged and until the log"
    " has ordered what was said of it; 404 where none was judged."
)


class _SignedFile(APIView):
    """One of the two files."""

    scopes: ClassVar = {"GET": "documents:read"}
    file = ""

    def get(self, request: Request, verification_id: str) -> HttpResponse:
        """The bytes as they were judged."""
        read_query(schemas.NoQuery, request.query_params)
        key = caller(request)
        found = artifacts.read_for_lender(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            file=self.file,
            key_id=key.pk,
        )
        name = f"{verification_id}.{self.file}.{found.suffix}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return HttpResponse(found.content, content_type=found.media_type, headers=headers)


@extend_schema(
    operation_id="get_statement",
    summary="Download the statement that was signed",
    description=(
        "UTF-8 text to read, in the language it was shown in, with the same data as canonical JSON"
        " in its last line. Of who was verified its SHA-256 is the receipt's `statement_sha256`."
        f" {_LAST}"
    ),
    responses={
        (200, "text/plain"): OpenApiTypes.STR,
        **problems(401, 403, 404, 409, 410, 422, 429),
    },
)
class Statement(_SignedFile):
    """The statement."""

    file = artifacts.STATEMENT


@extend_schema(
    operation_id="get_signature",
    summary="Download the borrower's signature",
    description=(
        "As it came from the signer's program, to the byte: a CMS in PEM or base64 (`.cms` in its"
        " name), or signed XML (`.xml`). Verify it offline with the statement: see the lender"
        f" guide. {_LAST}"
    ),
    responses={
        (200, "application/octet-stream"): OpenApiTypes.BINARY,
        **problems(401, 403, 404, 409, 410, 422, 429),
    },
)
class SignatureFile(_SignedFile):
    """The signature."""

    file = artifacts.SIGNATURE
