"""The doorbell: what it is made to do, and what a broker that is down costs."""

import socket
import time

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from config import celery
from verification.workflow import policy


def test_tasks_outlive_their_worker_and_results_do_not_exist() -> None:
    conf = celery.app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.task_ignore_result
    assert conf.result_backend is None
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert not conf.task_always_eager
    assert {queue.name for queue in conf.task_queues} == {"default", "eds", "faces", "webhooks"}


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
def test_a_broker_that_refuses_costs_a_request_next_to_nothing(scheme: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{closed.getsockname()[1]}//"
    app = Celery("sample", broker=address, set_as_current=False)
    app.conf.update(
        celery.app.conf.changes, broker_url=address, broker_transport_options=celery._transport_options(address)
    )
    seconds = []
    for _ in range(2):  # the first one also loads the transport's modules
        began = time.monotonic()
        with pytest.raises(OperationalError):
            app.send_task("verification.advance", ("ver_x",), queue="default")
        seconds.append(time.monotonic() - began)
    assert seconds[-1] < 0.5  # measured 0.002 s; a busy machine gets room
