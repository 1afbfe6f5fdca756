"""`manage.py tick`: sweeps what is due, orders the log, rings for deliveries. Any number may run at once."""

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from verification.core.errors import TulgaError
from verification.workflow import policy, sweep

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Runs rounds until it is told to stop."""

    help = "Re-rings due steps, lets silent dialogues lapse, orders the log and rings for deliveries."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--once` does a single round, for cron or a test."""
        parser.add_argument("--once", action="store_true", help="one round, then exit")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        """Stops after the round under way on SIGTERM or SIGINT. Does not begin on a log that was rolled back."""
        try:
            sweep.refuse_forked_log()
        except TulgaError as error:
            raise CommandError(error.detail) from error
        if once:
            sweep.run_round()
            return
        stop = threading.Event()
        for asked in (signal.SIGTERM, signal.SIGINT):
            signal.signal(asked, lambda *_: stop.set())
        number = 0
        while not stop.is_set():
            _round(number)
            number += 1
            stop.wait(policy.TICK_SECONDS)


def _round(number: int) -> None:
    close_old_connections()
    try:
        sweep.run_round(deliveries=number % policy.DELIVERY_ROUNDS == 0)
    except Exception:
        # A process edge: a database that is away for a moment must not end the only sweeper.
        logger.exception("a round of tick failed")
