"""The library that runs the nets tells its maker nothing, and leaves no lasting id of the
machine.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from verification.engines import weights
from verification.engines.faces import nets

pytestmark = pytest.mark.service

ROOT = Path(__file__).resolve().parents[4]
BARE = "import sys, onnxruntime; onnxruntime.InferenceSession(sys.argv[1])"
OURS = (
    "import sys; from pathlib import Path; from verification.engines.faces import nets;"
    " nets.OnnxNet(Path(sys.argv[1]))"
)


def left_behind(home: Path, code: str, net: Path) -> list[str]:
    """What a process with a home of its own leaves there. The library is silent where it takes
    itself to be tested.
    """
    bare = {"PATH": os.environ["PATH"], "HOME": str(home)}
    subprocess.run([sys.executable, "-c", code, str(net)], cwd=ROOT, env=bare, check=True)
    return [
        path.name
        for path in home.rglob("*")
        if "onnxruntime" in str(path) or path.name == "deviceid"
    ]


def test_our_process_leaves_no_record_where_the_library_by_itself_does(
    tmp_path: Path, models: Path
) -> None:
    net = nets.built(models, weights.ZOO[0].sha256)
    bare, ours = tmp_path / "bare", tmp_path / "ours"
    bare.mkdir()
    ours.mkdir()
    assert left_behind(ours, OURS, net) == []
    if not left_behind(bare, BARE, net):
        pytest.skip("on this machine the library leaves nothing by itself either")
