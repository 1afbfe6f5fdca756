"""Two images in, one distance out, by whichever backend is in use."""

from verification.core.results import Detail
from verification.engines.faces import backends, policy, quality
from verification.engines.faces.embedding import Embedding
from verification.engines.faces.image_gate import Pixels


def embed(image: Pixels) -> Embedding:
    """The numbers of the one face in an image.

    Raises `Refused` with a code of `core/reasons.py`: no face, several, or one too poor to be compared.
    """
    backend = backends.in_use()
    face = backend.align(image, backend.detect(image))
    quality.refuse_poor(quality.measure(face), limits=policy.QUALITY)
    return backend.embed(face)


def facts() -> Detail:
    """Which net measured, and what its distances mean, as a result names them."""
    return {name: str(value) for name, value in backends.in_use().report().items()}
