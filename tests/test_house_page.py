"""The page that shows newcomers the house names nothing that is not there."""

import ast
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = (_ROOT / "docs" / "house.md").read_text("utf-8")
_NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py):([a-z_]+)`", _PAGE)))


@pytest.mark.parametrize(("file", "function"), _NAMED)
def test_every_function_it_names_is_there(file: str, function: str) -> None:
    tree = ast.parse((_ROOT / file).read_text("utf-8"))
    assert function in {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_it_names_the_whole_way_of_three() -> None:
    assert len(_NAMED) >= 20
    assert len(_PAGE.splitlines()) <= 80


@pytest.mark.parametrize(
    "place", sorted({path.name for path in (_ROOT / "verification" / "stages").iterdir()})
)
def test_every_stage_stands_in_it(place: str) -> None:
    assert place.startswith("__") or f"`{place}`" in _PAGE
