"""Proofs: large generated sets, run whole by `make prove`, which writes what came out to
docs/evidence/.
"""

import json
import os
import platform
import subprocess
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import evidence_index

_ROOT = Path(__file__).resolve().parent.parent
_EVIDENCE = _ROOT / "docs" / "evidence"
_SCALE = (
    0.02  # outside `make prove`: 1/50 of each set, enough to find a broken generator in seconds
)

Figures = dict[str, Any]
_figures_of_part = pytest.StashKey[dict[str, Figures]]()
_outcomes_of_part = pytest.StashKey[dict[str, dict[str, list[str]]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The two switches of `make prove`."""
    parser.addoption(
        "--prove", action="store_true", help="run proofs whole and write docs/evidence/<part>.json"
    )
    parser.addoption("--part", default="", help="only this part's proofs")


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing found out."""
    config.stash[_figures_of_part] = {}
    config.stash[_outcomes_of_part] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--prove` only proofs stay, with `--part` only that part's; without it the cases marked
    `whole` go.
    """
    part = config.getoption("--part")
    if not config.getoption("--prove"):
        config.hook.pytest_deselected(
            items=[item for item in items if item.get_closest_marker("whole")]
        )
        items[:] = [item for item in items if not item.get_closest_marker("whole")]
        return
    chosen = [item for item in items if _part(item) and part in ("", _part(item))]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.fixture
def proof_scale(request: pytest.FixtureRequest) -> float:
    """The share of a proof's set to generate: 1 in `make prove`, else 1/50."""
    return (
        1.0
        if request.config.getoption("--prove")
        else float(os.environ.get("TULGA_PROOF_SCALE", _SCALE))
    )


@pytest.fixture(scope="session")
def proof_seed() -> int:
    """The seed of a proof's set: always the same in `make test`, a number from the commit's hash in
    `make prove`.
    """
    return int(os.environ.get("TULGA_PROOF_SEED", "0"))


@pytest.fixture
def proof_figures(request: pytest.FixtureRequest) -> Figures:
    """A dict to put found figures in; they are written to the part's evidence."""
    of_part = request.config.stash[_figures_of_part]
    return of_part.setdefault(_part(request.node) or "none", {})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember how each proof ended, by its part."""
    report = yield
    part = _part(item)
    if part and (report.when == "call" or not report.passed):
        outcomes = item.config.stash[_outcomes_of_part].setdefault(part, {})
        outcomes.setdefault(report.outcome, []).append(item.nodeid)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write one file of evidence for each part that ran."""
    if not session.config.getoption("--prove"):
        return
    for part, outcomes in session.config.stash[_outcomes_of_part].items():
        found = {
            "counts": {
                word: len(outcomes.get(word, [])) for word in ("passed", "failed", "skipped")
            },
            "failures": outcomes.get("failed", []),
            "figures": session.config.stash[_figures_of_part].get(part, {}),
        }
        write_evidence(part, seed=int(os.environ.get("TULGA_PROOF_SEED", "0")), found=found)


def write_evidence(part: str, *, seed: int, found: Mapping[str, object]) -> Path:
    """One file of evidence, what was found behind what it was found on, and the index anew.

    found: it has `failures` and `figures`.
    """
    content = {
        "part": part,
        "commit": _git("rev-parse", "HEAD") or "none",
        "has_uncommitted_changes": bool(
            _git("status", "--porcelain", "--", ".", ":!docs/evidence")
        ),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "conditions": conditions(),
        **found,
    }
    _EVIDENCE.mkdir(parents=True, exist_ok=True)
    path = _EVIDENCE / f"{part}.json"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    evidence_index.write()
    return path


def seed_of_commit() -> int:
    """A number from the commit's hash, so that `make prove` tries another sample with every commit;
    0 without git.
    """
    return int(_git("rev-parse", "--verify", "--quiet", "HEAD")[:8] or "0", 16)


def _part(item: pytest.Item) -> str:
    """`@pytest.mark.proof("audit")` is of part `audit`; without a name the module's own name is the
    part.
    """
    mark = item.get_closest_marker("proof")
    if mark is None:
        return ""
    return str(mark.args[0]) if mark.args else item.path.stem.removeprefix("test_")


def conditions(*, database: str = "") -> dict[str, str | int]:
    """What a figure was found on; `database` where a measurement starts its own."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count() or 0,
        "database": database or os.environ.get("DATABASE_URL", "sqlite").split(":", 1)[0],
    }


def _git(*words: str) -> str:
    try:
        return subprocess.run(
            ["git", *words], cwd=_ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()
    except FileNotFoundError:
        return ""
