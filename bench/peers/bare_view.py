"""The peer of bench/api.py: bare views of Django REST framework that send the product's SQL.

They write or read the same rows through the same models, and return the product's answers.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import policy
from lenders.models import ApiKey, IdempotentRequest
from verification.core import ids
from verification.models import Attempt, AuditEntry, AuditPending, Clearance, DataKey, Verification

_TOLD = ("verification.verified", "clearance.issued", "clearance.consumed")
KEPT: dict[str, Any] = {}
"""One opening of the product: its rows, which the peer writes again, and its answers."""


class Bare(APIView):
    """Writes or reads the same rows through the same models, and returns the product's answers."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def get(self, request: Request, named: str = "") -> Response:
        """The statements of a status, or of a list."""
        with _transaction():
            key = _key()
        with _transaction():
            rows = Verification.objects.filter(
                lender_id=key.lender_id, mode=key.mode
            ).select_related("key")
            if not named:
                page = list(rows.order_by("-created_at", "-id")[: policy.PAGE_DEFAULT + 1])
                list(Attempt.objects.filter(verification__in=page, status__in=("open", "judging")))
                return Response(KEPT["answer to list"])
            Attempt.objects.filter(
                verification=rows.filter(pk=named)[0], status__in=("open", "judging")
            ).first()
            return Response(KEPT["answer to status"])

    def post(self, request: Request, named: str = "") -> Response:
        """The statements of an opening, or of a requested or consumed clearance, with another
        one's rows.
        """
        with _transaction():
            _key()
        idempotent = _anew("idempotent", pk=None, key_sha256=secrets.token_hex(32))
        with _transaction():
            idempotent.save(force_insert=True)
        reserved = IdempotentRequest.objects.filter(
            pk=idempotent.pk, fence=idempotent.fence, answered_at=None
        )
        do = {"": _open, "ver": _ask, "clr": _consume}[named[:3]]
        with _transaction():
            reserved.update(reserved_until=timezone.now())
            status, answer = do(named)
            reserved.update(status=status, sealed_answer=KEPT["sealed"], answered_at=timezone.now())
        return Response(answer, status=status)


def _open(named: str) -> tuple[int, Any]:
    fresh = ids.new_id("ver")
    _anew("attempt", pk=ids.new_id("att"), verification_id=fresh).save(force_insert=True)
    token = secrets.token_bytes(32)
    _anew("link", pk=None, digest=token, verification_id=fresh).save(force_insert=True)
    _anew("verification", pk=fresh, client_reference=f"bare-{fresh}").save(force_insert=True)
    _anew("key", verification_id=fresh).save(force_insert=True)
    entries = [_anew(name, pk=ids.new_id("evt"), verification_id=fresh) for name in KEPT["entries"]]
    AuditEntry.objects.bulk_create(entries)
    AuditPending.objects.bulk_create([AuditPending(entry=entry) for entry in entries])
    return 201, KEPT["answer to create"]


def _ask(named: str) -> tuple[int, Any]:
    Verification.objects.get(pk=named, lender_id=KEPT["lender"], mode="test")
    row = Verification.objects.select_for_update().get(pk=named)
    _placed(verification=row, type="verification.verified")
    list(AuditEntry.objects.filter(verification=row, type__in=_TOLD))
    rows = Clearance.objects.filter(verification=row)
    rows.filter(status="consumed").exists()
    DataKey.objects.get(verification=row)
    _others_of_contract(row, KEPT["answer to issue"]["contract_sha256"])
    rows.filter(status__in=("issued", "processing")).update(status="superseded")
    fresh = _anew("clearance", pk=ids.new_id("clr"), verification_id=row.pk, status="processing")
    fresh.save(force_insert=True)
    _enter(row, "clearance.requested", step="clear", due_at=timezone.now())
    Clearance.objects.get(pk=fresh.pk, lender_id=KEPT["lender"], mode="test")
    return 202, KEPT["answer to issue"]


def _consume(named: str) -> tuple[int, Any]:
    rows = Clearance.objects.filter(pk=named, lender_id=KEPT["lender"], mode="test")
    row = Verification.objects.select_for_update().get(pk__in=rows.values("verification"))
    waiting = AuditPending.objects.filter(
        entry__verification=OuterRef("verification_id"), entry__type=_TOLD[1]
    )
    live = rows.filter(~Exists(waiting), expires_at__gt=timezone.now())
    live.update(status="consumed", consumed_at=timezone.now())
    _others_of_contract(row, KEPT["answer to consume"]["contract_sha256"])
    entries = list(AuditEntry.objects.filter(verification=row, type__in=_TOLD))
    list(AuditEntry.objects.filter(pk__in=[entries[0].pk]))
    _placed(verification=row, type__in=_TOLD)
    _enter(row, "clearance.consumed")
    rows.get()
    return 200, KEPT["answer to consume"]


def _others_of_contract(row: Verification, contract: str) -> None:
    """The clearances of other verifications of a contract."""
    others = Clearance.objects.filter(
        lender_id=KEPT["lender"], mode="test", contract_sha256=contract
    )
    list(others.exclude(verification=row).values_list("verification_id", "status"))


def _placed(**which: Any) -> None:
    """Entries with their places in the log."""
    list(AuditEntry.objects.filter(**which).select_related("leaf", "pending"))


def _enter(row: Verification, type_: str, **columns: Any) -> None:
    Verification.objects.filter(pk=row.pk, sequence=row.sequence).update(
        sequence=row.sequence + 1, **columns
    )
    entry = _anew(
        KEPT["entries"][0],
        pk=ids.new_id("evt"),
        verification_id=row.pk,
        verification_sequence=row.sequence + 1,
        type=type_,
    )
    entry.save(force_insert=True)
    AuditPending.objects.create(entry=entry)


@contextmanager
def _transaction() -> Iterator[None]:
    """A transaction that sets its visible rows first, as each of the product's does."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('tulga.lender', %s, true), set_config('tulga.scope', %s, true)",
            ["", "all"],
        )
        yield


def _key() -> ApiKey:
    return ApiKey.objects.select_related("lender").filter(sha256=KEPT["key_sha256"])[0]


def _anew(name: str, **columns: Any) -> Any:
    row = copy(KEPT[name])
    row._state = copy(row._state)
    row._state.fields_cache = {}
    for column, value in columns.items():
        setattr(row, column, value)
    return row


def at_the_peers_addresses(
    answer: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """The only middleware of the peer: it answers at the product's addresses."""

    def respond(request: HttpRequest) -> HttpResponse:
        request.urlconf = __name__
        return answer(request)

    return respond


urlpatterns = [
    path("v1/verifications", Bare.as_view()),
    path("v1/verifications/<str:named>", Bare.as_view()),
    path("v1/verifications/<str:named>/clearances", Bare.as_view()),
    path("v1/clearances/<str:named>/consume", Bare.as_view()),
]
