"""The time from a borrower's last act until the end is public, at every place that shows it.

`make bench PART=told` (PostgreSQL and Redis must be installed, or RabbitMQ for `--broker
rabbitmq`).
It starts a whole installation on loopback with the product's settings.
So many borrowers at once sign (RSA) or, with `--act question`, report a caller, which ends the
verification.
The measurement starts just before that request, with a poll every 20 ms, until the lender's API,
the borrower's page and the webhook have the end.
The log's times give the step's share, from the answer to the decision, and the share between the
decision and its checkpoint.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from played.installation import BROKERS, Installation, running

from insecure_sandbox.borrower import Browser
from insecure_sandbox.demo.stage import Stage

_ENDS = ("verified", "declined", "failed")
_ASK_SECONDS = 0.02
_PATIENCE_SECONDS = 60.0
_OF_LOG = """
SELECT extract(epoch FROM decided.at - answered.at),
    extract(epoch FROM ordered.created_at - decided.at)
FROM verification_auditentry decided JOIN verification_auditleaf leaf ON leaf.entry_id = decided.id
JOIN LATERAL (SELECT at FROM verification_auditentry WHERE verification_id = decided.verification_id
    AND type = 'attempt.answered' ORDER BY at DESC LIMIT 1) answered ON true
JOIN LATERAL (SELECT created_at FROM verification_auditcheckpoint point WHERE point.log = leaf.log
    AND point.size > leaf.leaf_index ORDER BY point.size LIMIT 1) ordered ON true
WHERE decided.type IN ('verification.verified', 'verification.declined', 'verification.failed')
"""


@dataclass(frozen=True)
class Waited:
    """Seconds from a borrower's last act until its end was public."""

    verification_id: str
    sent_at: float
    api: float
    page: float


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--act", choices=("sign", "question"), default="sign")
    parser.add_argument("--broker", choices=sorted(BROKERS), default="redis")
    arguments = parser.parse_args()
    with (
        TemporaryDirectory(prefix="tulga-bench-") as folder,
        running(Path(folder), arguments.broker) as installation,
    ):
        prepare = signer if arguments.act == "sign" else reporter
        load = os.getloadavg()[0]
        acts = [prepare(installation.stage, f"told-{number}") for number in range(arguments.cases)]
        with ThreadPoolExecutor(arguments.at_once) as pool:
            waited = list(pool.map(lambda come: told(installation.stage, come), acts))
        hooks = webhooks(installation, waited)
        with psycopg.connect(installation.root_url) as root:
            steps, orders = zip(*root.execute(_OF_LOG).fetchall(), strict=True)
    print(
        f"{arguments.cases} verifications, {arguments.at_once} at once; load {load:.1f} before,"
        f" {os.getloadavg()[0]:.1f} after"
    )
    for name, seconds in (
        ("told by the API", [case.api for case in waited]),
        ("told by the page", [case.page for case in waited]),
        ("webhook", hooks),
        ("of these the step", map(float, steps)),
        ("and the log", map(float, orders)),
    ):
        show(name, seconds)


def show(name: str, seconds: Iterable[float]) -> None:
    """Median, 95th of 100 and the longest."""
    ordered = sorted(seconds)
    middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    print(f"{name}: {middle:.2f} s (median), {late:.2f} (95th of 100), {ordered[-1]:.2f} at most")


def signer(stage: Stage, name: str) -> Callable[[], tuple[str, Browser, Callable[[], object]]]:
    """A borrower with their own key, up to the signature."""
    iin = stage.iin()
    key = stage.credential(iin, family="rsa")

    def come() -> tuple[str, Browser, Callable[[], object]]:
        opened, browser = stage.borrow(name, iin)
        browser.wait_for("statement")
        return opened["id"], browser, lambda: browser.sign(key)

    return come


def reporter(stage: Stage, name: str) -> Callable[[], tuple[str, Browser, Callable[[], object]]]:
    """A borrower at the question whether another person instructs them, who says yes."""
    iin = stage.iin()

    def come() -> tuple[str, Browser, Callable[[], object]]:
        opened, browser = stage.arrive(name, iin, routes=("eds",))
        browser.consent()
        browser.wait_for("question")
        return opened["id"], browser, lambda: browser.fill_in("question", somebody_tells_me="true")

    return come


def told(stage: Stage, come: Callable[[], tuple[str, Browser, Callable[[], object]]]) -> Waited:
    """One borrower, and two clients that poll the end."""
    verification_id, browser, act = come()
    began, sent_at = time.monotonic(), time.time()
    act()
    with ThreadPoolExecutor(2) as asking:
        path = f"/v1/verifications/{verification_id}"
        api = asking.submit(until, lambda: stage.api.call("GET", path)["status"] in _ENDS, began)
        page = asking.submit(until, lambda: browser.state()["page"] == "finished", began)
        return Waited(verification_id, sent_at, api.result(), page.result())


def until(is_told: Callable[[], bool], began: float) -> float:
    """Seconds since the start, at the end."""
    while not is_told():
        if time.monotonic() > began + _PATIENCE_SECONDS:
            raise SystemExit("an end was not told in time")
        time.sleep(_ASK_SECONDS)
    return time.monotonic() - began


def webhooks(installation: Installation, waited: Iterable[Waited]) -> list[float]:
    """Seconds from the act to each webhook."""
    time.sleep(3)
    offset, seconds = time.time() - time.monotonic(), []
    for case in waited:
        deliveries = [
            post
            for post in list(installation.receiver.received)
            if case.verification_id.encode() in post.body
        ]
        seconds += [
            post.at + offset - case.sent_at
            for post in deliveries
            if any(f'"{end}"'.encode() in post.body for end in _ENDS)
        ]
    return seconds


if __name__ == "__main__":
    main()
