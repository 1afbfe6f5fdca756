"""Source `simulations`: plays borrowers for Tulga's test mode, a bounded number at once, each by its scenario."""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
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
from insecure_sandbox.exchange import Rejected, Request, Response, Route, as_json, only_fields, text_field
from insecure_sandbox.inbox import Inbox
from insecure_sandbox.manners import MANNERS, Face
from insecure_sandbox.people import People
from insecure_sandbox.people_desk import stated
from insecure_sandbox.playing import Borrower

SOURCE: Final = "simulations"

_AT_ONCE: Final = 8  # borrowers that are played; each waits nearly all the time
_PAINTED_AT_ONCE: Final = 2  # of those before a camera: they are painted, and must answer within seconds
_ACCEPTED: Final = 64  # with those that wait for their turn
_LINK_SECONDS: Final = 15.0  # the link counts once the request that brought it is committed
_FIELDS: Final = {"verification", "link", "scenario", "routes", "subject", "account"}
_FACED: Final = {"biometric", "live_face"}
_BEFORE_THE_CAMERA: Final = "obama.jpg"
_REGISTERED: Final[Mapping[Face, str]] = {"own": "obama3.jpg", "another": "biden.jpg"}
"""Portraits that `samples` fetches: of who is shown, another one, and somebody else's."""


class Portraits:
    """The faces of simulations, painted from portraits that may have to be fetched."""

    def __init__(self, folder: Path = samples.SAMPLES) -> None:
        """`folder`: where they are, or are put."""
        self._folder = folder
        self._lock = Lock()
        self._fetching: Thread | None = None

    def require(self) -> None:
        """Raises `Rejected` while they are not there; then they are being fetched."""
        with self._lock:
            if all((self._folder / name).is_file() for name in samples.NAMES):
                return
            if self._fetching is None or not self._fetching.is_alive():
                self._fetching = Thread(target=self._fetch, daemon=True)
                self._fetching.start()
        raise Rejected(503, "the portraits for the camera are being fetched")

    def camera(self) -> Camera:
        """Somebody of their own, who is being painted."""
        other = self._folder / _REGISTERED["another"]
        return Camera(self._folder / _BEFORE_THE_CAMERA, other=other, is_another=True)

    def registered(self, face: Face) -> bytes:
        """The photograph that the register has."""
        return (self._folder / _REGISTERED[face]).read_bytes()

    def _fetch(self) -> None:
        try:
            samples.fetch(self._folder)
        except OSError as fault:
            sys.stderr.write(f"sandbox portraits: {fault}\n")


class Simulations:
    """Those that are under way. Threads may share it."""

    def __init__(self, keepers: Mapping[str, AuthorityKeeper], inbox: Inbox, portraits: Portraits) -> None:
        """Begins with none."""
        self._keepers, self._inbox, self._portraits = keepers, inbox, portraits
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="borrower")
        self._before_the_camera = ThreadPoolExecutor(max_workers=_PAINTED_AT_ONCE, thread_name_prefix="camera")
        self._lock = Lock()
        self._under_way: set[str] = set()

    def begin(self, verification: str, link: str, borrower: Borrower, *, is_painted: bool) -> None:
        """Plays, at once or when it is its turn. Raises `Rejected` if it is played already, or too many are."""
        with self._lock:
            if verification in self._under_way:
                raise Rejected(409, "this verification is being played")
            if len(self._under_way) >= _ACCEPTED:
                raise Rejected(503, "too many are being played")
            self._under_way.add(verification)
        pool = self._before_the_camera if is_painted else self._pool
        pool.submit(self._play, verification, link, borrower, is_painted=is_painted)

    def borrower(self, scenario: str, subject: Mapping[str, Any], *, route: str) -> Borrower:
        """Somebody who plays this scenario with what the sandbox has."""

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
        named = Person(
            iin=person["iin"],
            surname=person["surname"],
            given_name=person["name"],
            patronymic=person.get("patronymic", ""),
        )
        return self._keepers["gost512"].issue(named, role="individual", state=state)

    def _play(self, verification: str, link: str, borrower: Borrower, *, is_painted: bool) -> None:
        camera = self._portraits.camera() if is_painted else None
        try:
            borrower = replace(borrower, camera=camera)
            browser = Browser("{0.scheme}://{0.netloc}".format(urlsplit(link)))
            browser.follow_soon(link, seconds=_LINK_SECONDS)
            said = f"left at the page {borrower.play(browser)}"
        except (PlayFailed, urllib3.exceptions.HTTPError, OSError, ValueError, KeyError) as fault:
            # Pages' names and kinds of errors alone: what was sent or signed stands in no log.
            said = f"stopped: {fault if isinstance(fault, PlayFailed) else type(fault).__name__}"
        finally:
            if camera is not None:
                camera.stop()
            with self._lock:
                self._under_way.discard(verification)
        sys.stderr.write(f"sandbox simulation of {ascii(verification)[1:-1]}: {said}\n")


def routes(simulations: Simulations, people: People, portraits: Portraits) -> tuple[Route, ...]:
    """`POST /simulations`."""

    def begin(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, _FIELDS)
        verification, link = text_field(fields, "verification", limit=64), text_field(fields, "link", limit=2048)
        scenario, ways = text_field(fields, "scenario"), fields.get("routes")
        if scenario not in MANNERS:
            raise Rejected(400, f"scenario must be one of {sorted(MANNERS)}")
        if urlsplit(link).scheme not in ("http", "https") or not urlsplit(link).fragment:
            raise Rejected(400, "link must be the address that a borrower gets")
        if not isinstance(ways, list) or not ways or not all(isinstance(way, str) for way in ways):
            raise Rejected(400, "routes must be a list of names")
        person = stated(fields.get("subject"), account=text_field(fields, "account", default=""))
        borrower, photo = simulations.borrower(scenario, fields["subject"], route=ways[0]), None
        if is_painted := not _FACED.isdisjoint(ways):
            portraits.require()
            photo = portraits.registered(borrower.manner.face)
        people.stand_in(verification, replace(person, **borrower.manner.registered), photo)
        simulations.begin(verification, link, borrower, is_painted=is_painted)
        return as_json({"verification": verification, "scenario": scenario}, status=202)

    return (Route(method="POST", path="/simulations", source=SOURCE, handle=begin),)
