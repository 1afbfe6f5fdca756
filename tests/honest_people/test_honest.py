"""The proof of how honest people fare: `make prove PART=honest`."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

import cv2
import django
import numpy as np
import pytest

from tests.honest_people import filmed, taken
from tests.honest_people.conditions import CONDITIONS, Condition, together
from tests.honest_people.taken import Found
from tests.proofs import Figures
from tools import capture_files, judging
from tools.capture_files import FIRST_MS, IIN, StepFiles
from tools.genuine.clips import Sender
from verification.core.codes import REASONS
from verification.core.results import Failed, Outcome, Passed, decide
from verification.engines.liveness.frames import Image
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.dialogue import NEUTRAL
from verification.stages.live_capture.measure import LiveCaptureFacts, measure_live_capture
from verification.stages.live_capture.policy import CAPTURE, TURNS, LiveCapturePolicy

pytestmark = pytest.mark.proof("honest")


# A capture of an honest person, sent as the page sends it, and what becomes of it by every gate.


AT = datetime(2026, 12, 1, tzinfo=UTC)
WORDS = ("verified", "refused", "asked again", "people")
_DEPTH = "face.depth"  # of who was filmed without a turn nothing is known of it
_THUMBNAIL = (32, 24)  # as static/borrower/pictures.js
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """`outcome`: one of `WORDS`. `codes`: of every check that did not pass, by check. `refused`:
    those that refuse by themselves.
    """

    clip: str
    person: str
    cohort: str
    condition: str
    commands: tuple[str, ...]
    outcome: str
    codes: dict[str, str]
    refused: tuple[str, ...]


def judge(found: Found, names: tuple[str, ...]) -> Judged:
    """The capture under these conditions at once, and what becomes of it."""
    facts, policy = measured(found, names), _policy(found)
    checks = {check: says for check, says in CHECKS.items() if check != _DEPTH or policy.must_show}
    results = [says(facts, policy) for says in checks.values()]
    decision = decide(results, required=tuple(checks))
    failed = tuple(each.check for each in results if isinstance(each, Failed))
    codes = {each.check: each.code for each in results if not isinstance(each, Passed)}
    is_again = decision.outcome is Outcome.FAILED and not any(
        REASONS[codes[each]].burns for each in failed
    )
    is_again = is_again or decision.code.startswith("face_again")
    ends = {Outcome.PASSED: "verified", Outcome.FAILED: "asked again" if is_again else "refused"}
    clip = found.clip
    word = ends.get(decision.outcome, "people")
    return Judged(
        clip.name, clip.person, clip.cohort, " ".join(names), found.commands, word, codes, failed
    )


def measured(found: Found, names: tuple[str, ...]) -> LiveCaptureFacts:
    """The facts of the capture under these conditions."""
    condition = together(names)
    steps = [_sent(found, command, times, condition) for command, times in found.steps]
    evidence = capture_files.evidence(steps, taken.photograph(found.photo), at=AT)
    case = judging.empty_case(
        IIN, amount="0", currency="KZT"
    )  # below what a capture may verify unaided
    return measure_live_capture(case, evidence, _policy(found))


def _policy(found: Found) -> LiveCapturePolicy:
    """What a clip does not show is not asked for: of each it is told what was."""
    asked = found.commands
    return replace(
        LiveCapturePolicy(),
        commands_min=len(asked),
        must_show=tuple(each for each in TURNS if each in asked),
    )


def _sent(found: Found, command: str, times: Sequence[float], condition: Condition) -> StepFiles:
    chance = np.random.default_rng([crc32(f"{found.clip.name} {command}".encode()), 39])
    rate = condition.rate or found.clip.rate
    moments = [int(at * rate + 1e-6) / rate for at in times]
    images = [
        filmed.cut(image, found.placing, condition.eyes)
        for image in filmed.read(found.clip, moments)
    ]
    images = condition.change(images, chance)
    sender = Sender()
    at_ms = [round(FIRST_MS + place * CAPTURE.chain_ms) for place in range(len(images))]
    stills = _rest_stills(len(images)) if command == NEUTRAL else [0, _farthest(images)]
    chain = [(ms, sender.jpeg(image, "chain")) for ms, image in zip(at_ms, images, strict=True)]
    full = [(at_ms[place], sender.jpeg(images[place], "full")) for place in stills]
    return StepFiles(command, chain, full)


def _rest_stills(count: int) -> list[int]:
    return [place * count // CAPTURE.rest_stills for place in range(CAPTURE.rest_stills)]


def _farthest(images: Sequence[Image]) -> int:
    """The frame that differs most from the first, as the page finds it."""
    small = [np.asarray(cv2.resize(each, _THUMBNAIL), np.int16)[:, :, 1] for each in images]
    apart = [int(np.abs(each - small[0]).sum()) for each in small]
    return max(1, apart.index(max(apart)))


def found_in(table: Path, folders: Sequence[Path], *, most: int | None = None) -> list[Found]:
    """Every capture there is, or at most so many."""
    return taken.captures(filmed.clips(table, folders), most=most)


def counted(rows: Iterable[Judged]) -> Numbers:
    """How captures end, all of them, by person and by cohort; and of each gate how often it speaks.

    `alone`: where no other refuses, or where nothing else stands in the way.
    """
    rows = list(rows)
    gates: dict[str, Counter[str]] = {}
    for row in rows:
        for check in row.codes:
            word = "refused" if check in row.refused else "people"
            others = row.refused if word == "refused" else tuple(row.codes)
            told = [word, *([f"{word}_alone"] if others == (check,) else [])]
            gates.setdefault(check.removeprefix("face."), Counter()).update(told)
    codes = Counter(code for row in rows for code in set(row.codes.values()))
    return {
        **_ends(rows),
        "gates": {gate: dict(sorted(count.items())) for gate, count in sorted(gates.items())},
        "codes": dict(sorted(codes.items())),
        "person": {
            who: _ends([row for row in rows if row.person == who]) for who in _in(rows, "person")
        },
        "cohort": {
            who: _ends([row for row in rows if row.cohort == who]) for who in _in(rows, "cohort")
        },
    }


def _in(rows: Sequence[Judged], word: str) -> list[str]:
    return sorted({str(getattr(row, word)) for row in rows})


def _ends(rows: Sequence[Judged]) -> Numbers:
    ends = Counter(row.outcome for row in rows)
    return {"captures": len(rows), **{word.replace(" ", "_"): ends[word] for word in WORDS}}


# The proof of how honest people fare: clips of real people, cut as the page cuts them, under
# what a camera, a lamp and a hand do. `make prove PART=honest`; docs/security/liveness.md tells
# what came out.
#
# The clips may not be passed on: they lie beside the checkout, others in a folder that
# TULGA_PROOF_CLIPS names.


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
    return found_in(table, [folder, *([Path(more)] if more else [])], most=most)


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
        found = list((pool.map if pool else map)(judge, captures, names))
    rows += found
    proof_figures[condition] = counted(found)
    proof_figures["all"] = counted(rows)
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
        found = list((pool.map if pool else map)(judge, chosen, triples))
    proof_figures["three at once"] = counted(found)
    assert len(found) == count
