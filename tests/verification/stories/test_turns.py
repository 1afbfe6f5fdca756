"""Lenders come in turn: whoever sends many borrowers at once makes nobody wait for all of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from tests.verification.stories.story import begin, lender
from verification import clock
from verification.case import policy
from verification.models import Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import queue

pytestmark = pytest.mark.django_db(transaction=True)


def due(number: int, *, many: int, queues: tuple[str, ...] = ("default",)) -> str:
    """A lender, to so many of whose verifications a judgement is owed in these queues, in turn;
    their id.
    """
    of = lender(number=10 * number)
    for each in range(many):
        story = begin(of, f"T-{number}-{each}")
        story.answer(agreed=False, version=CURRENT, language="ru")
        Verification.objects.filter(pk=story.id).update(queue=queues[each % len(queues)])
    return str(of.pk)


def reserved(limit: int) -> list[list[str]]:
    """The lenders of each batch, until nothing is left."""
    of = dict(Verification.objects.values_list("pk", "lender_id"))
    batches, after = list[list[str]](), dict[str, str]()
    while True:
        ids, after = queue.reserve(policy.QUEUES, limit=limit, at=clock.now(), last_lenders=after)
        if not ids:
            return batches
        batches.append([of[row_id] for row_id in ids])


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_nobody_waits_for_more_than_a_batch_of_each_other_lender(limit: int) -> None:
    many = {
        due(number, many=number_due): number_due
        for number, number_due in enumerate((13, 1, 2, 7), start=1)
    }
    rows = [lender_id for batch in reserved(limit) for lender_id in batch]
    assert {lender_id: rows.count(lender_id) for lender_id in many} == many
    for lender_id, others in ((one, set(many) - {one}) for one in many):
        at = [place for place, owner in enumerate(rows) if owner == lender_id]
        # Before its first, and between each two. A batch may end with one of a lender and the next
        # begin behind it.
        for start, end in zip([-1, *at], at, strict=False):
            between = rows[start + 1 : end]
            assert all(between.count(other) <= limit for other in others), (rows, lender_id)


def test_the_turn_of_one_queue_passes_over_nobody_in_another() -> None:
    lonely = due(1, many=1, queues=("eds",))
    many = [due(2, many=6), due(3, many=6, queues=("eds",)), due(4, many=6, queues=("faces",))]
    of = dict(Verification.objects.values_list("pk", "lender_id"))
    queues, after, batches = [*policy.QUEUES], dict[str, str](), 0
    while True:
        ids, after = queue.reserve(queues, limit=2, at=clock.now(), last_lenders=after)
        batches += 1
        if lonely in {of[row_id] for row_id in ids}:
            break
        # A backlog: of the others as much is due again.
        Verification.objects.filter(lender__in=many).update(reserved_until=None)
        queues.append(queues.pop(0))  # as a worker does
        assert batches < 3 * len(queues)


def test_of_one_lender_the_longest_due_comes_first_and_the_turn_goes_round() -> None:
    first, second = sorted((due(1, many=3), due(2, many=1)))
    _, after = queue.reserve(policy.QUEUES, limit=1, at=clock.now())
    assert after == {"default": first}
    _, after = queue.reserve(policy.QUEUES, limit=1, at=clock.now(), last_lenders=after)
    assert after == {"default": second}
    oldest = (
        Verification.objects.filter(lender=first).order_by("due_at").values_list("pk", flat=True)
    )
    queue.give_back(list(Verification.objects.values_list("pk", flat=True)))
    again, after = queue.reserve(policy.QUEUES, limit=1, at=clock.now(), last_lenders=after)
    assert (list(again), after) == ([oldest[0]], {"default": first})


def test_a_look_that_leaves_nothing_due_begins_the_turns_anew() -> None:
    assert queue.reserve(policy.QUEUES, limit=4, at=clock.now(), last_lenders={"eds": "x"}) == (
        {},
        {},
    )
    due(1, many=3)
    ids, after = queue.reserve(policy.QUEUES, limit=4, at=clock.now())
    assert (len(ids), after) == (3, {})


def test_a_row_that_another_worker_is_just_reserving_is_passed_over() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    due(1, many=3)
    held, *others = Verification.objects.order_by("due_at").values_list("pk", flat=True)

    def look() -> list[str]:
        try:
            return list(queue.reserve(policy.QUEUES, limit=9, at=clock.now())[0])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Verification.objects.select_for_update().get(pk=held)
        assert pool.submit(look).result(timeout=10) == others
