"""Mutants are one change each, keep their ids while code moves, and what was killed before is asked
for again.
"""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from scripts import measure_mutants as measured
from scripts import mutants

ROOT = Path(__file__).resolve().parents[2]


def body(text):
    return f"def f(a, b, c):\n    {text}\n"


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("return a < b", ["return a <= b"]),
        ("return 0 <= a < b", ["return 0 < a < b", "return 0 <= a <= b"]),
        ("return 0 <= a <= b", ["return 0 < a <= b", "return 0 <= a < b"]),
        ("return a == b", ["return a != b"]),
        ("return a or b", ["return b", "return a"]),
        ("return a and b and c", ["return b and c", "return a and c", "return a and b"]),
        ("return not a", ["return a"]),
        ("return True", ["return False"]),
        ("return a + b", ["return a - b"]),
        ("return any(a)", ["return all(a)"]),
        ("return a[1:b]", ["return a[:b]", "return a[1:]"]),
        ("return [x for x in a if x]", ["return [x for x in a]"]),
        ("return b if a else c", ["return b if not a else c"]),
        ("return a.order_by('-size')", ["return a.order_by('size')"]),
        ("return f'{a}|{b}'", ["return f'|{b}'", "return f'{a}|'"]),
        ("return g(a)", ["return None"]),
        (
            "if a == b:\n        raise E('no such number')",
            ["if False:\n        raise E('no such number')"],
        ),
        (
            "if a:\n        raise Refused('no')",
            ["if False:\n        raise Refused('no')", "if a:\n        raise Refused('')"],
        ),
        ("a.save()\n    return b", ["pass\n    return b"]),
        ("'''What it gives.'''\n    return b", ["'''What it gives.'''\n    return None"]),
        ("return a[0]", ["return None"]),
        ("g(limit=1)", ["pass", "g(limit=2)"]),
    ],
)
def test_a_mutant_is_one_change(text, changed):
    made = mutants.make(body(text), file="a.py")
    assert sorted(mutant.source() for mutant in made) == sorted(
        ast.unparse(ast.parse(body(one))) for one in changed
    )


def test_a_changed_function_does_what_it_says_and_the_original_stays():
    text = "class A:\n    @property\n    def is_small(self):\n        return self.size < 3\n"
    (mutant,) = mutants.make(text, file="a.py")
    names: dict[str, Any] = {}
    exec(compile(text, "a.py", "exec"), names)  # noqa: S102
    small = names["A"].is_small.fget
    before = small(type("Three", (), {"size": 3}))
    small.__code__ = mutant.code("a.py")
    assert (before, small(type("Three", (), {"size": 3}))) == (False, True)
    assert [each.source() for each in mutants.make(text, file="a.py")] == [mutant.source()]


def test_ids_hold_while_other_lines_move_and_go_with_their_code():
    text = body("if a < b:\n        return a < b\n    return b - c")
    moved = f"import os\n\n\ndef g(): return os\n\n\n{body('d = b + c')}".replace(
        "def f", "def h"
    ) + text.replace("    return b", "\n    # Why.\n    if c in a: return g()\n    return b")
    before, after = (
        {mutant.id for mutant in mutants.make(one, file="a.py")} for one in (text, moved)
    )
    assert len(before) == 4
    assert before < after
    assert (
        len(
            before
            - {mutant.id for mutant in mutants.make(text.replace("b - c", "c - b"), file="a.py")}
        )
        == 1
    )


def test_only_the_named_functions_are_changed_and_a_name_without_one_is_an_error():
    text = body("return a < b") + body("return a < b").replace("def f", "def g")
    assert {mutant.function for mutant in mutants.make(text, file="a.py", functions=("g",))} == {
        "g"
    }
    with pytest.raises(KeyError):
        mutants.make(text, file="a.py", functions=("h",))


def test_every_target_and_selected_test_is_there():
    made = [mutant for of_target in measured.make().values() for mutant in of_target]
    assert len({mutant.id for mutant in made}) == len(made)
    assert {mutant.file for mutant in made} == {target.file for target in measured.TARGETS}
    assert set(measured.EQUIVALENT) <= {mutant.id for mutant in made}
    for file, _, test in (
        chosen.partition("::") for target in measured.TARGETS for chosen in target.tests
    ):
        assert f"def {test}" in (ROOT / file).read_text(encoding="utf-8")


def test_every_mutant_is_told_with_its_result_and_the_tests_it_was_shown_to():
    made = measured.make()
    lines = [{"id": name, "tests_run": 1} for name in made]
    lines += [
        {"id": each.id, "result": "killed", "test": "a"}
        for of_target in made.values()
        for each in of_target
    ]
    lines[-1] |= {"result": "survived", "test": ""}
    found = measured.evidence(made, lines)
    assert found["counts"] == {
        "killed": found["figures"]["mutants"] - 1,
        "timed_out": 0,
        "survived": 1,
    }
    assert {mutant["target"] for mutant in found["mutants"]} == set(found["selections"])
    # What a test has killed is not equivalent, whatever the table says.
    assert found["figures"]["equivalent"] == 0
    with pytest.raises(KeyError):
        measured.evidence(made, lines[:-1])


@pytest.mark.parametrize(
    ("now", "lost", "gone"),
    [
        ({"a": "killed", "b": "timed out", "c": "survived"}, [], []),
        ({"a": "timed out", "b": "killed", "c": "killed", "d": "survived"}, [], []),
        ({"a": "survived", "b": "killed"}, ["a"], []),
        ({"a": "survived", "b": "survived", "c": "survived"}, ["a", "b"], []),
        ({"b": "killed"}, [], ["a"]),
    ],
)
def test_what_was_killed_is_asked_for_again(tmp_path, monkeypatch, capsys, now, lost, gone):
    def written(results):
        return {"mutants": [{"id": id_, "result": result} for id_, result in results.items()]}

    before = written({"a": "killed", "b": "timed out", "c": "survived"})
    assert measured.compare(before, written(now)) == (lost, gone)
    (tmp_path / "old.json").write_text(json.dumps(before))
    (tmp_path / "new.json").write_text(json.dumps(written(now)))
    monkeypatch.setattr(measured, "EVIDENCE", tmp_path / "new.json")
    assert measured.main(["--compare", str(tmp_path / "old.json")]) == (1 if lost else 0)
    assert f"{len(lost)} no longer killed, {len(gone)} gone" in capsys.readouterr().out


def test_a_mutant_of_a_file_that_moved_is_the_same_one():
    old, new = next(iter(measured.MOVED.items()))
    before = {"mutants": [{"id": f"{old}attempts.py:a", "result": "killed"}]}
    now = {"mutants": [{"id": f"{new}attempts.py:a", "result": "survived"}]}
    assert measured.compare(before, now) == ([f"{new}attempts.py:a"], [])
    assert measured.compare(now | {"mutants": [now["mutants"][0] | {"result": "killed"}]}, now)[0]
