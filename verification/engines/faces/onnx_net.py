"""A face net in ONNX, run on one thread: aligned faces in, raw numbers out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime  # its errors have no public home

from verification.core.errors import Misconfigured
from verification.engines.faces.embedding import Numbers
from verification.engines.faces.image_gate import Pixels

_FAULTS = (
    runtime.EPFail,
    runtime.Fail,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.NoSuchFile,
    runtime.NotImplemented,
    runtime.RuntimeException,
)


class OnnxNet:
    """One model. It keeps nothing between calls; threads may share it."""

    def __init__(self, model: Path) -> None:
        """Raises `Misconfigured` for a file that is no model, or has more than one input."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # A worker looks at a few faces a minute: an arena would hold the memory of the largest moment for good.
        options.enable_cpu_mem_arena = False
        # One level below the highest, which keeps a second copy of all weights: 31 MB a worker for 2 ms a face.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.log_severity_level = 3  # errors; a warning would print the model's own words
        try:
            self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            (entry,) = self._session.get_inputs()
            result, *_ = self._session.get_outputs()
        except (*_FAULTS, ValueError) as error:
            raise Misconfigured("the face model is no ONNX model with one input") from error
        self._input, self._output = entry.name, result.name

    def run(self, chips: Sequence[npt.NDArray[np.float32] | Pixels]) -> Numbers:
        """A row of numbers for each face (side × side × 3). Raises `Misconfigured` if the model wants other faces."""
        batch = np.stack(chips).transpose(0, 3, 1, 2).astype(np.float32)
        try:
            rows = self._session.run([self._output], {self._input: batch})[0]
            return np.asarray(rows, dtype=np.float64).reshape(len(chips), -1)
        except (*_FAULTS, ValueError, TypeError) as error:
            raise Misconfigured("the face model takes no faces of this size, or gives no numbers") from error
