"""Commands for a live face, one at a time; the page never knows the next one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from verification.core import live_capture
from verification.core.route import Memory, Turn, Untrusted
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
