"""Writes golden blobs: `python -m tests.vectors.stored`. At least one of each kind of JSON that is
stored.

`<kind>/<number>.json` is what a row or a piece of evidence holds. A blob that is there stays: later
releases must go on reading and judging it. A kind whose form has changed since its newest blob gets
the next number, and `fields.txt` gets the fields that are new. With `--anew` all of it begins
again, which is right only while nothing is deployed. The facts of a live capture are those of a
painted face, and of no person.
"""

import json
import sys
from pathlib import Path
from typing import Any

from lenders import deliveries
from tests.vectors.stored import fields, judged, samples
from verification.case import contents
from verification.core import stored

FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str]) -> None:
    """Write what is new, and print which. Raises `SystemExit` for fields without an earlier
    value.
    """
    listed = {} if arguments == ["--anew"] else fields.read_list()
    if problems := fields.faults(listed, fields.today()):
        sys.exit("\n".join(problems))
    built = blobs()
    fields.write_list(fields.extended(listed, fields.today()))
    if arguments == ["--anew"]:
        for path in FOLDER.rglob("*.json"):
            path.unlink()
    for kind, content in built.items():
        value = json.loads(content)
        numbers = numbers_of(kind)
        if numbers and form(read(kind, numbers[-1])) == form(value):
            continue
        path = FOLDER / kind / f"{len(numbers) + 1}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
        path.write_text(text + "\n", "utf-8")
        print(path.relative_to(FOLDER))


def blobs() -> dict[str, bytes]:
    """Each blob by its kind, as the product itself spells it."""
    message = deliveries.payload(samples.EVENT, samples.CHECKPOINT)
    built = {
        "case": stored.to_bytes(contents.StoredCase(samples.LENDER, samples.OPENING)),
        "memory": stored.to_bytes(samples.MEMORY),
        "entry": stored.to_bytes(samples.ENTRY_BODY),
        "delivery": deliveries.spell_body(message),
    }
    for stage, case, evidence in judged.attempts():
        facts = stage.measure(case, evidence, stage.policy_in_use())
        written = judged.written(stage, evidence, facts)
        built |= {f"{kind}/{stage.name}": content for kind, content in written.items()}
    return built


def numbers_of(kind: str) -> list[int]:
    """The numbers of the blobs of a kind, from the oldest on."""
    return sorted(int(path.stem) for path in (FOLDER / kind).glob("*.json"))


def read(kind: str, number: int = 1) -> Any:
    """A blob as parsed JSON."""
    return json.loads((FOLDER / kind / f"{number}.json").read_text("utf-8"))


def form(value: Any, place: str = "") -> set[str]:
    """The paths of all that JSON says, whatever it says there."""
    if isinstance(value, dict):
        return {place}.union(*(form(part, f"{place}.{name}") for name, part in value.items()))
    if isinstance(value, list):
        return {place}.union(*(form(part, f"{place}[]") for part in value))
    return {place}
