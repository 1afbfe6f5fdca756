"""The document says the four legal stages with their times, and never stumbles over what is missing."""

import json
from base64 import b64decode
from dataclasses import replace

import pytest

from tests.verification.core import answer_samples
from tests.verification.core.document_samples import (
    GATE,
    MATCH,
    MODEL,
    ORDER,
    SCHEMA,
    capture,
    facts,
    later,
    photo,
    terms,
    valid,
)
from verification.core.identification_document import Ending, Vote, build, is_due, kind_of
from verification.core.stored import canonical_json


def said(**changes):
    return valid(build(facts(**changes)))


def test_the_four_stages_each_have_their_time():
    document = said()
    times = [document[stage]["at"] for stage in ("identification_data", "live_image", "reference", "comparison")]
    assert times == [
        "2026-11-24T11:59:00.000000Z",
        "2026-11-24T12:00:12.000000Z",
        "2026-11-24T12:00:20.000000Z",
        "2026-11-24T12:00:20.000000Z",
    ]


def test_it_names_lender_person_result_model_and_thresholds():
    document = said()
    assert document["lender"] == {"name": "Ақша LLP", "bin": "180440012349"}
    assert document["identification_data"]["iin"] == "990101100010"
    assert (document["result"]["outcome"], document["result"]["decided_by"]) == ("passed", "checks")
    comparison = document["comparison"]
    assert (comparison["zone"], comparison["score"], comparison["threshold"]) == ("match", "0.31", "0.35")
    assert comparison["detail"] == MODEL
    assert [gate["name"] for gate in document["live_image"]["gates"]] == ["face.one_face"]


def test_every_command_has_its_pictures_and_one_of_the_first_stands_for_the_face():
    live = said()["live_image"]
    assert [one["command"] for one in live["commands"]] == live["ordered"] == list(ORDER)
    frames = [frame for one in live["commands"] for frame in one["frames"]]
    assert [b64decode(frame["jpeg"]) for frame in frames][:2] == [b"frame 0 0", b"frame 0 1"]
    assert (len(frames), live["face"]) == (12, "0.1")


@pytest.mark.parametrize(("told", "face"), [("2, 0, 1", "0.2"), ("0", "0.0"), ("", "0.1"), ("9", "0.1"), ("-1", "0.1")])
def test_the_face_is_the_best_frame_that_was_compared(told, face):
    match = replace(MATCH, detail={**MODEL, "rest_frames": told})
    assert said(checks=(GATE, match))["live_image"]["face"] == face


def test_of_the_reference_there_is_the_source_and_the_hash_but_no_picture():
    document = build(facts())
    assert answer_samples.PHOTO["photo"] not in document.decode()
    reference = valid(document)["reference"]
    assert (reference["source"], reference["sha256"]) == ("STATE", answer_samples.PHOTO["sha256"])


def test_a_reference_that_stood_before_the_capture_has_the_earlier_time():
    early = facts()
    early = replace(early, kept_at={**early.kept_at, "live_capture.photo": later(-10)})
    assert valid(build(early))["reference"]["at"] == "2026-11-24T11:59:50.000000Z"


@pytest.mark.parametrize(
    ("match", "zone"),
    [
        (MATCH, "match"),
        (replace(MATCH, outcome="inconclusive", code="face_review", score=0.4, detail={"zone": "review"}), "review"),
        (replace(MATCH, outcome="fail", code="face_again", score=0.4, detail={"zone": "review"}), "review"),
        (replace(MATCH, outcome="fail", code="face_mismatch", score=0.8, detail={"zone": "no_match"}), "mismatch"),
        (replace(MATCH, outcome="fail", code="face_reference_unavailable", score=None, threshold=None), "none"),
    ],
)
def test_the_comparison_says_its_zone(match, zone):
    assert said(checks=(GATE, match))["comparison"]["zone"] == zone


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (photo(), "found"),
        (answer_samples.spelled({**answer_samples._ABOUT, "status": "no_photo"}), "no_photo"),
        (b"garbage", "unreadable"),
        (photo(source="BORROWER"), "unreadable"),
        (None, "none"),
    ],
)
def test_a_reference_is_a_registers_or_none(answer, status):
    evidence = {**capture(), "live_capture.terms": terms()} | ({"live_capture.photo": answer} if answer else {})
    reference = said(evidence=evidence)["reference"]
    assert reference["status"] == status
    assert (reference["sha256"] is None) == (status != "found")


@pytest.mark.parametrize("commands", range(len(ORDER) + 1))
def test_a_capture_that_broke_off_shows_what_came(commands):
    live = said(evidence=capture(commands), checks=())["live_image"]
    assert (len(live["commands"]), live["ordered"]) == (commands, list(ORDER))
    assert (live["at"] is None, live["face"] is None) == (commands == 0, commands == 0)


def test_what_was_never_judged_has_no_policy_and_no_comparison():
    document = said(evidence=capture(1), checks=())
    assert (document["policy"], document["comparison"], document["live_image"]["judged_at"]) == (None, None, None)


@pytest.mark.parametrize(
    "broken", ["live_capture.order", "live_capture.0.turn", "live_capture.terms", "live_capture.photo"]
)
@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{}", b'{"order": 5, "sent": 7, "at": 1}'])
def test_evidence_that_cannot_be_read_is_left_out_and_the_document_is_made(broken, content):
    whole = {**capture(), "live_capture.photo": photo(), "live_capture.terms": terms()}
    assert said(evidence={**whole, broken: content}, unreadable=(broken,))["unreadable"] == [broken]


def test_what_people_decided_says_who():
    votes = tuple(Vote(person=f"usr_{number}", passes=True, at=later(60 + number)) for number in range(2))
    ending = Ending(outcome="passed", code="", decided_by="people", at=later(61), votes=votes)
    result = said(ending=ending)["result"]
    assert [vote["person"] for vote in result["votes"]] == ["usr_0", "usr_1"]


def test_it_is_canonical_and_the_same_each_time():
    document = build(facts())
    assert document == build(facts()) == canonical_json(json.loads(document))


def test_the_schema_refuses_what_is_no_document():
    good = json.loads(build(facts()))
    assert SCHEMA.is_valid(good)
    assert not SCHEMA.is_valid(good | {"extra": 1})
    for name in good:
        assert not SCHEMA.is_valid({other: value for other, value in good.items() if other != name})
    assert not SCHEMA.is_valid(good | {"reference": good["reference"] | {"source": "BORROWER"}})


def test_a_document_is_due_where_commands_were_drawn():
    assert is_due({"live_capture.order", "live_capture.photo"}, stage="live_capture")
    assert not is_due({"code.issued"}, stage="code")
    assert kind_of("live_capture") == "live_capture.document"
