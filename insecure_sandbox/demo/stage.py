"""The common stage of the demo's scenes: a lender, the sandbox, fictitious people, and the
result over the API.
"""

import base64
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import urllib3

from insecure_sandbox.borrower import Browser
from insecure_sandbox.credential import Credential
from insecure_sandbox.credential_fields import credential_from_fields
from insecure_sandbox.demo.lender import AMOUNT, LenderApi, opening
from insecure_sandbox.demo.processes import DemoFailed, Processes, wait_until
from insecure_sandbox.demo.progress import Row
from insecure_sandbox.manners import MANNERS
from insecure_sandbox.playing import Borrower
from verification.core.ids import check_digit

_ORDERED_SECONDS = 30.0


@dataclass
class Stage:
    """One lender's view of one running Tulga, with its sandbox. Copies of it share the people."""

    api: LenderApi
    url: str
    sandbox: str
    processes: Processes
    start_worker: Callable[[], None]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def iin(self) -> str:
        """A fresh IIN of an invented person, born on 2 February 1990."""
        while True:
            eleven = f"9002029{next(self.numbers):04}"
            if check_digit(eleven) != "x":
                return eleven + check_digit(eleven)

    def credential(self, iin: str, *, family: str = "gost512", state: str = "valid") -> Credential:
        """A certificate with its key from the sandbox's authority."""
        person = {"iin": iin, "surname": "ТЕСТОВ", "given_name": "ТЕСТ", "patronymic": "ТЕСТОВИЧ"}
        fields = person | {"family": family, "role": "individual", "state": state}
        return credential_from_fields(self._ask("/ca/credentials", fields))

    def known(self) -> str:
        """The IIN of a person known to the registers, with their own phone and no photo."""
        iin = self.iin()
        self.register(iin)
        return iin

    def person(self, photo: Path) -> str:
        """The IIN of a person known to the registers, with this photo and their own phone."""
        iin = self.iin()
        self.register(iin, photo=base64.b64encode(photo.read_bytes()).decode())
        return iin

    def register(self, iin: str, **more: object) -> None:
        """The data of registers, a bureau and a bank on a person from now on, in the form of
        `POST /people`.
        """
        stated = opening("", iin=iin, routes=[], phone=phone_of(iin))["subject"]
        document = stated.pop("document") | {"issued_on": "2023-01-02"}
        self._ask("/people", stated | {"document": document, **more})

    def code_for(self, iin: str) -> str:
        """The one-time code in the newest message that has one."""
        return self.borrower(iin).code()

    def borrower(
        self, iin: str, scenario: str = "verified", *, family: str = "gost512", **more: Any
    ) -> Borrower:
        """A player of this scenario as this person, with a `Borrower`'s other equipment."""

        def certify(person: Mapping[str, Any], state: str) -> Credential:
            return self.credential(str(person["iin"]), family=family, state=state)

        subject = opening("", iin=iin, routes=[], phone=phone_of(iin))["subject"]
        return Borrower(
            subject=subject,
            certify=certify,
            messages=self._messages,
            manner=MANNERS[scenario],
            **more,
        )

    def play(
        self,
        name: str,
        iin: str,
        scenario: str = "verified",
        *,
        routes: tuple[str, ...] = ("eds",),
        amount: Decimal = AMOUNT,
        **more: Any,
    ) -> dict[str, Any]:
        """The lender opens, and this person plays the scenario to its end, or as often as
        `turns` say.
        """
        opened, browser = self.arrive(name, iin, routes=routes, amount=amount)
        self.borrower(iin, scenario, **more).play(browser)
        return opened

    def arrive(
        self, name: str, iin: str, *, routes: tuple[str, ...], amount: Decimal = AMOUNT
    ) -> tuple[dict[str, Any], Browser]:
        """The lender opens, and the borrower follows the link."""
        # Letters: digits after a number in the name could form a phone number, which no reference
        # may hold.
        reference = f"demo-{name}-{''.join(secrets.choice(ascii_lowercase) for _ in range(8))}"
        opened = self.api.open(
            reference, iin=iin, routes=list(routes), phone=phone_of(iin), amount=amount
        )
        browser = Browser(self.url)
        browser.follow(opened["url"])
        return opened, browser

    def borrow(self, name: str, iin: str) -> tuple[dict[str, Any], Browser]:
        """The lender opens, the borrower follows the link and agrees up to the statement."""
        opened, browser = self.arrive(name, iin, routes=("eds",))
        browser.agree()
        return opened, browser

    def row(
        self,
        name: str,
        opened: dict[str, Any],
        since: float,
        *,
        must: tuple[str, str],
        route: str = "eds",
    ) -> Row:
        """Reads the result over the API; `must` is the status and the code of the failed check,
        or of the end.
        """
        # The decision is private until the log has ordered it.
        wait_until(
            lambda: self.api.read(opened["id"])["status"] != "processing",
            what="the log to order the decision",
            seconds=_ORDERED_SECONDS,
        )
        verification = self.api.read(opened["id"])
        code = verification["last_failure"] or verification["code"] or ""
        outcome = (verification["status"], code)
        seconds = time.monotonic() - since
        return Row(name, route, *outcome, seconds, verification["log_index"], outcome == must)

    def _messages(self, phone: str) -> list[str]:
        return [
            str(message["text"]) for message in self._ask("/inbox", {"phone": phone})["messages"]
        ]

    def _ask(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        answer = urllib3.request(
            "POST", f"{self.sandbox}{path}", json=fields, timeout=30, redirect=False
        )
        if answer.status not in (200, 201):
            raise DemoFailed(f"the sandbox answered {path} with {answer.status}")
        content: dict[str, Any] = answer.json()
        return content


def phone_of(iin: str) -> str:
    """A mobile number of this person's own."""
    return f"+7701{iin[-7:]}"
