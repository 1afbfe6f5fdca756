"""Measures whether the tests notice small changes of the code that decides; writes
docs/evidence/mutants.json.

Usage: python scripts/measure_mutants.py                      measures, about ten minutes on two
       cores python scripts/measure_mutants.py --compare OLD.json   what OLD had killed and the
       written evidence has not

No library: mutmut 3 leaves out decorated functions (properties, class methods), numbers its mutants
through, so that one more changes the ids of those behind it, and works in a folder of the checkout;
cosmic-ray changes the checkout itself, numbers over a whole module, and starts a process for each
mutant: ten seconds with Django and a database. Here `mutants.py` makes them, and `run_mutants.py`
judges them in a copy of the tree, in forks of a warm process.
Numbers of a policy are no mutants: they are read while modules are imported, before a mutant is in
    place.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from scripts import mutants
from tests.proofs import write_evidence

_ROOT = Path(__file__).resolve().parent.parent
EVIDENCE = _ROOT / "docs" / "evidence" / "mutants.json"
RESULTS = ("killed", "timed out", "survived")
_PROCESSES = 2
_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "static_root"
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is changed of a file, all of it if no functions are named, and the fast tests that must
    notice.
    """

    name: str
    file: str
    functions: tuple[str, ...] = ()
    tests: tuple[str, ...]


_CODE, _CODE_TESTS = "verification/stages/code", "tests/verification/stages/code"
_PERSON_TESTS = "tests/verification/stages/person"
_LOG, _LOG_TESTS = "verification/log", "tests/verification/log"
_MOVING, _PREPARING = (
    "verification/workflow/moving",
    "tests/verification/stories/test_preparing.py",
)
_DECISION = ("tests/verification/core/test_decision.py",)
TARGETS = (
    Target(
        name="decision", file="verification/core/results.py", functions=("decide",), tests=_DECISION
    ),
    Target(
        name="results",
        file="verification/core/results.py",
        functions=(
            "_Result.__bool__",
            "_Negative.__post_init__",
            "Steps.step",
            "measured",
            "judged",
            "said",
        ),
        tests=(*_DECISION, "tests/verification/core/test_results.py"),
    ),
    Target(
        name="code_dialogue",
        file=f"{_CODE}/dialogue.py",
        functions=(
            "bound_to",
            "keyed",
            "drawn",
            "sent",
            "numbered",
            "latest",
            "accept_code",
            "go_on_code",
        ),
        tests=(
            f"{_PERSON_TESTS}/test_dialogue.py",
            f"{_CODE_TESTS}/test_checks.py",
            f"{_CODE_TESTS}/test_sending.py",
        ),
    ),
    Target(
        name="code_sending",
        file=f"{_CODE}/collect.py",
        functions=("prepare_code", "collect_code", "_text"),
        tests=(
            f"{_CODE_TESTS}/test_sending.py",
            f"{_PERSON_TESTS}/test_collect.py",
            f"{_PERSON_TESTS}/test_story.py::test_a_message_that_was_refused_is_told_with_the_question",
        ),
    ),
    Target(
        name="code_facts",
        file=f"{_CODE}/measure.py",
        tests=(f"{_CODE_TESTS}/test_checks.py", f"{_PERSON_TESTS}/test_dialogue.py"),
    ),
    Target(name="code_checks", file=f"{_CODE}/checks.py", tests=(f"{_CODE_TESTS}/test_checks.py",)),
    Target(name="quotas", file=f"{_MOVING}/quotas.py", tests=(_PREPARING,)),
    Target(name="places", file=f"{_MOVING}/attempts.py", functions=("enter",), tests=(_PREPARING,)),
    # How many guesses were spent before.
    Target(
        name="guesses_spent",
        file=f"{_MOVING}/attempts.py",
        functions=("_first_memory",),
        tests=(
            f"{_CODE_TESTS}/test_guesses.py",
            _PREPARING,
            "tests/verification/stories/test_parts.py",
        ),
    ),
    Target(name="tree", file=f"{_LOG}/tree.py", tests=(f"{_LOG_TESTS}/test_tree.py",)),
    # Without `_take`, whose locks are PostgreSQL's: the fast tests are on SQLite.
    Target(
        name="order",
        file=f"{_LOG}/sequencer.py",
        functions=("order", "_stored_size", "_waiting", "_store"),
        tests=(
            f"{_LOG_TESTS}/test_sequencer.py",
            f"{_LOG_TESTS}/test_head_file.py",
            f"{_LOG_TESTS}/test_missing_head_file.py",
        ),
    ),
    Target(
        name="head",
        file=f"{_LOG}/sequencer.py",
        functions=("adopt_head", "_verified_size"),
        tests=(f"{_LOG_TESTS}/test_head_file.py", f"{_LOG_TESTS}/test_missing_head_file.py"),
    ),
    Target(
        name="checkpoint",
        file=f"{_LOG}/checkpoint.py",
        functions=("Checkpoint.parse", "open_checkpoint"),
        tests=(f"{_LOG_TESTS}/test_checkpoint.py",),
    ),
)
EQUIVALENT: dict[str, str] = json.loads(
    (_ROOT / "scripts" / "equivalent_mutants.json").read_text("utf-8")
)
"""Ids of mutants that no test can kill, with the reason."""
MOVED = {
    "verification/core/decision.py": "verification/core/results.py",
    "verification/workflow/": "verification/workflow/moving/",
    "verification/routes/live_face/": "verification/stages/code/",
}
"""Where files lay when mutants were first measured, and where they lie now."""


def main(arguments: list[str]) -> int:
    """Measure, or compare; 1 if a mutant that was killed no longer is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--compare", type=Path, metavar="OLD.json", help="only compare, with what is written"
    )
    chosen = parser.parse_args(arguments)
    if chosen.compare:
        old, new = (
            json.loads(path.read_text(encoding="utf-8")) for path in (chosen.compare, EVIDENCE)
        )
        lost, gone = compare(old, new)
        print(
            *(f"no longer killed: {id_}" for id_ in lost),
            *(f"gone: {id_}" for id_ in gone),
            sep="\n",
        )
        print(f"{len(lost)} no longer killed, {len(gone)} gone")
        return 1 if lost else 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    made = make()
    lines = _run([mutant.id for of_target in made.values() for mutant in of_target])
    found = evidence(made, lines)
    write_evidence("mutants", seed=0, found=found)
    print(json.dumps(found["counts"]))
    return 0


def compare(old: dict[str, Any], new: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Ids of mutants that were killed and are not now, and of those whose code is no longer
    there.
    """
    now = {mutant["id"]: mutant["result"] for mutant in new["mutants"]}
    before = [_moved(mutant["id"]) for mutant in old["mutants"] if mutant["result"] != "survived"]
    return [id_ for id_ in before if now.get(id_) == "survived"], [
        id_ for id_ in before if id_ not in now
    ]


def _moved(id_: str) -> str:
    """An id of before as it is now: with the place to which its file has moved since."""
    for old, new in MOVED.items():
        if id_.startswith(old) and not id_.startswith(new):
            return new + id_.removeprefix(old)
    return id_


def evidence(
    made: dict[str, list[mutants.Mutant]], lines: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """What was found, as docs/evidence/ spells it. Every target and every mutant has a line, or
    `KeyError`.
    """
    by_id = {line["id"]: line for line in lines}
    listed = [
        {
            "id": one.id,
            "file": one.file,
            "function": one.function,
            "change": one.change,
            "target": name,
        }
        | {word: by_id[one.id][word] for word in ("result", "test")}
        | (
            {"equivalent": EQUIVALENT[one.id]}
            if _is_equivalent(one.id, by_id[one.id]["result"])
            else {}
        )
        for name, of_target in made.items()
        for one in of_target
    ]
    counts = Counter(one["result"] for one in listed)
    gaps = Counter(
        one["target"] for one in listed if one["result"] == "survived" and "equivalent" not in one
    )
    selections = {
        target.name: {
            "tests": target.tests,
            "tests_run": by_id[target.name]["tests_run"],
            "mutants": len(made[target.name]),
        }
        for target in TARGETS
    }
    return {
        "counts": {word.replace(" ", "_"): counts[word] for word in RESULTS},
        "failures": [],
        "figures": {
            "mutants": len(listed),
            "equivalent": sum("equivalent" in one for one in listed),
        }
        | {f"survived_{target.name}": gaps[target.name] for target in TARGETS},
        "selections": selections,
        "mutants": listed,
    }


def _is_equivalent(id_: str, result: str) -> bool:
    """Whether it is listed as one that no test can kill, and none has."""
    return id_ in EQUIVALENT and result == "survived"


def make() -> dict[str, list[mutants.Mutant]]:
    """The mutants of each target, by its name."""
    return {
        target.name: mutants.make(
            (_ROOT / target.file).read_text("utf-8"), file=target.file, functions=target.functions
        )
        for target in TARGETS
    }


def _run(ids: list[str]) -> list[dict[str, Any]]:
    """Judge them in a copy of the tree, by several processes; raises `CalledProcessError`."""
    with tempfile.TemporaryDirectory(prefix="tulga-mutants-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(_ROOT, tree, ignore=_ignored)
        running = [
            _start(tree, ids[number::_PROCESSES], Path(folder) / str(number))
            for number in range(_PROCESSES)
        ]
        try:
            for process in running:
                if process.wait():
                    raise subprocess.CalledProcessError(process.returncode, process.args)
        finally:
            for process in running:
                process.send_signal(signal.SIGINT)  # so that its folders go too
                process.wait()
        texts = [
            (Path(folder) / f"{number}.results").read_text("utf-8") for number in range(_PROCESSES)
        ]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def _start(tree: Path, ids: list[str], path: Path) -> subprocess.Popen[bytes]:
    targets = [asdict(target) for target in TARGETS]
    job, results = path.with_suffix(".job"), path.with_suffix(".results")
    job.write_text(json.dumps({"targets": targets, "ids": ids}), encoding="utf-8")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TULGA_", "DATABASE_"))
    }
    # Native libraries with threads of their own and forks do not go together; the order of sets is
    # always the same.
    alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    command = [sys.executable, "scripts/run_mutants.py", str(job), str(results)]
    return subprocess.Popen(command, cwd=tree, env=kept | alone, stdin=subprocess.DEVNULL)


def _ignored(place: str, names: list[str]) -> set[str]:
    """Of var/ only the models go along: the rest is the developer's own."""
    if Path(place) == _ROOT / "var":
        return {name for name in names if name != "models"}
    return set(_NOT_COPIED(place, names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
