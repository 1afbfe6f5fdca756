"""A receipt says what its entries say, and spells it in one way for ever."""

import json
from datetime import timedelta

from tests.scripts.receipt_samples import AT, CHECKS, PLACE, SCHEMA, facts
from verification.core.decision_receipt import build
from verification.core.stored import canonical_json, digest

GOLDEN = {
    "attempts": [
        {
            "at": "2026-11-28T09:30:00.000000Z",
            "attempt": "att_aaaaaaaaaaaaaaaaaaaaaaaaaa",
            "checks": [
                {"check": "eds.format", "code": None, "outcome": "pass"},
                {"check": "eds.path", "code": None, "outcome": "pass"},
            ],
            "code": None,
            "decided_by": "checks",
            "evidence": {"shared.crl.0": "c" * 64, "statement.text": "b" * 64},
            "frames": {"number": 1, "sha256": digest([["live_capture.0.frame.1", "d" * 64]])},
            "opened_at": "2026-11-28T09:30:00.000000Z",
            "outcome": "passed",
            "release": "eds-1",
            "route": "eds",
            "stage": "statement",
        }
    ],
    "code": None,
    "commitments": {"iin": "1" * 64, "payout_account": "2" * 64},
    "decided_at": "2026-11-28T09:30:00.000000Z",
    "issuer": "https://tulga.example",
    "lender": "len_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "mode": "live",
    "profile": {"id": "KZ-2025-01", "sha256": "a" * 64},
    "releases": ["eds-1"],
    "renews": None,
    "route": "eds",
    "routes": ["eds"],
    "statement_sha256": "e" * 64,
    "status": "verified",
    "type": "tulga.receipt",
    "verification": "ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "version": 1,
}


def attempts(*entries):
    return json.loads(build(facts(entries=entries)))["attempts"]


def test_its_bytes_are_those_of_version_1():
    assert build(facts(commitments=GOLDEN["commitments"])) == canonical_json(GOLDEN)
    SCHEMA.validate(GOLDEN)
    assert not SCHEMA.is_valid(GOLDEN | {"iin": "990101100010"})


def test_what_stood_open_has_no_outcome():
    (one,) = attempts(("attempt.opened", AT, {**PLACE, "release": "eds-1"}))
    assert (one["outcome"], one["code"], one["decided_by"], one["at"], one["checks"]) == (
        None,
        None,
        None,
        None,
        [],
    )


def test_what_people_decided_says_so_and_keeps_what_the_checks_had_said():
    judged = {
        **PLACE,
        "release": "eds-2",
        "outcome": "review",
        "code": "face_review",
        "checks": CHECKS,
    }
    later = AT + timedelta(minutes=5)
    (one,) = attempts(
        ("attempt.opened", AT, {**PLACE, "release": "eds-1"}),
        ("attempt.judged", AT, judged),
        ("attempt.reviewed", later, {**PLACE, "outcome": "passed", "code": ""}),
    )
    assert (one["outcome"], one["code"], one["decided_by"]) == ("passed", None, "people")
    assert (one["at"], one["release"], len(one["checks"])) == (
        "2026-11-28T09:35:00.000000Z",
        "eds-2",
        2,
    )


def test_no_person_or_program_decides_a_lapse():
    (one,) = attempts(
        ("attempt.opened", AT, {**PLACE, "release": "eds-1"}),
        ("attempt.lapsed", AT, {**PLACE, "code": "abandoned"}),
    )
    assert (one["outcome"], one["code"], one["decided_by"]) == ("lapsed", "abandoned", "nobody")


def test_pictures_are_one_hash_in_whatever_order_they_came():
    kept = [
        {"id": f"evd_{n}", "kind": f"live_capture.0.frame.{n}", "commitment": f"{n}" * 64}
        for n in range(3)
    ]
    said = []
    for order in (kept, kept[::-1]):
        opened = ("attempt.opened", AT, {**PLACE, "release": "eds-1"})
        said += attempts(opened, ("evidence.kept", AT, {**PLACE, "evidence": order}))
    assert said[0] == said[1]
    assert said[0]["frames"] == {
        "number": 3,
        "sha256": digest([[one["kind"], one["commitment"]] for one in kept]),
    }
    assert said[0]["evidence"] == {}


def test_an_entry_of_no_attempt_is_left_out():
    assert attempts(("evidence.kept", AT, {**PLACE, "evidence": []})) == []
