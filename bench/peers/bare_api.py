"""The measurement of bench/api.py against `bare_view`; bench/api.py runs it with its own
database.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from io import BytesIO
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from lenders import keys, policy
from lenders.models import ApiKey, IdempotentRequest, Lender
from peers import bare_view
from peers.bare_view import KEPT
from peers.signed_cases import Signer, payment
from tests import registered
from tests.lenders.samples import opening
from tests.statements import statements
from verification.access.tokens import LINKS
from verification.core import ids
from verification.models import Attempt, AuditEntry, Clearance, DataKey, Verification

_PATH = "/v1/verifications"
_TICKS = os.sysconf("SC_CLK_TCK")
_ROUND = 20
_SIGNED_MAX = (
    100  # cases that are signed, cleared and paid, each half a second before its measurement
)


@dataclass(frozen=True)
class Kind:
    """One kind of request: its addresses in turn, and the body for each."""

    name: str
    method: str
    where: Sequence[str]
    body: Callable[[str], Any] = lambda address: None
    is_once: bool = False


def main() -> None:
    """Measures in turns, prints."""
    connection.settings_dict["CONN_MAX_AGE"] = None  # the measured backend stays the same
    lender = registered.lender(name="Bench LLP", bin="180440012349", phone="+77270000044")
    issued, requests = keys.issue(lender, mode="test"), int(sys.argv[1])
    policy.RATE_REQUESTS = 10**9  # type: ignore[misc]  # the rate is not what is measured
    product = WSGIHandler()
    with override_settings(MIDDLEWARE=[f"{bare_view.__name__}.at_the_peers_addresses"]):
        bare = WSGIHandler()
    with TemporaryDirectory() as folder:
        kinds = _kinds(Signer.trusted(Path(folder)), lender, requests)
        for kind in kinds:
            _keep(kind, json.loads(_call(product, kind, kind.where[0], issued.secret)), issued.key)
            # Each request that works once has its own address; three are spent before the
            # measurement.
            places = iter(kind.where[1:]) if kind.is_once else cycle(kind.where)
            ours = partial(_in_turn, product, kind, places, issued.secret)
            peers = partial(_in_turn, bare, kind, cycle(kind.where), "")
            number = len(kind.where) - 3 if kind.is_once else requests
            _show(kind.name, _statements(ours), _statements(peers), _in_turns(ours, peers, number))


def _kinds(signer: Signer, lender: Lender, requests: int) -> list[Kind]:
    """The measured kinds, in order: the first provides the peer's rows."""
    number = min(requests, _SIGNED_MAX)
    issued = [signer.cleared(lender) for _ in range(number)]
    payments = {
        f"/v1/clearances/{clearance}/consume": payment(contract) for clearance, contract in issued
    }
    paths = [f"{_PATH}/{signer.verified(lender).id}/clearances" for _ in range(_ROUND)]
    fresh = signer.opened(lender)
    return [
        Kind(
            "create",
            "POST",
            [_PATH],
            lambda address: opening(client_reference=f"bench-{ids.new_id('ref')}"),
        ),
        Kind("status", "GET", [f"{_PATH}/{fresh}"]),
        Kind("list", "GET", [_PATH]),
        Kind("issue", "POST", paths, lambda address: {"contract_sha256": _contract_of(address)}),
        Kind("consume", "POST", list(payments), payments.__getitem__, is_once=True),
    ]


def _contract_of(address: str) -> str:
    """The hash of the contract of this address's loan."""
    return sha256(address.encode()).hexdigest()


def _keep(kind: Kind, answer: Any, key: ApiKey) -> None:
    """The product's answer, and for the first the rows that it wrote."""
    KEPT[f"answer to {kind.name}"] = answer
    if kind.name == "issue":
        KEPT["clearance"] = Clearance.objects.get(pk=answer["id"])
    if kind.name != "create":
        return
    of_case = {"verification_id": answer["id"]}
    entries = list(AuditEntry.objects.filter(**of_case))
    rows: dict[str, Model] = {
        "idempotent": IdempotentRequest.objects.get(),
        "attempt": Attempt.objects.get(**of_case),
        "link": LINKS.rows.get(**of_case),
        "verification": Verification.objects.get(pk=answer["id"]),
        "key": DataKey.objects.get(**of_case),
        **{entry.pk: entry for entry in entries},
    }
    KEPT.update(
        rows, entries=[entry.pk for entry in entries], key_sha256=key.sha256, lender=key.lender_id
    )
    KEPT["sealed"] = rows["idempotent"].sealed_answer  # type: ignore[attr-defined]


def _call(handler: WSGIHandler, kind: Kind, address: str, secret: str) -> bytes:
    body = json.dumps(kind.body(address)).encode() if kind.method == "POST" else b""
    environ = {
        "REQUEST_METHOD": kind.method,
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
    if not isinstance(answer, HttpResponse) or answer.status_code not in (200, 201, 202):
        raise SystemExit(f"{kind.method} {address} was not answered well: {answer!r}")
    return answer.content


def _in_turn(handler: WSGIHandler, kind: Kind, where: Iterator[str], secret: str) -> None:
    _call(handler, kind, next(where), secret)


def _statements(call: Callable[[], object]) -> str:
    """How many statements a call sends, and in how many transactions with visible rows."""
    call()
    with statements() as sent, CaptureQueriesContext(connection) as all_sent:
        call()
    if os.environ.get("SHOW"):
        print(*(query["sql"][:200] for query in all_sent.captured_queries), sep="\n")
    settings_made = sum("set_config" in query["sql"] for query in all_sent.captured_queries)
    return f"{len(sent)} statements in {settings_made} transactions"


def _in_turns(
    ours: Callable[[], object], peers: Callable[[], object], number: int
) -> tuple[list[float], list[float]]:
    """Seconds per request of each: of the processor, this process and its backend; and of the
    wall clock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    spent, rounds = ([0.0, 0.0], [0.0, 0.0]), number // _ROUND
    for _ in range(rounds):
        for call, both in zip((ours, peers), spent, strict=True):
            start_clocks = _clocks(backend)
            for _ in range(_ROUND):
                call()
            for place, (start, end) in enumerate(zip(start_clocks, _clocks(backend), strict=True)):
                both[place] += (end - start) / (rounds * _ROUND)
    return spent


def _clocks(backend: Path) -> tuple[float, float]:
    fields = backend.read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / _TICKS, time.perf_counter()


def _show(name: str, ours: str, peers: str, spent: tuple[list[float], list[float]]) -> None:
    (cpu, wall), (bare_cpu, bare_wall) = spent
    print(f"{name}: {ours}; the bare view {peers}")
    print(
        f"  processor {1000 * cpu:6.2f} ms   bare {1000 * bare_cpu:6.2f} ms   ratio"
        f" {bare_cpu / cpu:.2f}x"
    )
    print(
        f"  clock     {1000 * wall:6.2f} ms   bare {1000 * bare_wall:6.2f} ms   ratio"
        f" {bare_wall / wall:.2f}x"
    )


if __name__ == "__main__":
    main()
