"""`tulga trigger` and `tulga listen` over real processes, with the lender's test key alone: each
event that a lender is told comes, or the command says who brings it about.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lenders.insecure_receiver import Receiver, listening
from tests.service.deployment import Deployment
from tulga.triggering import NOT_BY_A_LENDER, TRIGGERS
from tulga.webhooks import Verifier
from verification.core.events import TOLD

pytestmark = pytest.mark.service

_CLIENT = Path(__file__).resolve().parents[2] / "clients" / "python"
# A face that was painted by chance decides it, as it does the scenario that is played.
_BY_CHANCE = (pytest.mark.proof("scenarios"), pytest.mark.whole)
_EACH = [
    pytest.param(event, marks=_BY_CHANCE if event == "verification.in_review" else ())
    for event in sorted(TRIGGERS)
]


def tulga(deployment: Deployment, *words: str, key: str = "") -> subprocess.CompletedProcess[str]:
    """The command, as a lender's developer starts it: with an address, a key and nothing else."""
    variables = {"TULGA_URL": deployment.url, "TULGA_KEY": key or deployment.api.key}
    return subprocess.run(
        [sys.executable, "-m", "tulga", *words],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_CLIENT), **variables},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=350,
    )


def test_every_event_has_its_way_or_a_word_why_not() -> None:
    assert {*TRIGGERS, *NOT_BY_A_LENDER} == set(TOLD)
    assert TRIGGERS.keys().isdisjoint(NOT_BY_A_LENDER)


@pytest.mark.parametrize("event", _EACH)
def test_an_event_comes_by_a_lenders_key(deployment: Deployment, event: str) -> None:
    done = tulga(deployment, "trigger", event)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(rf"{event}  evt_\w+  \d+", done.stdout.splitlines()[-1])


def test_what_no_key_of_a_lender_brings_about_says_who_does(deployment: Deployment) -> None:
    for event, reason in NOT_BY_A_LENDER.items():
        done = tulga(deployment, "trigger", event)
        assert (done.returncode, done.stdout) == (1, "")
        assert reason in done.stderr


def test_a_live_key_and_a_foreign_one_bring_nothing_about(deployment: Deployment) -> None:
    for key, reason in (("tlg_live_x", "needs a test key"), ("tlg_test_x", "401 key_unknown")):
        done = tulga(deployment, "trigger", "verification.created", key=key)
        assert (done.returncode, done.stdout) == (1, "")
        assert reason in done.stderr
        assert key not in done.stderr


def test_a_developer_gets_each_event_signed(deployment: Deployment) -> None:
    created = tulga(deployment, "trigger", "verification.created").stdout.split()[-2:]
    with listening(Receiver()) as receiver:
        words = ("--after", str(int(created[1]) - 1), "--once")
        done = tulga(deployment, "listen", "--forward-to", receiver.url, *words)
    assert (done.returncode, done.stderr) == (0, "")
    secret, key = re.findall(r"^(?:secret|public key) +(\S+)$", done.stdout, re.MULTILINE)
    verifier = Verifier(secrets=[secret], public_key=key)
    events = [
        (message.headers, verifier.verify(message.headers, message.body, now=time.time()))
        for message in receiver.received
    ]
    assert events[0][1].type == "verification.created"
    assert events[0][1].checkpoint
    assert f"{created[1]}  verification.created  {created[0]}  204" in done.stdout
