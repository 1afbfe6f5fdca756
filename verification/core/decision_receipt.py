"""The receipt of a decision, before signature: outcome, subject, law and evidence. Pure.

Commitments replace personal data: HMAC-SHA256(salt, bytes). The salts go to the lender apart.
So a receipt can be kept and shown without limit.
`artifacts/making.py` gathers the `Facts`.
Source: docs/lender/verify-offline.md.
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
"""Fields that a receipt commits to; the openings carry their salts."""

Entry = tuple[str, datetime, Mapping[str, Any]]
"""Type, time and body of a log entry."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Content of a receipt.

    issuer: the address of the installation.
    routes: the routes that passed. route: the current route.
    entries: the attempts' entries, in order.
    renews: the verification whose consent this one renews; empty if none.
    commitments: by each of `COMMITTED`; None if the case is unreadable.
    statement_sha256: None without a readable statement.
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
    """Each attempt from its entries: outcome, checks and kept evidence.

    outcome: null while the attempt is open.
    evidence: by kind, a commitment, or a SHA-256 for evidence about no person.
    frames: the number of pictures, and the SHA-256 of the canonical sorted list of [kind,
    commitment].
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
