"""The process that sends webhooks: database rounds in one thread, posts in an asyncio loop. Several
may run.

A round writes results, makes deliveries of new events and reserves due ones; then they are posted.
A hanging endpoint holds only a socket. While the database is silent, posts in progress continue and
their results are kept.
"""

import asyncio
import logging
import re
import time
import unicodedata
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from socket import getaddrinfo
from typing import Final

from django.db import Error, close_old_connections, connection

from lenders import deliveries, endpoints, idempotency, policy
from lenders.deliveries import Outcome
from lenders.models import Delivery, Sender
from verification import clock, outbound, transactions
from verification.core.errors import BadInput, EvidenceUnreadable, Unavailable
from verification.core.ids import new_id
from verification.outbound.addresses import LookUp

logger = logging.getLogger(__name__)

Sent = tuple[Delivery, Outcome]
_UNPRINTABLE = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_INVISIBLE = frozenset({"Cf", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of direction marks and invisible characters."""
_LONG_NUMBER = re.compile(r"[0-9]{9,}")
# Else a date. One in the zone -0000 has no zone in Python: its difference is a TypeError, and no
# pause applies.
_SECONDS = re.compile(r"[0-9]{1,10}")
_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "Tulga-Webhooks"}


@dataclass
class Rounds:
    """One process's state between its rounds, in the thread that queries the database."""

    name: str = field(default_factory=partial(new_id, "snd"))
    tidy_at: float = 0  # by the monotonic clock; at once at first
    pumped: str = ""  # the last served endpoint

    def work(
        self, ended: Sequence[Sent], *, room: int, failing_room: int
    ) -> tuple[list[Delivery], bool]:
        """One round; returns the reserved deliveries to post now, and whether more wait.

        Raises: database errors.
        """
        close_old_connections()
        with transactions.running(scope=transactions.ALL):
            if ended:
                deliveries.record_outcomes(ended)
                for delivery, outcome in ended:
                    result = outcome.status or outcome.failure
                    took = outcome.milliseconds
                    logger.info("webhook %s: %s, %d ms", delivery.pk, result, took)
            if time.monotonic() >= self.tidy_at:
                # Reports this sender, and deletes old rows, a batch of each kind.
                at = clock.now()
                with transactions.writing():
                    if clock.is_right():  # on a wrong clock it sends nothing
                        Sender.objects.update_or_create(pk=self.name, defaults={"seen_at": at})
                    Sender.objects.filter(seen_at__lt=at - timedelta(days=1)).delete()
                    idempotency.purge(at=at)
                    has_more = deliveries.purge(at=at)
                self.tidy_at = time.monotonic() + (0 if has_more else policy.SEEN_SECONDS)
            # On a wrong clock no delivery is taken. The clock itself has reported it by then.
            if room < 1 or not clock.is_right():
                return [], False
            self.pumped, more = deliveries.pump(cursor=self.pumped)
            reserved = deliveries.reserve(room=room, failing_room=failing_room)
            # A delivery that contradicts the log is put off, as after a fault of ours.
            if unproven := deliveries.unproven(reserved) if reserved else set():
                logger.error(
                    "webhooks: not in the log, and so not sent: %s", ", ".join(sorted(unproven))
                )
                put_off = [
                    (delivery, Outcome(failure=deliveries.INTERNAL))
                    for delivery in reserved
                    if delivery.pk in unproven
                ]
                deliveries.record_outcomes(put_off)
            return [delivery for delivery in reserved if delivery.pk not in unproven], more

    def end(self) -> None:
        """Reports the end of this sender."""
        with transactions.running(scope=transactions.ALL):
            Sender.objects.filter(pk=self.name).delete()
        connection.close()


def running() -> int:
    """How many senders have reported within `policy.UNSEEN_SECONDS`."""
    since = clock.now() - timedelta(seconds=policy.UNSEEN_SECONDS)
    return Sender.objects.filter(seen_at__gte=since).count()


async def post(
    url: str, *, mode: str, headers: Mapping[str, str], body: bytes, look_up: LookUp = getaddrinfo
) -> Outcome:
    """Sends a body once; never raises for anything on the other side."""
    started = time.monotonic()
    try:
        target = endpoints.read_address(url, mode=mode)
        answer = await outbound.send_async(
            outbound.Request(
                method="POST",
                url=target.url,
                headers={**headers, **_HEADERS},
                body=body,
                limits=outbound.Limits(seconds=policy.POST_SECONDS, max_bytes=policy.EXCERPT_BYTES),
                is_public_only=not target.is_listed,
                wants_whole=False,
                look_up=look_up,
            )
        )
    except (BadInput, Unavailable) as fault:
        # A name's target is a part of the address, and refused in the same word.
        outcome = Outcome(
            failure="webhook_url_refused" if fault.code == "address_refused" else fault.code
        )
    else:
        # Harmless text: no control characters, no long numbers, no misleading characters.
        text = _LONG_NUMBER.sub(
            "[number]", _UNPRINTABLE.sub("", answer.body.decode("utf-8", "replace"))
        )
        # A direction mark, for example, as its visible number.
        signs = (
            f"\\u{ord(sign):04x}" if unicodedata.category(sign) in _INVISIBLE else sign
            for sign in text
        )
        excerpt = "".join(signs).encode()[: policy.EXCERPT_BYTES].decode("utf-8", "ignore")
        outcome = Outcome(status=answer.status, excerpt=excerpt)
        if not outcome.is_success:
            # The seconds of a `Retry-After`, from a number or a date (RFC 9110 §10.2.3).
            word = answer.retry_after[: policy.RETRY_AFTER_CHARACTERS].strip()
            try:
                until = None if _SECONDS.fullmatch(word) else parsedate_to_datetime(word)
                seconds = float(word) if until is None else (until - clock.now()).total_seconds()
            except (TypeError, ValueError, OverflowError):
                seconds = 0
            outcome = replace(
                outcome, retry_after=min(max(seconds, 0), policy.RETRY_AFTER_MAX_SECONDS)
            )
    return replace(outcome, milliseconds=int((time.monotonic() - started) * 1000))


async def send(delivery: Delivery, *, look_up: LookUp = getaddrinfo) -> Sent:
    """One delivery, posted once, and its result; never raises."""
    try:
        headers = endpoints.signed_headers(delivery, at=clock.now())
        outcome = await post(
            delivery.endpoint.url,
            mode=delivery.mode,
            headers=headers,
            body=bytes(delivery.body),
            look_up=look_up,
        )
    except EvidenceUnreadable:
        # The key-encryption key is gone or the row was swapped: only the operator can help, so the
        # ladder runs on.
        outcome = Outcome(failure="secret_unreadable")
    except Exception as fault:
        # The edge of a post: one lender's answer must not end the sender of all.
        logger.error("webhooks: posting %s failed (%s)", delivery.pk, type(fault).__name__)
        outcome = Outcome(failure=deliveries.INTERNAL)
    return delivery, outcome


class Outgoing:
    """The posts in progress of this process."""

    def __init__(self, *, look_up: LookUp) -> None:
        """`look_up`: resolves names."""
        self._look_up = look_up
        # by task, whether its endpoint was failing
        self._flying: dict[asyncio.Task[Sent], bool] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._flying)

    def room(self) -> dict[str, int]:
        """How many more there may be, and how many of these to failing endpoints, which get at
        most half.
        """
        failing = sum(self._flying.values())
        most = policy.SENDER_IN_FLIGHT
        return {"room": most - len(self._flying), "failing_room": most // 2 - failing}

    def begin(self, deliveries: Sequence[Delivery]) -> None:
        """Starts these posts."""
        for delivery in deliveries:
            task = asyncio.create_task(send(delivery, look_up=self._look_up))
            self._flying[task] = delivery.endpoint.failing

    async def ended(self, *, seconds: float) -> list[Sent]:
        """Results of posts that end within the time; waits only for the first."""
        if not self._flying:
            await asyncio.sleep(seconds)
            return []
        done, _ = await asyncio.wait(
            self._flying, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if done:
            await asyncio.sleep(policy.GATHER_SECONDS)
        over = [task for task in self._flying if task.done()]
        for task in over:
            del self._flying[task]
        return [task.result() for task in over]


async def run(
    stop: asyncio.Event, *, look_up: LookUp = getaddrinfo, is_single: bool = False
) -> None:
    """Sends until stopped; then posts in progress end by their own deadline and are recorded.

    `is_single`: one round, then stop.
    """
    rounds, outgoing = Rounds(), Outgoing(look_up=look_up)
    ended: list[Sent] = []
    with ThreadPoolExecutor(1, "rows") as rows:
        ask = partial(asyncio.get_running_loop().run_in_executor, rows)
        while outgoing or ended or not stop.is_set():
            room = {"room": 0, "failing_room": 0} if stop.is_set() else outgoing.room()
            try:
                reserved, more = await ask(partial(rounds.work, ended, **room))
            except Exception:
                if is_single:
                    raise
                # The edge of the process: an absent database must not end it, and no result is
                # lost.
                logger.exception("webhooks: a round of the sender failed")
                if stop.is_set() and not outgoing:
                    return  # another sender repeats deliveries whose results were not written
                ended += await outgoing.ended(seconds=policy.SILENCE_SECONDS)
                continue
            outgoing.begin(reserved)
            if is_single:
                stop.set()
            ended = await outgoing.ended(
                seconds=0 if more or (stop.is_set() and not outgoing) else policy.WAKE_SECONDS
            )
        try:
            await ask(rounds.end)
        except Error as fault:
            logger.warning(
                "webhooks: the end of this sender was not recorded (%s)", type(fault).__name__
            )
