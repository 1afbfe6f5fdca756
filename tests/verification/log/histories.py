"""Histories that a worker's own key signed, lawful or not, and clearances behind them.

`audit_verify` must tell them apart by the entries alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tests import registered
from tests.verification.log.judged import verify_legality
from tests.verification.log.rows import NOON, add_lender, add_verification, order_all
from verification.core import profiles, releases
from verification.core.codes import REASONS
from verification.core.events import ACTS, PERSON
from verification.core.findings import Finding
from verification.core.keeping import inputs_mark
from verification.course import policy
from verification.log import legality, log
from verification.log.acts import CODE
from verification.models import AuditEntry, Verification

Said = tuple[str, dict[str, Any]]

"""The type of an entry and its body."""

DAY, AFTER = 24 * 3600, "_after"

DECISION = "_decision"

"""Stands for the entry by which it was verified, whose id is unknown before it is written."""

RELEASE = {one.route: one for one in releases.RELEASES.values()}

REVIEWABLE = "face_review"


def created(
    profile: str = "KZ-2021-04", *, allowed: Sequence[Sequence[str]] = (("eds",),), **more: Any
) -> Said:
    law = profiles.get(profile)
    body = {
        "profile": law.id,
        "profile_sha256": law.sha256,
        "combinations": [list(one) for one in allowed],
    }
    body |= {"expires_at": at(DAY), **more}
    return "verification.created", body | ({"route": allowed[0][0]} if len(allowed) == 1 else {})


def opened(route: str, stage: str, number: int, **more: Any) -> Said:
    place = {"attempt": f"att_{number}", "route": route, "stage": stage}
    return "attempt.opened", {
        **place,
        "turn": number,
        "release": RELEASE[route].id,
        "expires_at": at(DAY),
        **more,
    }


def lapsed(number: int, *, code: str = "abandoned", after: int = DAY) -> Said:
    """`after`: how many seconds after the entry before."""
    return "attempt.lapsed", {
        "attempt": f"att_{number}",
        "code": code,
        "burnt": False,
        AFTER: after,
    }


def answered(route: str, stage: str, number: int) -> Said:
    place = {"attempt": f"att_{number}", "route": route, "stage": stage}
    return "attempt.answered", {**place, "turn": number, "next": "collect", "evidence": []}


def judged(
    route: str, stage: str, number: int, *, said: dict[str, str] | None = None, **more: Any
) -> Said:
    """`said`: the checks that did not pass, by their code; one beginning with a minus failed,
    others could not tell.
    """
    told = []
    for check in RELEASE[route].checks(stage):
        code = (said or {}).get(check, "")
        outcome = "fail" if code.startswith("-") else "inconclusive" if code else "pass"
        told.append({"check": check, "outcome": outcome, "code": code.removeprefix("-")})
    place = {
        "attempt": f"att_{number}",
        "route": route,
        "stage": stage,
        "release": RELEASE[route].id,
    }
    word = {"outcome": "passed", "code": "", "burnt": more.get("outcome") == "review"}
    return "attempt.judged", {
        **place,
        **word,
        "checks": told,
        "inputs": inputs_mark(()),
        "evidence": [],
        **more,
    }


def failed(route: str, stage: str, number: int, check: str, code: str) -> Said:
    """A judgement that one check refused."""
    burns = REASONS[code].burns and RELEASE[route].tries(stage) > 0
    return judged(
        route, stage, number, said={check: f"-{code}"}, outcome="failed", code=code, burnt=burns
    )


def passing(route: str, stage: str, number: int) -> list[Said]:
    return [
        opened(route, stage, number),
        answered(route, stage, number),
        judged(route, stage, number),
    ]


def passing_all(route: str, *, after: int = 0, without: Iterable[str] = ()) -> list[Said]:
    """Every stage of a route, opened, answered and passed."""
    stages = [name for name in RELEASE[route].names if name not in without]
    return [
        said
        for number, stage in enumerate(stages, start=after + 1)
        for said in passing(route, stage, number)
    ]


def ended(
    word: str, code: str = "", *, profile: str = "KZ-2021-04", after: int = 1, **more: Any
) -> Said:
    """`after`: how many seconds after the entry before."""
    law = profiles.get(profile)
    return f"verification.{word}", {
        AFTER: after,
        "code": code,
        "profile": law.id,
        "profile_sha256": law.sha256,
        **more,
    }


def verified(*routes: str, profile: str = "KZ-2021-04", **more: Any) -> Said:
    of = {"routes": list(routes), "releases": [RELEASE[route].id for route in routes]}
    return ended("verified", profile=profile, **{**of, **more})


def at_people(*, route: str = "eds", number: int = 3) -> list[Said]:
    """A case whose last stage was left to people."""
    checks = {RELEASE[route].checks(RELEASE[route].names[-1])[-1]: REVIEWABLE}
    left = judged(
        route, RELEASE[route].names[-1], number, said=checks, outcome="review", code=REVIEWABLE
    )
    return [created(), *passing_all(route)[:-1], left, ended("in_review", REVIEWABLE)]


def voted(person: str, number: int = 3, *, outcome: str = "passed") -> Said:
    return "review.voted", {
        "attempt": f"att_{number}",
        "person": person,
        "outcome": outcome,
        "factor": CODE,
    }


def reviewed(number: int = 3, *, outcome: str = "passed", code: str = "") -> Said:
    place = {"attempt": f"att_{number}", "route": "eds", "stage": "statement"}
    return "attempt.reviewed", {
        **place,
        "outcome": outcome,
        "code": code,
        "burnt": code == "review_refused",
    }


def write(history: Iterable[Said], *, of: Verification | None = None) -> Verification:
    """Puts a history on record, each entry signed as its writer would, and orders it."""
    of = of or add_verification(add_lender())
    history = list(history)
    for person in {body["person"] for entry_type, body in history if entry_type in ACTS}:
        registered.reviewer(person, of.lender)
    order_all()
    decision = ""
    for place, (entry_type, body, when) in enumerate(timed(history), start=1):
        body = {name: decision if said == DECISION else said for name, said in body.items()}
        with transaction.atomic():
            entry = log.append(
                log="test",
                type=entry_type,
                verification=of,
                body=body,
                verification_sequence=place,
                at=when,
            )
        decision = entry.pk if entry_type == "verification.verified" else decision
    order_all()
    assert not AuditEntry.objects.filter(leaf=None).exists()
    return of


def timed(history: Iterable[Said]) -> Iterator[tuple[str, dict[str, Any], datetime]]:
    """Each entry a second after the one before, or as long after it as it says."""
    when = NOON
    for entry_type, body in history:
        when += timedelta(seconds=body.get(AFTER, 1))
        yield entry_type, {name: said for name, said in body.items() if name != AFTER}, when


def at(seconds: float) -> str:
    """So long after the beginning."""
    return (NOON + timedelta(seconds=seconds)).isoformat()


def told() -> list[Finding]:
    return list(verify_legality("test"))


def entries_of(history: Iterable[Said], *, log: str = "test") -> list[AuditEntry]:
    """The entries of a history in memory, each signed as far as the course can tell."""
    entries = list[AuditEntry]()
    decision = ""
    for place, (entry_type, body, at) in enumerate(timed(history), start=1):
        body = {name: decision if said == DECISION else said for name, said in body.items()}
        entry = AuditEntry(pk=f"evt_{place}", log=log, type=entry_type, body=body, at=at)
        decision = entry.pk if entry_type == "verification.verified" else decision
        entries.append(entry)
    return entries


def codes(history: Iterable[Said]) -> list[tuple[str, int]]:
    """What the course says of a history: each code with the number of its entry."""
    return [
        (code, int(entry.pk.removeprefix("evt_")))
        for entry, (code, _) in legality.faults_of(entries_of(history))
    ]


def codes_on_record(history: Iterable[Said]) -> list[tuple[str, int]]:
    """What `audit_verify` says of a history on record: the course and what stands beside it."""
    write(history)
    people = AuditEntry.objects.filter(type=PERSON).count()  # stated before it
    return [
        (finding.code, finding.leaf_index + 1 - people)
        for finding in told()
        if finding.leaf_index is not None
    ]


def without(history: list[Said], *numbers: int) -> list[Said]:
    return [said for number, said in enumerate(history, start=1) if number not in numbers]


def changed(history: list[Said], number: int, **changes: Any) -> list[Said]:
    entry_type, body = history[number - 1]
    return [*history[: number - 1], (entry_type, body | changes), *history[number:]]


def shortened(history: list[Said], number: int) -> list[Said]:
    return changed(history, number, checks=history[number - 1][1]["checks"][:-1])


EDS = [created(), *passing_all("eds")]

BOTH = "KZ-2025-01"

TWO = [
    created(BOTH, allowed=[["eds", "biometric"]]),
    *passing_all("eds"),
    ("route.chosen", {"route": "biometric"}),
    *passing_all("biometric", after=10, without=["consent"]),
]

FAULTED: list[Said] = [
    ("step.faulted", {"step": "judge", "cause": "source_silent", "faults": number})
    for number in range(1, 6)
]

STOPPED: Said = ("hand_over.stopped", {"from": "other", "to": "other", "evidence": []})

KEPT: Said = (
    "evidence.kept",
    {"attempt": "att_3", "route": "eds", "stage": "statement", "evidence": []},
)

REFUSED = judged(
    "eds",
    "consent",
    1,
    said={"consent.agreed": "-consent_declined"},
    outcome="failed",
    code="consent_declined",
)

WRONG = failed("eds", "statement", 3, "eds.identity", "eds_iin_mismatch")

UNCLEAR = "eds_revocation_unknown"

UNSURE = judged(
    "eds", "statement", 3, said={"eds.revocation": UNCLEAR}, outcome="retry", code=UNCLEAR
)

CONSENTED = passing("eds", "consent", 1)

FREE = passing("eds", "question", 2)

CHOICE = created(allowed=[["eds"], ["biometric"], ["live_face"]])

END = len(EDS) + 1

WHOLE = [*EDS, verified("eds")]


def exhausted(*numbers: int, **more: Any) -> Said:
    """Declined because these attempts at the statement were spent."""
    spent = [{"attempt": f"att_{number}", "verification": ""} for number in numbers]
    of = {
        "stage": "statement",
        "release": RELEASE["eds"].id,
        "last_failure": "eds_iin_mismatch",
        "spent": spent,
    }
    return ended("declined", "attempts_exhausted", **of | more)


def wrong(number: int) -> list[Said]:
    """An attempt at the statement that failed, and counts."""
    refused = failed("eds", "statement", number, "eds.identity", "eds_iin_mismatch")
    return [*passing("eds", "statement", number)[:-1], refused]


THRICE = [*EDS[:-3], *wrong(3), *wrong(4), *wrong(5)]

CAP = 15_000_000

GATES: list[dict[str, str]] = [
    {"name": name, "status": "not_evaluated" if asked_by else "passed"}
    for name, asked_by in policy.GATES.items()
]

"""As under a law that asks for nothing of them."""


def clearance(word: str, **more: Any) -> Said:
    """`clr_1` comes to be so."""
    return f"clearance.{word}", {"clearance": "clr_1", **more}


def requested(**more: Any) -> Said:
    """The door asks for it."""
    return clearance(
        "requested", **{"profile": "KZ-2021-04", "contract": "c" * 64, "cap": CAP, **more}
    )


def issued(**more: Any) -> Said:
    """A worker signs that the money may leave."""
    until = {"expires_at": at(600), "fresh_until": at(600)}
    said = {**requested()[1], "decision": DECISION, "gates": GATES, **until}
    return clearance("issued", **said | more)


def consumed(**more: Any) -> Said:
    """The money leaves."""
    return clearance("consumed", **{"amount": CAP, **more})


def passing_gates(**others: str) -> list[dict[str, str]]:
    """The gates, but for these."""
    return [{**one, "status": others.get(one["name"], one["status"])} for one in GATES]


PAID = [requested(), issued(), consumed()]
