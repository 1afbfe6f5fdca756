"""Reads a live capture back out of the evidence that `live_capture` made: what was ordered, and what came for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from verification.core.errors import Refused
from verification.core.route import Evidence


@dataclass(frozen=True)
class CapturedStep:
    """One command and the frames that came for it. `wait`: seconds from its showing to their arrival, by our clock.

    bound: whether every frame carried the code of this attempt, this step and this showing.
    """

    command: str
    wait: float
    arrived: datetime
    bound: bool
    frames: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True)
class Captured:
    """A whole capture. `order`: what the server asked for; `presented_before`: whether any frame had come before."""

    order: tuple[str, ...]
    steps: tuple[CapturedStep, ...]
    presented_before: bool

    @property
    def contents(self) -> tuple[tuple[str, tuple[bytes, ...]], ...]:
        """The commands with their frames, as `engines.liveness.capture` measures them."""
        return tuple((step.command, step.frames) for step in self.steps)


def read(evidence: Evidence, *, stage: str) -> Captured:
    """The capture of a stage. Raises `Refused` with `check_missing` where a part of it is not there or not ours."""
    order = _order(evidence, stage)
    steps = tuple(_step(evidence, f"{stage}.{number}") for number in range(len(order)))
    seen = any(kind.startswith(f"{stage}.") and ".frame." in kind for kind in evidence.seen)
    return Captured(order, steps, seen)


def frame_kinds(evidence: Evidence, *, stage: str) -> tuple[tuple[str, str], ...]:
    """The kind of each frame with the command it came for, in order. Raises `Refused` as `read` does."""
    return tuple(
        (f"{stage}.{number}.frame.{sent}", command)
        for number, command in enumerate(_order(evidence, stage))
        for sent in stored_object(evidence, f"{stage}.{number}.facts").get("sent", ())
    )


def last_arrival(evidence: Evidence, *, stage: str) -> datetime:
    """When the last frames of a whole capture came. Raises `Refused` as `read` does."""
    return _step(evidence, f"{stage}.{len(_order(evidence, stage)) - 1}").arrived


def request_nonce(evidence: Evidence, *, stage: str) -> str:
    """What makes the ids of this attempt's questions to outside sources its own. Raises `Refused`."""
    nonce = stored_object(evidence, f"{stage}.order").get("request_nonce")
    if not isinstance(nonce, str) or not nonce:
        raise Refused("check_missing", f"no nonce in {stage}.order")
    return nonce


def stored(evidence: Evidence, kind: str) -> bytes:
    """The bytes of a kind. Raises `Refused` with `check_missing` where there are none."""
    content = evidence.get(kind)
    if content is None:
        raise Refused("check_missing", f"no evidence {kind}")
    return content


def stored_object(evidence: Evidence, kind: str) -> Mapping[str, Any]:
    """The JSON object of a kind. Raises `Refused` with `check_missing` where there is none that can be read."""
    try:
        found = json.loads(stored(evidence, kind))
    except ValueError as fault:
        raise Refused("check_missing", f"{kind} cannot be read") from fault
    if not isinstance(found, dict):
        raise Refused("check_missing", f"{kind} cannot be read")
    return found


def _order(evidence: Evidence, stage: str) -> tuple[str, ...]:
    order = stored_object(evidence, f"{stage}.order").get("order")
    if not isinstance(order, list) or not order or not all(isinstance(command, str) for command in order):
        raise Refused("check_missing", f"no order in {stage}.order")
    return tuple(order)


def _step(evidence: Evidence, prefix: str) -> CapturedStep:
    facts = stored_object(evidence, f"{prefix}.facts")
    try:
        arrived, revealed = (datetime.fromisoformat(facts[name]) for name in ("arrived", "revealed"))
        command, sent, bound = str(facts["command"]), list(facts["sent"]), facts["bound"] == facts["sent"]
        wait = (arrived - revealed).total_seconds()
    except (KeyError, TypeError, ValueError) as fault:
        raise Refused("check_missing", f"{prefix}.facts cannot be read") from fault
    frames = tuple(stored(evidence, f"{prefix}.frame.{number}") for number in sent)
    return CapturedStep(command, wait, arrived, bound, frames)
