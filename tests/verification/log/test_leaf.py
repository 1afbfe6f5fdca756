"""What a leaf says, byte for byte, and what may not stand in one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from verification.log import policy
from verification.log.log import require_anonymous
from verification.log.signatures import spell_leaf
from verification.models import AuditEntry

ROW = {
    "id": "evt_a",
    "log": "test",
    "type": "attempt.opened",
    "at": datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC),
    "verification_id": "ver_a",
    "verification_sequence": 2,
    "lender_id": "len_a",
    "body": {"outcome": "failed", "codes": ["x"], "text": "тұлға"},
}
SPELT = (
    '{"at":"2026-03-01T12:00:00.000005Z","body":{"codes":["x"],"outcome":"failed","text":"тұлға"},"id":"evt_a",'
    '"lender":"len_a","lender_sequence":7,"mode":"test","schema":1,"type":"attempt.opened","verification":"ver_a",'
    '"verification_sequence":2}'
).encode()


def spelt(*, lender_sequence: int | None = 7, **changes: object) -> bytes:
    return spell_leaf(AuditEntry(**{**ROW, **changes}), lender_sequence=lender_sequence)


def test_a_leaf_has_one_spelling() -> None:
    assert spelt() == SPELT
    assert spelt(body={"text": "тұлға", "codes": ["x"], "outcome": "failed"}) == SPELT
    assert spelt(at=datetime(2026, 3, 1, 17, 0, 0, 5, tzinfo=timezone(timedelta(hours=5)))) == SPELT


def test_absent_fields_are_left_out() -> None:
    bare = spelt(
        lender_sequence=None,
        verification_id=None,
        verification_sequence=None,
        lender_id=None,
        body={},
    )
    assert (
        bare
        == b'{"at":"2026-03-01T12:00:00.000005Z","body":{},"id":"evt_a","mode":"test","schema":1,"type":"attempt.opened"}'  # noqa: E501
    )


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        spelt(at=datetime(2026, 3, 1))


def test_a_leaf_fits_in_two_bytes_of_length() -> None:
    room = policy.LEAF_BYTES - len(spelt(body={"a": ""}))
    assert len(spelt(body={"a": "x" * room})) == 65_535
    with pytest.raises(ValueError, match="at most 65535 bytes"):
        spelt(body={"a": "x" * (room + 1)})


@pytest.mark.parametrize("value", [0.5, b"x", {1: "x"}, object()])
def test_a_value_without_one_spelling_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        spelt(body={"a": value})


@pytest.mark.parametrize("value", ["850101300123", "+77011234567", "77011234567"])
@pytest.mark.parametrize(
    "wrap", [lambda value: value, lambda value: [value], lambda value: {"b": [{"c": value}]}]
)
def test_a_string_that_is_an_iin_or_a_phone_is_refused_and_not_repeated(
    value: str, wrap: object
) -> None:
    with pytest.raises(ValueError, match="personal data") as refusal:
        require_anonymous({"a": wrap(value)})  # type: ignore[operator]
    assert value not in str(refusal.value)


@pytest.mark.parametrize(
    "value", ["8501013001", "8501013001234", "x850101300123", 850101300123, "", "a1" * 32]
)
def test_other_values_are_no_personal_data(value: object) -> None:
    require_anonymous({"a": value, "b": [value]})
