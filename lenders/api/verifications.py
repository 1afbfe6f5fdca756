"""/v1/verifications: open, list, read, link, cancel, redact."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import idempotency, requests
from lenders.keys import caller, law_of
from lenders.openapi import IDEMPOTENCY_KEY, parameters_of, problems
from lenders.requests import read, read_query, require_registered
from lenders.resources import verifications
from verification import clock
from verification.access import erasures, openings
from verification.core.lender import LenderFacts
from verification.core.opening import Opening
from verification.payout import renewals

_SCOPES = {"GET": "verifications:read", "POST": "verifications:write"}


class Verifications(APIView):
    """All verifications of the key's lender and mode."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="list_verifications",
        summary="List verifications, newest first",
        description=(
            "By `status` as it is told: an end once the log has ordered it, until then"
            " `processing`."
        ),
        parameters=parameters_of(requests.VerificationQuery),
        responses={200: verifications.VerificationPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """A page of verifications."""
        query = read_query(requests.VerificationQuery, request.query_params)
        key = caller(request)
        return Response(
            verifications.read_page(lender_id=key.lender_id, mode=key.mode, **vars(query))
        )

    @extend_schema(
        operation_id="open_verification",
        summary="Open a verification",
        description=(
            "Gives the verification and the borrower's link. A reference that is still open for the"
            " same person, loan and purpose gives back the open verification, with 200 and a fresh"
            " link, instead of opening a second one."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=Opening,
        responses={
            201: verifications.OpenedAnswer,
            200: verifications.OpenedAnswer,
            **problems(400, 401, 403, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request) -> Response:
        """A fresh verification, or the open one of this reference."""
        key = caller(request)
        lender = key.lender
        opening = read(Opening, request.data)
        # A foreign address could send the borrower, who trusts this page, anywhere.
        if opening.return_url:
            require_registered(opening.return_url, registered=lender.return_urls)
        opened = openings.open_verification(
            lender=LenderFacts(id=lender.pk, name=lender.name, bin=lender.bin, phone=lender.phone),
            mode=key.mode,
            profile_id=law_of(key, at=clock.now()),
            opening=opening,
        )
        return Response(verifications.read_opened(opened), status=201 if opened.created else 200)


class VerificationDetail(APIView):
    """One verification."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="get_verification",
        summary="Read a verification",
        description=(
            "`verified`, `declined`, `expired`, `canceled` and `failed` are told once the log has"
            " ordered the decision and its signature verifies; until then, half a second mostly, it"
            " is `processing`, without code and times."
        ),
        parameters=parameters_of(requests.ExpandQuery),
        responses={200: verifications.VerificationAnswer, **problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Request, verification_id: str) -> Response:
        """The verification, with its checks if asked for."""
        query = read_query(requests.ExpandQuery, request.query_params)
        key = caller(request)
        answer = verifications.read(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            with_checks=bool(query.expand),
        )
        return Response(answer)


class VerificationLink(APIView):
    """The borrower's link."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="make_link",
        summary="Make a fresh link for the borrower",
        description=(
            "Earlier links that were not used stop working. A browser that is already at work is"
            " not stopped. Of what is `verified` and had to wait, once that is over: a link to the"
            " new consent, a verification of its own with the loan and person of this one, named by"
            " `renewal`; before, 409 `cooling_off` with Retry-After; with no attempt left for now,"
            " 409 `attempts_exhausted` with Retry-After."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=requests.LinkRequest,
        responses={
            201: verifications.SentAnswer,
            **problems(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """A fresh link."""
        key = caller(request)
        body = read(requests.LinkRequest, request.data)
        sent = renewals.mint(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            profile_id=law_of(key, at=clock.now()),
            sent_by=body.sent_by,
        )
        return Response(verifications.SentAnswer(sent).data, status=201)


class VerificationCancel(APIView):
    """The lender's cancellation."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="cancel_verification",
        summary="Cancel a verification",
        description=(
            "Takes effect at once. The answer is still `processing`, for no answer says an end"
            " before the log has ordered it; `verification.canceled` tells it, within a second."
            " After the end: 409 `illegal_transition`; while an answer of the borrower is judged:"
            " 409 `answer_not_judged`."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=requests.NothingRequest,
        responses={
            200: verifications.VerificationAnswer,
            **problems(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """The verification, which becomes `canceled` once the log has ordered that."""
        key = caller(request)
        read(requests.NothingRequest, request.data)
        openings.cancel(lender_id=key.lender_id, mode=key.mode, verification_id=verification_id)
        return Response(
            verifications.read(
                lender_id=key.lender_id, mode=key.mode, verification_id=verification_id
            )
        )


class VerificationRedact(APIView):
    """The lender's request to erase the personal data."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="redact_verification",
        summary="Ask that the personal data be erased",
        description=(
            "Recorded once, after the end; before, 409 `illegal_transition`. The law keeps the data"
            " until `retention.until`: so long nothing is erased, but the case is closed: see"
            " `blocked`. That day a worker erases them, asked or not, and `verification.redacted`"
            " tells it; `redacted_at` says when. An open obligation holds them: `retention.until`"
            " is null."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=requests.NothingRequest,
        responses={
            200: verifications.VerificationAnswer,
            **problems(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """The verification, with the request and the day of its erasure."""
        key = caller(request)
        read(requests.NothingRequest, request.data)
        erasures.request(lender_id=key.lender_id, mode=key.mode, verification_id=verification_id)
        return Response(
            verifications.read(
                lender_id=key.lender_id, mode=key.mode, verification_id=verification_id
            )
        )
