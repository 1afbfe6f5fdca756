"""Links and sessions of the borrower: a link is spent once, and one browser at a time may
answer.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from verification import clock, transactions
from verification.access.tokens import LINKS, SESSIONS, TOKEN_BYTES, Minted, is_in_time, outline
from verification.access.ways_in import WaysIn
from verification.case import attempts, blocks, contents, moving, policy
from verification.case.moving import read_sound
from verification.compiled import Compiled
from verification.core.errors import Conflict, EvidenceUnreadable, LinkUnusable
from verification.core.ids import SESSION, secret_digest
from verification.core.status import TERMINAL
from verification.models import Access, Attempt, Verification


def mint(*, lender_id: str, mode: str, verification_id: str, sent_by: str = "") -> Minted:
    """A fresh link for the lender to send.

    sent_by: the lender's name for its sender, if a person sends it.

    Raises: `NotFound`, or `Conflict` after the end or the time limit.
    """
    at = clock.now()
    with transactions.writing():
        verification = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        if verification.status in TERMINAL:
            raise Conflict("this verification takes no link any more", code="illegal_transition")
        return mint_for(verification, at=at, sender=sender_of(sent_by))


def sender_of(officer: str) -> Mapping[str, str]:
    """The log's form of a sender's name: a keyed hash; empty without a name."""
    marks = contents.marks_of(officer)
    return {"sent_by": marks[0]} if marks else {}


def mint_for(
    verification: Verification,
    *,
    at: datetime,
    sender: Mapping[str, str] | None = None,
    token: str = "",
) -> Minted:
    """A fresh link inside the caller's transaction. Earlier unspent ones are superseded.

    sender: its sender in the log's form; empty for the lender's own system.
    token: its secret, if drawn before.

    Raises: `Conflict` after the time limit, even before `tick` has found it, and while the case is
    blocked.
    """
    if verification.expires_at <= at:
        raise Conflict("the time of this verification is over", code="illegal_transition")
    # The entry locks the verification's row first: of links minted at once, only the last lives.
    # The first link is minted with the verification, and delivered with it.
    expires_at = min(at + timedelta(seconds=policy.LINK_SECONDS), verification.expires_at)
    token = token or secrets.token_urlsafe(TOKEN_BYTES)
    if not verification._state.adding:
        blocks.require_unblocked(verification)
        body = {
            "link": secret_digest(token).hex(),
            "link_expires_at": expires_at.isoformat(),
            **(sender or {}),
        }
        moving.record(verification, "link.minted", at=at, body=body)
        end_unspent(verification, at=at)
    minted, _ = LINKS.mint(verification, at=at, expires_at=expires_at, token=token)
    return minted


def redeem(*, untrusted_token: str) -> str:
    """Spends a link and returns the token of a fresh session; the previous session ends.

    Raises: `LinkUnusable`, and `Conflict` (processing_blocked).
    """
    digest, at = LINKS.digest(untrusted_token), clock.now()
    with transactions.writing():
        link = LINKS.lock(digest=digest)
        verification = link.verification
        history = read_sound(verification)
        if history.state.blocks:
            raise blocks.refusal()
        is_usable = (
            link.spent_at is None
            and is_in_time(link, at=at)
            and verification.status not in TERMINAL
            and WaysIn(history.state).is_unspent(digest, at=at)
        )
        if not is_usable:
            raise LINKS.refusal(verification)
        LINKS.use(link, spent_at=at)
        session = secrets.token_urlsafe(TOKEN_BYTES)
        with moving.moving(history):
            body = {"link": digest.hex(), "session": secret_digest(session).hex()}
            moving.record(verification, "link.spent", at=at, body=body)
        begin_session(verification, digest=secret_digest(session), at=at)
        return session


def is_of_session(*, untrusted_token: str, untrusted_session: str) -> bool:
    """Whether a link is of the verification of this living session, spent or not.

    The holder of the session gains nothing by the link: it only names the page that is open.
    """
    if not untrusted_session:
        return False
    try:
        digest = LINKS.digest(untrusted_token)
        verification_id = verification_of(untrusted_session=untrusted_session)
    except LinkUnusable:
        return False
    return LINKS.rows.filter(digest=digest, verification=verification_id).exists()


@dataclass(frozen=True)
class Peeked:
    """What the first page may say before its link is spent: no person, sum or account."""

    lender_name: str
    is_renewal: bool
    is_test: bool


def peek(*, untrusted_token: str) -> Peeked | None:
    """The link's lender and purpose; the link stays unspent. None for a link that `redeem` would
    refuse.
    """
    try:
        digest = LINKS.digest(untrusted_token)
    except LinkUnusable:
        return None
    usable = LINKS.rows.filter(digest=digest, spent_at=None, expires_at__gt=clock.now())
    with transactions.looking_up(LINKS.look_up):
        link = (
            usable.select_related("verification__key")
            .exclude(verification__status__in=TERMINAL)
            .first()
        )
        if link is None or blocks.of_row(link.verification) is not None:
            return None
    verification = link.verification
    try:  # as it was when the case was sealed: a row's name may be anybody's
        case = contents.read(verification, contents.key_beside(verification)).case
    except EvidenceUnreadable:
        return None
    return Peeked(
        case.lender.name,
        is_renewal=case.renewal is not None,
        is_test=case.mode == policy.TEST_MODE,
    )


def end_unspent(verification: Verification, *, at: datetime) -> None:
    """Ends all unspent links."""
    unspent = LINKS.rows.filter(verification=verification, spent_at=None, expires_at__gt=at)
    unspent.update(expires_at=at)


def begin_session(verification: Verification, *, digest: bytes, at: datetime) -> None:
    """Starts the one session that may answer from now on; the previous one ends."""
    SESSIONS.rows.filter(verification=verification, spent_at=None).update(spent_at=at)
    SESSIONS.rows.create(kind=SESSION, digest=digest, verification=verification, created_at=at)


@dataclass(frozen=True)
class Visit:
    """A borrower on a page: their verification at admission, and its key.

    attempt: the one that is open or being judged.
    session: the hash of the session in entries.
    """

    verification: Verification = field(repr=False)
    attempt: Attempt | None = field(repr=False)
    session: str

    @property
    def verification_id(self) -> str:
        """The id of the verification."""
        return self.verification.pk


_OF_SESSION = Compiled(
    lambda digest: (
        attempts.live()
        .filter(
            verification__access__digest=digest,
            verification__access__kind=SESSION,
            verification__access__spent_at=None,
        )
        .select_related("verification__key")
        .order_by("pk")[:1]
    )
)
"""The live attempt of a living session, with its verification and key."""


def visit(*, untrusted_session: str) -> Visit:
    """The visit of a session that a signed entry started. It needs one statement more than
    `glance`.

    Raises: `LinkUnusable` for a session that ended, never started, or is over, whatever its row
    says.
    Raises: `Conflict` (processing_blocked).
    """
    visit = glance(untrusted_session=untrusted_session)
    ways = WaysIn.of_codes(visit.verification)
    if ways.session != visit.session or ways.is_old(visit.session):
        about = outline(visit.verification) if ways.has_begun(visit.session) else None
        raise LinkUnusable("no such session", about=about)
    return visit


def glance(*, untrusted_session: str) -> Visit:
    """The visit of a session by its row alone, for output that only names the open page.

    Raises: as `visit`.
    """
    digest = SESSIONS.digest(untrusted_session)
    with transactions.looking_up(SESSIONS.look_up):
        # Usually there is an attempt, and one statement finds all.
        attempt = _OF_SESSION.first(digest)
        if attempt is not None:
            verification = attempt.verification
        else:
            rows = SESSIONS.rows.filter(digest=digest)
            session = rows.select_related("verification__key").first()
            if session is None or session.spent_at is not None:
                raise SESSIONS.refusal(session.verification if session else None)
            verification = session.verification
        transactions.see(lender=verification.lender_id)
    if contents.is_over(verification):
        raise LinkUnusable("the session is over", about=outline(verification))
    return Visit(verification, attempt, digest.hex())


def verification_of(*, untrusted_session: str) -> str:
    """The verification of a session.

    Raises: as `visit`.
    """
    return visit(untrusted_session=untrusted_session).verification_id


def lock_session(*, untrusted_session: str) -> Access:
    """The row of a live session, with its verification locked.

    Raises: as `visit`.
    """
    verification_id = glance(untrusted_session=untrusted_session).verification_id
    verification = Verification.objects.select_for_update().get(pk=verification_id)
    # The session may have ended while we waited for the row.
    verification_of(untrusted_session=untrusted_session)
    session = SESSIONS.rows.get(verification=verification, spent_at=None)
    session.verification = verification
    return session


def successor(*, untrusted_session: str) -> Minted:
    """A link for another browser or device of the same borrower; its use ends this session."""
    at = clock.now()
    with transactions.writing():
        verification = Verification.objects.get(
            pk=verification_of(untrusted_session=untrusted_session)
        )
        if verification.status in TERMINAL or verification.expires_at <= at:
            raise LinkUnusable("this verification has ended")
        return mint_for(verification, at=at)
