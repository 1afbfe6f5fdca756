"""Several faces in one run of a net: each has the numbers it has alone, and nobody else's."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.verification.engines.faces import insecure_nets
from tests.verification.engines.faces.test_backends import Faces, described
from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.faces import backends, nets
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.embedding import Numbers
from verification.engines.faces.portrait import Portrait


@pytest.mark.parametrize("at_once", [1, "n"])
def test_an_operators_net_is_shown_several_faces_one_by_one(
    at_once: str | int, tmp_path: Path, models: Path, faces: Faces
) -> None:
    content = insecure_nets.sound(faces=at_once)
    (tmp_path / "own.onnx").write_bytes(content)
    model = described(tmp_path, sha256=hashlib.sha256(content).hexdigest(), form="single-l2")
    loaded = backends.load(Choice(backend="onnx-custom", models=models, model=model))
    assert equal(loaded, [*faces.values()])


@pytest.mark.parametrize("several", range(nets.SFACE_AT_ONCE + 2))
def test_faces_at_once_have_the_numbers_they_have_alone(
    several: int, faces: Faces, default: Backend
) -> None:
    assert equal(default, [*faces.values(), *faces.values()][:several])


def equal(backend: Backend, faces: Sequence[Portrait]) -> bool:
    """Whether faces together have the numbers of each alone, to the last bit."""
    together = [each.numbers.tobytes() for each in backend.recogniser.embed_all(faces)]
    return together == [backend.embed(face).numbers.tobytes() for face in faces]


def test_a_net_that_says_something_else_beside_another_face_is_not_used(models: Path) -> None:
    sface = nets.load_sface(models)
    mixing = InsecureMixer(nets.built(models, weights.SFACE.sha256))
    with pytest.raises(Misconfigured, match="SFace's numbers"):
        replace(sface, net=mixing).test()


class InsecureMixer(nets.OnnxNet):
    """SFace, whose answer to each face of a run is that to the one before."""

    def rows(self, cuts: Sequence[Any]) -> Numbers:
        return np.roll(super().rows(cuts), 1, axis=0)
