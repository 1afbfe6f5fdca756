"""Catches the statements that a function of the product sends, and has PostgreSQL explain each as
it runs.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

import psycopg
from django.db import connection

_EXPLAINED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|\()", re.IGNORECASE)

_KEYS = re.compile(r"\bIN \(([%s, ]+)\)")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one statement cost. `buffers`: pages of 8 KiB it touched, cached or not.

    `rows`: how many it gave or changed, or was asked for by their keys, which need not be there.
    `scanned`: tables that were read from their first page to their last. `indexes`: those that were
        used.
    """

    statement: str
    buffers: int
    rows: int
    scanned: tuple[str, ...]
    indexes: tuple[str, ...]


@contextmanager
def explaining() -> Iterator[list[Plan]]:
    """Explains every statement sent within. Call it in a transaction: one that writes is explained
    and taken back.
    """
    plans: list[Plan] = []

    def explain(
        execute: Callable[..., Any], statement: str, parameters: Any, many: bool, context: Any
    ) -> Any:
        if _EXPLAINED.match(statement) and not many:
            with connection.connection.cursor() as cursor:
                cursor.execute("SAVEPOINT explained")
                with suppress(
                    psycopg.Error
                ):  # one that breaks a constraint is told to the product by itself below
                    cursor.execute(
                        f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}",
                        parameters,
                    )
                    plans.append(_plan(statement, cursor.fetchone()[0]))
                cursor.execute("ROLLBACK TO SAVEPOINT explained")
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(explain):
        yield plans


def _plan(statement: str, explained: Any) -> Plan:
    root = (json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]
    nodes = list(_nodes(root))
    changed = (
        max((node["Actual Rows"] for node in nodes), default=0)
        if root["Node Type"] == "ModifyTable"
        else 0
    )
    return Plan(
        statement=re.sub(r"'(?:[^']|'')*'(?:::\w+)?", "…", statement),
        buffers=root.get("Shared Hit Blocks", 0) + root.get("Shared Read Blocks", 0),
        rows=int(
            max(
                root["Actual Rows"],
                changed,
                *(keys.count("%s") for keys in _KEYS.findall(statement)),
                0,
            )
        ),
        scanned=tuple(
            sorted({node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"})
        ),
        indexes=tuple(sorted({node["Index Name"] for node in nodes if "Index Name" in node})),
    )


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


@contextmanager
def noting_functions(*packages: str) -> Iterator[set[str]]:
    """The functions of these packages that ran within, as `module.function`."""
    ran: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith(packages):
            ran.add(f"{module}.{frame.f_code.co_name}")

    sys.setprofile(note)
    try:
        yield ran
    finally:
        sys.setprofile(None)
