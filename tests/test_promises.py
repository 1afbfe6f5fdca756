"""Each promise of the consent names code that keeps it and tests that prove it:
docs/security/promises.md.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from verification.stages.confirmation.policy import CONSENT

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/security/promises.md").read_text("utf-8")
_QUOTED = re.compile(r"`([^`]+)`")


def _rows(heading: str) -> list[list[str]]:
    """The cells of each row of the table under a heading, its head left out."""
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


PROMISES = {row[0].strip(): row[1:] for row in _rows("Promises")}
OTHERS = {row[0].strip(): row[1] for row in _rows("Sentences that promise nothing")}


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.?!])\s+", text)


@cache
def _functions(path: str) -> frozenset[str]:
    """The functions at the top of a file; none of a file that is not there."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    return frozenset(
        node.name
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    )


def absent(names: list[str], between: str) -> list[str]:
    """The functions, each with its file, that are not there."""
    parted = [(name, name.partition(between)) for name in names]
    return [name for name, (path, _, function) in parted if function not in _functions(path)]


def test_each_sentence_of_the_consent_is_in_one_table_and_no_other_is() -> None:
    text = sentences(CONSENT.wordings[CONSENT.current]["en"])
    assert len(text) == len(set(text)) > 30
    assert sorted(text) == sorted([*PROMISES, *OTHERS])


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_names_code_and_tests_that_are_there(promise: str) -> None:
    code, tests = (_QUOTED.findall(cell) for cell in PROMISES[promise])
    assert code
    assert tests
    assert absent(code, ":") == []
    assert absent(tests, "::") == []
    assert {name.partition("::")[2].startswith("test_") for name in tests} == {True}


def test_a_sentence_without_a_row_and_a_name_without_a_function_are_noticed() -> None:
    assert sentences("I may decline. Then it ends.") == ["I may decline.", "Then it ends."]
    here = "tests/test_promises.py::"
    assert absent(
        [f"{here}test_absent", f"{here}sentences", "tests/absent.py::sentences"], "::"
    ) == [
        f"{here}test_absent",
        "tests/absent.py::sentences",
    ]


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_the_other_languages_have_as_many_sentences_in_each_paragraph(language: str) -> None:
    wordings = CONSENT.wordings[CONSENT.current]
    counted = [
        [len(sentences(paragraph)) for paragraph in wordings[name].split("\n\n")]
        for name in ("en", language)
    ]
    assert counted[0] == counted[1]
