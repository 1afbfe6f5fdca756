"""The demo's output on the terminal."""

import sys
import time
from dataclasses import dataclass

_STARTED = time.monotonic()


@dataclass(frozen=True)
class Row:
    """One line of the table: a scene, its end, and whether it is the required one. `note`: what
    a camera saw.
    """

    scene: str
    route: str
    status: str
    code: str
    seconds: float
    log_index: int | None
    as_it_must: bool
    note: str = ""


def say(text: str) -> None:
    """One line, with the seconds since the start."""
    sys.stdout.write(f"[{time.monotonic() - _STARTED:6.1f} s] {text}\n")
    sys.stdout.flush()


def write_line(text: str = "") -> None:
    """One line as it is."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(rows: list[Row]) -> None:
    """All rows, aligned."""
    heading = ("scene", "route", "status", "code", "time", "log index", "camera", "")
    cells = [heading, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heading))]
    write_line()
    for line in cells:
        write_line(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )
    write_line()


def _cells(row: Row) -> tuple[str, ...]:
    index = "-" if row.log_index is None else str(row.log_index)
    mark = "as it must" if row.as_it_must else "NOT AS IT MUST"
    return (
        row.scene,
        row.route,
        row.status,
        row.code or "-",
        f"{row.seconds:.1f} s",
        index,
        row.note or "-",
        mark,
    )
