"""Do the attempts of a verification, and the votes on them, stand as its entries say?"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from verification.audit.held_rows import Held, Pair, Said, advanced_since, differs, earlier, named, reconcile, spelled
from verification.core.events import DECISIONS
from verification.core.findings import Finding
from verification.course import policy
from verification.models import AuditEntry

# What an attempt may be that no entry closed; void are those the verification went on without.
_UNCLOSED: Final = frozenset({"open", "judging", "void"})
_DIALOGUE: Final = ("attempt.opened", "attempt.answered", "attempt.looked_at", "evidence.kept")
_AROUND: Final = ("route.chosen", *DECISIONS)
"""What leaves an attempt behind that was alive: another route, or the end."""


def compare_attempts(log: str, held: Held) -> Iterator[Finding]:
    """Everything that attempts and votes and their entries say differently."""
    # 1 how each was opened
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
            pairs += named(body, counted=attempt.counted)
        said.append((entry, name, f"attempt {name}", pairs))
    yield from reconcile(log, held, said, {name: f"attempt {name}" for name in held.attempts})
    # 2 how far it came and how it ended
    yield from _compare_dialogues(log, held)
    yield from _compare_closings(log, held)
    # 3 the votes on it: one that nobody gave would let one person pass a case alone
    votes, voted = {(vote.attempt_id, vote.person): vote for vote in held.votes}, list[Said]()
    for entry, body in held.said("review.voted", naming="attempt"):
        place, pairs = (str(body["attempt"]), str(body.get("person"))), None
        if vote := votes.get(place):
            pairs = [("outcome", body.get("outcome") == "passed", vote.passes), ("at", entry.at, vote.created_at)]
        voted.append((entry, place, f"vote of {place[1]} on attempt {place[0]}", pairs))
    rows = {(attempt_id, person): f"vote of {person} on attempt {attempt_id}" for attempt_id, person in votes}
    yield from reconcile(log, held, voted, rows)


def _compare_dialogues(log: str, held: Held) -> Iterator[Finding]:
    """How far each has come: its turn, its answers, its time, and who moves next while it is alive."""
    last: dict[str, tuple[AuditEntry, dict[str, Any]]] = {}
    for entry in held.entries:
        body = entry.body
        if entry.type not in _DIALOGUE or not isinstance(body, dict) or "attempt" not in body:
            continue
        name, following = str(body["attempt"]), body.get("next")
        if entry.type != "attempt.opened" and name not in last:
            continue
        # Where it stands after one more entry.
        led = dict(last[name][1]) if name in last else {}
        if "expires_at" in body:
            led["expires_at"] = earlier(str(body["expires_at"]), advanced_since(entry, held.advances))
        if entry.type == "attempt.opened":
            led |= {"turn": body.get("turn"), "answers": 0}
        elif entry.type == "evidence.kept":
            # What a preparation leaves says until when it may be answered.
            led |= {"status": "open"} if "expires_at" in body else {}
        else:
            if entry.type == "attempt.answered":
                led["turn"] = int(body["turn"]) + (following != "part")
                led["answers"] += bool(body.get("evidence")) and following not in ("prepare", "part")
            led["status"] = "open" if following in ("ask", "part") else "judging"
        last[name] = (entry, led)
    said: list[Said] = []
    for name, (entry, led) in last.items():
        if (attempt := held.attempts.get(name)) is not None and "expires_at" in led:
            now = {"turn": attempt.turn, "answers": attempt.answers, "expires_at": spelled(attempt.expires_at)}
            said.append((entry, name, f"attempt {name}", named(led, **now)))
            if attempt.status in ("open", "judging") and attempt.status != led.get("status", attempt.status):
                detail = f"attempt {name} stands as {attempt.status}, its entries lead to {led['status']}"
                yield differs(log, held, "status", detail, entry=entry.pk)
    yield from reconcile(log, held, said, {})


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
        if entry.type == "attempt.reviewed":
            so = {
                str(vote.get("person"))
                for voted, vote in held.said("review.voted", naming="attempt")
                if (vote["attempt"], vote.get("outcome")) == (body["attempt"], body.get("outcome"))
                and (voted.verification_sequence or 0) < (entry.verification_sequence or 0)
            }
            if len(so) < (policy.VOTES_TO_PASS if body.get("outcome") == "passed" else 1):
                detail = f"fewer people than it takes had voted so on attempt {name} before this entry"
                yield Finding(code="row_differs", log=log, entry=entry.pk, field="votes", detail=detail)
        closed[name] = (entry, body)
    said: list[Said] = []
    for name, (entry, body) in closed.items():
        pairs: list[Pair] | None = None
        if attempt := held.attempts.get(name):
            pairs = [
                ("status", "lapsed" if entry.type == "attempt.lapsed" else body.get("outcome"), attempt.status),
                ("code", body.get("code"), attempt.code),
                ("burnt", body.get("burnt"), attempt.burnt),
                ("at", entry.at, attempt.closed_at),
                *named(body, route=attempt.route, stage=attempt.stage),
            ]
        said.append((entry, name, f"attempt {name}", pairs))
    yield from reconcile(log, held, said, {})
    yield from _compare_unclosed(log, held, sorted(held.attempts.keys() - closed.keys()))


def _compare_unclosed(log: str, held: Held, names: Iterable[str]) -> Iterator[Finding]:
    """Of attempts that no entry closed: they are alive in a verification that is, or were left behind by an entry."""
    left = {entry.at for entry in held.entries if entry.type in _AROUND}
    for attempt in (held.attempts[name] for name in names):
        asked = [at.at for at, body in held.said("route.chosen", naming="leaves") if body["leaves"] == attempt.pk]
        is_left = attempt.closed_at in left or (
            asked and attempt.closed_at is not None and attempt.closed_at >= asked[0]
        )
        is_alive, wrong = attempt.status in ("open", "judging"), ""
        if attempt.status == "void" and not is_left:
            wrong = "was left behind when nothing in the log leaves it behind"
        elif is_alive and attempt.closed_at is not None:
            wrong = "is alive and has an end"
        elif is_alive and any(held.said(*DECISIONS, naming="profile")):
            wrong = "is alive in a verification that has ended"
        if wrong:
            yield differs(log, held, "closed_at", f"attempt {attempt.pk} {wrong}")
        if attempt.status not in _UNCLOSED or attempt.burnt or attempt.code:
            what = f"attempt {attempt.pk} stands as {attempt.status}{', burnt' if attempt.burnt else ''}"
            detail = f"{what}, but the log closed it never"
            yield Finding(code="row_unsaid", log=log, field="status", detail=detail)
