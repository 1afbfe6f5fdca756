"""Which deliveries a sender sends now, and what became of them. Any number of senders may run at
once.

A delivery is reserved by a lease with a random fence before a byte of it is sent, and its result is
written under that
fence: a killed sender's deliveries are sent by another, a late one's results are nobody's. Each
    arrives at least once.
"""

import logging
import random
import secrets
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import DataError, IntegrityError
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Least

from lenders import endpoints, policy
from lenders.models import Delivery, Lender, WebhookEndpoint
from lenders.posting import Outcome
from verification import clock, transactions
from verification.compiled import Compiled
from verification.core.errors import TulgaError
from verification.worker import sweep

logger = logging.getLogger(__name__)

# What an endpoint answers that wants to hear nothing more (Standard Webhooks): it is disabled at
# once.
_GONE = 410
INTERNAL = "internal"
"""The failure of a post that a fault of ours ended."""
# the column holds no more than 32 767, and a result that no row can hold is tried for ever
_TRIES_COUNTED = 1000


def take(*, room: int, failing_room: int) -> list[Delivery]:
    """Reserves due deliveries and counts their tries; at most `room`, of them to failing endpoints
    `failing_room`.

    1 to whom deliveries are due (nobody holds them)   2 their lenders' rows, without those that
    another sender holds just now   3 what is under way to them   4 the shares   5 the oldest of
    each share, under our fence
    """
    at, fence = clock.now(), secrets.token_hex(16)
    # 1 Asked before a transaction begins: on SQLite that keeps all others from writing, so it has
    # to be short.
    if room < 1 or not (waiting := dict(_hungry(sweep.modes()).ask(at))):
        return []
    awake, due = _awake(at, sweep.modes()), _due(at)
    with transactions.writing():
        # 2 Of one lender's deliveries only one sender at a time decides how many go: its bounds
        # hold for all senders.
        rows = Lender.objects.select_for_update(skip_locked=True, no_key=True).filter(
            pk__in=set(waiting.values())
        )
        ours = list(rows.values_list("pk", flat=True))
        under_way = _under_way(ours, at=at)  # 3
        chosen = list(awake.filter(pk__in=waiting, lender__in=ours))
        random.shuffle(chosen)
        shares = share(chosen, under_way=under_way, room=room, failing_room=failing_room)  # 4
        taken: list[Delivery] = []
        for endpoint in (one for one in chosen if shares[one.pk]):
            # 5 Of a failing endpoint's the one that was tried most often: so one climbs the ladder
            # to its end, and an endpoint that is gone for good is given up in the ladder's time,
            # however much waits for it.
            order = (*(("-tries",) if endpoint.failing else ()), "due_at", "lender_sequence", "id")
            taken += (
                due.filter(endpoint=endpoint)
                .order_by(*order)
                .select_related("endpoint")[: shares[endpoint.pk]]
            )
        # The endpoint stands in a subquery and is not joined: with a join Django updates `WHERE id
        # IN (SELECT …)`, and PostgreSQL does not ask a SELECT again for a row that another
        # transaction has just changed.
        still = WebhookEndpoint.objects.filter(
            pk=OuterRef("endpoint_id"), disabled_at=None, deleted_at=None
        )
        lease = at + timedelta(seconds=policy.POST_LEASE_SECONDS)
        ids, tries = [delivery.pk for delivery in taken], Least(F("tries") + 1, _TRIES_COUNTED)
        count = due.filter(Exists(still), pk__in=ids).update(
            lease_until=lease, fence=fence, tries=tries
        )
    if count < len(ids):  # some were put to sleep or taken meanwhile
        return list(Delivery.objects.select_related("endpoint").filter(pk__in=ids, fence=fence))
    for delivery in taken:
        delivery.lease_until, delivery.fence, delivery.tries = (
            lease,
            fence,
            min(delivery.tries + 1, _TRIES_COUNTED),
        )
    return taken


@cache
def _hungry(modes: tuple[str, ...]) -> Compiled[tuple[str, str]]:
    """Asks to which endpoints deliveries are due, and whose these are."""

    def rows(at: datetime) -> QuerySet[WebhookEndpoint, tuple[str, str]]:
        is_owed = Exists(_due(at).filter(endpoint=OuterRef("pk")))
        return _awake(at, modes).filter(is_owed).values_list("pk", "lender_id")

    return Compiled(rows)


def _awake(at: datetime, modes: tuple[str, ...]) -> QuerySet[WebhookEndpoint, WebhookEndpoint]:
    unpaused = Q(paused_until=None) | Q(paused_until__lte=at)
    return WebhookEndpoint.objects.filter(
        unpaused, mode__in=modes, disabled_at=None, deleted_at=None
    )


def _due(at: datetime) -> QuerySet[Delivery, Delivery]:
    """Deliveries that are due and that nobody holds."""
    return Delivery.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=at), status="pending", due_at__lte=at
    )


def share(
    hungry: Sequence[WebhookEndpoint], *, under_way: Counter[object], room: int, failing_room: int
) -> Counter[str]:
    """How many deliveries each endpoint gets, by its id: in turn one for each lender and mode,
    within all bounds.

    `under_way`: see `_under_way`; what is given here is added to it.
    """
    shares: Counter[str] = Counter()
    waiting: dict[tuple[str, str], deque[WebhookEndpoint]] = defaultdict(deque)
    for endpoint in hungry:
        waiting[endpoint.lender_id, endpoint.mode].append(endpoint)
    turns = deque(waiting)
    while turns and room > 0:
        owner = turns.popleft()
        while waiting[owner] and under_way[owner] < policy.LENDER_IN_FLIGHT:
            endpoint = waiting[owner].popleft()
            failing = (*owner, "failing")
            most = policy.IN_FLIGHT_FAILING if endpoint.failing else policy.IN_FLIGHT
            if under_way[endpoint.pk] >= most:
                continue
            if endpoint.failing and (
                failing_room < 1 or under_way[failing] >= policy.LENDER_IN_FLIGHT // 2
            ):
                continue
            under_way.update([endpoint.pk, owner])
            shares[endpoint.pk] += 1
            room -= 1
            if endpoint.failing:
                under_way[failing] += 1
                failing_room -= 1
            waiting[owner].append(endpoint)
            turns.append(owner)
            break
    return shares


def record_outcomes(ended: Sequence[tuple[Delivery, Outcome]]) -> None:
    """Writes what became of deliveries, each under its fence. May be called again with what it was
    called with.

    A result that no row can hold is logged and left: its delivery is sent again when its lease is
        over.
    """
    with transactions.writing():
        # Endpoints before deliveries, and in one order, as everywhere: so no two transactions wait
        # for each other.
        endpoints = WebhookEndpoint.objects.select_for_update(no_key=True).order_by("id")
        rows = {
            endpoint.pk: endpoint
            for endpoint in endpoints.filter(pk__in={one.endpoint_id for one, _ in ended})
        }
        for delivery, outcome in ended:
            try:
                with transactions.writing():
                    _record_outcome(delivery, rows[delivery.endpoint_id], outcome)
            except (
                DataError,
                IntegrityError,
                TulgaError,
                LookupError,
                TypeError,
                ValueError,
            ) as fault:
                logger.error(
                    "webhooks: the result of %s was not kept (%s)",
                    delivery.pk,
                    type(fault).__name__,
                )


def purge(*, at: datetime) -> bool:
    """Forgets deliveries of more than `policy.DELIVERY_DAYS`, a batch of them; whether there may be
    more.
    """
    old = Delivery.objects.filter(
        created_at__lt=at - timedelta(days=policy.DELIVERY_DAYS)
    ).order_by("created_at")
    batch = list(old.values_list("pk", flat=True)[: policy.DELIVERIES_PURGED])
    Delivery.objects.filter(pk__in=batch).delete()
    return len(batch) == policy.DELIVERIES_PURGED


def _under_way(lenders: Sequence[str], *, at: datetime) -> Counter[object]:
    """How many posts all senders have under way to these lenders.

    By endpoint (its id), by lender and mode, and of the latter those to failing endpoints (a third
    word, "failing").
    """
    counts: Counter[object] = Counter()
    held = Delivery.objects.filter(lease_until__gte=at, lender__in=lenders)
    grouped = held.values_list("endpoint_id", "lender_id", "mode", "endpoint__failures").annotate(
        Count("id")
    )
    for endpoint_id, lender_id, mode, failures, number in grouped.order_by():
        counts[endpoint_id] += number
        counts[lender_id, mode] += number
        if failures:
            counts[lender_id, mode, "failing"] += number
    return counts


def _record_outcome(delivery: Delivery, endpoint: WebhookEndpoint, outcome: Outcome) -> None:
    """Done, once more later, or never again; and what that says about the endpoint, whose row is
    ours until the end.
    """
    at = clock.now()
    # jitter, not a secret
    wait = policy.wait_seconds(delivery.tries, chance=random.random())  # noqa: S311
    is_ours = outcome.failure == INTERNAL
    if is_ours and wait is None:
        wait = policy.LADDER_SECONDS[-1]
    over = outcome.is_success or outcome.status == _GONE or wait is None
    later = at + timedelta(seconds=max(wait or 0, outcome.retry_after))
    columns: dict[str, Any] = {
        "status": ("delivered" if outcome.is_success else "exhausted") if over else "pending",
        "finished_at": at if over else None,
        "due_at": delivery.due_at if over else later,
        "lease_until": None,
        "fence": "",
        "response_status": outcome.status,
        "response_excerpt": outcome.excerpt,
        "response_ms": outcome.milliseconds,
        "failure": outcome.failure,
    }
    # The fence first: a sender whose lease ran out writes nothing.
    if (
        Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence, status="pending").update(
            **columns
        )
        != 1
    ):
        return
    # A fault of ours says nothing about the endpoint.
    if is_ours or (outcome.is_success and not endpoint.failing):
        return
    endpoint.failures = 0 if outcome.is_success else endpoint.failures + 1
    pause = max(policy.pause_seconds(endpoint.failures), outcome.retry_after)
    # Posts that began before a pause end within it: none of them shortens it.
    until = max(at + timedelta(seconds=pause), endpoint.paused_until or at)
    endpoint.paused_until = until if until > at else None
    endpoint.save(update_fields=("failures", "paused_until"))
    if over and not outcome.is_success:
        endpoints.disable(
            endpoint, reason="gone" if outcome.status == _GONE else "exhausted", at=at
        )
