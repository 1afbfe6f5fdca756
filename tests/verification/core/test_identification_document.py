"""The document says the four legal stages with their times, and never stumbles over what is
missing.
"""

import json
from base64 import b64decode
from dataclasses import replace
from hashlib import sha256

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
from verification.core.identification_document import (
    Ending,
    Vote,
    build,
    is_due,
    kind_of,
    shown_frames,
)
from verification.core.stored import canonical_json


def said(**changes):
    return valid(build(facts(**changes)))


def test_the_four_stages_each_have_their_time():
    document = said()
    times = [
        document[stage]["at"]
        for stage in ("identification_data", "live_image", "reference", "comparison")
    ]
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
    assert (comparison["zone"], comparison["score"], comparison["threshold"]) == (
        "match",
        "0.31",
        "0.35",
    )
    assert comparison["detail"] == MODEL
    assert [gate["name"] for gate in document["live_image"]["gates"]] == ["face.one_face"]


def judged_with(best, **changes):
    whole = {**capture(), "live_capture.photo": photo(), "live_capture.terms": terms(best=best)}
    return said(evidence=whole, **changes)["live_image"]


def pictures(live):
    """What is shown, by the name of its frame."""
    frames = [frame for one in live["commands"] for frame in one["frames"]]
    return {
        frame["name"]: b64decode(frame["jpeg"]) for frame in frames if frame["jpeg"] is not None
    }


def test_every_command_shows_one_picture_and_names_all_that_came_by_their_hashes():
    live = said()["live_image"]
    assert [one["command"] for one in live["commands"]] == live["ordered"] == list(ORDER)
    frames = [frame for one in live["commands"] for frame in one["frames"]]
    assert [frame["sha256"] for frame in frames] == [
        sha256(f"frame {number} {seq}".encode()).hexdigest()
        for number in range(4)
        for seq in range(3)
    ]
    assert pictures(live) == {f"{number}.1": f"frame {number} 1".encode() for number in range(4)}
    assert live["face"] == "0.1"


def test_the_frames_that_were_compared_are_shown_and_of_a_command_without_one_the_middle_one():
    live = judged_with(["live_capture.0.frame.2", "live_capture.3.frame.0"])
    assert sorted(pictures(live)) == ["0.2", "1.1", "2.1", "3.0"]
    assert live["face"] == "0.2"


@pytest.mark.parametrize(
    "best", [None, 7, {"a": 1}, [], ["live_capture.9.frame.0"], ["other.0.frame.0"], [["x"]]]
)
def test_facts_that_name_no_frame_of_a_command_leave_its_middle_one(best):
    assert sorted(pictures(judged_with(best))) == ["0.1", "1.1", "2.1", "3.1"]


def test_a_frame_that_cannot_be_read_still_stands_for_its_command_and_is_not_shown():
    whole = {**capture(), "live_capture.terms": terms(best=["live_capture.0.frame.0"])}
    del whole["live_capture.0.frame.0"]
    live = said(evidence=whole, unreadable=("live_capture.0.frame.0",))["live_image"]
    assert (sorted(pictures(live)), live["face"]) == (["1.1", "2.1", "3.1"], None)


def test_the_middle_is_that_of_the_numbers_and_other_stages_have_no_say():
    kinds = [f"shot.0.frame.{seq}" for seq in (100, 8, 9, 101, 10)] + [
        "shot.0.chain.0",
        "other.0.frame.1",
    ]
    assert shown_frames(kinds, {}, stage="shot") == {"shot.0.frame.10"}


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
        (
            replace(
                MATCH,
                outcome="inconclusive",
                code="face_review",
                score=0.4,
                detail={"zone": "review"},
            ),
            "review",
        ),
        (
            replace(MATCH, outcome="fail", code="face_again", score=0.4, detail={"zone": "review"}),
            "review",
        ),
        (
            replace(
                MATCH, outcome="fail", code="face_mismatch", score=0.8, detail={"zone": "no_match"}
            ),
            "mismatch",
        ),
        (
            replace(
                MATCH, outcome="fail", code="face_reference_unavailable", score=None, threshold=None
            ),
            "none",
        ),
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
    evidence = {**capture(), "live_capture.terms": terms()} | (
        {"live_capture.photo": answer} if answer else {}
    )
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
    assert (document["policy"], document["comparison"], document["live_image"]["judged_at"]) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    "broken",
    [
        f"live_capture.{kind}"
        for kind in ("order", "0.turn", "0.part.0", "0.seen", "terms", "photo")
    ],
)
@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"\xff", b"{}", b'{"order": 5, "stills": 7, "at": 1, "arrived": 1, "seen": 1}'],
)
def test_evidence_that_cannot_be_read_is_left_out_and_the_document_is_made(broken, content):
    whole = {**capture(), "live_capture.photo": photo(), "live_capture.terms": terms()}
    assert said(evidence={**whole, broken: content}, unreadable=(broken,))["unreadable"] == [broken]


def test_what_people_decided_says_who():
    votes = tuple(
        Vote(person=f"usr_{number}", passes=True, at=later(60 + number)) for number in range(2)
    )
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
