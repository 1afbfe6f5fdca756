"""A route with a live capture whose comparison says what the test tells it to, without a look at
the frames.

As if it had been compared, the first frame of each command is the best.
"""

from dataclasses import dataclass
from typing import Any

import pytest
from pytest_django import Settings

from insecure_sandbox import camera as demo_camera
from lenders.models import Lender
from tests.scenes import staged
from tests.verification.stages.live_capture.captures import photo_answer
from tests.verification.stories.insecure_route import InsecurePolicy, install
from tests.verification.stories.story import Story, begin, lender
from verification.core.results import Failed, Inconclusive, Passed
from verification.core.route import Looked, Prepared, Stage
from verification.stages.live_capture import dialogue as live_capture

PORTRAIT = b"\xff\xd8\xff portrait \xff\xd9"
MODEL = {
    "model": "insecure",
    "model_sha256": "ab" * 32,
    "calibration": "insecure-2026",
    "review": "0.5",
}
WORDS = {
    "clear": lambda: Passed("face.match", score=0.31, threshold=0.35, detail=MODEL),
    "grey": lambda: Inconclusive(
        "face.match", "face_review", score=0.45, threshold=0.35, detail=MODEL
    ),
    "wrong": lambda: Failed("face.match", "face_mismatch", score=0.8, threshold=0.35, detail=MODEL),
    "nothing": lambda: Failed(
        "face.match", "face_reference_unavailable", detail={"detail": "no_photo"}
    ),
    "unclear": lambda: Inconclusive("face.match", "eds_revocation_unknown"),
}


@dataclass(frozen=True)
class Captured:
    """Which frames were compared."""

    best: tuple[str, ...]


@dataclass
class Script:
    """What the next comparison says, and what the register answers; None: it is not asked."""

    word: str = "clear"
    photo: bytes | None = PORTRAIT
    gate: str = ""
    faults: int = 0
    measured: int = 0

    def prepare(self, case, evidence, memory):
        fresh = live_capture.begin(memory, replaced_max=0)
        return Prepared(
            memory=fresh, evidence={"live_capture.order": live_capture.order_evidence(fresh)}
        )

    def collect(self, case, evidence):
        if self.faults:
            self.faults -= 1
            raise OSError("scripted")
        return {} if self.photo is None else {"live_capture.photo": photo_answer(self.photo)}

    def measure(self, case, evidence, policy):
        self.measured += 1
        frames = sorted(kind for kind in evidence.items if ".frame." in kind)
        firsts = {kind.rpartition(".frame.")[0]: kind for kind in reversed(frames)}
        return Captured(best=tuple(sorted(firsts.values())))

    def check_gate(self, facts, policy):
        if self.gate:
            return Failed("face.one_face", self.gate, score=0.4, threshold=0.9, detail={"most": 2})
        return Passed("face.one_face", score=1.0, threshold=0.9, detail={"most": 1})

    def check_match(self, facts, policy):
        return WORDS[self.word]()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Script:
    """The workflow finds the scripted route where it looks for `biometric`."""
    settings.TULGA_ROUTES = ["biometric"]
    return put_in(monkeypatch)


def put_in(monkeypatch: pytest.MonkeyPatch, **more: Any) -> Script:
    """Puts the scripted route where the workflow looks for `biometric`; more: what else differs in
    its stage.
    """
    scripted = Script()
    stage = Stage(
        name="live_capture",
        page="commands",
        prepare=scripted.prepare,
        prompt=live_capture.prompt_live_capture,
        accept=live_capture.accept_live_capture,
        look=lambda evidence, memory: Looked(is_right=True),
        go_on=live_capture.go_on_live_capture,
        collect=scripted.collect,
        measure=scripted.measure,
        facts=Captured,
        policy_in_use=InsecurePolicy,
        checks={"face.one_face": scripted.check_gate, "face.match": scripted.check_match},
        seconds=300,
        attempts=3,
        unburnt_max=6,
        timeout_code="liveness_command_missed",
        has_frames=True,
    )
    install(monkeypatch, "biometric", stage.differing(**more))
    return scripted


def at_commands(of: Lender | None = None, reference: str = "A-1", **more: Any) -> Story:
    """A verification whose borrower is about to say that they are ready."""
    if of is None and not more:
        return staged(f"before the camera {reference}", lambda: at_commands(lender(), reference))
    story = begin(of or lender(), reference, **more)
    return story.to_statement()


def show(story: Story, *, commands: int | None = None, frames: int = 3) -> None:
    """Says "ready" and answers so many commands, or all of them, by frames that are no pictures."""
    story.answer(ready=True)
    for number in range(story.turn().data["steps"] if commands is None else commands):
        page = story.turn()
        pictures = [f"{story.id} {page.turn} {number} {seq}".encode() for seq in range(frames)]
        times = [page.data["not_before_ms"] + demo_camera.APART_MS * seq for seq in range(frames)]
        sent = list(zip(times, pictures, strict=True))
        story.answer(
            **demo_camera.bound([(at_ms, b"thin " + jpeg) for at_ms, jpeg in sent], sent, page.data)
        )
        story.look()


def show_to_end(story: Story) -> None:
    """The whole capture once more, and the worker's judgement."""
    show(story)
    story.work()


def played(of: Lender | None = None, reference: str = "A-1", **more: Any) -> Story:
    """The whole capture, and the worker's judgement."""
    # What the script says is asked when a worker judges.
    is_first = of is None and not more
    story = (
        staged(f"shown {reference}", lambda: _shown(None, reference))
        if is_first
        else _shown(of, reference, **more)
    )
    story.work()
    return story


def _shown(of: Lender | None, reference: str, **more: Any) -> Story:
    story = at_commands(of, reference, **more)
    show(story)
    return story


__all__ = (
    "MODEL",
    "PORTRAIT",
    "Script",
    "at_commands",
    "played",
    "put_in",
    "script",
    "show",
    "show_to_end",
)
