"""A case, and the evidence of one attempt made by the dialogue itself: frames bound as a page binds them."""

import base64
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from tests.verification.core import answer_samples
from tests.verification.workflow.story import IIN, opening, person
from verification.core.person import Case, LenderFacts
from verification.core.results import Decision, Passed, Result, decide
from verification.core.route import Evidence, Memory
from verification.stages.consent.policy import CURRENT, text_sha256
from verification.stages.live_capture import ASKING
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture.checks import WITH_CONSENT
from verification.stages.live_capture.dialogue import accept_live_capture, prompt_live_capture
from verification.stages.live_capture.policy import LiveCapturePolicy

POLICY = LiveCapturePolicy()

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ORDER = ("look_straight", "turn_right", "blink", "turn_left", "open_mouth")
WAIT = 2.5  # seconds from a command to its frames, as a page takes them
Frames = Mapping[str, tuple[bytes, ...]]
"""The frames that are sent for each command."""


def case() -> Case:
    """The borrower of every story."""
    return Case(
        verification_id="ver_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        mode="test",
        lender=LenderFacts(id="len_a", name="Sandbox Credit", bin="120340000014"),
        person=person(IIN),
        loan=opening().loan,
        purpose="microcredit",
        locale="ru",
        expires_at=NOW + timedelta(hours=1),
    )


def begun(order: Iterable[str] = ORDER) -> Memory:
    """A capture with this order, whose first command has been shown."""
    memory = live_capture.begin({}) | {"order": list(order)}
    return accept_live_capture(memory, {"ready": True}, NOW).memory


def bound(frames: Iterable[bytes], asked: Mapping[str, object]) -> list[dict[str, object]]:
    """Frames with the codes that the page computes from what it was told."""
    sent: list[dict[str, object]] = []
    for seq, jpeg in enumerate(frames):
        said = f"{asked['step']}:{seq}:{sha256(jpeg).hexdigest()}".encode()
        mac = hmac.new(str(asked["key"]).encode(), said, sha256).hexdigest()
        sent.append({"seq": seq, "jpeg": base64.b64encode(jpeg).decode(), "mac": mac})
    return sent


@dataclass(frozen=True)
class Sent:
    """What a page sends in one attempt.

    frames: for each command. waits: seconds to the frames of a command, where they are not `WAIT`. order: what the
    server asks. bound_to: another attempt, by whose codes the frames are bound.
    """

    frames: Frames
    waits: Mapping[str, float] | None = None
    order: tuple[str, ...] = ORDER
    bound_to: Memory | None = None

    def evidence(self, **answers: bytes) -> Evidence:
        """What the checks judge by, when the sources give these answers."""
        memory, at = begun(self.order), NOW
        items = {"live_capture.order": live_capture.order_evidence(memory)}
        for step, command in enumerate(self.order):
            at += timedelta(seconds=(self.waits or {}).get(command, WAIT))
            asked = prompt_live_capture({**self.bound_to, "step": step} if self.bound_to else memory)
            turn = accept_live_capture(memory, {"frames": bound(self.frames[command], asked)}, at)
            memory, items = turn.memory, {**items, **turn.evidence}
        return Evidence(items={**items, **sources(**answers)}, at=at + timedelta(seconds=30))


def sources(*, photo: bytes, consent: bytes = b"") -> dict[str, bytes]:
    """The borrower's yes, and what the state answered."""
    shown = {"agreed": True, "version": CURRENT, "language": "ru", "text_sha256": text_sha256(CURRENT, "ru")}
    return {
        "consent.answer": json.dumps(shown).encode(),
        "live_capture.consent_request": consent_answer(status="pending"),
        "live_capture.consent": consent or consent_answer(),
        "live_capture.photo": photo,
    }


def consent_answer(**changes: object) -> bytes:
    """A consent that holds, or one that is changed."""
    holds = {
        "reference": case().verification_id,
        "lender_bin": case().lender.bin,
        "purpose": "microcredit",
        "text_version": CURRENT,
        "language": "ru",
        "text_sha256": text_sha256(CURRENT, "ru"),
        "created_at": NOW.isoformat(),
        "expires_at": (NOW + timedelta(days=1)).isoformat(),
    }
    return answer_samples.spelled({**answer_samples.CONSENT, "iin": IIN, **holds, **changes})


def photo_answer(jpeg: bytes, **changes: object) -> bytes:
    """The register's answer with this picture."""
    found = {"iin": IIN, "photo": base64.b64encode(jpeg).decode(), "sha256": sha256(jpeg).hexdigest()}
    return answer_samples.spelled({**answer_samples.PHOTO, **found, **changes})


def judge(evidence: Evidence) -> tuple[Result, ...]:
    """What every check of the route says."""
    return ASKING.judge(ASKING.measure(case(), evidence, POLICY), POLICY)


def said(check: str, evidence: Evidence, *, of: Case | None = None) -> Result:
    """What one check of the route says."""
    return WITH_CONSENT[check](ASKING.measure(of or case(), evidence, POLICY), POLICY)


def decided(evidence: Evidence) -> Decision:
    """What becomes of the attempt."""
    return decide(judge(evidence), required=tuple(WITH_CONSENT))


def refusals(results: Iterable[Result]) -> dict[str, str]:
    """The code of each check that did not pass."""
    return {result.check: result.code for result in results if not isinstance(result, Passed)}


def without(evidence: Evidence, kind: str) -> Evidence:
    """The evidence with one original less."""
    return replace(evidence, items={name: content for name, content in evidence.items.items() if name != kind})


def with_items(evidence: Evidence, **items: bytes) -> Evidence:
    """The evidence with other originals; a double underscore stands for a dot."""
    named = {name.replace("__", "."): content for name, content in items.items()}
    return replace(evidence, items={**evidence.items, **named})


def without_pictures(evidence: Evidence) -> Evidence:
    """The evidence with frames that show nothing, for what is judged without a look at any."""
    frames = {kind: b"no picture" for kind in evidence.items if ".frame." in kind}
    return replace(evidence, items={**evidence.items, **frames})
