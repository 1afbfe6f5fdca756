"""The cost of the log's signatures: create and decide, order, and verify, compared with bare
Ed25519 and SHA-256.

`make bench PART=log`. On an SQLite file in memory: verifications opened by the product and decided
by a worker, and entries in pairs under one signature.
The worker's decision is a refused consent, which declines the verification with a receipt.
Each is measured twice in one run, with the product's keys and with a signer and a verifier that do
nothing, in turns.
`ratio N.NNx`: the speed with signatures over the speed without.
Ordering and `audit_verify` are also compared with the bare work over the same entries, on one core:
an Ed25519 verification per transaction, a SHA-256 per leaf and node.
Ratios are of processor time, which other processes disturb less. Memory is the peak that
`audit_verify` adds to its process.
"""

import argparse
import os
import resource
import statistics
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from hashlib import sha256
from itertools import count
from typing import Any, NamedTuple
from unittest.mock import patch

from django.db import transaction
from played.in_memory import begin, new_lender

from verification import tasks
from verification.log import keys, log, sequencer, signatures
from verification.log.signatures import spell_leaf
from verification.log.verify import verify_log
from verification.models import AuditEntry, AuditLeaf, AuditPending, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

_ROUNDS = 5
_CORES = min(os.cpu_count() or 1, 2)
"""How many processes verify, besides one alone."""
_LOG, _BARE = "live", "test"
"""The verified log of pairs; the other, of verifications, also takes unsigned ones."""


class Spent(NamedTuple):
    """Seconds: by the clock, and of processor time, with that of child processes."""

    wall: float
    cpu: float


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--entries", type=int, default=20_000, help="in the log that is ordered and verified"
    )
    parser.add_argument("--cases", type=int, default=200, help="created and decided a round")
    arguments = parser.parse_args()
    play = player()
    verify_cases(lambda: play(_ROUNDS * arguments.cases))
    report(
        "create and decide",
        *alternately(lambda: play(arguments.cases)),
        count_of=arguments.cases,
        unit="verifications",
    )
    order_and_verify(arguments.entries)


@contextmanager
def unsigned() -> Iterator[None]:
    """A signer that returns constant bytes, and a verifier that accepts them."""

    class Nothing:
        def sign(self, message: bytes) -> bytes:
            return bytes(64)

    private = signatures._private
    with (
        patch.object(signatures, "_private", lambda seed: (Nothing(), private(seed)[1])),
        patch.object(signatures, "_verify", lambda public, signature, message: None),
    ):
        yield


def player() -> Callable[[int], None]:
    """Plays so many verifications: opened by the lender, answered once, and declined by a
    worker.
    """
    lender, numbers = new_lender(), count()

    def play(cases: int) -> None:
        for _ in range(cases):
            story = begin(lender, f"bench-{next(numbers)}")
            story.answer(agreed=False, version=CURRENT, language="ru")
            tasks.advance(story.id)

    return play


def verify_cases(play: Callable[[], None]) -> None:
    """Verifies a log of verifications: each is folded, and its rows are compared."""
    play()
    order(_BARE)
    if Verification.objects.exclude(status="declined").exists():
        raise SystemExit("a worker decided otherwise")
    verify(_BARE, "audit_verify of cases")


def order_and_verify(entries: int) -> None:
    """Orders and verifies a log of pairs of entries, each under one signature."""
    counter = count()

    def fill(log_of: str, number: int) -> None:
        for _ in range(number // 2):
            with transaction.atomic(), log.gathering():
                for kind in ("attempt.opened", "evidence.kept"):
                    body = {
                        "attempt": f"att_{next(counter)}",
                        "route": "eds",
                        "stage": "statement",
                        "turn": 1,
                    }
                    log.append(log=log_of, type=kind, body=body)

    with unsigned():  # entries created before this
        order(_BARE)
    share = entries // _ROUNDS
    by_signing: dict[bool, list[Spent]] = {True: [], False: []}
    for _ in range(_ROUNDS):
        for is_signed, rounds in by_signing.items():
            with nullcontext() if is_signed else unsigned():
                fill(_BARE, share)
                rounds.append(timed(partial(order, _BARE)))
        fill(_LOG, share)
        order(_LOG)
    report("order", by_signing[True], by_signing[False], count_of=share, unit="entries")
    bare, total = bare_work(), size(_LOG)
    print(f"{'bare Ed25519 and SHA-256':28} {total / bare.wall:10.0f} entries a second")
    ordered = median(by_signing[True])
    print(f"{'order against bare':28} ratio {bare.cpu / total * share / ordered.cpu:.2f}x")
    spent = verify(_LOG, "audit_verify")
    print(f"{'audit_verify against bare':28} ratio {bare.cpu / spent.cpu:.2f}x")


def order(name: str) -> None:
    """Orders all waiting entries of a log, and ends the bench if the log refuses one."""
    while sequencer.order(name):
        pass
    if rejected := AuditPending.objects.filter(entry__log=name).count():
        raise SystemExit(f"the {name} log refuses {rejected} entries of the bench")


def verify(name: str, subject: str) -> Spent:
    """Verifies a log in one process, and in several; returns the cost in one."""
    total, start_memory = size(name), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    alone, together = (timed(partial(verify_whole, name, processes)) for processes in (1, _CORES))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start_memory) / 1024
    print(
        f"{subject:28} {total / alone.wall:10.0f} entries a second, {grown:.0f} MiB more for"
        f" {total} entries"
    )
    print(f"{f'{subject}, {_CORES} processes':28} {total / together.wall:10.0f} entries a second")
    return alone


def verify_whole(name: str, processes: int) -> None:
    """Verifies an intact log."""
    if finding := next(verify_log(name, against_head_file=False, processes=processes), None):
        raise SystemExit(f"the log of the bench is not whole: {finding}")


def bare_work() -> Spent:
    """The cost of the minimum work: a verification per signature, a hash per leaf and node."""
    entries = list(AuditEntry.objects.filter(log=_LOG).order_by("leaf__leaf_index"))
    leaves = [spell_leaf(entry, lender_sequence=None) for entry in entries]
    signed = [
        signing_entry
        for signing_entry in entries
        if isinstance(signing_entry.body.get("signed"), dict)
        and "by" in signing_entry.body["signed"]
    ]
    by_id = {entry.pk: entry for entry in entries}
    believed = keys.believed(_LOG)
    work = []
    for first in signed:
        claim = first.body["signed"]
        message = signatures._message([first, *(by_id[name] for name in claim.get("over", ()))])
        work.append((believed[claim["by"]].public, b64decode(claim["signature"]), message))

    def run() -> None:
        for public, signature, message in work:
            public.verify(signature, message)
        for leaf in leaves:
            sha256(sha256(b"\x00" + leaf).digest() + bytes(33)).digest()

    return min((timed(run) for _ in range(3)), key=lambda spent: spent.cpu)


def size(name: str) -> int:
    """How many entries a log holds."""
    return AuditLeaf.objects.filter(log=name).count()


def alternately(play: Callable[[], None]) -> tuple[list[Spent], list[Spent]]:
    """The cost of each round with the product's keys, and without."""
    signed, bare = [], []
    for _ in range(_ROUNDS):
        signed.append(timed(play))
        with unsigned():
            bare.append(timed(play))
    return signed, bare


def timed(play: Callable[[], Any]) -> Spent:
    """The cost of a call."""
    began = time.perf_counter(), processor_time()
    play()
    return Spent(time.perf_counter() - began[0], processor_time() - began[1])


def processor_time() -> float:
    """Processor seconds of this process and of those it waited for."""
    both = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def median(rounds: list[Spent]) -> Spent:
    """Of the rounds."""
    return Spent(
        statistics.median(spent.wall for spent in rounds),
        statistics.median(spent.cpu for spent in rounds),
    )


def report(name: str, signed: list[Spent], bare: list[Spent], *, count_of: int, unit: str) -> None:
    """The median of both, and their ratio."""
    with_keys, without = median(signed), median(bare)
    print(f"{name:28} {count_of / with_keys.wall:10.0f} {unit} a second signed")
    print(
        f"{name:28} {count_of / without.wall:10.0f} {unit} a second with a signer that does nothing"
    )
    print(f"{name:28} ratio {without.cpu / with_keys.cpu:.2f}x")


if __name__ == "__main__":
    main()
