"""A picture that was measured is not measured again by the same nets: the same pixels give the same numbers.

That they do is held by the tests of the engines, which ask the nets.
"""

from collections.abc import Callable, Iterator
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
        measure, look = landmarks.measure, Backend.look
        measured, looked = _once(lambda image, networks: measure(image, networks=networks)), _once(_swapped(look))
        patch.setattr(landmarks, "measure", lambda image, *, networks: measured(image, networks))
        patch.setattr(Backend, "look", lambda backend, image: looked(image, backend))
        patch.setattr(OnnxRecogniser, "embed", _embedded_once(OnnxRecogniser.embed))
        yield


def _swapped(look: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda image, backend: look(backend, image)


def _embedded_once(embed: Callable[[Any, Portrait], Embedding]) -> Callable[[Any, Portrait], Embedding]:
    """The same for a face that is cut out by the same points."""
    seen: dict[tuple[object, ...], tuple[Any, Embedding]] = {}

    def remembered(recogniser: Any, face: Portrait) -> Embedding:
        points = face.points.tobytes()
        key = (sha256(face.image.tobytes()).digest(), face.image.shape, points, id(recogniser))
        if key not in seen:
            seen[key] = (recogniser, embed(recogniser, face))
        return seen[key][1]

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
