"""A word for the camera's guide, about one picture that is kept nowhere."""


def hint(*, verification_id: str, jpeg: bytes) -> str:
    """What would make the picture better: `no_face`, `too_dark`, …; empty where nothing is known to be wrong."""
    return ""
