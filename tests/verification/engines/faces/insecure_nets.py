"""Nets that an operator may bring by mistake, as ONNX: each takes faces, and none may judge
anybody.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_COLOURS: Sequence[NodeProto] = (
    helper.make_node("GlobalAveragePool", ["faces"], ["means"]),
    helper.make_node("Flatten", ["means"], ["colours"]),
)
Matrix = npt.NDArray[np.float32]
MATRIX: Matrix = np.random.default_rng(1).normal(size=(3, 64)).astype(np.float32)
ELSEWHERE = "numbers.bin"


def every() -> Iterator[tuple[str, bytes]]:
    """What is wrong with it, and the file."""
    for name, matrix in (
        ("zeros", MATRIX * 0),
        ("no numbers", MATRIX * np.nan),
        ("nothing", MATRIX[:, :0]),
    ):
        yield name, _spelled([*_COLOURS, _multiplied("answer")], matrix)
    constant = helper.make_node("Add", ["black", "always"], ["answer"])
    yield (
        "always the same",
        _spelled([*_COLOURS, _multiplied("black"), constant], MATRIX * 0, always=MATRIX[:1]),
    )
    positive = helper.make_node("Exp", ["one"], ["answer"])
    yield (
        "one number",
        _spelled([*_COLOURS, _multiplied("one"), positive], MATRIX[:, :1] / np.float32(1000)),
    )
    yield "chance", _spelled([helper.make_node("RandomNormalLike", ["faces"], ["answer"])], MATRIX)
    yield (
        "unknown",
        _spelled([helper.make_node("Evil", ["faces"], ["answer"], domain="evil")], MATRIX),
    )
    huge = helper.make_node("ConstantOfShape", ["size"], ["answer"])
    yield "a terabyte", _spelled([huge], MATRIX, size=np.array([2**38], np.int64))
    elsewhere = _elsewhere(_spelled([*_COLOURS, _multiplied("answer")], MATRIX))
    yield "elsewhere", elsewhere
    # The other file's name before the word that says what it is: onnxruntime reads that as well.
    word, place = b"\x0a\x08location", b"\x12" + bytes([len(ELSEWHERE)]) + ELSEWHERE.encode()
    yield "elsewhere, turned round", elsewhere.replace(word + place, place + word)


def sound(*, faces: str | int = "n") -> bytes:
    """The net that the others are wrong ones of: it tells colours apart. faces: how many it takes
    at once, or any.
    """
    return _spelled([*_COLOURS, _multiplied("answer")], MATRIX, faces)


def _multiplied(result: str) -> NodeProto:
    return helper.make_node("MatMul", ["colours", "matrix"], [result])


def _spelled(
    nodes: Sequence[NodeProto],
    matrix: Matrix,
    count: str | int = "n",
    **more: npt.NDArray[np.float32 | np.int64],
) -> bytes:
    kept = [
        numpy_helper.from_array(numbers, name)
        for name, numbers in {"matrix": matrix, **more}.items()
    ]
    faces = helper.make_tensor_value_info("faces", TensorProto.FLOAT, (count, 3, 150, 150))
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "net", [faces], [answer], kept)
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("evil", 1)]
    spelled: bytes = helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString()
    return spelled


def _elsewhere(spelled: bytes) -> bytes:
    """The same, with its numbers in a file beside it."""
    model = ModelProto.FromString(spelled)
    (tensor,) = model.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=ELSEWHERE)
    moved: bytes = model.SerializeToString()
    return moved
