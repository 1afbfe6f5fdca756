"""What is no JSON, or could be read in two ways, is refused."""

from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from rest_framework.exceptions import APIException, ParseError

from lenders import policy
from lenders.requests import StrictJSONParser

REFUSED = {
    "empty": b"",
    "cut": b'{"a": 1',
    "two texts": b"{} {}",
    "doubled name": b'{"a": 1, "a": 2}',
    "doubled name below": b'[{"a": {"b": 1, "b": 1}}]',
    "not a number": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "latin-1": '{"a": "é"}'.encode("latin-1"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "half a character": b'{"a": "\\ud800"}',
    "half a character in a name": b'{"\\udfff": 1}',
    "NUL": b'{"a": "\\u0000"}',
    "nested too deeply": b"[" * 18 + b"]" * 18,
    "nested absurdly": b"[" * 200_000,
    "a number of ten thousand digits": b"1" * 10_000,
    "comment": b'{"a": 1} // x',
}


def parse(body: bytes) -> Any:
    return StrictJSONParser().parse(BytesIO(body))


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_a_body_that_is_no_plain_json_is_malformed(body: bytes) -> None:
    with pytest.raises(ParseError) as refused:
        parse(body)
    assert refused.value.detail.code == "malformed_json"  # type: ignore[union-attr]


def test_fractions_stay_exact() -> None:
    assert parse(b'{"amount": 0.1}') == {"amount": Decimal("0.1")}


def test_sixteen_levels_are_deep_enough() -> None:
    assert parse(b"[" * 16 + b"]" * 16)


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not() -> None:
    fitting = b'"' + b"a" * (policy.BODY_MAX_BYTES - 2) + b'"'
    assert len(parse(fitting)) == policy.BODY_MAX_BYTES - 2
    with pytest.raises(APIException) as refused:
        parse(fitting + b" ")
    assert refused.value.detail.code == "body_too_large"  # type: ignore[union-attr]


def test_an_honest_length_over_the_limit_is_refused_unread() -> None:
    class Unread(BytesIO):
        # as Django has it
        META = {"CONTENT_LENGTH": str(policy.BODY_MAX_BYTES + 1)}  # noqa: RUF012

        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it was read")

    with pytest.raises(APIException) as refused:
        StrictJSONParser().parse(Unread())
    assert refused.value.detail.code == "body_too_large"  # type: ignore[union-attr]
