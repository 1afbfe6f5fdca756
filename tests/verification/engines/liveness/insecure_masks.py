"""Masks drawn over mouth and nose of a photograph, for no clip of a masked person could be reached:
cloths with folds.

They follow the light of the face without its detail. A drawn mask is no evidence about real ones.
"""

import cv2
import numpy as np

from verification.engines.liveness import landmarks
from verification.engines.liveness.frames import Floats, Image

COLOURS = {  # RGB of the cloth
    "blue": (150, 190, 220),
    "white": (235, 235, 235),
    "black": (30, 30, 32),
    "beige": (205, 170, 145),
    "red": (150, 40, 50),
    "checked": (120, 150, 190),
}
_JAW = (
    234,
    93,
    132,
    58,
    172,
    136,
    150,
    149,
    176,
    148,
    152,
    377,
    400,
    378,
    379,
    365,
    397,
    288,
    361,
    323,
    454,
)
_UPPER_EDGE = (
    447,
    280,
    195,
    50,
    227,
)  # from the person's left cheek over the bridge of the nose to the right one


def masked(image: Image, mesh: Floats, colour: str) -> Image:
    """The picture with a cloth of this colour over the lower face. All lengths in distances of the
    eyes.
    """
    eyes = [mesh[list(eye), :2].mean(axis=0) for eye in (landmarks.RIGHT_EYE, landmarks.LEFT_EYE)]
    wide = float(np.linalg.norm(eyes[1] - eyes[0]))
    outline = mesh[[*_JAW, *_UPPER_EDGE], :2]
    middle = outline.mean(axis=0)
    edge = np.rint(middle + (outline - middle) * 1.03).astype(np.int32)
    soft = cv2.GaussianBlur(
        np.asarray(cv2.fillPoly(np.zeros(image.shape[:2], np.float32), [edge], 1.0)), (0, 0), 1.0
    )
    light = cv2.GaussianBlur(
        cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.12 * wide
    )
    shade = 0.5 + 0.5 * light / max(float(light[soft > 0.5].mean()), 1)
    rows = np.arange(image.shape[0], dtype=np.float32)[:, None]
    shade *= 1 + 0.06 * np.sin(rows / (0.25 * wide) * 2 * np.pi)  # folds across
    shade *= 1 + np.random.default_rng(0).normal(0, 0.02, image.shape[:2]).astype(
        np.float32
    )  # threads
    if colour == "checked":  # as coarse as the lips are high
        across = np.arange(image.shape[1], dtype=np.float32)[None, :] // (0.15 * wide)
        shade *= 0.8 + 0.4 * ((rows // (0.15 * wide) + across) % 2)
    cloth = np.clip(np.array(COLOURS[colour], np.float32) * shade[..., None], 0, 255)
    return np.asarray(image * (1 - soft[..., None]) + cloth * soft[..., None], dtype=np.uint8)
