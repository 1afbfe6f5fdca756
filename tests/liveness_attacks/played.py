"""One attempt, sent through the dialogue as a page sends it, and judged by the stage's own measure
and checks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Picture

from insecure_sandbox import camera as demo_camera
from tests.verification.engines.liveness import insecure_paper
from tests.verification.stages.live_capture import captures as given
from verification.core.results import Failed, Outcome, Step, decide
from verification.core.route import Evidence, Looked, Next
from verification.engines.liveness import pictures
from verification.engines.liveness.frames import Image
from verification.engines.liveness.pictures import SentStep
from verification.stages.live_capture import STAGE, dialogue
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.measure import LiveCaptureFacts, compare_captures
from verification.stages.live_capture.policy import CAPTURE

APART_MS = 160
FIRST_MS = 500
POLICY = given.POLICY
WORDS = {Outcome.PASSED: "verified", Outcome.FAILED: "refused"}


@dataclass(frozen=True)
class Shown:
    """What the camera sees for one command: the thin chain, when each of its frames was taken, and
    the full frames.

    stills: by the place in the chain beside which each was taken.
    """

    chain: Sequence[Image] = field(repr=False)
    stills: Mapping[int, Image] = field(repr=False)
    times: tuple[int, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """A whole capture. `told`: what of it is on record, by which attempts are counted.

    is_replayed: were the frames presented before? plays_again: the capture it was recorded from,
        which is on record.
    frozen_from: the place in a command's chain whose picture stays.
    """

    shown: Mapping[str, Shown] = field(repr=False)
    registered: bytes = field(repr=False)
    told: Mapping[str, str]
    is_replayed: bool = False
    plays_again: Mapping[str, Shown] | None = field(default=None, repr=False)
    frozen_from: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """`outcome`: verified, refused, or what people look at. `codes`: of every check that did not
    pass, by check.

    refused: the checks that refuse by themselves; the others send to people.
    """

    outcome: str
    codes: Mapping[str, str]
    refused: Sequence[str]
    numbers: Mapping[str, float | None]


def of(frames: Sequence[Image], *, stills: int = CAPTURE.stills) -> Shown:
    """What an honest person sends: the full frames are among those of the chain."""
    return Shown(
        frames,
        {
            place * len(frames) // stills: frames[place * len(frames) // stills]
            for place in range(stills)
        },
    )


def play(attempt: Attempt) -> Ended:
    """What becomes of it."""
    facts = measured(attempt)
    results = STAGE.judge(facts, POLICY)
    decision = decide(results, required=tuple(CHECKS))
    failed = [each.check for each in results if isinstance(each, Failed)]
    return Ended(
        WORDS.get(decision.outcome, "people"), given.refusals(results), failed, _numbers(facts)
    )


def measured(attempt: Attempt) -> LiveCaptureFacts:
    """What the stage knows of it: an attacker with the engine knows as much beforehand."""
    evidence = _evidence(attempt)
    if attempt.is_replayed:
        pictures = {kind for kind in evidence.items if ".frame." in kind}
        evidence = replace(evidence, presented=frozenset(pictures))
    facts = STAGE.measure(given.case(), evidence, POLICY)
    assert isinstance(facts, LiveCaptureFacts)
    return facts


def photo(path: Path) -> bytes:
    """The register's answer with this picture."""
    return photo_of(np.asarray(Picture.open(path).convert("RGB"), dtype=np.uint8))


def photo_of(image: Image) -> bytes:
    """The register's answer with this picture, RGB."""
    return given.photo_answer(insecure_paper.jpeg(image, quality=90))


def _evidence(attempt: Attempt) -> Evidence:
    memory, at = given.begun(tuple(attempt.shown)), given.NOW
    items = {"live_capture.order": dialogue.order_evidence(memory)}
    for command, shown in attempt.shown.items():
        times = shown.times or tuple(
            FIRST_MS + APART_MS * place for place in range(len(shown.chain))
        )
        chain = [(ms, _thin(image)) for ms, image in zip(times, shown.chain, strict=True)]
        stays = attempt.frozen_from.get(command, len(chain))
        chain = [(ms, chain[min(at, stays)][1]) for at, (ms, _) in enumerate(chain)]
        stills = [
            (times[place], insecure_paper.jpeg(image))
            for place, image in sorted(shown.stills.items())
        ]
        at += timedelta(milliseconds=times[-1] + 300)
        asked = dialogue.prompt_live_capture(memory)
        taken = dialogue.accept_live_capture(memory, demo_camera.bound(chain, stills, asked), at)
        turn = dialogue.go_on_live_capture(taken.memory, Looked(is_right=True), at)
        memory, items = turn.memory, {**items, **taken.evidence, **turn.evidence}
        if turn.next is Next.COLLECT:
            break
    items |= {**given.sources(photo=attempt.registered), **_compared(attempt)}
    return Evidence(items=items, at=at + timedelta(seconds=30))


def _compared(attempt: Attempt) -> dict[str, bytes]:
    """How alike the attempt is to the capture it was recorded from; where it is none, nothing like
    it came before.
    """
    if attempt.plays_again is None:
        return compare_captures({}, {}, True)
    own, recorded = (_prints(shown) for shown in (attempt.shown, attempt.plays_again))
    return compare_captures(own, {"att_recorded": recorded}, True)


def _prints(shown: Mapping[str, Shown]) -> dict[str, bytes]:
    chains = [
        (command, tuple(_thin(image) for image in each.chain)) for command, each in shown.items()
    ]
    steps = [
        SentStep(command, chain, (), (), tuple(range(len(chain)))) for command, chain in chains
    ]
    return {
        f"live_capture.{at}.prints": pictures.look(step)[1].to_bytes()
        for at, step in enumerate(steps)
    }


def _thin(image: Image) -> bytes:
    high, wide = image.shape[:2]
    scale = CAPTURE.chain_side / min(high, wide)
    small = cv2.resize(
        image, (round(wide * scale), round(high * scale)), interpolation=cv2.INTER_AREA
    )[:, :, ::-1]
    for quality in range(70, 10, -6):
        written = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if written.nbytes <= CAPTURE.chain_bytes:
            break
    return written.tobytes()


def _numbers(facts: LiveCaptureFacts) -> dict[str, float | None]:
    if isinstance(facts.shown, Step):
        return {}
    shown, found = facts.shown, dict[str, float | None]()
    if not isinstance(shown.throughout, Step):
        names = (
            "farthest",
            "second",
            "acting",
            "acting_median",
            "next",
            "corners",
            "surroundings",
            "common",
            "resting",
        )
        found = {
            name: getattr(shown.throughout, name)
            for name in (*names, "to_reference", "farthest_reference")
        }
    if not isinstance(shown.depth, Step):
        found["depth"] = shown.depth.ratio
    if not isinstance(facts.match, Step):
        found |= {"match_rest": facts.match.at_rest, "match_work": facts.match.at_work}
    return {
        name: None if value is None else round(float(value), 4) for name, value in found.items()
    }
