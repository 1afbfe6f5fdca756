"""What every gate of a live capture does with genuine ones, and to how many people: refused, sent
to people, passed.

`captures` puts them together; the stage's own measure and checks judge them. A gate that says the
code of one before it, which left it nothing to judge, is not counted. Of gates that no picture
decides nothing is counted: what is bound and when it comes is this script's own, and sums decide
where no detector is installed.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tools import capture_files, no_subject
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

_NEARER = 2.0  # times, for whoever is too far from the camera for anything else to be judged
_QUALITY, _MATCH = "face.quality", "face.match"
_OF_PICTURES = (
    "face.fresh",
    "face.one_face",
    _QUALITY,
    "face.continuity",
    "face.injection",
    _MATCH,
)
_OF_COMMANDS = ("face.commands", "face.depth")  # also where both turns and something else were seen


@dataclass(frozen=True)
class _Said:
    """One gate's word on one capture or window of a person; `code`: empty where it passes."""

    person: str
    is_refused: bool
    code: str


def measure(clips: Sequence[Observed], folders: Sequence[Path]) -> Figures:
    """By gate: of how many captures or windows, of how many people, how many did not pass."""
    told: dict[str, list[_Said]] = {}
    none, known, alarms = list[str](), dict[str, dict[str, bytes]](), list[Figures]()
    for each in clips:
        folder = next(one for one in folders if (one / each.clip.file).exists())
        images = read(folder, each.clip)
        is_far = any("too_far" in flaws(seen.frame, limits=policy.QUALITY) for seen in each.full)
        whole, asked = captures.uncommanded(each), list(captures.commanded(each))
        none += [] if whole else [each.clip.name]
        for number, windows in enumerate([*whole, *asked]):
            used = {at for _, places in windows for at in places}
            photo = captures.photograph(
                each, images, without=used, scale=_NEARER if is_far else 1.0
            )
            own, is_asked = (
                captures.sent(images, windows, scale=_NEARER if is_far else 1.0),
                number >= len(whole),
            )
            # Those of windows seen by eye are made of frames of the others, so they are not held
            # against them.
            prints = {} if is_asked else captures.prints(own)
            compared = compare_captures(prints, {} if is_asked else known, True)
            results = _judged(own, photo, compared)
            alarms += [
                {"capture": f"{each.clip.name} {number}", **one} for one in _taken_for(compared)
            ]
            known |= {} if is_asked else {f"{each.clip.name} {number}": prints}
            if is_far:
                told.setdefault("quality_nearer", []).append(
                    _said(each.clip.person, results[_QUALITY])
                )
                as_filmed = _judged(
                    captures.sent(images, windows, scale=1.0), photo, compare_captures({}, {}, True)
                )
                results = {**results, _QUALITY: as_filmed[_QUALITY]}
            gates = {*_OF_PICTURES, *(_OF_COMMANDS if is_asked else ())} - (
                {_MATCH} if photo is None else set()
            )
            _keep(told, each.clip.person, results, gates=gates)
        print(each.clip.name, len(whole), len(asked), flush=True)
    pairs = len(known) * (len(known) - 1) // 2
    found: Figures = {
        "without_a_capture": none,
        "nearer_times": _NEARER,
        "pairs": pairs,
        "taken_for": alarms,
    }
    return found | {name: _counted(own) for name, own in (told | _windows(clips)).items()}


def _taken_for(compared: Mapping[str, bytes]) -> list[Figures]:
    """Which captures of before this one is, or may be, shown again, and by what."""
    told = stored.read(json.loads(compared[COMPARED]), into=ComparedAll, what="compared")
    return [
        {"for": one.attempt, **{name: round(value, 3) for name, value in vars(one.alike).items()}}
        for one in told.others
        if policy.AGAIN.resembles(one.alike)
    ]


def _judged(
    steps: Sequence[StepFiles], photo: bytes | None, compared: Mapping[str, bytes]
) -> dict[str, Result]:
    evidence, case = (
        capture_files.evidence(steps, photo, at=captures.AT),
        no_subject.case(IIN, amount="0", currency="KZT"),
    )
    judged_by = LiveCapturePolicy()
    facts = measure_live_capture(
        case, replace(evidence, items={**evidence.items, **compared}), judged_by
    )
    return {name: check(facts, judged_by) for name, check in CHECKS.items()}


def _keep(
    told: dict[str, list[_Said]], person: str, results: Mapping[str, Result], *, gates: set[str]
) -> None:
    before = set[str]()
    for name, result in results.items():
        if name in gates and result.code not in before:
            told.setdefault(name.removeprefix("face."), []).append(_said(person, result))
        before |= {result.code} - {Passed.code}


def _said(person: str, result: Result) -> _Said:
    return _Said(person, isinstance(result, Failed), result.code)


def _windows(clips: Sequence[Observed]) -> dict[str, list[_Said]]:
    """Gestures that were seen by eye, and depth wherever a turn passes: of more people than whole
    captures are.
    """
    shown = [
        (each.clip.person, gestures.is_right(each, shows, each.between(first, last)))
        for each in clips
        for first, last, shows in each.clip.windows
        if shows is not None
    ]
    turned = [
        (each.clip.person, _depth_code(plane)) for each in clips for plane in gestures.turns(each)
    ]
    return {
        "commands_windows": [
            _Said(who, not passes, "" if passes else "liveness_command_missed")
            for who, passes in shown
        ],
        "depth_windows": [_Said(who, False, code) for who, code in turned],
    }


def _depth_code(found: Planarity) -> str:
    if found.ratio is None or found.residual is None:
        return "liveness_depth_missing"
    gates = policy.GATES
    is_flat = found.ratio < gates.planarity_ratio or found.residual < gates.planarity_residual
    return "liveness_depth_flat" if is_flat else ""


def _counted(own: Sequence[_Said]) -> Figures:
    """Bounds of what does not pass, whatever follows: by trials, of which many are one person's,
    and by people.
    """
    people, hit = {one.person for one in own}, {one.person for one in own if one.code}
    refused = sum(one.is_refused for one in own)
    not_passed = sum(bool(one.code) for one in own)
    return {
        "trials": len(own),
        "people": len(people),
        "refused": refused,
        "people_refused": len({one.person for one in own if one.is_refused}),
        "review": not_passed - refused,
        "people_review": len({one.person for one in own if one.code and not one.is_refused}),
        "upper_percent": round(100 * interval(not_passed, len(own))[1], 1),
        "people_upper_percent": round(100 * interval(len(hit), len(people))[1], 1),
        "codes": dict(sorted(Counter(one.code for one in own if one.code).items())),
        "by_person": {
            who: [
                sum(bool(one.code) for one in own if one.person == who),
                sum(one.person == who for one in own),
            ]
            for who in sorted(people)
        },
    }
