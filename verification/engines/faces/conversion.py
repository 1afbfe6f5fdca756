"""Converts dlib's face net to ONNX, once, at set-up: the same public-domain numbers, twenty times
as fast.

The source is one pinned file, so the converter supports its contents only.
dlib writes each layer as its name and its tensor, in the order of the forward pass.
Batch normalisation is folded into the convolution before it. Architecture: dlib,
`dnn_face_recognition_ex.cpp`.
A block adds its input to the result of two convolutions.
If a block halves the picture, its input is averaged 2 × 2, and the smaller of the two is padded
with zeros.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, checker, helper, numpy_helper

from verification.core.errors import Misconfigured
from verification.engines.faces.portrait import DLIB_SIDE as SIDE

NUMBERS = 128  # in the net's description of a face
INPUT, OUTPUT = "faces", "embeddings"
_MEANS, _SCALE = (
    (122.782, 117.001, 104.298),
    256.0,
)  # of RGB from 0 to 255; dlib, `input_rgb_image_sized`
# A layer's name, and for those with numbers the version of the tensor that follows; `fc_2` has its
# two sizes between.
_LAYER = re.compile(
    rb"\x01.(con_4|affine_)\x01\x02|\x01.(fc_2)\x01\x80\x02\x00\x01\x01\x02|\x01.(max_pool_2|avg_pool_2|add_prev_)",
    re.S,
)
_WITH_NUMBERS = ("con_4", "affine_", "fc_2")
_OPSET, _IR_VERSION = 17, 8
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """One layer of dlib's file: its name and its numbers, if any."""

    name: str
    numbers: Floats


def convert(weights: bytes) -> bytes:
    """The ONNX model of dlib's face net.

    Raises: `Misconfigured` for a file of another structure than the pinned one.
    """
    try:
        # A block ends with the layer that pools or adds; the layers after the last block are the
        # tail.
        blocks: list[list[Layer]] = [[]]
        for layer in read_layers(weights):
            blocks[-1].append(layer)
            if layer.name in ("max_pool_2", "add_prev_"):
                blocks.append([])
        return _Graph().built(blocks)
    except (ValueError, IndexError, checker.ValidationError) as error:
        raise Misconfigured(
            "the face net is not built like the one that is converted here"
        ) from error


def read_layers(weights: bytes) -> Iterator[Layer]:
    """The layers in order. The contents of a tensor are never taken for a name.

    dlib's tensor, version 2: four sizes, each after its own length in bytes, and plain
    little-endian floats.
    """
    at = 0
    while match := _LAYER.search(weights, at):
        name, at = next(group for group in match.groups() if group).decode(), match.end()
        numbers = np.zeros(0, np.float32)
        if name in _WITH_NUMBERS:
            size = 4  # bytes of a number
            for _ in range(4):
                start = at + 1
                at = start + weights[at]
                size *= int.from_bytes(weights[start:at], "little")
            numbers, at = np.frombuffer(weights[at : at + size], "<f4"), at + size
        yield Layer(name, numbers)


class _Graph:
    """The ONNX graph, built from the picture on. `_side` and `_channels` belong to the present
    value.
    """

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._side, self._channels = SIDE, 3

    def built(self, blocks: Sequence[Sequence[Layer]]) -> bytes:
        """The whole net, checked and serialised: 1 centre the picture · 2 stem · 3 residual
        blocks · 4 tail.
        """
        (convolution, normalisation, _), *middle, (_, matrix) = blocks
        means, scale = (
            np.array(_MEANS, np.float32).reshape(1, 3, 1, 1),
            np.array(_SCALE, np.float32),
        )
        value = self._node(
            "Div", [self._node("Sub", [INPUT, self._kept(means)]), self._kept(scale)]
        )  # 1
        value = self._convolved(
            value, convolution, normalisation, kernel=7, stride=2, padding=0
        )  # 2
        value = self._node(
            "MaxPool", [self._node("Relu", [value])], kernel_shape=[3, 3], strides=[2, 2]
        )
        self._side = (self._side - 3) // 2 + 1
        for first, first_scale, second, second_scale, *rest in middle:  # 3
            entry, side, channels, is_halved = (
                value,
                self._side,
                self._channels,
                rest[0].name == "avg_pool_2",
            )
            stride, padding = (2, 0) if is_halved else (1, 1)
            value = self._convolved(
                value, first, first_scale, kernel=3, stride=stride, padding=padding
            )
            value = self._node("Relu", [value])
            value = self._convolved(value, second, second_scale, kernel=3, stride=1, padding=1)
            if is_halved:
                entry = self._node("AveragePool", [entry], kernel_shape=[2, 2], strides=[2, 2])
                side = (side - 2) // 2 + 1
            value = self._filled(value, channels=0, side=side - self._side)
            entry = self._filled(entry, channels=self._channels - channels, side=self._side - side)
            self._side = max(side, self._side)
            value = self._node("Relu", [self._node("Add", [value, entry])])
        flat = self._node("Flatten", [self._node("GlobalAveragePool", [value])])  # 4
        weights = self._kept(matrix.numbers.reshape(self._channels, NUMBERS))
        self._nodes.append(helper.make_node("MatMul", [flat, weights], [OUTPUT]))
        sizes = {INPUT: ("n", 3, SIDE, SIDE), OUTPUT: ("n", NUMBERS)}
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, size)
            for name, size in sizes.items()
        ]
        graph = helper.make_graph(self._nodes, "dlib_face", ends[:1], ends[1:], self._constants)
        opset = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(
            graph, opset_imports=opset, ir_version=_IR_VERSION, producer_name="tulga"
        )
        checker.check_model(model, full_check=True)
        encoded: bytes = model.SerializeToString(deterministic=True)
        return encoded

    def _convolved(
        self, value: str, layer: Layer, scale: Layer, *, kernel: int, stride: int, padding: int
    ) -> str:
        """dlib stores filters, then biases; of the normalisation the factors, then the summands."""
        factors, summands = scale.numbers.reshape(2, -1)
        filters, biases = np.split(layer.numbers, [len(layer.numbers) - len(factors)])
        shaped = filters.reshape(len(factors), self._channels, kernel, kernel) * factors.reshape(
            -1, 1, 1, 1
        )
        self._side = (self._side + 2 * padding - kernel) // stride + 1
        self._channels = len(factors)
        inputs = [value, self._kept(shaped), self._kept(biases * factors + summands)]
        sizes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [padding] * 4}
        return self._node("Conv", inputs, **sizes)

    def _filled(self, value: str, *, channels: int, side: int) -> str:
        """The value padded with so many zero channels, rows and columns, at the end."""
        if channels <= 0 and side <= 0:
            return value
        more = [0, max(channels, 0), max(side, 0), max(side, 0)]
        return self._node("Pad", [value, self._kept(np.array([0, 0, 0, 0, *more], np.int64))])

    def _node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"value_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _kept(self, numbers: npt.NDArray[np.float32] | npt.NDArray[np.int64]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(numbers), name))
        return name
