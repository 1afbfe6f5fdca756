"""The product's settings for these tests' processes: the same rules with short times, so that a
kill costs seconds.

The order of the numbers is the product's: a source gives up before a step does, a step before its
lease runs out. Every bell that any of these processes rings is a byte in the file `rung`, by which
a test counts them.
"""

import gc
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from celery.signals import before_task_publish

from config import web_reading
from config.settings import *  # noqa: F403
from config.settings import TULGA_SOURCES, TULGA_VAR_DIR
from lenders import policy as lenders_policy
from verification.case import policy
from verification.core import profiles
from verification.stages.code.policy import POLICY, CodePolicy

if "TULGA_TEST_CODES" in os.environ:
    MIDDLEWARE = ["tests.noting.Noting", *MIDDLEWARE]  # noqa: F405

# What a process loads at its start stays: to look through it for garbage takes an eighth of the
# start.
gc.set_threshold(50_000)

_SOURCE_SECONDS = 2.5
_STEP = {
    "STEP_SOFT_LIMIT_SECONDS": 4,
    "STEP_HARD_LIMIT_SECONDS": 5,
    "LEASE_SECONDS": 6,
    "BACKOFF_SECONDS": (1,),
    "PULSE_SECONDS": 1,
    "PULSE_LATE_SECONDS": 5,
}
_WEBHOOK = {
    "POST_SECONDS": 3,
    "POST_LEASE_SECONDS": 6,
    "BREAKER_SECONDS": 1,
    "BREAKER_MAX_SECONDS": 2,
}

_READING = {"HEAD_SECONDS": 3, "REQUEST_SECONDS": 6}

for module, numbers in ((policy, _STEP), (lenders_policy, _WEBHOOK), (web_reading, _READING)):
    for name, number in numbers.items():
        assert hasattr(module, name), name
        setattr(module, name, number)

# A borrower who types the code too late waits for so long; no other does.
_CODE_SECONDS = 30
object.__setattr__(POLICY, "code_seconds", _CODE_SECONDS)
CodePolicy.__init__.__defaults__ = tuple(  # a worker judges by a fresh one
    _CODE_SECONDS if field.name == "code_seconds" else field.default for field in fields(CodePolicy)
)

# A law that makes the money of the demo's loan wait, and asks for no word of the lender's people
# beside.
profiles.PROFILES["KZ-WAIT"] = replace(
    profiles.get("KZ-2021-04"),
    id="KZ-WAIT",
    status=profiles.Status.ANNOUNCED,
    cooling_off_over_mci=30,
    cooling_off_hours=24,
)
# The bureau and the bank are asked, after a signature alone: nothing is painted for it.
profiles.PROFILES["KZ-ASKS"] = replace(
    profiles.get("KZ-2025-01"),
    id="KZ-ASKS",
    status=profiles.Status.ANNOUNCED,
    combinations=(("eds",),),
)


def _rung(**_: Any) -> None:
    with (Path(TULGA_VAR_DIR) / "rung").open("ab") as file:
        file.write(b".")


before_task_publish.connect(_rung, weak=False)

_REVOCATION = TULGA_SOURCES["test"]["revocation"]
_REVOCATION["options"] = {**dict(_REVOCATION["options"]), "seconds": _SOURCE_SECONDS}  # type: ignore[call-overload]
