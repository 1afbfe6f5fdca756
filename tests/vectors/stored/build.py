"""Writes the golden blobs anew: `python -m tests.vectors.stored`. One of each kind of JSON that is stored.

`<kind>/<version>.json` is what a row or a piece of evidence holds. While version 1 is not frozen, a change of form
replaces its blob; after that the old blob stays, and the change brings a new version and a reader of the old one.
The facts of a live capture are those of a painted face: numbers of nobody.
"""

import json
from pathlib import Path
from typing import Any

from lenders import versions, webhooks
from tests.vectors.stored import judged, samples
from verification.core import stored
from verification.workflow import cases

FOLDER = Path(__file__).resolve().parent


def main() -> None:
    """Write every blob, and say which."""
    for name, content in blobs().items():
        path = FOLDER / name / "1.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(json.loads(content), ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
        print(path.relative_to(FOLDER))


def blobs() -> dict[str, bytes]:
    """Each blob by its kind, as the product itself spells it."""
    found = {
        "case": stored.to_bytes(cases.StoredCase(samples.LENDER, samples.OPENING)),
        "memory": stored.to_bytes(samples.MEMORY),
        "entry": stored.to_bytes(samples.ENTRY_BODY),
        "delivery": webhooks.spell_body(webhooks.payload(samples.EVENT, samples.CHECKPOINT, version=versions.NEWEST)),
    }
    for stage, case, evidence in judged.attempts():
        facts = stage.measure(case, evidence, stage.policy_in_use())
        found |= {f"{kind}/{stage.name}": content for kind, content in judged.written(stage, evidence, facts).items()}
    return found


def read(name: str) -> Any:
    """A blob as parsed JSON."""
    return json.loads((FOLDER / name / "1.json").read_text("utf-8"))
