"""Does every row about a verification say what its entries say, and has every row its entry?

Only what a body names is compared: the bytes of a body are signed, so nobody can take a name out of it unseen.
"""

from collections.abc import Iterator
from typing import Any, Final

from verification.audit.held_rows import Held
from verification.core.events import DECISIONS
from verification.core.findings import Finding
from verification.models import AuditEntry

_UNCLOSED: Final = frozenset({"open", "judging", "void"})
"""What an attempt may be that no entry closed; void are those the verification went on without."""

Pair = tuple[str, Any, Any]
"""A field, what the entry says and what the row holds."""


def compare(log: str, held: Held) -> Iterator[Finding]:
    """Everything that the rows of one verification and its entries say differently."""
    yield from _compare_verification(log, held)
    yield from _compare_sequence(log, held)
    yield from _compare_openings(log, held)
    yield from _compare_closings(log, held)
    yield from _compare_checks(log, held)
    yield from _compare_votes(log, held)
    yield from _compare_sealed(log, held)
    yield from _compare_shared(log, held)


def _compare_verification(log: str, held: Held) -> Iterator[Finding]:
    row = held.verification
    for entry, body in held.said("verification.created", *DECISIONS, naming="profile"):
        pairs: list[Pair] = [
            ("profile", body["profile"], row.profile_id),
            ("profile_sha256", body.get("profile_sha256"), row.profile_sha256),
            ("log", entry.log, row.mode),
            ("lender", entry.lender_id, row.lender_id),
        ]
        if entry.type in DECISIONS:
            pairs += [("code", body.get("code"), row.code), ("at", entry.at, row.finished_at)]
        else:
            pairs += [("at", entry.at, row.created_at)]
        if "routes" in body:
            pairs += [("routes", body["routes"], row.passed_routes)]
        yield from _differing(log, entry, f"verification {row.pk}", pairs)


def _compare_sequence(log: str, held: Held) -> Iterator[Finding]:
    """The row counts its entries, so it knows of a newest one that was taken away before it was ordered."""
    counted = held.verification.sequence
    last = max((entry.verification_sequence or 0 for entry in held.entries), default=0)
    detail = f"verification {held.verification.pk} counted {counted} entries, the last one there is number {last}"
    if counted > last:
        yield Finding(code="entry_lost", log=log, field="sequence", detail=f"{detail}: the newest are missing")
    elif counted < last and any(held.said("verification.created", naming="profile")):
        yield Finding(code="row_differs", log=log, field="sequence", detail=f"{detail}: the count was turned back")


def _compare_openings(log: str, held: Held) -> Iterator[Finding]:
    opened = set()
    for entry, body in held.said("attempt.opened", naming="attempt"):
        name = str(body["attempt"])
        opened.add(name)
        attempt = held.attempts.get(name)
        if attempt is None:
            yield _missing(log, entry, f"attempt {name}")
            continue
        pairs = [
            ("route", body.get("route"), attempt.route),
            ("stage", body.get("stage"), attempt.stage),
            ("at", entry.at, attempt.opened_at),
            ("log", entry.log, attempt.mode),
            ("lender", entry.lender_id, attempt.lender_id),
            # Attempts are counted by this column over all verifications of a borrower.
            ("borrower_index", _bytes(held.verification.borrower_index), _bytes(attempt.borrower_index)),
        ]
        yield from _differing(log, entry, f"attempt {name}", pairs)
    for name in sorted(held.attempts.keys() - opened):
        yield _unsaid(log, held, f"attempt {name}")


def _compare_closings(log: str, held: Held) -> Iterator[Finding]:
    said = held.said("attempt.judged", "attempt.lapsed", "attempt.reviewed", naming="attempt")
    # What was left to reviewers is closed twice; the row is what the last entry says.
    closed = {str(body["attempt"]): (entry, body) for entry, body in said}
    for name, (entry, body) in closed.items():
        attempt = held.attempts.get(name)
        if attempt is None:
            yield _missing(log, entry, f"attempt {name}")
            continue
        pairs = [
            ("status", "lapsed" if entry.type == "attempt.lapsed" else body.get("outcome"), attempt.status),
            ("code", body.get("code"), attempt.code),
            ("burnt", body.get("burnt"), attempt.burnt),
            ("at", entry.at, attempt.closed_at),
        ]
        yield from _differing(log, entry, f"attempt {name}", pairs)
    for name in sorted(held.attempts.keys() - closed.keys()):
        attempt = held.attempts[name]
        if attempt.status not in _UNCLOSED or attempt.burnt or attempt.code:
            what = f"attempt {name} stands as {attempt.status}{', burnt' if attempt.burnt else ''}"
            detail = f"{what}, but the log closed it never"
            yield Finding(code="row_unsaid", log=log, field="status", detail=detail)


def _compare_checks(log: str, held: Held) -> Iterator[Finding]:
    records = {(record.attempt_id, record.name): record for record in held.checks}
    recorded = set()
    for entry, body in held.said("check.recorded", naming="attempt"):
        place = (str(body["attempt"]), str(body.get("check")))
        recorded.add(place)
        record, attempt = records.get(place), held.attempts.get(place[0])
        if record is None:
            yield _missing(log, entry, f"record of check {place[1]} in attempt {place[0]}")
            continue
        pairs = [
            ("outcome", body.get("outcome"), record.outcome),
            ("code", body.get("code"), record.code),
            ("route", body.get("route"), attempt.route if attempt else None),
            ("at", entry.at, record.created_at),
        ]
        yield from _differing(log, entry, f"check {place[1]} in attempt {place[0]}", pairs)
    for name, check in sorted(records.keys() - recorded):
        yield _unsaid(log, held, f"record {records[name, check].pk} of check {check} in attempt {name}")


def _compare_votes(log: str, held: Held) -> Iterator[Finding]:
    """A vote that nobody gave would let one person pass a case alone."""
    votes = {(vote.attempt_id, vote.person): vote for vote in held.votes}
    given = set()
    for entry, body in held.said("review.voted", naming="attempt"):
        place = (str(body["attempt"]), str(body.get("person")))
        given.add(place)
        vote = votes.get(place)
        if vote is None:
            yield _missing(log, entry, f"vote of {place[1]} on attempt {place[0]}")
            continue
        pairs: list[Pair] = [
            ("outcome", body.get("outcome") == "passed", vote.passes),
            ("at", entry.at, vote.created_at),
        ]
        yield from _differing(log, entry, f"vote of {place[1]} on attempt {place[0]}", pairs)
    for attempt, person in sorted(votes.keys() - given):
        yield _unsaid(log, held, f"vote of {person} on attempt {attempt}")


def _compare_sealed(log: str, held: Held) -> Iterator[Finding]:
    items = {item.pk: item for item in held.items}
    kept = set()
    for entry, attempt, claim in _claims(held, naming="id"):
        name = str(claim["id"])
        kept.add(name)
        if name not in items:
            yield _missing(log, entry, f"evidence {name} of verification {held.verification.pk}")
            continue
        pairs = [("attempt", attempt, items[name].attempt_id), ("kind", claim.get("kind"), items[name].kind)]
        yield from _differing(log, entry, f"evidence {name}", pairs)
    for name in sorted(items.keys() - kept):
        # What belongs to no attempt is judged by nothing.
        if items[name].attempt_id is not None:
            yield _unsaid(log, held, f"evidence {name} ({items[name].kind}) of attempt {items[name].attempt_id}")


def _compare_shared(log: str, held: Held) -> Iterator[Finding]:
    used = {(use.attempt_id, use.kind): use.evidence_id for use in held.uses}
    kept = set()
    for entry, attempt, claim in _claims(held, naming="sha256"):
        place = (attempt, str(claim.get("kind")))
        kept.add(place)
        if place not in used:
            yield _missing(log, entry, f"shared evidence {place[1]} of attempt {attempt}")
            continue
        pairs = [("sha256", claim["sha256"], used[place])]
        yield from _differing(log, entry, f"shared evidence {place[1]} of attempt {attempt}", pairs)
    for attempt, kind in sorted(used.keys() - kept):
        yield _unsaid(log, held, f"shared evidence {kind} of attempt {attempt}")


def _claims(held: Held, *, naming: str) -> Iterator[tuple[AuditEntry, str, dict[str, Any]]]:
    for entry, body in held.said("evidence.kept", naming="attempt"):
        listed = body.get("evidence")
        for claim in listed if isinstance(listed, list) else ():
            if isinstance(claim, dict) and naming in claim:
                yield entry, str(body["attempt"]), claim


def _differing(log: str, entry: AuditEntry, row: str, pairs: list[Pair]) -> Iterator[Finding]:
    for name, said, holds in pairs:
        if said != holds:
            detail = f"the {name} of {row} is not what this entry says"
            yield Finding(code="row_differs", log=log, entry=entry.pk, field=name, detail=detail)


def _missing(log: str, entry: AuditEntry, row: str) -> Finding:
    detail = f"the {row} that this entry speaks of is not there any more"
    return Finding(code="row_missing", log=log, entry=entry.pk, detail=detail)


def _unsaid(log: str, held: Held, row: str) -> Finding:
    detail = f"verification {held.verification.pk} holds the {row}, of which no entry speaks"
    return Finding(code="row_unsaid", log=log, detail=detail)


def _bytes(value: Any) -> bytes | None:
    # PostgreSQL hands out a memoryview, SQLite bytes.
    return None if value is None else bytes(value)
