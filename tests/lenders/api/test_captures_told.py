"""What a lender learns of a live capture, passed or refused."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from insecure_sandbox.camera import APART_MS, SLOW_APART_MS, answer_to
from lenders.models import Lender
from tests.insecure_sandbox_process import SandboxProcess
from tests.lenders.samples import Caller, opening
from tests.verification.borrower.test_elsewhere import numbered, scanned
from tests.verification.borrower.visits import NOW, browser
from tests.verification.engines.liveness import insecure_detectors
from tests.verification.review import desk
from tests.verification.stages.live_capture import captures as given
from tests.verification.stages.live_capture.conftest import good as good
from tests.verification.stages.live_capture.conftest import live as live
from tests.verification.stages.live_capture.conftest import obama as obama
from tests.verification.stages.live_capture.conftest import play as play
from tests.verification.stages.live_capture.conftest import portraits as portraits
from tests.verification.stories import camera_story as camera
from tests.verification.stories.insecure_route import install
from tests.verification.stories.reviewers import leave
from tests.verification.stories.story import Story, order, swept, wait_until
from verification.access import open_page
from verification.borrower import camera as page
from verification.core.results import Step
from verification.core.route import Evidence
from verification.engines.liveness import passive
from verification.engines.liveness.prints import Alike
from verification.routes import BIOMETRIC
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.stages.live_capture.measure import Compared, ComparedAll, LiveCaptureFacts
from verification.stages.live_capture.policy import UNBURNT_MAX, LiveCapturePolicy
from verification.worker import sweep

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.service,
    pytest.mark.usefixtures("seen_once", "asked"),
]


# A borrower before the camera's page, by requests alone: frames are posted as the page's own
# script does.


STILL_BYTES = LiveCapturePolicy().capture.still_bytes
SCRIPT = {"Accept": "application/json"}
Frames = tuple[bytes, ...]


def same(command: str, frames: Frames) -> Sequence[bytes]:
    return frames


@dataclass(frozen=True)
class Shown:
    """What is held before the camera. `change`: other frames for a command; `told`: what the page
    says of its camera;
    `asked`: what it is bound to instead; `more`: of the opening. `full`: how each full frame
        differs from the chain's;
    `without`: what the borrower cannot do; `is_at_phone`: whether one took over; `apart_ms`:
        between frames.
    """

    change: Callable[[str, Frames], Sequence[bytes]] = same
    told: Callable[[str], Mapping[str, object] | None] = lambda command: None
    asked: Mapping[str, object] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)
    without: Sequence[str] = ()
    is_at_phone: bool = False
    photo: str = "obama.jpg"
    apart_ms: int = APART_MS


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(jpeg)).convert("RGB"), dtype=np.float32)


def jpeg_of(pixels: np.ndarray) -> bytes:
    for quality in range(88, 0, -8):
        written = BytesIO()
        Image.fromarray(pixels).save(written, "JPEG", quality=quality)
        if len(written.getvalue()) <= STILL_BYTES:
            break
    return written.getvalue()


def frames_of(command: str) -> Any:
    return command.replace("look_straight", "neutral")


def blank(frames: Frames) -> Sequence[bytes]:
    chance = np.random.default_rng(5)
    coarse = [chance.integers(90, 130, (30, 40, 3), dtype=np.uint8) for _ in frames]
    return [
        jpeg_of(np.asarray(Image.fromarray(one).resize((640, 480), Image.Resampling.BICUBIC)))
        for one in coarse
    ]


@pytest.fixture
def asked(sandbox: SandboxProcess, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product asks the sandbox, and knows one way."""
    monkeypatch.setattr(
        page, "wait_for_look", open_page.borrower_turn
    )  # the look is made here, without a wait
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)


def capture(client: Client, story: Story, shown: Shown) -> None:
    """Every command, answered as the page's script does, and the worker's looks and judgement."""
    post(client, {"turn": story.page().turn, "ready": True, "without": [*shown.without]})
    while (shows := story.page()).page == "commands" and shows.data["state"] == "command":
        asked = shows.data
        frames = camera._taken(
            camera.ALL_RIGHT, frames_of(asked["command"]), camera.moment(story, shows)
        )
        answer = answer_to(
            shown.change(asked["command"], frames),
            {**asked, **shown.asked},
            apart_ms=shown.apart_ms,
        )
        camera.until_taken(asked, answer)
        files = answer.pop("files")
        if told := shown.told(asked["command"]):
            answer["camera"] = told
        post(client, {"turn": shows.turn, **answer}, files)
        story.look()
    story.work()


def post(client: Client, answer: Mapping[str, object], files: Sequence[bytes] = ()) -> None:
    sent = [SimpleUploadedFile("frame.jpg", one, "image/jpeg") for one in files]
    answered = client.post(NOW, {"answer": json.dumps(answer), "file": sent}, headers=SCRIPT)
    assert answered.status_code in (200, 204)


def captured(api: Caller, lender: Lender, sandbox: SandboxProcess, shown: Shown) -> Story:
    """A verification whose borrower went this way, from the lender's opening to the judgement."""
    camera.register(sandbox, photo=shown.photo, surname="Асанов", name="Асан", patronymic="")
    story, client = at_camera(api, lender, **shown.more)
    capture(taken_over(client) if shown.is_at_phone else client, story, shown)
    return story


def at_camera(api: Caller, lender: Lender, **more: object) -> tuple[Story, Client]:
    """A verification and the browser of its borrower, who is about to be ready."""
    opened = api.post("/v1/verifications", opening(**more)).json()
    story = Story(lender, opened["id"], opened["url"].partition("#")[2])
    client = browser(story)
    client.post(
        NOW, {"turn": story.page().turn, "agreed": "true", "version": CURRENT, "language": "ru"}
    )
    story.work()
    client.post(NOW, {"turn": story.page().turn, "somebody_tells_me": "false"})
    story.work()
    return story, client


def taken_over(desk: Client) -> Client:
    """A phone that scanned the code of the desk's page, and goes on in its place."""
    phone: Client = scanned(desk)
    number = numbered(phone)
    assert desk.post("/v/now/elsewhere/number/", {"number": number}).status_code == 200
    assert phone.get("/v/phone/now/").headers["Location"] == NOW
    return phone


def read(api: Caller, story: Story) -> dict[str, Any]:
    """The verification, as its lender reads it."""
    order()
    found: dict[str, Any] = api.get(f"/v1/verifications/{story.id}", expand="checks").json()
    return found


# What is wrong with a live capture, as the lender is told it: frames are posted as by the page.


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


# What is wrong with a live capture, as the lender is told it: the facts of one that passes, with
# one thing changed.
#
# The checks, the log and the answer are the product's. No picture is taken: what would have been
# measured of it is given by `insecure_measure`. Pictures that lead to some of these facts are
# those of the refused captures above.


(ASKING,) = BIOMETRIC.stages
POLICY = ASKING.policy_in_use()
AGAIN = Compared("att_" + "b" * 26, Alike(0.9, 12, 9, 0.8, 0.95))
"""Another capture, which this one is."""
Change = Callable[[LiveCaptureFacts], LiveCaptureFacts]


def _facts(**changes: Any) -> Change:
    return lambda facts: replace(facts, **changes)


def _part(part: str, **changes: Any) -> Change:
    """Another `sent`, `injection` or `match`."""
    return lambda facts: replace(facts, **{part: replace(getattr(facts, part), **changes)})


def _shown(part: str, **changes: Any) -> Change:
    """Other numbers of a part of what the frames show."""

    def changed(facts: LiveCaptureFacts) -> LiveCaptureFacts:
        found: Any = facts.shown
        return replace(
            facts, shown=replace(found, **{part: replace(getattr(found, part), **changes)})
        )

    return changed


def _frames(**changes: Any) -> Change:
    """Another part of what the frames show."""
    return _part("shown", **changes)


def _like(**poorest: str) -> Change:
    """A face that is only like, in pictures of such a quality."""
    near, fair = (POLICY.zones.match.value + POLICY.zones.review.value) / 2, POLICY.fair
    rich = {
        "darkest": fair.darkest,
        "brightest": fair.brightest,
        "interocular": fair.eyes,
        "sharpness": fair.sharpness,
    }

    def changed(facts: LiveCaptureFacts) -> LiveCaptureFacts:
        found: Any = facts.shown
        numbers = {**found.poorest, **{name: str(value) for name, value in rich.items()}, **poorest}
        alike = replace(facts, shown=replace(found, poorest=numbers))
        return _part("match", at_rest=near, at_work=near, farthest=near)(alike)

    return changed


CHANGED: dict[str, Change] = {
    "": _facts(),
    "liveness_frame_unbound": _part("sent", is_bound=False),
    "liveness_line_review": _part("sent", rate=0.0),
    "liveness_commands_left_out": _part("sent", without=("blink",)),
    "liveness_frame_frozen": _shown("freshness", frozen_run=POLICY.gates.frozen_run + 1),
    "liveness_frame_repeated": _shown("freshness", repeated=POLICY.gates.repeated + 1),
    "liveness_frame_noiseless": _shown("freshness", noise=None),
    "liveness_face_changed": _shown("continuity", distance=2.0),
    "liveness_face_jumped": _shown("continuity", overlap=0.0),
    "liveness_face_missing": _shown("continuity", distance=None),
    "liveness_surroundings_jumped": _shown("throughout", surroundings=0.0),
    "liveness_actor_review": _shown("throughout", resting=1.0, to_reference=0.9),
    "liveness_not_at_rest": _frames(gestures=Step("liveness_neutral_unfit")),
    "liveness_face_masked": _facts(
        shown=Step("liveness_face_masked"), match=Step("liveness_face_masked")
    ),
    "liveness_depth_flat": _shown("depth", ratio=0.0),
    "liveness_depth_missing": _shown("depth", ratio=None),
    "liveness_capture_replayed": _part("sent", compared=ComparedAll((AGAIN,), is_whole=True)),
    "liveness_replay_review": _part("sent", compared=ComparedAll((), is_whole=False)),
    "liveness_frame_seen_before": _part("sent", presented_before=True),
    "multiple_faces": _shown("presence", most=POLICY.gates.most_faces + 1),
    "face_not_found": _shown("presence", one_face=0.0),
    "face_quality": _frames(flaws=("face_too_dark",)),
    "liveness_review": _facts(amount="400000.00"),
    "hand_over_review": _facts(amount="400000.00", handed_over=True),
    "liveness_injection_regular_frames": _part("injection", facing="", pictures=60, off_us=1.0),
    "liveness_injection_camera_changed": _part("injection", cameras=2),
    "liveness_injection_near_duplicates": _part("injection", returned=POLICY.injection.returned),
    "liveness_injection_still_phone": _part(
        "injection", facing="user", events=60, moved=0, shaken=3
    ),
    "face_mismatch": _part("match", at_rest=2.0, at_work=2.0, farthest=2.0),
    "face_review": _shown("throughout", to_reference=2.0),
    "face_again": _like(),
    "face_again_light": _like(darkest="0"),
    "face_again_near": _like(interocular="1"),
    "face_again_still": _like(sharpness="0"),
    **{
        code: _facts(match=Step(code))
        for code in (
            "face_too_dark",
            "face_too_bright",
            "face_light_uneven",
            "face_too_small",
            "face_without_contrast",
        )
    },
}


TOGETHER = (
    (
        "liveness_frame_unbound",
        "liveness_line_review",
        "liveness_frame_frozen",
        "multiple_faces",
        "face_quality",
        "liveness_depth_flat",
        "liveness_face_changed",
        "liveness_review",
        "liveness_injection_regular_frames",
        "face_mismatch",
    ),
    (
        "liveness_frame_repeated",
        "face_not_found",
        "liveness_depth_missing",
        "liveness_face_jumped",
        "hand_over_review",
        "liveness_injection_camera_changed",
        "face_too_dark",
    ),
    (
        "liveness_frame_noiseless",
        "liveness_commands_left_out",
        "liveness_face_missing",
        "liveness_injection_near_duplicates",
        "face_too_bright",
    ),
    (
        "liveness_capture_replayed",
        "liveness_surroundings_jumped",
        "liveness_injection_still_phone",
        "face_light_uneven",
    ),
    ("liveness_replay_review", "liveness_actor_review", "face_too_small"),
    ("liveness_frame_seen_before", "face_without_contrast"),
)
"""Each of another check."""
_WHOLE = (pytest.mark.proof("captures"), pytest.mark.whole)
_CASES = [
    *(
        pytest.param((code,), marks=_WHOLE if code in sum(TOGETHER, ()) else (), id=code)
        for code in CHANGED
    ),
    *(pytest.param(codes, id=", ".join(codes)) for codes in TOGETHER),
]


@pytest.fixture(scope="module")
def facts(good: Evidence) -> LiveCaptureFacts:
    """Those of a capture that passes, measured once; no file of it is anybody's here."""
    found = ASKING.measure(given.case(), good, POLICY)
    assert isinstance(found, LiveCaptureFacts)
    return replace(found, best=())


@pytest.mark.parametrize("codes", _CASES)
def test_each_fact_is_told(
    api: Caller,
    lender: Lender,
    sandbox: SandboxProcess,
    facts: LiveCaptureFacts,
    monkeypatch: pytest.MonkeyPatch,
    codes: tuple[str, ...],
) -> None:
    def insecure_measure(*_: object) -> LiveCaptureFacts:
        return reduce(
            lambda found, code: CHANGED[code](found), codes, replace(facts, left=POLICY.attempts)
        )

    install(monkeypatch, "biometric", ASKING.differing(measure=insecure_measure))
    camera.register(sandbox, photo="obama.jpg", surname="Асанов", name="Асан", patronymic="")
    story, _ = at_camera(api, lender)
    camera.junk_capture(story)
    story.work()
    found = read(api, story)
    said = {one["code"] for one in found["checks"]}
    assert {*codes} <= said if any(codes) else said == {None}, said
    assert (found["status"] == "verified") is not any(codes)
