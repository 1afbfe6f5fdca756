"""How long each hot query takes with few verifications and with many, in one run.

`make bench PART=growth` (PostgreSQL must be installed); `--few` and `--many` say how many. The
databases and the questions are those of `tests/growth`. Times are the best of three, of the
function with all its statements, in milliseconds, the process alone with its database. A line
`ratio N.Nx` says how many times as long it takes with many.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).resolve().parent.parent)
)  # run as a file, so that `make bench` takes any here

from tests.growth import run

_ALIKE = "search"
"""The regulator's combinations are 36 questions of one kind: the slowest stands for all."""


def main() -> None:
    """Ask both, print, and say the worst."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--few", type=int, default=2_000)
    parser.add_argument("--many", type=int, default=200_000)
    asked = parser.parse_args()
    few, many = (times(verifications) for verifications in (asked.few, asked.many))
    print(f"{'':28} {asked.few:>10} {asked.many:>10} verifications")
    for name in sorted(many, key=lambda name: -many[name] / few[name]):
        print(
            f"{name:28} {few[name]:10.1f} {many[name]:10.1f} ms   ratio"
            f" {many[name] / few[name]:.1f}x"
        )


def times(verifications: int) -> dict[str, float]:
    """Milliseconds by question."""
    found = {
        name: float(one["milliseconds"])
        for name, one in run.ask(verifications=verifications)["questions"].items()
    }
    alike = {name: value for name, value in found.items() if name.startswith(_ALIKE)}
    return {name: value for name, value in found.items() if name not in alike} | {
        "search, slowest": max(alike.values())
    }


if __name__ == "__main__":
    main()
