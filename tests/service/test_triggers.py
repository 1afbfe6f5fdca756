"""`manage.py tulga_trigger` over real processes: each event that a lender is told comes, or it says
who brings it.
"""

import os
from io import StringIO
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command

from lenders.management.commands.tulga_trigger import NOT_BY_API, TRIGGERS
from tests.service.deployment import Deployment
from verification.core.events import TOLD

pytestmark = pytest.mark.service

# A face that was painted by chance decides it, as it does the scenario that is played.
_BY_CHANCE = (pytest.mark.proof("scenarios"), pytest.mark.whole)
_EACH = [
    pytest.param(event, marks=_BY_CHANCE if event == "verification.in_review" else ())
    for event in sorted(TRIGGERS)
]


def trigger(deployment: Deployment, event: str, key: str = "") -> str:
    """What the command says, here in the test's process: one of its own takes longer to start than
    most events.
    """
    said = StringIO()
    with patch.dict(os.environ, TULGA_KEY=key or deployment.api.key):
        call_command("tulga_trigger", event, url=deployment.url, stdout=said)
    return said.getvalue()


def started(deployment: Deployment, event: str) -> tuple[int, str, str]:
    """The command's exit code and what it said, started as a developer does."""
    with patch.dict(os.environ, TULGA_KEY=deployment.api.key):
        done = deployment.processes.manage("tulga_trigger", event, "--url", deployment.url)
    return done.returncode, done.stdout, done.stderr


def test_every_event_has_its_way_or_a_word_why_not() -> None:
    assert {*TRIGGERS, *NOT_BY_API} == set(TOLD)
    assert TRIGGERS.keys().isdisjoint(NOT_BY_API)


@pytest.mark.parametrize("event", _EACH)
def test_an_event_comes(deployment: Deployment, event: str) -> None:
    assert trigger(deployment, event).splitlines()[-1].startswith(f"{event}  evt_")


@pytest.mark.parametrize("event", sorted(NOT_BY_API))
def test_what_no_call_brings_about_says_who_does(deployment: Deployment, event: str) -> None:
    with pytest.raises(CommandError) as wrong:
        trigger(deployment, event)
    assert NOT_BY_API[event] in str(wrong.value)


def test_as_a_process_it_ends_with_what_came_of_it(deployment: Deployment) -> None:
    code, said, wrong = started(deployment, "verification.created")
    assert (code, wrong) == (0, "")
    assert said.splitlines()[-1].startswith("verification.created  evt_")
    code, said, wrong = started(deployment, min(NOT_BY_API))
    assert (code, said) == (1, "")
    assert NOT_BY_API[min(NOT_BY_API)] in wrong


def test_a_live_key_and_a_foreign_one_bring_nothing_about(deployment: Deployment) -> None:
    with pytest.raises(CommandError):
        trigger(deployment, "verification.created", key="tlg_live_x")
    with pytest.raises(CommandError, match="401 key_unknown"):
        trigger(deployment, "verification.created", key="tlg_test_x")
