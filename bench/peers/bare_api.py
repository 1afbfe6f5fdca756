"""The measurement of bench/api.py, and its peer; run by it with a database of its own."""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from io import BytesIO
from pathlib import Path
from typing import Any

import django

django.setup()  # rows and models are named by what follows

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lenders import keys, policy
from lenders.models import ApiKey, IdempotentRequest, Lender
from tests.lenders.samples import opening
from tests.statements import statements
from verification.core import ids
from verification.models import Attempt, AuditEntry, AuditPending, DataKey, Link, Verification

_PATH = "/v1/verifications"
_TICKS = os.sysconf("SC_CLK_TCK")
_ROUND = 20


class Bare(APIView):
    """Writes or reads the same rows through the same models, and answers with what the product answered."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def get(self, request: Request, named: str) -> Response:
        """The statements of a status."""
        with _transaction():
            key = _key()
        with _transaction():
            return self._shown(key, named)

    def _shown(self, key: ApiKey, named: str) -> Response:
        found = Verification.objects.filter(pk=named, lender_id=key.lender_id, mode=key.mode).select_related("key")[0]
        Attempt.objects.filter(verification=found, status__in=("open", "judging")).first()
        return Response(KEPT["answer to status"])

    def post(self, request: Request) -> Response:
        """The statements of an opening, with the rows of another one anew."""
        with _transaction():
            _key()
        idempotent = _anew("idempotent", pk=None, key_sha256=secrets.token_hex(32))
        with _transaction():
            idempotent.save(force_insert=True)
        held = IdempotentRequest.objects.filter(pk=idempotent.pk, fence=idempotent.fence, answered_at=None)
        fresh = ids.new_id("ver")
        with _transaction():
            held.update(reserved_until=timezone.now())
            _anew("attempt", pk=ids.new_id("att"), verification_id=fresh).save(force_insert=True)
            token = secrets.token_bytes(32)
            _anew("link", pk=None, token_sha256=token, verification_id=fresh).save(force_insert=True)
            _anew("verification", pk=fresh, client_reference=f"bare-{fresh}").save(force_insert=True)
            _anew("key", verification_id=fresh).save(force_insert=True)
            entries = [_anew(name, pk=ids.new_id("evt"), verification_id=fresh) for name in KEPT["entries"]]
            AuditEntry.objects.bulk_create(entries)
            AuditPending.objects.bulk_create([AuditPending(entry=entry) for entry in entries])
            held.update(status=201, sealed_answer=KEPT["sealed"], answered_at=timezone.now())
        return Response(KEPT["answer to create"], status=201)


@contextmanager
def _transaction() -> Iterator[None]:
    """One that says first whose rows may be seen, as each of the product's does."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tulga.lender', %s, true), set_config('tulga.scope', %s, true)", ["", "all"])
        yield


def at_the_peers_addresses(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The one middleware of the peer: it answers at the same addresses as the product."""

    def respond(request: HttpRequest) -> HttpResponse:
        request.urlconf = __name__
        return answer(request)

    return respond


KEPT: dict[str, Any] = {}
"""One opening of the product: its rows, which the peer writes anew, and its answers."""
urlpatterns = [path("v1/verifications", Bare.as_view()), path("v1/verifications/<str:named>", Bare.as_view())]


def main() -> None:
    """Measure in turns, print."""
    lender = Lender.objects.create(name="Bench LLP", bin="180440012349")
    issued, requests = keys.issue(lender, mode="test"), int(sys.argv[1])
    policy.RATE_REQUESTS = 10**9  # type: ignore[misc]  # the rate is not what is measured
    product = WSGIHandler()
    with override_settings(MIDDLEWARE=[f"{__name__}.at_the_peers_addresses"]):
        bare = WSGIHandler()
    opened = json.loads(_call(product, "POST", _PATH, issued.secret))
    address = f"{_PATH}/{opened['id']}"
    _keep(issued.key.sha256, opened, json.loads(_call(product, "GET", address, issued.secret)))
    for name, method, where in (("create", "POST", _PATH), ("status", "GET", address)):

        def ours(method: str = method, where: str = where) -> None:
            _call(product, method, where, issued.secret)

        def peers(method: str = method, where: str = where) -> None:
            _call(bare, method, where, "")

        _show(name, _statements(ours), _statements(peers), _in_turns(ours, peers, requests))


def _keep(key_sha256: str, opened: dict[str, Any], shown: dict[str, Any]) -> None:
    of_case = {"verification_id": opened["id"]}
    entries = list(AuditEntry.objects.filter(**of_case))
    rows: dict[str, Model] = {
        "idempotent": IdempotentRequest.objects.get(),
        "attempt": Attempt.objects.get(**of_case),
        "link": Link.objects.get(**of_case),
        "verification": Verification.objects.get(pk=opened["id"]),
        "key": DataKey.objects.get(**of_case),
        **{entry.pk: entry for entry in entries},
    }
    KEPT.update(rows, entries=[entry.pk for entry in entries], key_sha256=key_sha256)
    KEPT.update({"answer to create": opened, "answer to status": shown, "sealed": rows["idempotent"].sealed_answer})  # type: ignore[attr-defined]


def _key() -> ApiKey:
    return ApiKey.objects.select_related("lender").filter(sha256=KEPT["key_sha256"])[0]


def _anew(name: str, **columns: Any) -> Any:
    row = copy(KEPT[name])
    row._state = copy(row._state)
    row._state.fields_cache = {}
    for column, value in columns.items():
        setattr(row, column, value)
    return row


def _call(handler: WSGIHandler, method: str, address: str, secret: str) -> bytes:
    body = json.dumps(opening(client_reference=f"bench-{ids.new_id('ref')}")).encode() if method == "POST" else b""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": address,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"Bearer {secret}",
        "HTTP_IDEMPOTENCY_KEY": secrets.token_hex(16),
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
    }
    answer = handler(environ, lambda status, headers, error=None, /: lambda part: None)
    if not isinstance(answer, HttpResponse) or answer.status_code not in (200, 201):
        raise SystemExit(f"{method} {address} was not answered well: {answer!r}")
    return answer.content


def _statements(call: Callable[[], None]) -> str:
    """How many statements a call sends, and in how many transactions that say whose rows may be seen."""
    call()
    with statements() as sent, CaptureQueriesContext(connection) as all_sent:
        call()
    said = sum("set_config" in one["sql"] for one in all_sent.captured_queries)
    return f"{len(sent)} statements in {said} transactions"


def _in_turns(ours: Callable[[], None], peers: Callable[[], None], number: int) -> tuple[list[float], list[float]]:
    """Seconds a request of each: of the processor, this process and its backend; and of the wall clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    spent = [0.0, 0.0], [0.0, 0.0]
    for _ in range(0, number, _ROUND):
        for call, both in zip((ours, peers), spent, strict=True):
            before = _clocks(backend)
            for _ in range(_ROUND):
                call()
            for place, (start, end) in enumerate(zip(before, _clocks(backend), strict=True)):
                both[place] += (end - start) / number
    return spent


def _clocks(backend: Path) -> tuple[float, float]:
    words = backend.read_text().rpartition(")")[2].split()
    return time.process_time() + (int(words[11]) + int(words[12])) / _TICKS, time.perf_counter()


def _show(name: str, ours: str, peers: str, spent: tuple[list[float], list[float]]) -> None:
    (cpu, wall), (bare_cpu, bare_wall) = spent
    print(f"{name}: {ours}; the bare view {peers}")
    print(f"  processor {1000 * cpu:6.2f} ms   bare {1000 * bare_cpu:6.2f} ms   ratio {bare_cpu / cpu:.2f}x")
    print(f"  clock     {1000 * wall:6.2f} ms   bare {1000 * bare_wall:6.2f} ms   ratio {bare_wall / wall:.2f}x")


if __name__ == "__main__":
    main()
