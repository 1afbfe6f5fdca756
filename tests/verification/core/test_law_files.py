"""A law file: how it is read, what it may change, and which rule refuses it."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from tests.verification import law_files
from verification.core import almaty, law_file, law_rules, profiles
from verification.core.certificates import public_of
from verification.core.errors import BadInput, Misconfigured
from verification.core.profiles import (
    COMBINATIONS,
    DIRECTIONS,
    NO_AMENDMENTS,
    Amendments,
    Direction,
    Status,
    get,
)

# What is no law file is refused with one code, and what was signed is read as it was signed.


SEED = bytes(range(32))


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as refused:
        call()
    return refused.value.code


def test_a_file_is_read_field_by_field():
    said = law_files.document(
        3,
        profiles=[law_files.profile(repeals=["KZ-2025-09"], cooling_off_hours=48)],
        statuses=[law_files.status()],
    )
    law, document = law_file.read_document(json.dumps(said).encode())
    assert document == said
    assert (law.number, law.installation) == (3, settings.TULGA_LOG_ORIGIN)
    assert [(str(value.in_force_from), value.tenge) for value in law.values] == [
        ("2027-01-01", 4500)
    ]
    [profile], [status] = law.profiles, law.statuses
    assert (profile.id, profile.status, str(profile.since)) == (
        "KZ-2027-03",
        Status.IN_FORCE,
        "2027-03-01",
    )
    assert (profile.repeals, profile.cooling_off_hours, profile.verified_by_lawyer) == (
        ("KZ-2025-09",),
        48,
        False,
    )
    assert profile.combinations == get("KZ-2026-01").combinations
    assert (status.profile, status.status, str(status.since)) == (
        "KZ-2026-01",
        Status.IN_FORCE,
        "2027-02-01",
    )


def test_a_field_of_a_rule_that_is_left_out_or_null_is_not_asked():
    [left_out, null] = (
        law_file.parse(law_files.document(profiles=[profile])).profiles[0]
        for profile in (
            {
                name: value
                for name, value in law_files.profile().items()
                if name != "visit_over_mci"
            },
            law_files.profile(visit_over_mci=None),
        )
    )
    assert left_out.visit_over_mci is null.visit_over_mci is None
    assert left_out.sha256 == null.sha256 != get("KZ-2026-01").sha256


WRONG = {
    "another form": {"form": "tulga-law-2"},
    "no number": {"number": 0},
    "a number that is a truth value": {"number": True},
    "a number that is a text": {"number": "1"},
    "a fraction": {"number": 1.0},
    "too high a number": {"number": 10_000},
    "no installation": {"installation": ""},
    "no time": {"issued_at": "2026-12-15"},
    "an unknown field": {"note": "later"},
    "an unknown fraction": {"note": 0.5},
    "nothing": {"mci": []},
    "no list": {"mci": {}},
    "too long a list": {"mci": [law_files.MCI_2027] * 41},
    "no sum": {"mci": [law_files.MCI_2027 | {"tenge": 0}]},
    "a sum that is a truth value": {"mci": [law_files.MCI_2027 | {"tenge": True}]},
    "a fraction of a tenge": {"mci": [law_files.MCI_2027 | {"tenge": 4500.5}]},
    "a year that is too far": {"mci": [law_files.MCI_2027 | {"year": 2101}]},
    "a value without a source": {"mci": [{"year": 2027, "tenge": 4500}]},
    "a source of digits alone": {"mci": [law_files.MCI_2027 | {"source": "123456789012"}]},
    "a source with a line break": {"mci": [law_files.MCI_2027 | {"source": "a\nb"}]},
    "a field of a value": {"mci": [law_files.MCI_2027 | {"month": 1}]},
    "another status": {"statuses": [law_files.status(word="repealed")]},
    "a day that is none": {"statuses": [law_files.status(since="2027-02-30")]},
    "a day in another spelling": {"statuses": [law_files.status(since="20270201")]},
    "a field of a status": {"statuses": [law_files.status() | {"until": "2028-01-01"}]},
    "an id of another form": {"profiles": [law_files.profile(id="KZ-TEST")]},
    "an unknown rule": {"profiles": [law_files.profile(deposit_over_mci=5)]},
    "a lawyer's word": {"profiles": [law_files.profile(verified_by_lawyer=True)]},
    "a hash": {"profiles": [law_files.profile(sha256="0" * 64)]},
    "an unknown route": {"profiles": [law_files.profile(combinations=[["eds", "passport"]])]},
    "the route of the new consent": {"profiles": [law_files.profile(combinations=[["renewal"]])]},
    "no set of routes": {"profiles": [law_files.profile(combinations=[])]},
    "an empty set of routes": {"profiles": [law_files.profile(combinations=[["eds"], []])]},
    "a route twice": {"profiles": [law_files.profile(combinations=[["eds", "eds"]])]},
    "a set twice": {
        "profiles": [law_files.profile(combinations=[["eds", "biometric"], ["biometric", "eds"]])]
    },
    "a missing number": {"profiles": [law_files.profile(replaced_max=None)]},
    "a negative number": {"profiles": [law_files.profile(visit_over_mci=-1)]},
    "no second": {"profiles": [law_files.profile(valid_for_seconds=0)]},
    "a truth value for a number": {"profiles": [law_files.profile(cooling_off_hours=True)]},
    "a wait without hours": {"profiles": [law_files.profile(cooling_off_hours=None)]},
    "an id to repeal twice": {"profiles": [law_files.profile(repeals=["KZ-2025-09"] * 2)]},
    "what is no id to repeal": {"profiles": [law_files.profile(repeals=[5])]},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_is_no_law_file_is_refused(change):
    assert law_file.parse(law_files.document())
    assert (
        code_of(lambda: law_file.read_document(json.dumps(law_files.document(**change)).encode()))
        == "law_malformed"
    )


def detail(call: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as refused:
        call()
    assert refused.value.code == "law_malformed"
    return refused.value.detail


ADVICE: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt field": (
        {"profiles": [law_files.profile(register_aksed=True)]},
        "/profiles/0/register_aksed: a law file has no such field here",
    ),
    "a misspelt field of the file": ({"note": ""}, "/note: a law file has no such field here"),
    "a field with a line break": ({"a\nb": ""}, "/: a law file has no such field here"),
    "a day": (
        {"statuses": [law_files.status(since="2027-3-1")]},
        "/statuses/0/since: a day such as 2027-03-01 is expected, of the years 2020 to 2100",
    ),
    "no day": (
        {"statuses": [{"profile": "KZ-2026-01", "status": "in_force", "source": "A source"}]},
        "/statuses/0/since: the field is missing",
    ),
    "a number for a truth value": (
        {"profiles": [law_files.profile(register_asked=1)]},
        "/profiles/0/register_asked: true or false is expected",
    ),
    "a truth value for a number": (
        {"profiles": [law_files.profile(), law_files.profile(replaced_max=True)]},
        "/profiles/1/replaced_max: a whole number from 0 to 100 is expected",
    ),
    "a route": (
        {"profiles": [law_files.profile(combinations=[["eds"], ["passport"]])]},
        "/profiles/0/combinations/1: a list out of biometric, eds, live_face is expected",
    ),
    "an id to repeal": (
        {"profiles": [law_files.profile(repeals=["2025-09"])]},
        "/profiles/0/repeals: an id such as KZ-2025-09 is expected",
    ),
}


@pytest.mark.parametrize(("change", "advice"), ADVICE.values(), ids=ADVICE)
def test_a_refusal_names_the_place_and_what_is_expected_there(
    change: dict[str, Any], advice: str
) -> None:
    file = json.dumps(law_files.document(**change)).encode()
    assert detail(lambda: law_file.read_document(file)) == advice


def test_a_text_that_is_no_json_is_refused_with_its_place() -> None:
    broken = b'{\n "form": "tulga-law-1"\n "number": 1}'
    assert detail(lambda: law_file.read_document(broken)).startswith(
        "/: no JSON at line 3, column 2: "
    )
    marked = b"\xef\xbb\xbf" + json.dumps(law_files.document()).encode()
    assert "begins with a byte order mark" in detail(lambda: law_file.read_document(marked))
    assert "at most 61440 bytes" in detail(lambda: law_file.read_document(b" " * 70_000))


def test_unsigned_and_signed_files_say_which_command_takes_them() -> None:
    plain, signed = (
        json.dumps(law_files.document()).encode(),
        law_files.spelled(law_files.document(), seed=SEED),
    )
    assert (
        detail(lambda: law_file.read_signed(plain))
        == "/: this file is not signed: sign it with manage.py sign_law"
    )
    assert "already signed: take it with manage.py take_law" in detail(
        lambda: law_file.read_document(signed)
    )


@pytest.mark.parametrize("name", [*law_files.document()])
def test_no_field_may_be_left_out(name):
    said = {field: value for field, value in law_files.document().items() if field != name}
    assert code_of(lambda: law_file.parse(said)) == "law_malformed"


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"form":1,"form":1}',
        b"\xff",
        b'{"a":NaN}',
        b"[" * 5000,
        b" " * (60 * 1024) + b"{}",
    ],
    ids=lambda untrusted: repr(untrusted[:12]),
)
def test_bytes_that_are_no_object_are_refused(untrusted):
    assert code_of(lambda: law_file.read_document(untrusted)) == "law_malformed"
    assert code_of(lambda: law_file.read_signed(untrusted)) == "law_malformed"


def test_what_was_signed_is_read_from_the_file_and_from_the_entry():
    said = law_files.document()
    signed = law_file.read_signed(law_files.spelled(said, seed=SEED))
    law_file.require_signed(signed, root=public_of(SEED), installation=settings.TULGA_LOG_ORIGIN)
    assert law_file.read_entry({"v": 1, **signed.body}) == signed
    assert signed.body.keys() == {"number", "sha256", "law", "signature"}


def test_another_root_or_another_installation_is_told_apart():
    signed = law_file.read_signed(law_files.spelled(law_files.document(), seed=SEED))
    own, origin = public_of(SEED), settings.TULGA_LOG_ORIGIN
    assert (
        code_of(
            lambda: law_file.require_signed(signed, root=public_of(b"1" * 32), installation=origin)
        )
        == "law_forged"
    )
    assert (
        code_of(lambda: law_file.require_signed(signed, root=own, installation="elsewhere"))
        == "law_elsewhere"
    )
    assert (
        code_of(lambda: law_file.require_signed(signed, root=b"", installation=origin))
        == "law_forged"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"number": 2},
        {"sha256": "0" * 64},
        {"signature": "AA"},
        {"signature": None},
        {"law": None},
        {"law": law_files.document(2)},
        {"more": 1},
    ],
    ids=str,
)
def test_an_entry_says_what_the_file_says_and_nothing_else(change):
    body = law_file.read_signed(law_files.spelled(law_files.document(), seed=SEED)).body
    assert code_of(lambda: law_file.read_entry(body | change)) == "law_malformed"


@pytest.mark.parametrize("body", [None, [], "law", {}], ids=repr)
def test_what_is_no_body_is_refused(body):
    assert code_of(lambda: law_file.read_entry(body)) == "law_malformed"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, its own among them."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


WHOLE = law_files.document(
    profiles=[law_files.profile(repeals=["KZ-2025-09"])], statuses=[law_files.status()]
)

PLACES = places({"law": WHOLE, "signature": "A" * 86 + "=="})[1:]


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(json.dumps({"law": WHOLE, "signature": "A" * 86 + "=="}))
    part: Any = whole
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return whole


def outcome(call: Callable[[], object]) -> str:
    """Empty where it is read; else the code. Anything but a refusal comes through."""
    try:
        call()
    except BadInput as refused:
        return refused.code
    return ""


@given(st.sampled_from(PLACES), VALUES)
def test_any_value_in_any_place_is_read_or_refused_with_one_code(path, value):
    whole = changed(path, value)
    file = json.dumps(whole).encode()
    told = outcome(lambda: law_file.read_signed(file))
    assert told in ("", "law_malformed")
    assert told or law_file.read_entry(law_file.read_signed(file).body)
    assert outcome(lambda: law_file.read_entry(whole)) == "law_malformed"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_one_code(untrusted):
    assert outcome(lambda: law_file.read_signed(untrusted)) == "law_malformed"


@given(st.integers(0, 5), st.data())
def test_a_file_with_bytes_changed_is_read_or_refused_with_one_code(count, data):
    file = bytearray(law_files.spelled(WHOLE, seed=SEED))
    for _ in range(count):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    told = outcome(lambda: law_file.read_signed(bytes(file)))
    assert told in ("", "law_malformed")
    assert count or not told


# What a law file may change, and each rule that refuses one.


def taken(*documents: dict[str, Any]) -> Amendments:
    """What counts once all were taken; then they are on record, and are read so again."""
    amendments, laws = NO_AMENDMENTS, tuple(law_file.parse(said) for said in documents)
    for law in laws:
        amendments = law_rules.extended(amendments, law)
    assert law_rules.all_of(laws) == amendments
    return amendments


def code(*documents: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as refused:
        taken(*documents)
    return refused.value.code


FIRST = law_files.document()

SILENT: dict[str, Any] = {"mci": []}


def test_the_value_of_a_year_counts_once_its_file_is_taken():
    day = date(2027, 1, 2)
    assert not profiles.is_mci_known(day)
    with pytest.raises(Misconfigured):
        profiles.mci_tenge(75, on=day)
    profiles.hold_amendments(taken(FIRST))
    assert profiles.is_mci_known(day)
    assert profiles.mci_tenge(75, on=day) == 75 * 4500
    assert profiles.mci_tenge(75, on=date(2026, 12, 31)) == 75 * 4325
    assert not profiles.is_mci_known(date(2028, 1, 1))


def test_a_larger_mci_is_no_laxer_law():
    larger = law_files.MCI_2027 | {"tenge": 6487}
    assert taken(law_files.document(mci=[larger])).values[0].tenge == 6487


def test_files_are_taken_in_their_order_without_a_gap():
    second = law_files.document(2, **SILENT, statuses=[law_files.status()])
    assert taken(FIRST, second).number == 2
    assert code(second) == "law_out_of_order"
    assert (
        code(FIRST, FIRST)
        == code(FIRST, second, second)
        == code(FIRST, second, FIRST)
        == "law_replayed"
    )
    assert (
        code(FIRST, law_files.document(3, **SILENT, statuses=[law_files.status()]))
        == "law_out_of_order"
    )


STRICT = {field.name for field in fields(profiles.Profile)} & DIRECTIONS.keys()

NEWEST = profiles.get("KZ-2026-01")

LAX = {
    name: {name: getattr(NEWEST, name) + (1 if DIRECTIONS[name] is Direction.LOWER else -1)}
    for name in sorted(STRICT)
    if getattr(NEWEST, name) is not None
}

LAX |= {
    COMBINATIONS: {COMBINATIONS: [["biometric"]]},
    "a way more": {COMBINATIONS: [["eds", "biometric"], ["live_face"]]},
    "no visit": {"visit_over_mci": None},
    "no wait": {"cooling_off_over_mci": None, "cooling_off_hours": None},
    "no stop-credit": {"stop_credit_max_age_seconds": None},
    "no register of people": {"register_asked": None},
    "a no to the register of people": {"register_asked": False},
}


@pytest.mark.parametrize("change", LAX.values(), ids=LAX)
def test_a_profile_that_asks_less_in_any_field_is_refused_unless_it_is_signed_to_repeal(change):
    lax = law_files.profile(**change)
    assert code(law_files.document(profiles=[lax])) == "law_laxer"
    every = [*profiles.PROFILES]
    repealing = law_files.document(profiles=[lax | {"repeals": every}])
    assert taken(repealing).profiles[0].repeals == tuple(every)
    assert code(law_files.document(profiles=[lax | {"repeals": every[:-1]}])) == "law_laxer"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"cooling_off_hours": 48},
        {"valid_for_seconds": 3600},
        {"amount_max_mci": 500},
        {"combinations": [["eds", "biometric", "live_face"]]},
    ],
    ids=str,
)
def test_a_profile_that_asks_as_much_or_more_is_taken(change):
    profiles.hold_amendments(taken(law_files.document(profiles=[law_files.profile(**change)])))
    day = date(2027, 3, 1)
    assert profiles.in_force(day).id == law_files.STRICTER
    assert profiles.in_force(date(2027, 2, 28)).id == "KZ-2025-09"
    assert (
        profiles.binding("KZ-2021-04", mode="live", at=almaty.begins(day)).id == law_files.STRICTER
    )
    assert profiles.pinned(profiles.get(law_files.STRICTER).sha256).id == law_files.STRICTER
    assert profiles.calendar_of(law_files.STRICTER) == [
        {"from": "2027-03-01", "profile": law_files.STRICTER}
    ]


def test_what_repeals_a_law_counts_from_its_day_and_not_before():
    milder = law_files.profile(cooling_off_hours=12, repeals=["KZ-2025-09", "KZ-2026-01"])
    profiles.hold_amendments(taken(law_files.document(profiles=[milder])))
    assert profiles.in_force(date(2027, 2, 28)).id == "KZ-2025-09"
    assert profiles.in_force(date(2027, 3, 1)).cooling_off_hours == 12
    waiting = law_files.document(profiles=[milder | {"status": "adopted", "since": "2026-12-01"}])
    profiles.hold_amendments(taken(waiting))
    assert (
        profiles.binding("KZ-2021-04", mode="live", at=almaty.begins(date(2027, 3, 1))).id
        == "KZ-2025-09"
    )


def profiled(*given: dict[str, Any], number: int = 1, **more: Any) -> dict[str, Any]:
    """A law file of these profiles."""
    return law_files.document(number, profiles=[*given], **more)


STRICTER = law_files.profile(cooling_off_hours=48)

LATER = law_files.profile(id="KZ-2027-06")

REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    **{
        f"{tenge} tenge": (
            [law_files.document(mci=[law_files.MCI_2027 | {"tenge": tenge}])],
            "law_mci_implausible",
        )
        for tenge in (43, 3459, 6488, 43250)
    },
    **{
        f"{year} is shipped": (
            [law_files.document(mci=[law_files.MCI_2027 | {"year": year}])],
            "law_mci_known",
        )
        for year in (2024, 2025, 2026)
    },
    "a year that was taken": ([FIRST, law_files.document(2)], "law_mci_known"),
    "a year twice": ([law_files.document(mci=[law_files.MCI_2027] * 2)], "law_mci_known"),
    **{
        f"{name} is shipped": ([profiled(law_files.profile(id=name))], "law_profile_known")
        for name in profiles.PROFILES
    },
    "the law of a new consent": (
        [profiled(law_files.profile(id=profiles.RENEWAL.id))],
        "law_profile_known",
    ),
    "a profile twice": ([profiled(law_files.profile(), law_files.profile())], "law_profile_known"),
    "repeals the unknown": (
        [profiled(law_files.profile(repeals=["KZ-2020-01"]))],
        "law_profile_unknown",
    ),
    "moves the unknown": (
        [law_files.document(statuses=[law_files.status("KZ-2020-01")])],
        "law_profile_unknown",
    ),
    "moves the law of a new consent": (
        [law_files.document(statuses=[law_files.status(profiles.RENEWAL.id)])],
        "law_profile_unknown",
    ),
    "laxer than one taken before": (
        [profiled(STRICTER), profiled(LATER, number=2, **SILENT)],
        "law_laxer",
    ),
    "laxer than one beside it": ([profiled(STRICTER, LATER)], "law_laxer"),
}


@pytest.mark.parametrize(("documents", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_breaks_a_rule_is_refused_by_the_code_of_the_rule(
    documents: list[dict[str, Any]], expected: str
) -> None:
    assert code(*documents) == expected


@pytest.mark.parametrize(
    ("status", "following", "is_possible"),
    [
        ("announced", "announced", False),
        ("announced", "adopted", True),
        ("announced", "in_force", True),
        ("adopted", "announced", False),
        ("adopted", "adopted", False),
        ("adopted", "in_force", True),
        ("in_force", "announced", False),
        ("in_force", "adopted", False),
        ("in_force", "in_force", False),
    ],
)
def test_a_profile_goes_forward_and_never_back(status, following, is_possible):
    first = law_files.document(profiles=[law_files.profile(status=status, since="2026-12-10")])
    change = law_files.status(law_files.STRICTER, following, since="2026-12-11")
    second = law_files.document(2, **SILENT, statuses=[change])
    if is_possible:
        profiles.hold_amendments(taken(first, second))
        assert profiles.get(law_files.STRICTER).status == following
    else:
        assert code(first, second) == "law_status_impossible"


def test_a_shipped_profile_comes_into_force_and_keeps_its_hash():
    before, day = profiles.get("KZ-2026-01"), date(2027, 2, 1)
    profiles.hold_amendments(taken(law_files.document(**SILENT, statuses=[law_files.status()])))
    after = profiles.get("KZ-2026-01")
    assert (before.status, after.status, after.since) == (Status.ADOPTED, Status.IN_FORCE, day)
    assert before.sha256 == after.sha256
    assert profiles.in_force(day) == after
    assert profiles.in_force(date(2027, 1, 31)).id == "KZ-2025-09"


def test_what_the_code_ships_stays():
    shipped, values = dict(profiles.PROFILES), profiles.MCI_VALUES
    profiles.hold_amendments(
        taken(law_files.document(profiles=[law_files.profile()], statuses=[law_files.status()]))
    )
    assert shipped == profiles.PROFILES
    assert values is profiles.MCI_VALUES
    assert [*profiles.book()] == [*shipped, law_files.STRICTER]
    assert profiles.mci_values()[: len(values)] == values
    profiles.hold_amendments(NO_AMENDMENTS)
    assert profiles.book() == shipped


@pytest.mark.parametrize(
    "said",
    [
        law_files.document(mci=[law_files.MCI_2027 | {"year": 2026}]),
        law_files.document(profiles=[law_files.profile(visit_over_mci=76)]),
        law_files.document(profiles=[law_files.profile(id="KZ-2025-09")]),
        law_files.document(profiles=[law_files.profile(repeals=["KZ-2020-01"])]),
    ],
    ids=["a second value", "laxer", "a second profile", "an unknown one"],
)
def test_a_file_that_may_not_be_taken_counts_for_nothing_on_record_either(said):
    with pytest.raises(BadInput) as refused:
        law_rules.all_of((law_file.parse(said),))
    assert refused.value.code == code(said)


def test_a_later_release_that_ships_what_was_taken_reads_the_log_as_before(monkeypatch):
    first = law_files.document(profiles=[law_files.profile()], statuses=[law_files.status()])
    second = law_files.document(2, mci=[law_files.MCI_2027 | {"year": 2028}])
    laws = tuple(law_file.parse(said) for said in (first, second))
    before = taken(first, second)
    old = laws[0].profiles[0]
    shipped = replace(old, cooling_off_hours=72)
    monkeypatch.setitem(profiles.PROFILES, shipped.id, shipped)
    adopted = profiles.get("KZ-2026-01")
    monkeypatch.setitem(profiles.PROFILES, adopted.id, replace(adopted, status=Status.IN_FORCE))
    monkeypatch.setattr(
        profiles,
        "MCI_VALUES",
        (*profiles.MCI_VALUES, profiles.Mci(date(2027, 1, 1), 4567, "a release")),
    )
    assert law_rules.all_of(laws).number == 2
    profiles.hold_amendments(law_rules.all_of(laws))
    # What the release ships counts from then on; what was decided before is read by what decided
    # it.
    assert profiles.mci_tenge(1, on=date(2027, 1, 2)) == 4567
    assert profiles.is_mci_known(date(2028, 1, 2))
    assert profiles.get(old.id) is shipped
    assert profiles.pinned(old.sha256) == old
    assert profiles.pinned(shipped.sha256) is shipped
    assert before.values == law_rules.all_of(laws).values


def test_a_refused_file_leaves_all_as_it_was():
    before = taken(FIRST)
    bad = law_file.parse(
        law_files.document(2, **SILENT, profiles=[law_files.profile(visit_over_mci=None)])
    )
    with pytest.raises(BadInput):
        law_rules.extended(before, bad)
    assert before == taken(FIRST)


@pytest.mark.parametrize(
    "question",
    [lambda: profiles.get("KZ-2027-03"), lambda: profiles.mci_tenge(1, on=date(2027, 1, 1))],
)
def test_what_is_not_known_is_looked_up_at_once_and_once(question):
    looks = []

    def look(is_urgent):
        looks.append(is_urgent)
        return taken(law_files.document(profiles=[law_files.profile()]))

    profiles.read_amendments_by(look)
    assert question()
    assert question()
    assert looks == [True]


def test_what_is_nowhere_is_unknown_after_a_look():
    profiles.read_amendments_by(lambda is_urgent: replace(NO_AMENDMENTS))
    with pytest.raises(BadInput) as refused:
        profiles.get("KZ-2027-03")
    assert refused.value.code == "profile_unknown"
    with pytest.raises(Misconfigured):
        profiles.pinned("0" * 64)


# Each rule that a law file breaks is said, where the root signs it and where it is taken; and days
# of a status.


def test_each_profile_than_which_one_asks_less_is_named_with_every_field() -> None:
    lax = law_files.profile(register_asked=None, cooling_off_hours=12, repeals=["KZ-2025-01"])
    with pytest.raises(BadInput) as refused:
        taken(law_files.document(profiles=[lax]))
    assert (
        refused.value.detail.partition(": ")[2]
        == "KZ-2027-03 asks less than KZ-2024-10 in register_asked and does not repeal it;"
        " KZ-2027-03 asks less than KZ-2025-09 in cooling_off_hours, register_asked and does not"
        " repeal it; KZ-2027-03 asks less than KZ-2026-01 in cooling_off_hours, register_asked"
        " and does not repeal it"
    )


def test_a_year_that_has_a_value_is_refused_with_that_value() -> None:
    with pytest.raises(BadInput, match="2026 has 4325 tenge"):
        taken(law_files.document(mci=[law_files.MCI_2027 | {"year": 2026}]))
    with pytest.raises(BadInput, match="2027 has 4500 tenge"):
        taken(FIRST, law_files.document(2))


@pytest.mark.parametrize("word", ["announced", "adopted"])
def test_what_is_not_in_force_has_its_status_by_the_day_the_file_is_issued(word: str) -> None:
    evening: dict[str, Any] = {"issued_at": "2026-12-15T20:00:00Z"}  # the 16th in Kazakhstan
    today, tomorrow = (law_files.profile(status=word, since=f"2026-12-{day}") for day in (16, 17))
    assert taken(law_files.document(profiles=[today], **evening)).profiles
    early = law_files.document(profiles=[tomorrow], **evening)
    assert code(early) == "law_malformed"
    # One that is on record counts as it stands there.
    assert law_rules.all_of((law_file.parse(early),)).number == 1
    assert taken(law_files.document(profiles=[law_files.profile(since="2030-01-01")])).profiles


def test_a_law_that_is_postponed_is_repealed_by_one_that_asks_what_still_binds() -> None:
    early = law_files.profile(cooling_off_hours=48)
    instead = law_files.profile("KZ-2025-09", id="KZ-2027-03-a", repeals=[law_files.STRICTER])
    anew = law_files.profile(id="KZ-2027-06", since="2027-06-01", cooling_off_hours=48)
    profiles.hold_amendments(
        taken(
            law_files.document(profiles=[early]),
            law_files.document(2, **SILENT, profiles=[instead, anew]),
        )
    )
    days = (date(2027, 2, 28), date(2027, 3, 1), date(2027, 5, 31), date(2027, 6, 1))
    laws = [profiles.in_force(day) for day in days]
    assert [law.cooling_off_hours for law in laws] == [24, 24, 24, 48]
    assert [law.id for law in laws] == ["KZ-2025-09", "KZ-2027-03-a", "KZ-2027-03-a", "KZ-2027-06"]


def test_a_change_of_status_that_is_not_in_force_has_no_day_to_come_either() -> None:
    first = law_files.document(profiles=[law_files.profile(status="announced", since="2026-12-01")])
    change = law_files.status(law_files.STRICTER, "adopted", since="2026-12-16")
    assert code(first, law_files.document(2, **SILENT, statuses=[change])) == "law_malformed"


def told(said: dict[str, Any], *, beside: Amendments = NO_AMENDMENTS) -> list[tuple[str, bool]]:
    """Each rule that a file breaks where the root signs it, and whether that is certain there."""
    return [
        (fault.code, fault.is_certain)
        for fault in law_rules.faults_of(law_file.parse(said), beside)
    ]


def test_every_rule_that_a_file_breaks_is_known_where_it_is_signed() -> None:
    wrong = law_files.document(
        5,
        mci=[law_files.MCI_2027 | {"year": 2026}, law_files.MCI_2027 | {"tenge": 450}],
        statuses=[law_files.status(word="announced", since="2026-12-01")],
        profiles=[
            law_files.profile(id="KZ-2025-09"),
            law_files.profile(visit_over_mci=76, repeals=["KZ-2026-01"]),
        ],
    )
    codes = [
        "law_mci_known",
        "law_mci_implausible",
        "law_status_impossible",
        "law_profile_known",
        "law_laxer",
    ]
    assert told(wrong) == [(name, True) for name in codes]


def test_what_an_earlier_file_may_mend_is_not_certain_without_it() -> None:
    later = {"year": 2028, "tenge": 7000}
    second = law_files.document(
        2,
        mci=[law_files.MCI_2027 | later],
        statuses=[law_files.status("KZ-2027-06", since="2027-06-01")],
    )
    assert told(second) == [("law_mci_implausible", False), ("law_profile_unknown", False)]
    assert told(law_files.document(statuses=[law_files.status("KZ-2027-06")])) == [
        ("law_profile_unknown", True)
    ]
    adopted = law_files.profile(id="KZ-2027-06", status="adopted", since="2026-12-01")
    beside = taken(
        law_files.document(mci=[law_files.MCI_2027 | {"tenge": 6000}], profiles=[adopted])
    )
    assert told(second, beside=beside) == []
    assert told(second, beside=taken(FIRST)) == [
        ("law_mci_implausible", True),
        ("law_profile_unknown", True),
    ]
