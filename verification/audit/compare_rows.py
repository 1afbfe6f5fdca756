"""Does every row about a verification say what its entries say, and has every row its entry?

Only what a body names is compared: the bytes of a body are signed, so nobody can take a name out of it unseen.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from verification.audit import policy
from verification.audit.held_rows import Held
from verification.core.events import DECISIONS, DESTROYED, KEEPING
from verification.core.findings import Finding
from verification.core.route import is_frame
from verification.models import AuditEntry

# What an attempt may be that no entry closed; void are those the verification went on without.
_UNCLOSED: Final = frozenset({"open", "judging", "void"})

Pair = tuple[str, Any, Any]
"""A field, what the entry says and what the row holds."""
Said = tuple[AuditEntry, Any, str, list[Pair] | None]
"""An entry, the key and the name of the row it speaks of, and what it says of it; None where there is no such row."""


def compare(log: str, held: Held) -> Iterator[Finding]:
    """Everything that the rows of one verification and its entries say differently."""
    row, said = held.verification, list[Said]()
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
        said.append((entry, row.pk, f"verification {row.pk}", pairs))
    yield from _reconcile(log, held, said, {})
    handed_over = max((entry.at for entry in held.entries if entry.type == "verification.handed_over"), default=None)
    if handed_over != row.handed_over_at:
        detail = f"the time of the last hand-over of verification {row.pk} is not that of its entry"
        yield Finding(code="row_differs", log=log, field="handed_over_at", detail=detail)
    # The row counts its entries, so it knows of a newest one that was taken away before it was ordered.
    last = max((entry.verification_sequence or 0 for entry in held.entries), default=0)
    detail = f"verification {row.pk} counted {row.sequence} entries, the last one there is number {last}"
    if row.sequence > last:
        yield Finding(code="entry_lost", log=log, field="sequence", detail=f"{detail}: the newest are missing")
    elif row.sequence < last and any(held.said("verification.created", naming="profile")):
        yield Finding(code="row_differs", log=log, field="sequence", detail=f"{detail}: the count was turned back")
    yield from _compare_openings(log, held)
    yield from _compare_closings(log, held)
    yield from _compare_votes(log, held)
    yield from _compare_evidence(log, held)
    yield from _compare_destroyed(log, held)


def _compare_openings(log: str, held: Held) -> Iterator[Finding]:
    said: list[Said] = []
    for entry, body in held.said("attempt.opened", naming="attempt"):
        name, pairs = str(body["attempt"]), None
        if attempt := held.attempts.get(name):
            # PostgreSQL hands out a memoryview, SQLite bytes.
            indexes = (held.verification.borrower_index, attempt.borrower_index)
            of_borrower, of_attempt = (None if index is None else bytes(index) for index in indexes)
            pairs = [
                ("route", body.get("route"), attempt.route),
                ("stage", body.get("stage"), attempt.stage),
                ("at", entry.at, attempt.opened_at),
                ("log", entry.log, attempt.mode),
                ("lender", entry.lender_id, attempt.lender_id),
                # Attempts are counted by this column over all verifications of a borrower.
                ("borrower_index", of_borrower, of_attempt),
            ]
        said.append((entry, name, f"attempt {name}", pairs))
    return _reconcile(log, held, said, {name: f"attempt {name}" for name in held.attempts})


def _compare_closings(log: str, held: Held) -> Iterator[Finding]:
    closings = held.said("attempt.judged", "attempt.lapsed", "attempt.reviewed", naming="attempt")
    # What was left to reviewers is closed twice; the row is what the last entry says.
    closed: dict[str, tuple[AuditEntry, dict[str, Any]]] = {}
    for entry, body in closings:
        name = str(body["attempt"])
        was_open = closed[name][1].get("outcome") == "review" if name in closed else entry.type != "attempt.reviewed"
        if not was_open:
            detail = f"attempt {name} had been decided before this entry, or was never left to people"
            yield Finding(code="row_differs", log=log, entry=entry.pk, field="status", detail=detail)
        if entry.type == "attempt.reviewed" and not _is_voted(held, entry, body):
            detail = f"fewer people than it takes had voted so on attempt {name} before this entry"
            yield Finding(code="row_differs", log=log, entry=entry.pk, field="votes", detail=detail)
        closed[name] = (entry, body)
    facts = {item.attempt_id: item.commitment for item in held.items if item.kind.endswith(".terms")}
    said: list[Said] = []
    for name, (entry, body) in closed.items():
        pairs: list[Pair] | None = None
        if attempt := held.attempts.get(name):
            pairs = [
                ("status", "lapsed" if entry.type == "attempt.lapsed" else body.get("outcome"), attempt.status),
                ("code", body.get("code"), attempt.code),
                ("burnt", body.get("burnt"), attempt.burnt),
                ("at", entry.at, attempt.closed_at),
            ]
            own = {"route": attempt.route, "stage": attempt.stage, "facts": facts.get(name)}
            pairs += [(field, body[field], holds) for field, holds in own.items() if field in body]
        said.append((entry, name, f"attempt {name}", pairs))
    yield from _reconcile(log, held, said, {})
    for name in sorted(held.attempts.keys() - closed.keys()):
        attempt = held.attempts[name]
        if attempt.status not in _UNCLOSED or attempt.burnt or attempt.code:
            what = f"attempt {name} stands as {attempt.status}{', burnt' if attempt.burnt else ''}"
            detail = f"{what}, but the log closed it never"
            yield Finding(code="row_unsaid", log=log, field="status", detail=detail)


def _is_voted(held: Held, entry: AuditEntry, body: Mapping[str, Any]) -> bool:
    """Whether enough people had voted for what became of an attempt, before it did."""
    so = {
        str(vote.get("person"))
        for voted, vote in held.said("review.voted", naming="attempt")
        if (vote["attempt"], vote.get("outcome")) == (body["attempt"], body.get("outcome"))
        and (voted.verification_sequence or 0) < (entry.verification_sequence or 0)
    }
    return len(so) >= (policy.VOTES_TO_PASS if body.get("outcome") == "passed" else 1)


def _compare_votes(log: str, held: Held) -> Iterator[Finding]:
    """A vote that nobody gave would let one person pass a case alone."""
    votes = {(vote.attempt_id, vote.person): vote for vote in held.votes}
    said: list[Said] = []
    for entry, body in held.said("review.voted", naming="attempt"):
        place, pairs = (str(body["attempt"]), str(body.get("person"))), None
        if vote := votes.get(place):
            pairs = [("outcome", body.get("outcome") == "passed", vote.passes), ("at", entry.at, vote.created_at)]
        said.append((entry, place, f"vote of {place[1]} on attempt {place[0]}", pairs))
    rows = {(attempt, person): f"vote of {person} on attempt {attempt}" for attempt, person in votes}
    return _reconcile(log, held, said, rows)


def _compare_evidence(log: str, held: Held) -> Iterator[Finding]:
    """What is sealed for this verification alone (`id`), then what is shared (`sha256`)."""
    items, sealed = {item.pk: item for item in held.items}, list[Said]()
    used, shared = {(use.attempt_id, use.kind): use.evidence_id for use in held.uses}, list[Said]()
    said = held.said(*KEEPING, naming="attempt")
    lists = ((entry, str(body["attempt"]), body.get("evidence")) for entry, body in said)
    claims = (
        (entry, attempt, claim)
        for entry, attempt, listed in lists
        if isinstance(listed, list)
        for claim in listed
        if isinstance(claim, dict)
    )
    for entry, attempt, claim in claims:
        if "id" in claim:
            name, pairs = f"evidence {claim['id']}", None
            if item := items.get(str(claim["id"])):
                pairs = [("attempt", attempt, item.attempt_id), ("kind", claim.get("kind"), item.kind)]
            name = name if pairs else f"{name} of verification {held.verification.pk}"
            sealed.append((entry, str(claim["id"]), name, pairs))
        if "sha256" in claim:
            place = (attempt, str(claim.get("kind")))
            same = [("sha256", claim["sha256"], used[place])] if place in used else None
            shared.append((entry, place, f"shared evidence {place[1]} of attempt {attempt}", same))
    # What belongs to no attempt is judged by nothing.
    judged = {pk: item for pk, item in items.items() if item.attempt_id is not None}
    rows = {pk: f"evidence {pk} ({item.kind}) of attempt {item.attempt_id}" for pk, item in judged.items()}
    yield from _reconcile(log, held, sealed, rows)
    uses = {(attempt, kind): f"shared evidence {kind} of attempt {attempt}" for attempt, kind in used}
    yield from _reconcile(log, held, shared, uses)


def _compare_destroyed(log: str, held: Held) -> Iterator[Finding]:
    """Whether all that counts as destroyed was destroyed by an entry, when that says: else somebody wanted it gone.

    And whether such an entry was lawful: of frames alone, long enough after the end, and of nothing that is held.
    """
    items, said = {item.pk: item for item in held.items}, list[Said]()
    for entry, body in held.said(DESTROYED, naming="attempt"):
        listed = body.get("destroyed")
        if unlawful := _unlawful(held, entry, listed, kinds={pk: item.kind for pk, item in items.items()}):
            yield Finding(code="row_differs", log=log, entry=entry.pk, field="destroyed", detail=unlawful)
        for pk in map(str, listed if isinstance(listed, list) else ()):
            name, pairs = f"evidence {pk}", None
            if item := items.get(pk):
                pairs = [("attempt", body["attempt"], item.attempt_id), ("destroyed_at", entry.at, item.destroyed_at)]
            said.append((entry, pk, name if pairs else f"{name} of verification {held.verification.pk}", pairs))
    gone = {pk: item for pk, item in items.items() if item.destroyed_at is not None}
    rows = {pk: f"destroyed evidence {pk} ({item.kind}) of attempt {item.attempt_id}" for pk, item in gone.items()}
    yield from _reconcile(log, held, said, rows)


def _unlawful(held: Held, entry: AuditEntry, listed: Any, *, kinds: Mapping[str, str]) -> str:
    """Why what an entry destroyed had to stay, by the log alone; nothing if it had not."""
    end, body = next(iter(held.said(*DECISIONS, naming="profile")), (None, {}))
    if end is None or entry.at < end.at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS):
        return "frames were destroyed before they might be"
    codes = {check["code"] for _, judged in held.said("attempt.judged", naming="checks") for check in judged["checks"]}
    is_held = bool(codes & policy.FRAMES_HELD_FOR) or body.get("code") in policy.FRAMES_HELD_ENDINGS
    disputed = any(one.type == "verification.disputed" and one.at <= entry.at for one in held.entries)
    if disputed or (end.type == "verification.declined" and is_held):
        return "frames were destroyed that are held"
    others = [pk for pk in map(str, listed if isinstance(listed, list) else ()) if not is_frame(kinds.get(pk, ""))]
    return f"{others[0]} was destroyed, which is no frame" if others else ""


def _reconcile(log: str, held: Held, said: Sequence[Said], rows: Mapping[Any, str]) -> Iterator[Finding]:
    """What each entry says against the row it speaks of; then the rows, by key and name, of which no entry speaks."""
    for entry, _, name, pairs in said:
        if pairs is None:
            detail = f"the {name} that this entry speaks of is not there any more"
            yield Finding(code="row_missing", log=log, entry=entry.pk, detail=detail)
        for field, says, holds in pairs or ():
            if says != holds:
                detail = f"the {field} of {name} is not what this entry says"
                yield Finding(code="row_differs", log=log, entry=entry.pk, field=field, detail=detail)
    for key in sorted(rows.keys() - {key for _, key, _, _ in said}):
        detail = f"verification {held.verification.pk} holds the {rows[key]}, of which no entry speaks"
        yield Finding(code="row_unsaid", log=log, detail=detail)
