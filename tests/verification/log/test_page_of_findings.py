"""docs/regulator/tampering.md explains each code of a finding, once, and no other code; so does the
Russian page.
"""

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from verification.core.codes import LAW_FILES
from verification.core.law_rules import EARLY, LAXER, SPLIT
from verification.course import entry

_ROOT = Path(__file__).resolve().parents[3]
_PAGES = _ROOT / "docs" / "regulator"
_ROW = re.compile(r"^\| `([a-z_]+)` \|", re.MULTILINE)

_COMPUTED: Final[Mapping[tuple[str, str], Collection[str]]] = {
    ("frames", ""): (),  # `row_differs`, the default of `Lawful`
    ("laws", "EARLY"): (EARLY,),
    ("laws", "LAXER"): (LAXER,),
    ("laws", "code"): (SPLIT,),
    ("laws", "judged.fault.code"): LAW_FILES,
    ("projection", ""): (),
    ("projection", "code"): ("entry_lost", "row_differs"),
    ("projection", "self.code"): (),
    ("related_cases", "MOVE"): (entry.MOVE,),
    ("related_cases", "TERMS"): (entry.TERMS,),
    ("related_cases", "TRIES"): (entry.TRIES,),
    ("related_cases", "code"): (),  # of the helper that the three above call
    ("stored_rows", "code"): ("row_differs",),
    ("verify_actors", "code"): (entry.ACTOR,),
    ("verify_cases", "code"): entry.CODES,
    ("verify_entries", "code"): ("entry_lost", "entry_waits", "leaf_misplaced"),
    ("verify_tree", "code"): (),
}
"""The codes of each finding whose code is computed, by module and expression."""


def _expressions() -> Iterator[tuple[str, ast.expr | None]]:
    """The code of every finding that the product makes, with its module."""
    for path in (_ROOT / "verification").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            code = next((word.value for word in call.keywords if word.arg == "code"), None)
            match call.func.id:
                case "Finding":
                    yield path.stem, code
                case "Lawful":
                    yield path.stem, call.args[1] if len(call.args) > 1 else None
                case "_finding" if path.stem == "verify_tree":
                    yield path.stem, call.args[1]
                case "_finding" if path.stem == "related_cases":
                    yield path.stem, call.args[2]
                case "_finding":
                    assert path.stem == "laws", "say where this helper takes its code from"


def _codes() -> set[str]:
    codes, places = set[str](), set[tuple[str, str]]()
    for module, code in _expressions():
        if isinstance(code, ast.Constant):
            codes.add(str(code.value))
        else:
            places.add((module, ast.unparse(code) if code else ""))
    assert places == _COMPUTED.keys()
    return codes.union(*_COMPUTED.values())


@pytest.mark.parametrize(
    ("name", "heading"), [("tampering.md", "| code |"), ("tampering.ru.md", "| код |")]
)
def test_the_page_explains_each_code_of_a_finding_once_and_no_other(
    name: str, heading: str
) -> None:
    blocks = (_PAGES / name).read_text(encoding="utf-8").split("\n\n")
    tables = [block for block in blocks if block.startswith(heading)]
    explained = [code for table in tables for code in _ROW.findall(table)]
    assert sorted(explained) == sorted(_codes())
