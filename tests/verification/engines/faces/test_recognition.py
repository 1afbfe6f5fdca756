"""The reference matcher on the public portraits: the distances the design measured, one face only, no mixed units."""

from pathlib import Path

import numpy as np
import pytest

from insecure_sandbox import samples
from verification.core.errors import Misconfigured, Refused
from verification.engines.faces import recognition
from verification.engines.faces.distances import Distance, Threshold
from verification.engines.faces.image_gate import ImageLimits, Pixels, open_image

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=25_000_000)


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        return samples.fetch()
    except OSError as error:
        pytest.skip(str(error))


def pixels(folder: Path, name: str) -> Pixels:
    return open_image((folder / name).read_bytes(), limits=LIMITS)


@pytest.mark.parametrize(
    ("probe", "least", "most"), [("obama3.jpg", 0.31, 0.35), ("obama2.jpg", 0.33, 0.37), ("biden.jpg", 0.75, 0.95)]
)
def test_the_portraits_are_as_far_apart_as_measured(folder: Path, probe: str, least: float, most: float) -> None:
    reference = recognition.embed(pixels(folder, "obama.jpg"))
    far = recognition.distance(reference, [recognition.embed(pixels(folder, probe))])
    assert least <= far.value <= most


def test_two_faces_of_one_size_are_refused(folder: Path) -> None:
    face = pixels(folder, "biden.jpg")
    with pytest.raises(Refused) as refused:
        recognition.embed(np.hstack([face, face]))
    assert refused.value.code == "multiple_faces"


def test_a_threshold_judges_its_own_embedding_only() -> None:
    threshold = Threshold(recognition.EMBEDDING, 0.35, "lfw-2026-11")
    assert threshold.admits(Distance(recognition.EMBEDDING, 0.35))
    assert not threshold.admits(Distance(recognition.EMBEDDING, 0.351))
    assert not threshold.admits(Distance(recognition.EMBEDDING, float("nan")))
    with pytest.raises(Misconfigured):
        threshold.admits(Distance("mirror-mean-l2", 0.2))
