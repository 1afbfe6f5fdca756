"""Rewrites OpenCV Zoo's nets for fast runs in onnxruntime, once, at set-up: the same numbers in
another form.

The originals store weights as scaled 8-bit blocks, which the graph expands for every picture.
SFace's weights are also listed as inputs without values.

1. Compute here every part that does not depend on the picture.
2. Write a PReLU as Relu and Mul, which take onnxruntime less than half the time.
3. Make the picture the only input: so many of SFace's size, or any size for YuNet.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError
from onnx import ModelProto, NodeProto, checker, helper, numpy_helper

from verification.core.errors import Misconfigured

Constants = dict[str, npt.NDArray[Any]]


def fold(original: bytes, *, free: dict[int, str]) -> bytes:
    """The net in 32-bit numbers. free: axes of the picture with any length, with a name for each.

    Raises: `Misconfigured` for a file of another structure than the pinned ones.
    """
    try:
        model = ModelProto.FromString(original)
        graph, constants = (
            model.graph,
            {
                initializer.name: numpy_helper.to_array(initializer)
                for initializer in model.graph.initializer
            },
        )
        nodes = [written for node in graph.node for written in _rewritten(node, constants)]
        picture, used = graph.input[0], {name for node in nodes for name in node.input}
        for part in ("node", "initializer", "input", "value_info"):
            graph.ClearField(part)
        graph.node.extend(nodes)
        graph.initializer.extend(
            numpy_helper.from_array(numbers, name)
            for name, numbers in constants.items()
            if name in used
        )
        for axis, name in free.items():  # 3
            picture.type.tensor_type.shape.dim[axis].dim_param = name
        graph.input.append(picture)
        for result in graph.output:
            for axis, size in enumerate(result.type.tensor_type.shape.dim):
                size.dim_param = f"{result.name}_{axis}"
        checker.check_model(model, full_check=True)
        encoded: bytes = model.SerializeToString(deterministic=True)
    except (DecodeError, ValueError, IndexError, KeyError, checker.ValidationError) as error:
        raise Misconfigured("the net is not built like the one that is folded here") from error
    return encoded


def _rewritten(node: NodeProto, constants: Constants) -> Iterator[NodeProto]:
    """A node's replacement: empty if its result is a constant, which joins the others."""
    inputs, name = list(node.input), node.output[0]
    attributes = {
        attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute
    }
    if node.op_type == "Constant":
        constants[name] = numpy_helper.to_array(attributes["value"])
    elif node.op_type == "DequantizeLinear":  # 1
        indices, axis = constants[inputs[0]].astype(np.int32), attributes["axis"]
        # The last block of an axis may be incomplete.
        scale, zero = (
            np.repeat(constants[attribute], attributes["block_size"], axis).take(
                range(indices.shape[axis]), axis
            )
            for attribute in inputs[1:]
        )
        constants[name] = ((indices - zero.astype(np.int32)) * scale).astype(np.float32)
    elif node.op_type == "Reshape" and inputs[0] in constants:
        constants[name] = constants[inputs[0]].reshape(constants[inputs[1]])
    elif (
        node.op_type == "PRelu"
    ):  # 2: slope × x where x is negative is slope × x + (1 - slope) × Relu(x) everywhere
        value, slope = inputs
        constants[f"{name}_rest"] = (1 - constants[slope]).astype(np.float32)
        yield helper.make_node("Relu", [value], [f"{name}_positive"])
        yield helper.make_node("Mul", [f"{name}_positive", f"{name}_rest"], [f"{name}_share"])
        yield helper.make_node("Mul", [value, slope], [f"{name}_sloped"])
        yield helper.make_node("Add", [f"{name}_share", f"{name}_sloped"], [name])
    elif node.op_type == "Dropout":  # for training: in use it passes its input on
        yield helper.make_node("Identity", inputs[:1], [name])
    else:
        yield node
