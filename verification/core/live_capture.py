"""The dialogue of a live capture: random commands, one at a time, and frames that belong to the command just shown.

Both camera routes hold it; each brings its own numbers. Source of the protocol: liveness.md §4.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from verification.core.canonical import canonical_json
from verification.core.errors import BadInput
from verification.core.route import Memory, Next, Turn, Untrusted

NEUTRAL = "look_straight"
TURNS = ("turn_left", "turn_right")
OTHERS = ("blink", "open_mouth", "come_closer", "nod")
NONCE_BYTES = 32
REQUEST_NONCE_BYTES = 8  # enough that two attempts never share one


@dataclass(frozen=True)
class CaptureLimits:
    """What one answer may hold, and how long the borrower has. Times in seconds unless said otherwise."""

    frames_max: int
    frame_max_bytes: int
    not_before_ms: int
    window_ms: int
    seconds: int


def fresh_order(previous: Sequence[str]) -> tuple[str, ...]:
    """Both turns and one or two other commands, in a random order that is not the one before."""
    randomness = secrets.SystemRandom()
    while True:
        order = [*TURNS, *randomness.sample(OTHERS, randomness.choice((1, 2)))]
        randomness.shuffle(order)
        if order != list(previous):
            return tuple(order)


def begin(previous: Memory) -> Memory:
    """The memory of a fresh capture: an order that differs from the last one, and a nonce of its own."""
    order = [NEUTRAL, *fresh_order(previous.get("order", [])[1:])]
    return {"order": order, "nonce": secrets.token_hex(NONCE_BYTES), "step": None, "revealed": ""}


def order_evidence(memory: Memory) -> bytes:
    """What was ordered, as evidence, with a nonce for the ids of this attempt's questions to outside sources.

    An id that was used before gives the old answer again. It is another nonce than the key of the frames, which goes
    nowhere.
    """
    return canonical_json({"order": memory["order"], "request_nonce": secrets.token_hex(REQUEST_NONCE_BYTES)})


def prompt(memory: Memory, *, limits: CaptureLimits) -> Mapping[str, Any]:
    """The one command that is due; nothing of those to come."""
    step = memory["step"]
    if step is None:
        return {"state": "ready"}
    return {
        "state": "command",
        "command": memory["order"][step],
        "step": step + 1,
        "steps": len(memory["order"]),
        "key": _key(memory),
        "frames": limits.frames_max,
        "frame_max_bytes": limits.frame_max_bytes,
        "not_before_ms": limits.not_before_ms,
        "window_ms": limits.window_ms,
        "revealed": memory["revealed"],
    }


def accept(memory: Memory, untrusted: Untrusted, at: datetime, *, stage: str, limits: CaptureLimits) -> Turn:
    """Takes "ready", or the frames of the command that was due, with the time they came. Checks judge them later."""
    if memory["step"] is None:
        if untrusted.get("ready") is not True:
            raise BadInput("the capture begins when the borrower is ready", code="bad_answer", pointer="/ready")
        return Turn(next=Next.ASK, memory=_reveal(memory, 0, at), seconds=limits.seconds)
    step = memory["step"]
    frames = read_frames(untrusted.get("frames"), limits=limits)
    evidence = {f"{stage}.{step}.frame.{frame.seq}": frame.jpeg for frame in frames}
    evidence[f"{stage}.{step}.facts"] = canonical_json(
        {
            "command": memory["order"][step],
            "revealed": memory["revealed"],
            "arrived": at.isoformat(),
            "bound": [frame.seq for frame in frames if _is_bound(frame, memory)],
            "sent": [frame.seq for frame in frames],
        }
    )
    if step + 1 < len(memory["order"]):
        return Turn(next=Next.ASK, memory=_reveal(memory, step + 1, at), evidence=evidence)
    return Turn(next=Next.COLLECT, memory={**memory, "step": None}, evidence=evidence)


@dataclass(frozen=True)
class SentFrame:
    """One frame as the page sent it; nothing about it is believed yet."""

    seq: int
    jpeg: bytes
    mac: str


def read_frames(untrusted: Any, *, limits: CaptureLimits) -> list[SentFrame]:
    """The frames of an answer, in rising sequence. Raises `BadInput` for anything else than a few small ones."""
    if not isinstance(untrusted, list) or not 1 <= len(untrusted) <= limits.frames_max:
        raise BadInput(f"a step has 1 to {limits.frames_max} frames", code="bad_answer", pointer="/frames")
    frames = [_read_frame(one, limits=limits) for one in untrusted]
    numbers = [frame.seq for frame in frames]
    if numbers != sorted(set(numbers)):
        raise BadInput("frames come in rising sequence, each once", code="bad_answer", pointer="/frames")
    return frames


def _read_frame(untrusted: Any, *, limits: CaptureLimits) -> SentFrame:
    if not isinstance(untrusted, dict):
        raise BadInput("a frame is an object", code="bad_answer", pointer="/frames")
    seq, jpeg, mac = untrusted.get("seq"), untrusted.get("jpeg"), untrusted.get("mac")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq < limits.frames_max:
        raise BadInput("a frame has its number", code="bad_answer", pointer="/frames")
    if not isinstance(jpeg, str) or not isinstance(mac, str) or len(mac) > 64 or not mac.isascii():
        raise BadInput("a frame has its image and its code", code="bad_answer", pointer="/frames")
    if len(jpeg) > 2 * limits.frame_max_bytes:
        raise BadInput("a frame is too large", code="bad_answer", pointer="/frames")
    try:
        content = base64.b64decode(jpeg, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("a frame is base64", code="bad_answer", pointer="/frames") from None
    if not 1 <= len(content) <= limits.frame_max_bytes:
        raise BadInput("a frame is too large", code="bad_answer", pointer="/frames")
    return SentFrame(seq, content, mac)


def _reveal(memory: Memory, step: int, at: datetime) -> Memory:
    return {**memory, "step": step, "revealed": at.isoformat()}


def _key(memory: Memory) -> str:
    """The key that binds frames to this attempt, this step and the moment it was shown."""
    said = f"{memory['step']}:{memory['revealed']}".encode()
    return hmac.new(bytes.fromhex(memory["nonce"]), said, sha256).hexdigest()


def _is_bound(frame: SentFrame, memory: Memory) -> bool:
    said = f"{memory['step'] + 1}:{frame.seq}:{sha256(frame.jpeg).hexdigest()}".encode()
    expected = hmac.new(_key(memory).encode(), said, sha256).hexdigest()
    return hmac.compare_digest(expected, frame.mac)
