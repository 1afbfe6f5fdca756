"""A picture that was measured is not measured again by the same nets: the same pixels give the same
numbers.

That they do is held by the tests of the engines, which ask the nets.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from typing import Any

import pytest

from verification.engines.faces.backends import Backend
from verification.engines.faces.nets import OnnxRecogniser
from verification.engines.liveness import corners, landmarks, planarity


@pytest.fixture(scope="module")
def seen_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """In this module what is found of a frame, and from one frame to the next, is found once a
    process.
    """
    with remembered():
        yield
    if request.node.get_closest_marker("proof"):
        # no other test uses its many frames, and each is kept with its pixels
        _remembering.cache_clear()


@contextmanager
def remembered() -> Iterator[None]:
    """The same where no test asks: in a process that a test started."""
    landmarks_of, faces_of, embeddings_of, depth_of, kept_of, around_of = _remembering()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            landmarks, "measure_all", lambda images, *, networks: landmarks_of(networks, images)
        )
        patch.setattr(
            Backend, "look_at_all", lambda backend, images: tuple(faces_of(backend, images))
        )
        patch.setattr(
            OnnxRecogniser,
            "embed_all",
            lambda recogniser, faces: tuple(embeddings_of(recogniser, faces)),
        )
        patch.setattr(planarity, "measure", depth_of)
        patch.setattr(corners, "kept_share", kept_of)
        patch.setattr(corners, "around", around_of)
        yield


@cache
def _remembering() -> tuple[Callable[..., Any], ...]:
    """The functions as they are before anything is put in their place; they remember as long as the
    process lives.
    """
    measure_all = landmarks.measure_all
    return (
        _each_once(lambda nets, images: measure_all(images, networks=nets), _pixels),
        _each_once(Backend.look_at_all, _pixels),
        # The same face is one that is cut out by the same points.
        _each_once(
            OnnxRecogniser.embed_all, lambda face: (*_pixels(face.image), face.points.tobytes())
        ),
        _once(planarity.measure),
        _once(corners.kept_share),
        _once(corners.around),
    )


def _pixels(image: Any) -> tuple[object, ...]:
    return sha256(image.tobytes()).digest(), image.shape


def _each_once(
    see_all: Callable[[Any, Sequence[Any]], Sequence[Any]],
    named: Callable[[Any], tuple[object, ...]],
) -> Callable[[Any, Sequence[Any]], list[Any]]:
    """`see_all(nets, shown)`, each asked once for the same nets. Those are kept, so that no other
    takes their id.
    """
    seen: dict[tuple[object, ...], tuple[Any, Any]] = {}

    def remembered(nets: Any, shown: Sequence[Any]) -> list[Any]:
        names = [(id(nets), *named(each)) for each in shown]
        fresh = {name: each for name, each in zip(names, shown, strict=True) if name not in seen}
        found = see_all(nets, list(fresh.values()))
        seen.update({name: (nets, each) for name, each in zip(fresh, found, strict=True)})
        return [seen[name][1] for name in names]

    return remembered


def _once(measure: Callable[..., Any]) -> Callable[..., Any]:
    """A measurement of pictures and meshes, or of lists of them, with limits or without."""
    found: dict[object, Any] = {}

    def remembered(*shown: Any, **limits: Any) -> Any:
        name = (*map(_named, shown), *limits.items())
        if name not in found:
            found[name] = measure(*shown, **limits)
        return found[name]

    return remembered


def _named(shown: Any) -> tuple[object, ...]:
    return tuple(map(_named, shown)) if isinstance(shown, Sequence) else _pixels(shown)
