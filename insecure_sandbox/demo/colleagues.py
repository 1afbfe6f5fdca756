"""What two people do with passkeys, by software authenticators: a change of a lender, and votes."""

import re
import secrets
import time
from dataclasses import replace
from decimal import Decimal

from insecure_sandbox.colleague import Colleague
from insecure_sandbox.demo.camera_scenes import SYNTHETIC, Faces
from insecure_sandbox.demo.processes import Processes, wait_until
from insecure_sandbox.demo.progress import Row, say
from insecure_sandbox.demo.stage import Stage

LENDER_PHONE = "+77270000045"
LARGE = Decimal("300000.00")
"""Above 75 monthly calculation indices two people look at a face. Source: O-52."""
_REASON = "a letter of the lender, of today"
_SEEN = "the demo's painted face, seen by both"
_INVITATION = re.compile(r"^invitation: (.+)$", re.MULTILINE)
_REVIEW_SECONDS = 60.0


def invite(processes: Processes, url: str, email: str, *role: str) -> Colleague:
    """A person who accepted an invitation, and is signed in by a passkey."""
    printed = processes.must("add_person", email, "--name", email, "--invite", *role)
    colleague = Colleague(url, email, secrets.token_urlsafe(15))
    colleague.accept(_INVITATION.findall(printed)[0])
    return colleague


def changes_a_lender(stage: Stage, lender: str) -> bool:
    """Whether one operator proposes a lender's new telephone, and another confirms it."""
    operators = [
        invite(stage.processes, stage.url, f"{name}@demo.example", "--role", "operator")
        for name in ("first", "second")
    ]
    page = f"/admin/lenders/lender/{lender.replace('_', '_5F')}/change/"
    none = {"keys-TOTAL_FORMS": "0", "keys-INITIAL_FORMS": "0"}
    proposal = operators[0].send_typed(page, phone=LENDER_PHONE, **none)
    acts = ({"act": "propose", "reason": _REASON}, {"act": "confirm"})
    for operator, fields in zip(operators, acts, strict=True):
        operator.act(proposal, proposal, f"{proposal}challenge/", **fields)
    is_changed = LENDER_PHONE in operators[0].read(page)
    say(f"{proposal}: proposed by one operator, confirmed by another: {is_changed}")
    return is_changed


class Reviewers:
    """Two reviewers of a lender with passkeys, invited when they are first needed."""

    def __init__(self, stage: Stage, lender: str) -> None:
        """lender: its id."""
        self._stage, self._lender = stage, lender
        self._people: list[Colleague] = []

    def pass_on(self, verification: str) -> None:
        """Both look at a case in review, and vote that it passes."""
        if not self._people:
            role = ("--role", "reviewer", "--lender", self._lender)
            names = (f"{name}@{self._lender.replace('_', '-')}.example" for name in ("one", "two"))
            processes, url = self._stage.processes, self._stage.url
            self._people = [invite(processes, url, name, *role) for name in names]
        case = f"/review/cases/{verification}/"
        for person in self._people:
            person.act(case, f"{case}vote", f"{case}vote/challenge", word="pass", reason=_SEEN)
        wait_until(
            lambda: self._stage.api.read(verification)["status"] != "in_review",
            what="the votes to count",
            seconds=_REVIEW_SECONDS,
        )


def two_votes(stage: Stage, faces: Faces, reviewers: Reviewers) -> Row:
    """A loan above the limit: two reviewers look, vote with passkeys, and it is verified."""
    since, iin = time.monotonic(), stage.person(faces.borrower)
    opened = stage.play(
        "two-votes",
        iin,
        routes=("biometric",),
        camera=faces.cameras["two_votes"],
        amount=LARGE,
    )
    wait_until(
        lambda: stage.api.read(opened["id"])["status"] == "in_review",
        what="the case to come to people",
        seconds=_REVIEW_SECONDS,
    )
    reviewers.pass_on(opened["id"])
    row = stage.row("two votes by passkey", opened, since, must=("verified", ""), route="biometric")
    return replace(row, note=SYNTHETIC)
