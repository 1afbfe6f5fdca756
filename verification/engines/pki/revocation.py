"""The authority's statement on one certificate, from any source, and whether it lets the
certificate pass.

1. A verified answer of the responder decides, even "unknown": a list cannot know certificates that
   were never issued.
2. Without one, the issuer's freshest verified list decides, together with its delta.
3. Without either the status is unknown.
4. Revoked refuses, on hold too.

Of 2:
a. The time is within thisUpdate … nextUpdate.
b. Of several lists the freshest counts; a delta counts if it is to this complete list or an older
one, and not older than it.
c. The last statement on the serial number decides.

Any doubt is `eds_revocation_unknown`: never a pass, never "revoked".
Source: RFC 5280 §5, §6.3.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from threading import Lock
from typing import Final

from verification.core.errors import Refused
from verification.engines.pki.certificate import Certificate
from verification.engines.pki.crl import VerifiedList, parse_crl, verify_crl
from verification.engines.pki.ocsp import (
    ON_HOLD,
    REMOVED_FROM_LIST,
    RevocationStatus,
    State,
    check_response,
    parse_response,
    unknown,
)

# Two families, each with a complete list, its delta, the roots' list, and the successor of one of
# them.
_CAPACITY: Final = 8


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Maximum size of an answer in bytes, age of a responder's answer, and skew of the
    authority's clock.
    """

    ocsp_max_bytes: int
    ocsp_max_age: timedelta
    crl_max_bytes: int
    clock_skew: timedelta


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Raw answers. If there are `deltas`, one of the certificate's issuer must be among them.

    Otherwise an attacker on the line could repeat the complete list in its place.
    """

    ocsp: bytes | None = field(default=None, repr=False)
    ocsp_nonce: bytes = field(default=b"", repr=False)
    crls: Sequence[bytes] = field(default=(), repr=False)
    deltas: Sequence[bytes] = field(default=(), repr=False)


class VerifiedLists:
    """At most `capacity` lists by the hash of their bytes and their issuer. Threads may share
    it.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        """Begins with none."""
        self._capacity = capacity
        self._lists: OrderedDict[tuple[str, str], VerifiedList] = OrderedDict()
        self._lock = Lock()

    def get(self, untrusted: bytes, *, issuer: Certificate, max_bytes: int) -> VerifiedList | None:
        """The list in these bytes, verified by the key of `issuer`; None if it is by another
        issuer.

        `issuer` must have passed `build_path`.

        Raises: `Refused` (eds_revocation_unknown) if it is invalid.
        """
        # By both: a list verified by one key is not verified for another issuer.
        key = (sha256(untrusted).hexdigest(), issuer.sha256)
        with self._lock:
            if key in self._lists:
                self._lists.move_to_end(key)
                return self._lists[key]
        # Outside the lock, because a large list takes long: two threads with the same new one both
        # parse it.
        crl = parse_crl(untrusted, max_bytes=max_bytes)
        if crl.issuer != issuer.subject:
            return None
        verified = verify_crl(crl, issuer=issuer)
        with self._lock:
            self._lists[key] = verified
            while len(self._lists) > self._capacity:
                self._lists.popitem(last=False)
        return verified

    def __len__(self) -> int:
        return len(self._lists)


VERIFIED: Final = VerifiedLists()
"""The lists of this process."""


def find_status(
    certificate: Certificate,
    *,
    issuer: Certificate,
    answers: Answers,
    limits: Limits,
    at: datetime,
    verified: VerifiedLists = VERIFIED,
) -> RevocationStatus:
    """Steps 1–3. `issuer` must have passed `build_path`.

    Raises: `Refused` (eds_revocation_unknown) without a valid answer, with the detail of the last
    one.
    """
    # 1
    problem = "no answer and no list of this issuer"
    if answers.ocsp is not None:
        try:
            return ask_responder(certificate, issuer=issuer, answers=answers, limits=limits, at=at)
        except Refused as refused:
            problem = refused.detail
    # 3, without input for 2: silence is never "good", or cutting the line would undo a revocation
    if not answers.crls:
        raise unknown(problem)
    # 2
    lists = [
        verified.get(crl, issuer=issuer, max_bytes=limits.crl_max_bytes) for crl in answers.crls
    ]
    complete = [crl for crl in lists if crl is not None and crl.base_number is None]
    lists = [
        verified.get(crl, issuer=issuer, max_bytes=limits.crl_max_bytes) for crl in answers.deltas
    ]
    deltas = [crl for crl in lists if crl is not None and crl.base_number is not None]
    if not complete:
        raise unknown("no list of this issuer")
    if answers.deltas and not deltas:
        raise unknown("no delta list of this issuer")
    return look_up(certificate.serial, complete=complete, deltas=deltas, at=at)


def look_up(
    serial: int,
    *,
    complete: Sequence[VerifiedList],
    deltas: Sequence[VerifiedList] = (),
    at: datetime,
) -> RevocationStatus:
    """2: the statement of one issuer's lists on a serial number at the time `at`.

    Raises: `Refused` (eds_revocation_unknown) if they leave it open.
    """
    # a
    if not all(crl.this_update <= at < crl.next_update for crl in (*complete, *deltas)):
        raise unknown("the list is stale or from the future")
    if not complete or any(crl.base_number is not None for crl in complete):
        raise unknown("the list is partial: changes without the complete list")
    # b. RFC 5280 §5.2.4: a delta applies to a complete list that is not older than its base.
    base = max(complete, key=_freshness)
    delta = max(deltas, key=_freshness, default=base)
    if deltas and (
        delta.base_number is None or base.number is None or delta.base_number > base.number
    ):
        raise unknown("the changes are to another complete list")
    # A younger complete list holds all changes. Numbers do not help: the authority numbers the two
    # kinds apart.
    delta = delta if delta.this_update >= base.this_update else base
    # c. RFC 5280 §5.3.1: the delta's statement comes last, and only a hold may be taken back.
    try:
        entry, change = base.entries.find(serial), delta.entries.find(serial)
    except Refused as refused:
        raise unknown(refused.detail) from refused
    if entry is not None and entry.reason == REMOVED_FROM_LIST:
        raise unknown("an entry that belongs on no complete list")
    crl, revoked_entry = (base, entry) if change is None else (delta, change)
    if revoked_entry is not None and revoked_entry.reason == REMOVED_FROM_LIST:
        if entry is not None and entry.reason != ON_HOLD:
            raise unknown("a revocation that is no hold was taken back")
        revoked_entry = None
    return RevocationStatus(
        state=State.GOOD if revoked_entry is None else State.REVOKED,
        source="crl" if crl is base else "delta crl",
        as_of=crl.this_update.astimezone(UTC),
        sha256=crl.sha256,
        reason=revoked_entry.reason if revoked_entry else None,
        revoked_at=revoked_entry.revoked_at if revoked_entry else None,
    )


def _freshness(crl: VerifiedList) -> tuple[datetime, int]:
    return crl.this_update, crl.number or 0


def ask_responder(
    certificate: Certificate, *, issuer: Certificate, answers: Answers, limits: Limits, at: datetime
) -> RevocationStatus:
    """The statement in a verified answer of the responder; its state may be unknown.

    Raises: `Refused` (eds_revocation_unknown) for an invalid answer: then lists may be asked.
    """
    response = parse_response(answers.ocsp or b"", max_bytes=limits.ocsp_max_bytes)
    return check_response(
        response,
        certificate=certificate,
        issuer=issuer,
        nonce=answers.ocsp_nonce,
        at=at,
        max_age=limits.ocsp_max_age,
        clock_skew=limits.clock_skew,
    )


def require_good(
    status: RevocationStatus, *, reference: datetime, is_later_accepted: bool = False
) -> None:
    """Step 4: return if the status permits a signature that existed at the time `reference`.

    is_later_accepted: a revocation after `reference` does not refuse; a hold, whose end is open,
    always does.

    Raises: `Refused`: eds_certificate_revoked (facts: reason, revoked_at, and whether before or
    after), or eds_revocation_unknown.
    """
    if status.state is State.UNKNOWN:
        raise unknown("the responder does not know the certificate")
    if status.state is State.GOOD:
        return
    is_later = status.revoked_at is not None and status.revoked_at > reference
    if is_later and is_later_accepted and not status.is_hold:
        return
    when = status.revoked_at.isoformat() if status.revoked_at else ""
    facts: dict[str, str | int] = {"reason": status.reason or 0, "revoked_at": when}
    raise Refused(
        "eds_certificate_revoked",
        "the certificate is on hold" if status.is_hold else "the certificate is revoked",
        facts=facts | {"revoked": "after the signature" if is_later else "before the signature"},
    )


def check_authorities(
    path: Sequence[Certificate], *, lists: Sequence[bytes], limits: Limits, at: datetime
) -> None:
    """Return if its issuer's list clears every authority of a path but the anchor.

    Raises: `Refused`: eds_issuer_revoked, or eds_revocation_unknown also for a missing list.
    """
    for authority, above in pairwise(path[1:]):
        status = find_status(
            authority, issuer=above, answers=Answers(crls=lists), limits=limits, at=at
        )
        try:
            require_good(status, reference=at)
        except Refused as refused:
            if refused.code != "eds_certificate_revoked":
                raise
            raise Refused("eds_issuer_revoked", refused.detail, facts=refused.facts) from refused
