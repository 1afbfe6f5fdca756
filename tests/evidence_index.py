"""The index of the evidence: docs/evidence/README.md lists every file beside it.

Usage: python -m tests.evidence_index     writes the index anew; `make prove` and all that measures
    do so by themselves
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "evidence"
INDEX = "README.md"
_FIGURES = 12  # of one file that are shown; the file has the others
COUNTS = {
    "api.json": "generated requests and walks along links, each answer held against openapi.json",
    "backlog.json": "due rows worked off by each broker while processes fail",
    "captures.json": "live captures told over HTTP, one for each code",
    "clearances.json": "clearances asked at once for one sum: it is paid once",
    "client.json": "calls of the Python client through a transport with faults",
    "cost-tick.svg": "where the tick spends its time: a flame graph",
    "cost-web.svg": "where the web process spends its time: a flame graph",
    "cost-worker.svg": "where a worker spends its time: a flame graph",
    "cost.md": "where the milliseconds of a verification go, in words",
    "cost.txt": "the calls behind the flame graphs, by time",
    "course.json": "random histories, lawful and changed, judged by the course",
    "coverage.json": "statements that the tests run, by package",
    "eds.json": "signatures, answers of responders and lists, whole and damaged by bits",
    "eds_fuzz.json": "hostile inputs to the readers of signatures: no crash, no slow answer",
    "eds_tampers.json": "bytes of signed files changed one by one: none is accepted",
    "faces-det.svg": "FMR against FNMR by cohort on the London set",
    "faces.json": "pairs of people compared, and errors at the zones of both nets",
    "genuine.json": "what the live capture measures of clips of real people, by measure",
    "gost.json": "GOST signatures and hashes on which our arithmetic and the libraries agree",
    "growth.json": "statements explained on a database of a million verifications",
    "guide.json": "seconds that the commands of the lender's guide take on a fresh clone",
    "honest.json": "captures of honest people under conditions of light, camera and line",
    "house.json": "files, statements and names by room, and what three runs go through",
    "lines.json": "captures over slow and broken lines: no line burns an attempt",
    "live.json": "what a live capture costs, and how soon the page answers",
    "live_capture_attacks.json": "attacks on a live capture in facts: none passes",
    "liveness.json": "presented and injected attacks by species, over HTTP",
    "liveness_replays.json": "captures that are played again, changed: how many are found",
    "load.json": "what a verification costs by process, one by one and in a storm",
    "load_before.json": "the same of an earlier commit, for the comparison in cost.md",
    "noise.json": "webhooks and steps on time beside endpoints that hang",
    "pages.json": "looks at pages in every language and size",
    "runs.json": "checks and tests repeated: how many were green, and their seconds",
    "scenarios.json": "scenarios of the sandbox played with faces painted by chance",
    "slow_phone.json": "the capture page on a slow phone and a slow line",
    "storm.json": "verifications at once while workers are killed",
    "tampering.json": "rows and entries changed behind the log: how many are found",
    "ticks.json": "several ticks at once: each due step is done once",
}
"""What each file counts, in one sentence."""
UNDESCRIBED = "what `COUNTS` does not say"


def render(folder: Path, counts: Mapping[str, str] = COUNTS) -> str:
    """The text of the index. counts: what each file counts, in a sentence."""
    names = sorted(path.name for path in folder.iterdir() if path.name != INDEX)
    contents = {
        name: json.loads((folder / name).read_text(encoding="utf-8"))
        for name in names
        if name.endswith(".json")
    }
    failed = [name for name, content in contents.items() if content["failures"]]
    lines = [
        "# Evidence",
        "",
        "Every file of evidence with its conditions and its commit.",
        "`python -m tests.evidence_index` writes this page.",
        "",
        f"**Failures:** {', '.join(failed)}." if failed else "No file holds a failure.",
    ]
    for name in names:
        lines += ["", f"## [{name}]({name})", f"Counts {counts.get(name, UNDESCRIBED)}."]
        if name in contents:
            lines += _lines(contents[name])
    return "\n".join(lines) + "\n"


def write() -> None:
    """Write the index anew."""
    (FOLDER / INDEX).write_text(render(FOLDER), encoding="utf-8")


def _lines(content: Mapping[str, Any]) -> Iterator[str]:
    """The lines on one file: where and when it was found, how its proofs ended, its figures."""
    found_on = content["conditions"]
    changes = " with uncommitted changes" if content["has_uncommitted_changes"] else ""
    yield (
        f"Commit {content['commit'][:12]}{changes}, seed {content['seed']}, {content['at'][:10]};"
        f" Python {found_on['python']}, {found_on['machine']}, {found_on['cores']} cores,"
        f" {found_on['database']}."
    )
    if proofs := content.get("counts"):
        yield "Proofs: " + ", ".join(f"{count} {end}" for end, count in proofs.items()) + "."
    if content["failures"]:
        yield f"**{len(content['failures'])} failures:** {', '.join(content['failures'])}."
    # Totals stand before what they are made of.
    figures = sorted(_flat(content["figures"]), key=lambda figure: figure[0].count(", "))
    if figures:
        yield ""
    yield from (f"- {name}: {value}" for name, value in figures[:_FIGURES])
    if len(figures) > _FIGURES:
        yield f"- and {len(figures) - _FIGURES} more in the file"


def _flat(figures: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, object]]:
    """Each figure that is a number or a word, by its path."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{name}, ")
        elif isinstance(value, int | float | str):
            yield f"{place}{name}", value


if __name__ == "__main__":
    write()
