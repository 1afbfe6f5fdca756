"""What the sandbox for machines answers and puts on record; the playing itself:
`tests/service/test_simulations.py`.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from lenders.models import ApiKey, IdempotentRequest
from tests.lenders.api.insecure_simulation import InsecureSimulation
from tests.lenders.api.test_receipts import payload
from tests.lenders.samples import Caller, code, faults, opening
from tests.lenders.test_openapi import hold
from tests.verification.log.judged import findings
from tests.verification.log.rows import order_all
from tests.verification.outbound.insecure_servers import insecure_server, silent
from tests.verification.stories.story import IIN, OTHER_IIN, at_statement, begin
from verification.access import links
from verification.access.tokens import LINKS
from verification.core.errors import Conflict, Unavailable
from verification.core.ids import secret_digest
from verification.core.scenarios import SCENARIOS, SCRIPTED
from verification.models import AuditEntry, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

PLACE, CATALOGUE = "/v1/test/verifications/{verification_id}/simulate", "/v1/test/scenarios"


@pytest.fixture(autouse=True)
def played(settings, trusted):
    """Whoever is to be played."""
    InsecureSimulation.reset()
    adapter = {"adapter": "tests.lenders.api.insecure_simulation.InsecureSimulation", "options": {}}
    settings.TULGA_SOURCES = settings.TULGA_SOURCES | {
        "test": settings.TULGA_SOURCES["test"] | {"simulation": adapter}
    }
    return InsecureSimulation.asked


@pytest.fixture
def live(lender):
    """The lender's server with a live key."""
    ApiKey.objects.create(
        lender=lender,
        mode="live",
        sha256=secret_digest("tlg_live_x").hex(),
        scopes=["verifications:read", "verifications:write"],
        created_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    return Caller("tlg_live_x")


def simulate(caller, verification_id, *, key="", **asked):
    return caller.post(PLACE.format(verification_id=verification_id), asked, key=key)


def opened(api, **changes):
    return api.post("/v1/verifications", opening(**changes)).json()


def test_it_is_asked_for_with_a_link_that_counts_once_it_is_on_record(api, lender, played):
    made = opened(api, routes=["eds"])
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
    # The link that the lender had before is no way in beside it.
    with pytest.raises(Conflict):
        links.redeem(untrusted_token=made["url"].partition("#")[2])


@pytest.mark.parametrize("iin", sorted(one.iin for one in SCENARIOS.values() if one.iin))
def test_a_scripted_person_plays_their_scenario(api, played, settings, iin):
    settings.TULGA_ROUTES = ["eds", "biometric", "live_face"]
    scenario = SCENARIOS[SCRIPTED[iin]]
    made = opened(api, subject__iin=iin, routes=[scenario.routes[0]])
    assert simulate(api, made["id"]).json()["scenario"] == scenario.name
    assert [play.scenario for play in played] == [scenario.name]


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


def test_what_is_checked_without_it_says_nothing_of_it(api, lender, issued):
    story = at_statement(lender)
    story.sign(issued())
    story.work()
    shown = api.get(f"/v1/verifications/{story.id}", expand="checks").json()
    assert {one["engine"]["name"] for one in shown["checks"]} == {"tulga"}
    judged = AuditEntry.objects.filter(verification=story.id, type="attempt.judged")
    assert not any("engine" in one for each in judged for one in each.body["checks"])


def test_live_keys_and_other_lenders_find_nothing(api, other_api, live, played):
    made = opened(api)
    assert code(simulate(live, made["id"], scenario="verified")) == (404, "not_found")
    assert code(live.get(CATALOGUE)) == (404, "not_found")
    assert code(simulate(other_api, made["id"], scenario="verified")) == (404, "not_found")
    assert code(simulate(api, "ver_x", scenario="verified")) == (404, "not_found")
    assert played == []
    assert not AuditEntry.objects.filter(type="simulation.requested").exists()


def test_the_catalogue_is_the_table(api):
    told = hold(api.get(CATALOGUE), CATALOGUE, "get")["data"]
    assert [one["name"] for one in told] == list(SCENARIOS)
    assert {one["iin"]: one["name"] for one in told if one["iin"]} == SCRIPTED
    assert api.get(CATALOGUE, x="1").status_code == 422


def test_what_does_not_fit_is_refused_by_name(api, played):
    made = opened(api, routes=["eds"], subject__iin=IIN)
    nobodys = opened(api, routes=["eds"], subject__iin="990101100209", client_reference="loan-2")
    assert faults(simulate(api, made["id"], scenario="nonsense")) == {
        ("/scenario", "choice_unknown")
    }
    assert faults(simulate(api, nobodys["id"])) == {("/scenario", "required")}
    assert faults(simulate(api, made["id"], scenario="verified", route="biometric")) == {
        ("/route", "scenario_not_on_route")
    }
    said = simulate(api, made["id"], scenario="verified", route="biometric").json()["errors"][0][
        "detail"
    ]
    assert said.endswith("this verification has eds")
    assert faults(simulate(api, made["id"], status="verified")) == {("/status", "unknown_field")}
    assert played == []


def test_of_several_routes_the_named_one_is_begun(api, played, settings):
    settings.TULGA_ROUTES = ["eds", "biometric", "live_face"]
    made = opened(api)
    assert (
        simulate(api, made["id"], scenario="verified", route="live_face").json()["route"]
        == "live_face"
    )
    assert played[0].routes == ("live_face",)
    assert simulate(api, made["id"], scenario="eds_revoked").json()["route"] == "eds"


def test_nobody_is_played_where_somebody_is_at_it(api, played):
    made = opened(api, routes=["eds"])
    links.redeem(untrusted_token=made["url"].partition("#")[2])
    assert code(simulate(api, made["id"], scenario="verified")) == (409, "borrower_at_it")
    assert played == []


def test_somebody_who_opens_the_link_meanwhile_is_not_disturbed(api, played):
    made = opened(api, routes=["eds"])
    token = made["url"].partition("#")[2]
    InsecureSimulation.before = lambda: links.redeem(untrusted_token=token)
    assert code(simulate(api, made["id"], scenario="verified", key="k-1")) == (
        409,
        "borrower_at_it",
    )
    with pytest.raises(Conflict):
        links.redeem(untrusted_token=played[0].link.partition("#")[2])
    assert not AuditEntry.objects.filter(type="simulation.requested").exists()


def test_whom_the_sandbox_plays_it_may_play_on(api, played):
    made = opened(api, routes=["eds"])
    assert simulate(api, made["id"], scenario="abandoned").status_code == 202
    links.redeem(untrusted_token=played[0].link.partition("#")[2])
    assert simulate(api, made["id"], scenario="verified").status_code == 202
    under_way = Conflict("it is", code="simulation_under_way")

    def busy():
        raise under_way

    InsecureSimulation.before = busy
    refused = simulate(api, made["id"], scenario="verified")
    assert (code(refused), refused.headers["Retry-After"]) == ((409, "simulation_under_way"), "2")


def test_after_the_end_and_while_an_answer_is_judged_nobody_is(api, lender, issued, played):
    story = at_statement(lender)
    story.sign(issued())
    assert code(simulate(api, story.id, scenario="verified")) == (409, "answer_not_judged")
    story.work()
    assert code(simulate(api, story.id, scenario="verified")) == (409, "illegal_transition")
    assert played == []


def test_a_repeat_is_played_once(api, played):
    made = opened(api, routes=["eds"])
    first, again = (simulate(api, made["id"], scenario="verified", key="k-1") for _ in range(2))
    assert (first.status_code, again.status_code, first.json()) == (202, 202, again.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(played) == 1
    assert (
        AuditEntry.objects.filter(verification=made["id"], type="simulation.requested").count() == 1
    )


def test_a_sandbox_that_is_not_there_changes_nothing(api):
    made = opened(api, routes=["eds"])

    def silence():
        raise Unavailable("nobody", code="sandbox_unavailable")

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


def test_outside_is_asked_outside_of_any_transaction(api):
    made, seen = opened(api, routes=["eds"]), list[bool]()
    InsecureSimulation.before = lambda: seen.append(connection.in_atomic_block)
    assert simulate(api, made["id"], scenario="verified").status_code == 202
    assert simulate(api, made["id"], scenario="verified", key="k-1").status_code == 202
    assert seen == [False, False]


def test_a_sandbox_that_hangs_holds_two_threads_and_others_are_told_at_once(api, settings):
    made = [opened(api, routes=["eds"], client_reference=f"loan-{place}") for place in "abcdef"]
    held, most = list[int](), list[int]()

    def hang(connection):
        held.append(1)
        most.append(len(held))
        silent(connection)
        held.pop()

    def ask(one):
        try:
            return code(simulate(api, one["id"], scenario="verified"))
        finally:
            connections.close_all()

    with insecure_server(hang) as url:
        adapter = {
            "adapter": "verification.sources.simulation.HttpSimulation",
            "options": {"url": url, "seconds": 3.0},
        }
        settings.TULGA_SOURCES["test"]["simulation"] = adapter
        with ThreadPoolExecutor(len(made)) as pool:
            told = set(pool.map(ask, made))
    assert told == {(503, "sandbox_unavailable")}
    assert 1 <= max(most) <= 2
    assert not AuditEntry.objects.filter(type="simulation.requested").exists()


def test_only_this_machine_is_asked_and_where_nobody_plays_it_says_so(api, settings):
    made = opened(api, routes=["eds"])
    for url in ("https://sandbox.example/simulations", "http://192.0.2.1/simulations"):
        adapter = {
            "adapter": "verification.sources.simulation.HttpSimulation",
            "options": {"url": url},
        }
        settings.TULGA_SOURCES["test"]["simulation"] = adapter
        assert code(simulate(api, made["id"], scenario="verified")) == (503, "sandbox_unavailable")
    del settings.TULGA_SOURCES["test"]["simulation"]
    assert code(simulate(api, made["id"], scenario="verified")) == (503, "sandbox_unavailable")


def test_no_secret_of_it_is_kept_in_the_clear(api, played):
    made = opened(api, routes=["eds"], subject__iin=OTHER_IIN)
    simulate(api, made["id"], key="k-1")
    token = played[0].link.partition("#")[2]
    assert token not in repr(played[0])
    assert OTHER_IIN not in repr(played[0])
    kept = json.dumps(list(AuditEntry.objects.values_list("body", flat=True)))
    assert token not in kept
    assert OTHER_IIN not in kept
