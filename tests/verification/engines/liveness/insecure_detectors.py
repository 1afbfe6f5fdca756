"""Detectors of presentation attacks that know nothing of them, as ONNX made here, and the
descriptions beside them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

SIDE = 32
_COLOURS: Sequence[NodeProto] = (
    helper.make_node("GlobalAveragePool", ["faces"], ["means"]),
    helper.make_node("Flatten", ["means"], ["colours"]),
)
CERTIFICATE = {
    "number": "PAD-1",
    "laboratory": "A laboratory",
    "level": "level 2",
    "issued_on": "2026-01-31",
}
DESCRIPTION: Mapping[str, Any] = {
    "schema": "tulga-passive-detector-1",
    "name": "small",
    "threshold": "0.5",
    "nets": [],
    "calibration": {
        "dataset": "Invented pictures",
        "made_on": "2026-11-20",
        "people": "17",
        "bona_fide": "100",
        "rejected": "5",
        "species": [{"name": "prints", "presentations": "18", "accepted": "7"}],
    },
    "certificates": [],
}


def saying(bona_fide: float) -> bytes:
    """Logits of two classes: the second one is so much likelier, and a little more so the redder
    the picture is.
    """
    matrix = np.array([[0, 1e-4], [0, 0], [0, 0]], np.float32)
    return _spelled(
        [*_multiplied("logits"), _add("logits", "answer")], matrix, {"bias": [[0.0, bona_fide]]}
    )


def redness() -> bytes:
    """One probability, which is how red the picture is, 0 … 1."""
    matrix = np.array([[1 / 255], [0], [0]], np.float32)
    return _spelled(_multiplied("answer"), matrix)


def blind_to_red() -> bytes:
    """No numbers for a picture with more red than 135 grey levels, as faces have: the root of less
    than nothing.
    """
    matrix = np.array([[0, -1], [0, 0], [0, 0]], np.float32)
    rooted = [_add("paler", "left"), helper.make_node("Sqrt", ["left"], ["answer"])]
    return _spelled([*_multiplied("paler"), *rooted], matrix, {"bias": [[1.0, 135.0]]})


def faulting_in_the_light() -> bytes:
    """It looks into a table by the red of the picture, which ends at 200 grey levels."""
    matrix = np.array([[1], [0], [0]], np.float32)
    asked = [
        helper.make_node("Cast", ["place"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Gather", ["bias", "whole"], ["answer"], axis=1),
    ]
    return _spelled(
        [*_multiplied("place"), *asked], matrix, {"bias": [[at / 200 for at in range(200)]]}
    )


def wrong() -> Mapping[str, bytes]:
    """Nets that can be no detector, by what is wrong with them."""
    matrix = np.array([[0, 1e-4], [0, 0], [0, 0]], np.float32)
    return {
        "the same always": _spelled(_multiplied("answer"), matrix * 0),
        "no numbers": _spelled(_multiplied("answer"), matrix * np.float32(np.nan)),
        "one output": _spelled(_multiplied("answer"), matrix[:, 1:]),
        "chance": _spelled([helper.make_node("RandomNormalLike", ["faces"], ["answer"])], matrix),
        "no model": b"no model",
    }


def net(file: str, content: bytes) -> dict[str, str]:
    """How a net stands in a description."""
    sha256 = hashlib.sha256(content).hexdigest()
    shown = {"side": str(SIDE), "crop": "2.7", "channels": "RGB", "mean": "0", "scale": "1"}
    return {"file": file, "sha256": sha256, **shown, "answer": "logits", "bona_fide": "1"}


def install(
    folder: Path, *contents: bytes, of_net: Mapping[str, str] | None = None, **changes: Any
) -> Path:
    """The description of these nets, beside their files."""
    nets = []
    for number, content in enumerate(contents):
        (folder / f"{number}.onnx").write_bytes(content)
        nets.append(net(f"{number}.onnx", content) | dict(of_net or {}))
    description = folder / "detector.json"
    description.write_text(json.dumps({**DESCRIPTION, "nets": nets, **changes}))
    return description


def _multiplied(result: str) -> list[NodeProto]:
    return [*_COLOURS, helper.make_node("MatMul", ["colours", "matrix"], [result])]


def _add(given: str, result: str) -> NodeProto:
    return helper.make_node("Add", [given, "bias"], [result])


def _spelled(
    nodes: Sequence[NodeProto],
    matrix: npt.NDArray[np.float32],
    more: Mapping[str, list[list[float]]] | None = None,
) -> bytes:
    named = {
        "matrix": matrix,
        **{name: np.array(numbers, np.float32) for name, numbers in (more or {}).items()},
    }
    kept = [numpy_helper.from_array(numbers, name) for name, numbers in named.items()]
    faces = helper.make_tensor_value_info("faces", TensorProto.FLOAT, ("n", 3, SIDE, SIDE))
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "detector", [faces], [answer], kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    spelled: bytes = model.SerializeToString()
    return spelled
