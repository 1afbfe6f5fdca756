"""A word for the camera's guide, about one picture that is kept nowhere."""

from verification.case import stages
from verification.core.errors import BadInput, Refused
from verification.models import Verification


def hint(verification: Verification, *, jpeg: bytes) -> str:
    """What would make the picture better: `no_face`, `too_dark`, …; empty where nothing is known to
    be wrong.
    """
    stage = stages.find(verification.route, verification.stage, law=verification.profile_sha256)
    if stage is None or stage.hint is None:
        return ""
    try:
        return stage.hint(jpeg)
    except (BadInput, Refused):
        return ""
