"""CPU time by role, in one process that has several roles in turn."""

import cProfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ai_edge_litert.interpreter import Interpreter
from onnxruntime import InferenceSession

TURNS = ("web", "worker", "tick", "deliver")


class Meter:
    """CPU seconds by turn, and within the nets; turns may nest."""

    def __init__(self, profiled: str) -> None:
        """profiled: the turn under cProfile."""
        self.spent, self.runs, self.profile = (
            defaultdict[str, float](float),
            Counter[str](),
            cProfile.Profile(time.process_time),
        )
        self._profiled, self._whose, self._since = profiled, "client", time.process_time()
        self._measure(Interpreter, "invoke")
        self._measure(InferenceSession, "run")

    @contextmanager
    def turn(self, whose: str) -> Iterator[None]:
        """Time inside counts for this turn."""
        earlier = self._switch(whose)
        try:
            yield
        finally:
            self._switch(earlier)

    def _switch(self, whose: str) -> str:
        if self._profiled == self._whose:
            self.profile.disable()
        now = time.process_time()
        self.spent[self._whose] += now - self._since
        earlier, self._whose, self._since = self._whose, whose, now
        if self._profiled == whose:
            self.profile.enable()
        return earlier

    def _measure(self, of: type, name: str) -> None:
        inference = getattr(of, name)

        def run(net: Any, *args: Any, **named: Any) -> Any:
            whose, began = self._whose, time.process_time()
            try:
                return inference(net, *args, **named)
            finally:
                self.spent["nets"] += (time.process_time() - began) * (whose in TURNS)
                self.runs[of.__name__] += whose in TURNS

        setattr(of, name, run)
