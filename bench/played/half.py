"""The API's response times at half of its capacity: medians and 99ths of 100.

First so many callers at once send requests as fast as answers come: this gives the capacity of the
machine, on which the callers run too.
Then half as many per second are sent at set times. A late request counts from its due time.
Borrowers sign in advance, with RSA keys; for each, one clearance is requested and, after its issue,
consumed.
"""

import json
import secrets
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count, cycle
from pathlib import Path
from threading import Lock

import urllib3

from insecure_sandbox.demo.lender import opening
from insecure_sandbox.demo.stage import Stage, phone_of
from played.installation import KEY, LENDER_BIN, Installation, running

_CALLERS, _KEYS = 8, 20
_SECONDS = 15.0
_PATIENCE_SECONDS = 60.0
_COMMON = ("create", "status", "status", "status", "status", "list")
"""In this proportion: a loan is opened once, read some times, and listed."""


@dataclass
class Caller:
    """Sends requests of each kind, and records each duration from its due time."""

    stage: Stage
    verified: list[tuple[str, str]]
    keys: Iterator[str]
    waited: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    numbers: Iterator[int] = field(default_factory=count)
    lock: Lock = field(default_factory=Lock)
    http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=_CALLERS * 4, timeout=30)
    )

    def send(self, kind: str, due: float) -> None:
        """One of the common kinds."""
        case, _ = self.verified[next(self.numbers) % len(self.verified)]
        iin = self.stage.iin()
        body = opening(
            f"half-{secrets.token_hex(4).translate(_LETTERS)}",
            iin=iin,
            routes=["eds"],
            phone=phone_of(iin),
        )
        requests: dict[str, Callable[[], object]] = {
            "create": lambda: self.call("POST", "/v1/verifications", body),
            "status": lambda: self.call("GET", f"/v1/verifications/{case}"),
            "list": lambda: self.call("GET", "/v1/verifications"),
        }
        requests[kind]()
        self.took(kind, due)

    def issue(self, number: int, due: float) -> str:
        """Requests a clearance; its id."""
        verification, _ = self.verified[number]
        body = {"contract_sha256": _contract_of(verification)}
        clearance = self.call("POST", f"/v1/verifications/{verification}/clearances", body)["id"]
        self.took("issue", due)
        return str(clearance)

    def consume(self, number: int, clearance: str, due: float) -> None:
        """Consumes it, once issued."""
        began = time.monotonic()
        while self.call("GET", f"/v1/clearances/{clearance}")["status"] == "processing":
            if time.monotonic() > began + _PATIENCE_SECONDS:
                raise SystemExit("a clearance was not issued in time")
            time.sleep(0.2)
        loan = opening("", iin="900101900015", routes=[])["loan"]
        paid = {
            "amount": loan["amount"],
            "payout_account": loan["payout_account"],
            "contract_sha256": _contract_of(self.verified[number][0]),
        }
        due = max(due, time.monotonic())
        self.call(
            "POST", f"/v1/clearances/{clearance}/consume", paid | {"iin": self.verified[number][1]}
        )
        self.took("consume", due)

    def call(self, method: str, path: str, body: object = None) -> dict[str, str]:
        """The answer, if successful."""
        headers = {"Authorization": f"Bearer {next(self.keys)}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = secrets.token_hex(16)
        content = None if body is None else json.dumps(body).encode()
        answer = self.http.request(
            method, f"{self.stage.url}{path}", body=content, headers=headers, retries=False
        )
        if answer.status >= 300:
            raise SystemExit(f"{method} {path} answered {answer.status}: {answer.data[:300]!r}")
        fields: dict[str, str] = json.loads(answer.data)
        return fields

    def took(self, kind: str, due: float) -> None:
        """The time since the due time."""
        with self.lock:
            self.waited[kind].append(time.monotonic() - due)


def _contract_of(verification: str) -> str:
    """The hash of this loan's contract."""
    return sha256(f"The contract of {verification}.".encode()).hexdigest()


_LETTERS = str.maketrans(
    "0123456789", "ghijklmnop"
)  # digits in a reference could be a personal number


def measure(folder: Path, *, verified: int = 80) -> None:
    """Starts an installation, measures, prints."""
    with running(folder, "redis") as installation:
        cases = sign(installation, verified)
        # Each key may send ten requests a second: the rate limit is not measured.
        issued = [installation.stage.processes.must("add_key", LENDER_BIN) for _ in range(_KEYS)]
        keys = cycle([KEY.findall(output)[0] for output in issued])
        per_second = capacity(Caller(installation.stage, cases, keys))
        half = Caller(installation.stage, cases, keys)
        at_half(half, per_second / 2)
    print(f"at half of {per_second:.0f} requests a second, callers on the same machine:")
    for kind, seconds in half.waited.items():
        late = sorted(seconds)
        middle, last = 1000 * statistics.median(late), 1000 * late[int(len(late) * 0.99)]
        print(f"  {kind}: {middle:.0f} ms (median), {last:.0f} (99th of 100), of {len(late)}")


def sign(installation: Installation, number: int) -> list[tuple[str, str]]:
    """The ids and IINs of verified borrowers."""
    stage = installation.stage

    def one(place: int) -> tuple[str, str]:
        iin = stage.iin()
        opened, browser = stage.borrow(f"half-{place}", iin)
        browser.sign(stage.credential(iin, family="rsa"))
        browser.wait_for_judgement()
        return str(opened["id"]), iin

    with ThreadPoolExecutor(4) as pool:
        cases = list(pool.map(one, range(number)))
    time.sleep(3)  # the log orders the last
    return cases


def capacity(caller: Caller) -> float:
    """Answers per second to callers that repeat at once."""
    ends, kinds = time.monotonic() + _SECONDS, cycle(_COMMON)

    def ask() -> None:
        while time.monotonic() < ends:
            caller.send(next(kinds), time.monotonic())

    with ThreadPoolExecutor(_CALLERS) as pool:
        for done in [pool.submit(ask) for _ in range(_CALLERS)]:
            done.result()
    return sum(map(len, caller.waited.values())) / _SECONDS


def at_half(caller: Caller, per_second: float) -> None:
    """So many per second, and every verified borrower's clearance, evenly over the time."""
    number, begins = int(per_second * 2 * _SECONDS), time.monotonic() + 0.5
    common = [
        (begins + place / per_second, kind)
        for place, kind in zip(range(number), cycle(_COMMON), strict=False)
    ]
    cleared = 2 * _SECONDS / len(caller.verified)

    def ask(due: float, kind: str) -> None:
        time.sleep(max(0.0, due - time.monotonic()))
        caller.send(kind, due)

    def pay(due: float, place: int) -> None:
        time.sleep(max(0.0, due - time.monotonic()))
        caller.consume(place, caller.issue(place, due), due)

    with ThreadPoolExecutor(_CALLERS * 4) as pool, ThreadPoolExecutor(_CALLERS) as paying:
        done = [pool.submit(ask, due, kind) for due, kind in common]
        done += [
            paying.submit(pay, begins + place * cleared, place)
            for place in range(len(caller.verified))
        ]
        for seconds in done:
            seconds.result()
