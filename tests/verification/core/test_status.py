from verification.core.status import MOVES, OPEN, TERMINAL, Move, Status


def test_nothing_leaves_a_terminal_status():
    assert TERMINAL.isdisjoint(status for status, _ in MOVES)


def test_every_open_status_can_end_and_verified_comes_only_from_judging_or_review():
    assert {status for status, _ in MOVES} == OPEN
    assert {status for (status, move) in MOVES if move is Move.VERIFY} == {Status.PROCESSING, Status.IN_REVIEW}


def test_a_review_may_end_verify_decline_or_ask_on_and_is_not_judged_again():
    left = {move for (status, move) in MOVES if status is Status.IN_REVIEW}
    assert left == {Move.ASK, Move.VERIFY, Move.DECLINE, Move.EXPIRE, Move.CANCEL}
    assert MOVES[Status.IN_REVIEW, Move.ASK] is Status.REQUIRES_INPUT
