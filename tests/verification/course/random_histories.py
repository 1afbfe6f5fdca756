"""Lawful histories by chance: what borrowers, workers, people and lenders may do, one entry after
another.
"""

import random
from datetime import timedelta
from typing import Any

from tests.verification.log import histories
from tests.verification.log.histories import (
    AFTER,
    RELEASE,
    REVIEWABLE,
    Said,
    consumed,
    issued,
    requested,
)
from tests.verification.log.rows import NOON
from verification.core import profiles
from verification.core.keeping import claims, inputs_mark
from verification.core.profiles import Profile
from verification.course import policy
from verification.course.entry import Entry

LAWS = ("KZ-2021-04", "KZ-2024-10", "KZ-2025-01")
DAY = histories.DAY
LENDER = "len_1"
_BURNING = {"statement": "eds_iin_mismatch", "live_capture": "face_mismatch"}
_FAILING = {"statement": "eds.identity", "live_capture": "face.match"}


class _Ended(Exception):
    """The history has come to its end."""


class Walk:
    """One history that is being told."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.log = chance.choice(("test", "test", "live"))
        self.law: Profile = profiles.get(chance.choice(LAWS))
        self.entries: list[Entry] = []
        self.at = NOON
        self.attempts = 0
        self.evidence: dict[str, set[str]] = {}
        self.places: dict[str, tuple[str, str]] = {}
        self.passed: set[str] = set()
        self.burnt: list[str] = []
        self.engine: dict[str, str] = {}
        self.session = ""

    def is_chosen(self, share: float) -> bool:
        """Whether something happens that happens so often."""
        return self.chance.random() < share

    def add(self, said: Said, **more: object) -> Entry:
        """One more entry; it comes as long after the one before as it says, or soon."""
        entry_type, body = said
        self.at += timedelta(seconds=body.get(AFTER, self.chance.randint(1, 20)))
        body = {name: value for name, value in {**body, **more}.items() if name != AFTER}
        entry = Entry(
            f"evt_{len(self.entries) + 1}", entry_type, self.log, self.at, body, lender=LENDER
        )
        self.entries.append(entry)
        return entry

    def beside(self) -> None:
        """What moves nothing, at any time before the end."""
        if self.is_chosen(0.1):
            self.add(("link.minted", {"person": f"usr_{self.chance.choice('xy')}"}))
        if self.is_chosen(0.1):
            self.add((self.chance.choice(("hand_over.minted", "hand_over.refused")), {}))
        if self.is_chosen(0.2):
            self.session = f"{self.chance.getrandbits(256):064x}"
            self.add(
                (
                    "link.spent",
                    {"link": f"{self.chance.getrandbits(256):064x}", "session": self.session},
                )
            )
        if self.is_chosen(0.05) and self.log == "test":
            self.add(("test_clock.advanced", {"advance_seconds": self.chance.randint(1, 60)}))

    def until(self, seconds: int) -> str:
        """A time that is so far ahead."""
        return (self.at + timedelta(seconds=seconds)).isoformat()

    def tell(self) -> list[Entry]:
        """The whole history, up to its end or to where it stands."""
        allowed = [names for names in self.law.combinations if self.is_chosen(0.7)] or [
            self.law.combinations[0]
        ]
        firsts = sorted({names[0] for names in allowed})
        self.add(
            histories.created(self.law.id, allowed=allowed),
            route=firsts[0] if len(firsts) == 1 else "",
        )
        self.beside()
        if self.log == "test" and self.is_chosen(0.2):
            self.engine = {"name": "insecure_simulated", "scenario": "verified"}
            self.add(("simulation.requested", {"scenario": "verified"}))
        combination = self.chance.choice(allowed)
        try:
            for number, route in enumerate(combination):
                if number or len(firsts) > 1:
                    self.choose(route, allowed, is_first=not number)
                self.go(route)
            self.end(
                "verified",
                routes=list(combination),
                releases=[RELEASE[route].id for route in combination],
            )
        except _Ended:
            pass
        if self.entries[-1].type == "verification.verified":
            self.credit()
        return self.entries

    def choose(self, route: str, allowed: list[tuple[str, ...]], *, is_first: bool) -> None:
        """A route is chosen; at first another one may be entered, and left with an attempt open."""
        others = sorted({names[0] for names in allowed} - {route})
        if is_first and others and self.is_chosen(0.3):
            other = self.chance.choice(others)
            self.add(("route.chosen", {"route": other}))
            name = self.open(other, RELEASE[other].names[0])
            self.add(("route.chosen", {"route": route}))
            if self.is_chosen(0.5):
                self.lapse(name, after=1)
            return
        self.add(("route.chosen", {"route": route}))

    def go(self, route: str) -> None:
        """Each stage of a route, with what may hinder the borrower on the way."""
        for stage in RELEASE[route].names:
            if stage == "consent" and any(
                self.places[name][1] == "consent" for name in self.passed
            ):
                continue
            self.hinder()
            self.attempt(route, stage)
            self.beside()

    def hinder(self) -> None:
        """What may end it between two stages."""
        if self.is_chosen(0.02):
            self.end("canceled", code="canceled_by_lender")
        if self.is_chosen(0.02):
            self.add(("consent.withdrawn", {"due": self.until(DAY), "effect": "ends"}))
            self.end("canceled", code="consent_withdrawn")
        if self.is_chosen(0.02):
            self.at += timedelta(seconds=DAY)
            self.end("expired", code="verification_expired")
        if self.is_chosen(0.02):
            self.add(("hand_over.stopped", {"evidence": []}))
            self.end("declined", code="coercion_reported", cause="hand_over")

    def open(self, route: str, stage: str, *, seconds: int = 3600) -> str:
        """An attempt, by its name."""
        self.attempts += 1
        entry = self.add(
            histories.opened(route, stage, self.attempts), expires_at=self.until(seconds)
        )
        name = str(entry.body["attempt"])
        self.evidence[name], self.places[name] = set(), (route, stage)
        return name

    def lapse(self, name: str, *, after: int) -> None:
        """The attempt is given up."""
        self.add(
            ("attempt.lapsed", {"attempt": name, "code": "abandoned", "burnt": False, AFTER: after})
        )

    def attempt(self, route: str, stage: str) -> None:
        """Attempts at a stage until one passes."""
        if self.is_chosen(0.1):
            place = {"route": route, "stage": stage, "turn": self.attempts + 1}
            self.add(
                (
                    "attempt.hindered",
                    {**place, "code": self.chance.choice(sorted(policy.HINDRANCES))},
                )
            )
        if self.is_chosen(0.1):
            self.lapse(self.open(route, stage, seconds=600), after=601)
        while True:
            name = self.open(route, stage)
            self.answer(name)
            if self.is_chosen(0.1):
                self.fault()
            if stage not in _FAILING or not self.is_chosen(0.3):
                break
            self.fail(name)
        if stage in _FAILING and self.is_chosen(0.2):
            self.review(name)
        else:
            self.judge(name)
        self.passed.add(name)

    def answer(self, name: str) -> None:
        """What the borrower does, in a turn or two."""
        if self.is_chosen(0.3):
            self.list_evidence(name, "evidence.kept", expires_at=self.until(3000))
        if self.is_chosen(0.3):
            self.list_evidence(name, "attempt.answered", next="look", session=self.session)
            self.list_evidence(name, "attempt.looked_at", next="ask")
        self.list_evidence(name, "attempt.answered", next="collect", session=self.session)

    def list_evidence(self, name: str, entry_type: str, **more: object) -> None:
        """An entry that lists evidence of an attempt."""
        route, stage = self.places[name]
        kinds = [f"{stage}.answer", *(["register.person"] if self.is_chosen(0.1) else [])]
        listed = [
            {
                "id": f"evd_{len(self.entries)}_{kind}",
                "kind": kind,
                "commitment": f"{self.chance.getrandbits(256):064x}",
            }
            for kind in kinds
            if self.is_chosen(0.7)
        ]
        place = {"attempt": name, "route": route, "stage": stage, "evidence": listed, **more}
        self.keep(name, self.add((entry_type, place)))

    def keep(self, name: str, entry: Entry) -> None:
        """What an entry lists is evidence of its attempt; some of it serves every attempt."""
        for claim in claims(entry.body):
            self.evidence[name].add(claim.digest)
            if claim.kind.startswith("register."):
                self.evidence.setdefault("", set()).add(claim.digest)

    def fault(self) -> None:
        """Steps in vain; after the fifth it fails."""
        times = self.chance.choice((1, 2, 4, 5))
        for number in range(1, times + 1):
            self.add(
                ("step.faulted", {"step": "judge", "cause": "source_silent", "faults": number})
            )
        if times == 5:
            self.end("failed", code="retries_exhausted")

    def word(self, name: str, said: Said) -> Entry:
        """A judgement of an attempt, by all that was kept for it."""
        route, stage = self.places[name]
        inputs = self.evidence.get("", set()) | self.evidence[name]
        for other in self.passed:
            if self.places[other][1] != stage and (
                self.places[other][0] == route or self.places[other][1] == "consent"
            ):
                inputs |= self.evidence[other]
        checks = [
            {**check, "engine": self.engine} if self.engine else check
            for check in said[1]["checks"]
        ]
        return self.add(said, checks=checks, inputs=inputs_mark(inputs))

    def judge(self, name: str) -> None:
        """It passes."""
        self.word(name, histories.judged(*self.places[name], int(name[4:])))

    def fail(self, name: str) -> None:
        """It fails, and counts; after the third the case is declined."""
        route, stage = self.places[name]
        number, code = int(name[4:]), _BURNING[stage]
        self.word(name, histories.failed(route, stage, number, _FAILING[stage], code))
        self.burnt.append(name)
        spent = [
            {"attempt": other, "verification": ""}
            for other in self.burnt
            if self.places[other][1] == stage
        ]
        if len(spent) >= RELEASE[route].tries(stage):
            release = RELEASE[route].id
            self.end(
                "declined",
                code="attempts_exhausted",
                stage=stage,
                release=release,
                last_failure=code,
                spent=spent,
            )

    def review(self, name: str) -> None:
        """It is left to people, who pass it, refuse it, or let it run out; or too few of them could
        vote.
        """
        route, stage = self.places[name]
        checks = {RELEASE[route].checks(stage)[-1]: REVIEWABLE}
        left = histories.judged(
            route, stage, int(name[4:]), said=checks, outcome="review", code=REVIEWABLE
        )
        if self.is_chosen(0.1):
            self.word(name, (left[0], {**left[1], "burnt": False}))
            self.end("failed", code="review_unavailable", cause=REVIEWABLE)
        self.word(name, left)
        self.add(histories.ended("in_review", REVIEWABLE, profile=self.law.id))
        people = [f"usr_{letter}" for letter in "abc"]
        if self.is_chosen(0.1):
            self.at += timedelta(seconds=DAY)
            self.end("expired", code="review_timeout")
        place = {"attempt": name, "route": route, "stage": stage}
        for person in people[: self.chance.choice((2, 3))]:
            self.add(("review.voted", {"attempt": name, "person": person, "outcome": "passed"}))
        if self.is_chosen(0.2):
            self.add(("review.voted", {"attempt": name, "person": "usr_d", "outcome": "failed"}))
            self.add(
                (
                    "attempt.reviewed",
                    {**place, "outcome": "failed", "code": "review_refused", "burnt": True},
                )
            )
            self.end("declined", code="review_refused")
        self.add(("attempt.reviewed", {**place, "outcome": "passed", "code": "", "burnt": False}))

    def end(self, word: str, *, code: str = "", **more: Any) -> None:
        """It ends so; what may follow any end does."""
        self.add(histories.ended(word, code, profile=self.law.id, **more))
        for entry_type in ("receipt.issued", "verification.disputed"):
            if word != "verified" and self.is_chosen(0.1):
                self.add((entry_type, {}))
        if word != "verified" and self.is_chosen(0.1):
            for person in ("lender", "person"):
                body = {"due": self.until(DAY), "asked_by": person}
                self.add(("verification.redaction_requested", body))
        is_withdrawn = code == "consent_withdrawn"
        if word != "verified" and not is_withdrawn and self.is_chosen(0.1):
            self.add(("consent.withdrawn", {"due": self.until(DAY), "effect": "blocks"}))
        if word != "verified" and self.is_chosen(0.1):
            self.add(("verification.redacted", {AFTER: 6 * 366 * DAY}))
        raise _Ended

    def credit(self) -> None:
        """Of a verified borrower: attestations, the contract, clearances, the obligation, a
        dispute.
        """
        decision = self.entries[-1]
        if self.is_chosen(0.2):
            self.add(
                (
                    "attestation.made",
                    {"what": "age_confirmation", "person": "usr_e", "attempt": "att_1"},
                )
            )
        terms = {"profile": "KZ-2021-04", "clearance": "clr_1"}
        if self.is_chosen(0.3):
            now = self.at + timedelta(seconds=1) + self.ahead
            contract = {
                "contract": "c" * 64,
                "cap": requested()[1]["cap"],
                "profile": "KZ-2021-04",
                AFTER: 1,
            }
            times = {"signed_at": NOON.isoformat(), "release_from": (now - self.ahead).isoformat()}
            self.add(("contract.reported", contract | times))
        if self.is_chosen(0.2):
            self.add(requested(**{**terms, "clearance": "clr_0"}))
        self.add(requested(**terms))
        if self.is_chosen(0.1):
            self.add(("clearance.refused", {"clearance": "clr_1"}))
            return
        until = {"expires_at": self.until(600), "fresh_until": self.until(50)}
        self.add(issued(decision=decision.id, gates=self.gates(), **terms, **until))
        if self.is_chosen(0.2):
            self.add(("verification.disputed", {}))
            self.add(("clearance.frozen", {"clearance": "clr_1"}))
        elif self.is_chosen(0.8):
            self.add(consumed())
        if self.is_chosen(0.4):
            self.add(("obligation.opened", {"at": self.at.isoformat()}))
            self.add(("obligation.closed", {"at": self.at.isoformat()}))

    def gates(self) -> list[dict[str, str]]:
        """The gates as they pass under the law by which it was verified; the lender's own asks for
        less.
        """
        gates = []
        for name, fields in policy.GATES.items():
            is_asked = not fields or any(getattr(self.law, field) is not None for field in fields)
            gates.append(
                {
                    "name": name,
                    "status": "passed" if is_asked else "not_evaluated",
                    "at": self.until(0),
                }
            )
        return gates

    @property
    def ahead(self) -> timedelta:
        """By how much its clock was advanced."""
        advances = (
            entry.body["advance_seconds"]
            for entry in self.entries
            if entry.type == "test_clock.advanced"
        )
        return timedelta(seconds=sum(advances))


def lawful(chance: random.Random) -> list[Entry]:
    """A history that the law allows."""
    return Walk(chance).tell()
