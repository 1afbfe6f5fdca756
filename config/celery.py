"""The Celery application: processes, pools, limits, and a doorbell that may lose a ring. The rows
are the queue.
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
# What is only told of the application, as web is, has said before who it is.
env.act_as("worker")
# They load every page, 21 MB of each child, and Celery forgets what they find. What matters is
# asked at its start.
env.skip_checks_by_celery()
starting.load_settings()

logger = logging.getLogger(__name__)

# glibc's malloc.h, mallopt(3): from how many bytes a block is mapped by itself, and from how many
# free ones at its end a heap is cut. The first may be no larger.
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
            # Seconds between looks into an empty folder. kombu's default of 1 was measured to take
            # one ring a second.
            "polling_interval": 0.1,
        }
    if scheme in ("redis", "rediss"):
        return {
            # Seconds after which Redis hands an unacknowledged task to another worker: above the
            # hard limit, or a healthy task would be started twice. The two restore options were
            # measured to bring a killed worker's tasks back in 19 s, not 108.
            "visibility_timeout": 2 * policy.STEP_HARD_LIMIT_SECONDS,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            # Twice what a worker lets Redis wait for a bell; a Redis that hangs holds the
            # caller so long, twice.
            "socket_timeout": 2,
            "socket_connect_timeout": RING_SECONDS,
        }
    # RabbitMQ loses what it has not confirmed: measured 208 of 300 over one broker kill, with
    # confirmation none.
    return {"confirm_publish": True}


class Worker(worker.Worker):
    """A worker whose pool is fed by a thread. Celery's event loop would only run while a broker is
    there.
    """

    def should_use_eventloop(self) -> bool:
        """Never: with it no job reaches a child, and no result comes back, until the broker was
        reached.
        """
        return False


class Application(Celery):
    """Celery, with our own kind of worker."""

    @property
    def Worker(self) -> type[Worker]:  # Celery's name
        """What `celery worker` starts."""
        return self.subclass_with_self(Worker)


TRANSPORT_ALIASES["filesystem"] = "config.file_broker:Transport"
# Celery warns of a fault outside of a task with the fault's whole text; the log tells its type.
warnings.filterwarnings("ignore", message="Exception raised outside body", category=RuntimeWarning)
app = Application("tulga", broker=settings.CELERY_BROKER_URL, backend=None, set_as_current=True)
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    # So that `on_ack` of a job (config/feeding.py) is called when a child is done with it, not as
    # it takes it.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_track_started=False,
    task_soft_time_limit=policy.STEP_SOFT_LIMIT_SECONDS,
    task_time_limit=policy.STEP_HARD_LIMIT_SECONDS,
    worker_max_memory_per_child=policy.CHILD_MEMORY_BYTES // 1024,
    # Each with an exchange and a key of its own: those that share Celery's default ones all get
    # every ring. RabbitMQ keeps one waiting message a queue. One bell is enough, for all say the
    # same.
    task_queues=[
        Queue(name, Exchange(name, type="direct"), routing_key=name, max_length=1)
        for name in policy.QUEUES
    ],
    task_default_queue="default",
    task_create_missing_queues=False,
    # One immediate retry: it costs a request 0.06 s when the broker refuses. Workers look by
    # themselves as well.
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
    broker_connection_max_retries=None,  # a worker waits for its broker for as long as it takes
    # Also for one that is there and refuses: a Redis whose disk is full, or that became a replica,
    # ended every worker.
    broker_channel_error_retry=True,
    worker_pool="config.pool:TaskPool",
    worker_prefetch_multiplier=1,
    # Seconds after which the job of a child that is gone is given up, and its place is free. A
    # result that comes later is not missed: what counts was written by the child.
    worker_lost_wait=1.0,
    # the fence keeps the late writer out
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    enable_utc=True,
    timezone="UTC",
)
# Celery would close a child's connection before and after each step, so that each asked a server
# process which knew no table and had planned nothing. How old one may be is Django's to say, as in
# a request: `keep_what_lives`. A file of SQLite's is closed after each: a limit that strikes while
# the lock is waited for leaves it locked, and Django unaware.
if connection.vendor == "postgresql":
    app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize
# By its name: it needs models, which are there only after Django's set-up.
app.steps["worker"].add("config.feeding:Feeder")
app.autodiscover_tasks()


@worker_init.connect
def _refuse_to_start(**_: object) -> None:
    """Keep a worker from starting on a wrong set-up. Celery swallows an `Exception` here, but no
    `SystemExit`.
    """
    starting.refuse_wrong_setup()
    starting.tell_of_others_keys()
    # The operator reads once, at the start, how often the judgement of faces errs, and who says so.
    for calibration in calibrations():
        logger.warning(calibration)
    connection.close()  # asks no more, and no child may inherit it


@worker_process_init.connect
def limit_memory(**_: object) -> None:
    """A picture that unfolds without end ends its own step, which is tried again and then fails,
    and nothing else.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    # Where the system knows no such limit, or the operator set a lower one, that stands.
    if soft == resource.RLIM_INFINITY or soft > policy.CHILD_ADDRESS_BYTES:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (policy.CHILD_ADDRESS_BYTES, hard))


@worker_process_init.connect
def keep_memory(**_: object) -> None:
    """What a step has done with stays for the next one; glibc would ask the system for it again,
    page by page.
    """
    with suppress(AttributeError):  # other libraries have no such call
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD)
        library.mallopt(_M_TRIM_THRESHOLD, policy.CHILD_MEMORY_BYTES)


@task_prerun.connect
def keep_what_lives(**_: object) -> None:
    """A step begins with its child's connection unless that is too old or was broken."""
    for handle in connections.all(initialized_only=True):
        # A limit struck while Django ended a transaction: it believes in that one for ever, and
        # connects no more.
        if handle.in_atomic_block or handle.closed_in_transaction:
            handle.in_atomic_block = False
            handle.close()
            del connections[handle.alias]
    close_old_connections()


@task_postrun.connect
def give_memory_back(**_: object) -> None:
    """What judged pictures took goes back to the system, now and then: after each step it would be
    asked for again.
    """
    if time.monotonic() - _given_back["at"] < policy.MEMORY_BACK_SECONDS:
        return
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    _given_back["at"] = time.monotonic()


@setup_logging.connect
def _use_our_log_lines(**_: object) -> None:
    """Keep Celery from installing its own format: it would print arguments and exception texts."""
    dictConfig(settings.LOGGING)
