"""`make check` and `make test`: the legs of the test suite, in processes side by side, and what
became of each.

    fast        the tests of `make check`: without processes, servers, browser, proofs or long ones,
    on SQLite sqlite      the tests without processes or a browser, proofs too, on SQLite; long ones
    that rows can change are
                left to PostgreSQL processes   the tests with processes of their own, on SQLite and
    the filesystem broker browser     the tests in Chromium, the same way workers     a browser, a
    worker and a tick together, the same way postgresql  the tests that rows can change, on
    PostgreSQL redis       the tests with processes that use the database or the broker, on
    PostgreSQL and Redis rabbitmq    the same on PostgreSQL and RabbitMQ
Without a name all but `fast` run, whose tests are among those of `sqlite`. A leg that could not run
has failed. What does not run on a server though it ran there once stands in tests/left_out.toml,
with its reason.
"""

import argparse
import os
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, partial
from pathlib import Path

from tests import census, jobs, packages
from tests.environment import quick_place
from tests.jobs import Job
from tests.servers import Servers

ROOT = Path(__file__).resolve().parent.parent
SEED = "20261126"
"""Of every generated set, in check, test and CI alike: what fails for one fails for all. `make
prove` tries others.
"""


_EXCLUDED = ("browser", "service", "proof", "long")
_ON_SERVERS_WAITING = "service and not browser and not proof"


@dataclass(frozen=True, kw_only=True)
class Leg:
    """A run of part of the suite. `marks` selects tests, `word` the files: those in which it
    stands.

    A broker other than the filesystem's comes with PostgreSQL. `waits`, `in_real_time`: see `Job`.
    """

    name: str
    marks: str
    word: str = "def test_"
    broker: str = "filesystem"
    shards: int = 1
    waits: bool = False
    in_real_time: bool = False
    rows: str = ""

    @property
    def place(self) -> str:
        """What the leg runs on, as tests/left_out.toml calls it."""
        return "sqlite" if self.broker == "filesystem" else self.broker


# In the order in which they begin: those that wait longest first, so that at the end no core waits
# with them.
LEGS = (
    Leg(
        name="processes", marks="service and not browser", word="mark.service", shards=3, waits=True
    ),
    Leg(
        name="browser",
        marks="browser",
        word="mark.browser",
        shards=3,
        waits=True,
        in_real_time=True,
    ),
    Leg(
        name="redis",
        marks=_ON_SERVERS_WAITING,
        word="mark.service",
        broker="redis",
        shards=2,
        waits=True,
    ),
    Leg(name="workers", marks="browser", word="mark.browser", waits=True, in_real_time=True),
    Leg(
        name="rabbitmq",
        marks=_ON_SERVERS_WAITING,
        word="mark.service",
        broker="rabbitmq",
        waits=True,
    ),
    Leg(
        name="postgresql",
        marks="not browser and not proof and not service",
        broker="redis",
        shards=2,
        rows="--rows-only",
    ),
    # The last, beside which nothing runs in the end, and a test waits for threads now and then: one
    # process more than there are cores keeps them busy.
    Leg(
        name="sqlite",
        marks="not browser and not service",
        shards=jobs.CORES + 1,
        waits=True,
        rows="--long-rows-elsewhere",
    ),
)
# It runs alone, for which the same holds.
_FAST = "not service and not browser and not proof and not long"
FAST = Leg(name="fast", marks=_FAST, shards=jobs.CORES + 1, waits=True)


def main() -> int:
    """Run the legs that were named; 0 only if each of them ran and is good."""
    parser = argparse.ArgumentParser(description="Run legs of the test suite.")
    parser.add_argument(
        "legs", nargs="*", metavar="LEG", help="fast, " + ", ".join(leg.name for leg in LEGS)
    )
    parser.add_argument("--seed", default=SEED)
    parser.add_argument(
        "--tests", default="", help="only these, as pytest names them; with one leg"
    )
    parser.add_argument(
        "--keep-seconds",
        action="store_true",
        help="write tests/seconds.json, by which shards are cut",
    )
    options = parser.parse_args()
    chosen = [
        leg
        for leg in (FAST, *LEGS)
        if leg.name in options.legs or (not options.legs and leg is not FAST)
    ]
    if not chosen or {leg.name for leg in chosen} != set(
        options.legs or [leg.name for leg in LEGS]
    ):
        parser.error("no such leg")
    if chosen != [FAST]:
        packages.install_what_is_missing()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(
        prefix="tulga-legs-", dir=quick_place(), ignore_cleanup_errors=True
    ) as place:
        folder = Path(place)
        folder.chmod(0o755)  # PostgreSQL's own user has to pass
        # Only all legs together meet every code: a part of them, or tests by name, note and judge
        # none.
        if is_whole(options.legs, options.tests):
            os.environ[census.VARIABLE] = place
        with Servers(folder) as servers:
            work = [
                job
                for leg in chosen
                for job in _jobs(leg, options.tests.split(), options.seed, servers)
            ]
            print(
                f"{len(work)} processes of pytest, {jobs.CORES} cores, seed {options.seed}",
                flush=True,
            )
            ended = jobs.run(work, folder)
        wrong = census.judge(folder) if is_whole(options.legs, options.tests) else []
    if options.keep_seconds:
        jobs.keep_seconds(ended)
    return jobs.conclude(ended, wrong, seconds=time.monotonic() - began, seed=options.seed)


def is_whole(legs: Sequence[str], tests: str) -> bool:
    """Whether this is a run of all legs with all their tests."""
    return not legs and not tests


def selection(leg: Leg, tests: Sequence[str] = ()) -> list[str]:
    """What pytest is told to select for a leg, the files last."""
    return [*_arguments(leg), *(tests or _files(leg))]


def _jobs(leg: Leg, tests: list[str], seed: str, servers: Servers) -> list[Job]:
    """The leg's processes of pytest: its files, cut by the seconds they took when that was kept."""
    return [
        Job(
            leg=leg.name,
            name=f"{leg.name}_{number}",
            files=tuple(shard),
            arguments=tuple(_arguments(leg)),
            environment=partial(servers.environment, broker=leg.broker),
            seed=seed,
            waits=leg.waits,
            in_real_time=leg.in_real_time,
        )
        for number, shard in enumerate(
            [tests] if tests else jobs.cut(_files(leg), leg.shards, leg.name), start=1
        )
    ]


def _arguments(leg: Leg) -> list[str]:
    single = [f"--deselect={test}" for test in _left_out(leg.place) if "::" in test]
    return ["-m", leg.marks, *([leg.rows] if leg.rows else []), *single]


def _files(leg: Leg) -> list[str]:
    """The files with a test of this leg, by a word that its marks need; the mark itself decides in
    pytest.
    """
    found, left_out = [], _left_out(leg.place)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        is_with_workers = path.match("*_with_workers.py")
        text = path.read_text(encoding="utf-8")
        if (
            is_with_workers == (leg.name == "workers")
            and leg.word in text
            and _may_match(leg, text)
        ):
            found.append(path.relative_to(ROOT).as_posix())
    return [path for path in found if not any(fnmatch(path, pattern) for pattern in left_out)]


def _may_match(leg: Leg, text: str) -> bool:
    """Whether the leg's marks leave anything of a file whose every test bears the mark it
    excludes.
    """
    marked = text.partition("pytestmark")[2].partition("\n\n")[0]
    return not any(f"not {word}" in leg.marks and f"mark.{word}" in marked for word in _EXCLUDED)


def is_left_out(test: str, *, place: str) -> bool:
    """Whether tests/left_out.toml names this test, or its file, for that place."""
    names = (test.partition("[")[0], test.partition("::")[0])
    return any(fnmatch(name, pattern) for name in names for pattern in _left_out(place))


@cache
def _left_out(place: str) -> tuple[str, ...]:
    listed = tomllib.loads((ROOT / "tests" / "left_out.toml").read_text(encoding="utf-8")).get(
        "left_out", []
    )
    return tuple(one["tests"] for one in listed if place in one["places"])


if __name__ == "__main__":
    sys.exit(main())
