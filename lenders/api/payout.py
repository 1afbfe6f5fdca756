"""One verification's credit: its contract, its clearances, and its obligation."""

from itertools import chain

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import idempotency, policy, requests
from lenders.keys import caller, law_of
from lenders.openapi import IDEMPOTENCY_KEY, parameters_of, problems
from lenders.requests import prefers_csv, read, read_query
from lenders.resources import clearances as clearance_resource
from lenders.resources import verifications
from lenders.resources.clearances import COLUMNS, ClearanceAnswer, ClearancePage
from lenders.resources.verifications import VerificationAnswer
from verification import clock
from verification.payout import clearances, reports

_SCOPES = {"GET": "verifications:read", "POST": "clearances:write"}
_CSV = "text/csv"
_TABLE = (
    f"{','.join(COLUMNS)}\r\n"
    "clr_2al4z223s6wtyvolbgj5oxtsm2,ver_2al4z222hw3tpgm5l6ocby7o2g,loan-2026-000123,live,consumed,"
    "150000.00,cc8321d6375c494d043fdd0260f21bc0ec51dacc9f6abb7f909cdcd3041b78bf,"
    "2026-12-01T02:47:27.950Z,2026-12-01T02:47:28.104Z,evt_2al4z222i6obebgkyiprgphics,16\r\n"
)


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
        request=requests.ContractRequest,
        responses={
            200: VerificationAnswer,
            **problems(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """The verification, with its contract."""
        key = caller(request)
        body = read(requests.ContractRequest, request.data)
        reports.report_contract(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            profile_id=law_of(key, at=clock.now()),
            **vars(body),
        )
        return Response(
            verifications.read(
                lender_id=key.lender_id, mode=key.mode, verification_id=verification_id
            )
        )


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
            " money has left: 409 `clearance_consumed`. If another verification paid the contract:"
            " 409 `contract_paid`."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=requests.ClearanceRequest,
        responses={202: ClearanceAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """A new clearance, whose gates are being evaluated."""
        key = caller(request)
        body = read(requests.ClearanceRequest, request.data)
        clearance_id = clearances.ask(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            profile_id=law_of(key, at=clock.now()),
            **vars(body),
        )
        answer = clearance_resource.read(
            lender_id=key.lender_id,
            mode=key.mode,
            clearance_id=clearance_id,
            is_written=True,
        )
        return Response(answer, status=202)


class ClearanceList(APIView):
    """Clearances of all verifications of the key's lender and mode."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="list_clearances",
        summary="List clearances, newest first; or payouts, oldest first",
        description=(
            "With `status=consumed`, `consumed_from` or `consumed_to` it lists payouts, each as"
            " soon as the log has ordered it, within a second mostly. Each comes once, though"
            " others are paid meanwhile: first what was ordered when you began, by time, then the"
            " rest. `Accept: text/csv` gives all payouts of at most"
            f" {policy.TABLE_DAYS} days at once (RFC 4180): {', '.join(COLUMNS)}. Where a cell"
            " begins like a formula, an apostrophe stands before it."
        ),
        parameters=parameters_of(requests.ClearanceQuery),
        responses={
            (200, "application/json"): ClearancePage,
            (200, _CSV): OpenApiResponse(
                OpenApiTypes.STR, examples=[OpenApiExample("csv", _TABLE, media_type=_CSV)]
            ),
            **problems(401, 403, 422, 429),
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """A page of clearances, or a table of payouts."""
        query = read_query(requests.ClearanceQuery, request.query_params)
        key = caller(request)
        if prefers_csv(request):
            start, end = query.whole_range()
            pieces = clearance_resource.read_table(
                lender_id=key.lender_id, mode=key.mode, consumed_from=start, consumed_to=end
            )
            # The first piece now: a refusal can still be told by the status.
            whole = chain([next(pieces)], pieces)
            return StreamingHttpResponse(whole, content_type=f"{_CSV}; charset=utf-8")
        return Response(
            clearance_resource.read_page(lender_id=key.lender_id, mode=key.mode, **vars(query))
        )


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
        read_query(requests.NoQuery, request.query_params)
        key = caller(request)
        return Response(
            clearance_resource.read(
                lender_id=key.lender_id, mode=key.mode, clearance_id=clearance_id
            )
        )


class ClearanceConsume(APIView):
    """The use of a clearance at payout."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="consume_clearance",
        summary="Consume a clearance, right before the money leaves",
        description=(
            "Pay only after a 200. It works once: of many requests at once one gets 200, the others"
            " 409 `clearance_consumed`; with the same Idempotency-Key the first answer again. A"
            " contract that another verification paid is 409 `contract_paid`."
            " Amount up to `amount_max`, the IIN, contract and account of the verification; else"
            " 409 `clearance_mismatch`, and nothing is spent."
        ),
        parameters=[IDEMPOTENCY_KEY],
        request=requests.ConsumeRequest,
        responses={200: ClearanceAnswer, **problems(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotency.idempotent
    def post(self, request: Request, clearance_id: str) -> Response:
        """The consumed clearance."""
        key = caller(request)
        paid = read(requests.ConsumeRequest, request.data)
        paid.iin.require_mode(key.mode, pointer="/iin")
        clearances.consume(
            lender_id=key.lender_id,
            mode=key.mode,
            clearance_id=clearance_id,
            payment=clearances.Payment(**{**vars(paid), "iin": paid.iin.value}),
        )
        return Response(
            clearance_resource.read(
                lender_id=key.lender_id,
                mode=key.mode,
                clearance_id=clearance_id,
                is_written=True,
            )
        )


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
        request=requests.ObligationRequest,
        responses={
            200: VerificationAnswer,
            **problems(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotency.idempotent
    def post(self, request: Request, verification_id: str) -> Response:
        """The verification, with its retention."""
        key = caller(request)
        obligation = read(requests.ObligationRequest, request.data)
        reports.report_obligation(
            lender_id=key.lender_id,
            mode=key.mode,
            verification_id=verification_id,
            status=obligation.status,
            at=obligation.at,
        )
        return Response(
            verifications.read(
                lender_id=key.lender_id, mode=key.mode, verification_id=verification_id
            )
        )
