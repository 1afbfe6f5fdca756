"""The receipt of a decision: what was decided about whom, by which law and on what evidence, to be
signed. Pure.

It names people by commitments alone, HMAC-SHA256(salt, bytes), so it may be kept for ever and shown
to anybody: the salts go to the lender beside it. It is made from `Facts`, which
`artifacts/making.py` gathers.
Source: api.md §1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from verification.core.keeping import claims
from verification.core.route import is_frame
from verification.core.stored import canonical_json, digest, moment

TYPE: Final = "tulga.receipt"
VERSION: Final = 1
COMMITTED: Final = ("iin", "payout_account")
"""What a receipt commits to: of which text stands in `commitments`, and its salt in the
openings.
"""

Entry = tuple[str, datetime, Mapping[str, Any]]
"""Type, time and body of a log entry."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a receipt says.

    issuer: the address of the installation. routes: which had passed; route: where it stood.
    entries: of its attempts, in order. renews: whose consent it is about, asked for anew; empty for
    none. commitments: by each of `COMMITTED`; None where the case cannot be read. statement_sha256:
    None where none was made, or it cannot be read.
    """

    issuer: str
    mode: str
    verification: str
    lender: str
    profile_id: str
    profile_sha256: str
    routes: tuple[str, ...]
    route: str
    renews: str
    status: str
    code: str
    decided_at: datetime
    entries: tuple[Entry, ...]
    commitments: Mapping[str, str] | None
    statement_sha256: str | None


def build(facts: Facts) -> bytes:
    """The canonical bytes that are signed."""
    attempts = _attempts(facts.entries)
    return canonical_json(
        {
            "type": TYPE,
            "version": VERSION,
            "issuer": facts.issuer,
            "mode": facts.mode,
            "verification": facts.verification,
            "lender": facts.lender,
            "profile": {"id": facts.profile_id, "sha256": facts.profile_sha256},
            "status": facts.status,
            "code": facts.code or None,
            "decided_at": moment(facts.decided_at),
            "routes": list(facts.routes),
            "route": facts.route or None,
            "renews": facts.renews or None,
            "releases": sorted({attempt["release"] for attempt in attempts}),
            "attempts": attempts,
            "commitments": dict(facts.commitments) if facts.commitments is not None else None,
            "statement_sha256": facts.statement_sha256,
        }
    )


def _attempts(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Each attempt as its entries tell it: how it ended, by which checks, and what was kept of it.

    outcome: null while it stood open. evidence: commitment or, of what is about nobody, SHA-256 by
    kind. frames: how many pictures came, and the SHA-256 of the canonical list of their [kind,
    commitment], sorted.
    """
    by_attempt: dict[str, dict[str, Any]] = {}
    frames: dict[str, list[list[str]]] = {}
    for entry_type, at, body in entries:
        name = str(body.get("attempt"))
        if entry_type == "attempt.opened":
            place = {
                "attempt": name,
                "route": body["route"],
                "stage": body["stage"],
                "release": body["release"],
            }
            ending = {"outcome": None, "code": None, "decided_by": None, "at": None}
            by_attempt[name] = {
                **place,
                "opened_at": moment(at),
                **ending,
                "checks": [],
                "evidence": {},
                "frames": None,
            }
        if (attempt := by_attempt.get(name)) is None:
            continue
        for claim in claims(body):
            if is_frame(claim.kind):
                frames.setdefault(name, []).append([claim.kind, claim.digest])
            else:
                attempt["evidence"][claim.kind] = claim.digest
        if entry_type in _DECIDED_BY:
            ending_fields = {
                "outcome": body.get("outcome", "lapsed"),
                "code": body["code"] or None,
                "at": moment(at),
            }
            attempt |= {**ending_fields, "decided_by": _DECIDED_BY[entry_type]}
        if entry_type == "attempt.judged":
            attempt |= {
                "release": body["release"],
                "checks": [{**check, "code": check["code"] or None} for check in body["checks"]],
            }
    for name, attempt_frames in frames.items():
        by_attempt[name]["frames"] = {
            "number": len(attempt_frames),
            "sha256": digest(sorted(attempt_frames)),
        }
    return list(by_attempt.values())


_DECIDED_BY: Final = {
    "attempt.judged": "checks",
    "attempt.reviewed": "people",
    "attempt.lapsed": "nobody",
}
