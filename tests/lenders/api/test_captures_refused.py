"""What is wrong with a live capture, as the lender is told it: frames are posted as by the page."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from insecure_sandbox.camera import SLOW_APART_MS
from lenders.models import Lender
from tests.insecure_sandbox_process import SandboxProcess
from tests.lenders.api.before_camera import (
    Frames,
    Shown,
    at_camera,
    blank,
    captured,
    post,
    read,
)
from tests.lenders.api.before_camera import asked as asked
from tests.lenders.samples import Caller
from tests.verification.borrower.test_elsewhere import scanned
from tests.verification.borrower.visits import NOW
from tests.verification.engines.liveness import insecure_detectors
from tests.verification.review import desk
from tests.verification.stories import camera_story as camera
from tests.verification.stories.reviewers import leave
from tests.verification.stories.story import Story, swept, wait_until
from verification.engines.liveness import passive
from verification.stages.live_capture.policy import UNBURNT_MAX
from verification.worker import sweep

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.service,
    pytest.mark.usefixtures("seen_once", "asked"),
]


LARGE = {"loan__amount": "400000.00", "loan__total_repayable": "410000.00"}


def _from_the_middle(command: str, frames: Frames) -> Sequence[bytes]:
    return frames if command == "look_straight" else (*frames[:6], *blank(frames[6:]))


REVIEWED = Shown(more=LARGE)
WRONG: dict[str, Shown] = {
    "liveness_frame_unbound": Shown(asked={"key": "0" * 64}),
    "face_not_found": Shown(_from_the_middle),
    "liveness_line_review": Shown(apart_ms=SLOW_APART_MS),
}
"""One that is refused before anybody looks, one by what nets see, and one for people."""


@pytest.mark.parametrize("code", WRONG)
def test_it_is_told(api: Caller, lender: Lender, sandbox: SandboxProcess, code: str) -> None:
    found = read(api, captured(api, lender, sandbox, WRONG[code]))
    said = {(one["name"], one["code"]) for one in found["checks"]}
    assert code in {one for _, one in said}, sorted(said, key=str)


def test_a_review_without_votes_runs_out(
    api: Caller, lender: Lender, sandbox: SandboxProcess
) -> None:
    story = captured(api, lender, sandbox, REVIEWED)
    assert read(api, story)["status"] == "in_review"
    assert api.post("/v1/test/clock", {"advance_seconds": 24 * 3600}).status_code == 200
    swept()
    assert (read(api, story)["status"], read(api, story)["code"]) == ("expired", "review_timeout")
    assert "verification.in_review" in {one["type"] for one in api.get("/v1/events").json()["data"]}


def test_people_should_look_and_there_are_none(
    api: Caller, lender: Lender, sandbox: SandboxProcess
) -> None:
    leave(lender)
    found = read(api, captured(api, lender, sandbox, REVIEWED))
    assert (found["status"], found["code"]) == ("failed", "review_unavailable")
    assert "liveness_review" in {one["code"] for one in found["checks"]}
    told = {one["type"] for one in api.get("/v1/events").json()["data"]}
    assert ("verification.failed" in told, "verification.in_review" in told) == (True, False)


def test_people_refuse_it(api: Caller, lender: Lender, sandbox: SandboxProcess) -> None:
    story = captured(api, lender, sandbox, REVIEWED)
    assert desk.vote(desk.at_desk(lender), story, word="fail").status_code == 302
    story.work()
    assert (read(api, story)["status"], read(api, story)["code"]) == ("declined", "review_refused")


def test_money_waits_while_a_worker_owes_the_case_something_else(
    api: Caller, lender: Lender, sandbox: SandboxProcess
) -> None:
    story = captured(api, lender, sandbox, Shown())
    assert read(api, story)["status"] == "verified"
    wait_until(story.row().frames_until)
    sweep.run_round()
    answer = api.post(f"/v1/verifications/{story.id}/clearances", {"contract_sha256": "c" * 64})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


@pytest.fixture
def detector(tmp_path: Path) -> Iterator[None]:
    """One of presentation attacks, which takes every picture for one."""
    passive.use(insecure_detectors.install(tmp_path, insecure_detectors.saying(-4.0)))
    yield
    passive.use(None)


def told_codes(found: Mapping[str, Any]) -> dict[str, str]:
    """What each check said that did not pass."""
    return {one["name"]: one["code"] for one in found["checks"] if one["code"]}


@pytest.mark.usefixtures("detector")
def test_what_people_must_look_at_is_told(
    api: Caller, lender: Lender, sandbox: SandboxProcess
) -> None:
    at_phone = Shown(is_at_phone=True, without=["blink"])
    told = told_codes(read(api, captured(api, lender, sandbox, at_phone)))
    for_people = {"hand_over_review", "liveness_commands_left_out", "liveness_passive_review"}
    assert for_people <= {*told.values()}, told
    events = api.get("/v1/events").json()["data"]
    assert "verification.handed_over" in {event["type"] for event in events}


def test_captures_that_cost_nothing_are_few_a_day(
    api: Caller, lender: Lender, sandbox: SandboxProcess
) -> None:
    camera.register(sandbox, surname="Асанов", name="Асан", patronymic="")
    story, client = at_camera(api, lender)
    lost(story, client)
    story.work()
    assert {*told_codes(read(api, story)).values()} == {"liveness_line_lost"}
    assert api.post(f"/v1/verifications/{story.id}/cancel").status_code == 200
    for number in range(1, UNBURNT_MAX):
        story, client = at_camera(api, lender, client_reference=f"loan-{number}")
        phone = scanned(client)
        lost(story, client)
        # Before it is judged.
        assert phone.post("/v/phone/now/", {"somebody_tells_me": "true"}).status_code == 302
        story.work()
        assert read(api, story)["code"] == "coercion_reported"
    story, client = at_camera(api, lender, client_reference="loan-last")
    assert (story.page().page, story.page().notice) == ("resume", "captures_exceeded")
    assert client.get(NOW).status_code == 200


def lost(story: Story, client: Client) -> None:
    """A capture whose line is lost whenever something is asked."""
    post(client, {"turn": story.page().turn, "ready": True})
    while (shows := story.page()).page == "commands" and shows.data["state"] == "command":
        post(client, {"turn": shows.turn, "lost": True})
