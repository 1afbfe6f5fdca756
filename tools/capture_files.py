"""Pictures in files as a live capture's evidence, as if a page had sent them. Judges nothing.

A manifest is JSON: `schema`, `steps` in the order shown, the face at rest first, and an optional
`reference` photograph.
A step has `command`, `frames` (the thin chain) and `stills` (full frames).
Each frame has `at_ms`, milliseconds since the command was shown, and `file`, below the manifest's
folder.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from tools import video
from tools.video import Taking, Window
from verification.core.answers import PHOTO_MAX_BYTES, parse_photo
from verification.core.errors import BadInput
from verification.core.ids import AUTHORITY_TEST_IIN, Iin
from verification.core.route import FILES, Evidence, Looked
from verification.core.stored import canonical_json
from verification.core.strict_json import StrictObject, read_object
from verification.engines.liveness.gestures import GESTURES
from verification.stages.live_capture import dialogue, measure
from verification.stages.live_capture.dialogue import NEUTRAL
from verification.stages.live_capture.policy import CAPTURE

SCHEMA: Final = "tulga-liveness-manifest-1"
MANIFEST_MAX_BYTES: Final = 256 * 1024  # ours: twelve steps of forty frames take 30 KB
STEPS_MAX: Final = 12  # a real capture has five, and one more for each repeated command
FIRST_MS: Final = 500  # the time to read a command; as static/borrower/pictures.js
WAY: Final = timedelta(milliseconds=200)  # of a part to us. Ours: a harmless line
IIN: Final = Iin(AUTHORITY_TEST_IIN)
"""The IIN of the reference: a number of no person, because the form needs one."""
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*){0,5}")
_WINDOW = re.compile(r"([a-z_]{1,20}):([0-9]{1,4}(?:\.[0-9]{1,3})?)-([0-9]{1,4}(?:\.[0-9]{1,3})?)")
_COMMANDS = (NEUTRAL, *GESTURES)
Pictures = Sequence[tuple[int, bytes]]
"""JPEG files, each with its milliseconds since the command was shown."""


@dataclass(frozen=True)
class StepFiles:
    """One command, the thin chain, and the full frames."""

    command: str
    chain: Pictures
    stills: Pictures


def read_manifest(path: Path) -> tuple[tuple[StepFiles, ...], bytes | None]:
    """The steps of a manifest with their pictures, and its reference.

    Raises: `BadInput`: `manifest_malformed` with the place; `file_unreadable`, `file_too_large`
    with the name.
    """
    fields = parse_manifest(read(path, most=MANIFEST_MAX_BYTES))
    steps = []
    for command, frames, stills in fields.steps:
        entries = [
            [(at_ms, read(path.parent / name, most=most)) for at_ms, name in listed]
            for listed, most in (
                (frames, CAPTURE.chain_most_bytes),
                (stills, CAPTURE.still_most_bytes),
            )
        ]
        steps.append(StepFiles(command, *entries))
    reference = (
        read(path.parent / fields.reference, most=PHOTO_MAX_BYTES) if fields.reference else None
    )
    return tuple(steps), reference


Listed = tuple[tuple[int, str], ...]
"""Files by name, each with its milliseconds."""


@dataclass(frozen=True)
class Manifest:
    """The content of a manifest: each step's command, chain and full frames; and the reference,
    if any.
    """

    steps: tuple[tuple[str, Listed, Listed], ...]
    reference: str


def parse_manifest(untrusted: bytes) -> Manifest:
    """The content of a manifest, before its files are read.

    Raises: `BadInput` (manifest_malformed) with the place.
    """
    try:
        fields = read_object(untrusted, max_bytes=MANIFEST_MAX_BYTES, numbers=True)
        fields.choice("schema", [SCHEMA])
        steps = []
        for number, step in enumerate(fields.objects("steps", most=STEPS_MAX)):
            command = step.choice("command", _COMMANDS if number else [NEUTRAL])
            if number and command == NEUTRAL:
                raise BadInput(
                    "the face at rest comes first, and once", pointer=f"/steps/{number}/command"
                )
            latest = (
                CAPTURE.rest_ms if command == NEUTRAL else CAPTURE.window_ms
            ) + CAPTURE.late_ms
            frames = _listed(
                step, "frames", f"/steps/{number}", most=CAPTURE.chain_max, latest=latest
            )
            stills = _listed(
                step, "stills", f"/steps/{number}", most=CAPTURE.stills_max, latest=latest
            )
            steps.append((command, frames, stills))
            step.finish()
        reference = fields.value_or_none("reference")
        fields.finish()
        if len(steps) < 2:
            raise BadInput(
                "the face at rest and at least one command are expected", pointer="/steps"
            )
        return Manifest(tuple(steps), "" if reference is None else _file(reference, "/reference"))
    except BadInput as fault:
        raise BadInput(
            f"{fault.detail} {fault.pointer}".rstrip(), code="manifest_malformed"
        ) from fault


def parse_windows(untrusted: str) -> tuple[tuple[str, float, float], ...]:
    """`look_straight:0-2.5,turn_left:2.5-6.5`: each command, and its start and end in seconds.

    The face at rest comes first.

    Raises: `BadInput` (commands_malformed).
    """
    windows: list[tuple[str, float, float]] = []
    for number, text in enumerate(untrusted.split(",")):
        match = _WINDOW.fullmatch(text)
        # In rising order, and long enough for a picture.
        begins = windows[-1][2] if windows else 0.0
        if (
            match is None
            or number >= STEPS_MAX
            or match[1] not in (GESTURES if number else [NEUTRAL])
        ):
            raise BadInput(
                "look_straight:0-2.5,turn_left:2.5-6.5,… is expected", code="commands_malformed"
            )
        start, end = float(match[2]), float(match[3])
        if start < begins or 1000 * (end - start) <= FIRST_MS + CAPTURE.chain_ms:
            raise BadInput(
                f"{text} is too short, or before the end of another", code="commands_malformed"
            )
        windows.append((match[1], start, end))
    if len(windows) < 2:
        raise BadInput(
            "the face at rest and at least one command are expected", code="commands_malformed"
        )
    return tuple(windows)


def read_video(path: Path, windows: Sequence[tuple[str, float, float]]) -> tuple[StepFiles, ...]:
    """The pictures that a page would have taken from this video.

    Raises: `BadInput`, as `video.cut`.
    """
    limits, places = CAPTURE, []
    for command, start, end in windows:
        is_rest = command == NEUTRAL
        last = min(round(1000 * (end - start)), limits.rest_ms if is_rest else limits.window_ms)
        first = max(limits.not_before_ms, FIRST_MS)
        places.append(
            Window(start, first, last, limits.rest_stills if is_rest else limits.stills, is_rest)
        )
    sizes = (limits.chain_side, limits.chain_bytes, limits.still_side, limits.still_bytes)
    takes = video.cut(path, places, taking=Taking(limits.chain_ms, *sizes))
    return tuple(
        StepFiles(command, take.chain, take.stills)
        for (command, _, _), take in zip(windows, takes, strict=True)
    )


def read(path: Path, *, most: int) -> bytes:
    """A file.

    Raises: `BadInput` (file_unreadable, file_too_large).
    """
    try:
        with path.open("rb") as opened:
            content = opened.read(most + 1)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path.name}: {type(error).__name__}", code="file_unreadable") from error
    if len(content) > most:
        raise BadInput(f"{path.name}: more than {most} bytes", code="file_too_large")
    return content


def evidence(steps: Sequence[StepFiles], reference: bytes | None, *, at: datetime) -> Evidence:
    """The evidence of these pictures, made by the dialogue itself.

    The judgement, which measures every frame again, decides whether a command was followed.

    Raises: `BadInput` for a step that the dialogue refuses, and (reference_unreadable) for a
    reference that is no JPEG.
    """
    at = at.astimezone(UTC)
    fresh = dialogue.begin({}, replaced_max=0) | {"order": [step.command for step in steps]}
    items, memory = (
        # Files are not compared with earlier captures.
        {dialogue.ORDER: dialogue.order_evidence(fresh), **measure.compare_captures({}, {}, True)},
        dialogue.accept_live_capture(fresh, {"ready": True}, at).memory,
    )
    for step in steps:
        prompt, pictures, frames = (
            dialogue.prompt_live_capture(memory),
            [*step.chain, *step.stills],
            [],
        )
        for seq, (at_ms, jpeg) in enumerate(pictures):
            claim = f"{prompt['step']}:0:{seq}:{at_ms}:{sha256(jpeg).hexdigest()}"
            mac = hmac.new(prompt["key"].encode(), claim.encode(), sha256).hexdigest()
            frames.append({"at_ms": at_ms, "still": seq >= len(step.chain), "mac": mac})
        at += timedelta(milliseconds=max(at_ms for at_ms, _ in pictures)) + WAY
        # As a page sends them, in one part.
        sent = {"part": 0, "parts": 1, "frames": frames, FILES: [jpeg for _, jpeg in pictures]}
        acceptance = dialogue.accept_live_capture(memory, sent, at)
        following = dialogue.go_on_live_capture(acceptance.memory, Looked(is_right=True), at)
        memory, items = following.memory, {**items, **acceptance.evidence, **following.evidence}
    if reference is not None:
        # The photograph as from the register.
        answer = {
            "request_id": "assess_liveness",
            "status": "found",
            "iin": IIN.value,
            "source": "STATE",
        }
        picture = {"photo": b64encode(reference).decode(), "sha256": sha256(reference).hexdigest()}
        items[dialogue.PHOTO] = canonical_json(
            {**answer, "taken_on": None, **picture, "media_type": "image/jpeg"}
        )
        try:
            parse_photo(items[dialogue.PHOTO])
        except BadInput as fault:
            raise BadInput(f"the reference: {fault.detail}", code="reference_unreadable") from fault
    return Evidence(items=items, at=at)


def _listed(fields: StrictObject, name: str, place: str, *, most: int, latest: int) -> Listed:
    entries: list[tuple[int, str]] = []
    for number, entry in enumerate(fields.objects(name, most=most)):
        at_ms, pointer = entry.value_or_none("at_ms"), f"{place}/{name}/{number}"
        if type(at_ms) is not int or not (entries[-1][0] if entries else -1) < at_ms <= latest:
            raise BadInput(
                f"whole milliseconds are expected, rising, to {latest}", pointer=f"{pointer}/at_ms"
            )
        entries.append((at_ms, _file(entry.value_or_none("file"), f"{pointer}/file")))
        entry.finish()
    if not entries:
        raise BadInput("at least one picture is expected", pointer=f"{place}/{name}")
    return tuple(entries)


def _file(untrusted: object, pointer: str) -> str:
    # A plain name below the manifest's folder leads to no other.
    if not isinstance(untrusted, str) or len(untrusted) > 200 or not _FILE.fullmatch(untrusted):
        raise BadInput("a plain file name below the manifest's folder is expected", pointer=pointer)
    return untrusted
