import itertools

import pytest

from verification.core.errors import Conflict
from verification.core.status import MOVES, OPEN, TERMINAL, Move, Status, after


def test_nothing_leaves_a_terminal_status():
    for status, move in itertools.product(TERMINAL, Move):
        with pytest.raises(Conflict):
            after(status, move)


def test_every_open_status_can_end_and_verified_comes_only_from_judging_or_review():
    assert {status for status, _ in MOVES} == OPEN
    assert {status for (status, move) in MOVES if move is Move.VERIFY} == {Status.PROCESSING, Status.IN_REVIEW}


def test_a_review_may_end_verify_decline_or_ask_on_and_is_not_judged_again():
    left = {move for (status, move) in MOVES if status is Status.IN_REVIEW}
    assert left == {Move.ASK, Move.VERIFY, Move.DECLINE, Move.EXPIRE, Move.CANCEL}
    assert after(Status.IN_REVIEW, Move.ASK) is Status.REQUIRES_INPUT


def test_a_move_outside_the_table_is_a_conflict():
    assert after(Status.REQUIRES_INPUT, Move.SUBMIT) is Status.PROCESSING
    with pytest.raises(Conflict):
        after(Status.REQUIRES_INPUT, Move.VERIFY)
