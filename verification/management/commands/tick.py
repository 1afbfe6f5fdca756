"""`manage.py tick`: lapses, expires and orders the log. It judges nothing. Several may run at
once.
"""

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, OperationalError, close_old_connections

from verification import clock, transactions
from verification.case import policy
from verification.core.errors import TulgaError
from verification.worker import set_up, sweep
from verification.worker.pulse import TICK, Heart

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Runs rounds until stopped."""

    help = "Lapses silent dialogues, expires old cases, and orders the log."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--once` does a single round, for cron or a test."""
        parser.add_argument("--once", action="store_true", help="one round, then exit")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        """Stops after the present round on SIGTERM or SIGINT. Does not start on a log that was
        rolled back.
        """
        stop = threading.Event()
        if not once:
            for signal_number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(signal_number, lambda *_: stop.set())
        try:
            clock.require_right()
            self._begin(stop, is_single=once)
        except TulgaError as error:
            raise CommandError(error.detail) from error
        whole_at, heart = time.monotonic(), Heart(TICK, Path(settings.TULGA_LOG_HEAD_DIR))
        while once or not stop.is_set():
            close_old_connections()
            began_at = time.monotonic()
            is_whole = began_at >= whole_at
            try:
                with transactions.running(scope=transactions.ALL):
                    # On a wrong clock fresh dialogues would lapse. The clock itself has reported
                    # that.
                    done = sweep.run_round(is_whole=is_whole) if clock.is_right() else 0
                    heart.beat()
                if done:
                    took = int((time.monotonic() - began_at) * 1000)
                    logger.info("round: %d done, %d ms", done, took)
                whole_at = time.monotonic() + policy.SWEEP_SECONDS if is_whole else whole_at
            except Exception:
                if once:
                    raise
                # A process edge: a database that is briefly away must not end the only sweeper.
                logger.exception("a round of tick failed")
            if once:
                return
            stop.wait(policy.TICK_SECONDS)
        with suppress(Error):  # another sees that it is late
            heart.stop()

    @staticmethod
    def _begin(stop: threading.Event, *, is_single: bool) -> None:
        """Checks for a rolled-back log until the database has answered, and records the
        certified keys in each log.
        """
        while not stop.is_set():
            close_old_connections()
            try:
                sweep.refuse_forked_log()
                with transactions.running(scope=transactions.ALL):
                    sweep.put_keys_on_record()
                    set_up.keep()
                    return
            except OperationalError as error:
                if is_single:
                    raise
                logger.warning("the database does not answer yet (%s)", type(error).__name__)
            stop.wait(policy.TICK_SECONDS)
