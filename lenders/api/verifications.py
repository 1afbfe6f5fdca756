"""/v1/verifications: open, list, read, link, cancel."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import answers, idempotency, schemas
from lenders.clearance_answers import SentAnswer
from lenders.codes import WARNINGS
from lenders.keys import caller, law_of
from lenders.openapi import IDEMPOTENCY_KEY, parameters_of, problems
from lenders.requests import read, read_query
from lenders.resources import verifications
from lenders.resources.verifications import opened_view
from lenders.schemas import LinkRequest, require_registered
from verification import clock
from verification.access import commands
from verification.access.links import Minted
from verification.case import voters
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
        parameters=parameters_of(schemas.VerificationQuery),
        responses={200: answers.VerificationPage, **problems(401, 403, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """A page of verifications."""
        wanted = read_query(schemas.VerificationQuery, request.query_params)
        key = caller(request)
        found = verifications.list_views(lender_id=key.lender_id, mode=key.mode, **vars(wanted))
        return Response(answers.VerificationPage(found).data)

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
            201: answers.OpenedAnswer,
            200: answers.OpenedAnswer,
            **problems(400, 401, 403, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request) -> Response:
        """A fresh verification, or the open one of this reference."""
        key = caller(request)
        lender = key.lender
        opening = read(Opening, request.data)
        # An address that is not the lender's own could take the borrower, who trusts this page,
        # anywhere.
        if opening.return_url:
            require_registered(opening.return_url, registered=lender.return_urls)
        opened = commands.open_verification(
            lender=LenderFacts(id=lender.pk, name=lender.name, bin=lender.bin, phone=lender.phone),
            mode=key.mode,
            profile_id=law_of(key, at=clock.now()),
            opening=opening,
        )
        # The token is shown here and nowhere again: only its hash is kept.
        body = (
            answers.VERIFICATION.to_representation(opened_view(opened))
            | answers.LinkAnswer(Minted(opened.token, opened.link_expires_at)).data
        )
        codes = voters.warnings_of(opened.verification, opened.opening)
        warned = [{"code": code, "detail": WARNINGS[code]} for code in codes]
        body["warnings"] = answers.WarningAnswer(warned, many=True).data
        return Response(body, status=201 if opened.created else 200)


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
        parameters=parameters_of(schemas.ExpandQuery),
        responses={200: answers.VerificationAnswer, **problems(401, 403, 404, 422, 429)},
    )
    def get(self, request: Request, verification_id: str) -> Response:
        """The verification, with its checks if asked for."""
        wanted = read_query(schemas.ExpandQuery, request.query_params)
        key, with_checks = caller(request), bool(wanted.expand)
        found = verifications.view(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            with_checks=with_checks,
        )
        return Response(answers.VERIFICATION.to_representation(found))


class VerificationLink(APIView):
    """The borrower's way in."""

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
        request=LinkRequest,
        responses={201: SentAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """A fresh link."""
        key = caller(request)
        named = read(LinkRequest, request.data)
        sent = renewals.mint(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            profile_id=law_of(key, at=clock.now()),
            sent_by=named.sent_by,
        )
        return Response(SentAnswer(sent).data, status=201)


class VerificationCancel(APIView):
    """The end, by the lender."""

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
        request=schemas.NothingRequest,
        responses={
            200: answers.VerificationAnswer,
            **problems(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """The verification, which is told to be canceled once the log has ordered that."""
        key = caller(request)
        read(schemas.NothingRequest, request.data)
        commands.cancel(lender_id=key.lender_id, mode=key.mode, verification_id=verification_id)
        view = verifications.view(
            lender_id=key.lender_id, mode=key.mode, verification_id=verification_id
        )
        return Response(answers.VERIFICATION.to_representation(view))
