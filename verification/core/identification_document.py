"""The electronic document of one attempt with a live capture: four legal stages, each with its
time. Pure.

1 the live image and its gates · 2 the identification data (IIN) · 3 the reference sample · 4 the
comparison.
It shows one picture of each command and lists the hashes of all that arrived.
The pictures shown are kept; the others are destroyed later.
`artifacts/making.py` gathers the `Facts`. docs/identification-document.schema.json defines the
fields.
Law: O-20, O-21, O-25.
"""

import json
import re
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from verification.core.answers import parse_photo
from verification.core.errors import BadInput
from verification.core.person import Case
from verification.core.stored import canonical_json, digest, moment


@dataclass(frozen=True, kw_only=True)
class AttemptFacts:
    """The attempt. `number`: its position among all attempts of the verification, from 1."""

    id: str
    number: int
    route: str
    stage: str
    opened_at: datetime
    burnt: bool


@dataclass(frozen=True, kw_only=True)
class Vote:
    """One reviewer's vote, with the voter's id in the log."""

    person: str
    passes: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Outcome of the attempt, time, and who decided: `checks`, `people` or `nobody`.

    outcome: passed, failed, inconclusive (checks), undecided (reviewers), lapsed (the borrower
    stopped) or void (the verification ended first).
    """

    outcome: str
    code: str
    decided_by: str
    at: datetime
    votes: tuple[Vote, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One recorded check of the attempt. `outcome`: pass, fail or inconclusive."""

    name: str
    outcome: str
    code: str
    score: float | None
    threshold: float | None
    detail: Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Content of a document.

    issuer: the address of the installation.
    identified_at: when the lender gave the IIN.
    passed_stages: route, stage and time of each stage passed before.
    evidence, kept_at: of this attempt, by kind.
    unreadable: the kinds of evidence that no longer open.
    """

    issuer: str
    case: Case
    client_reference: str
    identified_at: datetime
    profile_id: str
    profile_sha256: str
    attempt: AttemptFacts
    ending: Ending
    passed_stages: tuple[tuple[str, str, datetime], ...]
    checks: tuple[Judged, ...]
    evidence: Mapping[str, bytes] = field(repr=False)
    kept_at: Mapping[str, datetime]
    unreadable: tuple[str, ...] = ()


TYPE: Final = "tulga.identification"
VERSION: Final = 1
# The name suffix of each route's comparison with the reference: `face.match`.
_COMPARISON: Final = ".match"
_ZONES: Final = {"pass": "match", "inconclusive": "review", "fail": "mismatch"}


def kind_of(stage: str) -> str:
    """The evidence kind of the document for an attempt at this stage."""
    return f"{stage}.document"


def is_due(kinds: Collection[str], *, stage: str) -> bool:
    """Whether an attempt with this evidence needs a document: commands for a live face were drawn
    for it.
    """
    return f"{stage}.order" in kinds


def shown_frames(kinds: Collection[str], terms: Mapping[str, Any], *, stage: str) -> frozenset[str]:
    """One readable full frame's kind for each command of an attempt.

    kinds: of all its evidence.
    terms: the terms of its judgement; empty without one.
    The facts in the terms name the compared frames (`best`). A command without one shows its middle
    frame.
    """
    stored_facts = terms.get("facts")
    best_named = stored_facts.get("best") if isinstance(stored_facts, Mapping) else None
    best = {str(kind) for kind in best_named} if isinstance(best_named, list) else set()
    of_command: dict[str, list[tuple[int, str]]] = {}
    for kind in kinds:
        if match := re.fullmatch(rf"{re.escape(stage)}\.(\d+)\.frame\.(\d+)", kind):
            of_command.setdefault(match[1], []).append((int(match[2]), kind))
    in_order = [[kind for _, kind in sorted(numbered)] for numbered in of_command.values()]
    return frozenset(
        next((kind for kind in frames if kind in best), frames[len(frames) // 2])
        for frames in in_order
    )


def build(facts: Facts) -> bytes:
    """The canonical bytes to sign. Unreadable evidence is left out, because an ending must not
    wait for it.
    """
    attempt, ending, lender, terms = (
        facts.attempt,
        facts.ending,
        facts.case.lender,
        _object(facts, "terms"),
    )
    # Version and hash of the policy numbers; the stored terms hold all of them.
    numbers = terms.get("policy")
    policy = (
        {"version": numbers.get("version"), "sha256": digest(numbers)}
        if isinstance(numbers, dict)
        else None
    )
    place = {
        "id": attempt.id,
        "number": attempt.number,
        "route": attempt.route,
        "stage": attempt.stage,
    }
    result = {
        "outcome": ending.outcome,
        "code": ending.code or None,
        "decided_by": ending.decided_by,
    }
    votes = [
        {"person": vote.person, "passes": vote.passes, "at": moment(vote.at)}
        for vote in ending.votes
    ]
    identification = {
        "at": moment(facts.identified_at),
        "iin": facts.case.person.iin.value,
        "source": "LENDER",
    }
    # Stage 4: distance, zone, threshold, and as `detail` model and calibration. None without a
    # comparison.
    compared = next((check for check in facts.checks if check.name.endswith(_COMPARISON)), None)
    comparison = None
    if compared is not None:
        # A comparison that failed after a second request may still lie in the review zone; the
        # check records it.
        zone = (
            "review"
            if compared.detail.get("zone") == "review"
            else _ZONES.get(compared.outcome, "none")
        )
        zone = zone if compared.score is not None else "none"
        comparison = {"at": _stated_time(terms.get("at")), "zone": zone, **_judged(compared)}
    return canonical_json(
        {
            "type": TYPE,
            "version": VERSION,
            "issuer": facts.issuer,
            "mode": facts.case.mode,
            "verification": facts.case.verification_id,
            "client_reference": facts.client_reference,
            "lender": {"name": lender.name, "bin": lender.bin},
            "profile": {"id": facts.profile_id, "sha256": facts.profile_sha256},
            "attempt": {**place, "opened_at": moment(attempt.opened_at), "burnt": attempt.burnt},
            "passed_before": [
                {"route": route, "stage": stage, "at": moment(at)}
                for route, stage, at in facts.passed_stages
            ],
            "result": {**result, "at": moment(ending.at), "votes": votes},
            "policy": policy,
            "live_image": _live_image(facts, terms),
            "identification_data": identification,
            "reference": _reference(facts, terms),
            "comparison": comparison,
            "unreadable": sorted(facts.unreadable),
        }
    )


def _live_image(facts: Facts, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Stage 1: each command, its frames and times, and each gate's result. `at`: arrival of the
    last frames.
    """
    # A borrower who cannot do some commands gets others.
    order = _object(facts, "other_order").get("order") or _object(facts, "order").get("order")
    ordered = [str(command) for command in order] if isinstance(order, list) else []
    shown_kinds = shown_frames(
        {*facts.evidence, *facts.unreadable}, terms, stage=facts.attempt.stage
    )
    commands = _answered_commands(facts, shown_kinds)
    # Compare the face of the first command, which is to look straight ahead, or of its last
    # repetition.
    at_rest = [
        answer["frames"] for answer in commands if answer["command"] == commands[0]["command"]
    ]
    return {
        "at": commands[-1]["received_at"] if commands else None,
        "judged_at": _stated_time(terms.get("at")),
        "ordered": ordered,
        "commands": commands,
        "face": next((frame["name"] for frame in (at_rest or [[]])[-1] if frame["jpeg"]), None),
        "gates": [_judged(check) for check in facts.checks if not check.name.endswith(_COMPARISON)],
    }


def _answered_commands(facts: Facts, shown_kinds: Collection[str]) -> list[dict[str, Any]]:
    """The answered commands: a missed one may have been replaced, or have ended the capture."""
    commands: list[dict[str, Any]] = []
    numbers = (kind.split(".")[1] for kind in facts.evidence if kind.endswith(".turn"))
    for number in sorted(int(digits) for digits in numbers if digits.isdecimal()):
        turn, is_seen = (
            _object(facts, f"{number}.turn"),
            _object(facts, f"{number}.seen").get("seen"),
        )
        if not isinstance(command := turn.get("command"), str) or not command:
            continue
        place = f"{facts.attempt.stage}.{number}"
        parts: list[Mapping[str, Any]] = []
        while f"{place}.part.{len(parts)}" in facts.evidence:
            parts.append(_object(facts, f"{number}.part.{len(parts)}"))
        stills = [
            still[0]
            for part in parts
            if isinstance(listed := part.get("stills"), list)
            for still in listed
            if isinstance(still, list)
        ]
        kinds = {f"{number}.{seq}": f"{place}.frame.{seq}" for seq in stills}
        frames = [
            {
                "name": name,
                "sha256": sha256(jpeg).hexdigest(),
                "jpeg": b64encode(jpeg).decode() if kind in shown_kinds else None,
            }
            for name, kind in kinds.items()
            if (jpeg := facts.evidence.get(kind)) is not None
        ]
        received = _stated_time(parts[-1].get("arrived") if parts else None)
        times = {"shown_at": _stated_time(turn.get("revealed")), "received_at": received}
        commands.append({"command": command, **times, "seen": is_seen is True, "frames": frames})
    return commands


def _reference(facts: Facts, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Stage 3: the sample's source, time and hash; `status` is `none` without a look-up."""
    nothing = {"at": None, "source": None, "taken_on": None, "sha256": None, "request_id": None}
    kind = f"{facts.attempt.stage}.photo"
    if (content := facts.evidence.get(kind)) is None:
        return {**nothing, "status": "none"}
    # The reference is stored after it was fetched, so the time of judgement is closer to the
    # answer's time.
    times = [
        moment(facts.kept_at[kind]),
        *([judged] if (judged := _stated_time(terms.get("at"))) else []),
    ]
    try:
        answer = parse_photo(content)
    except BadInput:
        return {**nothing, "at": min(times), "status": "unreadable"}
    reference = {
        **nothing,
        "at": min(times),
        "status": answer.status,
        "request_id": answer.request_id,
    }
    if answer.status != "found":
        return reference
    taken_on = answer.taken_on.isoformat() if answer.taken_on else None
    return {
        **reference,
        "source": answer.source,
        "taken_on": taken_on,
        "sha256": sha256(answer.jpeg).hexdigest(),
    }


def _judged(check: Judged) -> dict[str, Any]:
    # Canonical JSON has no fractions: each is the shortest decimal that reads back as the same
    # number.
    score, threshold = (
        None if number is None else repr(float(number)) for number in (check.score, check.threshold)
    )
    return {
        "name": check.name,
        "outcome": check.outcome,
        "code": check.code or None,
        "score": score,
        "threshold": threshold,
        "detail": {name: str(value) for name, value in check.detail.items()},
    }


def _object(facts: Facts, name: str) -> Mapping[str, Any]:
    """A JSON object of the attempt's stage; empty if absent or unreadable."""
    try:
        content = json.loads(facts.evidence.get(f"{facts.attempt.stage}.{name}", b""))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _stated_time(stated: object) -> str | None:
    """A time stated in evidence, in canonical form; None if malformed."""
    try:
        return moment(datetime.fromisoformat(str(stated)))
    except ValueError:
        return None
