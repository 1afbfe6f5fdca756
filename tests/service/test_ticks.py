"""Any number of `tick` processes at once: each entry is ordered once, each event is told under one
id.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from insecure_sandbox.demo.processes import wait_until
from tests.service import database
from tests.service.deployment import Deployment

pytestmark = pytest.mark.service

_CASES = 8
_WHOLE = (pytest.mark.proof("ticks"), pytest.mark.whole)
_LEAVES = (
    "SELECT leaf_index, entry_id FROM verification_auditleaf WHERE log = 'test' ORDER BY leaf_index"
)
_ENTRIES = "SELECT id FROM verification_auditentry WHERE log = 'test'"


def open_and_cancel(deployment: Deployment, name: str, iin: str) -> str:
    """A verification of two entries, made while the ticks are at work."""
    opened = deployment.api.open(name, iin=iin, routes=["eds"])
    deployment.api.call("POST", f"/v1/verifications/{opened['id']}/cancel", {})
    return str(opened["id"])


@pytest.mark.parametrize("ticks", [2, pytest.param(4, marks=_WHOLE)])
def test_ticks_at_once_order_each_entry_once_and_tell_each_event_under_one_id(deployment, ticks):
    deployment.staff(workers=2, ticks=ticks)
    deployment.receiver.script.extend(
        [500] * 5
    )  # five posts fail, so that their events are told twice
    iins = [deployment.stage.iin() for _ in range(_CASES)]
    with ThreadPoolExecutor(max_workers=8) as lenders:
        names = (f"ticks-{ticks}-{number}" for number in range(_CASES))
        mine = set(
            lenders.map(
                lambda pair: open_and_cancel(deployment, *pair), zip(names, iins, strict=True)
            )
        )
    written = {entry for (entry,) in deployment.rows(_ENTRIES)}
    deployment.wait_for_log()
    leaves = deployment.rows(_LEAVES)
    ordered = [entry for _, entry in leaves]
    assert [index for index, _ in leaves] == list(range(len(leaves)))
    assert len(ordered) == len(set(ordered))
    # Workers go on meanwhile: each end gets a receipt. What was there before must be ordered,
    # nothing else may be.
    assert written <= set(ordered) <= {entry for (entry,) in deployment.rows(_ENTRIES)}
    assert deployment.audit() == ""
    events = {
        event["id"]: event for event in deployment.events() if event["data"]["verification"] in mine
    }
    assert len(events) == 2 * _CASES
    wait_until(lambda: set(events) <= set(deployment.received()), what="every webhook", seconds=120)
    assert not deployment.receiver.script
    wait_until(
        lambda: undelivered(deployment).isdisjoint(events),
        what="every webhook to be taken",
        seconds=120,
    )
    came = deployment.received()
    assert {len(bodies) for bodies in came.values()} == {1}, (
        "a copy of an event differs from another"
    )
    assert set(came) <= {event["id"] for event in deployment.events()}


@pytest.mark.rabbitmq
def test_what_is_said_to_be_kept_long_enough_a_tick_finds_and_a_worker_looks_up(deployment):
    case = open_and_cancel(deployment, "kept", deployment.stage.iin())
    wait_until(
        lambda: deployment.entries(case)[-1] == "receipt.issued", what="its receipt", seconds=20
    )
    before = deployment.entries(case)
    database.write(
        deployment.folder,
        "UPDATE verification_verification SET frames_until = finished_at WHERE id = %s",
        case,
    )
    owed = (
        "SELECT frames_until > finished_at, step, status FROM verification_verification WHERE id"
        " = %s"
    )
    done = [(True, "", "canceled")]
    wait_until(
        lambda: deployment.rows(owed, case) == done,
        what="a worker of the queue `storage`",
        seconds=20,
    )
    # It ended just now: the worker goes by the log, puts the row right, and says so once.
    assert deployment.entries(case) == [*before, "step.faulted"]


def undelivered(deployment: Deployment) -> set[str]:
    """Events that are still to be told. One whose worker another test killed may wait for
    minutes.
    """
    pending = deployment.rows("SELECT event_id FROM lenders_delivery WHERE status = 'pending'")
    return {event_id for (event_id,) in pending}
