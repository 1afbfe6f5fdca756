"""The scenes of the demo, each with the end it must have."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import urllib3

from insecure_sandbox.authority import forge_like_nca
from insecure_sandbox.credential import Credential
from insecure_sandbox.credential_fields import credential_from_fields
from insecure_sandbox.demo.borrower import Browser
from insecure_sandbox.demo.lender import LenderApi
from insecure_sandbox.demo.processes import DemoFailed, Processes, wait_until
from insecure_sandbox.demo.progress import Row, say
from verification.core.ids import check_digit

ROUTE = "eds"
_ORDERED_SECONDS = 30.0


@dataclass
class Stage:
    """What every scene plays on."""

    api: LenderApi
    url: str
    sandbox: str
    processes: Processes
    start_worker: Callable[[], None]
    people: int = 0

    def iin(self) -> str:
        """A fresh IIN of somebody born in 1899, so that it is nobody's."""
        while True:
            self.people += 1
            eleven = f"9902021{self.people:04}"
            if check_digit(eleven) != "x":
                return eleven + check_digit(eleven)

    def credential(self, iin: str, *, family: str = "gost512", state: str = "valid") -> Credential:
        """A certificate with its key from the sandbox's authority."""
        person = {"iin": iin, "surname": "ТЕСТОВ", "given_name": "ТЕСТ", "patronymic": "ТЕСТОВИЧ"}
        wanted = person | {"family": family, "role": "individual", "state": state}
        answer = urllib3.request("POST", f"{self.sandbox}/ca/credentials", json=wanted, timeout=30, redirect=False)
        if answer.status != 201:
            raise DemoFailed(f"the sandbox's authority answered {answer.status}")
        return credential_from_fields(answer.json())

    def borrow(self, name: str, iin: str) -> tuple[dict[str, Any], Browser]:
        """The lender opens, the borrower follows the link and agrees up to the statement."""
        opened = self.api.open(f"demo-{name}-{secrets.token_hex(4)}", iin=iin, routes=[ROUTE])
        browser = Browser(self.url)
        browser.follow(opened["url"])
        browser.agree()
        return opened, browser

    def row(self, name: str, opened: dict[str, Any], since: float, *, must: tuple[str, str]) -> Row:
        """Reads the result over the API; `must` is the status and the code of the failed check, or of the end."""
        verification = self.api.read(opened["id"])
        if verification["status"] in ("verified", "declined", "failed"):
            wait_until(
                lambda: self.api.read(opened["id"])["log_index"] is not None,
                what="the log to order the decision",
                seconds=_ORDERED_SECONDS,
            )
            verification = self.api.read(opened["id"])
        code = verification["last_failure"] or verification["code"] or ""
        outcome = (verification["status"], code)
        seconds = time.monotonic() - since
        return Row(name, ROUTE, *outcome, seconds, verification["log_index"], outcome == must)


def own_signature(stage: Stage, family: str) -> Row:
    """The borrower signs with the borrower's own key: must be verified."""
    since, iin = time.monotonic(), stage.iin()
    opened, browser = stage.borrow(f"own-{family}", iin)
    browser.sign(stage.credential(iin, family=family))
    browser.wait_for_judgement()
    return stage.row(f"own key, {family}", opened, since, must=("verified", ""))


def another_person(stage: Stage) -> Row:
    """Somebody else signs, three times: must be declined."""
    since = time.monotonic()
    opened, browser = stage.borrow("another", stage.iin())
    thief = stage.credential(stage.iin())
    for _ in range(3):
        browser.sign(thief)
        browser.wait_for_judgement()
    return stage.row("another person's key ×3", opened, since, must=("declined", "eds_iin_mismatch"))


def forged(stage: Stage) -> Row:
    """A certificate with the authority's names and the borrower's IIN, signed by nobody: must not be verified."""
    since, iin = time.monotonic(), stage.iin()
    opened, browser = stage.borrow("forged", iin)
    issuer = stage.credential(iin).issuer_certificate
    yesterday = datetime.now(UTC) - timedelta(days=1)
    browser.sign(forge_like_nca(issuer, iin=iin, surname="ТЕСТОВ", given_name="ТЕСТ", at=yesterday))
    browser.wait_for_judgement()
    return stage.row("forged certificate, NCA names", opened, since, must=("requires_input", "eds_path_untrusted"))


def revoked(stage: Stage) -> Row:
    """The borrower's own key, revoked: must not be verified."""
    since, iin = time.monotonic(), stage.iin()
    opened, browser = stage.borrow("revoked", iin)
    browser.sign(stage.credential(iin, state="revoked"))
    browser.wait_for_judgement()
    return stage.row("revoked certificate", opened, since, must=("requires_input", "eds_certificate_revoked"))


def replayed(stage: Stage) -> Row:
    """A good signature of the same person from an earlier verification, sent again: must not be verified."""
    since, iin = time.monotonic(), stage.iin()
    _, first = stage.borrow("replay-first", iin)
    signature = first.sign(stage.credential(iin))
    first.wait_for_judgement()
    opened, second = stage.borrow("replay-second", iin)
    second.send(signature)
    second.wait_for_judgement()
    return stage.row("replayed signature", opened, since, must=("requires_input", "eds_statement_mismatch"))


def killed_worker(stage: Stage) -> Row:
    """The worker is killed while it waits for the revocation list; another one finishes: must be verified once."""
    since, iin = time.monotonic(), stage.iin()
    opened, browser = stage.borrow("killed", iin)
    fault = {"source": "crl", "kind": "slow", "times": 1}
    urllib3.request("POST", f"{stage.sandbox}/faults", json=fault, timeout=10, redirect=False)
    browser.sign(stage.credential(iin))
    wait_until(lambda: _fault_taken(stage), what="the worker to ask for the list", seconds=30)
    stage.processes.kill("worker")
    say(
        "worker killed with SIGKILL in the middle of the step; its lease runs out in 30 s at most, then the sweep rings"
    )
    stage.start_worker()
    browser.wait_for_judgement()
    return stage.row("worker killed mid-step", opened, since, must=("verified", ""))


def _fault_taken(stage: Stage) -> bool:
    answer = urllib3.request("GET", f"{stage.sandbox}/faults", timeout=10, redirect=False)
    return not answer.json()["waiting"]


SCENES: tuple[tuple[str, Callable[[Stage], Row]], ...] = (
    ("the borrower signs with a GOST key", lambda stage: own_signature(stage, "gost512")),
    ("the borrower signs with an RSA key", lambda stage: own_signature(stage, "rsa")),
    ("somebody else signs", another_person),
    ("somebody forges a certificate with NCA names", forged),
    ("the borrower signs with a revoked key", revoked),
    ("somebody replays an earlier signature", replayed),
    ("a worker is killed in the middle", killed_worker),
)
