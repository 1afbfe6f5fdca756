"""A picture that was measured is not measured again by the same nets: the same pixels give the same numbers.

That they do is held by the tests of the engines, which ask the nets.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any

import pytest

from verification.engines.faces.backends import Backend
from verification.engines.faces.embedding import Embedding
from verification.engines.faces.nets import OnnxRecogniser
from verification.engines.faces.portrait import Portrait
from verification.engines.liveness import landmarks


@pytest.fixture(scope="module")
def seen_once() -> Iterator[None]:
    """In this module the landmarks of a frame and the face in it are found once for the same pixels and nets."""
    with pytest.MonkeyPatch.context() as patch:
        measure, glance = landmarks.measure, Backend._glance
        measured = _once(lambda image, networks: measure(image, networks=networks))
        glanced = _once(lambda image, backend: glance(backend, image))
        patch.setattr(landmarks, "measure", lambda image, *, networks: measured(image, networks))
        patch.setattr(Backend, "_glance", lambda backend, image: glanced(image, backend))
        patch.setattr(OnnxRecogniser, "embed_all", _embedded_once(OnnxRecogniser.embed_all))
        yield


def _embedded_once(embed_all: Callable[[Any, Sequence[Portrait]], tuple[Embedding, ...]]) -> Callable[..., object]:
    """The same for a face that is cut out by the same points."""
    seen: dict[tuple[object, ...], tuple[Any, Embedding]] = {}

    def remembered(recogniser: Any, faces: Sequence[Portrait]) -> tuple[Embedding, ...]:
        keys = [
            (sha256(face.image.tobytes()).digest(), face.image.shape, face.points.tobytes(), id(recogniser))
            for face in faces
        ]
        fresh = {key: face for key, face in zip(keys, faces, strict=True) if key not in seen}
        found = embed_all(recogniser, list(fresh.values()))
        seen.update({key: (recogniser, each) for key, each in zip(fresh, found, strict=True)})
        return tuple(seen[key][1] for key in keys)

    return remembered


def _once(see: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`see(image, nets)`, asked once for each picture and nets. The nets are kept, so that no other takes their id."""
    seen: dict[tuple[bytes, tuple[int, ...], int], tuple[Any, Any]] = {}

    def remembered(image: Any, nets: Any) -> Any:
        key = (sha256(image.tobytes()).digest(), image.shape, id(nets))
        if key not in seen:
            seen[key] = (nets, see(image, nets))
        return seen[key][1]

    return remembered
