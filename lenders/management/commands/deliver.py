"""`manage.py deliver`: tells lenders by webhooks. Any number may run at once, on as many hosts."""

import asyncio
import resource
import signal
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lenders import policy, sender
from verification import clock
from verification.case.readiness import refuse_unsafe_live
from verification.core.errors import Misconfigured


class Command(BaseCommand):
    """Sends until it is told to stop."""

    help = (
        "Posts what lenders are told to their webhook endpoints, and forgets deliveries after 30"
        " days."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--once` does a single round, for cron or a test."""
        parser.add_argument("--once", action="store_true", help="one round, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        """On SIGTERM or SIGINT nothing new is begun; what is under way ends within 15 seconds and
        is written down.
        """
        try:
            refuse_unsafe_live()
            clock.require_right()
        except Misconfigured as error:
            raise CommandError(error.detail) from error
        # Each post under way has a socket, and what a shell gives a process is often 1 024 files.
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
