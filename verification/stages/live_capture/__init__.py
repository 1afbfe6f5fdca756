"""A live face that follows random commands, compared with a photo from a register.

The errand `register`, of this stage or an earlier one, obtains the consent for the photo.
"""

from verification.core.route import Stage
from verification.stages.live_capture.checks import CHECKS
from verification.stages.live_capture.collect import collect_live_capture, prepare_live_capture
from verification.stages.live_capture.dialogue import (
    accept_live_capture,
    go_on_live_capture,
    hint_live_capture,
    pictures_live_capture,
    prompt_live_capture,
    show_live_capture,
    shows_live_capture,
)
from verification.stages.live_capture.measure import (
    AGAIN,
    LiveCaptureFacts,
    answered_at,
    look_at_live_capture,
    measure_live_capture,
    ready,
)
from verification.stages.live_capture.policy import (
    ATTEMPTS,
    READY_SECONDS,
    SERVICES,
    UNBURNT_MAX,
    LiveCapturePolicy,
)

STAGE = Stage(
    name="live_capture",
    page="commands",
    prepare=prepare_live_capture,
    prompt=prompt_live_capture,
    accept=accept_live_capture,
    look=look_at_live_capture,
    go_on=go_on_live_capture,
    collect=collect_live_capture,
    measure=measure_live_capture,
    facts=LiveCaptureFacts,
    checks=CHECKS,
    policy_in_use=LiveCapturePolicy,
    ready=ready,
    again=AGAIN,
    hint=hint_live_capture,
    shows=shows_live_capture,
    pictures=pictures_live_capture,
    show=show_live_capture,
    seconds=READY_SECONDS,
    attempts=ATTEMPTS,
    unburnt_max=UNBURNT_MAX,
    timeout_code="liveness_command_missed",
    queue="faces",
    has_frames=True,
    services=SERVICES,
    answered_at=answered_at,
)
