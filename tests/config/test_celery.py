"""The doorbell: what it is made to do, and what a broker that is down costs."""

import math
import resource
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import redis
from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.transport.redis import Transport

from config import celery
from verification.case import policy, steps
from verification.case.policy import RING_SECONDS


def test_tasks_outlive_their_worker_and_results_do_not_exist() -> None:
    conf = celery.app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.task_ignore_result
    assert conf.result_backend is None
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert not conf.task_always_eager
    assert {queue.name for queue in conf.task_queues} == {
        "looks",
        "default",
        "eds",
        "faces",
        "storage",
    }


@pytest.mark.rabbitmq
@pytest.mark.service  # each leg has another broker
def test_a_ring_for_one_queue_is_heard_in_that_queue_only() -> None:
    queues = celery.app.conf.task_queues
    with celery.app.connection_for_write() as connection, connection.channel() as channel:
        bound = [queue(channel) for queue in queues]
        for queue in bound:
            queue.declare()
            queue.purge()
        celery.app.send_task("verification.advance", ("ver_x",), queue="eds")
        heard = [queue.name for queue in bound if queue.get(no_ack=True)]
    assert heard == ["eds"]


def test_a_step_ends_before_its_lease_and_before_redis_hands_it_on() -> None:
    conf = celery.app.conf
    redis = celery._transport_options("redis://host/0")
    assert conf.task_soft_time_limit < conf.task_time_limit < policy.LEASE_SECONDS
    assert int(str(redis["visibility_timeout"])) > conf.task_time_limit
    assert (redis["unacked_restore_interval"], redis["unacked_restore_throttle"]) == (2, 1)


def test_rabbitmq_confirms_what_it_took() -> None:
    assert celery._transport_options("amqp://host") == {"confirm_publish": True}


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_refuses_costs_a_request_next_to_nothing(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)  # Celery prefers it to an argument
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{closed.getsockname()[1]}//"
    assert celery.app.conf.changes is not None
    app = Celery("sample", broker=address, set_as_current=False)
    app.conf.update(
        celery.app.conf.changes,
        broker_url=address,
        broker_transport_options=celery._transport_options(address),
    )
    seconds = []
    for _ in range(2):  # the first one also loads the transport's modules
        began = time.monotonic()
        with pytest.raises(OperationalError):
            app.send_task("verification.advance", ("ver_x",), queue="default")
        seconds.append(time.monotonic() - began)
    assert seconds[-1] < 0.5  # measured 0.002 s; a busy machine gets room


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_hangs_holds_who_rings_for_seconds_and_the_next_not_at_all(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        address = f"{scheme}://127.0.0.1:{hanging.getsockname()[1]}//"
        assert celery.app.conf.changes is not None
        app = Celery("sample", broker=address, set_as_current=False)
        app.conf.update(
            celery.app.conf.changes,
            broker_url=address,
            broker_transport_options=celery._transport_options(address),
        )
        monkeypatch.setattr(steps, "current_app", app)
        monkeypatch.setattr(steps._state, "silent_until", 0.0)
        seconds = []
        for _ in range(2):
            began = time.monotonic()
            assert not steps.ring("eds")
            seconds.append(time.monotonic() - began)
    assert seconds[0] < 15  # two tries; measured 4 s, and a busy machine gets room
    assert seconds[1] < 0.5


def test_a_bell_waits_for_no_confirmation_for_long_and_no_broker_undoes_what_was_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rings: list[dict[str, object]] = []

    def refuse(*_: object, **how: object) -> None:
        rings.append(how)
        raise ValueError("no virtual host of this name")

    monkeypatch.setattr("verification.case.steps.current_app.send_task", refuse)
    monkeypatch.setattr(steps._state, "silent_until", 0.0)
    assert not steps.ring("eds")
    assert not steps.ring("eds")
    assert [how["confirm_timeout"] for how in rings] == [
        RING_SECONDS
    ]  # and the second was not rung
    steps._state.silent_until = time.monotonic()
    assert not steps.ring("eds")
    assert len(rings) == 2, "it was silent for ever"


def test_a_broker_that_refuses_commands_ends_no_worker() -> None:
    # Redis answers so while its disk is full, or as a replica: an answer to one command, not a lost
    # connection.
    errors = Transport(Connection("redis://")).channel_errors
    assert issubclass(redis.exceptions.ReadOnlyError, errors)
    assert celery.app.conf.broker_channel_error_retry


def limited(prelude: str) -> subprocess.CompletedProcess[str]:
    """A process that runs this, takes on the limits of a worker's child, says them, and asks for
    too much.
    """
    program = (
        f"import config.celery as c, resource; {prelude}; c.limit_memory(); "
        "print(resource.getrlimit(resource.RLIMIT_AS)[0]); bytearray(5 * 2**30)"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.service
@pytest.mark.parametrize("operators", [-1, 3 * 2**30, 64 * 2**30], ids=["none", "lower", "higher"])
def test_a_workers_child_may_not_take_the_machines_memory(operators: int) -> None:
    done = limited(f"resource.setrlimit(resource.RLIMIT_AS, ({operators}, -1))")
    expected = (
        operators if 0 < operators < policy.CHILD_ADDRESS_BYTES else policy.CHILD_ADDRESS_BYTES
    )
    assert done.stdout.strip() == str(expected)
    assert "MemoryError" in done.stderr
    assert (
        celery.app.conf.worker_max_memory_per_child * 1024
        == policy.CHILD_MEMORY_BYTES
        < policy.CHILD_ADDRESS_BYTES
    )


@pytest.mark.service
def test_a_child_gives_back_what_a_judged_picture_took() -> None:
    program = (
        "import config.celery as c; pages = lambda:"
        " int(open('/proc/self/statm').read().split()[1]); pieces = [bytearray(b'x' * 100_000) for"
        " _ in range(1000)]; last = pieces.pop(); pieces.clear(); before = pages();"
        " c.give_memory_back(task=None); print(before - pages())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert int(done.stdout) * resource.getpagesize() > 80_000_000


def test_a_child_gives_memory_back_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    at, trimmed = [1000.0], list[int]()
    monkeypatch.setattr(celery, "time", SimpleNamespace(monotonic=lambda: at[0]))
    monkeypatch.setattr(
        celery,
        "ctypes",
        SimpleNamespace(CDLL=lambda _: SimpleNamespace(malloc_trim=trimmed.append)),
    )
    monkeypatch.setattr(celery, "_given_back", {"at": -math.inf})
    for elapsed in (0.0, policy.MEMORY_BACK_SECONDS - 1, 1.0, 1.0):
        at[0] += elapsed
        celery.give_memory_back()
    assert len(trimmed) == 2


@pytest.mark.service
def test_a_worker_loads_no_page() -> None:
    program = (
        "import config.celery as c, sys; c.app.loader.import_default_modules();"
        " print({*sys.modules} & {'lenders.urls', 'verification.borrower.views',"
        " 'drf_spectacular.openapi'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "set()", done.stderr
