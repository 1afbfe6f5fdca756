"""The index of the evidence: docs/evidence/README.md lists every file beside it.

Usage: python -m tests.evidence_index     writes the index anew; `make prove` and all that measures
    do so by themselves
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "evidence"
INDEX = "README.md"
COUNTS = {
    "api.json": "generated requests to the API, compared with openapi.json",
    "backlog.json": "due steps that workers finish while brokers and processes fail",
    "captures.json": "whole live captures over HTTP, one for each code",
    "clearances.json": "many simultaneous requests for one clearance, which is paid once",
    "client.json": "calls of the Python client over a connection with faults",
    "course.json": "random histories, lawful and changed, judged by the course",
    "coverage.json": "statements that the tests run, by package",
    "eds.json": "signatures, revocation answers and lists, whole and with single bits changed",
    "eds_fuzz.json": "hostile inputs to the readers of signatures",
    "eds_tampers.json": "signed files with one bit changed",
    "faces-det.svg": "false matches against false non-matches, for 42 people (London face set)",
    "faces.json": "pairs of pictures, compared by both face nets (sface and dlib)",
    "genuine.json": "what the live capture measures in clips of real people",
    "gost.json": "inputs on which our GOST arithmetic and known libraries agree",
    "growth.json": "query plans of SQL statements on a database of a million verifications",
    "guide.json": "the commands of the lender's guide, run on a fresh clone",
    "honest.json": "captures of honest people under different light and cameras",
    "house.json": "files, statements and names of the code, by package",
    "lifecycle.json": "what an attacker with every key opens of cases that workers erased",
    "lines.json": "captures over slow and broken lines",
    "live.json": "what a live capture costs, and how soon the page answers",
    "live_capture_attacks.json": "attacks on the facts of a live capture",
    "liveness.json": "attacks on the live capture, by species",
    "liveness_replays.json": "recorded captures, changed and played again",
    "load.json": "what a verification costs each process",
    "load_before.json": "what a verification cost at an earlier commit",
    "noise.json": "webhooks and steps while other endpoints hang",
    "pages.json": "browser checks of each page in each language and size",
    "pkits.md": "NIST's certificate paths, case by case",
    "scenarios.json": "the sandbox's scenarios, played with painted faces",
    "slow_phone.json": "the capture page on a slow phone and line",
    "storm.json": "simultaneous verifications while workers are killed",
    "subject.json": "times of a stranger's requests at `/mine`, for a known IIN and an unknown one",
    "tampering.json": "changes made past the log, and whether `audit_verify` finds them",
    "ticks.json": "several `tick` processes at once: each step is done once",
}
"""What each file holds, in a phrase."""
UNDESCRIBED = "What `COUNTS` does not say"
FIGURES: Mapping[str, tuple[str, ...]] = {
    "api.json": (
        "{cases} requests to {operations} operations: {faults} wrong answers",
        "{walks, cases} sequences of linked requests: {walks, faults} wrong answers",
    ),
    "backlog.json": (
        "{filesystem: rows} steps for each broker",
        "{storm: verifications} verifications at once: {storm: lost} lost,"
        " {storm: decided twice} decided twice",
    ),
    "client.json": (
        "{in_threads: calls} calls in threads: {in_threads: effects} effects",
        "{in_a_loop: calls} calls in a loop: {in_a_loop: effects} effects",
    ),
    "coverage.json": ("{all, percent} % of {all, statements} statements",),
    "eds.json": (
        "{ocsp_bits_individual} bits of a revocation answer changed one by one",
        "{crl_serials} serial numbers in one list",
        "{xml_fuzzed} hostile XML signatures",
    ),
    "eds_fuzz.json": ("{inputs} inputs: {accepted} still valid and accepted, the others refused",),
    "eds_tampers.json": ("{tampers} changes, all refused",),
    "faces.json": (
        "{sface_people} people; {sface_match_false} of {sface_impostor_pairs} pairs of strangers"
        " match (sface), {dlib_match_false} (dlib)",
        "{sface_match_missed} of {sface_genuine_pairs} pairs of one person do not match (sface),"
        " {dlib_match_missed} (dlib)",
        "upper bound of false matches (sface): {sface_match_fmr_high}",
    ),
    "genuine.json": ("{clips, clips} clips of {clips, people} people, {clips, frames} frames",),
    "gost.json": (
        "{signatures on which pure Python and gmpy2 agree} signatures (gmpy2)",
        "{messages on which pure Python and libgcrypt agree} hashes (libgcrypt)",
    ),
    "growth.json": (
        "{rows_verification_verification} verifications, {statements} query plans",
        "at most {most_buffers} buffers for a statement",
    ),
    "guide.json": ("{seconds, all} seconds for all commands",),
    "honest.json": (
        "{all, captures} captures of nine people: {all, verified} verified, {all, refused} refused,"
        " {all, asked_again} asked again, {all, people} to people",
        "as filmed, {plain, captures} captures: {plain, verified} verified, {plain, refused}"
        " refused, {plain, asked_again} asked again, {plain, people} to people",
    ),
    "house.json": (
        "{product, statements} statements in {product, files} files",
        "calls at most {eds_judgement, depth} deep (EDS judgement), {live_judgement, depth}"
        " (capture), {opening, depth} (opening)",
    ),
    "lifecycle.json": (
        "{erased} of {cases} cases erased: {erased: originals opened} of their originals opened,"
        " {erased: secrets in the dump} of their secrets in a dump",
    ),
    "lines.json": (
        "{captures} captures, {cut} of them interrupted: {burnt} cost the borrower an attempt",
        "at most {most_bytes} bytes sent",
    ),
    "live.json": (
        "answer to a command alone: {alone, answered_p50_seconds} s (median),"
        " {alone, answered_p95_seconds} s (95 of 100)",
        "with {together_at_once} at once: {together, answered_p50_seconds} s and"
        " {together, answered_p95_seconds} s",
        "processor time a capture: {together, cpu_worker} ms (worker), {together, cpu_web} ms"
        " (web)",
    ),
    "liveness.json": (
        "prints, turned or held: {flat_paper, verified} of {flat_paper, attempts} verified (flat),"
        " {bent_paper, verified} of {bent_paper, attempts} (bent)",
        "splices of photographs: {splice, verified} of {splice, attempts}",
        "splices of the face alone: {later_splice, verified} of {later_splice, attempts}; tuned:"
        " {tuned_splice, verified} of {tuned_splice, attempts}",
        "morphs: {morph, verified} of {morph, attempts}",
        "flat parts of a face: {part, verified} of {part, attempts}; the best of twelve:"
        " {tuned_part, verified} of {tuned_part, attempts}",
        "warped photographs: {warped_still, verified} of {warped_still, attempts}",
        "splices over HTTP: {over_http, verified} of {over_http, victims} victims",
        "all species with bounds: [liveness.md](../security/liveness.md)",
    ),
    "liveness_replays.json": (
        "{replays_found} of {replays} replays found",
        "{alarms} of {pairs} pairs of different captures taken for replays",
    ),
    "load.json": (
        "a verification, one after another: {one after another, cpu} ms of processor time,"
        " {one after another, statements} statements, {one after another, commits} commits,"
        " {one after another, database_bytes} bytes",
        "eight at once: {eight at once, cpu} ms, {eight at once, statements} statements,"
        " {eight at once, commits} commits, {eight at once, database_bytes} bytes",
    ),
    "load_before.json": (
        "a verification, one after another: {one after another, cpu} ms,"
        " {one after another, statements}"
        " statements",
    ),
    "noise.json": (
        "{postgresql: webhooks} webhooks beside {postgresql: posts that hung} that hang: all"
        " delivered within {postgresql: webhook longest, seconds} s",
    ),
    "pages.json": ("{looks} checks",),
    "scenarios.json": (
        "{verified: as the catalogue says} of {verified: captures} verified as the catalogue says",
    ),
    "slow_phone.json": ("{ru_rate} frames a second, at most {ru_gap_ms} ms apart",),
    "tampering.json": (
        "changes that matter: {all, that_matter}; undetected: {all, undetected}; bound: at most"
        " {all, upper_bound_percent} % of such changes are undetected",
        "of these: rows {rows, that_matter}; files on disk {disk, that_matter}; forged by the"
        " application's role {forged, that_matter}; unsigned entries {invented, that_matter}",
        "honest logs: {honest, logs}; false alarms: {honest, alarms}",
        "people and lenders, which have no entries: {elsewhere, tamperings} changes,"
        " {elsewhere, by_hand, owner, found} found",
        "a whole installation put back: {rolled_back, by_audit_verify} of {rolled_back, tried}"
        " found alone, {rolled_back, by_a_kept_checkpoint} by a kept checkpoint",
        "columns changed, and restored after workers acted: {put_back, tried}; cases with another"
        " course: {put_back, moved}; of these undetected: {put_back, undetected}",
    ),
}
"""The figures of each file that the index shows; in braces where in the file each stands."""
MISSING = "(not in the file)"
_PLACE = re.compile(r"\{([^}]+)\}")
_USUAL = {"machine": ("x86_64", "{}"), "cores": (2, "{} cores"), "database": ("sqlite", "{}")}
"""By condition: what most files were found on, and how another value is spelled."""


def render(
    folder: Path,
    counts: Mapping[str, str] = COUNTS,
    figures: Mapping[str, tuple[str, ...]] = FIGURES,
) -> str:
    """The text of the index. counts: what each file holds; figures: what the index shows of it."""
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
        "This page lists each file of evidence with its commit, random seed and main figures.",
        "The files have all figures. `make prove` writes most of them.",
        "*Proofs* are the tests that wrote a file.",
        "`python -m tests.evidence_index` writes this page.",
        "",
        "Unless a file says otherwise: x86_64, 2 cores, Python 3.13, SQLite.",
        "A figure holds for its commit and these conditions. Times are those of one machine.",
        "",
        f"**Failures:** {', '.join(failed)}." if failed else "No file holds a failure.",
    ]
    for name in names:
        lines += ["", f"## [{name}]({name})", "", f"{_sentence(counts.get(name, UNDESCRIBED))}"]
        if name in contents:
            lines += _lines(contents[name], figures.get(name, ()))
    return "\n".join(lines) + "\n"


def write() -> None:
    """Write the index anew."""
    (FOLDER / INDEX).write_text(render(FOLDER), encoding="utf-8")


def _lines(content: Mapping[str, Any], sentences: Sequence[str]) -> Iterator[str]:
    """Where and when a file was found, how its proofs ended, its figures."""
    conditions = content["conditions"]
    unusual = [
        word.format(conditions[name])
        for name, (usual, word) in _USUAL.items()
        if conditions[name] != usual
    ]
    if not str(conditions["python"]).startswith("3.13."):
        unusual.append(f"Python {conditions['python']}")
    changes = " with uncommitted changes" if content["has_uncommitted_changes"] else ""
    place = [f"Commit {content['commit'][:12]}{changes}", content["at"][:10]]
    yield ", ".join([*place, f"seed {content['seed']}", *unusual]) + "."
    if counted := content.get("counts"):
        ends = [f"{number} {end}" for end, number in counted.items() if number or end == "passed"]
        yield f"Proofs: {', '.join(ends)}."
    if content["failures"]:
        yield f"**{len(content['failures'])} failures:** {', '.join(content['failures'])}."
    if sentences:
        values = dict(_flat(content["figures"]))
        yield ""
        for sentence in sentences:
            filled = _PLACE.sub(lambda match: _spelled(values.get(match[1], MISSING)), sentence)
            yield f"- {filled}"


def _sentence(phrase: str) -> str:
    return f"{phrase[0].upper()}{phrase[1:]}."


def _spelled(value: object) -> str:
    """A number with its thousands apart, and at most three digits behind the point from 1 on."""
    if isinstance(value, float) and abs(value) >= 1:
        value = round(value, 3) if value < 100 else round(value)
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value)


def _flat(figures: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, object]]:
    """Each figure that is a number or a word, by its path."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{name}, ")
        elif isinstance(value, int | float | str):
            yield f"{place}{name}", value


if __name__ == "__main__":
    write()
