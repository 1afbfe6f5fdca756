"""Random commands, one at a time, and frames bound to the command shown; the page never knows the
next one.

Evidence of each step, numbered in the order shown:
- `part`, `chain`, and `frame` for each full frame: the parts as received
- `turn`: the time of its showing
- `seen`: whether the command was visible, the next command, and the draw
- `look`: a worker's measurement
- `prints`: features that recognise it later
- `lost`: the line was lost, and the next command

Evidence of the whole: its similarity to other captures (`compared`).
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from verification.core.answers import parse_photo
from verification.core.codes import unburnt
from verification.core.errors import BadInput, NotYourTurn, Refused
from verification.core.route import (
    ENDED,
    FILES,
    LOOK_AT,
    PARTS,
    Evidence,
    Looked,
    Memory,
    Next,
    Picture,
    Turn,
    Untrusted,
    take_part,
)
from verification.core.stored import canonical_json
from verification.engines.faces import image_gate
from verification.engines.liveness import hints, injection
from verification.engines.liveness.policy import HINTS, MASK
from verification.stages.live_capture import policy

STAGE = "live_capture"
ORDER = f"{STAGE}.order"
# The order for a borrower who cannot do some commands.
OTHER_ORDER = f"{STAGE}.other_order"
PHOTO, COMPARED = f"{STAGE}.photo", f"{STAGE}.compared"
# The earlier stage: the borrower's agreement, and its wording.
SHOWN = "consent.answer"
# The person's consent through the state's service: as requested, and as read later.
CONSENT_REQUEST, CONSENT = "register.consent_request", "register.consent"
NEUTRAL = "look_straight"
_LENGTH_BYTES = 4  # before each frame of a chain
_TOLD = ("chain_ms", "still_side", "still_bytes", "parts", "not_before_ms")


def fresh_order(previous: Sequence[str]) -> tuple[str, ...]:
    """Both turns and one or two other commands, in a random order that differs from the previous
    one.
    """
    # A recording fits an order by chance only: there are 24 with one other command and 144 with
    # two.
    randomness = secrets.SystemRandom()
    while True:
        order = [*policy.TURNS, *randomness.sample(policy.OTHERS, randomness.choice((1, 2)))]
        randomness.shuffle(order)
        if order != list(previous):
            return tuple(order)


def begin(previous: Memory, *, replaced_max: int) -> Memory:
    """The memory of a fresh capture: an order that differs from the last one, and its own nonce.

    missed: the command that ended the last capture.
    rests, replaced, lost: repetitions of looking straight, of other commands, and after a lost
    line.
    lost_before, unburnt_before: today's captures that a lost line ended, and those that ended free
    of cost.
    slow: whether the line carries only the smaller chain, as the page found at "ready".
    """
    fresh, ended = fresh_order(previous.get("drawn", [])), previous.get(ENDED, {})
    return {
        "order": [NEUTRAL, *fresh],
        "drawn": fresh,
        "nonce": secrets.token_hex(policy.NONCE_BYTES),
        "step": None,
        "number": 0,
        "revealed": "",
        "slow": False,
        "missed": previous.get("missed", ""),
        "replaced_max": replaced_max,
        "lost_before": ended.get(policy.LINE_LOST, 0),
        "unburnt_before": unburnt(ended),
        **dict.fromkeys(("rests", "replaced", "lost"), 0),
    }


def order_evidence(memory: Memory) -> bytes:
    """The order, with a nonce for the ids of questions to sources: an old id gets the old
    answer.
    """
    drawn = {
        name: memory[name] for name in ("order", "replaced_max", "lost_before", "unburnt_before")
    }
    return canonical_json({**drawn, "request_nonce": secrets.token_hex(policy.REQUEST_NONCE_BYTES)})


def prompt_live_capture(memory: Memory) -> Mapping[str, Any]:
    """ "Ready?", or the due command and the pictures to send; no later command.

    missed: the command that ended the previous capture.
    seen: whether the last command was visible; None before it, and if lost.
    """
    limits, step = policy.CAPTURE, memory["step"]
    if step is None:
        return {"state": "ready", "missed": memory["missed"]}
    is_rest = memory["order"][step] == NEUTRAL
    thin = (
        (limits.slow_side, limits.slow_bytes)
        if memory["slow"]
        else (limits.chain_side, limits.chain_bytes)
    )
    return {
        "state": "command",
        "command": memory["order"][step],
        "seen": memory.get("seen"),
        "step": step + 1,
        "steps": len(memory["order"]),
        "key": _key(memory),
        "revealed": memory["revealed"],
        "window_ms": limits.rest_ms if is_rest else limits.window_ms,
        "stills": limits.rest_stills if is_rest else limits.stills,
        **dict(zip(("chain_side", "chain_bytes"), thin, strict=True)),
        **{name: getattr(limits, name) for name in _TOLD},
    }


def accept_live_capture(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """Takes "ready", or one part of the due command's pictures, with its time of arrival.

    The last part starts the look.
    A part with too long a transfer counts as a lost line, as if the page had reported it: another
    command follows.

    Raises: `NotYourTurn` for a part that is already stored.
    """
    if memory["step"] is None:
        if untrusted.get("ready") is not True:
            raise BadInput(
                "the capture begins when the borrower is ready", code="bad_answer", pointer="/ready"
            )
        # The page's report of a slow line is trusted: the same gates judge a chain of either size.
        # A line that ended a capture of the day carries the smaller one.
        is_slow = untrusted.get("slow") is True or memory["lost_before"] > 0
        return _begun({**memory, "slow": is_slow}, untrusted.get("without", []), at)
    if untrusted.get("lost") is True:
        return _lost(memory, at)
    part, (parts_kept, _) = untrusted.get("part"), memory.get(PARTS) or (0, None)
    if isinstance(part, int) and 0 <= part < parts_kept:
        raise NotYourTurn("this part was kept already")
    counted, is_last = take_part(memory, untrusted, most=policy.CAPTURE.parts)
    frames = read_frames(untrusted, limits=policy.CAPTURE)
    chain = [frame for frame in frames if not frame.is_still]
    limits, command = policy.CAPTURE, memory["order"][memory["step"]]
    waited, last = (
        at - datetime.fromisoformat(memory["revealed"]),
        max((frame.at_ms for frame in chain), default=0),
    )
    ends = (limits.rest_ms if command == NEUTRAL else limits.window_ms) + limits.late_ms
    if waited.total_seconds() * 1000 - last > limits.transfer_ms or last > ends:
        return _lost(memory, at)
    place = f"{STAGE}.{memory['number']}."
    stills = {100 * parts_kept + seq: frame for seq, frame in enumerate(frames) if frame.is_still}
    part_fields = {
        "arrived": at.isoformat(),
        "chain": [frame.at_ms for frame in chain],
        "stills": [[seq, frame.at_ms] for seq, frame in stills.items()],
        "is_bound": all(_is_bound(frame, memory, part=parts_kept) for frame in frames),
        "camera": injection.read(untrusted.get("camera")),
    }
    evidence = {f"{place}frame.{seq}": frame.jpeg for seq, frame in stills.items()}
    evidence[f"{place}part.{parts_kept}"] = canonical_json(part_fields)
    evidence[f"{place}chain.{parts_kept}"] = together([frame.jpeg for frame in chain])
    if not is_last:
        return Turn(next=Next.PART, memory=counted, evidence=evidence)
    evidence[f"{place}turn"] = canonical_json(
        {"command": command, "revealed": memory["revealed"], "parts": parts_kept + 1}
    )
    return Turn(next=Next.LOOK, memory={**memory, LOOK_AT: place}, evidence=evidence)


def _begun(memory: Memory, untrusted_without: Any, at: datetime) -> Turn:
    """The first command is shown. A borrower who cannot do some gets others, without a reason;
    then people review.
    """
    if (
        not isinstance(untrusted_without, list)
        or (reasons := {*map(str, untrusted_without)}) - policy.CANNOT.keys()
    ):
        raise BadInput(
            "there are no other commands for that", code="bad_answer", pointer="/without"
        )
    begun = {**memory, "step": 0, "revealed": at.isoformat(), "missed": ""}
    if not (without := sorted(reasons)):
        return Turn(next=Next.ASK, memory=begun, seconds=policy.CAPTURE.seconds)
    left_out = sorted({command for reason in without for command in policy.CANNOT[reason]})
    # Possible turns stay: they show depth.
    turns, other_commands = (
        [command for command in commands if command not in left_out]
        for commands in (policy.TURNS, policy.OTHERS)
    )
    randomness = secrets.SystemRandom()
    order = [
        *turns,
        *randomness.sample(
            other_commands, min(len(other_commands), policy.COMMANDS_MAX - len(turns))
        ),
    ]
    randomness.shuffle(order)
    begun |= {"order": [NEUTRAL, *order], "left_out": left_out}
    drawn_anew = canonical_json({"order": begun["order"], "without": without})
    return Turn(
        next=Next.ASK,
        memory=begun,
        evidence={OTHER_ORDER: drawn_anew},
        seconds=policy.CAPTURE.seconds,
    )


def _lost(memory: Memory, at: datetime) -> Turn:
    """After a lost line: the same place in the order with a fresh command, or the end after too
    many losses.
    """
    order, step = list(memory["order"]), memory["step"]
    command, lost = order[step], memory["lost"] + 1
    order, following = (order, step) if command == NEUTRAL else (_replaced(memory), step + 1)
    next_command = "" if lost > policy.LOST_MAX else order[following]
    loss = {
        "command": command,
        "revealed": memory["revealed"],
        "arrived": at.isoformat(),
        "then": next_command,
    }
    evidence = {f"{STAGE}.{memory['number']}.lost": canonical_json(loss)}
    memory = {**memory, "order": order, "number": memory["number"] + 1, "lost": lost, "seen": None}
    if not next_command:
        return Turn(next=Next.COLLECT, memory=_over(memory), evidence=evidence)
    following_memory = {**memory, "step": following, "revealed": at.isoformat()}
    return Turn(next=Next.ASK, memory=following_memory, evidence=evidence)


def go_on_live_capture(memory: Memory, looked: Looked, at: datetime) -> Turn:
    """The next command, by the result of the last one; or the end of the capture.

    1. An unmeasurable command ends it, and so does a missed one beyond the permitted replacements.
    2. A face that does not look straight is asked again, because no other face can be compared with
       it.
    3. A missed command is replaced by another.
    """
    order, step = list(memory["order"]), memory["step"]
    command, following = order[step], step + 1
    again = {"rests": policy.REST_REPEATS, "replaced": memory["replaced_max"]}
    counted = "rests" if command == NEUTRAL else "replaced"
    is_missed = looked.is_right is False
    is_over = looked.is_right is None or (is_missed and memory[counted] >= again[counted])  # 1
    if is_missed and not is_over:
        order, following = (
            (order, step) if command == NEUTRAL else (_replaced(memory), following)
        )  # 2, 3
    next_command = "" if is_over or following == len(order) else order[following]
    memory = {
        **memory,
        **looked.additions,
        "order": order,
        "number": memory["number"] + 1,
        "seen": looked.is_right,
    }
    memory[counted] += is_missed
    # Drawn after the frames came, so the page could not know which are compared.
    outcome = {
        "seen": looked.is_right,
        "then": next_command,
        "drawn": secrets.randbits(policy.DRAWN_BITS),
    }
    evidence = {f"{memory.pop(LOOK_AT)}seen": canonical_json(outcome)}
    if next_command:
        following_memory = {**memory, "step": following, "revealed": at.isoformat()}
        # The worker's time does not count: the clock restarts with each command.
        return Turn(
            next=Next.ASK,
            memory=following_memory,
            evidence=evidence,
            seconds=policy.CAPTURE.seconds,
        )
    # Shown before the next capture.
    over = {**_over(memory), "missed": command if is_over and command != NEUTRAL else ""}
    return Turn(next=Next.COLLECT, memory=over, evidence=evidence)


def _over(memory: Memory) -> Memory:
    """Drops the face at rest, which no later capture is compared with."""
    return {**{name: value for name, value in memory.items() if name != "rest"}, "step": None}


def _replaced(memory: Memory) -> list[str]:
    """The order with one random replacement for the missed command, never the same at once.

    Both turns must be visible in the end, so a turn replaces a turn; a command that the borrower
    cannot do is never asked.
    """
    order, step, randomness = memory["order"], memory["step"], secrets.SystemRandom()
    missed, ahead = order[step], list(order[step + 1 :])
    left_out = memory.get("left_out", ())
    able = [command for command in policy.OTHERS if command != missed and command not in left_out]
    candidates = [command for command in able if command not in order] or able
    if missed not in policy.TURNS:
        ahead.insert(randomness.randint(0, len(ahead)), randomness.choice(candidates))
    else:
        ahead = ahead or [randomness.choice(candidates)]
        ahead.insert(randomness.randint(1, len(ahead)), missed)
    return [*order[: step + 1], *ahead]


@dataclass(frozen=True)
class SentFrame:
    """One picture as the page sent it, untrusted. at_ms: since the command was shown."""

    seq: int
    at_ms: int
    is_still: bool
    jpeg: bytes
    mac: str


def read_frames(untrusted: Untrusted, *, limits: policy.CaptureLimits) -> list[SentFrame]:
    """The pictures of a part, in rising time.

    Raises: `BadInput` for anything but a few small pictures.
    """
    listed, files = untrusted.get("frames"), untrusted.get(FILES)
    if (
        not isinstance(listed, list)
        or not isinstance(files, list)
        or not 1 <= len(files) == len(listed)
    ):
        raise BadInput(
            "each picture needs its time and its code", code="bad_answer", pointer="/frames"
        )
    frames = []
    for seq, (item, untrusted_jpeg) in enumerate(zip(listed, files, strict=True)):
        fields = item if isinstance(item, dict) else {}
        at_ms, is_still, mac = (fields.get(name) for name in ("at_ms", "still", "mac"))
        # JSON's true would pass for 1.
        if (
            type(at_ms) is not int
            or type(is_still) is not bool
            or not 0 <= at_ms < 1000 * limits.seconds
        ):
            raise BadInput(
                "a picture needs its time and its kind", code="bad_answer", pointer="/frames"
            )
        # `compare_digest` refuses non-ASCII text.
        if not isinstance(mac, str) or len(mac) > 64 or not mac.isascii():
            raise BadInput("a picture needs its code", code="bad_answer", pointer="/frames")
        if (
            not 1
            <= len(untrusted_jpeg)
            <= (limits.still_most_bytes if is_still else limits.chain_most_bytes)
        ):
            raise BadInput("a picture is too large", code="bad_answer", pointer="/frames")
        frames.append(SentFrame(seq, at_ms, is_still, untrusted_jpeg, mac))
    stills = sum(frame.is_still for frame in frames)
    if stills > limits.stills_max or len(frames) - stills > limits.chain_max:
        raise BadInput("a part has too many pictures", code="bad_answer", pointer="/frames")
    for kind in (False, True):
        times = [frame.at_ms for frame in frames if frame.is_still is kind]
        if times != sorted(set(times)):
            raise BadInput(
                "pictures must come in rising time, each once", code="bad_answer", pointer="/frames"
            )
    return frames


def _key(memory: Memory) -> str:
    """The key that binds frames to this attempt, this step and its time of showing."""
    showing = f"{memory['number']}:{memory['revealed']}".encode()
    return hmac.new(bytes.fromhex(memory["nonce"]), showing, sha256).hexdigest()


def _is_bound(frame: SentFrame, memory: Memory, *, part: int) -> bool:
    message = (
        f"{memory['step'] + 1}:{part}:{frame.seq}:{frame.at_ms}:{sha256(frame.jpeg).hexdigest()}"
    )
    return hmac.compare_digest(
        hmac.new(_key(memory).encode(), message.encode(), sha256).hexdigest(), frame.mac
    )


def hint_live_capture(untrusted: bytes) -> str:
    """A hint that improves the borrower's picture, in one word for the page."""
    return hints.hint(untrusted, limits=HINTS, mask=MASK)


def shows_live_capture(kind: str) -> bool:
    """Whether `pictures_live_capture` reads evidence of this kind, or lists it."""
    is_listed = kind == PHOTO or ".frame." in kind
    return is_listed or kind in (ORDER, OTHER_ORDER) or kind.endswith(".turn")


def pictures_live_capture(evidence: Evidence) -> tuple[Picture, ...]:
    """The register's photo, then the full frames of each command, including missed ones."""
    ordered(evidence)
    shown_pictures = [Picture(PHOTO)]
    for number in sorted(
        int(kind.split(".")[1]) for kind in evidence.items if kind.endswith(".turn")
    ):
        place = f"{STAGE}.{number}."
        turn = evidence.require_object(f"{place}turn")
        kinds = sorted(kind for kind in evidence.items if kind.startswith(f"{place}frame."))
        shown_pictures += [Picture(kind, turn.get("command", "")) for kind in kinds]
    return tuple(shown_pictures)


def show_live_capture(kind: str, content: bytes) -> bytes:
    """One of these pictures, re-encoded.

    Raises: `BadInput` or `Refused`.
    """
    return image_gate.renewed(
        parse_photo(content).jpeg if kind == PHOTO else content, limits=policy.REFERENCE
    )


@dataclass(frozen=True)
class Ordered:
    """The draw before the capture, and the facts known then.

    commands: in order.
    without: commands that the borrower cannot do.
    replaced_max: how many missed commands may be replaced.
    lost_before: this person's captures at this lender in the day before that a lost line ended.
    unburnt_before: all such captures that ended free of cost.
    request_nonce: makes the ids of this attempt's questions unique.
    """

    commands: tuple[str, ...]
    without: tuple[str, ...]
    replaced_max: int
    lost_before: int
    unburnt_before: int
    request_nonce: str


def ordered(evidence: Evidence) -> Ordered:
    """The order of a capture."""
    first, is_other = evidence.require_object(ORDER), OTHER_ORDER in evidence.items
    drawn = (
        evidence.require_object(OTHER_ORDER)
        if is_other
        else {"order": first.get("order"), "without": []}
    )
    commands, without, nonce = drawn.get("order"), drawn.get("without"), first.get("request_nonce")
    if (
        not isinstance(commands, list)
        or commands[:1] != [NEUTRAL]
        or not isinstance(nonce, str)
        or not nonce
    ):
        raise Refused("check_missing", f"no order, or no nonce, in {ORDER}")
    if not isinstance(without, list) or bool(without) != is_other:
        raise Refused("check_missing", f"{OTHER_ORDER} does not say what was left out")
    numbers: dict[str, Any] = {
        name: first.get(name) for name in ("replaced_max", "lost_before", "unburnt_before")
    }
    if any(type(number) is not int for number in numbers.values()):
        raise Refused("check_missing", f"{ORDER} does not say how many")
    return Ordered(
        tuple(map(str, commands)), tuple(map(str, without)), request_nonce=nonce, **numbers
    )


def together(pictures: Sequence[bytes]) -> bytes:
    """The frames of one part of a chain as one original."""
    return b"".join(len(picture).to_bytes(_LENGTH_BYTES, "big") + picture for picture in pictures)


def apart(content: bytes) -> list[bytes]:
    """The frames of such an original.

    Raises: `ValueError` for an incomplete one.
    """
    frames, at = [], 0
    while at < len(content):
        length = int.from_bytes(content[at : at + _LENGTH_BYTES], "big")
        at += _LENGTH_BYTES + length
        if length == 0 or at > len(content):
            raise ValueError("an incomplete chain")
        frames.append(content[at - length : at])
    return frames
