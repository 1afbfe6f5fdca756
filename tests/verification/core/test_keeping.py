"""Which evidence the door may put on record, and what an entry lists."""

from typing import Any

import pytest

from verification.core.keeping import DOOR_KEEPS, Claim, claims, is_of_door, placed
from verification.evidence import store
from verification.models import EvidenceItem
from verification.review import attesting, voting
from verification.stages.code import dialogue as code
from verification.stages.confirmation import dialogue as confirmation
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.person import dialogue as person
from verification.stages.statement import dialogue as statement

GIVEN = {
    *(
        confirmation.CONSENT_ANSWER,
        confirmation.QUESTION_ANSWER,
        person.ANSWER,
        statement.ANSWER,
        statement.SIGNATURE,
        f"{code.GUESS}.N",
    ),
    *(
        live_capture.OTHER_ORDER,
        f"{voting.REASON_KIND}.N",
        f"{attesting.COMMENT_KIND}.N",
        f"{attesting.PLACE_KIND}.N",
        f"{voting.SALT_KIND}.N",
        f"{attesting.SALT_KIND}.N",
    ),
    confirmation.RENEWAL_ANSWER,
    *(
        f"{live_capture.STAGE}.N.{word}"
        for word in ("turn", "lost", "part.N", "frame.N", "chain.N")
    ),
}
"""What stages' `accept` and the desk make of what people send."""


def body(*listed: Any) -> dict[str, Any]:
    return {"attempt": "att_1", "evidence": list(listed)}


def test_the_door_keeps_what_people_give_and_nothing_else() -> None:
    assert DOOR_KEEPS == GIVEN


@pytest.mark.parametrize("kind", sorted(GIVEN))
def test_what_a_person_gives_is_of_the_door_whatever_its_number(kind: str) -> None:
    stage = {"stage": kind.partition(".")[0]}
    assert is_of_door(
        body({"kind": kind.replace("N", "0")}, {"kind": kind.replace("N", "417")}) | stage
    )


@pytest.mark.parametrize(
    "kind", sorted(kind for kind in GIVEN if not kind.startswith(("review", "attestation")))
)
@pytest.mark.parametrize("stage", ["register", "photo", None])
def test_what_a_person_gives_at_one_stage_is_of_no_other(kind: str, stage: str | None) -> None:
    assert not is_of_door(body({"kind": kind.replace("N", "0")}) | {"stage": stage})


@pytest.mark.parametrize(
    "kind",
    [
        "code.issued.0",
        "code.guess",
        "code.guess.N",
        "code.guess.1.2",
        "live_capture.0.look",
        "statement.answer.1",
        "",
        "N",
    ],
)
def test_another_kind_is_not_and_makes_the_whole_entry_a_workers(kind: str) -> None:
    assert not is_of_door(
        body({"kind": "consent.answer"}, {"kind": kind}) | {"stage": kind.partition(".")[0]}
    )
    assert not is_of_door(body({"kind": kind}) | {"stage": kind.partition(".")[0]})


def test_what_lists_nothing_is_of_the_door() -> None:
    assert all(is_of_door(said) for said in ({}, body(), None))


def test_an_entry_lists_commitments_and_hashes_of_what_is_about_no_person() -> None:
    own = {"id": "evd_1", "kind": "consent.answer", "commitment": "1" * 64}
    shared = {"kind": "shared.crl.0", "sha256": "2" * 64}
    found = [
        Claim("att_1", "consent.answer", "1" * 64, "evd_1"),
        Claim("att_1", "shared.crl.0", "2" * 64),
    ]
    assert list(claims(body(own, shared))) == found


@pytest.mark.parametrize(
    "said",
    [
        None,
        {"evidence": [{"kind": "a", "sha256": "2"}]},
        {"attempt": "att_1", "evidence": 5},
        body(5, None, {}, {"kind": 5, "sha256": "2"}, {"kind": "a", "id": "evd_1", "sha256": "2"}),
        body({"kind": "a", "id": 5, "commitment": "2"}),
    ],
)
def test_what_cannot_be_read_is_no_evidence(said: Any) -> None:
    assert list(claims(said)) == []


def test_the_log_says_a_file_once_for_items_that_lie_in_it_one_after_another() -> None:
    items = [
        EvidenceItem(
            id=f"evd_{number}",
            kind=f"a.{number}",
            commitment="c" * 64,
            sealed_sha256=sign * 64,
            size=1,
        )
        for number, sign in enumerate("aabba")
    ]
    listed = store.leaf_list(items)
    assert [one.get("sealed_sha256", "")[:1] for one in listed] == ["a", "", "b", "", "a"]
    assert list(placed(listed)) == [store.leaf_list([item])[0] for item in items]
    shared = {"kind": "shared.crl.0", "sha256": "d" * 64, "size": 1}
    assert list(placed([*listed[1:2], shared, "x"])) == [
        {**listed[1], "sealed_sha256": None},
        shared,
    ]
    assert list(placed({"id": "evd_a"})) == []
