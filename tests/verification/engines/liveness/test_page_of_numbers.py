"""The table of numbers in docs/security/liveness.md has the values of the code."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from verification.case import policy as case_policy
from verification.engines.liveness import policy as engine_policy
from verification.stages.live_capture import policy as stage_policy

_ROOT = Path(__file__).resolve().parents[4]
_PAGE = (_ROOT / "docs" / "security" / "liveness.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| ([^|]*\d[^|]*) \|", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CALIBRATED = {"match", "review"}
"""Of a calibration, not of a policy."""


def _numbers(names: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Each number among these, and among the fields of the policies among these, by its name."""
    for name, value in names.items():
        if is_dataclass(value) and not isinstance(value, type):
            yield from _numbers(asdict(value))
        elif isinstance(value, dict):
            yield from _numbers(value)
        elif isinstance(value, int | float):
            yield name, float(value)


def _values() -> Mapping[str, set[float]]:
    """By name; two policies may have a number of one name each."""
    defaults = vars(stage_policy.LiveCapturePolicy)
    values = defaultdict[str, set[float]](set)
    for names in (vars(case_policy), vars(engine_policy), vars(stage_policy), defaults):
        for name, value in _numbers(dict(names)):
            values[name].add(value)
    return values


def test_each_number_of_the_page_is_the_one_in_the_code() -> None:
    values = _values()
    rows = _ROW.findall(_PAGE.partition("\n## Numbers\n")[2].replace("200 000", "200000"))
    assert len(rows) > 20
    for cell, numbers in rows:
        names = re.findall(r"\w+", cell)
        if not _CALIBRATED.isdisjoint(names):
            continue
        written = [float(number) for number in _NUMBER.findall(numbers)]
        for name, number in zip(names, written, strict=True):
            assert number in values[name], name
