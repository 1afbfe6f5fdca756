"""However many verifications there are, every hot query uses an index and touches few pages. See
the package.
"""

import importlib
import inspect
import pkgutil
from typing import Any

import pytest

from lenders import resources
from tests.growth import run
from tests.proofs import Figures
from verification import access, artifacts, case, payout, worker
from verification.oversight import case_file, search

pytestmark = [pytest.mark.service, pytest.mark.proof("growth")]

VERIFICATIONS, _FEW = 1_000_000, 20_000
BUFFERS = 100
"""Pages of 8 KiB that one statement may touch."""
BUFFERS_A_ROW = 20
"""The same for each row of a longer answer, or of several written: ids are random, so a row, its
key and its decision lie each by itself behind an index of three levels, and a written row has a
place in each index of its table.
"""
SMALL_TABLE = 5_000
"""Rows of a table that may be read from end to end: counts, lenders, what waits for the next round
of the sweep.
"""

# Functions that no question need run, each with its reason; all others of these rooms must have
# run.
NOT_HOT = {
    "access.erasures": "the row of a case and its renewals by their keys, and their entries",
    "case.blocks": "the entries of the cases on a page, by two types; and those of blocked ones",
    "case.freezing": "the clearances of one case",
    "access.subjects": "one request of a person by its key or its token's hash, and one entry",
    "access.in_person": "the requests of 90 minutes by an index, and their entries by keys",
    "access.acting": "one row of a person, locked by its key, and their statements by an index",
    "worker.identifying": "due requests of the last hour by an index, and one by its key",
    "worker.purge.purge": "a case by its key, its entries and rows, and those of its renewals",
    "access.passkeys": "one row of a person, locked by its key",
    "case.contents.lock_of_lender": "one row by its key",
    "case.contents.require_test": "asks no row",
    "case.policy.backoff": "asks no row",
    "case.stages.titles": "asks no row",
    "case.stages.live_is_complete": "asks no row",
    "case.stages.refuse_unsafe_live": "asks no row",
    "case.stages.refuse_unsigned": "asks no row",
    "case.stages.calibrations": "asks no row",
    "case.stages.route_readiness": "asks no row",
    "oversight.case_file.timeline": "asks no row",
    "oversight.search.result_line": "asks no row",
    "oversight.search.reading_lines": "asks no row",
    "oversight.search.problems": "asks no row",
    "oversight.search.has_both_factors": "asks no row",
    "oversight.search.person_of": "asks no row",
    "oversight.search.is_not_kept": "asks no row",
    "oversight.search.form_refused": "asks no row",
    "worker.replay.judge_again": "the entries and the evidence of one case, once",
    "worker.replay.worst": "asks no row",
    "worker.replay.replay_sample": (
        "the operator's command: walks over the ids of all judgements once"
    ),
    "artifacts.reading.read_for_lender": "by the verification's key, and the entries of one case",
    "artifacts.reading.read_for_borrower": "by the verification's key, and the entries of one case",
    "artifacts.reading.is_offered": "by the verification's key, and the entries of one case",
    "lenders.resources.checkpoints.is_covered": "one checkpoint by its size",
    "lenders.resources.checkpoints.consistency": (
        "the newest checkpoint, and tiles of the tree by their keys"
    ),
    "access.open_page.is_looked_at": "one row by its key",
    "worker.run.release": "a step's fault: the statements of a step",
    "payout.gates.attested_answers": (
        "the entries of one case, and those of one person's with one lender"
    ),
    "payout.reports": "by the verification's key, and the entries of one case",
    "payout.clearances": (
        "by the clearance's or the verification's key, and the entries of one case; a revocation,"
        " the operator's command, walks over decisions from an index on, once"
    ),
    "worker.clearing.clear": "one case, its entries and its clearance",
    "access.openings.open_renewal": "inserts as an opening does",
    "payout.renewals": "by keys, and the entries of one case and of its new consents",
    "artifacts.making.is_document_owed": "asks no row",
    "case.steps.ring": "rings, after the commit",
    "artifacts.reading.is_of": "asks no row",
    "case.dossier.checks_in": "asks no row",
    "case.dossier.lend_shown": "the evidence of one attempt, once it goes to people",
    "case.steps.ask_to_lend": "one row by its key",
    "worker.lending": "the entries of one case and the looks at it, by their index, for a download",
    "case.dossier.shown": "the evidence of one attempt, for its reviewers",
    "case.dossier.checks_of": (
        "opens what it is given; where that cannot be read, one case's entries"
    ),
    "worker.run.document": "the attempts of one case, once",
    "worker.run.stop": "the entries of one case, once",
    "worker.run.turn_away": "the entries and attempts of one case, seldom",
    "worker.run.weigh": "the attempts and entries of one case, once",
    "case.dossier.stated_checks": "asks no row",
    "worker.judge.look": "the entries and the evidence of one attempt, as `prepare`",
    "case.moving.lawful_combinations": "asks no row",
    "case.moving.read_sound": "as `read`",
    "case.moving.read_flawed": "the entries of one case, once it has a flaw",
    "case.moving.stated": "asks no row",
    "case.moving.word": "asks no row",
    "access.hand_over": "by the hash of a secret or the verification's key, a few times a case",
    "payout.gates.ask_outside": "the entries of one case, and the evidence of its consent",
    "payout.gates.keep_answers": "inserts as a judgement does",
    "access.links.peek": "by the hash of a secret",
    "access.tokens": (
        "by the hash of a secret or the verification's key, a few times a case; where a link or"
        " session was refused, the key of one case by its key"
    ),
    "case.votes": ("the people of one lender, and the entries of one case and of its new consents"),
    "access.links.is_of_session": "by the hash of a secret",
    "access.links.lock_session": "what `visit` asks, and the row by its key",
    "access.mobile_signing": (
        "by the hash of a secret or the verification's key, a few times a case"
    ),
    "worker.judge.exhaust": "a verification's end, by what was read before",
    "artifacts.signing": "asks no row",
    "worker.queue.record_fault": "one entry of one case",
    "worker.queue.correct": "one row by its key and fence",
    "worker.queue.release": "one row by its key and fence",
    "case.attempts.take_quota": "one row of the day by its key",
    "case.test_clock": (
        "a developer's, of test mode: a hundred and one rows at most, by lender, status and time"
    ),
    "access.addresses": "asks no row",
    "access.rates": "counts in memory",
    "access.simulations": (
        "a developer's, of test mode: by the verification's key, and the entries of one case"
    ),
    "artifacts.making.make_late_receipt": "the entries of one case, once",
    "worker.sweep.put_keys_on_record": "once, as a process starts",
    "worker.set_up": "once, as a process starts: the statements of sources and processes",
    "worker.sweep.refuse_forked_log": "once, as a process starts",
    "lenders.resources.events.events_named": "some leaves by their entries",
}


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The plans of all hot queries of one generated database."""
    if request.config.getoption("--prove"):
        return run.ask(verifications=VERIFICATIONS)
    return run.ask(verifications=_FEW, times=0)


def broken(plan: dict[str, Any], sizes: dict[str, int]) -> str:
    """Why a statement is not one of a hot query; empty if it is."""
    scanned = [table for table in plan["scanned"] if sizes.get(table, 0) > SMALL_TABLE]
    if scanned:
        return f"reads all of {', '.join(scanned)}"
    allowed = max(BUFFERS, BUFFERS_A_ROW * plan["rows"])
    return (
        ""
        if plan["buffers"] <= allowed
        else f"touches {plan['buffers']} pages for {plan['rows']} rows"
    )


def test_every_hot_query_uses_an_index_and_touches_few_pages(
    found: dict[str, Any], proof_figures: Figures
) -> None:
    asked = [(name, plan) for name, one in found["questions"].items() for plan in one["plans"]]
    wrong = [
        f"{name}: {why}: {plan['statement']}"
        for name, plan in asked
        if (why := broken(plan, found["sizes"]))
    ]
    few = [plan["buffers"] for _, plan in asked if plan["rows"] <= BUFFERS // BUFFERS_A_ROW]
    proof_figures |= {
        f"rows_{table}": rows for table, rows in found["sizes"].items() if table.startswith("verif")
    }
    proof_figures |= {
        "questions": len(found["questions"]),
        "statements": len(asked),
        "most_buffers": max(plan["buffers"] for _, plan in asked),
        "most_buffers_of_up_to_five_rows": max(few),
        "indexes_used": len({index for _, plan in asked for index in plan["indexes"]}),
    }
    assert wrong == []


def test_a_query_without_an_index_is_noticed(found: dict[str, Any]) -> None:
    whys = {
        name: [broken(plan, found["sizes"]) for plan in plans]
        for name, plans in found["controls"].items()
    }
    assert [name for name, why in whys.items() if why and all(why)] == [
        "by a column without an index",
        "all counted",
    ]


def test_every_function_that_asks_rows_was_asked(found: dict[str, Any]) -> None:
    ran = {name.removeprefix("verification.") for name in found["functions"]}
    modules = [
        importlib.import_module(f"{room.__name__}.{module.name}")
        for room in (access, artifacts, case, payout, worker, resources)
        for module in pkgutil.iter_modules(room.__path__)
    ]
    there = {
        f"{module.__name__.removeprefix('verification.')}.{name}"
        for module in (*modules, case_file, search)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__
        # A page asks by the other functions of its room.
        if not name.startswith("_") and not name.endswith("_page")
    }
    excused = {name for name in there if name in NOT_HOT or name.rpartition(".")[0] in NOT_HOT}
    assert there - excused - ran == set()
    assert {
        name
        for name in NOT_HOT
        if not any(one == name or one.startswith(f"{name}.") for one in there)
    } == set()
