"""The desk at work: what it shows, what it never shows, and that every look is on record."""

import io
import logging
from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.apps import apps
from django.utils import timezone
from PIL import Image

from tests.verification.review import desk
from tests.verification.stories.insecure_glance import BESIDE, entries, glanced, one_voted, see
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import IIN, OTHER_IIN, decisions
from verification.access import openings
from verification.case import policy
from verification.core.identification_document import Judged
from verification.models import ReviewVote
from verification.review import voting

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]

_OF_THE_LOG = {"AuditEntry", "AuditPending"}


@pytest.fixture
def story():
    """A case that waits for reviewers, at the last stage of what suffices."""
    return glanced("clear", "grey", profile="KZ-2021-04")


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


def test_the_queue_is_oldest_first_with_the_time_that_is_left(story):
    young = glanced("grey", of=story.lender, reference="A-2", iin=OTHER_IIN)
    glanced(of=story.lender, reference="A-3", iin="990101100030")
    shown = desk.at_desk(story.lender).get(desk.address("queue", story))
    assert [line.row.verification_id for line in shown.context["found"]] == [story.id, young.id]
    assert {line.time_left for line in shown.context["found"]} == {"23 h 59 min"}
    first = shown.context["found"][0].row
    assert first.until - first.since == timedelta(hours=24)
    assert "ТЕСТОВ" not in page(shown)


def test_a_case_shows_borrower_masked_number_loan_findings_and_every_picture(story):
    response = desk.at_desk(story.lender).get(desk.address("case", story))
    shown = page(response)
    money = "150,000\N{NO-BREAK SPACE}₸"
    for words in (
        "ТЕСТОВ ТЕСТ ТЕСТОВИЧ",
        IIN[-4:],
        money,
        story.lender.name,
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


def test_evidence_that_is_no_picture_or_of_another_question_is_not_shown(story):
    client = desk.at_desk(story.lender)
    for kind in ("nod.answer", "consent.answer", "glance.photo", "nod.terms"):
        assert client.get(desk.address("picture", story, kind=kind)).status_code == 404
    assert desk.looks() == []


# Votes


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


def test_one_refusal_ends_it(story):
    answer = desk.at_desk(story.lender).post(
        desk.address("vote", story), desk.GOOD | {"word": "fail"}, follow=True
    )
    assert "The case was refused" in page(answer)
    story.work()
    assert story.row().last_failure == "review_refused"


def test_who_voted_sees_that_their_vote_stands_and_cannot_give_another(story):
    client = desk.at_desk(story.lender)
    desk.vote(client, story)
    shown = page(client.get(desk.address("case", story)))
    assert "Your vote stands" in shown
    assert "<textarea" not in shown
    again = desk.vote(client, story, word="fail")
    assert again.status_code == 409
    assert "already_voted" in page(again)
    assert ReviewVote.objects.count() == 1


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


def test_a_reason_of_several_lines_becomes_one(story):
    assert (
        desk.vote(desk.at_desk(story.lender), story, reason="the ears\r\nare the same").status_code
        == 302
    )


# Links


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


@pytest.mark.parametrize("end", ["decided", "canceled", "late"])
def test_after_the_end_there_is_no_queue_row_no_picture_and_no_vote(story, monkeypatch, end):
    client = desk.at_desk(story.lender)
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


def test_pages_hold_no_inline_style_or_script_and_no_id_twice(story):
    client = desk.at_desk(story.lender)
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


@pytest.mark.parametrize(
    ("language", "words"), [("kk", "Қаралатын істер"), ("ru", "Дела на рассмотрение")]
)
def test_the_desk_speaks_the_readers_language(story, language, words):
    client = desk.at_desk(story.lender)
    client.cookies["django_language"] = language
    assert words in page(client.get(desk.address("queue", story)))


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
