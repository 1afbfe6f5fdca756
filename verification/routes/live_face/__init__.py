"""The route of two factors: the state's registers, a code to the person's own phone, and a live face."""

from verification.core.route import Quota, Route, Stage
from verification.engines.liveness import capture
from verification.routes.live_face.checks import CODE, COMMANDS, PERSON, ready
from verification.routes.live_face.collect import (
    collect_code,
    collect_commands,
    collect_person,
    prepare_code,
    prepare_commands,
    prepare_person,
)
from verification.routes.live_face.dialogue import (
    accept_code,
    accept_commands,
    accept_person,
    hint_commands,
    pictures_commands,
    prompt_code,
    prompt_commands,
    prompt_person,
    show_commands,
)
from verification.routes.live_face.policy import POLICY

ROUTE = Route(
    name="live_face",
    policy=POLICY,
    ready=ready,
    forget=capture.forget,
    stages=(
        Stage(
            name="person",
            page="form",
            prepare=prepare_person,
            prompt=prompt_person,
            accept=accept_person,
            collect=collect_person,
            checks=PERSON,
            seconds=POLICY.person_seconds,
            attempts=POLICY.person_attempts,
        ),
        Stage(
            name="code",
            page="code",
            prepare=prepare_code,
            prompt=prompt_code,
            accept=accept_code,
            collect=collect_code,
            checks=CODE,
            seconds=POLICY.code_seconds,
            attempts=POLICY.code_attempts,
            quota=Quota(
                purpose="code",
                value=lambda case: case.person.phone.value,
                a_day=POLICY.codes_a_day,
                code="velocity_exceeded",
            ),
        ),
        Stage(
            name="commands",
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
            attempts=POLICY.commands_attempts,
            timeout_code="liveness_command_missed",
            queue="faces",
        ),
    ),
)
