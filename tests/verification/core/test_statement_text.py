"""The text that a borrower signs: its bytes in each language, and nothing else is taken for one."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors.statements.build import DATA, FOLDER, LANGUAGES, data
from verification.core.errors import Refused
from verification.core.statement_text import (
    CURRENT,
    FORM,
    KIND,
    MAX_BYTES,
    WORDS,
    is_text,
    read,
    show,
    write,
)
from verification.core.stored import canonical_json

NBSP = "\N{NO-BREAK SPACE}"
HIDING = (
    "A\ufffeB",
    "A\uffffB",
    "A\ufdd0B",
    "A\u034fB",
    "A\ufe0fB",
    "A\u2065B",
    "A\u3164B",
    "A\u2800B",
    "A\U000e0100B",
)
GOLDEN = {language: (FOLDER / f"statement.{language}.txt").read_bytes() for language in LANGUAGES}


def refused(text: bytes) -> bool:
    """Whether this is no statement; any other fault is one of ours."""
    try:
        read(text)
    except Refused as refusal:
        return refusal.code == "eds_statement_mismatch"
    return False


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_has_the_bytes_it_always_had(language: str) -> None:
    assert write(data(language)) == GOLDEN[language]
    assert read(GOLDEN[language]) == data(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_shown_stands_in_it_in_this_order_and_the_iin_in_words_is_masked(
    language: str,
) -> None:
    shown, text = show(data(language)), GOLDEN[language].decode()
    head, machine, form, line = text.rsplit("\n", 3)
    rows = [f"{label}: {value}" for label, value in shown.rows]
    assert head == "\n".join([shown.title, shown.declaration, "", *rows, ""])
    assert (machine, form) == (WORDS[CURRENT][language].machine, FORM)
    assert (json.loads(line)["iin"], shown.language) == ("990101100010", language)
    assert "990101100010" not in head
    assert "********0010" in head


def test_no_row_and_no_word_is_missing_in_any_language() -> None:
    fields = [list(words.labels) for words in WORDS[CURRENT].values()]
    assert fields.count(fields[0]) == len(fields) == 3
    for words in WORDS[CURRENT].values():
        said = [
            words.title,
            words.declaration,
            *words.labels.values(),
            words.no_contract,
            words.test,
            words.machine,
        ]
        assert all(said)
        assert len(set(words.labels.values())) == len(words.labels)
        # A line of words can be taken for neither an empty line nor another row.
        assert not any(re.search(r"[\n\r]|: ", label) for label in words.labels.values())


ALONE = {"nonce", "payout_account_sha256", "issued", "expires"}
"""What the data say more exactly than the words: seconds, and what no person could compare."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_byte_of_it_can_be_another(language: str) -> None:
    text, right = GOLDEN[language], data(language)
    for at in range(len(text)):
        for put in (bytes([text[at] ^ 1]), b"", b" " + text[at : at + 1]):
            other = text[:at] + put + text[at + 1 :]
            if not refused(other):
                said = read(other)
                assert {name for name in said if said[name] != right[name]} <= ALONE
                assert len({name for name in said if said[name] != right[name]}) == 1
                assert show(said) == show(right)


_OTHER: dict[str, Any] = {
    "term_days": 31,
    "contract_sha256": "b" * 64,
    "words": "2026-11-27",
    "type": f"{FORM}.1",
}


@pytest.mark.parametrize("name", sorted(DATA))
def test_no_field_of_it_can_be_another_while_the_words_stay(name: str) -> None:
    """And what only the data say (the nonce, the account's hash, the kind of money) cannot be left
    out.
    """
    head, _, line = GOLDEN["kk"].rpartition(b"\n")
    was = json.loads(line)[name]
    other = {**json.loads(line), name: _OTHER.get(name, "ru" if name == "language" else f"{was}1")}
    if name not in ("nonce", "payout_account_sha256"):
        assert refused(head + b"\n" + canonical_json(other))
    for gone in (
        {one: value for one, value in other.items() if one != name},
        {**other, name: None},
        {**other, name: []},
    ):
        assert refused(head + b"\n" + canonical_json(gone))


@pytest.mark.parametrize(
    "line",
    [
        lambda line: line.replace(b'"amount":', b'"amount":"1","amount":'),
        lambda line: line.replace(b'{"amount"', b'{ "amount"'),
        lambda line: line.replace(b'"term_days":30', b'"term_days":30.0'),
        lambda line: line.replace(b'"term_days":30', b'"term_days":true'),
        lambda line: line.replace(b"microcredit", b"microcredi\\u0074"),
        lambda line: line + b"\n",
        lambda line: b"[" * 5000,
        lambda line: b'{"a":' * 3000,
        lambda line: b"NaN",
        lambda line: b"",
        lambda line: b'{"term_days":' + b"1" * 6000 + b"}",
        lambda line: b"\xff",
        lambda line: line + b" " * MAX_BYTES,
    ],
)
def test_data_spelled_otherwise_are_refused(line: Any) -> None:
    head, _, right = GOLDEN["ru"].rpartition(b"\n")
    assert refused(head + b"\n" + line(right))


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "1e5"},
        {"amount": "-1"},
        {"amount": "٣"},
        {"amount": "150000.0"},
        {"annual_rate": "NaN"},
        {"annual_rate": "46.000"},
        {"mode": "Test"},
        {"nonce": "0" * 31},
        {"iin": "990101100011"},
        {"iin": "99010110001"},
        {"currency": "USD"},
        {"issued": "2026-11-24T10:40:00+05:00"},
        {"issued": "2026-11-24T10:40:00.5+00:00"},
        {"issued": "2026-02-30T10:40:00+00:00"},
        {"expires": "0001-01-01T00:00:00+23:59"},
        {"language": "de"},
        {"words": "kk"},
        {"more": "x"},
    ],
)
def test_data_that_no_statement_can_have_make_none(change: dict[str, str]) -> None:
    with pytest.raises(Refused):
        write(data("kk", **change))


@pytest.mark.parametrize(
    "name",
    [
        "A\nLoan amount: 1 ₸",
        "A\r",
        "A\u2028B",
        "\u202e7A",
        "A\u200bB",
        "A\x00",
        "A\u2066B",
        "A\ue000",
        *HIDING,
    ],
)
def test_no_name_can_write_a_row_of_its_own_or_turn_one_around(name: str) -> None:
    """In the data it stands as it is; in words each invisible sign is made visible."""
    text = write(data("en", lender_name=name))
    assert read(text)["lender_name"] == name
    assert text.count(b"\n") == GOLDEN["en"].count(b"\n")
    (row,) = [
        value for label, value in show(data("en", lender_name=name)).rows if label == "Lender"
    ]
    assert "\N{REPLACEMENT CHARACTER}" in row
    assert set(row) <= set("A7B\N{REPLACEMENT CHARACTER}Loan amount: 1 ₸")


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u3000", "\u2003", "\u2800", "\u3164"])
def test_no_purpose_can_draw_a_row_behind_blanks(blank: str) -> None:
    """A window of eighty signs a line would begin the next with it."""
    purpose = f"Loan{blank * 60}Loan amount: 1 ₸"
    rows = dict(show(data("en", purpose=purpose)).rows)
    assert not re.search(r"[^\S ]|  ", rows["Purpose"])
    assert rows["Purpose"].count("\N{REPLACEMENT CHARACTER}") >= 59
    assert read(write(data("en", purpose=purpose)))["purpose"] == purpose


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sum_stands_before_all_that_the_lender_words(language: str) -> None:
    labels = list(WORDS[CURRENT][language].labels)
    assert labels.index("amount") < labels.index("purpose")


def test_statements_written_anew_are_numbered_from_1() -> None:
    kinds = [KIND, *(f"{KIND}.{number}" for number in range(1, 12))]
    assert all(is_text(kind) for kind in kinds)
    assert not any(
        is_text(kind) for kind in (f"{KIND}s", f"{KIND}.", f"{KIND}.x", "statement.signature")
    )


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    st.sampled_from(LANGUAGES),
    st.integers(1, 3653),
    st.decimals(1, 10**12, places=2),
)
def test_whatever_a_lender_says_is_read_back_as_it_was_said(
    purpose: str, language: str, term: int, amount: Any
) -> None:
    said = data(language, purpose=purpose, term_days=term, amount=f"{amount:f}")
    assert read(write(said)) == said


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_no_other_bytes_are_a_statement(text: bytes) -> None:
    assert refused(text)
    assert refused(text + GOLDEN["kk"]) or not text
    assert refused(GOLDEN["kk"] + text) or not text


_CUTS = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(0, 30), st.binary(max_size=8)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(LANGUAGES), _CUTS)
def test_an_edited_statement_is_refused_or_says_the_same(
    language: str, edits: list[tuple[int, int, bytes]]
) -> None:
    changed = bytearray(GOLDEN[language])
    for at, dropped, put in edits:
        start = at % (len(changed) + 1)
        changed[start : start + dropped] = put
    if not refused(bytes(changed)):
        assert show(read(bytes(changed))) == show(data(language))


@pytest.mark.parametrize(
    ("language", "days", "said"),
    [
        *(
            ("ru", 1, "1 день"),
            ("ru", 21, "21 день"),
            ("ru", 3, "3 дня"),
            ("ru", 12, "12 дней"),
            ("ru", 111, "111 дней"),
        ),
        *(("kk", 1, "1 күн"), ("kk", 30, "30 күн"), ("en", 1, "1 day"), ("en", 21, "21 days")),
    ],
)
def test_a_term_has_the_right_form(language: str, days: int, said: str) -> None:
    assert WORDS[CURRENT][language].term(days) == said


@pytest.mark.parametrize(
    ("language", "amount", "said"),
    [
        ("ru", "150000.00", "150 000 ₸"),
        ("kk", "1250000.50", "1 250 000,50 ₸"),
        ("en", "1250000.50", "1,250,000.50 ₸"),
    ],
)
def test_a_sum_is_written_as_its_language_writes_it(language: str, amount: str, said: str) -> None:
    assert WORDS[CURRENT][language].number(amount, "KZT").replace(NBSP, " ") == said


def test_only_a_test_says_that_it_is_one() -> None:
    live, test = (show(data("en", mode=mode)).rows for mode in ("live", "test"))
    assert [row for row in test if row not in live] == [("Test", "no real loan is paid out here")]


def test_a_version_of_the_words_is_never_edited() -> None:
    """These are what was signed by: see `WORDS`. New words are a new version, with bytes of their
    own here.
    """
    assert list(WORDS) == ["2026-11-28", CURRENT] == ["2026-11-28", "2026-12-02"]
    for language in LANGUAGES:
        text = (FOLDER / f"statement.{CURRENT}.{language}.txt").read_bytes()
        assert write(data(language, words=CURRENT)) == text
        assert read(text) == data(language, words=CURRENT)


def test_in_russian_the_borrower_asks_for_a_microcredit_as_the_law_calls_it() -> None:
    assert show(data("ru", words=CURRENT)).declaration == (
        "Я лично прошу предоставить мне этот микрокредит на указанных условиях и подписываю это"
        " заявление своей ЭЦП."
    )
