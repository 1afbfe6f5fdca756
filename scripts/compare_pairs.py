"""Holds the pairs of a test and what it runs on against those of before; names what is gone without
a reason.

Usage: python scripts/compare_pairs.py --write     writes docs/evidence/pairs.json: the cases of
       each test by place python scripts/compare_pairs.py OLD.json    what OLD had and the suite has
       not, if left_out.toml gives no reason

A pair is a test (without its cases) and a place: `sqlite` for all legs on SQLite, `redis` and
`rabbitmq` for PostgreSQL with that broker. A test that has fewer cases than it had is told too; not
one that SQLite leaves to PostgreSQL, for it is long. pytest collects what tests/legs.py selects;
nothing runs.
"""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))
from tests import legs, proofs  # noqa: E402

Pairs = dict[str, dict[str, int]]

_EVIDENCE = _ROOT / "docs" / "evidence" / "pairs.json"


def main(words: list[str]) -> int:
    """Write or compare."""
    now = collected()
    if words == ["--write"]:
        totals = {place: sum(tests.values()) for place, tests in now.items()}
        proofs.write_evidence(
            "pairs", seed=int(legs.SEED), found={"failures": [], "figures": totals, "pairs": now}
        )
        return 0
    before: Pairs = json.loads(Path(words[0]).read_text(encoding="utf-8"))["pairs"]
    reasons = tomllib.loads((_ROOT / "tests" / "left_out.toml").read_text(encoding="utf-8"))
    gone = list(lost(before, now, reasons))
    print(*gone, sep="\n")
    print(
        f"{len(gone)} pairs of {sum(map(len, before.values()))} are gone or smaller without a"
        " reason"
    )
    return 1 if gone else 0


def lost(
    before: Pairs, now: Pairs, reasons: dict[str, list[dict[str, str | list[str]]]]
) -> list[str]:
    """A line for each pair that has fewer cases than before and is not on the list."""
    merged = [str(one["tests"]) for one in reasons.get("merged", [])]
    told = []
    for place, tests in before.items():
        left_out = [
            str(one["tests"]) for one in reasons.get("left_out", []) if place in one["places"]
        ]
        for name, cases in tests.items():
            listed = any(
                fnmatch(name, pattern) or fnmatch(name.partition("::")[0], pattern)
                for pattern in left_out
            )
            listed = listed or any(fnmatch(name, pattern) for pattern in merged)
            places = ("sqlite", "redis") if place == "sqlite" else (place,)
            if max(now.get(where, {}).get(name, 0) for where in places) < cases and not listed:
                told.append(f"{place} {name}: {now.get(place, {}).get(name, 0)} of {cases} cases")
    return told


def collected() -> Pairs:
    """The cases of each test by place, as the legs select them."""
    found: Pairs = {}
    for leg in legs.LEGS:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--collect-only",
            "-q",
            *legs.selection(leg),
        ]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
        names = [
            line.partition("[")[0]
            for line in done.stdout.splitlines()
            if line.startswith("tests/") and "::" in line
        ]
        counts = Counter(names) + Counter(found.get(leg.place, {}))
        found[leg.place] = dict(sorted(counts.items()))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
