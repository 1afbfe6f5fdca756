"""Random commands, one at a time, and frames that belong to the command just shown; the page never knows the next one.

What the dialogue kept is read back here too. Source of the protocol: liveness.md §4.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from verification.core.errors import BadInput, Refused
from verification.core.registry_answers import parse_photo
from verification.core.route import Evidence, Memory, Next, Picture, Turn, Untrusted
from verification.core.stored import canonical_json
from verification.engines.faces import image_gate
from verification.engines.liveness import hints
from verification.engines.liveness.policy import HINTS
from verification.stages.live_capture.policy import CAPTURE, REFERENCE, CaptureLimits

STAGE = "live_capture"
ORDER = f"{STAGE}.order"
PHOTO = f"{STAGE}.photo"
# The stage before: the borrower's own yes, and the wording they said it to.
SHOWN = "consent.answer"
# The person's consent by the state's own service: asked for here, or by the stage `person`.
CONSENT_REQUEST, OWN_CONSENT, EARLIER_CONSENT = f"{STAGE}.consent_request", f"{STAGE}.consent", "person.consent"
NEUTRAL = "look_straight"
TURNS = ("turn_left", "turn_right")
OTHERS = ("blink", "open_mouth", "come_closer", "nod")
NONCE_BYTES = 32
REQUEST_NONCE_BYTES = 8  # enough that two attempts never share one


def fresh_order(previous: Sequence[str]) -> tuple[str, ...]:
    """Both turns and one or two other commands, in a random order that is not the one before."""
    # A recording fits an order by chance only: there are 24 with one other command and 144 with two.
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


def prompt_live_capture(memory: Memory) -> Mapping[str, Any]:
    """ "Ready?", or the one command that is due; nothing of those to come."""
    limits, step = CAPTURE, memory["step"]
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


def accept_live_capture(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """Takes "ready", or the frames of the command that was due, with the time they came. Checks judge them later."""
    if memory["step"] is None:
        if untrusted.get("ready") is not True:
            raise BadInput("the capture begins when the borrower is ready", code="bad_answer", pointer="/ready")
        return Turn(next=Next.ASK, memory={**memory, "step": 0, "revealed": at.isoformat()}, seconds=CAPTURE.seconds)
    step = memory["step"]
    frames = read_frames(untrusted.get("frames"), limits=CAPTURE)
    evidence = {f"{STAGE}.{step}.frame.{frame.seq}": frame.jpeg for frame in frames}
    evidence[f"{STAGE}.{step}.turn"] = canonical_json(
        {
            "command": memory["order"][step],
            "revealed": memory["revealed"],
            "arrived": at.isoformat(),
            "bound": [frame.seq for frame in frames if _is_bound(frame, memory)],
            "sent": [frame.seq for frame in frames],
        }
    )
    if step + 1 < len(memory["order"]):
        following = {**memory, "step": step + 1, "revealed": at.isoformat()}
        return Turn(next=Next.ASK, memory=following, evidence=evidence)
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


def _key(memory: Memory) -> str:
    """The key that binds frames to this attempt, this step and the moment it was shown."""
    said = f"{memory['step']}:{memory['revealed']}".encode()
    return hmac.new(bytes.fromhex(memory["nonce"]), said, sha256).hexdigest()


def _is_bound(frame: SentFrame, memory: Memory) -> bool:
    said = f"{memory['step'] + 1}:{frame.seq}:{sha256(frame.jpeg).hexdigest()}".encode()
    expected = hmac.new(_key(memory).encode(), said, sha256).hexdigest()
    return hmac.compare_digest(expected, frame.mac)


@dataclass(frozen=True)
class CapturedStep:
    """One command and the frames that came for it. `wait`: seconds from its showing to their arrival, by our clock.

    is_bound: whether every frame carried the code of this attempt, this step and this showing.
    """

    command: str
    wait: float
    arrived: datetime
    is_bound: bool
    frames: tuple[bytes, ...] = field(repr=False)


def ordered(evidence: Evidence) -> tuple[str, ...]:
    """The commands the server drew. Raises `Refused` (check_missing), as all that follows, for what is not there."""
    order = evidence.require_object(ORDER).get("order")
    if not isinstance(order, list) or not order or not all(isinstance(command, str) for command in order):
        raise Refused("check_missing", f"no order in {ORDER}")
    return tuple(order)


def captured(evidence: Evidence, number: int) -> CapturedStep:
    """What came for the command of this number."""
    turn = evidence.require_object(f"{STAGE}.{number}.turn")
    try:
        arrived, revealed = (datetime.fromisoformat(turn[name]) for name in ("arrived", "revealed"))
        command, sent, is_bound = str(turn["command"]), list(turn["sent"]), turn["bound"] == turn["sent"]
        wait = (arrived - revealed).total_seconds()
    except (KeyError, TypeError, ValueError) as fault:
        raise Refused("check_missing", f"{STAGE}.{number}.turn cannot be read") from fault
    frames = tuple(evidence.require(f"{STAGE}.{number}.frame.{seq}") for seq in sent)
    return CapturedStep(command, wait, arrived, is_bound, frames)


def request_nonce(evidence: Evidence) -> str:
    """What makes the ids of this attempt's questions to outside sources its own."""
    nonce = evidence.require_object(ORDER).get("request_nonce")
    if not isinstance(nonce, str) or not nonce:
        raise Refused("check_missing", f"no nonce in {ORDER}")
    return nonce


def hint_live_capture(untrusted: bytes) -> str:
    """What would make the borrower's picture better, in one word of the page."""
    return hints.hint(untrusted, limits=HINTS)


def pictures_live_capture(evidence: Evidence) -> tuple[Picture, ...]:
    """The register's photo, then the frames of each command."""
    frames = [
        Picture(f"{STAGE}.{number}.frame.{seq}", command)
        for number, command in enumerate(ordered(evidence))
        for seq in evidence.require_object(f"{STAGE}.{number}.turn").get("sent", ())
    ]
    return (Picture(PHOTO), *frames)


def show_live_capture(kind: str, content: bytes) -> bytes:
    """One of these pictures, made anew. Raises `BadInput` or `Refused`."""
    return image_gate.renewed(parse_photo(content).jpeg if kind == PHOTO else content, limits=REFERENCE)
