"""The pages of the camera routes without their routes: the real dialogue of the capture, and nobody who judges."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils import timezone

from tests.verification.borrower.pages import made
from verification.core.errors import BadInput, NotYourTurn
from verification.core.route import Next
from verification.models import Verification
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture.policy import CaptureLimits, LiveCapturePolicy
from verification.workflow.reading.queries import BorrowerPage

POLICY = LiveCapturePolicy()

# A short window keeps the tests short; the product's own gives a busy machine time to take all its pictures; and a long
# one holds a command while a test is busy with it.
LIMITS = replace(POLICY.capture, window_ms=3_500)
AMPLE = POLICY.capture
HELD = replace(LIMITS, window_ms=60_000)
ORDER = ("look_straight", "turn_left", "blink", "turn_right")


@dataclass
class InsecureDialogue:
    """One borrower's page. `taken` has the evidence of the capture, `answers` what was said on other pages."""

    now: BorrowerPage = field(default_factory=lambda: made("commands", attempts=3, step=3, steps=4))
    order: tuple[str, ...] = ORDER
    hints: tuple[str, ...] = ("",)
    taken: dict[str, bytes] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    unreadable: int = 0
    limits: CaptureLimits = LIMITS

    def __post_init__(self) -> None:
        self._memory = live_capture.begin({}) | {"order": list(self.order)}

    def reveal(self, step: int) -> None:
        """This command is due, counted from 0. An open page learns of it when it is loaded anew."""
        self._memory = {**self._memory, "step": step, "revealed": timezone.now().isoformat()}

    def page(self, *_: object, verification_id: str = "") -> BorrowerPage:
        """In place of `queries.borrower_page`, of `page_of`, and of `state_of`, which says a part of it."""
        if self.now.page != "commands":
            return self.now
        data = dict(live_capture.prompt_live_capture(self._memory))
        if data["state"] == "command":
            data["window_ms"] = self.limits.window_ms
        return replace(self.now, data=data)

    def answer(self, *, verification_id: str, turn: int, untrusted: Mapping[str, Any]) -> None:
        """In place of `commands.answer`: a turn is taken once."""
        if turn != self.now.turn:
            raise NotYourTurn("made by a test")
        if self.unreadable:
            self.unreadable -= 1
            raise BadInput("made by a test", code="bad_answer", pointer="/document_number")
        if self.now.page != "commands":
            self.answers.append(dict(untrusted))
            self.now = made("wait")
            return
        taken = live_capture.accept_live_capture(self._memory, untrusted, timezone.now())
        self._memory = taken.memory
        self.taken |= taken.evidence
        self.now = replace(self.now, turn=turn + 1) if taken.next is Next.ASK else made("wait", turn=turn + 1)

    def hint(self, verification: Verification, *, jpeg: bytes) -> str:
        """In place of `hints.hint`: the words of `hints`, the last one again and again."""
        self.asked.append(jpeg)
        return self.hints[min(len(self.asked), len(self.hints)) - 1]

    def facts(self, step: int) -> dict[str, Any]:
        """What the dialogue wrote about a step, counted from 0."""
        return dict(json.loads(self.taken[f"live_capture.{step}.turn"]))

    def frames(self, step: int) -> list[bytes]:
        """The frames of a step, in order."""
        return [self.taken[f"live_capture.{step}.frame.{seq}"] for seq in self.facts(step)["sent"]]
