"""Signed data of a verification: documents, the receipt, the borrower's EDS signature, and the
verification keys.
"""

from typing import Any, ClassVar, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import policy
from lenders.answers import CODE_HELP, Moment
from lenders.keys import caller
from lenders.openapi import problems
from lenders.requests import NoQuery, read_query
from verification.artifacts import reading as artifacts
from verification.artifacts import signing

MEDIA_TYPE: Final = "application/jose+json"
_SCOPES: Final = {"GET": "documents:read"}
_LAST = (
    "Of the EDS signature that was judged last, accepted or not. Personal data: every download is"
    " logged with the id of the key. 409 `document_not_ready` while it is judged, until the log"
    " has ordered what was said of it, and while no worker has opened it: ask again after"
    " `Retry-After`; 404 where none was judged."
)


class DocumentAnswer(serializers.Serializer[Any]):
    """The signed document of one attempt. `salt`, and what the document says, are null after
    erasure.
    """

    id = serializers.CharField(help_text="`evd_…`: under this id its commitment stands in the log.")
    attempt = serializers.CharField(source="attempt_id", help_text="`att_…`: its address.")
    number = serializers.IntegerField(help_text="The `attempt` of its checks.")
    route = serializers.CharField()
    stage = serializers.CharField()
    outcome = serializers.CharField(
        allow_null=True,
        help_text="passed, failed, inconclusive, undecided, lapsed or void; accept unknown ones.",
    )
    code = serializers.CharField(allow_null=True, help_text=CODE_HELP)
    at = Moment(allow_null=True)
    size = serializers.IntegerField(help_text="Bytes.")
    commitment = serializers.CharField(
        help_text="HMAC-SHA256(salt, document) in hex, as it stands in the log."
    )
    salt = serializers.CharField(allow_null=True, help_text="16 bytes in hex.")
    erased = serializers.BooleanField(source="is_erased")


class DocumentList(serializers.Serializer[Any]):
    """All documents of one verification, in the order of its attempts."""

    # a field of this name hides the serializer's own `data`
    data = DocumentAnswer(many=True)  # type: ignore[assignment]


class SignedDocument(serializers.Serializer[Any]):
    """A JSON Web Signature, flattened (RFC 7515 §7.2.2). The payload is base64url of JSON: see
    the lender guide.
    """

    payload = serializers.CharField()
    protected = serializers.CharField()
    signature = serializers.CharField()


class ReceiptProofAnswer(serializers.Serializer[Any]):
    """Its place in the log."""

    index = serializers.IntegerField(
        help_text="The place of the entry that names the receipt by its SHA-256."
    )
    leaf = serializers.CharField(
        help_text="That entry, exactly as it was hashed: keep every byte of it."
    )
    proof = serializers.CharField(help_text="C2SP tlog-proof of the leaf.")
    checkpoint = serializers.CharField(
        help_text="The first signed head that covers it (C2SP signed note)."
    )


class OpeningsAnswer(serializers.Serializer[Any]):
    """The openings of the commitments: HMAC-SHA256(salt, text). A salt reveals the IIN within
    minutes: keep them safe.
    """

    iin = serializers.CharField(help_text="Salt, 16 bytes in hex.")
    payout_account = serializers.CharField(help_text="Salt, 16 bytes in hex.")


class ReceiptAnswer(serializers.Serializer[Any]):
    """The receipt of a decision. Immutable; the openings are gone after erasure."""

    receipt = serializers.CharField(
        help_text="JSON Web Signature, compact form (RFC 7515 §7.1): see /docs/verify-offline."
    )
    log = ReceiptProofAnswer(source="*")
    openings = OpeningsAnswer(allow_null=True)


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
        responses={200: DocumentList, **problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Request, verification_id: str) -> Response:
        """The list."""
        read_query(NoQuery, request.query_params)
        key = caller(request)
        documents = artifacts.list_documents(
            lender_id=key.lender_id, mode=key.mode, verification_id=verification_id
        )
        return Response(DocumentList({"data": documents}).data)


class DocumentFile(APIView):
    """One document."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_document",
        summary="Download a signed document",
        description=(
            "A JSON Web Signature (RFC 7515, flattened JSON form, EdDSA) over the identification:"
            " result, times, lender, IIN, face, pictures of every command, model and thresholds."
            " Personal data: every download is logged with the id of the key. A worker opens it for"
            " the download: 409 `document_not_ready` if none does in time. Verify it offline by"
            " `scripts/verify_document.py`."
        ),
        responses={
            (200, MEDIA_TYPE): SignedDocument,
            **problems(401, 403, 404, 409, 410, 422, 429),
        },
    )
    def get(self, request: Request, verification_id: str, attempt_id: str) -> HttpResponse:
        """The bytes as signed."""
        read_query(NoQuery, request.query_params)
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


class ReceiptFile(APIView):
    """The receipt of one verification."""

    scopes: ClassVar = {"GET": "verifications:read"}

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
        read_query(NoQuery, request.query_params)
        key = caller(request)
        receipt = artifacts.read_receipt(
            lender_id=key.lender_id, mode=key.mode, verification_id=verification_id, key_id=key.pk
        )
        return Response(ReceiptAnswer(receipt).data, headers={"Cache-Control": "no-store"})


class _SignedFile(APIView):
    """One of the two files."""

    scopes: ClassVar = {"GET": "documents:read"}
    file = ""

    def get(self, request: Request, verification_id: str) -> HttpResponse:
        """The bytes as judged."""
        read_query(NoQuery, request.query_params)
        key = caller(request)
        signed = artifacts.read_for_lender(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            file=self.file,
            key_id=key.pk,
        )
        name = f"{verification_id}.{self.file}.{signed.suffix}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return HttpResponse(signed.content, content_type=signed.media_type, headers=headers)


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
        " name), or signed XML (`.xml`). Verify it offline with the statement: see"
        f" /docs/verify-offline. {_LAST}"
    ),
    responses={
        (200, "application/octet-stream"): OpenApiTypes.BINARY,
        **problems(401, 403, 404, 409, 410, 422, 429),
    },
)
class SignatureFile(_SignedFile):
    """The signature."""

    file = "signature"


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    """The public keys of documents and receipts (RFC 7517), for everybody: present and past ones.

    A member that others ignore has the logs' keys: their signatures are not web signatures.
    """
    published = {"keys": signing.public_keys(), "log_keys": signing.log_keys()}
    answer = JsonResponse(published, content_type="application/jwk-set+json")
    answer.headers["Cache-Control"] = f"public, max-age={policy.JWKS_SECONDS}"
    return answer
