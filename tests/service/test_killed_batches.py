"""Workers killed with a batch in hand: what had begun is charged, and nothing else.

`make prove PART=backlog` kills twenty beside each broker.
"""

from functools import partial

import pytest

from insecure_sandbox.demo.processes import wait_until
from tests.overload.test_backlog import make_due
from tests.service.deployment import Deployment

pytestmark = pytest.mark.service

_ROWS, _CHILDREN = 80, 2
_MINE = "client_reference LIKE 'due-%%'"
_LEFT = f"SELECT COUNT(*) FROM verification_verification WHERE due_at IS NOT NULL AND {_MINE}"  # noqa: S608
_OWED = f"SELECT faults, lease_until, reserved_until FROM verification_verification WHERE step <> '' AND {_MINE}"  # noqa: E501, S608
_ENDS = f"SELECT DISTINCT status FROM verification_verification WHERE {_MINE}"  # noqa: S608


def test_a_worker_killed_with_a_batch_in_hand_charges_what_it_had_begun_and_nothing_else(
    deployment: Deployment,
) -> None:
    def left() -> int:
        return int(deployment.rows(_LEFT)[0][0])

    deployment.staff(workers=0, ticks=1)
    make_due(deployment, 0, _ROWS)
    kills, reserved = 0, 0
    while not reserved and left():
        before, name = left(), deployment.start_worker(children=_CHILDREN)
        wait_until(partial(lambda before: left() < before, before), what="a step", seconds=60)
        deployment.kill_worker(name)
        kills += 1
        owed = deployment.rows(_OWED)
        begun = [lease for faults, lease, _ in owed if faults]
        assert len(begun) <= kills * _CHILDREN, "more steps were charged than there were children"
        assert all(begun), "a row was charged that was never begun"
        reserved = sum(bool(hand and not lease) for _, lease, hand in owed)
    assert reserved, "no batch was in hand"
    deployment.start_worker(children=_CHILDREN)
    wait_until(lambda: left() == 0, what="the rest", seconds=120)
    assert deployment.rows(_ENDS) == [("declined",)]
