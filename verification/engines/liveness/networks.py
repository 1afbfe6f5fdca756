"""The three networks of a live capture, each run through LiteRT on one thread: pixels in, raw tensors out."""

from functools import cache
from typing import NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.liveness.crops import Floats, Shown


class Network:
    """One TFLite model. Not thread-safe: the interpreter keeps its tensors between calls."""

    def __init__(self, content: bytes, *, outputs: tuple[str, ...]) -> None:
        """`outputs` are the names of the tensors that are read, in order. Raises `Misconfigured` for another model."""
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        (entry,) = self._interpreter.get_input_details()
        named = {each["name"]: int(each["index"]) for each in self._interpreter.get_output_details()}
        if not set(outputs) <= set(named):
            raise Misconfigured("a landmark model has other outputs than the measured one")
        self._input = int(entry["index"])
        self._outputs = [named[name] for name in outputs]
        self.side = int(entry["shape"][1])

    def run(self, square: Shown) -> list[Floats]:
        """The named outputs, flat, for one square image (side, side, 3) in the model's own range."""
        self._interpreter.set_tensor(self._input, square[np.newaxis])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index).astype(np.float64).ravel() for index in self._outputs]


class Networks(NamedTuple):
    """The detector, the face mesh and the eye model. Build it once in each process, after fork, and keep it.

    eye: None for full frames, of which place, light and pose are asked: what the lids do is seen in the chain.
    """

    detection: Network
    mesh: Network
    eye: Network | None = None


@cache
def load_detection() -> Network:
    """The detector alone, once a process. Raises `Misconfigured` when its file is missing or is another one."""
    return Network(weights.read(weights.FACE_DETECTION), outputs=("regressors", "classificators"))


@cache
def load_mesh() -> Network:
    """The face mesh alone, as `load_detection`."""
    return Network(weights.read(weights.FACE_MESH), outputs=("conv2d_20", "conv2d_30"))


@cache
def load() -> Networks:
    """The networks from the pinned files, built at the first capture of a process, so after a worker has forked.

    Raises `Misconfigured` when a file is missing or is another one.
    """
    return Networks(
        detection=load_detection(),
        mesh=load_mesh(),
        eye=Network(weights.read(weights.IRIS), outputs=("output_eyes_contours_and_brows",)),
    )
