"""A borrower whom the sandbox plays stands in the log of test mode alone, and every check says so
from then on.
"""

from collections.abc import Sequence

import pytest

from tests.verification.log.histories import WHOLE, Said, codes, entries_of
from verification.log.legality import faults_of

ENGINE = {"name": "insecure_simulated", "scenario": "verified"}
PLAYED: Said = ("simulation.requested", {"scenario": "verified", "route": "eds"})


def saying(history: Sequence[Said], engine: dict[str, str] | None) -> list[Said]:
    """The same, each check with this under `engine`."""
    marked = []
    for entry_type, body in history:
        more = (
            {"checks": [{**one, "engine": engine} for one in body["checks"]]}
            if "checks" in body
            else {}
        )
        marked.append((entry_type, {**body, **more}))
    return marked


def test_a_played_borrower_is_verified_as_any_other() -> None:
    assert codes([WHOLE[0], PLAYED, *saying(WHOLE[1:], ENGINE)]) == []


@pytest.mark.parametrize("engine", [{"name": "tulga"}, {**ENGINE, "scenario": "eds_revoked"}, None])
def test_a_check_that_hides_it_is_named(engine: dict[str, str] | None) -> None:
    found = codes([WHOLE[0], PLAYED, *saying(WHOLE[1:], engine)])
    assert {code for code, _ in found} == {"simulation_hidden"}
    assert len(found) == sum(entry_type == "attempt.judged" for entry_type, _ in WHOLE)


def test_checks_without_a_word_of_it_are_named() -> None:
    assert {code for code, _ in codes([WHOLE[0], PLAYED, *WHOLE[1:]])} == {"simulation_hidden"}


def test_checks_do_not_name_a_simulation_that_was_not_requested() -> None:
    assert {code for code, _ in codes([WHOLE[0], *saying(WHOLE[1:], ENGINE)])} == {
        "simulation_hidden"
    }


def test_no_simulation_begins_while_an_answer_is_judged() -> None:
    assert ("illegal_move", 4) in codes([*WHOLE[:3], PLAYED, *saying(WHOLE[3:], ENGINE)])


def test_no_simulation_begins_after_the_end() -> None:
    assert codes([*WHOLE, PLAYED]) == [("after_end", len(WHOLE) + 1)]


def test_live_mode_refuses_a_played_borrower() -> None:
    assert [
        (entry.type, code)
        for entry, (code, _) in faults_of(entries_of([WHOLE[0], PLAYED], log="live"))
    ] == [("simulation.requested", "law_unknown")]
