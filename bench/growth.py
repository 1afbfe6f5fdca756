"""The time of each hot query with few verifications and with many, in one run.

`make bench PART=growth` (PostgreSQL must be installed); `--few` and `--many` set the numbers.
The databases and the queries are those of `tests/growth`.
Times are the best of three, of the function with all its statements, in milliseconds, the process
alone with its database.
`ratio N.Nx`: the time with many over the time with few.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs as a file, like every bench

from tests.growth import run

_ALIKE = "search"
"""The regulator's combinations are 36 queries of one kind: the slowest represents all."""


def main() -> None:
    """Measures both, prints, and names the worst."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--few", type=int, default=2_000)
    parser.add_argument("--many", type=int, default=200_000)
    arguments = parser.parse_args()
    few, many = (times(verifications) for verifications in (arguments.few, arguments.many))
    print(f"{'':28} {arguments.few:>10} {arguments.many:>10} verifications")
    for name in sorted(many, key=lambda name: -many[name] / few[name]):
        print(
            f"{name:28} {few[name]:10.1f} {many[name]:10.1f} ms   ratio"
            f" {many[name] / few[name]:.1f}x"
        )


def times(verifications: int) -> dict[str, float]:
    """Milliseconds by query."""
    milliseconds = {
        name: float(question["milliseconds"])
        for name, question in run.ask(verifications=verifications)["questions"].items()
    }
    searches = {name: value for name, value in milliseconds.items() if name.startswith(_ALIKE)}
    return {name: value for name, value in milliseconds.items() if name not in searches} | {
        "search, slowest": max(searches.values())
    }


if __name__ == "__main__":
    main()
