"""The desk's pages of what is attested before the money leaves."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse

from tests.verification.log.judged import erase
from tests.verification.review import desk
from tests.verification.stories.attesting_story import (
    CONFIRMED,
    LAW,
    attested,
    cleared,
    verified,
    visited,
)
from tests.verification.stories.insecure_glance import entries, glanced
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import IIN, OTHER_IIN, lender, wait_until
from verification import clock
from verification.core import almaty, profiles
from verification.models import AuditEntry, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]

LIST = reverse("review:to_confirm")
SECRET = "saw the contract signed once more, No. 17"


@pytest.fixture(autouse=True)
def _law(monkeypatch):
    monkeypatch.setitem(profiles.PROFILES, LAW.id, LAW)


def page(response):
    return response.content.decode()


def address(story):
    return reverse("review:confirmation", args=[story.id])


def say(client, story, what="age_confirmation", **changes):
    typed = {
        "age_confirmation": {"how": "in_person", "comment": SECRET},
        "in_person_visit": {
            "day": almaty.day_of(clock.now()).isoformat(),
            "place": "Абай 10",
            "comment": SECRET,
        },
    }[what]
    posted = {f"{what}-{name}": value for name, value in (typed | changes).items()}
    return client.post(reverse("review:attest", args=[story.id, what]), posted)


def test_the_list_has_what_a_clearance_lacked_newest_first_and_nobody_elses():
    of = lender()
    first, second = verified(of), verified(of, "A-2", iin=OTHER_IIN)
    other = verified(lender("Other", number=500), "A-9")
    for story in (first, second, other):
        cleared(story)
    verified(of, "A-3", iin="990101100030")
    shown = desk.at_desk(of).get(LIST)
    assert [line.row.client_reference for line in shown.context["found"]] == ["A-2", "A-1"]
    assert shown.context["found"][0].row.lacking == ("age_confirmation", "in_person_visit")
    assert "ТЕСТОВ" not in page(shown)
    attested(second)
    attested(second, visited())
    assert cleared(second).status == "issued"
    shown = desk.at_desk(of, 2).get(LIST)
    assert [line.row.client_reference for line in shown.context["found"]] == ["A-1"]


def test_a_reference_finds_any_verified_case():
    of = lender()
    verified(of, "A-3")
    client = desk.at_desk(of)
    shown = client.post(LIST, {"reference": "A-3"})
    assert [line.row.client_reference for line in shown.context["found"]] == ["A-3"]
    assert "Nothing was asked for" in page(shown)
    assert "No verified case has this reference" in page(client.post(LIST, {"reference": "A-4"}))
    assert client.post(LIST, {"reference": "x" * 65}).status_code == 422
    assert [one.body["asked"] for one in desk.looks()] == [["reference"], ["reference"], []]


def test_a_case_says_who_it_is_and_what_is_asked_for_and_nothing_is_chosen():
    story = verified(lender())
    cleared(story)
    shown, money = (
        page(desk.at_desk(story.lender).get(address(story))),
        "450,000\N{NO-BREAK SPACE}₸",
    )
    for words in (
        "ТЕСТОВ ТЕСТ ТЕСТОВИЧ",
        IIN[-4:],
        money,
        "Age today",
        "asked for",
        "Day of the visit",
    ):
        assert words in shown
    assert IIN not in shown
    assert "checked" not in shown
    assert desk.looks()[-1].body["what"] == "confirmation"


def test_two_words_at_the_desk_let_the_money_leave():
    story = verified(lender())
    cleared(story)
    client = desk.at_desk(story.lender)
    assert say(client, story)["Location"] == LIST
    assert "Your word is kept" in page(client.get(LIST))
    assert say(client, story, "in_person_visit")["Location"] == LIST
    person = desk.who(story.lender).pk
    assert {one.body["person"] for one in entries(story, "attestation.made")} == {person}
    assert cleared(story).status == "issued"
    shown = page(client.get(address(story)))
    assert shown.count("badge-ok") == 2
    assert "<form" not in shown.split("<main")[1]
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("age_confirmation", {"how": ""}),
        ("age_confirmation", {"how": "by telephone"}),
        ("age_confirmation", {"comment": "ok"}),
        ("age_confirmation", {"comment": "a sign\u200b that nobody sees"}),
        ("in_person_visit", {"day": "yesterday"}),
        ("in_person_visit", {"day": "2099-01-01"}),
        ("in_person_visit", {"place": ""}),
        ("in_person_visit", {"place": "Абай\u202e 10"}),
    ],
    ids=str,
)
def test_a_mistake_is_told_beside_its_field_and_keeps_what_was_typed(what, changes):
    story = verified(lender())
    answer = say(desk.at_desk(story.lender), story, what, **changes)
    assert answer.status_code == 422
    assert page(answer).count("errorlist") == 1
    assert SECRET in page(answer) or "comment" in changes
    assert entries(story, "attestation.made") == []


def test_what_cannot_be_attested_is_said_in_words():
    of = lender()
    story, waiting = (
        verified(of),
        glanced(of=of, reference="A-3", profile="KZ-2021-04", iin=OTHER_IIN),
    )
    client = desk.at_desk(of)
    attested(story, CONFIRMED)
    answer = say(client, story)
    assert (answer.status_code, "attested already" in page(answer)) == (409, True)
    answer = client.get(address(waiting))
    assert (answer.status_code, "not verified yet" in page(answer)) == (409, True)
    assert client.post(reverse("review:attest", args=[story.id, "anything"])).status_code == 404
    stranger = desk.at_desk(lender("Other", number=500))
    assert [stranger.get(address(story)).status_code, say(stranger, story).status_code] == [
        404,
        404,
    ]
    assert len(entries(story, "attestation.made")) == 1


def test_whoever_opened_the_case_sees_why_they_cannot():
    of = lender()
    client = desk.at_desk(of)
    story = verified(of, opened_by=desk.who(of).email)
    shown = page(client.get(address(story)))
    assert "somebody else must attest" in shown
    assert "<form" not in shown.split("<main")[1]
    answer = say(client, story)
    assert (answer.status_code, "somebody else must attest" in page(answer)) == (409, True)
    assert not AuditEntry.objects.filter(type="attestation.made").exists()


def test_the_form_is_ours():
    story = verified(lender())
    client = desk.at_desk(story.lender)
    client.handler.enforce_csrf_checks = True
    assert say(client, story).status_code == 403


def test_who_was_verified_too_long_ago_is_not_listed_and_the_page_says_so():
    story = verified(lender())
    cleared(story)
    client = desk.at_desk(story.lender)
    assert [line.row.verification_id for line in client.get(LIST).context["found"]] == [story.id]
    wait_until(clock.now() + timedelta(seconds=LAW.valid_for_seconds))
    client = desk.at_desk(story.lender, 2)
    assert not client.get(LIST).context["found"]
    assert not client.post(LIST, {"reference": "A-1"}).context["found"]
    for answer in (client.get(address(story)), say(client, story)):
        assert (answer.status_code, "verified too long ago" in page(answer)) == (409, True)
    assert entries(story, "attestation.made") == []


def test_the_law_of_the_clearance_says_how_old_is_too_old(monkeypatch):
    story = verified(lender())
    cleared(story)
    monkeypatch.setitem(profiles.PROFILES, LAW.id, replace(LAW, valid_for_seconds=60))
    wait_until(clock.now() + timedelta(seconds=60))
    client = desk.at_desk(story.lender)
    assert not client.get(LIST).context["found"]
    assert say(client, story).status_code == 409


@pytest.mark.parametrize("ended", ["disputed", "erased"])
def test_what_no_word_helps_any_more_is_not_listed(ended):
    story = verified(lender())
    cleared(story)
    client = desk.at_desk(story.lender)
    assert client.get(LIST).context["found"]
    if ended == "disputed":
        Verification.objects.filter(pk=story.id).update(disputed_at=clock.now())
    else:
        erase(story)
    assert not client.get(LIST).context["found"]
    assert not client.post(LIST, {"reference": "A-1"}).context["found"]
