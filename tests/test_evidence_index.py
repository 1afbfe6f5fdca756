"""The index of the evidence lists every file with its failures, and is the generated one."""

import json
from pathlib import Path

import pytest

from tests import evidence_index, proofs
from tests.evidence_index import COUNTS, FIGURES, FOLDER, INDEX, MISSING, UNDESCRIBED, render

_GOOD = {
    "commit": "28e1d17bb53f387736975874d41ab507cfd0e256",
    "has_uncommitted_changes": True,
    "at": "2026-11-29T22:45:47+00:00",
    "seed": 7,
    "conditions": {"python": "3.13.5", "machine": "x86_64", "cores": 2, "database": "sqlite"},
    "counts": {"passed": 2, "failed": 0, "skipped": 0},
    "failures": [],
    "figures": {"signatures": 1234, "rows": {"undetected": 0, "list": [1, 2]}},
}


def put(folder: Path, **changes: object) -> str:
    """The index of a folder with this one file."""
    (folder / "eds.json").write_text(json.dumps(_GOOD | changes), encoding="utf-8")
    sentences = ("{signatures} signatures, {rows, undetected} undetected, {rows, lost} lost",)
    return render(folder, {"eds.json": "signatures"}, {"eds.json": sentences})


def test_the_index_is_the_one_that_is_generated() -> None:
    assert (FOLDER / INDEX).read_text(encoding="utf-8") == render(FOLDER), (
        "run python -m tests.evidence_index"
    )


def test_no_file_holds_a_failure() -> None:
    failed = [
        path.name
        for path in FOLDER.glob("*.json")
        if json.loads(path.read_text(encoding="utf-8"))["failures"]
    ]
    assert not failed


def test_a_file_stands_there_with_its_commit_seed_conditions_and_figures(tmp_path: Path) -> None:
    text = put(tmp_path)
    for part in (
        "Signatures.",
        "Commit 28e1d17bb53f with uncommitted changes, 2026-11-29, seed 7.\n",
        "Proofs: 2 passed.",
        f"- 1 234 signatures, 0 undetected, {MISSING} lost\n",
        "No file holds a failure.",
    ):
        assert part in text
    assert "with uncommitted" not in put(tmp_path, has_uncommitted_changes=False)


def test_a_failure_is_seen_at_the_top_and_at_its_file(tmp_path: Path) -> None:
    text = put(tmp_path, failures=["tests/a.py::test_a", "tests/a.py::test_b"])
    assert "**Failures:** eds.json." in text
    assert "**2 failures:** tests/a.py::test_a, tests/a.py::test_b." in text


def test_conditions_that_are_not_the_usual_ones_stand_at_the_file(tmp_path: Path) -> None:
    conditions = {"python": "3.11.7", "machine": "aarch64", "cores": 8, "database": "postgresql"}
    text = put(tmp_path, conditions=conditions)
    assert "seed 7, aarch64, 8 cores, postgresql, Python 3.11.7.\n" in text


def test_every_figure_of_the_index_stands_in_its_file_and_the_index_is_short() -> None:
    text = render(FOLDER)
    assert MISSING not in text
    assert FIGURES.keys() <= COUNTS.keys()
    assert len(text.split()) <= 1_500


def test_every_file_is_described(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("1")
    assert UNDESCRIBED in put(tmp_path)
    assert UNDESCRIBED not in render(FOLDER)


def test_evidence_that_is_written_stands_in_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "_EVIDENCE", tmp_path)
    monkeypatch.setattr(evidence_index, "FOLDER", tmp_path)
    proofs.write_evidence("pages", seed=5, found={"failures": [], "figures": {"looks": 3}})
    assert "- 3 checks\n" in (tmp_path / INDEX).read_text(encoding="utf-8")
