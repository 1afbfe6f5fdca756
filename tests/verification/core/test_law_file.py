"""What is no law file is refused with one code, and what was signed is read as it was signed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from tests.verification import law_files
from verification.core import law_file
from verification.core.certificates import public_of
from verification.core.errors import BadInput
from verification.core.profiles import Status, get

SEED = bytes(range(32))


def code(call: Callable[[], object]) -> str:
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
        code(lambda: law_file.read_document(json.dumps(law_files.document(**change)).encode()))
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
    assert code(lambda: law_file.parse(said)) == "law_malformed"


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
    assert code(lambda: law_file.read_document(untrusted)) == "law_malformed"
    assert code(lambda: law_file.read_signed(untrusted)) == "law_malformed"


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
        code(
            lambda: law_file.require_signed(signed, root=public_of(b"1" * 32), installation=origin)
        )
        == "law_forged"
    )
    assert (
        code(lambda: law_file.require_signed(signed, root=own, installation="elsewhere"))
        == "law_elsewhere"
    )
    assert (
        code(lambda: law_file.require_signed(signed, root=b"", installation=origin)) == "law_forged"
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
    assert code(lambda: law_file.read_entry(body | change)) == "law_malformed"


@pytest.mark.parametrize("body", [None, [], "law", {}], ids=repr)
def test_what_is_no_body_is_refused(body):
    assert code(lambda: law_file.read_entry(body)) == "law_malformed"


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
