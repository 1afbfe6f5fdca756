"""The portraits, and the default backend, once for the session."""

from pathlib import Path

import pytest
from django.conf import settings

from insecure_sandbox import samples
from verification.engines.faces import backends
from verification.engines.faces.backends import Backend, Choice
from verification.engines.faces.image_gate import ImageLimits, Pixels, open_image
from verification.engines.faces.portrait import Portrait

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=25_000_000)


@pytest.fixture(scope="session")
def folder() -> Path:
    """The folder with the official portraits; skips where they cannot be downloaded."""
    try:
        return samples.fetch()
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def portraits(folder: Path) -> dict[str, Pixels]:
    """Official portraits by file name, RGB."""
    return {name: pixels(folder / name) for name in samples.NAMES}


@pytest.fixture(scope="session")
def faces(portraits: dict[str, Pixels], default: Backend) -> dict[str, Portrait]:
    """The faces of the portraits."""
    return {name: default.find(image)[0] for name, image in portraits.items()}


@pytest.fixture(scope="session")
def models() -> Path:
    """Where set-up built the default model."""
    return Path(settings.TULGA_FACE_MODELS_DIR)


@pytest.fixture(scope="session")
def default(models: Path) -> Backend:
    """The backend that is used where nothing else is set."""
    return backends.load(Choice(models=models))


def pixels(path: Path) -> Pixels:
    """A photograph as every reference is opened."""
    return open_image(path.read_bytes(), limits=LIMITS)


@pytest.fixture(scope="session")
def dlib(models: Path) -> Backend:
    """dlib's own net, converted."""
    return backends.load(Choice(backend="dlib-onnx", models=models))


@pytest.fixture(scope="session")
def reference(models: Path) -> Backend:
    """face_recognition itself."""
    return backends.load(Choice(backend="face_recognition", models=models))
