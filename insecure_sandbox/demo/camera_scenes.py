"""The scenes at a camera, each with its required end. No person is in front of it: see `LIMIT`."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from insecure_sandbox.borrower import Browser
from insecure_sandbox.camera import Camera, follow
from insecure_sandbox.demo import payout
from insecure_sandbox.demo.lender import opening
from insecure_sandbox.demo.progress import Row
from insecure_sandbox.demo.stage import Stage

SYNTHETIC = "synthetic frames"
LIMIT = (
    f"{SYNTHETIC}: a portrait warped on command, no person. Such frames are themselves the"
    " reenactment attack that\nTulga without a certified detector does not stop."
)
_TRIES = 3


@dataclass(frozen=True)
class Faces:
    """The people in the scenes.

    cameras: by the name of a scene, each of a slightly different person: a repeated film is a
    replay.
    own: another photograph of these people; other: another person's.
    today: the view of the lender under today's law, by which a signature and a face are needed.
    pass_on: has two reviewers of that lender pass a case.
    """

    cameras: Mapping[str, Camera]
    borrower: Path
    stranger: Path
    today: Stage
    pass_on: Callable[[str], None]


def own_face(stage: Stage, faces: Faces) -> Row:
    """The register's photograph is the borrower's: must be verified."""
    since, iin = time.monotonic(), stage.person(faces.borrower)
    opened = stage.play("own-face", iin, routes=("biometric",), camera=faces.cameras["own_face"])
    return _row(stage, "own face", opened, since, must=("verified", ""), route="biometric")


def another_face(stage: Stage, faces: Faces) -> Row:
    """The register's photograph is another person's, three times: must be declined."""
    since, iin = time.monotonic(), stage.person(faces.stranger)
    camera = faces.cameras["another_face"]
    opened = stage.play("another-face", iin, "face_mismatch", routes=("biometric",), camera=camera)
    return _row(
        stage,
        "another person's face ×3",
        opened,
        since,
        must=("declined", "face_mismatch"),
        route="biometric",
    )


def code_and_face(stage: Stage, faces: Faces) -> Row:
    """Data, the code of the message, and the borrower's own face: must be verified."""
    since, iin = time.monotonic(), stage.person(faces.borrower)
    opened = stage.play(
        "code-face", iin, routes=("live_face",), camera=faces.cameras["code_and_face"]
    )
    return _row(stage, "code and own face", opened, since, must=("verified", ""), route="live_face")


def wrong_commands(stage: Stage, faces: Faces) -> Row:
    """The right code and face, but wrong gestures, three times: must be declined."""
    since, iin = time.monotonic(), stage.person(faces.borrower)
    camera = faces.cameras["wrong_commands"]
    opened = stage.play(
        "wrong-commands", iin, "command_missed", routes=("live_face",), camera=camera
    )
    must = ("declined", "liveness_command_missed")
    return _row(stage, "code, wrong gestures ×3", opened, since, must=must, route="live_face")


def key_and_face(stage: Stage, faces: Faces) -> Row:
    """Today's law requires both: verified only after signature and face; then paid."""
    today = faces.today
    since, iin = time.monotonic(), stage.person(faces.borrower)
    opened, browser = today.arrive("key-and-face", iin, routes=("eds", "biometric"))
    browser.agree()
    browser.sign(today.credential(iin))
    browser.wait_for_judgement()
    halfway = today.api.read(opened["id"])["status"]
    browser.deny()
    # Under this law a missed command ends the capture, and the borrower does the next one.
    for _ in range(_TRIES):
        if follow(browser, faces.cameras["key_and_face"]) != "commands":
            break
    # The law leaves a face to people that an actor could have.
    if today.api.read(opened["id"])["status"] == "in_review":
        faces.pass_on(opened["id"])
    row = _row(
        today,
        "today's law: key, then face",
        opened,
        since,
        must=("verified", ""),
        route="eds + biometric",
    )
    as_it_must = (
        row.as_it_must
        and halfway == "requires_input"
        and payout.pays_unless_refused(today, opened["id"], iin)
    )
    return replace(row, as_it_must=as_it_must)


CAMERA_SCENES: tuple[tuple[str, Callable[[Stage, Faces], Row]], ...] = (
    ("the borrower follows the commands before a camera", own_face),
    ("the register's photograph is somebody else's", another_face),
    ("the borrower states data, types the code and follows the commands", code_and_face),
    ("a person with the right code makes other gestures than requested", wrong_commands),
    ("today's law requires a key and a face", key_and_face),
)


def up_to_the_camera(stage: Stage, name: str, iin: str) -> tuple[dict[str, Any], Browser]:
    """Data, the code of the message and a denial of instructions: the camera's page is open
    then.
    """
    opened, browser = stage.arrive(name, iin, routes=("live_face",))
    browser.consent()
    stated = opening("", iin=iin, routes=[])["subject"]
    browser.copy_document(number=stated["document"]["number"], born=stated["birth_date"])
    browser.fill_in("code", code=stage.code_for(iin))
    browser.deny()
    return opened, browser


def _row(
    stage: Stage,
    name: str,
    opened: dict[str, Any],
    since: float,
    *,
    must: tuple[str, str],
    route: str,
) -> Row:
    return replace(stage.row(name, opened, since, must=must, route=route), note=SYNTHETIC)
