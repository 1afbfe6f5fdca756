"""A burst: 500 borrowers of one lender arrive at 30 a second, and another lender's arrive in
parallel.

`make bench PART=burst` (PostgreSQL and Redis must be installed).
One installation on loopback with the product's settings plays as in bench/load.py.
First eight borrowers at once give the machine's sustained rate; then the burst runs until the last
judgement.
`ratio`: the burst's rate over the first.
The other lender's borrowers come one after another, before and during the burst.
The output has their waits from signature to page for both phases.
From the log it has each lender's step durations in the burst, from the answer that schedules a step
to its result's entry.
That excludes waits for the web server and for this client, which is one process with a thread per
borrower.
"""

import argparse
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from load import play, signer
from played.installation import KEY, Installation, running

from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.stage import Stage

_PATIENCE_SECONDS = 900.0
_STEPS = b"""
    SELECT name, count(*),
        percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY took) AS quantiles, max(took)
    FROM (
        SELECT answered.lender_id, extract(epoch FROM done.at - answered.at) AS took
        FROM verification_auditentry answered JOIN verification_auditentry done
        ON done.verification_id = answered.verification_id
        AND done.verification_sequence = answered.verification_sequence + 1
        WHERE answered.type = 'attempt.answered'
        AND answered.body->>'next' IN ('prepare', 'collect')
        AND answered.at > %s::timestamptz
    ) steps JOIN lenders_lender ON lenders_lender.id = lender_id GROUP BY name ORDER BY count(*)
"""
"""By lender: durations of steps, in seconds, for entries since a moment."""


def main() -> None:
    """Measures in turns, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--a-second", type=float, default=30.0)
    arguments = parser.parse_args()
    with (
        TemporaryDirectory(prefix="tulga-bench-") as folder,
        running(Path(folder), "redis") as installation,
    ):
        by_key = partial(signer, installation.stage)
        play(installation, "warm-up", by_key, cases=4, at_once=2)
        neighbour = another(installation.stage)
        alone = [judged(neighbour, f"alone-{number}") for number in range(8)]
        steady = play(installation, "steady", by_key, cases=48, at_once=8)[
            "verifications_per_second"
        ]
        since = datetime.now(UTC)
        rate, neighbour_seconds = burst(
            installation, neighbour, cases=arguments.cases, a_second=arguments.a_second
        )
        with psycopg.connect(installation.root_url) as root:
            steps = root.execute(_STEPS, (since,)).fetchall()
    print(f"carried: {steady:.2f} verifications a second, eight borrowers at once")
    print(
        f"burst of {arguments.cases} at {arguments.a_second:g} a second: {rate:.2f} a second"
        f"   ratio {rate / steady:.2f}x"
    )
    for name, waited in (("before", alone), ("in the burst", neighbour_seconds)):
        middle, longest = statistics.median(waited), max(waited)
        print(
            f"another lender's {len(waited)}, {name}: judged in {middle:.2f} s (median),"
            f" {longest:.2f} s at most"
        )
    for name, many, (middle, late), longest in steps:
        print(
            f"{name}: {many} steps in {middle:.2f} s (median), {late:.2f} (99th of 100),"
            f" {longest:.2f} at most"
        )


def burst(
    installation: Installation, neighbour: Stage, *, cases: int, a_second: float
) -> tuple[float, list[float]]:
    """Verifications per second from the first arrival to the last judgement; the other lender's
    waits, seconds.
    """
    stage, is_over, neighbour_seconds = installation.stage, threading.Event(), list[float]()
    borrowers = [
        signer(stage, f"burst-{number}", seconds=_PATIENCE_SECONDS) for number in range(cases)
    ]
    began = time.monotonic() + 1

    def one(number: int) -> float:
        time.sleep(max(0.0, began + number / a_second - time.monotonic()))
        _, sign = borrowers[number]()
        sign()
        return time.monotonic()

    def others() -> None:
        while not is_over.is_set():
            neighbour_seconds.append(judged(neighbour, f"beside-{len(neighbour_seconds)}"))

    watching = threading.Thread(target=others)
    watching.start()
    with ThreadPoolExecutor(cases) as pool:
        ended = list(pool.map(one, range(cases)))
    is_over.set()
    watching.join()
    return cases / (max(ended) - began), neighbour_seconds


def judged(stage: Stage, name: str) -> float:
    """Seconds from a borrower's signature to the page with the result."""
    _, sign = signer(stage, name, seconds=_PATIENCE_SECONDS)()
    began = time.monotonic()
    sign()
    return time.monotonic() - began


def another(stage: Stage) -> Stage:
    """The same installation as another lender sees it."""
    output = stage.processes.must(
        "add_lender", "Other Credit LLP", "--bin", "180440012349", "--phone", "+77270000044"
    )
    return replace(stage, api=LenderApi(stage.url, KEY.findall(output)[0]))


if __name__ == "__main__":
    main()
