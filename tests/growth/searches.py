"""Every way in which a regulator may combine what a search asks by."""

from collections.abc import Callable
from functools import partial

from verification.oversight import search

PERSON = "usr_" + "a" * 26


def of(lender_id: str) -> dict[str, Callable[[], object]]:
    """Every way a regulator may combine lender, route and outcome, of what there is and of what
    there is not.
    """
    found: dict[str, Callable[[], object]] = {}
    for mode in ("live", "test"):
        for one_lender in ("", lender_id):
            for route in ("", "eds", "remote_card"):
                for outcome in ("", "verified", "in_review"):
                    question = search.Question(
                        lender_id=one_lender,
                        route=route if route in search.ROUTES else "",
                        outcome=outcome,
                        mode=mode,
                    )
                    name = (
                        f"search {mode} {'of a lender' if one_lender else ''} {question.route}"
                        f" {outcome}"
                    )
                    found[name] = partial(search.search, person_id=PERSON, question=question)
    return found
