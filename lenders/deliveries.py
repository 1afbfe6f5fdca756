"""Deliveries: rows for messages to endpoints, made from the ordered log or again, reserved by a
sender, and ended.

Each endpoint has a cursor, and events after it become rows, once: compare-and-set on the cursor
keeps two pumps from making a delivery twice.
A sender reserves a delivery by a lease with a random fence before it sends a byte, and writes the
result under that fence.
So another sender takes over a killed sender's deliveries, and a late result does not count.
Each message arrives at least once. Several pumps and senders may run at once.
"""

import json
import logging
import random
import secrets
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import DataError, IntegrityError
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, When, Window
from django.db.models.functions import Least, Random, RowNumber

from lenders import endpoints, policy, register
from lenders.answers import Moment
from lenders.models import Delivery, Lender, WebhookEndpoint
from lenders.resources import checkpoints
from lenders.resources import events as lender_events
from lenders.resources.events import Event, EventBody
from verification import clock, transactions
from verification.compiled import Compiled
from verification.core.errors import Conflict, NotFound, TulgaError
from verification.core.ids import new_id
from verification.worker import sweep

logger = logging.getLogger(__name__)

TEST_TYPE = "endpoint.test"
"""The type of a message that only tests an endpoint."""
# The answer of an endpoint that wants no more messages (Standard Webhooks): it is disabled at once.
_GONE = 410
INTERNAL = "internal"
"""The failure of a post through a fault of ours."""
# the column holds at most 32 767, and a result that fits no row would be retried for ever
_TRIES_COUNTED = 1000


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a POST: the other side's status, or a word why there is none.

    milliseconds: its duration.
    retry_after: seconds of the requested pause, bounded.
    """

    status: int | None = None
    failure: str = ""
    excerpt: str = ""
    milliseconds: int = 0
    retry_after: float = 0

    @property
    def is_success(self) -> bool:
        """Only 2xx is a success; redirects are not followed, because their target is unchecked."""
        return self.status is not None and 200 <= self.status <= 299


@cache
def _endpoints_in_arrears(modes: tuple[str, ...]) -> Compiled[Any]:
    """Endpoints with outstanding events, one per lender before any second one; one more than are
    served.

    Lenders after the last served one come first. Of one lender's endpoints chance picks: each gets
    its turn, and one whose events cannot be read holds up no other.
    """

    def rows(cursor: str) -> QuerySet[Any, Any]:
        newest = lender_events.last_sequence_of_row(lender="lender_id", mode="mode")
        awake = WebhookEndpoint.objects.filter(mode__in=modes, disabled_at=None, deleted_at=None)
        in_arrears = awake.annotate(to_come=newest - F("cursor")).filter(to_come__gt=0)
        of_lender = Window(RowNumber(), partition_by="lender_id", order_by=Random())
        had_its_turn = Case(When(lender_id__lte=cursor, then=1), default=0)
        in_turn = in_arrears.annotate(place=of_lender).order_by("place", had_its_turn, "lender_id")
        return in_turn[: policy.PUMP_ENDPOINTS + 1]

    return Compiled(rows)


def pump(*, cursor: str = "") -> tuple[str, bool]:
    """Makes deliveries of outstanding events, a batch for a few endpoints, in turn.

    Returns the last served lender, which is the `cursor` of the next call, and whether more wait.
    So neither a lender's backlog, nor its stream of events, nor its many endpoints delay another's.
    A fault at one endpoint is logged and stops no other.
    """
    most = policy.PUMP_ENDPOINTS
    owed = _endpoints_in_arrears(sweep.modes()).ask(cursor)
    count = 0
    for endpoint in owed[:most]:
        try:
            count += pump_endpoint(endpoint)
        except (DataError, IntegrityError, TulgaError, LookupError, TypeError, ValueError) as fault:
            logger.error(
                "webhooks: events of %s cannot be read (%s)", endpoint.pk, type(fault).__name__
            )
    # Unreadable events stay outstanding, but must not keep the sender busy.
    has_more = count > 0 and (
        len(owed) > most or max(row.to_come for row in owed) > policy.EVENTS_BATCH
    )
    return owed[:most][-1].lender_id if owed else cursor, has_more


def pump_endpoint(endpoint: WebhookEndpoint) -> int:
    """Makes the next deliveries of one endpoint, unless another pump was faster; returns the
    number of its events.
    """
    page = lender_events.events_after(
        lender_id=endpoint.lender_id,
        mode=endpoint.mode,
        cursor=endpoint.cursor,
        limit=policy.EVENTS_BATCH,
    )
    if not page.data:
        return 0
    awake = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None, deleted_at=None)
    with transactions.writing():
        # The cursor first: if it has moved, nothing is written.
        if awake.filter(cursor=endpoint.cursor).update(cursor=page.data[-1].lender_sequence) != 1:
            return 0
        at = clock.now()
        events = [
            event for event in page.data if not endpoint.events or event.type in endpoint.events
        ]
        note = checkpoints.newest_checkpoint(endpoint.mode)
        # The bodies are fixed from now on, with the log's newest checkpoint.
        rows = [
            Delivery(
                endpoint=endpoint,
                lender_id=endpoint.lender_id,
                mode=endpoint.mode,
                event_id=event.id,
                type=event.type,
                lender_sequence=event.lender_sequence,
                event_at=event.timestamp,
                body=spell_body(payload(event, note)),
                created_at=at,
                due_at=at,
            )
            for event in events
        ]
        Delivery.objects.bulk_create(rows)
    return len(page.data)


def payload(event: Event, checkpoint: str | None) -> dict[str, Any]:
    """A webhook's content for an event."""
    return {**EventBody().to_representation(event), "checkpoint": checkpoint}


def unproven(deliveries: Sequence[Delivery]) -> set[str]:
    """Ids of deliveries that contradict the log, or whose endpoint does: an attacker with access to
    rows may have made them.

    The lender's own reference is not compared, because erasure removes it.
    """
    events = lender_events.events_named(
        {delivery.event_id for delivery in deliveries if delivery.type != TEST_TYPE}
    )
    doubtful = {delivery.pk for delivery in deliveries}
    sound = register.as_stated([delivery.endpoint for delivery in deliveries])
    for delivery in (row for row in deliveries if row.endpoint_id in sound):
        endpoint = delivery.endpoint
        if (endpoint.lender_id, endpoint.mode) != (delivery.lender_id, delivery.mode):
            continue
        event = events.get((delivery.lender_id, delivery.event_id))
        try:
            body = json.loads(bytes(delivery.body))
            note, place = body.pop("checkpoint"), event.log_index if event else 0
            is_right = checkpoints.is_covered(note, mode=delivery.mode, log_index=place)
            if delivery.type == TEST_TYPE:
                about = [value for name, value in body["data"].items() if name != "mode"]
                is_empty = body["type"] == TEST_TYPE and about.count(None) == len(about)
                is_proven = is_empty and (is_right or note is None)
            elif event is None or event.mode != delivery.mode or not is_right:
                is_proven = False
            else:
                meant = payload(event, None)
                del meant["checkpoint"]
                meant["data"] = {
                    **meant["data"],
                    "client_reference": body["data"].get("client_reference"),
                }
                is_proven = bool(body == meant)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            is_proven = False
        if is_proven:
            doubtful.discard(delivery.pk)
    return doubtful


def spell_body(body: dict[str, Any]) -> bytes:
    """The bytes to sign and send."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def of_lender(lender: Lender, *, mode: str) -> QuerySet[Delivery]:
    """A lender's deliveries in a mode."""
    return Delivery.objects.filter(lender=lender, mode=mode)


def redeliver(lender: Lender, *, mode: str, delivery_id: str) -> Delivery:
    """A fresh delivery of the same event and body, sent soon even during a pause of its endpoint.

    Raises: `NotFound`, or `Conflict`: its endpoint is disabled, or too many redeliveries wait.
    """
    delivery = (
        of_lender(lender, mode=mode).select_related("endpoint").filter(pk=delivery_id).first()
    )
    if delivery is None:
        raise NotFound("no such delivery")
    with transactions.writing():
        _require_room(lender, mode=mode)
        _wake(delivery.endpoint)
        copy = _copy(delivery, at=clock.now())
        copy.save(force_insert=True)
    return copy


def redeliver_range(
    lender: Lender, *, mode: str, start: datetime, end: datetime, endpoint_id: str | None
) -> tuple[int, bool]:
    """Fresh deliveries of the events from `start` up to `end`; returns how many, and whether some
    remain.

    Waiting deliveries are skipped, so a repeated call adds nothing.

    Raises: `Conflict`, as above.
    """
    first = of_lender(lender, mode=mode).filter(
        redelivery_of="", event_at__gte=start, event_at__lt=end
    )
    awake = first.filter(endpoint__disabled_at=None, endpoint__deleted_at=None).exclude(
        type=TEST_TYPE
    )
    if endpoint_id is not None:
        awake = awake.filter(endpoint_id=endpoint_id)
    with transactions.writing():
        room = _require_room(lender, mode=mode)
        copies = of_lender(lender, mode=mode).filter(status="pending").exclude(redelivery_of="")
        sent = awake.exclude(status="pending").exclude(pk__in=copies.values("redelivery_of"))
        batch = list(sent.order_by("event_at", "id")[: room + 1])
        at = clock.now()
        Delivery.objects.bulk_create([_copy(delivery, at=at) for delivery in batch[:room]])
    return min(len(batch), room), len(batch) > room


def send_test(endpoint: WebhookEndpoint) -> Delivery:
    """A signed message of the type `endpoint.test`, which is no event and in no list or log.

    Raises: `Conflict`, as `redeliver`.
    """
    at = clock.now()
    nothing = {
        "verification": None,
        "client_reference": None,
        "status": None,
        "sequence": None,
        "clearance": None,
        "renews": None,
        "mode": endpoint.mode,
    }
    body = {
        "version": policy.API_VERSION,
        "type": TEST_TYPE,
        "timestamp": Moment().to_representation(at),
        "lender_sequence": None,
        "data": nothing,
        "checkpoint": checkpoints.newest_checkpoint(endpoint.mode),
    }
    with transactions.writing():
        _require_room(endpoint.lender, mode=endpoint.mode)
        _wake(endpoint)
        return Delivery.objects.create(
            endpoint=endpoint,
            lender_id=endpoint.lender_id,
            mode=endpoint.mode,
            event_id=new_id("evt"),
            type=TEST_TYPE,
            event_at=at,
            body=spell_body(body),
            created_at=at,
            due_at=at,
        )


def _require_room(lender: Lender, *, mode: str) -> int:
    """How many more may wait; the lender's row is the lock until the transaction ends.

    Raises: `Conflict` for none.
    """
    # No key lock: inserts of rows that refer to this lender, such as an opening, need not wait
    # (PostgreSQL, FOR NO KEY UPDATE).
    Lender.objects.select_for_update(no_key=True).get(pk=lender.pk)
    requested = ~Q(redelivery_of="") | Q(type=TEST_TYPE)
    room = (
        policy.REDELIVER_MAX
        - of_lender(lender, mode=mode).filter(requested, status="pending").count()
    )
    if room < 1:
        detail = f"{policy.REDELIVER_MAX} redeliveries are waiting to be sent"
        raise Conflict(detail, code="redelivery_limit")
    return room


def _wake(endpoint: WebhookEndpoint) -> None:
    """Ends a pause: a lender who requests a message wants to see it.

    Raises: `Conflict` if the endpoint is disabled.
    """
    if endpoint.disabled_at is not None or endpoint.deleted_at is not None:
        raise Conflict("this endpoint is disabled", code="endpoint_disabled")
    WebhookEndpoint.objects.filter(pk=endpoint.pk).exclude(paused_until=None).update(
        paused_until=None
    )


def _copy(delivery: Delivery, *, at: datetime) -> Delivery:
    return Delivery(
        endpoint_id=delivery.endpoint_id,
        lender_id=delivery.lender_id,
        mode=delivery.mode,
        event_id=delivery.event_id,
        type=delivery.type,
        lender_sequence=delivery.lender_sequence,
        event_at=delivery.event_at,
        redelivery_of=delivery.redelivery_of or delivery.pk,
        body=bytes(delivery.body),
        created_at=at,
        due_at=at,
    )


def reserve(*, room: int, failing_room: int) -> list[Delivery]:
    """Reserves due deliveries and counts their tries; at most `room`, of them `failing_room` to
    failing endpoints.

    1. Find endpoints with due, unreserved deliveries.
    2. Lock their lenders' rows, without those that another sender locks.
    3. Count the posts in progress to them.
    4. Compute the shares.
    5. Take the oldest of each share, under our fence.
    """
    at, fence = clock.now(), secrets.token_hex(16)
    # 1 Outside the transaction: on SQLite it blocks all other writers, so it must be short.
    if room < 1 or not (waiting := dict(_hungry(sweep.modes()).ask(at))):
        return []
    awake, due = _awake(at, sweep.modes()), _due(at)
    with transactions.writing():
        # 2 For one lender only one sender at a time decides how many go: its bounds hold over all
        # senders.
        rows = Lender.objects.select_for_update(skip_locked=True, no_key=True).filter(
            pk__in=set(waiting.values())
        )
        ours = list(rows.values_list("pk", flat=True))
        under_way = _under_way(ours, at=at)  # 3
        chosen = list(awake.filter(pk__in=waiting, lender__in=ours))
        random.shuffle(chosen)
        shares = share(chosen, under_way=under_way, room=room, failing_room=failing_room)  # 4
        reserved: list[Delivery] = []
        for endpoint in (candidate for candidate in chosen if shares[candidate.pk]):
            # 5 For a failing endpoint, the one with the most tries: it climbs the ladder to the
            # end. So a dead endpoint is given up in the ladder's time, however much waits for it.
            order = (*(("-tries",) if endpoint.failing else ()), "due_at", "lender_sequence", "id")
            reserved += (
                due.filter(endpoint=endpoint)
                .order_by(*order)
                .select_related("endpoint")[: shares[endpoint.pk]]
            )
        # The endpoint is in a subquery, not joined: with a join Django updates `WHERE id IN (SELECT
        # …)`. PostgreSQL does not recheck a SELECT for a row that another transaction has just
        # changed.
        still = WebhookEndpoint.objects.filter(
            pk=OuterRef("endpoint_id"), disabled_at=None, deleted_at=None
        )
        lease = at + timedelta(seconds=policy.POST_LEASE_SECONDS)
        ids, tries = [delivery.pk for delivery in reserved], Least(F("tries") + 1, _TRIES_COUNTED)
        count = due.filter(Exists(still), pk__in=ids).update(
            lease_until=lease, fence=fence, tries=tries
        )
    if count < len(ids):  # some were paused or taken meanwhile
        return list(Delivery.objects.select_related("endpoint").filter(pk__in=ids, fence=fence))
    for delivery in reserved:
        delivery.lease_until, delivery.fence, delivery.tries = (
            lease,
            fence,
            min(delivery.tries + 1, _TRIES_COUNTED),
        )
    return reserved


@cache
def _hungry(modes: tuple[str, ...]) -> Compiled[tuple[str, str]]:
    """Endpoints with due deliveries, and their lenders."""

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
    """Due deliveries without a sender's reservation."""
    return Delivery.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=at), status="pending", due_at__lte=at
    )


def share(
    hungry: Sequence[WebhookEndpoint], *, under_way: Counter[object], room: int, failing_room: int
) -> Counter[str]:
    """How many deliveries each endpoint gets, by its id: in turn one per lender and mode, within
    all bounds.

    `under_way`: see `_under_way`; the result is added to it.
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
    """Writes the results of deliveries, each under its fence. A repeated call is safe.

    A result that fits no row is logged and left: its delivery is sent again after its lease.
    """
    with transactions.writing():
        # Endpoints before deliveries, and in one order, as everywhere, which prevents deadlocks.
        endpoints = WebhookEndpoint.objects.select_for_update(no_key=True).order_by("id")
        rows = {
            endpoint.pk: endpoint
            for endpoint in endpoints.filter(pk__in={row.endpoint_id for row, _ in ended})
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
                    "webhooks: the result of %s was not stored (%s)",
                    delivery.pk,
                    type(fault).__name__,
                )


def purge(*, at: datetime) -> bool:
    """Deletes deliveries older than `policy.DELIVERY_DAYS`, one batch; returns whether there may
    be more.
    """
    old = Delivery.objects.filter(
        created_at__lt=at - timedelta(days=policy.DELIVERY_DAYS)
    ).order_by("created_at")
    batch = list(old.values_list("pk", flat=True)[: policy.DELIVERIES_PURGED])
    Delivery.objects.filter(pk__in=batch).delete()
    return len(batch) == policy.DELIVERIES_PURGED


def _under_way(lenders: Sequence[str], *, at: datetime) -> Counter[object]:
    """How many posts all senders have in progress to these lenders.

    By endpoint (its id), by lender and mode, and of the latter those to failing endpoints (a third
    word, "failing").
    """
    counts: Counter[object] = Counter()
    leased = Delivery.objects.filter(lease_until__gte=at, lender__in=lenders)
    grouped = leased.values_list("endpoint_id", "lender_id", "mode", "endpoint__failures").annotate(
        Count("id")
    )
    for endpoint_id, lender_id, mode, failures, number in grouped.order_by():
        counts[endpoint_id] += number
        counts[lender_id, mode] += number
        if failures:
            counts[lender_id, mode, "failing"] += number
    return counts


def _record_outcome(delivery: Delivery, endpoint: WebhookEndpoint, outcome: Outcome) -> None:
    """Done, once more later, or never again; and the effect on the endpoint, whose row is locked
    until the end.
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
    # The fence first: a sender whose lease expired writes nothing.
    if (
        Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence, status="pending").update(
            **columns
        )
        != 1
    ):
        return
    # A fault of ours is no evidence about the endpoint.
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
