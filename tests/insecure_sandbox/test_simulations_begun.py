"""Who is let in to be played, whose places are whose, and that what is refused or never comes to be
changes nothing.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pytest

from insecure_sandbox import simulations
from insecure_sandbox.borrower import PlayFailed
from insecure_sandbox.demo.processes import wait_until as wait_until_so
from insecure_sandbox.exchange import Rejected, Request, Route
from insecure_sandbox.people import People
from insecure_sandbox.playing import Borrower
from insecure_sandbox.simulations import Portraits, Simulations, routes
from insecure_sandbox.sms_gateway import Inbox
from tests.insecure_sandbox.test_simulations import ASKED, SUBJECT

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
    """Pages that let in whoever has a link in force, and borrowers who stay until they may end."""
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
def begun(world: World, people: People) -> Simulations:
    """The desk behind the route."""
    return Simulations({}, Inbox(), PortraitsOfNobody(world), people)


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
