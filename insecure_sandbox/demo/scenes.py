"""The scenes of a signature, each with its required end."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import urllib3

from insecure_sandbox import egov_mobile
from insecure_sandbox.authority import forge_like_nca
from insecure_sandbox.demo.processes import wait_until
from insecure_sandbox.demo.progress import Row, say
from insecure_sandbox.demo.stage import Stage

_SLOW = ("ocsp", "crl")  # the worker may ask either of them first


def own_signature(stage: Stage, family: str) -> Row:
    """The borrower signs with their own key: must be verified."""
    since, iin = time.monotonic(), stage.known()
    opened = stage.play(f"own-{family}", iin, family=family)
    return stage.row(f"own key, {family}", opened, since, must=("verified", ""))


def on_the_phone(stage: Stage) -> Row:
    """The borrower signs by eGov Mobile, after an app with an altered statement was refused:
    must be verified.
    """
    since, iin = time.monotonic(), stage.known()
    opened, browser = stage.borrow("on-the-phone", iin)
    key = stage.credential(iin, family="rsa")
    forged = egov_mobile.sign(browser.egov_code(), key, egov_mobile.Manner(alters="statement"))
    genuine = egov_mobile.sign(browser.egov_code(), key)
    say(
        f"eGov Mobile: an altered statement got {forged[0].status} {forged[0].code}, the right"
        f" one {genuine[0].status}"
    )
    browser.wait_for_judgement()
    row = stage.row("own key, eGov Mobile", opened, since, must=("verified", ""))
    return replace(
        row, as_it_must=row.as_it_must and (forged[0].status, genuine[0].status) == (403, 200)
    )


def another_person(stage: Stage) -> Row:
    """Another person signs, three times: must be declined."""
    since = time.monotonic()
    opened = stage.play("another", stage.known(), "eds_other_iin")
    return stage.row(
        "another person's key ×3", opened, since, must=("declined", "eds_iin_mismatch")
    )


def forged(stage: Stage) -> Row:
    """A certificate with the authority's names and the borrower's IIN, without a real signature:
    must not be verified.
    """
    since, iin = time.monotonic(), stage.known()
    opened, browser = stage.borrow("forged", iin)
    issuer = stage.credential(iin).issuer_certificate
    yesterday = datetime.now(UTC) - timedelta(days=1)
    browser.sign(forge_like_nca(issuer, iin=iin, surname="ТЕСТОВ", given_name="ТЕСТ", at=yesterday))
    browser.wait_for_judgement()
    return stage.row(
        "forged certificate, NCA names",
        opened,
        since,
        must=("requires_input", "eds_path_untrusted"),
    )


def revoked(stage: Stage) -> Row:
    """The borrower's own key, revoked: must not be verified."""
    since, iin = time.monotonic(), stage.known()
    opened = stage.play("revoked", iin, "eds_revoked", turns={"statement": 1})
    return stage.row(
        "revoked certificate", opened, since, must=("requires_input", "eds_certificate_revoked")
    )


def replayed(stage: Stage) -> Row:
    """A valid signature of the same person from an earlier verification, sent again: must not be
    verified.
    """
    since, iin = time.monotonic(), stage.known()
    _, first = stage.borrow("replay-first", iin)
    signature = first.sign(stage.credential(iin))
    first.wait_for_judgement()
    opened, second = stage.borrow("replay-second", iin)
    second.send(signature)
    second.wait_for_judgement()
    return stage.row(
        "replayed signature", opened, since, must=("requires_input", "eds_statement_mismatch")
    )


def killed_worker(stage: Stage) -> Row:
    """The worker is killed while it waits for revocation data; another one finishes: must be
    verified once.
    """
    since, iin = time.monotonic(), stage.known()
    opened, browser = stage.borrow("killed", iin)
    for source in _SLOW:
        fault = {"source": source, "kind": "slow", "times": 1}
        urllib3.request("POST", f"{stage.sandbox}/faults", json=fault, timeout=10, redirect=False)
    browser.sign(stage.credential(iin))
    wait_until(
        lambda: _is_met_by_a_fault(stage),
        what="the worker to ask for revocation data",
        seconds=30,
    )
    stage.processes.kill("worker")
    urllib3.request("DELETE", f"{stage.sandbox}/faults", timeout=10, redirect=False)
    say(
        "worker killed with SIGKILL in the middle of the step; its lease ends in 30 s at most, "
        "then another takes it"
    )
    stage.start_worker()
    browser.wait_for_judgement()
    return stage.row("worker killed mid-step", opened, since, must=("verified", ""))


def _is_met_by_a_fault(stage: Stage) -> bool:
    answer = urllib3.request("GET", f"{stage.sandbox}/faults", timeout=10, redirect=False)
    return len(answer.json()["waiting"]) < len(_SLOW)


SIGNATURE_SCENES: tuple[tuple[str, Callable[[Stage], Row]], ...] = (
    ("the borrower signs with a GOST key", lambda stage: own_signature(stage, "gost512")),
    ("the borrower signs with an RSA key", lambda stage: own_signature(stage, "rsa")),
    ("the borrower signs on the phone, by eGov Mobile", on_the_phone),
    ("somebody else signs", another_person),
    ("an attacker forges a certificate with NCA names", forged),
    ("the borrower signs with a revoked key", revoked),
    ("an attacker replays an earlier signature", replayed),
    ("a worker is killed in the middle", killed_worker),
)
