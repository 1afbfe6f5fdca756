"""The electronic document of one attempt with a live capture: the four legal stages, each with its time. Pure.

1 the live image with its gates · 2 the identification data (IIN) · 3 the reference sample · 4 the comparison.
Fields are written down in docs/identification-document.schema.json. Source: law.md O-20, O-21, O-25.
"""

import json
from base64 import b64encode
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from verification.core.canonical import canonical_json, digest
from verification.core.document_facts import Ending, Facts, Judged
from verification.core.errors import BadInput
from verification.core.registry_answers import parse_photo

TYPE: Final = "tulga.identification"
VERSION: Final = 1
# What a check of a comparison with the reference is called, by every route: `face.match`.
_COMPARISON: Final = ".match"
_ZONES: Final = {"pass": "match", "inconclusive": "review", "fail": "mismatch"}


def kind_of(stage: str) -> str:
    """Under which kind the document of an attempt at this stage is kept."""
    return f"{stage}.document"


def is_due(kinds: Collection[str], *, stage: str) -> bool:
    """Whether an attempt with this evidence needs a document: commands for a live face were drawn for it."""
    return f"{stage}.order" in kinds


def build(facts: Facts) -> bytes:
    """The canonical bytes that are signed. Evidence that cannot be read is left out: an ending never waits for it."""
    terms = _object(facts, "terms")
    iin = facts.case.person.iin.value
    return canonical_json(
        {
            **_heading(facts),
            "attempt": _attempt(facts),
            "passed_before": [{"route": route, "stage": stage, "at": _moment(at)} for route, stage, at in facts.passed],
            "result": _result(facts.ending),
            "policy": _policy(terms),
            "live_image": _live_image(facts, terms),
            "identification_data": {"at": _moment(facts.identified_at), "iin": iin, "source": "LENDER"},
            "reference": _reference(facts, terms),
            "comparison": _comparison(facts, terms),
            "unreadable": sorted(facts.unreadable),
        }
    )


def _heading(facts: Facts) -> dict[str, Any]:
    return {
        "type": TYPE,
        "version": VERSION,
        "issuer": facts.issuer,
        "mode": facts.case.mode,
        "verification": facts.case.verification_id,
        "client_reference": facts.client_reference,
        "lender": {"name": facts.case.lender.name, "bin": facts.case.lender.bin},
        "profile": {"id": facts.profile_id, "sha256": facts.profile_sha256},
    }


def _attempt(facts: Facts) -> dict[str, Any]:
    attempt = facts.attempt
    place = {"id": attempt.id, "number": attempt.number, "route": attempt.route, "stage": attempt.stage}
    return {**place, "opened_at": _moment(attempt.opened_at), "burnt": attempt.burnt}


def _result(ending: Ending) -> dict[str, Any]:
    votes = [{"person": vote.person, "passes": vote.passes, "at": _moment(vote.at)} for vote in ending.votes]
    said = {"outcome": ending.outcome, "code": ending.code or None, "decided_by": ending.decided_by}
    return {**said, "at": _moment(ending.at), "votes": votes}


def _policy(terms: Mapping[str, Any]) -> dict[str, Any] | None:
    """The numbers it was judged by, all of which stand in the terms that were kept: their version and hash."""
    numbers = terms.get("policy")
    return {"version": numbers.get("version"), "sha256": digest(numbers)} if isinstance(numbers, dict) else None


def _live_image(facts: Facts, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Stage 1: what was asked, what came for it and when, and what each gate said. `at`: the last frames' arrival."""
    ordered = _ordered(facts)
    commands = [said for number, command in enumerate(ordered) if (said := _command(facts, number, command))]
    gates = [_judged(check) for check in facts.checks if not check.name.endswith(_COMPARISON)]
    return {
        "at": commands[-1]["received_at"] if commands else None,
        "judged_at": _told(terms.get("at")),
        "ordered": ordered,
        "commands": commands,
        "face": _face(facts, commands),
        "gates": gates,
    }


def _ordered(facts: Facts) -> list[str]:
    ordered = _object(facts, "order").get("order")
    return [str(command) for command in ordered] if isinstance(ordered, list) else []


def _command(facts: Facts, number: int, command: str) -> dict[str, Any] | None:
    told = _object(facts, f"{number}.facts")
    sent = told.get("sent")
    if not isinstance(sent, list):
        return None
    frames = []
    for seq in sent:
        jpeg = facts.evidence.get(f"{facts.attempt.stage}.{number}.frame.{seq}")
        if jpeg is not None:
            content = b64encode(jpeg).decode()
            frames.append({"name": f"{number}.{seq}", "sha256": sha256(jpeg).hexdigest(), "jpeg": content})
    shown, received = _told(told.get("revealed")), _told(told.get("arrived"))
    return {"command": command, "shown_at": shown, "received_at": received, "frames": frames}


def _face(facts: Facts, commands: list[dict[str, Any]]) -> str | None:
    """The frame that stands for the face, of the first command, which is to look straight ahead.

    It is the best of those that were compared with the reference; where none was, the middle one.
    """
    frames = commands[0]["frames"] if commands else []
    detail = found.detail if (found := _matched(facts)) else {}
    best = str(detail.get("rest_frames", "")).partition(",")[0]
    # A place counts while all frames are there.
    is_known = not facts.unreadable and best.isdecimal() and int(best) < len(frames)
    name: str | None = frames[int(best) if is_known else len(frames) // 2]["name"] if frames else None
    return name


def _reference(facts: Facts, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Stage 3: where the sample came from, when, and its hash; `status` is `none` where no register was asked."""
    nothing = {"at": None, "source": None, "taken_on": None, "sha256": None, "request_id": None}
    kind = f"{facts.attempt.stage}.photo"
    if (content := facts.evidence.get(kind)) is None:
        return {**nothing, "status": "none"}
    # What was fetched for a judgement is kept after it, so the time of the judgement is nearer to the answer's.
    known = [_moment(facts.kept_at[kind]), *([judged] if (judged := _told(terms.get("at"))) else [])]
    try:
        answer = parse_photo(content)
    except BadInput:
        return {**nothing, "at": min(known), "status": "unreadable"}
    said = {**nothing, "at": min(known), "status": answer.status, "request_id": answer.request_id}
    if answer.status != "found":
        return said
    taken_on = answer.taken_on.isoformat() if answer.taken_on else None
    return {**said, "source": answer.source, "taken_on": taken_on, "sha256": sha256(answer.jpeg).hexdigest()}


def _comparison(facts: Facts, terms: Mapping[str, Any]) -> dict[str, Any] | None:
    """Stage 4: distance, zone, threshold, and by its `detail` the model and calibration. None if it never came to it.

    The zone is `none` where there was nothing to compare: no face in the capture, or no sample.
    """
    found = _matched(facts)
    if found is None:
        return None
    zone = _ZONES[found.outcome] if found.score is not None else "none"
    return {"at": _told(terms.get("at")), "zone": zone, **_judged(found)}


def _matched(facts: Facts) -> Judged | None:
    return next((check for check in facts.checks if check.name.endswith(_COMPARISON)), None)


def _judged(check: Judged) -> dict[str, Any]:
    return {
        "name": check.name,
        "outcome": check.outcome,
        "code": check.code or None,
        "score": _number(check.score),
        "threshold": _number(check.threshold),
        "detail": {name: str(value) for name, value in check.detail.items()},
    }


def _number(value: float | None) -> str | None:
    """A measured number as the shortest decimal that reads back as the same one."""
    return None if value is None else repr(float(value))


def _object(facts: Facts, name: str) -> Mapping[str, Any]:
    """A JSON object of the attempt's stage; empty where there is none that can be read."""
    content = facts.evidence.get(f"{facts.attempt.stage}.{name}", b"")
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _told(stated: object) -> str | None:
    """A time that evidence states, in our spelling; None for what is no time."""
    try:
        return _moment(datetime.fromisoformat(str(stated)))
    except ValueError:
        return None


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
