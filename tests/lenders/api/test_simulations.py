"""The test mode of the API: simulations, scenarios and the test clock."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.core.management import call_command
from django.db import connection

from lenders.models import IdempotentRequest
from tests import registered
from tests.lenders.api.clearing import ask, cleared, consume
from tests.lenders.api.test_receipts import payload
from tests.lenders.samples import code, faults, opening
from tests.lenders.shapes import hold
from tests.verification.log.judged import differences_of, findings, verify_legality
from tests.verification.log.rows import order_all
from tests.verification.outbound.insecure_servers import insecure_server, silent
from tests.verification.stories.insecure_glance import glanced
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import (
    IIN,
    at_statement,
    begin,
    in_parallel,
    order,
    swept,
    wait_until,
)
from tests.verification.stories.test_commands import Desk
from verification import clock, tasks
from verification.access import hand_over, links
from verification.access.tokens import LINKS
from verification.case import policy, steps
from verification.core import profiles
from verification.core.errors import Conflict, LinkUnusable, Unavailable
from verification.core.scenarios import SCENARIOS, SCRIPTED
from verification.models import Access, Attempt, AuditEntry, Clearance, Verification
from verification.sources.simulation import Play
from verification.worker import queue, sweep

pytestmark = pytest.mark.django_db(transaction=True)


# A player of borrowers in memory: it notes each order, and plays none of them.


class InsecureSimulation:
    """Same signature as the real one. `before` runs first, and may raise."""

    source = "simulation"
    asked: list[Play] = []  # noqa: RUF012
    before: Callable[[], object] | None = None

    @classmethod
    def reset(cls) -> None:
        """No borrower was asked, and everybody is willing."""
        cls.asked, cls.before = [], None

    def begin(self, play: Play) -> None:
        """See `verification.sources.simulation.SimulationSource.begin`."""
        self.asked.append(play)
        if (before := InsecureSimulation.before) is not None:
            before()


# What the sandbox for machines answers and puts on record; who is played, and who is not.


PLACE, CATALOGUE = "/v1/test/verifications/{verification_id}/simulate", "/v1/test/scenarios"


@pytest.fixture
def played(settings, trusted):
    """The borrowers who are to be played."""
    InsecureSimulation.reset()
    adapter = {"adapter": "tests.lenders.api.test_simulations.InsecureSimulation", "options": {}}
    settings.TULGA_SOURCES = settings.TULGA_SOURCES | {
        "test": settings.TULGA_SOURCES["test"] | {"simulation": adapter}
    }
    return InsecureSimulation.asked


@pytest.fixture
def made(api):
    """An opened verification by EDS."""
    return opened(api, routes=["eds"])


def simulate(caller, verification_id, *, key="", **asked):
    return caller.post(PLACE.format(verification_id=verification_id), asked, key=key)


def opened(api, **changes):
    return api.post("/v1/verifications", opening(**changes)).json()


@pytest.mark.usefixtures("trusted", "played")
def test_it_is_asked_for_with_a_link_that_counts_once_it_is_on_record(api, lender, played, made):
    answer = hold(simulate(api, made["id"], scenario="eds_revoked"), PLACE, "post")
    assert answer == {"verification": made["id"], "scenario": "eds_revoked", "route": "eds"}
    [play] = played
    assert (play.verification_id, play.scenario, play.routes) == (
        made["id"],
        "eds_revoked",
        ("eds",),
    )
    # The sandbox tells lenders apart, and not who they are.
    assert len(play.lender) == 16
    assert play.lender not in (lender.pk, lender.name, lender.bin)
    assert play.subject == {**opening()["subject"], "patronymic": ""}
    assert links.redeem(untrusted_token=play.link.partition("#")[2])
    told = AuditEntry.objects.get(verification=made["id"], type="simulation.requested").body
    assert {"scenario": "eds_revoked", "route": "eds"}.items() <= told.items()
    token, kept = (
        play.link.partition("#")[2],
        str(AuditEntry.objects.values_list("body", flat=True)),
    )
    assert not [secret for secret in (token, IIN) if secret in repr(play) + kept]
    # The link that the lender had before is no way in beside it.
    with pytest.raises(Conflict):
        links.redeem(untrusted_token=made["url"].partition("#")[2])


@pytest.mark.usefixtures("trusted", "played")
@pytest.mark.parametrize("iin", sorted(one.iin for one in SCENARIOS.values() if one.iin))
def test_a_scripted_person_plays_their_scenario(api, lender, played, settings, iin):
    settings.TULGA_ROUTES = ["eds", "biometric", "live_face"]
    scenario = SCENARIOS[SCRIPTED[iin]]
    if not scenario.routes:  # under a law that asks before the money leaves
        lender.test_calendar = profiles.calendar_of("KZ-2025-01")
        registered.saved(lender)
    person = {"subject__iin": iin, "subject__birth_date": "1990-01-01"}
    made = opened(api, **person, routes=[scenario.routes[0]] if scenario.routes else None)
    assert simulate(api, made["id"]).json()["scenario"] == scenario.name
    assert [play.scenario for play in played] == [scenario.name]


@pytest.mark.usefixtures("trusted", "played")
def test_its_checks_say_so_in_the_answer_the_log_and_the_receipt(api, lender, issued):
    story = begin(lender)
    assert simulate(api, story.id, scenario="verified").status_code == 202
    story.to_statement().sign(issued())
    story.work()
    engine = {"name": "insecure_simulated", "scenario": "verified"}
    shown = api.get(f"/v1/verifications/{story.id}", expand="checks").json()
    assert shown["status"] == "verified"
    assert [engine.items() <= one["engine"].items() for one in shown["checks"]] == [True] * len(
        shown["checks"]
    )
    judged = AuditEntry.objects.filter(verification=story.id, type="attempt.judged")
    assert [one["engine"] for each in judged for one in each.body["checks"]] == [engine] * len(
        shown["checks"]
    )
    receipt = payload(api.get(f"/v1/verifications/{story.id}/receipt").json())
    assert [one["engine"] for each in receipt["attempts"] for one in each["checks"]] == [
        engine
    ] * len(shown["checks"])
    order_all()
    assert findings() == []


@pytest.mark.usefixtures("trusted", "played")
def test_the_catalogue_is_the_table(api):
    told = hold(api.get(CATALOGUE), CATALOGUE, "get")["data"]
    assert [one["name"] for one in told] == list(SCENARIOS)
    assert {one["iin"]: one["name"] for one in told} == SCRIPTED
    assert {one["name"]: one["clearance"] for one in told if one["clearance"]} == {
        "stop_credit": "stop_credit",
        "account_owner_mismatch": "account_owner_mismatch",
    }
    assert api.get(CATALOGUE, x="1").status_code == 422


@pytest.mark.usefixtures("trusted", "played")
def test_what_does_not_fit_is_refused_by_name(api, played):
    made = opened(api, routes=["eds"], subject__iin=IIN)
    unnamed = opened(api, routes=["eds"], subject__iin="990101100209", client_reference="loan-2")
    assert faults(simulate(api, made["id"], scenario="nonsense")) == {
        ("/scenario", "choice_unknown")
    }
    assert faults(simulate(api, unnamed["id"])) == {("/scenario", "required")}
    assert faults(simulate(api, made["id"], scenario="verified", route="biometric")) == {
        ("/route", "scenario_not_on_route")
    }
    said = simulate(api, made["id"], scenario="verified", route="biometric").json()["errors"][0][
        "detail"
    ]
    assert said.endswith("this verification has eds")
    assert faults(simulate(api, made["id"], status="verified")) == {("/status", "unknown_field")}
    assert played == []


@pytest.mark.usefixtures("trusted", "played")
@pytest.mark.parametrize("is_meanwhile", [True, False])
def test_a_borrower_who_is_at_it_is_not_played(api, played, is_meanwhile, made):
    open_link = partial(links.redeem, untrusted_token=made["url"].partition("#")[2])
    if is_meanwhile:
        InsecureSimulation.before = open_link
    else:
        open_link()
    refused = simulate(api, made["id"], scenario="verified", key="k-1")
    assert code(refused) == (409, "borrower_at_it")
    for play in played:
        with pytest.raises(Conflict):
            links.redeem(untrusted_token=play.link.partition("#")[2])
    assert len(played) == int(is_meanwhile)
    assert not AuditEntry.objects.filter(type="simulation.requested").exists()


@pytest.mark.usefixtures("trusted", "played")
def test_whom_the_sandbox_plays_it_may_play_on(api, played, made):
    assert simulate(api, made["id"], scenario="abandoned").status_code == 202
    links.redeem(untrusted_token=played[0].link.partition("#")[2])
    assert simulate(api, made["id"], scenario="verified").status_code == 202
    under_way = Conflict("it is", code="simulation_under_way")

    def busy():
        raise under_way

    InsecureSimulation.before = busy
    refused = simulate(api, made["id"], scenario="verified")
    assert (code(refused), refused.headers["Retry-After"]) == ((409, "simulation_under_way"), "2")


@pytest.mark.usefixtures("trusted", "played")
def test_after_the_end_and_while_an_answer_is_judged_no_borrower_is_played(
    api, lender, issued, played
):
    story = at_statement(lender)
    story.sign(issued())
    assert code(simulate(api, story.id, scenario="verified")) == (409, "answer_not_judged")
    story.work()
    assert code(simulate(api, story.id, scenario="verified")) == (409, "illegal_transition")
    assert played == []


@pytest.mark.usefixtures("trusted", "played")
def test_a_repeat_is_played_once(api, played):
    made, in_transaction = opened(api, routes=["eds"]), list[bool]()
    InsecureSimulation.before = lambda: in_transaction.append(connection.in_atomic_block)
    first, again = (simulate(api, made["id"], scenario="verified", key="k-1") for _ in range(2))
    assert (first.status_code, again.status_code, first.json()) == (202, 202, again.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (len(played), in_transaction) == (1, [False])
    assert (
        AuditEntry.objects.filter(verification=made["id"], type="simulation.requested").count() == 1
    )


@pytest.mark.usefixtures("trusted", "played")
def test_a_sandbox_that_is_not_there_changes_nothing(api, made):

    def silence():
        raise Unavailable("silence", code="sandbox_unavailable")

    InsecureSimulation.before = silence
    links_before, sequence = LINKS.rows.count(), Verification.objects.get(pk=made["id"]).sequence
    refused = simulate(api, made["id"], scenario="verified", key="k-1")
    assert (code(refused), refused.headers["Retry-After"]) == ((503, "sandbox_unavailable"), "5")
    assert (LINKS.rows.count(), Verification.objects.get(pk=made["id"]).sequence) == (
        links_before,
        sequence,
    )
    assert not IdempotentRequest.objects.filter(answered_at=None).exists()
    InsecureSimulation.before = None
    assert simulate(api, made["id"], scenario="verified", key="k-1").status_code == 202


@pytest.mark.usefixtures("trusted", "played")
def test_a_sandbox_that_hangs_holds_two_threads_and_others_are_told_at_once(api, settings):
    made = [opened(api, routes=["eds"], client_reference=f"loan-{place}") for place in "abcdef"]
    held, most = list[int](), list[int]()

    def hang(connection):
        held.append(1)
        most.append(len(held))
        silent(connection)
        held.pop()

    def ask(number):
        return code(simulate(api, made[number]["id"], scenario="verified"))

    with insecure_server(hang) as url:
        adapter = {
            "adapter": "verification.sources.simulation.HttpSimulation",
            "options": {"url": url, "seconds": 1.5},
        }
        settings.TULGA_SOURCES["test"]["simulation"] = adapter
        told = set(in_parallel(ask, len(made)))
    assert told == {(503, "sandbox_unavailable")}
    assert 1 <= max(most) <= 2
    assert not AuditEntry.objects.filter(type="simulation.requested").exists()


@pytest.mark.usefixtures("trusted", "played")
def test_only_this_machine_is_asked_and_a_machine_without_players_says_so(api, settings, made):
    for url in ("https://sandbox.example/simulations", "http://192.0.2.1/simulations"):
        adapter = {
            "adapter": "verification.sources.simulation.HttpSimulation",
            "options": {"url": url},
        }
        settings.TULGA_SOURCES["test"]["simulation"] = adapter
        assert code(simulate(api, made["id"], scenario="verified")) == (503, "sandbox_unavailable")
    del settings.TULGA_SOURCES["test"]["simulation"]
    assert code(simulate(api, made["id"], scenario="verified")) == (503, "sandbox_unavailable")


# A borrower whom a step is about to end is not played any more. What only waits may be
# played, lawfully.


def played_to_statement(api, lender, played):
    """A borrower who is played, at a computer, and stays at the statement."""
    desk = Desk.__new__(Desk)
    desk.story = begin(lender)
    assert simulate(api, desk.story.id, scenario="abandoned").status_code == 202
    desk.session = links.redeem(untrusted_token=played.pop().link.partition("#")[2])
    desk.story.to_statement()
    return desk


def requested(story):
    return AuditEntry.objects.filter(verification=story.id, type="simulation.requested").count()


@pytest.mark.usefixtures("trusted")
def test_who_is_told_what_to_press_is_not_played_on(api, lender, played):
    desk = played_to_statement(api, lender, played)
    hand_over.reply(untrusted_phone=desk.scanned(), is_told=True)
    assert desk.story.row().step == steps.STOP
    assert code(simulate(api, desk.story.id, scenario="verified")) == (409, "illegal_transition")
    assert (played, requested(desk.story)) == ([], 1)
    desk.story.work()
    order_all()
    assert desk.story.row().code == "coercion_reported"
    assert findings() == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("is_found", [False, True])
def test_whose_time_is_over_is_not_played_and_gets_no_link(api, lender, played, is_found):
    story = begin(lender)
    session = links.redeem(untrusted_token=story.token)
    wait_until(story.row().expires_at)
    if is_found:
        sweep.run_round()
        assert story.row().step == steps.EXPIRE
    assert code(simulate(api, story.id, scenario="verified")) == (409, "illegal_transition")
    assert code(api.post(f"/v1/verifications/{story.id}/link")) == (409, "illegal_transition")
    with pytest.raises(LinkUnusable):
        links.successor(untrusted_session=session)
    assert (played, requested(story)) == ([], 0)
    swept()
    order_all()
    assert story.row().status == "expired"
    assert findings() == []


def test_of_several_routes_the_named_one_is_begun(api, played, settings):
    settings.TULGA_ROUTES = ["eds", "biometric", "live_face"]
    made = opened(api)
    assert (
        simulate(api, made["id"], scenario="verified", route="live_face").json()["route"]
        == "live_face"
    )
    assert played[0].routes == ("live_face",)
    assert simulate(api, made["id"], scenario="eds_revoked").json()["route"] == "eds"


# /v1/test/clock: what is due of test verifications comes sooner, lawfully; nothing else moves.


CLOCK, DAY = "/v1/test/clock", 24 * 3600


def advance(api, seconds, **more):
    return hold(api.post(CLOCK, {"advance_seconds": seconds, **more}), CLOCK, "post")


def lawful():
    """The log is whole, each course of it lawful, and each row says what its entries say."""
    order_all()
    call_command("audit_verify")
    assert list(verify_legality("test")) == []


def due(verification_id):
    row = Verification.objects.get(pk=verification_id)
    attempts, links = (
        Attempt.objects.filter(verification=row),
        LINKS.rows.filter(verification=row),
    )
    until = [*attempts.values_list("expires_at"), *links.values_list("expires_at")]
    return [row.expires_at, *sorted(until), row.sequence]


def read(api, story):
    order()
    return api.get(f"/v1/verifications/{story.id}").json()


@pytest.mark.usefixtures("trusted")
def test_an_advance_expires_a_verification(api, lender):
    story = begin(lender)
    hold(api.get(CLOCK), CLOCK, "get")
    assert advance(api, DAY - 60) == {"verifications": 1, "advanced_seconds": DAY - 60}
    swept()
    assert read(api, story)["status"] == "requires_input"
    assert advance(api, 60) == {"verifications": 1, "advanced_seconds": DAY}
    assert read(api, story)["status"] == "requires_input"  # the request ends nothing
    swept()
    order()
    assert (read(api, story)["status"], read(api, story)["code"]) == (
        "expired",
        "verification_expired",
    )
    assert [one["type"] for one in api.get("/v1/events").json()["data"]][
        -1
    ] == "verification.expired"
    assert api.get(CLOCK).json() == {"verifications": 0, "advanced_seconds": 0}
    lawful()


@pytest.mark.usefixtures("trusted")
def test_an_advance_ends_the_wait_for_a_silent_borrower_and_for_reviewers(api, lender, glances):
    silent = glanced(of=lender, reference="A-1")
    reviewed = glanced("grey", of=lender, reference="A-2", iin="990101100020")
    assert read(api, reviewed)["status"] == "in_review"
    advance(api, 3600)
    swept()
    assert read(api, silent)["next_action"]["code"] == "abandoned"
    advance(api, DAY - 3600)
    swept()
    order()
    told = read(api, reviewed)
    assert (told["status"], told["code"]) == ("expired", "review_timeout")
    lawful()


@pytest.mark.usefixtures("trusted")
def test_one_verification_or_the_lenders_own_of_test_mode_move(
    api, other_api, live, lender, other_lender
):
    mine, beside, other = begin(lender), begin(lender, "A-2"), begin(other_lender)
    of_live = begin(lender, "A-3")
    Verification.objects.filter(pk=of_live.id).update(mode="live")
    unmoved = [due(story.id) for story in (beside, other, of_live)]
    assert advance(api, 60, verification=mine.id)["verifications"] == 1
    assert [due(story.id) for story in (beside, other, of_live)] == unmoved
    advance(api, DAY - 60)
    assert [due(story.id) for story in (other, of_live)] == unmoved[1:]
    for caller, story in ((api, other), (api, of_live), (live, mine)):
        answer = caller.post(CLOCK, {"advance_seconds": 1, "verification": story.id})
        assert code(answer) == (404, "not_found")
    assert other_api.get(CLOCK).json()["advanced_seconds"] == 0
    swept()
    assert (mine.row().status, mine.row().advanced_seconds) == ("expired", DAY)
    ended = api.post(CLOCK, {"advance_seconds": 1, "verification": mine.id})
    assert code(ended) == (409, "illegal_transition")


@pytest.mark.usefixtures("trusted")
def test_a_clearance_runs_out(api, story):
    first = cleared(api, story)
    advance(api, 15 * 60 - 30)
    assert api.get(f"/v1/clearances/{first['id']}").json()["status"] == "issued"
    advance(api, 60)
    assert code(consume(api, first)) == (409, "clearance_expired")
    second = cleared(api, story)
    assert consume(api, second).status_code == 200
    lawful()


@pytest.mark.usefixtures("trusted")
def test_a_clearance_that_was_put_forward_while_its_gates_were_asked_is_none(
    api, monkeypatch, story
):
    asked_for = ask(api, story).json()

    def late(verification):
        advance(api, 600)
        return require_fence(verification)

    require_fence = queue.require_fence
    monkeypatch.setattr(queue, "require_fence", late)
    tasks.advance(story.id)
    monkeypatch.undo()
    told = api.get(f"/v1/clearances/{asked_for['id']}").json()
    assert (told["status"], told["code"]) == ("refused", "gates_unavailable")
    lawful()


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("/advance_seconds", "required")),
        ({"advance_seconds": 0}, ("/advance_seconds", "out_of_range")),
        ({"advance_seconds": -60}, ("/advance_seconds", "out_of_range")),
        ({"advance_seconds": 7 * DAY + 1}, ("/advance_seconds", "out_of_range")),
        ({"advance_seconds": True}, ("/advance_seconds", "type_wrong")),
        ({"advance_seconds": "60"}, ("/advance_seconds", "type_wrong")),
        ({"advance_seconds": 60, "verification": "A-1"}, ("/verification", "id_malformed")),
        ({"advance_seconds": 60, "lender": "x"}, ("/lender", "unknown_field")),
    ],
)
def test_what_it_is_not_told(api, lender, body, fault):
    before = due(begin(lender).id)
    answer = api.post(CLOCK, body)
    assert (answer.status_code, faults(answer)) == (422, {fault})
    assert due(Verification.objects.get().pk) == before


@pytest.mark.usefixtures("trusted")
def test_no_more_than_so_many_and_so_far(api, lender, monkeypatch):
    story, other = begin(lender), begin(lender, "A-2")
    monkeypatch.setattr(policy, "CLOCK_VERIFICATIONS_MAX", 1)
    assert code(api.post(CLOCK, {"advance_seconds": 60})) == (409, "test_clock_limit")
    assert (story.row().advanced_seconds, other.row().advanced_seconds) == (0, 0)
    advance(api, 60, verification=story.id)
    monkeypatch.setattr(policy, "CLOCK_SECONDS_MAX", 100)
    assert code(api.post(CLOCK, {"advance_seconds": 41, "verification": story.id})) == (
        409,
        "test_clock_limit",
    )
    advance(api, 40, verification=story.id)
    assert story.row().advanced_seconds == 100


@pytest.mark.usefixtures("trusted")
def test_an_answer_that_came_in_time_is_judged_and_no_end_is_made(api, lender, issued):
    """The borrower has answered, and it is for us to judge: a clock takes nothing away from
    them.
    """
    story = at_statement(lender)
    story.sign(issued())
    assert story.row().step == "judge"
    advance(api, 2 * DAY)
    swept()
    assert story.row().status == "processing"
    story.work()
    assert read(api, story)["status"] == "verified"
    lawful()


@pytest.mark.usefixtures("trusted")
def test_a_worker_that_is_under_way_writes_what_it_found(api, lender, issued, monkeypatch):
    """The clock is put forward between a worker's claim and its result."""
    story = begin(lender)
    story.answer(agreed=True, version=story.page().data["version"], language="ru")
    claim = queue.claim

    def claimed(verification_id):
        found = claim(verification_id)
        advance(api, 600)
        return found

    monkeypatch.setattr(queue, "claim", claimed)
    tasks.advance(story.id)
    monkeypatch.undo()
    assert story.page().page == "question"
    lawful()


@pytest.mark.usefixtures("trusted")
def test_many_at_once_each_count_and_cross_a_worker(api, lender, issued):
    """Advanced from many sides while a worker judges: each counts once, and nothing is lost or
    unlawful.
    """
    story = at_statement(lender)
    story.sign(issued())

    def one(number):
        if number == 3:
            tasks.advance(story.id)
            return 200
        return api.post(CLOCK, {"advance_seconds": 60}).status_code

    assert in_parallel(one, 8) == [200] * 8
    story.work()
    assert (story.row().status, story.row().advanced_seconds) == ("verified", 7 * 60)
    lawful()


# What a test clock puts forward stands in the log: a replay counts with it, and what moves
# without it is told.


@pytest.mark.usefixtures("trusted")
@pytest.mark.forges
@pytest.mark.parametrize(
    ("table", "column"),
    [
        (Verification, "expires_at"),
        (Attempt, "expires_at"),
        (Access, "expires_at"),
        (Clearance, "expires_at"),
        (Clearance, "fresh_until"),
    ],
)
def test_a_row_that_moves_without_an_entry_is_told(api, table, column, story):
    cleared(api, story)
    advance(api, 60)
    lawful()
    rows = table.objects.filter(**{"pk" if table is Verification else "verification": story.id})
    row = rows.first()
    moved = getattr(row, column) - timedelta(seconds=1)
    table.objects.filter(pk=row.pk).update(**{column: moved})
    assert [finding.field for finding in differences_of(story.id)] == [column]


@pytest.mark.usefixtures("trusted")
def test_a_step_that_is_due_later_is_due_sooner(api, lender):
    first, second = begin(lender), begin(lender, "A-2")
    for story in (first, second):
        story.answer(agreed=True, version=story.page().data["version"], language="ru")
    late = clock.now() + timedelta(seconds=300)
    Verification.objects.filter(pk=second.id).update(due_at=late)
    advance(api, 60)
    assert second.row().due_at == late - timedelta(seconds=60)
    assert queue.claim(first.id) is not None
    kept = first.row().due_at
    advance(api, 60)
    assert first.row().due_at == kept
