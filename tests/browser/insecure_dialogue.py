"""The pages of the camera routes without their routes: the real dialogue of the capture, without
a judge.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.utils import timezone

from tests.verification.borrower.pages import made
from verification.access import open_page
from verification.access.open_page import BorrowerPage
from verification.core.errors import BadInput, NotYourTurn
from verification.core.route import PARTS, Evidence, Looked, Next
from verification.models import Verification
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture import measure
from verification.stages.live_capture.measure import CapturedStep
from verification.stages.live_capture.policy import CaptureLimits, LiveCapturePolicy

POLICY = LiveCapturePolicy()

# A short window keeps the tests short; the product's own gives a busy machine time to take all its
# pictures; and a long one holds a command while a test is busy with it.
LIMITS = replace(POLICY.capture, window_ms=2_500)
AMPLE = POLICY.capture
HELD = replace(LIMITS, window_ms=60_000)
ORDER = ("look_straight", "turn_left", "blink", "turn_right")


def put(monkeypatch: pytest.MonkeyPatch, page: Callable[..., BorrowerPage | None]) -> None:
    """From now on every question of the edges which page is open is answered by this."""
    for name in ("borrower_page", "borrower_turn", "page_of", "state_of", "turn_of"):
        monkeypatch.setattr(open_page, name, page)


@dataclass
class InsecureDialogue:
    """One borrower's page. `taken` has the evidence of the capture, `answers` what was said on
    other pages.

    misses: the commands that a worker would not see. replaced_max: how many of them are replaced by
    others. missed: the command that ended the capture before. stays: after the last command the
    page is told that a worker looks.
    keeps: the command stays the same whatever is lost, and the face at rest is held as long as any
        other.
    """

    now: BorrowerPage = field(default_factory=lambda: made("commands", attempts=3, step=3, steps=4))
    order: tuple[str, ...] = ORDER
    hints: tuple[str, ...] = ("",)
    taken: dict[str, bytes] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    unreadable: int = 0
    unreadable_at: str = "/document_number"
    limits: CaptureLimits = LIMITS
    misses: tuple[str, ...] = ()
    replaced_max: int = 0
    missed: str = ""
    stays: bool = False
    keeps: bool = False

    def __post_init__(self) -> None:
        self._memory = live_capture.begin({}, replaced_max=self.replaced_max) | {
            "order": list(self.order),
            "missed": self.missed,
        }

    def reveal(self, step: int) -> None:
        """This command is due, counted from 0. An open page learns of it when it is loaded anew."""
        self._memory = {**self._memory, "step": step, "revealed": timezone.now().isoformat()}

    def page(self, *_: object, verification_id: str = "") -> BorrowerPage:
        """In place of `open_page.borrower_page`, of `page_of`, and of `state_of`, which says a part
        of it.
        """
        if self.now.page != "commands":
            return self.now
        data = dict(live_capture.prompt_live_capture(self._memory))
        if data["state"] == "command":
            is_rest = data["command"] == live_capture.NEUTRAL and not self.keeps
            asked = data.keys() - ({"chain_side", "chain_bytes"} if self._memory["slow"] else set())
            data |= {name: value for name, value in vars(self.limits).items() if name in asked}
            data["window_ms"] = (
                min(self.limits.rest_ms, self.limits.window_ms)
                if is_rest
                else self.limits.window_ms
            )
            data["stills"] = self.limits.rest_stills if is_rest else self.limits.stills
        return replace(self.now, data=data)

    def answer(
        self,
        *,
        verification_id: str,
        turn: int,
        untrusted: Mapping[str, Any],
        session: str,
        visited: object = None,
    ) -> Next:
        """In place of `answers.answer`: a turn is taken once."""
        if turn != self.now.turn:
            raise NotYourTurn("made by a test")
        if self.unreadable:
            self.unreadable -= 1
            raise BadInput("made by a test", code="bad_answer", pointer=self.unreadable_at)
        if self.now.page != "commands":
            self.answers.append(dict(untrusted))
            self.now = made("wait")
            return Next.COLLECT
        if self.keeps and untrusted.get("lost"):
            return Next.ASK
        taken = live_capture.accept_live_capture(self._memory, untrusted, timezone.now())
        self.taken |= taken.evidence
        if taken.next is Next.PART:
            self._memory = taken.memory
            return taken.next
        taken.memory.pop(PARTS, None)
        if taken.next is Next.LOOK:
            asked = self._memory["order"][self._memory["step"]]
            looked = Looked(is_right=asked not in self.misses)
            taken = live_capture.go_on_live_capture(taken.memory, looked, timezone.now())
            self.taken |= taken.evidence
        self._memory = taken.memory
        if taken.next is Next.ASK:
            self.now = replace(self.now, turn=turn + 1)
        elif self.stays:
            self.now = replace(self.now, turn=turn + 1, is_looked_at=True)
        else:
            self.now = made("wait", turn=turn + 1)
        return Next.ASK

    def hint(self, verification: Verification, *, jpeg: bytes) -> str:
        """In place of `camera.hint_of`: the words of `hints`, the last one again and again."""
        self.asked.append(jpeg)
        return self.hints[min(len(self.asked), len(self.hints)) - 1]

    def step(self, number: int) -> CapturedStep:
        """What came for a command, counted from 0."""
        return measure.captured_step(
            Evidence(items=self.taken, at=timezone.now()), f"live_capture.{number}."
        )

    @property
    def lost(self) -> list[str]:
        """The commands in which the line was lost."""
        return [
            json.loads(said)["command"]
            for kind, said in self.taken.items()
            if kind.endswith(".lost")
        ]

    def is_sent(self, number: int) -> bool:
        """Whether all of a command came."""
        return f"live_capture.{number}.turn" in self.taken
