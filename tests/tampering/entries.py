"""Entries that the application's role inserts by SQL: one of every type beside the honest ones,
alone or with the rows that would go with it.
"""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tests.verification.log.rows import order_all, slip_in
from verification import clock
from verification.access.tokens import LINKS
from verification.core.ids import LINK, new_id
from verification.models import Attempt, AuditEntry, DataKey, ReviewVote, Verification

LOG = "test"


def invented(entry_type: str, chance: random.Random, *, is_ordered: bool) -> None:
    """One more entry of this type, like an honest one if there is any, counted in its
    verification's row.
    """
    like = AuditEntry.objects.filter(log=LOG, type=entry_type).order_by("pk")
    number = like.count()
    genuine = like[chance.randrange(number)] if number else _any(chance)
    body = dict(genuine.body) if number else {"v": 1}
    put(genuine, entry_type, body)
    if is_ordered:
        order_all()


def put(like: AuditEntry, entry_type: str, body: Mapping[str, Any], **changes: Any) -> str:
    """Inserts it behind the last entry of the same verification, which counts it."""
    row = Verification.objects.filter(pk=like.verification_id).first()
    more: dict[str, Any] = {"type": entry_type, "body": dict(body), "at": clock.now(), **changes}
    if row is not None:
        more["verification_sequence"] = row.sequence + 1
        Verification.objects.filter(pk=row.pk).update(sequence=row.sequence + 1)
    else:
        more["verification_sequence"] = None
    return slip_in(like, **more)


def _any(chance: random.Random) -> AuditEntry:
    found = AuditEntry.objects.filter(log=LOG, type="verification.created").order_by("pk")
    return found[chance.randrange(found.count())]


def _open(chance: random.Random) -> Verification:
    return chance.choice(list(Verification.objects.filter(status="requires_input").order_by("pk")))


def _ended(chance: random.Random) -> Verification:
    return chance.choice(
        list(Verification.objects.filter(status__in=("verified", "declined")).order_by("pk"))
    )


def _first(row: Verification) -> AuditEntry:
    return AuditEntry.objects.get(verification=row, verification_sequence=1)


def verified(chance: random.Random) -> None:
    """B1: an open case is verified by one UPDATE and two INSERTs."""
    row = _open(chance)
    own = {
        name: getattr(row, name)
        for name in ("route", "stage", "turn", "combination", "last_failure")
    }
    law = {"profile": row.profile_id, "profile_sha256": row.profile_sha256}
    routes = row.combinations[0]
    at = clock.now()
    changed = {"status": "verified", "passed_routes": routes, "finished_at": at}
    Verification.objects.filter(pk=row.pk).update(**changed)
    put(
        _first(row),
        "verification.verified",
        {"v": 1, "code": "", **law, **own, "routes": routes},
        at=at,
    )


def easier_law(chance: random.Random) -> None:
    """B2: another combination, or another profile, than the case was opened under."""
    row = _open(chance)
    Verification.objects.filter(pk=row.pk).update(
        combinations=[["eds"]] if row.combinations != [["eds"]] else []
    )


def canceled(chance: random.Random) -> None:
    """An open case is ended in its lender's name."""
    row = _open(chance)
    own = {
        name: getattr(row, name)
        for name in ("route", "stage", "turn", "combination", "last_failure")
    }
    law = {"profile": row.profile_id, "profile_sha256": row.profile_sha256}
    at = clock.now()
    Verification.objects.filter(pk=row.pk).update(
        status="canceled", code="canceled_by_lender", finished_at=at, due_at=None, step=""
    )
    Attempt.objects.filter(verification=row, status__in=("open", "judging")).update(
        status="void", closed_at=at
    )
    put(
        _first(row),
        "verification.canceled",
        {"v": 1, "code": "canceled_by_lender", **law, **own},
        at=at,
    )


def voted(chance: random.Random) -> None:
    """A vote of somebody who never gave it, with its row."""
    row = chance.choice(list(Verification.objects.filter(status="in_review").order_by("pk")))
    attempt = Attempt.objects.get(verification=row, status="review")
    at, person = clock.now(), new_id("usr")
    ReviewVote.objects.create(attempt=attempt, person=person, passes=True, created_at=at)
    body = {"v": 1, "attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage}
    put(_first(row), "review.voted", {**body, "outcome": "passed", "person": person}, at=at)


def own_link(chance: random.Random) -> None:
    """A link whose token the attacker knows, with its entry; the one before ends as it would."""
    row, at, token = _open(chance), clock.now(), chance.randbytes(32)
    until = min(at + timedelta(hours=1), row.expires_at)
    LINKS.rows.filter(verification=row, spent_at=None, expires_at__gt=at).update(expires_at=at)
    LINKS.rows.create(kind=LINK, digest=token, verification=row, created_at=at, expires_at=until)
    put(
        _first(row),
        "link.minted",
        {"v": 1, "link": token.hex(), "link_expires_at": until.isoformat()},
        at=at,
    )


def redacted(chance: random.Random) -> None:
    """The key of a case is destroyed, in its own name: with the entry that erasure writes."""
    row, at = _ended(chance), clock.now()
    key_destroyed_at(row, at)
    put(_first(row), "verification.redacted", {"v": 1}, at=at)


def key_destroyed(chance: random.Random) -> None:
    """B7: the key of a case counts as destroyed, and no entry says so."""
    key_destroyed_at(_ended(chance), clock.now())


def key_destroyed_at(row: Verification, at: Any) -> None:
    """Both rows, as erasure leaves them."""
    DataKey.objects.filter(pk=row.pk).update(wrapped_key=None, destroyed_at=at)
    Verification.objects.filter(pk=row.pk).update(redacted_at=at)


def back_dated(chance: random.Random) -> None:
    """B7: all rows of a case lie a month earlier; its entries no role of the application can
    change.
    """
    row = chance.choice(list(Verification.objects.order_by("pk")))
    month = timedelta(days=30)
    Verification.objects.filter(pk=row.pk).update(
        created_at=row.created_at - month, finished_at=row.finished_at and row.finished_at - month
    )
    for attempt in Attempt.objects.filter(verification=row):
        Attempt.objects.filter(pk=attempt.pk).update(
            opened_at=attempt.opened_at - month,
            closed_at=attempt.closed_at and attempt.closed_at - month,
        )


def reading(chance: random.Random) -> None:
    """B7: a reading that did not happen, in a regulator's name."""
    genuine = AuditEntry.objects.filter(log=LOG, type="oversight.searched").order_by("pk")[0]
    put(genuine, "oversight.viewed", {"v": 1, "person": new_id("usr"), "what": "case_file"})


FORGERIES: dict[str, Callable[[random.Random], None]] = {
    deed.__name__: deed
    for deed in (
        verified,
        easier_law,
        canceled,
        voted,
        own_link,
        redacted,
        key_destroyed,
        back_dated,
        reading,
    )
}
