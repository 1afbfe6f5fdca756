"""The biometric route: a live face that follows random commands, matched against a photo from a register."""

from verification.core.route import Route, Stage
from verification.engines.liveness import capture
from verification.routes.biometric.checks import COMMANDS, ready
from verification.routes.biometric.collect import collect_commands, prepare_commands
from verification.routes.biometric.dialogue import (
    STAGE,
    accept_commands,
    hint_commands,
    pictures_commands,
    prompt_commands,
    show_commands,
)
from verification.routes.biometric.policy import POLICY

ROUTE = Route(
    name="biometric",
    policy=POLICY,
    ready=ready,
    forget=capture.forget,
    stages=(
        Stage(
            name=STAGE,
            page="commands",
            prepare=prepare_commands,
            prompt=prompt_commands,
            accept=accept_commands,
            collect=collect_commands,
            checks=COMMANDS,
            hint=hint_commands,
            pictures=pictures_commands,
            show=show_commands,
            seconds=POLICY.ready_seconds,
            attempts=POLICY.attempts,
            timeout_code="liveness_command_missed",
            queue="faces",
        ),
    ),
)
