"""ARCHITECTURE.md names nothing that is not there."""

import ast
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = (_ROOT / "ARCHITECTURE.md").read_text("utf-8")
_NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py):([a-z_]+)`", _PAGE)))
_STEPS = re.findall(r"^(\d+)\. (.*)$", _PAGE.partition("## One EDS verification")[2], re.MULTILINE)
_ROOMS = re.findall(r"`([a-z_]+)/`", _PAGE.partition("## Rooms")[2].partition("##")[0])


@pytest.mark.parametrize(("file", "function"), _NAMED)
def test_every_function_it_names_is_there(file: str, function: str) -> None:
    tree = ast.parse((_ROOT / file).read_text("utf-8"))
    assert function in {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_each_step_of_a_verification_names_a_function() -> None:
    assert [int(number) for number, _ in _STEPS] == list(range(1, len(_STEPS) + 1))
    assert len(_STEPS) >= 30
    assert not [text for _, text in _STEPS if not re.search(r"`[a-z_/]+\.py:[a-z_]+`", text)]


@pytest.mark.parametrize("room", _ROOMS)
def test_every_room_it_names_is_there(room: str) -> None:
    assert (_ROOT / "verification" / room).is_dir() or (_ROOT / room).is_dir()


def test_it_names_every_room() -> None:
    folders = {path.parent.name for path in (_ROOT / "verification").glob("*/__init__.py")}
    assert folders - {"management", "migrations", "templatetags"} <= set(_ROOMS)


@pytest.mark.parametrize(
    "stage", sorted({path.parent.name for path in _ROOT.glob("verification/stages/*/__init__.py")})
)
def test_it_names_every_stage(stage: str) -> None:
    assert f"`{stage}`" in _PAGE
