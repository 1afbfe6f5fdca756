"""A figure that the documents quote is the one that `make prove` found.

A quote is written `<!-- evidence: PART.KEY -->1 234`: the number behind the comment is what
docs/evidence/PART.json holds under KEY (`figures.signatures`, `counts.passed`, …).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent
_QUOTE = re.compile(
    r"<!-- evidence: (?P<part>[a-z_]+)\.(?P<key>[a-zA-Z0-9_.,: ]+) -->(?P<number>[0-9](?:[0-9.,"
    r" \u00a0\u202f]*[0-9])?)"
)
_MENTION = re.compile(r"<!--\s*evidence")


def wrong_quotes(text: str, evidence: Path) -> Iterator[str]:
    """A sentence for each quote in the text that its evidence does not bear out."""
    quotes = list(_QUOTE.finditer(text))
    if len(quotes) != len(_MENTION.findall(text)):
        yield "a quote is not written as quotes are"
    for quote in quotes:
        path = evidence / f"{quote['part']}.json"
        found = (
            _value(json.loads(path.read_text(encoding="utf-8")), quote["key"])
            if path.is_file()
            else None
        )
        quoted = float(re.sub(r"[, \u00a0\u202f]", "", quote["number"]))
        if found is None or float(found) != quoted:
            yield f"{quote['part']}.{quote['key']} is {found}, not {quote['number']}"


def _value(content: object, key: str) -> float | None:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content if isinstance(content, int | float) else None


def test_the_documents_quote_what_was_found() -> None:
    documents = [*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md")]
    wrong = [
        f"{path.name}: {sentence}"
        for path in documents
        for sentence in wrong_quotes(path.read_text(encoding="utf-8"), _ROOT / "docs" / "evidence")
    ]
    assert not wrong, "\n".join(wrong)


def test_what_is_quoted_is_proven_without_failures() -> None:
    failed = [
        path.name
        for path in (_ROOT / "docs" / "evidence").glob("*.json")
        if json.loads(path.read_text())["failures"]
    ]
    assert not failed


@pytest.mark.parametrize(
    ("text", "is_right"),
    [
        ("<!-- evidence: eds.figures.signatures -->1 234 signatures", True),
        ("<!-- evidence: eds.figures.share -->0.5", True),
        ("<!-- evidence: eds.figures.signatures -->1 235 signatures", False),
        ("<!-- evidence: eds.figures.unknown -->1", False),
        ("<!-- evidence: other.figures.signatures -->1 234", False),
        ("<!-- evidence: eds.figures.signatures --> many", False),
    ],
)
def test_a_quote_is_held_against_its_evidence(tmp_path: Path, text: str, *, is_right: bool) -> None:
    (tmp_path / "eds.json").write_text('{"figures": {"signatures": 1234, "share": 0.5}}')
    assert (not list(wrong_quotes(text, tmp_path))) == is_right
