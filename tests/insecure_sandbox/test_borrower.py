"""The demo's browser asks as the real waiting page does, so that what is measured with it is what a
page costs.
"""

import re
from pathlib import Path

from insecure_sandbox import borrower

_WAIT = Path(__file__).resolve().parents[2] / "static" / "borrower" / "wait.js"


def test_the_demos_browser_waits_as_the_waiting_page_does() -> None:
    said = dict(
        re.findall(
            r"^const ([A-Z_]+) = ([0-9_.]+);", _WAIT.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    )
    pauses = (
        float(said["FIRST_MS"]) / 1000,
        float(said["SLOWEST_MS"]) / 1000,
        float(said["SLOWER"]),
    )
    assert pauses == (borrower.FIRST_SECONDS, borrower.SLOWEST_SECONDS, borrower.SLOWER)
