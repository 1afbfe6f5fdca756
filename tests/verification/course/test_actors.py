"""A statement counts as an actor's next one, or is named and ignored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from verification.core.events import ACTORS, API_KEY, ENDPOINT, LENDER, PERSON, PROCESS, SOURCE
from verification.course.actors import Actor, apply, stated
from verification.course.entry import Entry

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
ROWS: dict[str, dict[str, Any]] = {
    PERSON: {
        "role": "reviewer",
        "lender_id": "len_1",
        "is_active": True,
        "email": "a@example.kz",
        "full_name": "Айгүл",
        "salt": b"s" * 16,
        "sealed_key": b"sealed",
        "passkeys": [{"id": "a", "public_key": "b", "origin": "https://tulga.example"}],
        "invitation": "",
        "invited_until": None,
    },
    LENDER: {
        "name": "Ақша LLP",
        "bin": "180440012349",
        "phone": "+77270000044",
        "test_calendar": [{"from": "2026-01-01", "profile": "KZ-2026-01"}],
        "live_calendar": [],
        "return_urls": [],
    },
    API_KEY: {
        "lender_id": "len_1",
        "mode": "test",
        "sha256": "ab" * 32,
        "shown": "tlg_test_abcd",
        "scopes": ["verifications:read"],
        "cidrs": [],
        "expires_at": NOON,
        "revoked_at": None,
    },
    ENDPOINT: {
        "lender_id": "len_1",
        "mode": "test",
        "url": "https://lender.example/hook",
        "events": [],
        "sealed_secret": b"one",
        "sealed_previous_secret": None,
        "previous_secret_until": None,
        "sealed_signing_key": b"key",
        "public_key": "whpk_x",
        "deleted_at": None,
    },
    SOURCE: {
        "purpose": "person_registry",
        "adapter": "http",
        "origins": ["https://registry.example"],
        "protocol": "tulga v1",
        "is_sandbox": False,
        "status": "active",
    },
    PROCESS: {"process": "worker", "settings": "ab" * 32, "law": "", "software": "cd" * 32},
}
IDS = {
    PERSON: "usr_1",
    LENDER: "len_1",
    API_KEY: "key_1",
    ENDPOINT: "whe_1",
    SOURCE: "src_person_registry",
    PROCESS: "process_worker",
}
LASTING = [
    (PERSON, {"role": "operator"}),
    (PERSON, {"lender_id": "len_2"}),
    (LENDER, {"bin": "180440012350"}),
    (API_KEY, {"lender_id": "len_2"}),
    (API_KEY, {"mode": "live"}),
    (API_KEY, {"sha256": "cd" * 32}),
    (API_KEY, {"scopes": ["clearances:write"]}),
    (API_KEY, {"cidrs": ["0.0.0.0/0"]}),
    (ENDPOINT, {"lender_id": "len_2"}),
    (ENDPOINT, {"mode": "live"}),
    (ENDPOINT, {"sealed_signing_key": b"other"}),
    (ENDPOINT, {"public_key": "whpk_y"}),
    (SOURCE, {"purpose": "sms"}),
    (PROCESS, {"process": "web"}),
]
FREE = [
    (PERSON, {"is_active": False}),
    (PERSON, {"full_name": "Айгүл Ө."}),
    (PERSON, {"sealed_key": b"renewed"}),
    (LENDER, {"name": "Ақша 2 LLP"}),
    (LENDER, {"phone": "+77270000045"}),
    (API_KEY, {"expires_at": NOON - timedelta(days=1)}),
    (API_KEY, {"revoked_at": NOON}),
    (ENDPOINT, {"url": "https://lender.example/other"}),
    (ENDPOINT, {"deleted_at": NOON}),
    (SOURCE, {"origins": ["https://other.example"]}),
    (SOURCE, {"status": "closed"}),
    (PROCESS, {"settings": "ef" * 32}),
    (PROCESS, {"software": "ef" * 32}),
]


def entry(entry_type: str, version: int, *, actor: Any = "", **changes: Any) -> Entry:
    named = {"actor": actor or IDS[entry_type], "version": version}
    body = named | stated(entry_type, ROWS[entry_type] | changes)
    return Entry(f"evt_{version}", entry_type, "test", NOON, body)


def after(*entries: Entry) -> tuple[Actor | None, list[str]]:
    actor, faults = None, list[str]()
    for statement in entries:
        actor, more = apply(actor, statement)
        faults += [fault.detail for fault in more]
    return actor, faults


@pytest.mark.parametrize("entry_type", ACTORS)
def test_the_first_statement_makes_an_active_actor(entry_type: str) -> None:
    actor, faults = after(entry(entry_type, 1))
    assert actor is not None
    assert (actor.version, actor.is_active, faults) == (1, True, [])


@pytest.mark.parametrize(("entry_type", "change"), FREE)
def test_what_may_change_is_changed_by_the_next_statement(
    entry_type: str, change: dict[str, Any]
) -> None:
    actor, faults = after(entry(entry_type, 1), entry(entry_type, 2, **change))
    assert actor is not None
    assert (faults, actor.version) == ([], 2)
    assert actor.fields == stated(entry_type, ROWS[entry_type] | change)
    assert actor.fields != stated(entry_type, ROWS[entry_type])


@pytest.mark.parametrize(("entry_type", "change"), LASTING)
def test_what_lasts_is_named_and_stays(entry_type: str, change: dict[str, Any]) -> None:
    actor, faults = after(entry(entry_type, 1), entry(entry_type, 2, **change))
    assert actor is not None
    assert actor.fields == stated(entry_type, ROWS[entry_type])
    assert len(faults) == 1
    assert faults[0].endswith("which last")


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_statement_out_of_turn_is_named_and_ignored(version: int) -> None:
    actor, faults = after(entry(LENDER, 1), entry(LENDER, version, name="Other"))
    assert actor is not None
    assert (actor.fields["name"], len(faults)) == ("Ақша LLP", 1)


@pytest.mark.parametrize(("entry_type", "end"), [(API_KEY, "revoked_at"), (ENDPOINT, "deleted_at")])
def test_a_key_and_an_endpoint_end_for_good(entry_type: str, end: str) -> None:
    ended = entry(entry_type, 2, **{end: NOON})
    for change in ({end: None}, {end: NOON + timedelta(days=1)}):
        actor, faults = after(entry(entry_type, 1), ended, entry(entry_type, 3, **change))
        assert actor is not None
        assert (actor.is_active, faults) == (False, ["its actor had ended"])


def test_a_person_may_be_closed_and_opened_again() -> None:
    closed = entry(PERSON, 2, is_active=False)
    actor, _ = after(entry(PERSON, 1), closed)
    assert actor is not None
    assert not actor.is_active
    actor, faults = after(entry(PERSON, 1), closed, entry(PERSON, 3))
    assert actor is not None
    assert (actor.is_active, faults) == (True, [])


@pytest.mark.parametrize("entry_type", ACTORS)
def test_a_statement_that_leaves_something_out_is_named(entry_type: str) -> None:
    whole = entry(entry_type, 1)
    for name in stated(entry_type, ROWS[entry_type]):
        body = {field: value for field, value in whole.body.items() if field != name}
        actor, faults = after(Entry("evt_1", entry_type, "test", NOON, body))
        assert (actor, faults) == (None, [f"it does not state {name}"])


@pytest.mark.parametrize("taken", ACTORS)
@pytest.mark.parametrize("entry_type", ACTORS)
def test_no_statement_takes_the_id_of_another_kind(entry_type: str, taken: str) -> None:
    first, faults = after(entry(entry_type, 1, actor=IDS[taken]))
    assert (first is None) is (taken != entry_type)
    assert faults == ([] if taken == entry_type else ["its actor is of another kind"])
    actor, faults = after(entry(taken, 1), entry(entry_type, 2, actor=IDS[taken]))
    assert actor is not None
    assert (actor.type, bool(faults)) == (taken, taken != entry_type)


@pytest.mark.parametrize("actor", ["", "usr1", "key_1", "USR_1", " usr_1", 1, None, ["usr_1"]])
def test_an_id_without_its_mark_names_no_person(actor: Any) -> None:
    body = {**entry(PERSON, 1).body, "actor": actor}
    person, faults = after(Entry("evt_1", PERSON, "test", NOON, body))
    assert (person, faults) == (None, ["its actor is of another kind"])


@pytest.mark.parametrize(
    ("entry_type", "hidden"),
    [
        (PERSON, ["a@example.kz", "Айгүл"]),
        (ENDPOINT, ["lender.example"]),
    ],
)
def test_names_and_addresses_do_not_stand_in_a_statement(
    entry_type: str, hidden: list[str]
) -> None:
    spelled = str(stated(entry_type, ROWS[entry_type]))
    assert not any(word in spelled for word in hidden)


def test_equal_names_of_two_people_have_different_commitments() -> None:
    other = ROWS[PERSON] | {"salt": b"t" * 16}
    assert stated(PERSON, ROWS[PERSON])["known_as"] != stated(PERSON, other)["known_as"]
