"""Commands for a live face, one at a time; the page never knows the next one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from verification.core import capture_evidence, live_capture
from verification.core.registry_answers import parse_photo
from verification.core.route import Evidence, Memory, Picture, Turn, Untrusted
from verification.engines.faces import pictures
from verification.engines.liveness import hints
from verification.routes.biometric.policy import POLICY

STAGE = "commands"
SHOWN = "consent.answer"
"""The stage before: the borrower's own yes, and the wording they said it to."""
ORDER = "commands.order"
CONSENT_REQUEST = "commands.consent_request"
CONSENT = "commands.consent"
PHOTO = "commands.photo"
SERVICE = "photo"
"""What the person's consent must allow to be asked."""


def prompt_commands(memory: Memory) -> Mapping[str, Any]:
    """ "Ready?", or the one command that is due."""
    return live_capture.prompt(memory, limits=POLICY.capture)


def accept_commands(memory: Memory, untrusted: Untrusted, at: datetime) -> Turn:
    """ "Ready", or the frames of the command that was due."""
    return live_capture.accept(memory, untrusted, at, stage=STAGE, limits=POLICY.capture)


def hint_commands(untrusted: bytes) -> str:
    """What would make the borrower's picture better, in one word of the page."""
    return hints.hint(untrusted, limits=POLICY.hints)


def pictures_commands(evidence: Evidence) -> tuple[Picture, ...]:
    """The register's photo, then the frames of each command. Raises `Refused` where a part is not there."""
    frames = capture_evidence.frame_kinds(evidence, stage=STAGE)
    return (Picture(PHOTO), *(Picture(kind, command) for kind, command in frames))


def show_commands(kind: str, content: bytes) -> bytes:
    """One of these pictures, made anew. Raises `BadInput` or `Refused`."""
    return pictures.renewed(parse_photo(content).jpeg if kind == PHOTO else content, limits=POLICY.reference)
