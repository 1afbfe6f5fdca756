"""What a live capture leaves as evidence: under which kinds, and how it is read back.

Of each step, numbered in the order shown: its parts as they came (`part`, `chain`, and `frame` for
each full one), when it was shown (`turn`), whether the command was seen, which followed and what
was drawn then (`seen`), what a worker measured of it (`look`), and what it is known by when it
comes again (`prints`); or that its line was `lost`, and which command followed. Of the whole: how
alike it is to other captures (`compared`). Everything raises `Refused` (check_missing) for what is
not there or cannot be read.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from verification.core import stored
from verification.core.errors import Refused
from verification.core.route import Again, Evidence
from verification.engines.liveness import policy, prints
from verification.engines.liveness.injection import Told
from verification.engines.liveness.pictures import SentStep
from verification.engines.liveness.prints import Alike, Prints

STAGE = "live_capture"
ORDER = f"{STAGE}.order"
# The order of who cannot do some commands, in its place.
OTHER_ORDER = f"{STAGE}.other_order"
PHOTO, COMPARED = f"{STAGE}.photo", f"{STAGE}.compared"
# The stage before: the borrower's own yes, and the wording they said it to.
SHOWN = "consent.answer"
# The person's consent by the state's own service: as it was asked for, and as it was read later.
CONSENT_REQUEST, CONSENT = "register.consent_request", "register.consent"
NEUTRAL = "look_straight"
_LENGTH_BYTES = 4  # before each frame of a chain
_PRINTS = re.compile(rf"{STAGE}\.(\d+)\.prints")
_PICTURE = re.compile(rf"{STAGE}\.\d+\.(chain|frame)\.")


@dataclass(frozen=True)
class CapturedStep:
    """One command and the pictures that came for it: `sent`.

    place: how the kinds of its evidence begin. stills: the kinds of its full frames. is_bound:
    whether every picture carried the code of this attempt, this step and this showing. taken:
    milliseconds from the showing to each frame of the chain, by the page's clock. soonest: seconds
    from the showing to the first part, by ours. transfer, ahead: the longest and the shortest that
    a part was on its way, from its last frame by the page's clock to its arrival by ours.
    told: what each part tells of the camera.
    """

    sent: SentStep
    place: str
    stills: tuple[str, ...]
    arrived: datetime
    is_bound: bool
    taken: tuple[int, ...]
    soonest: float
    transfer: float
    ahead: float
    told: tuple[Told, ...]


@dataclass(frozen=True)
class Captured:
    """What came for an order, from the last time the borrower was asked to look straight.

    missed, lost: how often a command was not seen, or the line was lost, and another one asked for.
    by_line: whether the line ended the capture. presented_before: whether the very bytes of a
    frame, or of a part of a chain, were in another attempt already.
    """

    steps: tuple[CapturedStep, ...]
    missed: int
    lost: int
    by_line: bool
    presented_before: bool


def captured_step(evidence: Evidence, place: str) -> CapturedStep:
    """What came for one command."""
    turn = evidence.require_object(f"{place}turn")
    try:
        revealed, command = datetime.fromisoformat(turn["revealed"]), str(turn["command"])
        parts = [
            evidence.require_object(f"{place}part.{part}") for part in range(int(turn["parts"]))
        ]
        arrivals = [datetime.fromisoformat(part["arrived"]) for part in parts]
        taken = [[int(ms) for ms in part["chain"]] for part in parts]
        ways = [
            (at - revealed).total_seconds() - max(ms, default=0) / 1000
            for at, ms in zip(arrivals, taken, strict=True)
        ]
        full = [(int(seq), int(ms)) for part in parts for seq, ms in part["stills"]]
        kinds, every = [f"{place}frame.{seq}" for seq, _ in full], [ms for of in taken for ms in of]
        stills = [evidence.require(kind) for kind in kinds]
        chain = [
            each
            for part in range(len(parts))
            for each in apart(evidence.require(f"{place}chain.{part}"))
        ]
        beside = [min((abs(one - ms), at) for at, one in enumerate(every))[1] for _, ms in full]
        return CapturedStep(
            sent=SentStep(command, tuple(chain), tuple(stills), tuple(beside), tuple(every)),
            place=place,
            stills=tuple(kinds),
            arrived=arrivals[-1],
            is_bound=all(part["is_bound"] is True for part in parts),
            taken=tuple(every),
            soonest=(arrivals[0] - revealed).total_seconds(),
            transfer=max(ways),
            ahead=min(ways),
            told=tuple(Told(**part.get("camera", {})) for part in parts),
        )
    except (KeyError, IndexError, TypeError, ValueError) as fault:
        raise Refused("check_missing", f"{place}turn cannot be read") from fault


def captured(evidence: Evidence) -> Captured:
    """What came for each command. Of each it is on record which followed it: none is missing, and
    none too many.
    """
    steps: list[CapturedStep] = []
    number, missed, lost, due, is_lost = 0, 0, 0, ordered(evidence).commands[0], False
    while due:
        place = f"{STAGE}.{number}."
        number += 1
        is_lost = f"{place}lost" in evidence.items
        said = evidence.require_object(f"{place}lost" if is_lost else f"{place}seen")
        if is_lost:
            command = said.get("command")
            lost += 1
        else:
            step = captured_step(evidence, place)
            if type(drawn := said.get("drawn")) is not int:
                raise Refused("check_missing", f"{place} does not say what was drawn")
            steps.append(replace(step, sent=replace(step.sent, drawn=drawn)))
            command = steps[-1].sent.command
            missed += said.get("seen") is False and command != NEUTRAL
        if command != due or not isinstance(said.get("then"), str):
            raise Refused("check_missing", f"{place} is not of the order")
        due = said["then"]
    last_rest = max(
        (at for at, step in enumerate(steps) if step.sent.command == NEUTRAL), default=0
    )
    presented_before = any(_PICTURE.match(kind) for kind in evidence.seen)
    return Captured(
        tuple(steps[last_rest:]), missed, lost, by_line=is_lost, presented_before=presented_before
    )


def answered_at(evidence: Evidence) -> datetime | None:
    """When the last frames of a capture came; None where no command has any."""
    steps = captured(evidence).steps
    return steps[-1].arrived if steps else None


@dataclass(frozen=True)
class Compared:
    """How alike this capture is to another attempt's, of whatever borrower. is_beside: of the same
    verification.
    """

    attempt: str
    alike: Alike
    is_beside: bool = False


@dataclass(frozen=True)
class ComparedAll:
    """How alike it is to each that it was compared with, the most alike first; is_whole: whether to
    all that it may be.
    """

    others: tuple[Compared, ...]
    is_whole: bool


def marks_of_capture(items: Mapping[str, bytes]) -> frozenset[bytes]:
    """What an index of all borrowers may hold of these prints, under a key."""
    found = [
        prints.marks(step, kinds=policy.AGAIN_KINDS)[:: policy.AGAIN_EVERY]
        for step in _prints(items)
    ]
    return frozenset[bytes]().union(*(mark for step in found for mark in step))


def sought_by_capture(items: Mapping[str, bytes]) -> frozenset[bytes]:
    """By which of its marks, as it stands or in a mirror, those are found that a capture may be."""
    ways = [shown for step in _prints(items) for shown in (step, prints.mirrored(step))]
    return frozenset[bytes]().union(
        *(mark for shown in ways for mark in prints.marks(shown, kinds=policy.AGAIN_KINDS))
    )


def compare_captures(
    items: Mapping[str, bytes],
    others: Mapping[str, Mapping[str, bytes]],
    is_whole: bool,
    beside: Collection[str] = (),
) -> dict[str, bytes]:
    """How alike this capture is to each of the others, and whether those are all.

    By the commands that were seen: a film is no less one for what was put between its parts and not
    seen. beside: the other captures of the same verification.
    """
    said = {
        kind: json.loads(kept)
        for kind, kept in items.items()
        if kind.startswith(STAGE) and kind.endswith(".seen")
    }
    missed = {kind.removesuffix("seen") for kind, one in said.items() if one.get("seen") is False}
    own = _prints(
        {kind: kept for kind, kept in items.items() if kind.removesuffix("prints") not in missed}
    )
    found = [
        Compared(name, prints.compare(own, _prints(kept), limits=policy.AGAIN), name in beside)
        for name, kept in others.items()
    ]
    found.sort(key=lambda one: (one.alike.fitting, one.alike.likeness, one.attempt), reverse=True)
    return {COMPARED: stored.to_bytes(ComparedAll(tuple(found), is_whole))}


def _prints(items: Mapping[str, bytes]) -> list[Prints]:
    """Of each step, in order."""
    kinds = sorted((int(found[1]), kind) for kind in items if (found := _PRINTS.fullmatch(kind)))
    return [prints.from_bytes(items[kind]) for _, kind in kinds]


AGAIN = Again(
    kept="prints",
    marks=marks_of_capture,
    sought=sought_by_capture,
    others_max=policy.AGAIN_OTHERS,
    shared_min=policy.AGAIN_SHARED,
    compare=compare_captures,
)


def together(pictures: Sequence[bytes]) -> bytes:
    """The frames of one part of a chain as one original."""
    return b"".join(len(each).to_bytes(_LENGTH_BYTES, "big") + each for each in pictures)


def apart(content: bytes) -> list[bytes]:
    """The frames of such an original. Raises `ValueError` for one that is not whole."""
    found, at = [], 0
    while at < len(content):
        length = int.from_bytes(content[at : at + _LENGTH_BYTES], "big")
        at += _LENGTH_BYTES + length
        if length == 0 or at > len(content):
            raise ValueError("a chain that is not whole")
        found.append(content[at - length : at])
    return found


@dataclass(frozen=True)
class Ordered:
    """What was drawn before the capture, and what was known then.

    commands: in their order. without: what the borrower said that they cannot do. replaced_max: how
    many missed commands may be replaced by others. lost_before: how many captures of this person at
    this lender had ended by a lost line in the day before this one. unburnt_before: how many,
    theirs among them, had ended without costing an attempt.
    request_nonce: makes the ids of this attempt's questions to outside sources its own.
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
