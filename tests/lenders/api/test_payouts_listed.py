"""`GET /v1/clearances`: a lender compares a day with its books."""

import csv
import json
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta
from io import StringIO
from threading import Event
from typing import Any

import pytest
from django.db import connection, connections, transaction

from lenders import keys
from lenders.models import Lender
from tests import registered
from tests.growth.asked import explaining
from tests.growth.test_growth import broken
from tests.lenders.api import payouts
from tests.lenders.api.clearing import ask, cleared, consume, contract_of, verified
from tests.lenders.samples import Caller, code, faults
from tests.lenders.shapes import hold
from tests.proofs import Figures
from tests.responses import Response
from tests.verification.log.rows import order_all, tamper
from tests.verification.stories.story import order
from verification import clock
from verification.log.payouts import Range, beginning, page
from verification.models import AuditEntry, Clearance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

PATH = "/v1/clearances"
DAY = {"consumed_from": "2026-03-01T00:00:00+05:00", "consumed_to": "2026-03-02T00:00:00+05:00"}
BEGIN = datetime.fromisoformat(DAY["consumed_from"])


def table_of(response: Response) -> list[dict[str, str]]:
    """The rows of a CSV, by its header."""
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = response.getvalue().decode()
    assert text.count("\r\n") == text.count("\n")
    return list(csv.DictReader(StringIO(text, newline="")))


def asked_csv(api: Caller, **query: str) -> Response:
    """What `Accept: text/csv` gets."""
    return api._client.get(PATH, query_params=query, headers={"accept": "text/csv"})


def listed(api: Caller, limit: str = "2", **query: str) -> list[dict[str, Any]]:
    """All pages, one after the other."""
    rows, after = [], dict[str, str]()
    while True:
        page = hold(api.get(PATH, limit=limit, **query, **after), PATH, "get")
        rows += page["data"]
        assert page["has_more"] == (page["next"] is not None)
        if not page["has_more"]:
            return rows
        after = {"after": page["next"]}


def test_a_list_holds_what_each_clearance_says_when_it_is_read(api, lender, issued):
    waiting, spent, void, renewed = (verified(lender, issued, f"L-{n}") for n in range(4))
    asked = ask(api, waiting, contract_sha256=contract_of(0)).json()
    paid = cleared(api, spent, contract_sha256=contract_of(1))
    consume(api, paid, contract_sha256=contract_of(1))
    old = cleared(api, void, contract_sha256=contract_of(2))
    new = cleared(api, void, contract_sha256=contract_of(2))
    unordered = ask(api, renewed, contract_sha256=contract_of(3)).json()
    order()
    renewed.work()
    of_all = {one["id"]: one for one in listed(api)}
    assert of_all == {name: api.get(f"{PATH}/{name}").json() for name in of_all}
    assert of_all.keys() == {one["id"] for one in (asked, paid, old, new, unordered)}
    for status in ("processing", "issued", "refused", "superseded", "consumed", "frozen"):
        assert {one["id"] for one in listed(api, status=status)} == {
            name for name, one in of_all.items() if one["status"] == status
        }, status


def test_a_payout_is_listed_once_the_log_has_ordered_it(api, clearance):
    assert consume(api, clearance).status_code == 200
    assert listed(api, status="consumed") == []
    order()
    [one] = listed(api, status="consumed")
    assert one == api.get(f"{PATH}/{clearance['id']}").json()
    [event] = api.get("/v1/events", type="clearance.consumed").json()["data"]
    begin, end = (clock.now() + timedelta(days=days) for days in (-1, 1))
    query = {"consumed_from": begin.isoformat(), "consumed_to": end.isoformat()}
    [row] = table_of(asked_csv(api, **query))
    assert row == {
        **{name: one[name] for name in row.keys() & one.keys()},
        "client_reference": "A-1",
        "event": event["id"],
        "log_index": str(event["log_index"]),
    }
    assert [name for name in row if name in ("iin", "payout_account")] == []


def test_a_range_begins_with_its_first_moment_and_ends_before_its_last(api, lender):
    second = timedelta(seconds=1)
    times = [BEGIN - second, BEGIN, BEGIN + timedelta(days=1) - second, BEGIN + timedelta(days=1)]
    paid = payouts.issued(lender, 4)
    payouts.pay(paid, times)
    order_all()
    expected = [one.pk for one in paid[1:3]]
    assert [one["id"] for one in listed(api, limit="1", **DAY)] == expected
    assert [row["id"] for row in table_of(asked_csv(api, **DAY))] == expected
    utc = {"consumed_from": "2026-02-28T19:00:00Z", "consumed_to": "2026-03-01T19:00:00Z"}
    assert [one["id"] for one in listed(api, **utc)] == expected


def test_a_payout_that_is_committed_late_with_an_earlier_time_is_not_missed(api, lender):
    *early, late, last = payouts.issued(lender, 5)
    payouts.pay(early, [BEGIN + timedelta(hours=n) for n in (1, 2, 3)])
    order_all()
    page = api.get(PATH, limit="2", **DAY).json()
    payouts.pay([late, last], [BEGIN, BEGIN + timedelta(hours=4)])
    order_all()
    rows = page["data"]
    while page["has_more"]:
        page = api.get(PATH, limit="1", **DAY, after=page["next"]).json()
        rows += page["data"]
    assert [one["id"] for one in rows] == [one.pk for one in (*early, late, last)]
    assert listed(api, **DAY)[0]["id"] == late.pk


def test_a_place_of_the_end_lists_what_came_since(api, lender):
    first, second = payouts.issued(lender, 2)
    payouts.pay([first], [BEGIN])
    order_all()
    sequence = str(api.get("/v1/events").json()["data"][-1]["lender_sequence"])
    assert api.get(PATH, after=sequence, **DAY).json()["data"] == []
    payouts.pay([second], [BEGIN])
    order_all()
    assert [one["id"] for one in api.get(PATH, after=sequence, **DAY).json()["data"]] == [second.pk]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"status": "paid"}, ("?status", "choice_unknown")),
        ({"consumed_from": "2026-03-01"}, ("?consumed_from", "time_malformed")),
        ({"consumed_to": "2026-03-01T00:00:00"}, ("?consumed_to", "time_malformed")),
        ({**DAY, "consumed_to": DAY["consumed_from"]}, ("?consumed_to", "out_of_range")),
        ({**DAY, "status": "issued"}, ("?status", "choice_unknown")),
        ({"after": "ver_" + "a" * 26}, ("?after", "cursor_malformed")),
        ({"after": "clr_" + "a" * 26}, ("?after", "cursor_unknown")),
        ({"after": "clr_" + "a" * 26, **DAY}, ("?after", "cursor_unknown")),
        ({"after": "5-evt_" + "a" * 26, **DAY}, ("?after", "cursor_unknown")),
        ({"after": "5-"}, ("?after", "cursor_unknown")),
        ({"limit": "101"}, ("?limit", "out_of_range")),
        ({"paid_from": "2026-03-01T00:00:00Z"}, ("?paid_from", "unknown_field")),
    ],
    ids=str,
)
def test_a_question_that_cannot_be_read_is_refused(api, query, fault):
    refused = api.get(PATH, **query)
    assert (code(refused), faults(refused)) == ((422, "bad_input"), {fault})


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ({"consumed_from": DAY["consumed_from"]}, ("?consumed_to", "required")),
        ({"consumed_to": DAY["consumed_to"]}, ("?consumed_from", "required")),
        ({**DAY, "consumed_to": "2026-04-01T00:00:01+05:00"}, ("?consumed_to", "out_of_range")),
        ({**DAY, "after": "5"}, ("?after", "unknown_field")),
    ],
    ids=str,
)
def test_a_table_is_of_a_whole_range_of_a_month_at_most(api, query, fault):
    refused = asked_csv(api, **query)
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (code(refused), faults(refused)) == ((422, "bad_input"), {fault})


@pytest.mark.parametrize("accept", ["text/html", "*/*", "application/json, text/csv;q=0.5", ""])
def test_who_does_not_prefer_a_table_gets_json(api, accept):
    answer = api._client.get(PATH, query_params=DAY, headers={"accept": accept})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_table_is_a_formula(api, lender, sign):
    # The API takes only `-` at the beginning of a reference; a row may hold more.
    paid = payouts.issued(lender, 1, client_reference=f'{sign}1,2"3')
    payouts.pay(paid, [BEGIN])
    order_all()
    [row] = table_of(asked_csv(api, **DAY))
    assert row["client_reference"] == f"'{sign}1,2\"3"
    assert row["amount"] == "1.00"


def test_a_payout_is_told_by_its_signed_entry_and_not_by_its_row(api, lender):
    [one] = payouts.issued(lender, 1)
    payouts.pay([one], [BEGIN])
    order_all()
    Clearance.objects.update(status="issued", amount_tiyn=1, consumed_at=None)
    [told] = listed(api, **DAY)
    assert (told["status"], told["amount"]) == ("consumed", "1.00")
    assert told["consumed_at"] == "2026-02-28T19:00:00.000Z"


@pytest.mark.parametrize("form", ["application/json", "text/csv"])
def test_a_day_with_a_changed_entry_is_not_told_at_all(api, lender, form):
    payouts.pay(payouts.issued(lender, 3), [BEGIN] * 3)
    order_all()
    entry = AuditEntry.objects.filter(type="clearance.consumed")[0]
    body = json.dumps({**entry.body, "amount": 5})
    tamper(("UPDATE verification_auditentry SET body = %s WHERE id = %s", (body, entry.pk)))
    api._client.raise_request_exception = False
    answer = api._client.get(PATH, query_params=DAY, headers={"accept": form})
    assert answer.status_code == 500


def test_it_is_of_one_lender_and_mode(api, other_api, lender, other_lender):
    payouts.pay(payouts.issued(lender, 2), [BEGIN] * 2)
    payouts.pay(payouts.issued(other_lender, 1), [BEGIN])
    payouts.pay(payouts.issued(lender, 1, mode="live"), [BEGIN])
    order_both()
    assert len(listed(api, **DAY)) == 2
    assert len(table_of(asked_csv(api, **DAY))) == 2
    [others] = listed(other_api, **DAY)
    refused = api.get(PATH, after=others["id"])
    assert faults(refused) == {("?after", "cursor_unknown")}
    event = AuditEntry.objects.filter(lender=other_lender, type="clearance.consumed").get()
    refused = api.get(PATH, after=f"9-{event.pk}", **DAY)
    assert faults(refused) == {("?after", "cursor_unknown")}


@pytest.mark.service
@pytest.mark.proof("clearances")
def test_every_payout_of_the_log_is_listed_once_while_others_are_paid(
    proof_scale: float, proof_seed: int, proof_figures: Figures, settings: Any
) -> None:
    settings.TULGA_MODES_LIVE = True
    owners = [
        registered.lender(name=f"L{n} LLP", bin=f"18044001234{n}", phone="+77270000044")
        for n in range(3)
    ]
    chance, number = random.Random(proof_seed), int(10_000 * proof_scale)
    waiting: list[Clearance] = []
    for owner in owners:
        for mode in ("test", "live"):
            made = payouts.issued(owner, number // 6, mode=mode)
            hours = [BEGIN + timedelta(seconds=chance.random() * 80_000) for _ in made]
            kept = len(made) // 10
            payouts.pay(made[kept:], hours[kept:])
            waiting += made[:kept]
    order_both()
    chance.shuffle(waiting)
    callers = {
        (owner.pk, mode): Caller(_secret(owner, mode))
        for owner in owners
        for mode in ("test", "live")
    }
    seen = _read_while_paying(callers, waiting, proof_seed)
    for owner in owners:
        for mode in ("test", "live"):
            api, expected = callers[owner.pk, mode], payouts.of_log(owner, mode)
            limit = str(chance.choice((7, 50, 100)))
            whole = listed(api, limit=limit, **DAY)
            assert sorted((one["id"], one["amount"]) for one in whole) == expected
            assert {(one["mode"]) for one in whole} == {mode}
            rows = table_of(asked_csv(api, **DAY))
            assert sorted((row["id"], row["amount"]) for row in rows) == expected
            for before, found in seen[owner.pk, mode]:
                assert max(Counter(found).values()) == 1
                assert before <= set(found) <= set(expected)
    total = sum(len(payouts.of_log(owner, mode)) for owner in owners for mode in ("test", "live"))
    assert total == 6 * (number // 6)
    proof_figures["payouts listed while others are paid"] = {
        "payouts": total,
        "paid meanwhile": len(waiting),
        "readings beside": sum(map(len, seen.values())),
        "missing": 0,
        "double": 0,
        "database": connection.vendor,
    }


def _secret(owner: Lender, mode: str) -> str:
    made = keys.issue(owner, mode="test")
    made.key.mode = mode
    registered.saved(made.key)
    return made.secret


Payout = tuple[str, str]
"""The id of a clearance, and the sum."""
Reading = tuple[set[Payout], list[Payout]]
"""What was ordered before it began, and what it found."""
Place = tuple[str, str]
"""A lender's id, and a mode."""


def _read_while_paying(
    callers: dict[Place, Caller], waiting: list[Clearance], seed: int
) -> dict[Place, list[Reading]]:
    """What readers list while payers commit, late and out of order, and the sequencer orders."""
    over, seen = Event(), {place: list[Reading]() for place in callers}

    def pay(number: int) -> None:
        chance = random.Random(seed + number)
        for one in waiting[number::4]:
            at = BEGIN + timedelta(seconds=chance.random() * 80_000)
            payouts.pay([one], [at], delay=chance.random() * 0.02)

    def put_in_order() -> None:
        while not over.is_set():
            order_both()

    def read(place: Place, form: str) -> None:
        chance, api, owner = random.Random(seed), callers[place], Lender(pk=place[0])
        while not over.is_set():
            before = set(payouts.of_log(owner, place[1]))
            rows: list[Any] = (
                table_of(asked_csv(api, **DAY))
                if form == "csv"
                else listed(api, limit=str(chance.randint(3, 100)), **DAY)
            )
            seen[place].append((before, [(row["id"], row["amount"]) for row in rows]))

    forms = zip(callers, ("csv", "json") * 3, strict=True)
    with ThreadPoolExecutor(max_workers=20) as pool:
        payers = [pool.submit(_alone, pay, number) for number in range(4)]
        others = [pool.submit(_alone, put_in_order)]
        others += [pool.submit(_alone, read, place, form) for place, form in forms]
        try:
            for payer in payers:
                payer.result()
        finally:
            over.set()
        for other in others:
            other.result()
    order_both()
    return seen


def _alone(work: Callable[..., None], *given: Any) -> None:
    """Works in a thread with connections of its own."""
    try:
        work(*given)
    finally:
        connections.close_all()


def order_both() -> None:
    """Orders what waits for a place in either log."""
    for mode in ("test", "live"):
        order_all(mode)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite explains no pages")
def test_a_page_of_many_payouts_touches_few_pages(lender: Lender) -> None:
    times = [BEGIN + timedelta(seconds=n) for n in range(3_000)]
    payouts.pay(payouts.issued(lender, len(times)), times)
    order_all()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    asked = Range(lender.pk, "test", BEGIN, BEGIN + timedelta(days=1))
    place: Any = beginning(asked)
    with transaction.atomic(), explaining() as plans:
        for _ in range(3):
            _, place = page(asked, place, limit=100)
    by_time = [plan for plan in plans if "payout_by_time" in plan.indexes]
    assert len(by_time) >= 3
    assert [broken(asdict(plan), {}) for plan in plans] == [""] * len(plans)
