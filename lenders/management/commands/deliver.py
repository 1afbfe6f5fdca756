"""`manage.py deliver`: sends webhooks to lenders. Several may run at once, on several hosts."""

import asyncio
import resource
import signal
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lenders import policy, sender
from verification import clock
from verification.case.stages import refuse_unsafe_live
from verification.core.errors import Misconfigured
from verification.worker import set_up


class Command(BaseCommand):
    """Sends until stopped."""

    help = "Posts lenders' events to their webhook endpoints, and deletes deliveries after 30 days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--once` does a single round, for cron or a test."""
        parser.add_argument("--once", action="store_true", help="one round, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        """On SIGTERM or SIGINT no new post begins; those in progress end within 15 seconds and
        are recorded.
        """
        try:
            refuse_unsafe_live()
            clock.require_right()
        except Misconfigured as error:
            raise CommandError(error.detail) from error
        set_up.keep_at_start()
        # Each post in progress has a socket, and a shell often gives a process only 1 024 files.
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = policy.FILES_MAX if hard == resource.RLIM_INFINITY else min(policy.FILES_MAX, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        stop = asyncio.Event()
        with asyncio.Runner() as runner:
            for signal_number in (signal.SIGTERM, signal.SIGINT):
                runner.get_loop().add_signal_handler(signal_number, stop.set)
            runner.run(sender.run(stop, is_single=options["once"]))
