"""A picture that was measured is not measured again by the same nets: the same pixels give the same numbers.

That they do is held by the tests of the engines, which ask the nets.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any

import pytest

from verification.engines.faces.backends import Backend
from verification.engines.faces.nets import OnnxRecogniser
from verification.engines.liveness import landmarks


@pytest.fixture(scope="module")
def seen_once() -> Iterator[None]:
    """In this module the landmarks of a frame and the face in it are found once for the same pixels and nets."""
    measure_all = landmarks.measure_all
    measured = _each_once(lambda nets, images: measure_all(images, networks=nets), _pixels)
    looked = _each_once(Backend.look_at_all, _pixels)
    # The same face is one that is cut out by the same points.
    embedded = _each_once(OnnxRecogniser.embed_all, lambda face: (*_pixels(face.image), face.points.tobytes()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landmarks, "measure_all", lambda images, *, networks: measured(networks, images))
        patch.setattr(Backend, "look_at_all", lambda backend, images: tuple(looked(backend, images)))
        patch.setattr(OnnxRecogniser, "embed_all", lambda recogniser, faces: tuple(embedded(recogniser, faces)))
        yield


def _pixels(image: Any) -> tuple[object, ...]:
    return sha256(image.tobytes()).digest(), image.shape


def _each_once(
    see_all: Callable[[Any, Sequence[Any]], Sequence[Any]], named: Callable[[Any], tuple[object, ...]]
) -> Callable[[Any, Sequence[Any]], list[Any]]:
    """`see_all(nets, shown)`, each asked once for the same nets. Those are kept, so that no other takes their id."""
    seen: dict[tuple[object, ...], tuple[Any, Any]] = {}

    def remembered(nets: Any, shown: Sequence[Any]) -> list[Any]:
        names = [(id(nets), *named(each)) for each in shown]
        fresh = {name: each for name, each in zip(names, shown, strict=True) if name not in seen}
        found = see_all(nets, list(fresh.values()))
        seen.update({name: (nets, each) for name, each in zip(fresh, found, strict=True)})
        return [seen[name][1] for name in names]

    return remembered
