"""Source `simulations`: plays borrowers for Tulga's test mode, a bounded number at once, each by
its scenario.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from insecure_sandbox import samples
from insecure_sandbox.authority_keeper import AuthorityKeeper, Person
from insecure_sandbox.borrower import Browser, PlayFailed
from insecure_sandbox.camera import Camera
from insecure_sandbox.credential import Credential
from insecure_sandbox.exchange import (
    Rejected,
    Request,
    Response,
    Route,
    as_json,
    only_fields,
    text_field,
)
from insecure_sandbox.manners import MANNERS, Face
from insecure_sandbox.people import People, Registered, as_registered, stated
from insecure_sandbox.playing import Borrower
from insecure_sandbox.reviewers import Reviewers
from insecure_sandbox.sms_gateway import Inbox
from verification.core.scenarios import FACED

SOURCE: Final = "simulations"

_AT_ONCE: Final = 16  # borrowers played at once; each waits nearly all the time
_PAINTED_AT_ONCE: Final = (
    2  # of those at a camera: they are painted, and must answer within seconds
)
_ACCEPTED, _OF_ONE_LENDER = 64, 12
"""Plays including waiting ones: of all lenders, and of one, which never gets all at once."""
_PAINTED, _PAINTED_OF_ONE_LENDER = 16, 4  # of those, at a camera; each takes half a minute
_LINK_SECONDS: Final = 15.0  # the link becomes valid with its request's commit
_TRIED_SECONDS: Final = 0.2  # from one try of it to the next
_LINKS: Final = 4  # that are tried for one verification until one is valid
_ENDED: Final = "finished"  # the page of an ended verification
_FIELDS: Final = {"verification", "lender", "link", "scenario", "routes", "subject", "account"}
_BEFORE_THE_CAMERA: Final = "obama.jpg"
_FAULTS: Final = (PlayFailed, urllib3.exceptions.HTTPError, OSError, ValueError, KeyError)
_REGISTERED: Final[Mapping[Face, str]] = {"own": "obama3.jpg", "another": "biden.jpg"}
"""Portraits from `samples`: of the shown person, another one, and another person's."""


class Portraits:
    """The faces of simulations, painted from portraits that may have to be fetched."""

    def __init__(self, folder: Path = samples.SAMPLES) -> None:
        """`folder`: their place."""
        self._folder = folder
        self._lock = Lock()
        self._fetching: Thread | None = None

    def require(self) -> None:
        """Raises: `Rejected` while they are missing; then a fetch is running."""
        with self._lock:
            if all((self._folder / name).is_file() for name in samples.NAMES):
                return
            if self._fetching is None or not self._fetching.is_alive():
                self._fetching = Thread(target=self._fetch, daemon=True)
                self._fetching.start()
        raise Rejected(503, "the portraits for the camera are being fetched")

    def camera(self) -> Camera:
        """A new person, who is being painted."""
        another = self._folder / _REGISTERED["another"]
        return Camera(self._folder / _BEFORE_THE_CAMERA, another=another, is_another=True)

    def registered(self, face: Face) -> bytes | None:
        """The photograph that the register has, if any."""
        return None if face == "none" else (self._folder / _REGISTERED[face]).read_bytes()

    def _fetch(self) -> None:
        try:
            samples.fetch(self._folder)
        except OSError as fault:
            sys.stderr.write(f"sandbox portraits: {fault}\n")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request to play a borrower: the link, the person, and the registers' data on them after
    the start.

    at: its time, by the monotonic clock.
    """

    link: str = field(repr=False)
    borrower: Borrower = field(repr=False)
    person: Registered = field(repr=False)
    photo: bytes | None = field(default=None, repr=False)
    is_painted: bool = False
    at: float = field(default_factory=time.monotonic)


@dataclass(eq=False)
class _Play:
    """A played verification. asked: the requests, newest last; is_in: one of their links was
    opened.
    """

    verification: str
    lender: str
    orders: list[Asked]
    is_in: bool = False


class Simulations:
    """The running simulations. Threads may share it."""

    def __init__(
        self,
        keepers: Mapping[str, AuthorityKeeper],
        inbox: Inbox,
        portraits: Portraits,
        people: People,
        reviewers: Reviewers,
    ) -> None:
        """Empty at first."""
        self._keepers, self._inbox, self._portraits = keepers, inbox, portraits
        self._people, self._reviewers = people, reviewers
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="borrower")
        self._before_the_camera = ThreadPoolExecutor(
            max_workers=_PAINTED_AT_ONCE, thread_name_prefix="camera"
        )
        self._lock = Lock()
        self._under_way: dict[str, _Play] = {}

    def begin(self, verification: str, order: Asked, *, lender: str) -> None:
        """Plays, at once or in turn.

        Until a link works, another one is tried beside the earlier ones, whose requests may have
        been lost; the newest that works is played. A refusal changes nothing.
        lender: a word that separates lenders.

        Raises: `Rejected` if it is played already, or too many are.
        """
        if order.borrower.manner.vote:
            self._reviewers.require(lender)
        with self._lock:
            play = self._under_way.get(verification)
            if play is not None:
                links = [entry.link for entry in play.orders]
                if play.is_in or order.link in links or len(links) >= _LINKS:
                    raise Rejected(409, "this verification is being played")
            other_plays = [entry for entry in self._under_way.values() if entry is not play]
            _require_room(other_plays, lender, in_all=_ACCEPTED, of_one=_OF_ONE_LENDER)
            if order.is_painted:
                painted = [entry for entry in other_plays if entry.orders[-1].is_painted]
                _require_room(painted, lender, in_all=_PAINTED, of_one=_PAINTED_OF_ONE_LENDER)
            if play is not None:
                play.orders.append(order)
                return
            self._under_way[verification] = play = _Play(verification, lender, [order])
        self._pool.submit(self._enter, play)

    def borrower(self, scenario: str, subject: Mapping[str, Any], *, route: str) -> Borrower:
        """A player of this scenario with the sandbox's equipment."""

        def messages(phone: str) -> list[str]:
            return [message.text for message in self._inbox.messages(phone)]

        return Borrower(
            subject=subject,
            certify=self._certify,
            messages=messages,
            manner=MANNERS[scenario],
            route=route,
        )

    def _certify(self, person: Mapping[str, Any], state: str) -> Credential:
        applicant = Person(
            iin=person["iin"],
            surname=person["surname"],
            given_name=person["name"],
            patronymic=person.get("patronymic", ""),
        )
        return self._keepers["gost512"].issue(applicant, role="individual", state=state)

    def _enter(self, play: _Play) -> None:
        """Opens a link once valid; a painted borrower then waits for their turn."""
        entry = None
        try:
            entry = self._let_in(play)
        except _FAULTS as fault:
            _tell(play, _stopped(fault))
        finally:
            if entry is None:
                self._leave(play)
        if entry is not None:
            order, browser = entry
            if order.is_painted:
                self._before_the_camera.submit(self._go_on, play, order, browser)
            else:
                self._go_on(play, order, browser)

    def _let_in(self, play: _Play) -> tuple[Asked, Browser]:
        """The browser of the newest valid link.

        Raises: `PlayFailed` if none became valid in time.
        """
        entry, place = None, -1
        while True:
            for newer, order in reversed(list(enumerate(play.orders))[place + 1 :]):
                browser = Browser("{0.scheme}://{0.netloc}".format(urlsplit(order.link)))
                try:
                    browser.follow(order.link)
                except PlayFailed:
                    continue
                entry, place = (order, browser), newer
                break
            with self._lock:
                newest = play.orders[-1]
                is_late = time.monotonic() > newest.at + _LINK_SECONDS
                if entry is not None and (entry[0] is newest or is_late):
                    play.is_in = True
                    return entry
                if is_late:
                    # Under the same lock, so that no request joins an ended play.
                    self._forget(play)
                    raise PlayFailed("no link came into force")
            time.sleep(_TRIED_SECONDS)

    def _go_on(self, play: _Play, order: Asked, browser: Browser) -> None:
        """Plays the borrower to where they leave, unless the verification ended while they
        waited.
        """
        camera, outcome = None, "its verification had ended"
        try:
            if browser.state()["page"] != _ENDED:
                self._people.stand_in(play.verification, order.person, order.photo)
                camera = self._portraits.camera() if order.is_painted else None
                outcome = f"left at the page {replace(order.borrower, camera=camera).play(browser)}"
                self._review(play, order)
        except _FAULTS as fault:
            outcome = _stopped(fault)
        finally:
            if camera is not None:
                camera.stop()
            self._leave(play)
        _tell(play, outcome)

    def _review(self, play: _Play, order: Asked) -> None:
        """The reviewers' votes, if the scenario has some.

        Raises: `PlayFailed` if the case did not come to them.
        """
        if word := order.borrower.manner.vote:
            url = "{0.scheme}://{0.netloc}".format(urlsplit(order.link))
            self._reviewers.vote(play.lender, play.verification, word=word, url=url)

    def _leave(self, play: _Play) -> None:
        with self._lock:
            self._forget(play)

    def _forget(self, play: _Play) -> None:
        if self._under_way.get(play.verification) is play:
            del self._under_way[play.verification]


def _require_room(plays: Sequence[_Play], lender: str, *, in_all: int, of_one: int) -> None:
    """Raises: `Rejected` if all lenders together have the maximum, or this one has its share."""
    if len(plays) >= in_all:
        raise Rejected(503, "too many are being played")
    if sum(play.lender == lender for play in plays) >= of_one:
        raise Rejected(503, "too many of this lender are being played")


def _stopped(fault: Exception) -> str:
    # Names of pages and errors only: no log has sent or signed data.
    return f"stopped: {fault if isinstance(fault, PlayFailed) else type(fault).__name__}"


def _tell(play: _Play, outcome: str) -> None:
    sys.stderr.write(f"sandbox simulation of {ascii(play.verification)[1:-1]}: {outcome}\n")


def routes(simulations: Simulations, portraits: Portraits) -> tuple[Route, ...]:
    """`POST /simulations`."""

    def begin(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, _FIELDS)
        verification, link = (
            text_field(fields, "verification", limit=64),
            text_field(fields, "link", limit=2048),
        )
        scenario, ways = text_field(fields, "scenario"), fields.get("routes")
        if scenario not in MANNERS:
            raise Rejected(400, f"scenario must be one of {sorted(MANNERS)}")
        if urlsplit(link).scheme not in ("http", "https") or not urlsplit(link).fragment:
            raise Rejected(400, "link must be the address that a borrower gets")
        if not isinstance(ways, list) or not ways or not all(isinstance(way, str) for way in ways):
            raise Rejected(400, "routes must be a list of names")
        person = stated(fields.get("subject"), account=text_field(fields, "account", default=""))
        borrower, photo = simulations.borrower(scenario, fields["subject"], route=ways[0]), None
        if is_painted := not set(FACED).isdisjoint(ways):
            portraits.require()
            photo = portraits.registered(borrower.manner.face)
        person = as_registered(person, borrower.manner)
        order = Asked(
            link=link, borrower=borrower, person=person, photo=photo, is_painted=is_painted
        )
        simulations.begin(verification, order, lender=text_field(fields, "lender", limit=64))
        return as_json({"verification": verification, "scenario": scenario}, status=202)

    return (Route(method="POST", path="/simulations", source=SOURCE, handle=begin),)
