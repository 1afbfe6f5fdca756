"""Which functions of the product a real run goes through."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FrameType

DEPTH = "depth of calls"
"""The name under which a scene reports it."""
Functions = set[tuple[str, str]]
"""Each a file, relative to the repository, and the qualified name of a function in it."""


@dataclass
class Run:
    """The functions that a run entered, and how many calls of them stood on one stack at most,
    recursion counted.
    """

    functions: Functions = field(default_factory=set)
    depth: int = 0


@contextmanager
def traced(root: Path, packages: tuple[str, ...]) -> Iterator[Run]:
    """What fills, while the block runs, with the functions of these packages that any thread
    enters.

    Threads that ran before the block are not seen.
    """
    found = Run()
    places = tuple(f"{root / package}/" for package in packages)
    before = sys.getprofile()
    hook = _hook(found, root, places)
    threading.setprofile(hook)
    sys.setprofile(hook)
    try:
        yield found
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def _hook(
    run: Run, root: Path, places: tuple[str, ...]
) -> Callable[[FrameType, str, object], None]:
    importing, stack = threading.local(), threading.local()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if code.co_name == "<module>" and event in ("call", "return"):
            importing.depth = getattr(importing, "depth", 0) + (1 if event == "call" else -1)
        elif (
            event in ("call", "return")
            and _is_function(code, places)
            and not getattr(importing, "depth", 0)
        ):
            # A function that began before the block returns without its call.
            stack.depth = max(0, getattr(stack, "depth", 0) + (1 if event == "call" else -1))
            run.depth = max(run.depth, stack.depth)
            run.functions.add(
                (Path(code.co_filename).relative_to(root).as_posix(), code.co_qualname)
            )

    return note


def _is_function(code: CodeType, places: tuple[str, ...]) -> bool:
    """Whether it is a `def` in one of the places: no module, class body, lambda or
    comprehension.
    """
    is_def = code.co_flags & CO_OPTIMIZED and not code.co_name.startswith("<")
    return bool(is_def) and code.co_filename.startswith(places)
