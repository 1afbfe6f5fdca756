"""The desk at work: what it shows, what it never shows, and that every look is on record."""

import io
import logging
import re
from dataclasses import replace
from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from PIL import Image

from tests.verification import one_format
from tests.verification.borrower.visits import text
from tests.verification.log.judged import erase
from tests.verification.oversight import rows
from tests.verification.review import desk
from tests.verification.stories.attesting_story import (
    CONFIRMED,
    LAW,
    attested,
    cleared,
    verified,
    visited,
)
from tests.verification.stories.document_reading import download, listed
from tests.verification.stories.insecure_capture import played
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_glance import BESIDE, entries, glanced, one_voted, see
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import IIN, OTHER_IIN, decisions, lender, wait_until
from verification import clock
from verification.access import openings
from verification.case import policy
from verification.core import almaty, profiles, spelling
from verification.core.identification_document import Judged
from verification.core.ids import case_number
from verification.models import AuditEntry, ReviewVote, Verification
from verification.oversight import case_file
from verification.review import measures, urls, voting

_OF_THE_LOG = {"AuditEntry", "AuditPending"}


@pytest.fixture
def story():
    """A case that waits for reviewers, at the last stage of what suffices."""
    return glanced("clear", "grey", profile="KZ-2021-04")


@pytest.fixture
def client(story):
    """A reviewer of the story's lender, at the desk."""
    return desk.at_desk(story.lender)


def page(response):
    return response.content.decode()


def rows_but_the_log():
    models = [
        model
        for model in apps.get_app_config("verification").get_models()
        if model.__name__ not in _OF_THE_LOG
    ]
    return {
        model.__name__: list(model._default_manager.order_by("pk").values()) for model in models
    }


# Looks


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_every_look_is_one_entry_with_the_person_and_changes_nothing_else(story):
    client, before = desk.at_desk(story.lender), rows_but_the_log()
    kinds = ("nod.photo", "nod.frame.0", "nod.photo")
    addresses = [desk.address(name, story) for name in ("queue", "open", "case")]
    addresses += [desk.address("picture", story, kind=kind) for kind in kinds]
    for at, wanted in enumerate(addresses, start=1):
        response = client.get(wanted)
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        assert len(desk.looks()) == at
    person = desk.who(story.lender).pk
    assert {(entry.body["person"], entry.body["of_lender"]) for entry in desk.looks()} == {
        (person, story.lender.pk)
    }
    assert [entry.body["what"] for entry in desk.looks()] == [
        "queue",
        "open",
        "case",
        *["picture"] * 3,
    ]
    assert [entry.body.get("verification") for entry in desk.looks()] == [
        None,
        None,
        *[story.id] * 4,
    ]
    assert rows_but_the_log() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_no_personal_data_stands_in_an_address_a_header_the_session_or_a_log(story, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    client = desk.at_desk(story.lender)
    answers = [client.get(desk.address(name, story)) for name in ("queue", "open", "case")]
    answers += [desk.vote(client, story, reason="short"), desk.vote(client, story)]
    told = [
        (answer.request["PATH_INFO"], answer.request["QUERY_STRING"], str(answer.headers))
        for answer in answers
    ]
    bodies = [
        entry.body for entry in (*desk.looks(), *entries(story, "review.voted", "evidence.kept"))
    ]
    places = str((told, dict(client.session), bodies)) + caplog.text + "".join(capfd.readouterr())
    for secret in (IIN, "ТЕСТОВ", desk.GOOD["reason"], "+77011234567"):
        assert secret not in places


# What a reviewer sees


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_the_queue_is_oldest_first_with_the_time_that_is_left(story):
    young = glanced("grey", of=story.lender, reference="A-2", iin=OTHER_IIN)
    glanced(of=story.lender, reference="A-3", iin="990101100030")
    shown = desk.at_desk(story.lender).get(desk.address("queue", story))
    assert [line.row.verification_id for line in shown.context["found"]] == [story.id, young.id]
    assert {line.time_left for line in shown.context["found"]} == {"23 h 59 min"}
    first = shown.context["found"][0].row
    assert first.until - first.since == timedelta(hours=24)
    assert "ТЕСТОВ" not in page(shown)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_case_shows_borrower_masked_number_loan_findings_and_every_picture(story):
    response = desk.at_desk(story.lender).get(desk.address("case", story))
    shown = page(response)
    money = "150,000\N{NO-BREAK SPACE}₸"
    for words in (
        "ТЕСТОВ ТЕСТ ТЕСТОВИЧ",
        IIN[-4:],
        money,
        story.lender.name,
        "Purpose",
        "nod.match",
        "face_review",
    ):
        assert words in shown
    assert IIN not in shown
    assert [shot.command for shot in response.context["case"].shots] == ["", "blink"]
    for kind in ("nod.photo", "nod.frame.0"):
        assert f'src="{desk.address("picture", story, kind=kind)}"' in shown
    assert 'type="radio" name="word" value="pass"' in shown
    assert "checked" not in shown


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_the_comparison_is_told_with_its_backend_and_whose_rates_it_has():
    told = {"backend": "sface-onnx", "model": "net", "training_data": "undocumented"}
    told |= {"calibration": "own-2026", "calibration_source": "quoted"}
    check = Judged(
        name="face.match", outcome="inconclusive", code="", score=1.05, threshold=1.0, detail=told
    )
    shown = {str(label): str(value) for label, value in voting._comparison([check])}
    assert shown["Backend"] == "sface-onnx"
    assert shown["Calibration"] == "own-2026"
    assert "quoted" in shown["Rates of the calibration"]
    assert "for counsel" in shown["What the model learned from"]


@pytest.mark.parametrize("is_handed_over", [False, True])
def test_a_check_that_does_not_apply_says_so_instead_of_passed(is_handed_over):
    check = Judged(
        name="face.hand_over",
        outcome="pass",
        code="",
        score=450_000.0,
        threshold=98_300.0,
        detail={},
    )
    line = voting._check_line(check, is_handed_over=is_handed_over)
    shown = (str(line.outcome), line.value, line.limit)
    assert shown == (
        ("Passed", "450,000 ₸, the loan", "at most 98,300")
        if is_handed_over
        else ("Does not apply", "", "")
    )
    assert line.route == ""


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_every_value_of_a_check_of_the_face_has_its_unit_and_its_side(language):
    checks = {name for name in voting.CHECKS if name.startswith("face.")}
    with translation.override(language):
        for name in checks:
            measure = measures.measure_of(name, "", {})
            value, limit = measures.value_of(measure, 0.25), measures.limit_of(measure, 1500.0)
            assert re.search(r"[^\W\d]", value), name
            assert re.search(r"[^\W\d]", limit), name


def test_a_code_or_a_detector_changes_what_the_value_of_a_check_is():
    early = measures.measure_of("face.timing", "liveness_frame_early", {})
    assert measures.limit_of(early, 0.4) == "at least 0.4"
    late = measures.measure_of("face.timing", "liveness_command_missed", {})
    assert measures.limit_of(late, 8.0) == "at most 8"
    by_sum = measures.measure_of("face.passive", "", {"passive": "none"})
    assert measures.value_of(by_sum, 150000.0) == "150,000 ₸, the loan"
    detector = measures.measure_of("face.passive", "", {"passive": "net", "sum_most": 1})
    assert measures.limit_of(detector, 0.5) == "at least 0.5"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_what_the_borrower_cannot_do_is_told_in_words():
    def told(without):
        at, detail = timezone.now(), {"without": without}
        check = Judged(
            name=voting.COMMANDS, outcome="pass", code="", score=1.2, threshold=1.0, detail=detail
        )
        nothing = dict.fromkeys(("shots", "refused_before", "remarks"), ())
        shown = Mock(checks=(check,), code="", route="", hindrance="", until=at, **nothing)
        return [str(word) for word in voting._lines(shown, at=at)["left_out"]]

    assert told("blink, turn") == ["Close the eyes", "Turn the head to the side"]
    assert told("") == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_picture_is_a_fresh_jpeg_without_anything_beside_it(story):
    response = desk.at_desk(story.lender).get(desk.address("picture", story, kind="nod.frame.0"))
    assert (response["Content-Type"], response["X-Content-Type-Options"]) == (
        "image/jpeg",
        "nosniff",
    )
    picture = Image.open(io.BytesIO(response.content))
    assert (picture.format, picture.size, dict(picture.getexif())) == ("JPEG", (320, 240), {})
    assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert BESIDE.encode() not in response.content
    assert picture.convert("RGB").getpixel((9, 9)) == pytest.approx((128, 128, 0), abs=3)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_evidence_that_is_no_picture_or_of_another_question_is_not_shown(client, story):
    for kind in ("nod.answer", "consent.answer", "glance.photo", "nod.terms"):
        assert client.get(desk.address("picture", story, kind=kind)).status_code == 404
    assert desk.looks() == []


# Votes


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_two_people_verify_and_the_second_is_not_told_that_the_first_voted(story):
    first, second = desk.at_desk(story.lender, 1), desk.at_desk(story.lender, 2)
    before = [second.get(desk.address(name, story)).context for name in ("queue", "case")]
    answer = first.post(desk.address("vote", story), desk.GOOD, follow=True)
    assert "A second reviewer must look" in page(answer)
    assert "yours stands" in page(answer)
    after = [second.get(desk.address(name, story)).context for name in ("queue", "case")]
    # A refusal would have ended the case, so that a vote stands says already which.
    assert [line.row for line in after[0]["found"]] == [line.row for line in before[0]["found"]]
    assert after[1]["case"] == before[1]["case"]
    answer = second.post(
        desk.address("vote", story),
        desk.GOOD | {"reason": "the same scar, quite sure"},
        follow=True,
    )
    assert "it was the second one" in page(answer)
    story.work()
    assert (story.row().status, decisions(story)) == ("verified", 1)
    assert [vote.passes for vote in ReviewVote.objects.all()] == [True, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_one_refusal_ends_it(story):
    answer = desk.at_desk(story.lender).post(
        desk.address("vote", story), desk.GOOD | {"word": "fail"}, follow=True
    )
    assert "The case was refused" in page(answer)
    story.work()
    assert story.row().last_failure == "review_refused"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_who_voted_sees_that_their_vote_stands_and_cannot_give_another(client, story):
    desk.vote(client, story)
    shown = page(client.get(desk.address("case", story)))
    assert "Your vote stands" in shown
    assert "<textarea" not in shown
    again = desk.vote(client, story, word="fail")
    assert again.status_code == 409
    assert "already_voted" in page(again)
    assert ReviewVote.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize(
    "changes",
    [
        {"word": ""},
        {"word": "maybe"},
        {"reason": ""},
        {"reason": "x" * 9},
        {"reason": "x" * 501},
        {"reason": "a \x07 b" * 5},
    ],
)
def test_a_vote_without_a_word_or_a_reason_is_refused_and_keeps_what_was_typed(story, changes):
    answer = desk.vote(desk.at_desk(story.lender), story, **changes)
    assert answer.status_code == 422
    assert "errorlist" in page(answer)
    assert ReviewVote.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_reason_of_several_lines_becomes_one(story):
    assert (
        desk.vote(desk.at_desk(story.lender), story, reason="the ears\r\nare the same").status_code
        == 302
    )


# Links


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_link_is_shown_once_with_its_sender_on_record_who_then_has_no_vote():
    story = glanced()
    client = desk.at_desk(story.lender)
    assert story.id in page(client.get(desk.address("open", story)))
    answer = client.post(desk.address("link", story))
    token = page(answer).split("/v/#")[1].split('"')[0]
    assert (answer.status_code, len(token)) == (201, 43)
    assert page(answer).count(token) == 1
    assert "<svg" in page(answer)
    person = desk.who(story.lender).pk
    assert [entry.body.get("person") for entry in entries(story, "link.minted")] == [person]
    assert token not in str([entry.body for entry in entries(story, "link.minted")])
    see(story, "grey")
    assert "two others must look" in page(client.get(desk.address("case", story)))
    refused = desk.vote(client, story)
    assert (refused.status_code, "reviewer_sent_link" in page(refused)) == (409, True)
    assert client.post(desk.address("link", story)).status_code == 409
    assert desk.vote(desk.at_desk(story.lender, 2), story).status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_an_open_case_is_found_by_its_reference():
    story = glanced(reference="A-1")
    other = glanced(of=story.lender, reference="A-2", iin=OTHER_IIN)
    client = desk.at_desk(story.lender)
    found = page(client.post(desk.address("open", story), {"reference": " A-2 "}))
    assert (other.id in found, story.id in found) == (True, False)
    assert "No open case has this reference" in page(
        client.post(desk.address("open", story), {"reference": "A-9"})
    )
    assert client.post(desk.address("open", story), {"reference": "x" * 65}).status_code == 422
    assert [entry.body["asked"] for entry in desk.looks()] == [["reference"], ["reference"], []]


# After the end


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("end", ["decided", "canceled", "late"])
def test_after_the_end_there_is_no_queue_row_no_picture_and_no_vote(
    client, story, monkeypatch, end
):
    picture = desk.address("picture", story, kind="nod.photo")
    assert client.get(picture).status_code == 200
    if end == "decided":
        one_voted(story, person="usr_8")
        one_voted(story, person="usr_9")
    elif end == "canceled":
        openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    else:
        monkeypatch.setattr(policy, "REVIEW_SECONDS", -1)
    looked = len(desk.looks())
    assert client.get(picture).status_code == 404
    code = "review_timeout" if end == "late" else "not_in_review"
    for answer in (client.get(desk.address("case", story)), desk.vote(client, story)):
        assert (answer.status_code, code in page(answer), "ТЕСТОВ" in page(answer)) == (
            409,
            True,
            False,
        )
    assert len(desk.looks()) == looked
    assert story.id not in page(client.get(desk.address("queue", story)))


# Pages


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_pages_hold_no_inline_style_or_script_and_no_id_twice(client, story):
    waiting = glanced(of=story.lender, reference="A-2", iin=OTHER_IIN)
    answers = [client.get(desk.address(name, story)) for name in ("queue", "open", "case")]
    answers += [client.post(desk.address("link", waiting)), desk.vote(client, story, word="")]
    for answer in answers:
        shown = page(answer)
        assert "style=" not in shown
        assert "<style" not in shown
        assert all("src=" in part.split(">")[0] for part in shown.split("<script")[1:])
        ids = [part.split('"')[0] for part in shown.split(' id="')[1:]]
        assert len(ids) == len(set(ids))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize(
    ("language", "words"), [("kk", "Қаралатын істер"), ("ru", "Дела на рассмотрение")]
)
def test_the_desk_speaks_the_readers_language(client, story, language, words):
    client.cookies["django_language"] = language
    assert words in page(client.get(desk.address("queue", story)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize(("runs_live", "first"), [(False, "test"), (True, "live")])
def test_a_mode_that_is_not_kept_cannot_be_asked(story, settings, runs_live, first):
    settings.TULGA_MODES_LIVE = runs_live
    client = desk.at_desk(story.lender)
    assert client.get(desk.address("queue", story)).context["mode"] == first
    assert story.id in page(client.get(desk.address("queue", story), {"mode": "test"}))
    assert client.get(desk.address("queue", story), {"mode": "demo"}).status_code == 422
    assert client.get(desk.address("queue", story), {"mode": "live"}).status_code == (
        200 if runs_live else 422
    )


# Who may come to the desk: reviewers of the case's own lender, with both factors, and by a form of
# ours.


NAMES = tuple(str(pattern.name) for pattern in urls.urlpatterns)

_IDS = {"verification_id": "ver_" + "a" * 26, "evidence_id": "evd_" + "a" * 26}

_OF_CASE = {"verification_id": _IDS["verification_id"]}

_WANTED = {"picture": _IDS, "case": _OF_CASE, "vote": _OF_CASE, "link": _OF_CASE}

_WANTED |= {"confirmation": _OF_CASE, "attest": _OF_CASE | {"kind": "age_confirmation"}}
_WANTED |= {"vote_challenge": _OF_CASE, "attest_challenge": _WANTED["attest"]}


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["visitor", "one_factor", "regulator", "operator", "closed"])
def test_no_other_person_gets_in_or_leaves_a_trace(who):
    of = lender()
    client = {
        "visitor": Client,
        "one_factor": lambda: rows.signed_in(desk.reviewer(of), both_factors=False),
        "regulator": lambda: rows.signed_in(rows.person("regulator")),
        "operator": lambda: rows.signed_in(rows.person("operator")),
        "closed": lambda: desk.at_desk(of),
    }[who]()
    if who == "closed":
        of.reviewers.update(is_active=False)
    for name in NAMES:
        for method in ("get", "post"):
            response = getattr(client, method)(
                reverse(f"review:{name}", kwargs=_WANTED.get(name)), desk.GOOD
            )
            if who in ("regulator", "operator"):
                assert response.status_code == 403
            else:
                assert response["Location"].startswith(reverse("people:login"))
    assert desk.looks() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_reviewer_of_another_lender_finds_nothing_and_an_unknown_case_is_no_different():
    story, other = glanced("grey"), glanced(of=lender("Third", number=900), reference="A-7")
    stranger = desk.at_desk(lender("Other", number=500))
    assert story.id not in stranger.get(desk.address("queue", story)).content.decode()
    assert other.id not in stranger.get(desk.address("open", other)).content.decode()
    count = AuditEntry.objects.count()
    for name in ("case", "vote", "link", "picture"):
        own = desk.address(name, story, kind="glance.photo")
        method = stranger.post if name in ("vote", "link") else stranger.get
        answers = [
            method(own, desk.GOOD),
            method(reverse(f"review:{name}", kwargs=_WANTED[name]), desk.GOOD),
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert "ТЕСТОВ" not in answers[0].content.decode()
    assert (AuditEntry.objects.count(), ReviewVote.objects.count()) == (count, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_vote_and_a_link_need_our_own_form():
    waiting = glanced()
    client = Client(enforce_csrf_checks=True)
    client.cookies = desk.at_desk(waiting.lender).cookies
    assert client.post(desk.address("link", waiting)).status_code == 403
    see(waiting, "grey")
    assert desk.vote(client, waiting).status_code == 403
    assert ReviewVote.objects.count() == 0
    assert AuditEntry.objects.filter(type="link.minted").count() == 0


@pytest.mark.django_db
def test_addresses_that_read_take_no_post_and_those_that_act_no_get():
    client = desk.at_desk(lender())
    for name in NAMES:
        acts = name in ("vote", "link", "attest") or name.endswith("challenge")
        if name not in ("open", "to_confirm"):
            method = client.get if acts else client.post
            assert method(reverse(f"review:{name}", kwargs=_WANTED.get(name))).status_code == 405
    assert desk.looks() == []


@pytest.mark.django_db
def test_the_home_page_leads_to_the_desk_and_only_reviewers_there():
    for client, leads in (
        (desk.at_desk(lender()), True),
        (rows.signed_in(rows.person("regulator")), False),
    ):
        page = client.get(reverse("people:home")).content.decode()
        assert (f'href="{reverse("review:queue")}"' in page) is leads


# The desk finds a case by the number that its borrower reads out on the telephone.


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_an_open_case_is_found_by_the_number_that_its_borrower_reads_out():
    story = glanced(reference="A-1")
    other = glanced(of=story.lender, reference="A-2", iin=OTHER_IIN)
    stranger = glanced(of=lender("Third", number=900), reference="A-3")
    client = desk.at_desk(story.lender)
    for typed in (case_number(other.id), case_number(other.id).replace("-", " ")):
        found = text(client.post(desk.address("open", story), {"reference": typed}))
        assert (other.id in found, story.id in found) == (True, False)
    told = text(client.post(desk.address("open", story), {"reference": case_number(stranger.id)}))
    assert "No open case has this reference" in told


# The regulator's page of a case says who saw the person's face, how often and when.


def looks_at(story):
    file = case_file.case_file(person_id="usr_r", verification_id=story.id)
    return [(look.who, look.what, look.times) for look in file.looks]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_the_regulator_sees_which_reviewers_looked_at_what_and_how_often():
    of = glanced("grey").lender
    story, other = glanced("grey", of=of, reference="A-2"), glanced("grey", of=of, reference="A-3")
    client = desk.at_desk(of)
    assert looks_at(story) == []
    client.get(desk.address("queue", story))
    client.get(desk.address("case", other))
    client.get(desk.address("case", story))
    for kind in ("glance.photo", "glance.frame.0", "glance.photo"):
        client.get(desk.address("picture", story, kind=kind))
    person = desk.who(of).pk
    assert looks_at(story) == [(person, "case", 1), (person, "picture", 3)]
    page = (
        rows.signed_in(rows.person("regulator"))
        .get(f"/oversight/cases/{story.id}/")
        .content.decode()
    )
    assert person in page
    assert "A picture" in page


@pytest.mark.django_db(transaction=True)
def test_the_regulator_sees_which_key_fetched_a_document(script):
    story = played()
    (view,) = listed(story)
    assert looks_at(story) == []
    assert download(story, view.attempt_id) == download(story, view.attempt_id)
    assert looks_at(story) == [("key_a", "document", 2)]


# Days, times and sums at the desk are written as everywhere.


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_days_times_and_sums_are_written_one_way(language):
    story = glanced("clear", "grey", profile="KZ-2021-04")
    client = desk.at_desk(story.lender)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    shown = [
        client.get(desk.address(name, story)).content.decode() for name in ("queue", "open", "case")
    ]
    assert [fault for html in shown for fault in one_format.faults(html)] == []
    money = spelling.money("150000.00", "KZT", language=language).replace("\N{NO-BREAK SPACE}", " ")
    assert money in one_format.text(shown[-1])


# The desk's pages of what is attested before the money leaves.


LIST = reverse("review:to_confirm")

SECRET = "saw the contract signed once more, No. 17"


@pytest.fixture(autouse=True)
def _law(monkeypatch):
    monkeypatch.setitem(profiles.PROFILES, LAW.id, LAW)


@pytest.fixture
def lacking():
    """A verified case whose clearance lacked both attestations."""
    case = verified(lender())
    cleared(case)
    return case


@pytest.fixture
def confirmer(lacking):
    """A reviewer who may attest for the lacking case."""
    return desk.at_desk(lacking.lender)


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


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_the_list_has_what_clearances_of_its_lender_lacked_newest_first():
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_a_case_says_who_it_is_and_what_is_asked_for_and_nothing_is_chosen(lacking):
    shown, money = (
        page(desk.at_desk(lacking.lender).get(address(lacking))),
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_two_words_at_the_desk_let_the_money_leave(confirmer, lacking):
    assert say(confirmer, lacking)["Location"] == LIST
    assert "Your word is kept" in page(confirmer.get(LIST))
    assert say(confirmer, lacking, "in_person_visit")["Location"] == LIST
    person = desk.who(lacking.lender).pk
    assert {one.body["person"] for one in entries(lacking, "attestation.made")} == {person}
    assert cleared(lacking).status == "issued"
    shown = page(confirmer.get(address(lacking)))
    assert shown.count("badge-ok") == 2
    assert "<form" not in shown.split("<main")[1]
    assert SECRET not in shown


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("age_confirmation", {"how": ""}),
        ("age_confirmation", {"how": "by telephone"}),
        ("age_confirmation", {"comment": "ok"}),
        ("age_confirmation", {"comment": "an invisible\u200b sign"}),
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_the_opener_of_a_case_sees_why_they_cannot_attest():
    of = lender()
    client = desk.at_desk(of)
    story = verified(of, opened_by=desk.who(of).email)
    shown = page(client.get(address(story)))
    assert "somebody else must attest" in shown
    assert "<form" not in shown.split("<main")[1]
    answer = say(client, story)
    assert (answer.status_code, "somebody else must attest" in page(answer)) == (409, True)
    assert not AuditEntry.objects.filter(type="attestation.made").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_the_form_is_ours():
    story = verified(lender())
    client = desk.at_desk(story.lender)
    client.handler.enforce_csrf_checks = True
    assert say(client, story).status_code == 403


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_who_was_verified_too_long_ago_is_not_listed_and_the_page_says_so(confirmer, lacking):
    assert [line.row.verification_id for line in confirmer.get(LIST).context["found"]] == [
        lacking.id
    ]
    wait_until(clock.now() + timedelta(seconds=LAW.valid_for_seconds))
    confirmer = desk.at_desk(lacking.lender, 2)
    assert not confirmer.get(LIST).context["found"]
    assert not confirmer.post(LIST, {"reference": "A-1"}).context["found"]
    for answer in (confirmer.get(address(lacking)), say(confirmer, lacking)):
        assert (answer.status_code, "verified too long ago" in page(answer)) == (409, True)
    assert entries(lacking, "attestation.made") == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
def test_the_law_of_the_clearance_says_how_old_is_too_old(lacking, monkeypatch):
    monkeypatch.setitem(profiles.PROFILES, LAW.id, replace(LAW, valid_for_seconds=60))
    wait_until(clock.now() + timedelta(seconds=60))
    client = desk.at_desk(lacking.lender)
    assert not client.get(LIST).context["found"]
    assert say(client, lacking).status_code == 409


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize("ended", ["disputed", "erased"])
def test_what_no_word_helps_any_more_is_not_listed(confirmer, lacking, ended):
    assert confirmer.get(LIST).context["found"]
    if ended == "disputed":
        Verification.objects.filter(pk=lacking.id).update(disputed_at=clock.now())
    else:
        erase(lacking, is_back=True)
    assert not confirmer.get(LIST).context["found"]
    assert not confirmer.post(LIST, {"reference": "A-1"}).context["found"]
