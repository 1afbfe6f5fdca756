"""A case, and the evidence of one attempt made by the dialogue itself: frames bound as a page binds
them.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import cv2

from insecure_sandbox import camera as demo_camera
from insecure_sandbox.warp_picture import thinned
from tests.verification.core import answer_samples
from tests.verification.stories.story import IIN, opening, person
from verification.core.lender import LenderFacts
from verification.core.person import Case
from verification.core.results import Decision, Passed, Result, decide
from verification.core.route import Evidence, Looked, Memory, Next
from verification.routes import BIOMETRIC
from verification.stages.confirmation.policy import CONSENT
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture.dialogue import (
    accept_live_capture,
    go_on_live_capture,
    prompt_live_capture,
)
from verification.stages.live_capture.measure import compare_captures
from verification.stages.live_capture.policy import LiveCapturePolicy

POLICY = LiveCapturePolicy()
(WHOLE,) = BIOMETRIC.stages
"""The capture with the errand that obtains the consent to the look-up of the photo."""

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ORDER = ("look_straight", "turn_right", "blink", "turn_left", "open_mouth")
WAIT = 2.5  # seconds from a command to its frames
APART_MS = 160  # from one frame of the chain to the next
Frames = Mapping[str, tuple[bytes, ...]]
"""The frames that are sent for each command."""


def case() -> Case:
    """The borrower of every story."""
    return Case(
        verification_id="ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        mode="test",
        profile="KZ-2021-04",
        lender=LenderFacts(
            id="len_a", name="Sandbox Credit", bin="120340000014", phone="+77270000044"
        ),
        person=person(IIN),
        loan=opening().loan,
        purpose="microcredit",
        locale="ru",
        expires_at=NOW + timedelta(hours=1),
    )


def begun(order: Iterable[str] = ORDER) -> Memory:
    """A capture with this order, whose first command has been shown."""
    memory = live_capture.begin({}, replaced_max=0) | {"order": list(order)}
    return accept_live_capture(memory, {"ready": True}, NOW).memory


@cache
def thin(jpeg: bytes) -> bytes:
    """The frame as the thin chain has it; what is no picture stays as it begins."""
    limits = POLICY.capture
    try:
        return thinned(jpeg, side=limits.chain_side, most_bytes=limits.chain_bytes)[
            : limits.chain_most_bytes
        ]
    except (AttributeError, cv2.error, TypeError, ValueError):
        return jpeg[: limits.chain_bytes]


def answer(
    frames: Sequence[bytes],
    asked: Mapping[str, Any],
    *,
    first_ms: int = 500,
    shown: Sequence[bytes] = (),
) -> dict[str, Any]:
    """What the page sends of these frames: all of them in a thin chain, and some in full; `shown`
    in their place.
    """
    full = [
        (first_ms + APART_MS * place, (shown or frames)[place])
        for place in stills_of(frames, asked["stills"])
    ]
    return demo_camera.bound(
        [(first_ms + APART_MS * at, thin(each)) for at, each in enumerate(frames)], full, asked
    )


def stills_of(frames: Sequence[bytes], most: int) -> list[int]:
    """Which of them are sent in full: the first, in which the head is straight, and others far from
    it.
    """
    return sorted({place * len(frames) // most for place in range(most)})


@dataclass(frozen=True)
class Sent:
    """What a page sends in one attempt.

    frames: for each command. waits: seconds to the frames of a command, where they are not `WAIT`.
    order: what the server asks. bound_to: another attempt, by whose codes the frames are bound.
    missed: the commands that a worker's look does not see. shown: what is sent in full, where that
    is not of the chain's own frames. tells: what the page says of its camera with each command.
    """

    frames: Frames
    waits: Mapping[str, float] | None = None
    order: tuple[str, ...] = ORDER
    bound_to: Memory | None = None
    missed: Sequence[str] = ()
    shown: Frames | None = None
    tells: Mapping[str, Mapping[str, object]] | None = None

    def evidence(self, **answers: bytes) -> Evidence:
        """What the checks judge by, when the sources give these answers."""
        memory, at = begun(self.order), NOW
        items = {"live_capture.order": live_capture.order_evidence(memory)}
        for step, command in enumerate(self.order):
            at += timedelta(seconds=(self.waits or {}).get(command, WAIT))
            asked = prompt_live_capture(
                {**self.bound_to, "step": step, "number": step} if self.bound_to else memory
            )
            sent = answer(self.frames[command], asked, shown=(self.shown or {}).get(command, ()))
            taken = accept_live_capture(
                memory, {**sent, "camera": (self.tells or {}).get(command)}, at
            )
            turn = go_on_live_capture(taken.memory, Looked(is_right=command not in self.missed), at)
            memory, items = turn.memory, {**items, **taken.evidence, **turn.evidence}
            if turn.next is Next.COLLECT:
                break
        items |= {**sources(**answers), **compare_captures({}, {}, True)}
        return Evidence(items=items, at=at + timedelta(seconds=30))


def sources(*, photo: bytes, consent: bytes = b"") -> dict[str, bytes]:
    """The borrower's yes, and what the state answered."""
    shown = {
        "agreed": True,
        "version": CONSENT.current,
        "language": "ru",
        "text_sha256": CONSENT.sha256(CONSENT.current, "ru"),
    }
    return {
        "consent.answer": json.dumps(shown).encode(),
        "register.asked": b'{"phone":"none","services":["photo"]}',
        "register.consent_request": consent_answer(status="pending"),
        "register.consent": consent or consent_answer(),
        "live_capture.photo": photo,
    }


def consent_answer(**changes: object) -> bytes:
    """A consent that holds, or one that is changed."""
    holds = {
        "reference": case().verification_id,
        "lender_bin": case().lender.bin,
        "purpose": "microcredit",
        "text_version": CONSENT.current,
        "language": "ru",
        "text_sha256": CONSENT.sha256(CONSENT.current, "ru"),
        "created_at": NOW.isoformat(),
        "expires_at": (NOW + timedelta(days=1)).isoformat(),
    }
    return answer_samples.spelled({**answer_samples.CONSENT, "iin": IIN, **holds, **changes})


def photo_answer(jpeg: bytes, **changes: object) -> bytes:
    """The register's answer with this picture."""
    found = {
        "iin": IIN,
        "photo": base64.b64encode(jpeg).decode(),
        "sha256": sha256(jpeg).hexdigest(),
    }
    return answer_samples.spelled({**answer_samples.PHOTO, **found, **changes})


def judge(evidence: Evidence) -> tuple[Result, ...]:
    """What every check of the route says."""
    policy = WHOLE.policy_in_use()
    return WHOLE.judge(WHOLE.measure(case(), evidence, policy), policy)


def said(check: str, evidence: Evidence, *, of: Case | None = None) -> Result:
    """What one check of the route says."""
    policy = WHOLE.policy_in_use()
    return WHOLE.checks[check](WHOLE.measure(of or case(), evidence, policy), policy)


def decided(evidence: Evidence) -> Decision:
    """What becomes of the attempt."""
    return decide(judge(evidence), required=tuple(WHOLE.checks))


def refusals(results: Iterable[Result]) -> dict[str, str]:
    """The code of each check that did not pass."""
    return {result.check: result.code for result in results if not isinstance(result, Passed)}


def without(evidence: Evidence, kind: str) -> Evidence:
    """The evidence with one original less."""
    return replace(
        evidence, items={name: content for name, content in evidence.items.items() if name != kind}
    )


def with_items(evidence: Evidence, **items: bytes) -> Evidence:
    """The evidence with other originals; a double underscore stands for a dot."""
    named = {name.replace("__", "."): content for name, content in items.items()}
    return replace(evidence, items={**evidence.items, **named})


def without_pictures(evidence: Evidence) -> Evidence:
    """The evidence with frames that show nothing, for what is judged without a look at any."""
    frames = {kind: b"no picture" for kind in evidence.items if ".frame." in kind}
    return replace(evidence, items={**evidence.items, **frames})
