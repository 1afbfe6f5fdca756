"""Borrowers that the sandbox plays, and the frames that it paints for them."""

import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pytest
import urllib3

from insecure_sandbox import borrower, samples, simulations, warp
from insecure_sandbox.borrower import PlayFailed
from insecure_sandbox.camera import SHOWN, Camera, answer_to, bound
from insecure_sandbox.demo.processes import wait_until as wait_until_so
from insecure_sandbox.exchange import Rejected, Request, Route
from insecure_sandbox.manners import MANNERS
from insecure_sandbox.people import People
from insecure_sandbox.playing import Borrower
from insecure_sandbox.reviewers import Reviewer, Reviewers
from insecure_sandbox.simulations import Portraits, Simulations, routes
from insecure_sandbox.sms_gateway import Inbox
from tests.insecure_sandbox_process import SandboxProcess
from tests.painted import painted
from tests.proofs import Figures
from tests.verification.stages.live_capture import captures
from verification.core import profiles, stored
from verification.core.results import Decision, Outcome
from verification.core.route import Evidence, Memory, Next
from verification.core.scenarios import SCENARIOS, SCRIPTED
from verification.engines.liveness import (
    continuity,
    frames,
    gestures,
    landmarks,
    networks,
    planarity,
    policy,
)
from verification.engines.liveness.frames import Image
from verification.engines.liveness.landmarks import FrameMeasurement
from verification.stages.live_capture import dialogue, measure
from verification.stages.live_capture.dialogue import (
    accept_live_capture,
    begin,
    prompt_live_capture,
)
from verification.stages.live_capture.measure import look_at_live_capture

# The desk that plays borrowers: what it takes, what it refuses, and that its manners are those
# of the catalogue.


SUBJECT: dict[str, Any] = {
    "iin": "900101900015",
    "surname": "Асанов",
    "name": "Асан",
    "patronymic": "",
    "birth_date": "1990-01-01",
    "phone": "+77011234567",
    "document": {"type": "id_card", "number": "045678912", "valid_to": "2031-05-01"},
}
ASKED: dict[str, Any] = {
    "verification": "ver_1",
    "lender": "0f",
    "link": "http://127.0.0.1:9/v/#token",
    "scenario": "verified",
    "routes": ["eds"],
    "subject": SUBJECT,
    "account": "KZ86125KZT5004100100",
}


@contextmanager
def silent_pages() -> Iterator[str]:
    """The address of pages that never answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v/#token"


def status_of(sandbox: SandboxProcess, **changes: Any) -> int:
    return urllib3.request(
        "POST", f"{sandbox.url}/simulations", json={**ASKED, **changes}, timeout=30
    ).status


def test_each_scenario_has_its_manner_and_each_scripted_person_a_scenario() -> None:
    assert set(MANNERS) == set(SCENARIOS)
    assert set(SCRIPTED.values()) == set(SCENARIOS)


def test_it_answers_at_once_and_plays_one_verification_once(sandbox: SandboxProcess) -> None:
    with silent_pages() as link:
        name = f"ver_{os.urandom(8).hex()}"
        assert [status_of(sandbox, verification=name, link=link) for _ in range(2)] == [202, 409]


@pytest.mark.parametrize(
    "changes",
    [
        {"scenario": "nonsense"},
        {"link": "ftp://127.0.0.1/#x"},
        {"link": "http://127.0.0.1/v/"},
        {"routes": []},
        {"routes": "eds"},
        {"subject": {"iin": "990101100010"}},
        {"subject": {**SUBJECT, "consent": "invalid"}},
        {"status": "verified"},
        {"lender": None},
        {"lender": "0" * 65},
    ],
)
def test_what_it_cannot_play_is_refused(sandbox: SandboxProcess, changes: dict[str, Any]) -> None:
    assert status_of(sandbox, **changes) == 400


# Who is let in to be played, whose places are whose, and that what is refused or never comes to
# be changes nothing.


IIN, OLD, NEW = SUBJECT["iin"], "http://127.0.0.1:9/v/#old", "http://127.0.0.1:9/v/#new"


@dataclass
class World:
    """The product's links and pages, in memory. played: the routes of whom it let in."""

    in_force: set[str] = field(default_factory=set)
    ended: bool = False
    played: list[str] = field(default_factory=list)
    painted: int = 0
    may_end: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)


class PortraitsOfNobody(Portraits):
    """They are there, and nothing is painted."""

    def __init__(self, world: World) -> None:
        """world: counts who was to be painted."""
        super().__init__()
        self._world = world

    def require(self) -> None:
        """Nothing is fetched."""

    def camera(self) -> Any:
        """Counted, and fails when all may end: nothing can be held before a page here."""
        self._world.painted += 1
        assert self._world.may_end.wait(30)
        raise PlayFailed("painted")

    def registered(self, face: str) -> bytes:
        """Which photograph the register would have."""
        return face.encode()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Pages that let in holders of a link in force, and borrowers who stay until they may end."""
    made = World()

    class Browser:
        def __init__(self, url: str) -> None:
            pass

        def follow(self, link: str) -> None:
            with made.lock:
                if link not in made.in_force:
                    raise PlayFailed("no link")
                made.in_force.discard(link)

        def state(self) -> dict[str, str]:
            return {"page": "finished" if made.ended else "consent"}

    def play(borrower: Borrower, browser: object) -> str:
        made.played.append(borrower.route)
        assert made.may_end.wait(30)
        return "finished"

    monkeypatch.setattr(simulations, "Browser", Browser)
    monkeypatch.setattr(Borrower, "play", play)
    monkeypatch.setattr(simulations, "_LINK_SECONDS", 3.0)
    yield made
    made.may_end.set()


@pytest.fixture
def people(tmp_path: Path) -> People:
    """The registers, which know the scripted people alone."""
    return People(tmp_path)


@pytest.fixture
def reviewers() -> Reviewers:
    """Of no lender yet."""
    return Reviewers()


@pytest.fixture
def begun(world: World, people: People, reviewers: Reviewers) -> Simulations:
    """The desk behind the route."""
    return Simulations({}, Inbox(), PortraitsOfNobody(world), people, reviewers)


@pytest.fixture
def ask(world: World, begun: Simulations) -> Callable[..., int]:
    """What is answered to a question that differs so from the usual one."""
    route: Route
    (route,) = routes(begun, PortraitsOfNobody(world))

    def answered(**changes: Any) -> int:
        body = json.dumps(ASKED | {"link": OLD} | changes).encode()
        try:
            asked = Request(
                method="POST",
                path="/simulations",
                content_type="application/json",
                untrusted_body=body,
            )
            return route.handle(asked).status
        except Rejected as refused:
            return refused.status

    return answered


def wait_until(is_so: Callable[[], bool]) -> None:
    """Until it is so."""
    wait_until_so(is_so, what="what is waited for", seconds=30)


def status(people: People, verification: str = "ver_1") -> str:
    """What the register says of the borrower under consents to this verification."""
    found = people.find(IIN, reference=verification)
    return found.life_status if found else ""


def test_who_comes_in_is_who_the_registers_know(
    world: World, people: People, ask: Callable[..., int]
) -> None:
    world.in_force.add(OLD)
    assert ask(scenario="deceased", routes=["live_face"]) == 202
    wait_until(lambda: status(people) == "deceased")
    assert people.photo(IIN, reference="ver_1") == b"own"
    assert status(people, "ver_2") == "alive"


def test_bureau_and_bank_know_the_borrower_as_last_played_until_registered(
    world: World, people: People, ask: Callable[..., int]
) -> None:
    world.in_force.add(OLD)
    assert ask(scenario="stop_credit", routes=["eds"]) == 202
    wait_until(lambda: bool((found := people.find(IIN)) and found.refuses_credits))
    other = people.find(IIN, reference="ver_2")
    assert other is not None
    assert not other.refuses_credits
    people.register(other, None)
    asked_again = people.find(IIN)
    assert asked_again is not None
    assert not asked_again.refuses_credits


def test_votes_are_played_only_for_a_lender_whose_two_reviewers_are_known(
    world: World, reviewers: Reviewers, ask: Callable[..., int]
) -> None:
    one = Reviewer("one@lender.example", "password", b"1" * 20)
    vote = {"scenario": "review_passed", "routes": ["biometric"]}
    assert ask(**vote) == 503
    reviewers.learn(ASKED["lender"], [one])
    assert ask(**vote) == 503
    reviewers.learn(ASKED["lender"], [one, one])
    assert ask(**vote) == 202
    assert ask(**vote, verification="ver_2", lender="another") == 503


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]
)
def test_a_reviewer_has_the_code_of_the_time(seconds: int, code: str) -> None:
    """Source: RFC 6238, appendix B, SHA-1; its codes have eight digits, of which six are taken."""
    assert Reviewer("x", "x", b"12345678901234567890").code(at=seconds) == code


def test_a_question_that_was_lost_is_replaced_by_the_next(
    world: World, people: People, ask: Callable[..., int]
) -> None:
    assert ask(scenario="deceased", routes=["live_face"]) == 202
    assert ask(link=NEW, routes=["eds"]) == 202
    world.in_force.add(NEW)
    wait_until(lambda: world.played == ["eds"])
    assert (status(people), world.painted) == ("alive", 0)
    assert ask(link=f"{NEW}er") == 409


def test_the_same_link_and_more_than_four_are_refused(ask: Callable[..., int]) -> None:
    assert [ask(link=f"{OLD}{number}") for number in (1, 1, 2, 3, 4, 5)] == [
        202,
        409,
        202,
        202,
        202,
        409,
    ]


def test_one_lender_leaves_room_for_others(
    world: World, begun: Simulations, ask: Callable[..., int]
) -> None:
    def answers(lender: str, number: int) -> list[int]:
        names = [f"ver_{lender}_{one}" for one in range(number)]
        world.in_force |= {f"{OLD}{name}" for name in names}
        return [ask(verification=name, lender=lender, link=f"{OLD}{name}") for name in names]

    assert answers("a", 13) == [*[202] * 12, 503]
    assert answers("b", 12) == [202] * 12
    # Sixteen are played at once: the second lender need not wait for the first one's to end.
    wait_until(lambda: len(world.played) == 16)
    assert [one for lender in "cde" for one in answers(lender, 12)] == [202] * 36
    assert answers("f", 5) == [202, 202, 202, 202, 503]
    world.may_end.set()
    wait_until(lambda: not begun._under_way)
    assert answers("a", 1) == [202]


# Painted captures come to what the catalogue says: judged as a worker judges them, without
# processes.
#
# Each borrower is painted anew, by chance. So all of this is a proof, and a share of what was
# tried, never a rule.


CAMERAS = 12
RIGHT_MIN = 0.75  # of the captures of a scenario; of honest ones 32 of 34 did (docs/evidence)
HONEST = 2  # captures of each camera; one of every other showing
ENDS = {"verified": Outcome.PASSED, "in_review": Outcome.REVIEW, "declined": Outcome.FAILED}
PLAYED = {"verified": "as_told", "face_mismatch": "as_told"}
PLAYED |= {
    name: manner.shows
    for name, manner in MANNERS.items()
    if manner.shows != "as_told" and not manner.vote
}
"""What is shown in each scenario that a camera decides."""
_LOOKED = timedelta(seconds=1)


@dataclass(frozen=True)
class Capture:
    """All that came of one, up to its judgement; camera: by whom it was shown."""

    camera: int
    items: Mapping[str, bytes]
    at: datetime


@dataclass(frozen=True)
class Judged:
    """What became of a capture in a scenario."""

    decision: Decision
    codes: frozenset[str]


def shown(camera: Camera, shows: str, *, number: int) -> Capture:
    """A whole capture, each command looked at as a worker looks."""
    showing, memory = (
        SHOWN[shows],
        dialogue.begin({}, replaced_max=profiles.get(captures.case().profile).replaced_max),
    )
    items = {dialogue.ORDER: dialogue.order_evidence(memory)}
    turn = dialogue.accept_live_capture(memory, {"ready": True}, captures.NOW)
    take, at = camera.take_with_another if showing.has_neighbour else camera.take, captures.NOW
    while turn.next is not Next.COLLECT:
        asked = dialogue.prompt_live_capture(turn.memory)
        answer = answer_to(
            showing.sent(take(showing.gesture(asked["command"]))), asked, apart_ms=showing.apart_ms
        )
        last = max(frame["at_ms"] for frame in answer["frames"])
        at = datetime.fromisoformat(turn.memory["revealed"]) + timedelta(milliseconds=last)
        turn = dialogue.accept_live_capture(turn.memory, answer, at)
        assert turn.next is Next.LOOK
        looked = look_at_live_capture(
            Evidence(items={**items, **turn.evidence}, at=at), turn.memory
        )
        items |= {**turn.evidence, **looked.evidence}
        turn = dialogue.go_on_live_capture(turn.memory, looked, at + _LOOKED)
        items |= turn.evidence
    return Capture(number, items, at)


def judged(capture: Capture, photo: bytes, *, left: int) -> Judged:
    """What the route's checks say of it; no other capture is compared with it here."""
    sources = captures.sources(photo=captures.photo_answer(photo))
    items = {**capture.items, **sources, **measure.compare_captures({}, {}, True)}
    evidence = Evidence(items=items, at=capture.at + _LOOKED, attempts_left=left)
    refusals = captures.refusals(captures.judge(evidence))
    return Judged(captures.decided(evidence), frozenset(refusals.values()))


@pytest.fixture(scope="module")
def played_captures() -> dict[str, list[Capture]]:
    """By what is shown, the captures of so many painted borrowers."""
    portraits = Portraits(samples.fetch())
    found: dict[str, list[Capture]] = {shows: [] for shows in PLAYED.values()}
    for number in range(CAMERAS):
        camera = portraits.camera()
        camera.wait()
        for shows in found:
            found[shows] += [
                shown(camera, shows, number=number)
                for _ in range(HONEST if shows == "as_told" else 1)
            ]
    return found


@pytest.mark.proof("scenarios")
@pytest.mark.whole
@pytest.mark.parametrize("name", PLAYED)
def test_captures_say_what_its_scenario_comes_to(
    played_captures: dict[str, list[Capture]], proof_figures: Figures, name: str
) -> None:
    scenario, face = SCENARIOS[name], MANNERS[name].face
    photo = Portraits().registered(face) or b""
    # As the last attempt; the first one may ask for a better picture.
    found = [judged(capture, photo, left=1) for capture in played_captures[PLAYED[name]]]
    code = scenario.code if scenario.status == "in_review" else scenario.last_failure
    right = [
        one
        for one in found
        if one.decision == replace(one.decision, outcome=ENDS[scenario.status], code=code)
    ]
    beside = {code for one in found for code in one.codes} - {*scenario.checks}
    proof_figures[f"{name}: captures"] = len(found)
    proof_figures[f"{name}: as the catalogue says"] = len(right)
    proof_figures[f"{name}: other codes"] = sorted(beside)
    assert all(one.codes >= {*scenario.checks} for one in right)
    assert len(right) >= RIGHT_MIN * len(found), [one for one in found if one not in right]


@pytest.mark.proof("scenarios")
@pytest.mark.whole
def test_none_is_taken_for_another(
    played_captures: dict[str, list[Capture]], proof_figures: Figures
) -> None:
    pairs = list(combinations([one for shows in played_captures.values() for one in shows], 2))
    for whose, is_one in (("one borrower's", True), ("two borrowers'", False)):
        chosen = [pair for pair in pairs if (pair[0].camera == pair[1].camera) is is_one]
        shared = [pair for pair in chosen if words_shared(*pair) >= policy.AGAIN_SHARED]
        taken = [pair for pair in shared if is_taken_for(*pair)]
        proof_figures[f"{whose}: pairs of captures"] = len(chosen)
        proof_figures[f"{whose}: share the words to be compared"] = len(shared)
        proof_figures[f"{whose}: taken for each other"] = len(taken)
        assert taken == []


def words_shared(one: Capture, later: Capture) -> int:
    """How many words of the index the later one finds of the other."""
    return len(measure.marks_of_capture(one.items) & measure.sought_by_capture(later.items))


def is_taken_for(one: Capture, later: Capture) -> bool:
    """Whether the later one is refused as the other played again."""
    found = measure.compare_captures(later.items, {"one": one.items}, True)
    (other,) = stored.read(
        json.loads(found[dialogue.COMPARED]), into=measure.ComparedAll, what="compared"
    ).others
    return policy.AGAIN.finds(other.alike)


# The demo's browser asks as the real waiting page does, so that what is measured with it is what
# a page costs.


_WAIT = Path(__file__).resolve().parents[2] / "static" / "borrower" / "wait.js"


def test_the_demos_browser_waits_as_the_waiting_page_does() -> None:
    said = dict(
        re.findall(
            r"^const ([A-Z_]+) = ([0-9_.]+);", _WAIT.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    )
    pauses = (
        float(said["FIRST_MS"]) / 1000,
        float(said["SLOWEST_MS"]) / 1000,
        float(said["SLOWER"]),
    )
    assert pauses == (borrower.FIRST_SECONDS, borrower.SLOWEST_SECONDS, borrower.SLOWER)


# The product recognises a picture or a time that was changed after the camera bound it.


AT = datetime(2026, 11, 24, tzinfo=UTC)
CHAIN = [(250, b"first"), (350, b"second"), (450, b"third")]
STILLS = [(250, b"whole")]


def is_bound(memory: Memory, answer: dict[str, Any]) -> bool:
    """Whether the product finds all of an answer bound to the command that is due."""
    turn = accept_live_capture(memory, answer, AT + timedelta(seconds=2))
    part = json.loads(turn.evidence[f"live_capture.{memory['number']}.part.0"])
    return part["is_bound"] is True


def test_a_picture_or_a_time_that_is_changed_after_it_was_bound_is_not_bound() -> None:
    memory = accept_live_capture(begin({}, replaced_max=0), {"ready": True}, AT).memory
    answer = bound(CHAIN, STILLS, prompt_live_capture(memory))
    assert is_bound(memory, answer)
    assert not is_bound(memory, {**answer, "files": [b"another", *answer["files"][1:]]})
    later = [*answer["frames"][:-1], {**answer["frames"][-1], "at_ms": 999}]
    assert not is_bound(memory, {**answer, "frames": later})


# The limit, written down: frames warped from one photograph pass the gates of the engine. They
# are no live person.
#
# If one of these tests fails because a gate became better, say so in docs/security/liveness.md
# and keep the gate.


# Minutes of painting and measuring: not for every commit's quick check.

_COUNT = 9  # frames in a step
_SEED = 1


def _portrait() -> Path:
    try:
        return samples.fetch() / "obama3.jpg"
    except OSError as error:
        pytest.skip(str(error))


@cache
def _networks() -> networks.Networks:
    return networks.load()


@cache
def _played(gesture: warp.Play) -> tuple[Image, ...]:
    sent = painted(_portrait(), gesture, _COUNT, seed=_SEED)
    return tuple(frames.decode(each, limits=policy.FRAMES) for each in sent)


@cache
def _measured(gesture: warp.Play) -> tuple[FrameMeasurement, ...]:
    return tuple(landmarks.measure(image, networks=_networks()) for image in _played(gesture))


@pytest.mark.proof("live_capture_attacks")
@pytest.mark.parametrize("played", gestures.GESTURES)
def test_warped_frames_pass_the_gesture_they_play_and_no_other(played: gestures.Gesture) -> None:
    rest = gestures.neutral(_measured("neutral"), limits=policy.NEUTRAL)
    passed = [
        gesture
        for gesture in gestures.GESTURES
        if gestures.judge(
            gesture, _measured(played), at_rest=rest, thresholds=policy.GESTURES
        ).is_right
    ]
    assert passed == [played]


@pytest.mark.proof("live_capture_attacks")
def test_warped_turns_have_depth() -> None:
    turns = []
    for gesture in ("turn_left", "turn_right"):
        meshes = [
            frame.face.mesh
            for frame in _measured(gesture)
            if frame.face and frame.face.mesh is not None
        ]
        turns.append(planarity.measure(_played(gesture), meshes, limits=policy.PLANARITY))
    depth = planarity.together(turns)
    assert depth.ratio is not None
    assert depth.residual is not None
    assert depth.ratio >= policy.GATES.planarity_ratio
    assert depth.residual >= policy.GATES.planarity_residual


@pytest.mark.proof("live_capture_attacks")
def test_a_warped_capture_is_one_face_continuous_and_fresh() -> None:
    order: tuple[warp.Play, ...] = ("neutral", "turn_right", "blink", "turn_left")
    steps = [_measured(each) for each in order]
    there = continuity.presence(([frame for step in steps for frame in step], policy.SECOND_FACE))
    assert (there.one_face, there.most) == (1.0, 1)
    overlap = continuity.continuity(steps, distances=[]).overlap
    assert overlap is not None
    assert overlap >= policy.GATES.overlap
    images = [image for each in order for image in _played(each)]
    fresh = continuity.freshness(
        [continuity.trace(images)], frame=images.__getitem__, limits=policy.FRESHNESS
    )
    assert (fresh.frozen_run, fresh.repeated) == (1, 0)
    assert fresh.noise is not None
    assert fresh.noise > policy.GATES.noise
