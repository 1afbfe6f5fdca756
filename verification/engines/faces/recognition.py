"""Two images in, one distance out, by whichever backend is in use."""

from verification.core.results import Detail
from verification.engines.faces import backends, policy, quality
from verification.engines.faces.alignment import Face
from verification.engines.faces.backends import Backend
from verification.engines.faces.embedding import Embedding
from verification.engines.faces.image_gate import Pixels
from verification.engines.faces.quality import Quality


def embed(image: Pixels) -> Embedding:
    """The numbers of the one face in an image.

    Raises `Refused` with a code of `core/reasons.py`: no face, several, or one too poor to be compared.
    """
    backend = backends.in_use()
    face, _ = accept(image, backend=backend)
    return backend.embed(face)


def accept(image: Pixels, *, backend: Backend) -> tuple[Face, Quality]:
    """The one face in an image, aligned, and how good it is. Raises what `embed` raises."""
    face = backend.align(image, backend.detect(image))
    found = quality.measure(face)
    quality.refuse_poor(found, limits=policy.QUALITY)
    return face, found


def facts() -> Detail:
    """Which net measured, and what its distances mean, as a result names them."""
    return {name: str(value) for name, value in backends.in_use().report().items()}
