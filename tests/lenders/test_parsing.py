"""Single values: each good one beside the smallest change that is refused."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from lenders import parsing
from verification.core.errors import BadInput

WHOLE = partial(parsing.whole_number, least=1, most=30)
WORD = partial(parsing.one_of, choices=("kk", "ru"))
WORDS = partial(parsing.several_of, choices=("a", "b"))
TEXT = partial(parsing.text, longest=5)
AMOUNT = partial(parsing.decimal, places=2, most=10**12, above_zero=True)
RATE = partial(parsing.decimal, places=4, most=1000)
ROUTES = partial(parsing.route_names, most=10)
REFERENCE = parsing.READERS["client_reference"]
DAY = partial(parsing.day, least_age=None)
NUMBER = partial(parsing.document_number, longest=20)
METADATA = partial(parsing.metadata, keys=20, longest_key=40, longest=500)

READ: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (TEXT, " abc ", "abc"),
    (REFERENCE, "Loan_1.a:b-c", "Loan_1.a:b-c"),
    (WORD, "kk", "kk"),
    (WORDS, ["b", "a"], ("b", "a")),
    (ROUTES, ["eds", "live_face"], ("eds", "live_face")),
    (WHOLE, 30, 30),
    (WHOLE, Decimal("30.0"), 30),
    (WHOLE, Decimal("3e1"), 30),
    (AMOUNT, "150000", "150000.00"),
    (AMOUNT, "0.01", "0.01"),
    (AMOUNT, 150000, "150000.00"),
    (AMOUNT, Decimal("150000.1"), "150000.10"),
    (AMOUNT, Decimal("1.5e5"), "150000.00"),
    (AMOUNT, "1000000000000", "1000000000000.00"),
    (RATE, "0", "0.00"),
    (RATE, Decimal("-0.0"), "0.00"),
    (RATE, "46", "46.00"),
    (RATE, Decimal("45.9125"), "45.9125"),
    (RATE, "45.10", "45.10"),
    (DAY, "2028-02-29", date(2028, 2, 29)),
    (parsing.moment, "2026-11-24T10:00:00+05:00", datetime(2026, 11, 24, 5, tzinfo=UTC)),
    (NUMBER, "n 1234567", "N1234567"),
    (parsing.sha256_hex, "AB" * 32, "ab" * 32),
    (parsing.kato, "750000000", "750000000"),
    (METADATA, {"a.b": ""}, {"a.b": ""}),
    (parsing.sequence_number, "0", 0),
    (partial(parsing.query_number, least=1, most=100), "100", 100),
    (parsing.yes_or_no, False, False),
    (partial(parsing.our_id, prefix="ver"), "ver_" + "a" * 26, "ver_" + "a" * 26),
]
# What no category but "unassigned", or no category at all, tells of: noncharacters, and what is
# drawn as nothing.
NOT_SEEN = (
    "\ufffe\uffff\ufdd0\u0378\U0010ffff\u3164\u115f\u1160\u034f\ufe00\ufe0f\U000e0100\U000e01ef"
    "\u2060\u2065\u206f\uffa0\u17b4\u17b5\u180b\u180f\u2800"
)
OTHER_BLANKS = "\u00a0\u1680\u2000\u2003\u200a\u202f\u205f\u3000"
REFUSED: list[tuple[Callable[[Any], Any], Any, str]] = [
    (TEXT, "abcdef", "length_wrong"),
    (TEXT, "  abcd", "length_wrong"),
    (TEXT, "   ", "length_wrong"),
    (TEXT, 5, "type_wrong"),
    (TEXT, "a\nb", "text_malformed"),
    (TEXT, "ab\n", "text_malformed"),
    (TEXT, "\tab", "text_malformed"),
    (TEXT, "a\u202eb", "text_malformed"),
    (TEXT, "a\u2028b", "text_malformed"),
    (TEXT, "a\u200bb", "text_malformed"),
    *((TEXT, f"a{sign}b", "text_malformed") for sign in NOT_SEEN + OTHER_BLANKS),
    *((TEXT, f"{sign}ab", "text_malformed") for sign in OTHER_BLANKS),
    (TEXT, "a  b", "text_malformed"),
    (REFERENCE, "Loan 1", "reference_malformed"),
    (REFERENCE, " Loan-1", "reference_malformed"),
    (REFERENCE, "a" * 65, "length_wrong"),
    (REFERENCE, "loan-990101100010", "personal_number"),
    (REFERENCE, "+77011234567", "personal_number"),
    (WORD, "en", "choice_unknown"),
    (WORD, ["kk"], "choice_unknown"),
    (WORDS, ["a", "a"], "choice_repeated"),
    (WORDS, ["a", "c"], "choice_unknown"),
    (WORDS, "a", "type_wrong"),
    (WORDS, [["a"]], "choice_unknown"),
    (ROUTES, [], "type_wrong"),
    (ROUTES, ["eds", "eds"], "choice_repeated"),
    (ROUTES, ["EDS"], "choice_unknown"),
    (WHOLE, 31, "out_of_range"),
    (WHOLE, 0, "out_of_range"),
    (WHOLE, True, "type_wrong"),
    (WHOLE, "30", "type_wrong"),
    (WHOLE, Decimal("29.5"), "type_wrong"),
    (WHOLE, Decimal("1e999999"), "out_of_range"),
    (AMOUNT, "150000.001", "decimal_malformed"),
    (AMOUNT, Decimal("150000.001"), "decimal_malformed"),
    (AMOUNT, "0", "out_of_range"),
    (AMOUNT, -1, "out_of_range"),
    (AMOUNT, "-1", "decimal_malformed"),
    (AMOUNT, "1 000", "decimal_malformed"),
    (AMOUNT, "1e3", "decimal_malformed"),
    (AMOUNT, "١٢", "decimal_malformed"),
    (AMOUNT, True, "decimal_malformed"),
    (AMOUNT, None, "decimal_malformed"),
    (AMOUNT, "1000000000000.01", "out_of_range"),
    (AMOUNT, Decimal("1e999999"), "out_of_range"),
    (AMOUNT, Decimal("1e-999999"), "decimal_malformed"),
    (AMOUNT, Decimal("1e-10"), "decimal_malformed"),
    (AMOUNT, "0150000.00", "decimal_malformed"),
    (AMOUNT, "150000.000", "decimal_malformed"),
    (RATE, "1000.01", "out_of_range"),
    (RATE, "46.00001", "decimal_malformed"),
    (DAY, "2027-02-29", "date_malformed"),
    (DAY, "20280229", "date_malformed"),
    (DAY, "0028-02-29", "date_malformed"),
    (parsing.moment, "2026-11-24T10:00:00", "time_malformed"),
    (parsing.moment, "yesterday", "time_malformed"),
    (parsing.moment, "2026-11-24T10Z", "time_malformed"),
    (parsing.moment, "2026-11-24T24:00:00Z", "time_malformed"),
    (parsing.moment, "2026-11-24T10:00:00+05:00:30", "time_malformed"),
    (parsing.moment, "2026-W48-2T10:00:00Z", "time_malformed"),
    (parsing.moment, "0001-01-01T00:00:00+14:00", "time_malformed"),
    (parsing.moment, "9999-12-31T23:59:59-14:00", "time_malformed"),
    (NUMBER, "N-1234567", "document_malformed"),
    (NUMBER, " N1234567", "document_malformed"),
    (NUMBER, "ß1", "document_malformed"),
    (NUMBER, "1" * 21, "document_malformed"),
    (parsing.sha256_hex, "ab" * 31, "sha256_malformed"),
    (parsing.kato, "75000000", "region_malformed"),
    (METADATA, {"a b": ""}, "metadata_key_malformed"),
    (METADATA, {"990101100010": "x"}, "metadata_key_malformed"),
    (METADATA, {"a": "call 8 701 123 45 67"}, "personal_number"),
    (METADATA, {"a": "x" * 501}, "length_wrong"),
    (METADATA, {"a": 1}, "type_wrong"),
    (METADATA, {f"k{n}": "" for n in range(21)}, "length_wrong"),
    (METADATA, [], "type_wrong"),
    (parsing.sequence_number, "-1", "cursor_malformed"),
    (partial(parsing.query_number, least=1, most=100), "101", "out_of_range"),
    (parsing.yes_or_no, 0, "type_wrong"),
    (partial(parsing.our_id, prefix="ver"), "evt_" + "a" * 26, "id_malformed"),
]


@pytest.mark.parametrize(("parse", "untrusted", "value"), READ)
def test_a_good_value_is_read(parse: Callable[[Any], Any], untrusted: Any, value: Any) -> None:
    assert parse(untrusted) == value


@pytest.mark.parametrize(("parse", "untrusted", "code"), REFUSED)
def test_a_bad_value_has_a_code(parse: Callable[[Any], Any], untrusted: Any, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(untrusted)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "url", ["https://lender.example/back?id=1", "https://lender.example:8443/", "https://a.kz"]
)
def test_a_whole_https_address_is_read(url: str) -> None:
    assert parsing.https_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://lender.example/back",
        "https://",
        "https://me@lender.example/",
        "https://lender.example/#x",
        "https://lender.example/a b",
        "https://lender.example/\r\nSet-Cookie:a",
        "https://lender.example:99999/",
        "https://lender.example\\@evil.example/",
        "//lender.example",
        "javascript:alert(1)",
        "https://ля.kz/",
        "https://[::1/",
        7,
        "https://a.kz/" + "a" * 2048,
        "HTTPS://a.kz/",
        "https://a.kz:/",
        "https://a.kz/[1]",
    ],
)
def test_any_other_address_is_refused(url: Any) -> None:
    with pytest.raises(BadInput) as refused:
        parsing.https_url(url)
    assert refused.value.code == "url_malformed"


def test_an_iban_with_a_fitting_checksum_is_read_without_its_blanks():
    assert parsing.iban("KZ86 125K ZT50 0410 0100") == "KZ86125KZT5004100100"


@pytest.mark.parametrize(
    "text",
    [
        "KZ87125KZT5004100100",
        "DE89370400440532013000",
        "KZ86",
        "KZ86125KZT500410010!",
        "KZ86125KZT500410010ı",
    ],
)
def test_other_accounts_are_refused(text):
    with pytest.raises(BadInput) as caught:
        parsing.iban(text)
    assert caught.value.code == "iban_malformed"
