"""By which profile a clearance is judged: the lender's of the day, and in live mode the law's
too.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lenders.keys import law_of
from lenders.models import ApiKey
from tests.lenders.api import renewing
from tests.lenders.api.test_clearances import ask, clean, cleared, code, verified
from tests.lenders.samples import opening
from verification import clock
from verification.core import almaty, profiles
from verification.core.errors import Conflict
from verification.worker import clearing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def test_the_lenders_profile_is_that_of_the_day(api, lender, issued):
    story = verified(lender, issued)
    today = almaty.day_of(clock.now())
    lender.test_calendar = [
        *profiles.calendar_of("KZ-2021-04"),
        {"from": (today + timedelta(days=1)).isoformat(), "profile": "KZ-2026-01"},
    ]
    lender.save()
    assert ask(api, story).json()["profile"] == "KZ-2021-04"
    lender.test_calendar[1]["from"] = today.isoformat()
    lender.save()
    assert cleared(api, story)["profile"] == "KZ-2026-01"


def test_a_profile_begins_at_midnight_in_almaty(lender):
    lender.test_calendar = [
        *profiles.calendar_of("KZ-2021-04"),
        {"from": "2026-01-26", "profile": "KZ-2026-01"},
    ]
    lender.live_calendar = [{"from": "2026-01-26", "profile": "KZ-2026-01"}]
    midnight = datetime(2026, 1, 25, 19, tzinfo=UTC)
    test, live = (ApiKey(lender=lender, mode=mode) for mode in ("test", "live"))
    assert [law_of(key, at=midnight) for key in (test, live)] == ["KZ-2026-01"] * 2
    assert law_of(test, at=midnight - timedelta(seconds=1)) == "KZ-2021-04"
    with pytest.raises(Conflict):
        law_of(live, at=midnight - timedelta(seconds=1))


def test_before_its_calendar_begins_a_lender_does_nothing(api, lender, issued):
    story = verified(lender, issued)
    lender.test_calendar = [{"from": "2099-01-01", "profile": "KZ-2021-04"}]
    lender.save()
    assert code(ask(api, story)) == (409, "profile_not_held")
    assert code(api.post("/v1/verifications", opening())) == (409, "profile_not_held")


def test_what_was_asked_for_yesterday_is_not_issued(api, lender, issued, monkeypatch):
    story = verified(lender, issued)
    asked = ask(api, story).json()
    tomorrow = SimpleNamespace(now=lambda: clock.now() + timedelta(days=1))
    monkeypatch.setattr(clearing, "clock", tomorrow)
    story.work()
    told = api.get(f"/v1/clearances/{asked['id']}").json()
    assert (told["status"], told["code"]) == ("refused", "gates_unavailable")


def test_a_year_without_an_mci_refuses_at_once_and_says_why(api, lender, issued, monkeypatch):
    renewing.go_by(lender, monkeypatch, 75)
    story = verified(lender, issued)
    assert renewing.report(api, story).status_code == 200
    monkeypatch.setattr(
        profiles,
        "MCI_VALUES",
        [one for one in profiles.MCI_VALUES if one.in_force_from.year < clock.now().year],
    )
    told = cleared(api, story)
    assert (told["status"], told["code"]) == ("refused", "mci_unknown")
    assert {gate["code"] for gate in told["gates"] if gate["name"] == "cooling_off"} == {
        "mci_unknown"
    }
    assert {gate["code"] for gate in told["gates"]} == {None, "mci_unknown"}
    assert {gate["status"] for gate in told["gates"]} == {"passed", "not_evaluated", "refused"}
    assert clean(story) == []


def test_in_live_mode_the_law_of_the_day_of_issue_joins(api, lender, issued, monkeypatch):
    story = verified(lender, issued)
    asked = ask(api, story).json()
    found = profiles.binding
    monkeypatch.setattr(
        profiles, "binding", lambda held, *, mode, at: found(held, mode="live", at=at)
    )
    story.work()
    told = api.get(f"/v1/clearances/{asked['id']}").json()
    assert (told["status"], told["code"], told["profile"]) == (
        "refused",
        "profile_insufficient",
        "KZ-2021-04",
    )


def test_where_another_law_binds_than_was_asked_for_none_is_issued(
    api, lender, issued, monkeypatch
):
    """One was taken between the request and its gates: the log judges what is issued by the law of
    the request.
    """
    story = verified(lender, issued)
    asked = ask(api, story).json()
    taken = replace(profiles.get("KZ-2021-04"), id="KZ-TEST")
    monkeypatch.setattr(profiles, "binding", lambda held, *, mode, at: taken)
    story.work()
    told = api.get(f"/v1/clearances/{asked['id']}").json()
    assert (told["status"], told["code"]) == ("refused", "gates_unavailable")
    assert clean(story) == []
