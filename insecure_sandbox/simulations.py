"""Source `simulations`: plays borrowers for Tulga's test mode, a bounded number at once, each by its scenario."""

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from insecure_sandbox.authority_keeper import AuthorityKeeper, Person
from insecure_sandbox.borrower import Browser, PlayFailed
from insecure_sandbox.credential import Credential
from insecure_sandbox.exchange import Rejected, Request, Response, Route, as_json, only_fields, text_field
from insecure_sandbox.inbox import Inbox
from insecure_sandbox.manners import MANNERS
from insecure_sandbox.people import People
from insecure_sandbox.people_desk import stated
from insecure_sandbox.playing import Borrower

SOURCE: Final = "simulations"

_AT_ONCE: Final = 8  # borrowers that are played; each waits nearly all the time
_ACCEPTED: Final = 64  # with those that wait for their turn
_LINK_SECONDS: Final = 15.0  # the link counts once the request that brought it is committed
_FIELDS: Final = {"verification", "link", "scenario", "route", "subject", "account"}


class Simulations:
    """Those that are under way. Threads may share it."""

    def __init__(self, keepers: Mapping[str, AuthorityKeeper], people: People, inbox: Inbox) -> None:
        """Begins with none."""
        self._keepers, self._people, self._inbox = keepers, people, inbox
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="borrower")
        self._lock = Lock()
        self._under_way: set[str] = set()

    def begin(self, verification: str, link: str, borrower: Borrower) -> None:
        """Plays, at once or when it is its turn. Raises `Rejected` if it is played already, or too many are."""
        with self._lock:
            if verification in self._under_way:
                raise Rejected(409, "this verification is being played")
            if len(self._under_way) >= _ACCEPTED:
                raise Rejected(503, "too many are being played")
            self._under_way.add(verification)
        self._pool.submit(self._play, verification, link, borrower)

    def borrower(self, scenario: str, subject: Mapping[str, Any], *, route: str) -> Borrower:
        """Somebody who plays this scenario with what the sandbox has."""

        def messages(phone: str) -> list[str]:
            return [message.text for message in self._inbox.messages(phone)]

        return Borrower(
            subject=subject, certify=self._certify, messages=messages, manner=MANNERS[scenario], route=route
        )

    def _certify(self, person: Mapping[str, Any], state: str) -> Credential:
        named = Person(
            iin=person["iin"],
            surname=person["surname"],
            given_name=person["name"],
            patronymic=person.get("patronymic", ""),
        )
        return self._keepers["gost512"].issue(named, role="individual", state=state)

    def _play(self, verification: str, link: str, borrower: Borrower) -> None:
        try:
            browser = Browser("{0.scheme}://{0.netloc}".format(urlsplit(link)))
            browser.follow_soon(link, seconds=_LINK_SECONDS)
            said = f"left at the page {borrower.play(browser)}"
        except (PlayFailed, urllib3.exceptions.HTTPError, OSError, ValueError, KeyError) as fault:
            # Pages' names and kinds of errors alone: what was sent or signed stands in no log.
            said = f"stopped: {fault if isinstance(fault, PlayFailed) else type(fault).__name__}"
        finally:
            with self._lock:
                self._under_way.discard(verification)
        sys.stderr.write(f"sandbox simulation of {ascii(verification)[1:-1]}: {said}\n")


def routes(simulations: Simulations, people: People) -> tuple[Route, ...]:
    """`POST /simulations`."""

    def begin(request: Request) -> Response:
        fields = request.fields()
        only_fields(fields, _FIELDS)
        verification, link = text_field(fields, "verification", limit=64), text_field(fields, "link", limit=2048)
        scenario, route = text_field(fields, "scenario"), text_field(fields, "route", default="")
        if scenario not in MANNERS:
            raise Rejected(400, f"scenario must be one of {sorted(MANNERS)}")
        if urlsplit(link).scheme not in ("http", "https") or not urlsplit(link).fragment:
            raise Rejected(400, "link must be the address that a borrower gets")
        person = stated(fields.get("subject"), account=text_field(fields, "account", default=""))
        borrower = simulations.borrower(scenario, fields["subject"], route=route)
        people.stand_in(verification, replace(person, **borrower.manner.registered))
        simulations.begin(verification, link, borrower)
        return as_json({"verification": verification, "scenario": scenario}, status=202)

    return (Route(method="POST", path="/simulations", source=SOURCE, handle=begin),)
