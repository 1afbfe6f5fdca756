"""Measures the shape of the house and writes docs/evidence/house.json. Two runs on one commit give
the same.

Usage: python -m scripts.measure_house     (about a minute; on a clean commit, or the evidence says
    it was not)

`rooms`: the Python files of each room, without migrations, vectors and docstrings. Counted are
    files, statements of the syntax tree, and bindings (variables, parameters, functions).
    So are bindings with a name of scripts/vague_names.txt, which does not describe its value.
`product`: the same of config, people, lenders, verification and tools together.
`eds_judgement`, `live_judgement`, `opening`: functions of the product entered during one scene, by
    file and qualified name (sys.setprofile, in every thread begun meanwhile). A worker judges a
    signed statement (GOST keys) or a live capture (route `biometric`); both end verified. A
    lender's POST /v1/verifications is answered with 201. `files` are the files of these functions,
    `depth` the most of their calls on one stack, with recursion. Left out are lambdas,
    comprehensions, class bodies, and all that runs while a module is imported. Each scene is the
    first of its kind in its process, so that one-time loading and caching are in it.
    Scenes: tests/measured/house_runs.py. Revocation is answered from memory, without a
    time-stamp; the state's registers are a sandbox process, asked over HTTP; SQLite.
    `seed` draws the commands of the capture. With gmpy2 or without libgcrypt some other functions
    run. A scene with an unexpected end stops the measurement.
`lists`: the files behind the figures of runs.
"""

import ast
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FrameType
from xml.etree import ElementTree

from tests.proofs import write_evidence

PRODUCT = ("config", "operators", "people", "lenders", "verification", "tools")
BESIDE = ("insecure_sandbox", "clients/python/tulga", "scripts", "bench", "tests")
CAPTURE_SEED = 7
"""For the measured live capture's commands: both turns and two others, the maximum."""
DEPTH = "depth of calls"
"""The name under which a scene reports it."""
VAGUE_NAMES = frozenset(
    (Path(__file__).parent / "vague_names.txt").read_text(encoding="utf-8").split()
)
_ROOT = Path(__file__).resolve().parent.parent
_NOT_COUNTED = {"__pycache__", "migrations", "vectors"}
_SCENES = "tests/measured/house_runs.py"
_RUNS = ("eds_judgement", "live_judgement", "opening")


@dataclass
class Run:
    """The functions of a run, each a file and a qualified name, and the maximum of nested calls,
    with recursion.
    """

    functions: set[tuple[str, str]] = field(default_factory=set)
    depth: int = 0


def main() -> None:
    """Measure, write and say where."""
    # A developer's own: no scene uses it, so the evidence must not name it.
    os.environ.pop("DATABASE_URL", None)
    rooms = count_rooms(_ROOT)
    product: Counter[str] = Counter()
    for room, counts in rooms.items():
        if room.split("/")[0] in PRODUCT:
            product.update(counts)
    figures: dict[str, object] = {
        "product": product | {"vague_percent": _percent(product)},
        "rooms": rooms,
    }
    lists = {}
    for scene in _RUNS:
        run = _play(scene)
        lists[scene] = sorted({file for file, _ in run.functions})
        figures[scene] = {
            "functions": len(run.functions),
            "files": len(lists[scene]),
            "depth": run.depth,
        }
    content = {"failures": [], "figures": figures, "lists": lists}
    path = write_evidence("house", seed=CAPTURE_SEED, found=content)
    print(f"written to {path.relative_to(_ROOT)}")


def count_rooms(root: Path) -> dict[str, Counter[str]]:
    """Files, statements, bindings and vague names by room. The rooms of verification are
    separate; files outside them count as `verification`.
    """
    rooms: dict[str, Counter[str]] = {}
    for place in (*PRODUCT, *BESIDE):
        for path in sorted((root / place).rglob("*.py")):
            inside = path.relative_to(root / place).parts
            if not _NOT_COUNTED.isdisjoint(inside):
                continue
            is_room = place == "verification" and len(inside) > 1
            room = rooms.setdefault(f"{place}/{inside[0]}" if is_room else place, Counter())
            room.update(_count(path.read_text(encoding="utf-8")))
    return rooms


def _count(text: str) -> dict[str, int]:
    """The counts of one file."""
    nodes = list(ast.walk(ast.parse(text)))
    statements = [
        node
        for node in nodes
        if isinstance(node, ast.stmt)
        and not (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        )
    ]
    names = [
        *(
            node.id
            for node in nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ),
        *(node.arg for node in nodes if isinstance(node, ast.arg)),
        *(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)),
    ]
    return {
        "files": 1,
        "statements": len(statements),
        "bindings": len(names),
        "vague_names": sum(name.lstrip("_") in VAGUE_NAMES for name in names),
    }


def _percent(counts: Counter[str]) -> float:
    return round(100 * counts["vague_names"] / max(1, counts["bindings"]), 1)


@contextmanager
def traced(root: Path, packages: tuple[str, ...]) -> Iterator[Run]:
    """A set that fills with these packages' functions as threads enter them.

    Threads that ran before the block are not seen.
    """
    run, importing, stack = Run(), threading.local(), threading.local()
    places = tuple(f"{root / package}/" for package in packages)

    def note(frame: FrameType, event: str, _: object) -> None:
        if event not in ("call", "return"):
            return
        code, step = frame.f_code, 1 if event == "call" else -1
        if code.co_name == "<module>":
            importing.depth = getattr(importing, "depth", 0) + step
        elif _is_function(code, places) and not getattr(importing, "depth", 0):
            # A function that began before the block returns without its call.
            stack.depth = max(0, getattr(stack, "depth", 0) + step)
            run.depth = max(run.depth, stack.depth)
            file = Path(code.co_filename).relative_to(root).as_posix()
            run.functions.add((file, code.co_qualname))

    profile = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield run
    finally:
        sys.setprofile(profile)
        threading.setprofile(None)


def _is_function(code: CodeType, places: tuple[str, ...]) -> bool:
    """Whether it is a `def` in one of the places: no module, class body, lambda or
    comprehension.
    """
    is_def = code.co_flags & CO_OPTIMIZED and not code.co_name.startswith("<")
    return bool(is_def) and code.co_filename.startswith(places)


def _play(name: str) -> Run:
    """The functions of a scene, in a process of its own on SQLite.

    Raises: `SystemExit` if it was not played.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("TULGA_TEST_")
    }
    scene = f"{_SCENES}::test_{'an' if name[0] in 'aeiou' else 'a'}_{name}"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", scene, f"--junitxml={report}", "-o", "junit_family=xunit1"]
        command = [sys.executable, "-m", "pytest", *options]
        if subprocess.run(command, cwd=_ROOT, env=environment, check=False).returncode:
            raise SystemExit(f"{scene} was not played")
        properties = [
            (str(entry.get("value")), str(entry.get("name")))
            for entry in ElementTree.parse(report).getroot().iter("property")  # noqa: S314
        ]
    depths = [int(value) for value, name in properties if name == DEPTH]
    return Run({(file, name) for file, name in properties if name != DEPTH}, *depths)


if __name__ == "__main__":
    main()
