"""Results of every live-capture gate on genuine captures: refused, sent to people, passed; and for
how many people.

`captures` composes them; the stage's own measure and checks judge them.
A gate that repeats an earlier one's code, for lack of input, is not counted.
Gates without pictures are not counted: this script itself sets binding and timing, and sums decide
without a detector.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tools import capture_files, judging
from tools.capture_files import IIN, StepFiles
from tools.genuine import Figures, captures, gestures
from tools.genuine.clips import Observed, read
from verification.core import stored
from verification.core.results import Failed, Passed, Result
from verification.engines.faces.intervals import interval
from verification.engines.liveness import policy
from verification.engines.liveness.landmarks import flaws
from verification.engines.liveness.planarity import Planarity
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.dialogue import COMPARED
from verification.stages.live_capture.measure import (
    ComparedAll,
    compare_captures,
    measure_live_capture,
)
from verification.stages.live_capture.policy import LiveCapturePolicy

_NEARER = 2.0  # times closer, for clips too far from the camera for any other judgement
_QUALITY, _MATCH = "face.quality", "face.match"
_OF_PICTURES = (
    "face.fresh",
    "face.one_face",
    _QUALITY,
    "face.continuity",
    "face.injection",
    _MATCH,
)
# also where both turns and another gesture were seen
_OF_COMMANDS = ("face.commands", "face.depth")


@dataclass(frozen=True)
class _Said:
    """One gate's result on one capture or window of a person; `code`: empty if it passes."""

    person: str
    is_refused: bool
    code: str


def measure(clips: Sequence[Observed], folders: Sequence[Path]) -> Figures:
    """By gate: of how many captures or windows, and people, how many did not pass."""
    outcomes: dict[str, list[_Said]] = {}
    none, known_prints, alarms = list[str](), dict[str, dict[str, bytes]](), list[Figures]()
    for film in clips:
        folder = next(path for path in folders if (path / film.clip.file).exists())
        images = read(folder, film.clip)
        is_far = any("too_far" in flaws(frame.frame, limits=policy.QUALITY) for frame in film.full)
        uncommanded, commanded = captures.uncommanded(film), list(captures.commanded(film))
        none += [] if uncommanded else [film.clip.name]
        for number, windows in enumerate([*uncommanded, *commanded]):
            used = {at for _, places in windows for at in places}
            photo = captures.photograph(
                film, images, without=used, scale=_NEARER if is_far else 1.0
            )
            steps, is_asked = (
                captures.sent(images, windows, scale=_NEARER if is_far else 1.0),
                number >= len(uncommanded),
            )
            # Windows seen by eye consist of the others' frames, so they are not compared with them.
            prints = {} if is_asked else captures.prints(steps)
            compared = compare_captures(prints, {} if is_asked else known_prints, True)
            results = _judged(steps, photo, compared)
            alarms += [
                {"capture": f"{film.clip.name} {number}", **alarm} for alarm in _taken_for(compared)
            ]
            known_prints |= {} if is_asked else {f"{film.clip.name} {number}": prints}
            if is_far:
                outcomes.setdefault("quality_nearer", []).append(
                    _word(film.clip.person, results[_QUALITY])
                )
                as_filmed = _judged(
                    captures.sent(images, windows, scale=1.0), photo, compare_captures({}, {}, True)
                )
                results = {**results, _QUALITY: as_filmed[_QUALITY]}
            gates = {*_OF_PICTURES, *(_OF_COMMANDS if is_asked else ())} - (
                {_MATCH} if photo is None else set()
            )
            _keep(outcomes, film.clip.person, results, gates=gates)
        print(film.clip.name, len(uncommanded), len(commanded), flush=True)
    pairs = len(known_prints) * (len(known_prints) - 1) // 2
    figures: Figures = {
        "without_a_capture": none,
        "nearer_times": _NEARER,
        "pairs": pairs,
        "taken_for": alarms,
    }
    return figures | {name: _counted(rows) for name, rows in (outcomes | _windows(clips)).items()}


def _taken_for(compared: Mapping[str, bytes]) -> list[Figures]:
    """The earlier captures of which this one counts, or may count, as a repetition, and by what."""
    comparison = stored.read(json.loads(compared[COMPARED]), into=ComparedAll, what="compared")
    return [
        {
            "for": capture.attempt,
            **{name: round(value, 3) for name, value in vars(capture.alike).items()},
        }
        for capture in comparison.others
        if policy.AGAIN.resembles(capture.alike)
    ]


def _judged(
    steps: Sequence[StepFiles], photo: bytes | None, compared: Mapping[str, bytes]
) -> dict[str, Result]:
    evidence, case = (
        capture_files.evidence(steps, photo, at=captures.AT),
        judging.empty_case(IIN, amount="0", currency="KZT"),
    )
    judged_by = LiveCapturePolicy()
    facts = measure_live_capture(
        case, replace(evidence, items={**evidence.items, **compared}), judged_by
    )
    return {name: check(facts, judged_by) for name, check in CHECKS.items()}


def _keep(
    outcomes: dict[str, list[_Said]], person: str, results: Mapping[str, Result], *, gates: set[str]
) -> None:
    codes = set[str]()
    for name, result in results.items():
        if name in gates and result.code not in codes:
            outcomes.setdefault(name.removeprefix("face."), []).append(_word(person, result))
        codes |= {result.code} - {Passed.code}


def _word(person: str, result: Result) -> _Said:
    return _Said(person, isinstance(result, Failed), result.code)


def _windows(clips: Sequence[Observed]) -> dict[str, list[_Said]]:
    """Gestures seen by eye, and depth in every passing turn: they cover more people than whole
    captures.
    """
    passes_by_person = [
        (film.clip.person, gestures.is_right(film, shows, film.between(first, last)))
        for film in clips
        for first, last, shows in film.clip.windows
        if shows is not None
    ]
    turned = [
        (film.clip.person, _depth_code(plane)) for film in clips for plane in gestures.turns(film)
    ]
    return {
        "commands_windows": [
            _Said(person, not passes, "" if passes else "liveness_command_missed")
            for person, passes in passes_by_person
        ],
        "depth_windows": [_Said(person, False, code) for person, code in turned],
    }


def _depth_code(plane: Planarity) -> str:
    if plane.ratio is None or plane.residual is None:
        return "liveness_depth_missing"
    gates = policy.GATES
    is_flat = plane.ratio < gates.planarity_ratio or plane.residual < gates.planarity_residual
    return "liveness_depth_flat" if is_flat else ""


def _counted(outcomes: Sequence[_Said]) -> Figures:
    """Bounds of non-passes, whatever follows: by trials, of which many are one person's, and by
    people.
    """
    people, hit = (
        {word.person for word in outcomes},
        {word.person for word in outcomes if word.code},
    )
    refusals = sum(word.is_refused for word in outcomes)
    not_passed = sum(bool(word.code) for word in outcomes)
    return {
        "trials": len(outcomes),
        "people": len(people),
        "refused": refusals,
        "people_refused": len({word.person for word in outcomes if word.is_refused}),
        "review": not_passed - refusals,
        "people_review": len(
            {word.person for word in outcomes if word.code and not word.is_refused}
        ),
        "upper_percent": round(100 * interval(not_passed, len(outcomes))[1], 1),
        "people_upper_percent": round(100 * interval(len(hit), len(people))[1], 1),
        "codes": dict(sorted(Counter(word.code for word in outcomes if word.code).items())),
        "by_person": {
            person: [
                sum(bool(word.code) for word in outcomes if word.person == person),
                sum(word.person == person for word in outcomes),
            ]
            for person in sorted(people)
        },
    }
