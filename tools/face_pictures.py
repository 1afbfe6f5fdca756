"""Photographs in files, each measured once by a backend, as a route would measure it."""

import hashlib
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from verification.core.errors import BadInput, Misconfigured, Refused
from verification.engines.faces import backends
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.embedding import Embedding
from verification.engines.faces.image_gate import ImageLimits
from verification.engines.faces.portrait import Quality

# faces.md §4: what a camera of today writes, and no bomb.
_PROGRESS_SECONDS = 5
LIMITS = ImageLimits(max_bytes=10 * 1024 * 1024, max_pixels=25_000_000)


@dataclass(frozen=True)
class Measured:
    """A picture's face, or the code it was refused with. sha256: of the file, or of what of it the
    limits let in.
    """

    sha256: str
    embedding: Embedding | None = None
    quality: Quality | None = None
    code: str = ""


def add_backend(parser: ArgumentParser) -> None:
    """The arguments that choose a backend for one run."""
    parser.add_argument("--backend", choices=backends.NAMES, help="in place of TULGA_FACE_BACKEND")
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="the description of your own net, for onnx-custom",
    )


def backend_of(options: Mapping[str, Any], *, calibration: Path | None) -> Backend:
    """The backend of the deployment, or the one that the arguments name. Raises `Misconfigured`.

    calibration: a file in place of the shipped one.
    """
    named = _name(options)
    if named not in backends.NAMES:
        raise Misconfigured(f"there is no face backend {named}")
    model = options["model"] or settings.TULGA_FACE_MODEL
    choice = Choice(
        backend=named, models=settings.TULGA_FACE_MODELS_DIR, model=model, calibration=calibration
    )
    return backends.loaded(choice)


def calibration_of(options: Mapping[str, Any]) -> Path | None:
    """The calibration that the arguments name, or the deployment's where the net is the
    deployment's too.
    """
    is_deployed = _name(options) == settings.TULGA_FACE_BACKEND and options["model"] is None
    deployed: Path | None = settings.TULGA_FACE_CALIBRATION if is_deployed else None
    return options["calibration"] or deployed


def measure_file(path: Path, backend: Backend) -> Measured:
    """The one face of a file. Raises `BadInput` for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            untrusted = file.read(LIMITS.max_bytes + 1)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path.name} cannot be read: {type(error).__name__}") from error
    digest = hashlib.sha256(untrusted).hexdigest()
    try:
        face, found = backend.open(untrusted, limits=LIMITS)
    except Refused as refused:
        return Measured(digest, code=refused.code)
    return Measured(digest, backend.embed(face), found)


def measure_all(
    paths: Iterable[Path], backend: Backend, *, progress: Callable[[str], object] | None = None
) -> dict[Path, Measured]:
    """Each of these files once, however often it is named. Raises `BadInput` for one that cannot be
    read.

    progress: told every few seconds how many are done.
    """
    wanted, found, reported_at = sorted(set(paths)), {}, time.monotonic()
    for path in wanted:
        found[path] = measure_file(path, backend)
        if progress is not None and time.monotonic() - reported_at > _PROGRESS_SECONDS:
            reported_at = time.monotonic()
            progress(f"{len(found)} of {len(wanted)} pictures measured")
    return found


def _name(options: Mapping[str, Any]) -> str:
    return str(options["backend"] or settings.TULGA_FACE_BACKEND)
