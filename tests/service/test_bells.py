"""The embedded broker is a folder: bells appear in it whole, and one that cannot be read ends no
worker.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

from insecure_sandbox.demo.processes import wait_until

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.service,
    pytest.mark.skipif(
        "CELERY_BROKER_URL" in os.environ, reason="only the embedded broker is a folder"
    ),
]


@pytest.mark.parametrize("torn", [b"", b'{"body": "W1sidm', b"\xff\xfe"])
def test_a_torn_bell_ends_no_worker_and_stops_nobody_elses(deployment, torn):
    messages = deployment.folder / "bell" / "messages"
    for queue in ("default", "eds", "faces"):
        (messages / f"0_torn.{queue}.msg").write_bytes(torn)
    wait_until(
        lambda: not list(messages.glob("0_torn*")),
        what="the worker to take the torn bells",
        seconds=20,
    )
    _, browser, _ = deployment.borrow(f"torn-{len(torn)}")
    browser.wait_for("statement", seconds=30)
    assert deployment.processes.ended() == []


def ring_often(folder: Path, ringer: int) -> None:
    """Many long bells, one after the other, each another: equal ones would be one."""
    options = {"data_folder_in": str(folder), "data_folder_out": str(folder)}
    with Connection("filesystem://", transport_options=options) as connection:
        channel: Any = connection.channel()
        for number in range(100):
            channel._put("default", {"body": f"{ringer}-{number}" + "x" * 100_000})


def test_whoever_looks_into_the_folder_while_bells_are_rung_finds_only_whole_ones(tmp_path):
    found = 0
    with ThreadPoolExecutor(max_workers=4) as pool:
        ringing = [pool.submit(ring_often, tmp_path, ringer) for ringer in range(4)]
        while found < 400 and not any(ring.done() and ring.exception() for ring in ringing):
            for path in tmp_path.glob("*.default.msg"):
                assert "body" in json.loads(path.read_bytes())
                path.unlink()
                found += 1
    assert not list(tmp_path.iterdir())


def test_ten_thousand_equal_bells_are_one_and_another_says_something_else(tmp_path):
    options = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path)}
    with Connection("filesystem://", transport_options=options) as connection:
        channel: Any = connection.channel()
        for queue in ["eds"] * 10_000 + ["faces"]:
            channel._put(
                queue,
                {"body": f'[["{queue}"], {{}}, {{}}]', "headers": {"task": "verification.bell"}},
            )
        assert channel._size("eds") == channel._size("faces") == 1
        assert "eds" in channel._get("eds")["body"]
        with pytest.raises(Empty):
            channel._get("eds")
