"""The proof of how honest people fare: clips of real people, cut as the page cuts them, under what
a camera, a lamp and a hand do. `make prove PART=honest`; docs/security/liveness.md tells what came
out.

The clips may not be passed on: they lie beside the checkout, others in a folder that
TULGA_PROOF_CLIPS names.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import django
import numpy as np
import pytest

from tests.honest_people import judged
from tests.honest_people.conditions import CONDITIONS
from tests.honest_people.judged import Judged
from tests.honest_people.taken import Found
from tests.proofs import Figures

pytestmark = pytest.mark.proof("honest")

_FEW = 1  # captures outside of `make prove`
_LIT = ("step_up", "step_down", "flicker")
_TRIPLES = 100


@pytest.fixture(scope="module")
def captures(request: pytest.FixtureRequest) -> list[Found]:
    """Every capture there is; a few outside of `make prove`. Skips without the clips."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("TULGA_PROOF_SHARED", beside)) / "liveness" / "genuine"
    table, more = folder / "clips.tsv", os.environ.get("TULGA_PROOF_CLIPS", "")
    if not table.is_file():
        pytest.skip("the clips are not here")
    most = None if request.config.getoption("--prove") else _FEW
    return judged.found_in(table, [folder, *([Path(more)] if more else [])], most=most)


@pytest.fixture(scope="module")
def rows() -> list[Judged]:
    """What became of all captures so far."""
    return []


@contextmanager
def _judging(*, is_whole: bool) -> Iterator[Executor | None]:
    if not is_whole:
        yield None
        return
    # Not forked: the networks of this process may be in the middle of something.
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=django.setup) as pool:
        yield pool


@pytest.mark.parametrize(
    "condition",
    [pytest.param(name, marks=() if name == "plain" else pytest.mark.whole) for name in CONDITIONS],
)
def test_honest_people_are_counted(
    condition: str,
    captures: list[Found],
    rows: list[Judged],
    request: pytest.FixtureRequest,
    proof_figures: Figures,
) -> None:
    with _judging(is_whole=request.config.getoption("--prove")) as pool:
        names = [(condition,)] * len(captures)
        found = list((pool.map if pool else map)(judged.judge, captures, names))
    rows += found
    proof_figures[condition] = judged.counted(found)
    proof_figures["all"] = judged.counted(rows)
    assert len(found) == len(captures)
    # A lamp moves no face of a person who does what is asked.
    done = [each for each in found if "face.commands" not in each.codes]
    jumped = [each for each in done if "liveness_face_jumped" in each.codes.values()]
    assert condition not in _LIT or not jumped


def test_three_conditions_at_once_are_counted(
    captures: list[Found],
    request: pytest.FixtureRequest,
    proof_seed: int,
    proof_scale: float,
    proof_figures: Figures,
) -> None:
    chance = np.random.default_rng([proof_seed, 39])
    names = sorted({*CONDITIONS} - {"plain"})
    count = round(_TRIPLES * proof_scale) if proof_scale >= 1 else _FEW
    triples = [tuple(map(str, chance.choice(names, 3, replace=False))) for _ in range(count)]
    chosen = [captures[int(chance.integers(len(captures)))] for _ in range(count)]
    with _judging(is_whole=request.config.getoption("--prove")) as pool:
        found = list((pool.map if pool else map)(judged.judge, chosen, triples))
    proof_figures["three at once"] = judged.counted(found)
    assert len(found) == count
