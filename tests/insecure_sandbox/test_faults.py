"""A script of faults hits as often as told, the right source, and nothing else."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from insecure_sandbox.exchange import Rejected, Request
from insecure_sandbox.faults import FaultScript, routes

KINDS = {"crl": frozenset({"silent", "garbage", "stale"}), "ca": frozenset({"silent"})}
NOW = datetime.now(UTC)


def scripted(*entries: dict[str, Any]) -> FaultScript:
    script = FaultScript()
    add = next(route for route in routes(script, kinds_by_source=KINDS) if route.method == "POST")
    for fields in entries:
        body = json.dumps(fields).encode()
        add.handle(
            Request(
                method="POST", path="/faults", content_type="application/json", untrusted_body=body
            )
        )
    return script


def test_a_fault_hits_exactly_n_times_under_many_threads() -> None:
    script = scripted({"source": "crl", "kind": "silent", "times": 37})
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: script.take("crl"), range(200)))
    assert taken.count("silent") == 37


@pytest.mark.parametrize(("seconds", "kind"), [(60, "silent"), (-1, None)])
def test_a_fault_lasts_until_its_time(seconds: int, kind: str | None) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    script = scripted({"source": "crl", "kind": "silent", "until": until})
    assert [script.take("crl") for _ in range(3)] == [kind] * 3


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "sms", "kind": "silent", "times": 1},
        {"source": "crl", "kind": "slow", "times": 1},
        {"source": "ca", "kind": "stale", "times": 1},
        {"source": "crl", "kind": "silent"},
        {"source": "crl", "kind": "silent", "times": 1, "until": NOW.isoformat()},
        {"source": "crl", "kind": "silent", "times": 0},
        {"source": "crl", "kind": "silent", "times": True},
        {"source": "crl", "kind": "silent", "times": "1"},
        {"source": "crl", "kind": "silent", "until": "tomorrow"},
        {"source": "crl", "kind": "silent", "until": NOW.replace(tzinfo=None).isoformat()},
        {"source": "crl", "kind": "silent", "times": 1, "more": 1},
        {"kind": "silent", "times": 1},
    ],
)
def test_a_script_that_is_not_exactly_right_is_rejected(fields: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as caught:
        scripted(fields)
    assert caught.value.status == 400
