"""manage.py tulga_listen: sends a lender's test events to a developer's address, signed as
webhooks.

For a receiver under development: it may be on localhost and needs no endpoint. Nothing is retried.
"""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections
from django.db.models import Q

from lenders import deliveries, endpoints, policy
from lenders.models import Lender
from lenders.resources import checkpoints, events
from lenders.resources.events import Event
from verification import clock, outbound, transactions
from verification.core.errors import TulgaError

_MODE = "test"


class Command(BaseCommand):
    """Sends until stopped."""

    help = "Sends a lender's test events to a developer's address, signed as webhooks."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose events, where to, and from which one on."""
        parser.add_argument("lender", help="len_… or BIN")
        parser.add_argument(
            "--forward-to", required=True, metavar="URL", help="http://127.0.0.1:9000/webhooks, say"
        )
        parser.add_argument(
            "--after",
            type=int,
            metavar="N",
            help="the lender_sequence after which to start; by default now",
        )
        parser.add_argument("--once", action="store_true", help="the present events, then exit")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the secret and the key for verification, then a line for each event with the
        receiver's answer.
        """
        stop = threading.Event()
        if not options["once"]:
            for signal_number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(signal_number, lambda *_: stop.set())
        with transactions.running(scope=transactions.ALL):
            name = options["lender"]
            lender = Lender.objects.filter(Q(pk=name) | Q(bin=name)).first()
            if lender is None:
                raise CommandError("there is no such lender")
            cursor = options["after"]
            cursor = (
                events.last_sequence(lender_id=lender.pk, mode=_MODE) if cursor is None else cursor
            )
        secret, (seed, public) = endpoints.new_secret(), endpoints.new_signing_key()
        self.stdout.write(f"secret      {endpoints.spell_secret(secret)}\npublic key  {public}")
        self.stdout.write("Both are valid for this run only. Ctrl-C ends it.")
        while not stop.is_set():
            close_old_connections()
            with transactions.running(scope=transactions.ALL):
                page = events.events_after(lender_id=lender.pk, mode=_MODE, cursor=cursor)
                note = checkpoints.newest_checkpoint(_MODE)
            for event in page.data:
                sent = self._send(
                    options["forward_to"],
                    event,
                    note,
                    secret=secret,
                    seed=seed,
                )
                self.stdout.write(f"{event.lender_sequence}  {event.type}  {event.id}  {sent}")
                cursor = event.lender_sequence
            if options["once"] and not page.has_more:
                return
            stop.wait(0 if page.has_more else policy.LISTEN_SECONDS)

    @staticmethod
    def _send(url: str, event: Event, note: str | None, *, secret: bytes, seed: bytes) -> str:
        body = deliveries.spell_body(deliveries.payload(event, note))
        at = int(clock.now().timestamp())
        headers = endpoints.sign(
            message_id=event.id, timestamp=at, body=body, shared_secrets=[secret], seed=seed
        )
        request = outbound.Request(
            method="POST",
            url=url,
            headers={**headers, "Content-Type": "application/json"},
            body=body,
            limits=outbound.Limits(seconds=policy.POST_SECONDS, max_bytes=policy.EXCERPT_BYTES),
            is_public_only=False,  # its operator names their own machine
            wants_whole=False,
        )
        try:
            return str(outbound.send(request).status)
        except TulgaError as fault:
            return fault.code
