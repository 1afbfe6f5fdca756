"""What the page may send in the place of a signature: taken or refused by our own words, and judged
without a fault.
"""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insecure_sandbox.xml_signing import DECLARATION
from tests.vectors.eds.case import AT, CASE, FOLDER, JUDGED, STATEMENT
from tests.verification.engines.pki.test_xml_fuzz import MARKUP
from verification.core.errors import BadInput
from verification.core.results import Passed
from verification.core.route import Evidence, Next
from verification.core.statement_text import read
from verification.core.stored import canonical_json
from verification.engines.pki.xmldsig import statement_document
from verification.stages.statement import STAGE
from verification.stages.statement.checks import CHECKS, report_statement
from verification.stages.statement.dialogue import (
    ANSWER,
    SIGNATURE,
    TEXT,
    accept_statement,
    numbered,
    prompt_statement,
    text_of,
)
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY

MEMORY = {"statement": read(STATEMENT)}


@cache
def _right() -> str:
    return (FOLDER / "xml_good.rsa.xml").read_text(encoding="utf-8")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def _taken(signature: object) -> dict[str, bytes] | None:
    """The evidence of a turn, or None where the page is told that this is no signature."""
    try:
        turn = accept_statement(MEMORY, {"signature": signature}, AT)
    except BadInput:
        return None
    assert (turn.next, turn.memory) == (Next.COLLECT, MEMORY)
    return dict(turn.evidence)


def _passes(signature: str) -> bool:
    """Whether every check passes. Each gives a result, whatever came, and the report can be
    written.
    """
    taken = _taken(signature)
    if taken is None:
        return False
    files = {
        "anchor": "root.rsa.crt",
        "intermediate": "issuing.rsa.crt",
        "crl": "revocation.rsa.crl",
    }
    items = {
        TEXT: STATEMENT,
        **taken,
        **{f"shared.{kind}.0": _file(name) for kind, name in files.items()},
    }
    evidence = Evidence(items=items, at=JUDGED)
    results = STAGE.judge(measure_statement(CASE, evidence, POLICY), POLICY)
    report = json.loads(
        report_statement(measure_statement(CASE, evidence, POLICY), POLICY, results)
    )
    passed = all(isinstance(each, Passed) for each in results)
    assert (report["status"] == "TOTAL-PASSED") == passed
    return passed


@cache
def _file(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def test_signed_xml_passes_beside_a_cms_and_the_report_names_its_form() -> None:
    assert _passes(_right())
    assert _passes((FOLDER / "good_pem.rsa.cms").read_text())
    evidence = Evidence(
        items={TEXT: STATEMENT, SIGNATURE: _right().encode(), ANSWER: canonical_json({})}, at=JUDGED
    )
    first = CHECKS["eds.format"](measure_statement(CASE, evidence, POLICY), POLICY)
    assert (first.detail["form"], first.detail["family"]) == ("xml", "rsa")


def test_the_document_to_sign_is_made_of_the_statement_we_keep_and_of_nothing_else() -> None:
    asked = prompt_statement(MEMORY)
    assert asked["statement_xml"].encode() == statement_document(STATEMENT)
    head, _, rest = _right().removeprefix(DECLARATION.decode()).partition("<ds:Signature")
    assert asked["statement_xml"] == head + rest.rpartition("</ds:Signature>")[2]


def test_the_limit_comes_before_the_parser() -> None:
    bare = _right().removeprefix(DECLARATION.decode())
    room = POLICY.signature_max_bytes
    left = room - len(bare.encode())
    assert _passes(bare + " " * left)
    assert not _passes(bare + " " * (left + 1))
    assert _taken("<" * (2 * room)) is not None
    assert _taken("<" * (2 * room + 1)) is None


@pytest.mark.parametrize("text", ["MIIB\u049a", "\u049a", "<a>\ud800</a>", "\ud800"])
def test_beyond_ascii_there_is_xml_alone_and_no_half_of_a_sign(text: str) -> None:
    assert _taken(text) is None
    assert _taken("<a>\u049a</a>") is not None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(_JSON)
def test_any_json_is_taken_or_refused(untrusted: Any) -> None:
    taken = _taken(untrusted)
    assert taken is None or taken[SIGNATURE] == untrusted.encode()


@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.text(),
        st.text().map("<".__add__),
        st.lists(st.sampled_from(MARKUP)).map(b"".join).map(_text),
    )
)
def test_any_text_is_judged(text: str) -> None:
    assert not _passes(text)


_EDITS = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 40), st.sampled_from(MARKUP)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_EDITS)
def test_markup_put_anywhere_into_a_right_signature_is_judged(
    edits: list[tuple[int, int, bytes]],
) -> None:
    changed = bytearray(_right().encode())
    for at, dropped, markup in edits:
        start = at % (len(changed) + 1)
        changed[start : start + dropped] = markup
    _passes(_text(bytes(changed)))


def test_of_ten_statements_and_more_the_last_is_signed_and_pieces_come_in_their_numbers_order() -> (
    None
):
    items = {f"{TEXT}.{number}": b"%d" % number for number in range(1, 12)} | {TEXT: b"0"}
    assert text_of(Evidence(items=items, at=AT)) == b"11"
    certificates = {f"shared.anchor.{number}": b"%d" % number for number in range(11, -1, -1)}
    assert numbered(Evidence(items=certificates, at=AT), "shared.anchor") == [
        b"%d" % number for number in range(12)
    ]
