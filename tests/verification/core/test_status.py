from verification.core.status import OPEN, TERMINAL, Status


def test_a_verification_is_open_or_has_ended() -> None:
    assert TERMINAL.isdisjoint(OPEN)
    assert set(Status) == OPEN | TERMINAL
