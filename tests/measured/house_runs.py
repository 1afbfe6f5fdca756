"""Three runs whose functions `scripts/measure_house.py` counts: two judgements by a worker, and an
opening by a lender.

The script starts one pytest for each, so that each is the first in its process, and reads the
functions from the report. No test of its own: the file's name keeps it out of the suite.
"""

import random
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.measure_house import CAPTURE_SEED, DEPTH, PRODUCT, Run, traced
from tests.lenders.conftest import api as api
from tests.lenders.conftest import lender as lender
from tests.lenders.samples import opening
from tests.verification.stories import camera_story as camera
from tests.verification.stories import story as stories
from tests.verification.stories.conftest import authorities as authorities
from tests.verification.stories.conftest import issued as issued
from tests.verification.stories.conftest import trusted as trusted
from verification import tasks

_ROOT = Path(__file__).resolve().parent.parent.parent
_ORDER = ["look_straight", "turn_right", "open_mouth", "nod", "turn_left"]

Record = Callable[[str, object], None]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("trusted")
def test_an_eds_judgement(issued, record_property):
    judge(stories.signed(issued), record_property)


def test_a_live_judgement(sandbox, settings, monkeypatch, record_property):
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    camera.register(sandbox)
    # The commands are drawn at random, and each gesture has functions of its own.
    monkeypatch.setattr(secrets, "SystemRandom", lambda: random.Random(CAPTURE_SEED))
    story = stories.begin(stories.lender())
    camera.agree(story)
    camera.free(story)
    assert camera.follow(story) == _ORDER
    judge(story, record_property)


def test_an_opening(api, record_property):
    with traced(_ROOT, PRODUCT) as run:
        answer = api.post("/v1/verifications", opening())
    assert answer.status_code == 201
    report(run, record_property)


def judge(story: stories.Story, record: Record) -> None:
    """The worker's step that judges, and nothing before or after it."""
    assert story.row().step == "judge"
    with traced(_ROOT, PRODUCT) as run:
        tasks.advance(story.id)
    assert (story.row().status, story.row().last_failure) == ("verified", "")
    report(run, record)


def report(run: Run, record: Record) -> None:
    """One property a function, for the script, and one with the depth of calls."""
    record(DEPTH, str(run.depth))
    for file, name in sorted(run.functions):
        record(name, file)
