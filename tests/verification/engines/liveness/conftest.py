"""The networks once for the session, and photographs of faces."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from insecure_sandbox import samples
from verification.engines.liveness import networks
from verification.engines.liveness.frames import Image
from verification.engines.liveness.networks import Networks


@pytest.fixture(scope="session")
def loaded() -> Networks:
    """The landmark networks."""
    return networks.load()


@pytest.fixture(scope="session")
def portraits() -> dict[str, Image]:
    """Official portraits by file name, RGB; skips where they cannot be downloaded."""
    try:
        folder = samples.fetch()
    except OSError as error:
        pytest.skip(str(error))
    return {name: _read(folder / name) for name in samples.NAMES}


def _read(path: Path) -> Image:
    return np.asarray(Pillow.open(path).convert("RGB"), dtype=np.uint8)
