"""The Celery application: processes, pools, limits, and wake-up messages that may be lost. The
rows are the queue.
"""

import ctypes
import logging
import math
import resource
import sys
import time
import warnings
from contextlib import suppress
from logging.config import dictConfig

from celery import Celery
from celery.apps import worker
from celery.signals import (
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
)
from django.conf import settings
from django.db import close_old_connections, connection, connections
from kombu import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

from config import env, starting
from verification.case import policy
from verification.case.policy import RING_SECONDS
from verification.case.stages import calibrations

env.use_settings("config.settings")
# A process that only imports the application, as web does, has set its name before.
env.act_as("worker")
# They load every page, 21 MB of each child, and Celery discards their results. The necessary ones
# run at start.
env.skip_checks_by_celery()
starting.load_settings()

logger = logging.getLogger(__name__)

# glibc's malloc.h, mallopt(3): the size from which a block is mapped separately, and the free size
# at which a heap is trimmed. The first has a maximum.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _LARGEST_THRESHOLD = -1, -3, 32 * 2**20
_given_back = {"at": -math.inf}  # by the monotonic clock


def _transport_options(broker_url: str) -> dict[str, object]:
    scheme = broker_url.split(":", 1)[0]
    if scheme == "filesystem":
        bell = settings.TULGA_BELL_DIR
        messages, control = bell / "messages", bell / "control"
        for folder in (messages, control):
            folder.mkdir(mode=0o700, exist_ok=True)
        return {
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "control_folder": str(control),
            # Seconds between looks into an empty folder. kombu's default of 1 takes one message a
            # second, as measured.
            "polling_interval": 0.1,
        }
    if scheme in ("redis", "rediss"):
        return {
            # Seconds after which Redis hands an unacknowledged task to another worker: above the
            # hard limit, or a healthy task would start twice. With the two restore options a killed
            # worker's tasks return in 19 s instead of 108, as measured.
            "visibility_timeout": 2 * policy.STEP_HARD_LIMIT_SECONDS,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            # Twice a worker's wait for a message in Redis; a hanging Redis holds the caller twice
            # as long.
            "socket_timeout": 2,
            "socket_connect_timeout": RING_SECONDS,
        }
    # RabbitMQ loses unconfirmed messages: measured 208 of 300 over one broker kill, with
    # confirmation none.
    return {"confirm_publish": True}


class Worker(worker.Worker):
    """A worker whose pool is fed by a thread. Celery's event loop only runs with a broker."""

    def should_use_eventloop(self) -> bool:
        """Never: with it no job reaches a child, and no result returns, until a broker was
        reached.
        """
        return False


class Application(Celery):
    """Celery with our own worker class."""

    @property
    def Worker(self) -> type[Worker]:  # Celery's name
        """The class that `celery worker` starts."""
        return self.subclass_with_self(Worker)


TRANSPORT_ALIASES["filesystem"] = "config.file_broker:Transport"
# Celery warns of a fault outside a task with its whole text; our log has its type.
warnings.filterwarnings("ignore", message="Exception raised outside body", category=RuntimeWarning)
app = Application("tulga", broker=settings.CELERY_BROKER_URL, backend=None, set_as_current=True)
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    # So that `on_ack` of a job (config/feeding.py) runs when a child has finished it, not when it
    # takes it.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_track_started=False,
    task_soft_time_limit=policy.STEP_SOFT_LIMIT_SECONDS,
    task_time_limit=policy.STEP_HARD_LIMIT_SECONDS,
    worker_max_memory_per_child=policy.CHILD_MEMORY_BYTES // 1024,
    # Each with its own exchange and key: queues that share Celery's default ones all get every
    # message. RabbitMQ keeps one waiting message per queue, because all are equal.
    task_queues=[
        Queue(name, Exchange(name, type="direct"), routing_key=name, max_length=1)
        for name in policy.QUEUES
    ],
    task_default_queue="default",
    task_create_missing_queues=False,
    # One immediate retry: it costs a request 0.06 s if the broker refuses. Workers also poll.
    task_publish_retry=True,
    task_publish_retry_policy={
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
    },
    broker_transport_options=_transport_options(settings.CELERY_BROKER_URL),
    broker_connection_timeout=2,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # a worker waits for its broker without limit
    # Also for a refusing broker: a Redis with a full disk, or one that became a replica, ended
    # every worker.
    broker_channel_error_retry=True,
    worker_pool="config.pool:TaskPool",
    worker_prefetch_multiplier=1,
    # Seconds after which a lost child's job is given up, and its place is free. A later result does
    # not matter: the child wrote the rows itself.
    worker_lost_wait=1.0,
    # the fence keeps the late writer out
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    enable_utc=True,
    timezone="UTC",
)
# Celery would close a child's connection around each step, so that each new one loads its catalogue
# and plans again.
# Django's limit decides its age, as in a request: `keep_what_lives`. An SQLite file is closed after
# each step: a time limit during a wait for the lock would leave it locked without Django's
# knowledge.
if connection.vendor == "postgresql":
    app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize
# By its name: it needs models, which exist only after Django's set-up.
app.steps["worker"].add("config.feeding:Feeder")
app.autodiscover_tasks()


@worker_init.connect
def _refuse_to_start(**_: object) -> None:
    """Keeps a worker from starting on a wrong set-up. Celery swallows an `Exception` here, but
    not `SystemExit`.
    """
    starting.refuse_wrong_setup()
    starting.tell_of_others_keys()
    # The operator sees once, at the start, the error rates of face comparison and their source.
    for calibration in calibrations():
        logger.warning(calibration)
    connection.close()  # unused from here on, and no child may inherit it


@worker_process_init.connect
def limit_memory(**_: object) -> None:
    """Limits memory, so that a decompression bomb ends its own step only, which is retried and
    then fails.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    # A system without this limit, or a lower one from the operator, stays as it is.
    if soft == resource.RLIM_INFINITY or soft > policy.CHILD_ADDRESS_BYTES:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (policy.CHILD_ADDRESS_BYTES, hard))


@worker_process_init.connect
def keep_memory(**_: object) -> None:
    """Keeps freed memory for the next step; glibc would otherwise request it again, page by
    page.
    """
    with suppress(AttributeError):  # other libraries lack this call
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD)
        library.mallopt(_M_TRIM_THRESHOLD, policy.CHILD_MEMORY_BYTES)


@task_prerun.connect
def keep_what_lives(**_: object) -> None:
    """A step begins with its child's connection unless that is too old or broken."""
    for handle in connections.all(initialized_only=True):
        # A time limit struck while Django ended a transaction: Django still assumes that one, and
        # never reconnects.
        if handle.in_atomic_block or handle.closed_in_transaction:
            handle.in_atomic_block = False
            handle.close()
            del connections[handle.alias]
    close_old_connections()


@task_postrun.connect
def give_memory_back(**_: object) -> None:
    """Returns the memory of judged pictures to the system, at intervals: after each step it
    would be requested again.
    """
    if time.monotonic() - _given_back["at"] < policy.MEMORY_BACK_SECONDS:
        return
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    _given_back["at"] = time.monotonic()


@setup_logging.connect
def _use_our_log_lines(**_: object) -> None:
    """Keeps Celery from installing its own format, which prints arguments and exception texts."""
    dictConfig(settings.LOGGING)
