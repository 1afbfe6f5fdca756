"""Links and sessions of the borrower: a link is spent once, and one browser at a time may
answer.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from verification import clock, transactions
from verification.access.ways_in import WaysIn
from verification.case import attempts, contents, moving, policy
from verification.case.history import read_sound
from verification.compiled import Compiled
from verification.core.errors import Conflict, EvidenceUnreadable, LinkUnusable
from verification.core.ids import case_number, secret_digest
from verification.core.lender import Outline
from verification.core.status import TERMINAL
from verification.models import Attempt, BorrowerSession, Link, Verification

# RFC 6819 §5.1.4.2.2 asks for 128 random bits; twice that costs nothing. Nobody finds so many by
# trying, so what is kept of a token may be its plain SHA-256, which an index finds.
TOKEN_BYTES = 32
TOKEN_MAX_CHARACTERS = 64  # 43 characters of base64url and room for a mistyped end


@dataclass(frozen=True)
class Minted:
    """A link's secret, shown once: it belongs in the fragment of an address, never in a path or
    query.
    """

    token: str = field(repr=False)
    expires_at: datetime


def mint(*, lender_id: str, mode: str, verification_id: str, sent_by: str = "") -> Minted:
    """A fresh link for the lender to hand on. Raises `NotFound`, or `Conflict` after the end or
    when its time is over.

    sent_by: what the lender calls whoever of its people sends it, if anybody does.
    """
    at = clock.now()
    with transactions.writing():
        verification = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        if verification.status in TERMINAL:
            raise Conflict("this verification takes no link any more", code="illegal_transition")
        return mint_for(verification, at=at, sender=named(sent_by))


def named(officer: str) -> Mapping[str, str]:
    """What the log says of a sender whom the lender names: a keyed hash of the name; nothing for
    none.
    """
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

    Raises `Conflict` when the verification's time is over, also before `tick` has found it.

    sender: what the log says of who sends it; nothing for the lender's own machine. token: its
    secret, if it was drawn before.
    """
    if verification.expires_at <= at:
        raise Conflict("the time of this verification is over", code="illegal_transition")
    # First the entry, which locks the verification's row: of links minted at once only the last one
    # lives. The first is minted with the verification itself, and told with it.
    expires_at = min(at + timedelta(seconds=policy.LINK_SECONDS), verification.expires_at)
    minted = Minted(token or secrets.token_urlsafe(TOKEN_BYTES), expires_at)
    token_sha256 = secret_digest(minted.token)
    if not verification._state.adding:
        body = {
            "link": token_sha256.hex(),
            "link_expires_at": expires_at.isoformat(),
            **(sender or {}),
        }
        moving.record(verification, "link.minted", at=at, body=body)
        end_unspent(verification, at=at)
    Link.objects.create(
        token_sha256=token_sha256, verification=verification, created_at=at, expires_at=expires_at
    )
    return minted


def redeem(*, untrusted_token: str) -> str:
    """Spends a link and gives the token of a fresh session, ending the one before. Raises
    `LinkUnusable`.
    """
    if not isinstance(untrusted_token, str) or len(untrusted_token) > TOKEN_MAX_CHARACTERS:
        raise LinkUnusable("this link cannot be used")
    at = clock.now()
    with transactions.writing():
        # The verification's row is locked first, as everywhere.
        with transactions.looking_up("link"):
            # Of itself alone: the rows that are joined to it would be locked as well.
            rows = Verification.objects.select_for_update(of=("self",))
            verification = rows.filter(links__token_sha256=secret_digest(untrusted_token)).first()
            if verification is not None:
                transactions.see(lender=verification.lender_id)
        usable = Link.objects.filter(
            token_sha256=secret_digest(untrusted_token), spent_at=None, expires_at__gt=at
        )
        if verification is None:
            raise LinkUnusable("this link cannot be used")
        link = secret_digest(untrusted_token)
        history = read_sound(verification)
        is_unspent = verification.status not in TERMINAL and WaysIn(history.state).is_unspent(
            link, at=at
        )
        if not is_unspent or usable.update(spent_at=at) != 1:
            raise LinkUnusable("this link cannot be used", about=outline(verification))
        session = secrets.token_urlsafe(TOKEN_BYTES)
        with moving.moving(history):
            body = {
                "link": secret_digest(untrusted_token).hex(),
                "session": secret_digest(session).hex(),
            }
            moving.record(verification, "link.spent", at=at, body=body)
        begin_session(verification, token_sha256=secret_digest(session), at=at)
        return session


@dataclass(frozen=True)
class Peeked:
    """What the first page may say before its link is spent: nothing about a person, a sum or an
    account.
    """

    lender_name: str
    is_renewal: bool
    is_test: bool


def peek(*, untrusted_token: str) -> Peeked | None:
    """Who sent this link and what for; it stays unspent. None for every link that `redeem` would
    refuse.
    """
    if not isinstance(untrusted_token, str) or len(untrusted_token) > TOKEN_MAX_CHARACTERS:
        return None
    usable = Link.objects.filter(
        token_sha256=secret_digest(untrusted_token), spent_at=None, expires_at__gt=clock.now()
    )
    with transactions.looking_up("link"):
        link = (
            usable.select_related("verification__lender")
            .exclude(verification__status__in=TERMINAL)
            .first()
        )
    if link is None:
        return None
    of = link.verification
    return Peeked(
        of.lender.name, is_renewal=of.renews_id is not None, is_test=of.mode == policy.TEST_MODE
    )


def end_unspent(verification: Verification, *, at: datetime) -> None:
    """No link that was minted before lets anybody in any more."""
    Link.objects.filter(verification=verification, spent_at=None, expires_at__gt=at).update(
        expires_at=at
    )


def begin_session(verification: Verification, *, token_sha256: bytes, at: datetime) -> None:
    """The one session that may answer from now on; the one before ends."""
    BorrowerSession.objects.filter(verification=verification, ended_at=None).update(ended_at=at)
    BorrowerSession.objects.create(
        token_sha256=token_sha256, verification=verification, created_at=at
    )


@dataclass(frozen=True)
class Visit:
    """A borrower at one of our pages: their verification as it stood when they were let in, its key
    beside it.

    attempt: the one that is open or being judged. session: the hash by which entries name theirs.
    """

    verification: Verification = field(repr=False)
    attempt: Attempt | None = field(repr=False)
    session: str

    @property
    def verification_id(self) -> str:
        """Whose it is."""
        return self.verification.pk


_OF_SESSION = Compiled(
    lambda token_sha256: (
        attempts.live()
        .filter(
            verification__sessions__token_sha256=token_sha256, verification__sessions__ended_at=None
        )
        .select_related("verification__key")
        .order_by("pk")[:1]
    )
)
"""The attempt that is open or being judged, with its verification and that one's key, of a living
session.
"""


def visit(*, untrusted_session: str) -> Visit:
    """Whose session it is, by a signed entry that began it. It takes one statement more than
    `glance`.

    Raises `LinkUnusable` for one that was ended, never began, or is over, whatever its row says.
    """
    visit = glance(untrusted_session=untrusted_session)
    ways = WaysIn.of_codes(visit.verification)
    if ways.session != visit.session or ways.is_old(visit.session):
        about = outline(visit.verification) if ways.has_begun(visit.session) else None
        raise LinkUnusable("no such session", about=about)
    return visit


def glance(*, untrusted_session: str) -> Visit:
    """Whose session it is by its row alone, for what shows which page is open and nothing else.
    Raises as `visit`.
    """
    if not isinstance(untrusted_session, str) or len(untrusted_session) > TOKEN_MAX_CHARACTERS:
        raise LinkUnusable("no such session")
    token_sha256 = secret_digest(untrusted_session)
    with transactions.looking_up("link"):
        # Nearly always there is an attempt, and then one statement finds all.
        attempt = _OF_SESSION.first(token_sha256)
        if attempt is not None:
            verification = attempt.verification
        else:
            live = BorrowerSession.objects.filter(token_sha256=token_sha256, ended_at=None)
            session = live.select_related("verification__key").first()
            if session is None:
                ended = BorrowerSession.objects.filter(token_sha256=token_sha256)
                had = ended.select_related("verification").first()
                raise LinkUnusable(
                    "no such session", about=outline(had.verification) if had else None
                )
            verification = session.verification
        transactions.see(lender=verification.lender_id)
    if contents.is_over(verification):
        raise LinkUnusable("the session is over", about=outline(verification))
    return Visit(verification, attempt, token_sha256.hex())


def outline(verification: Verification) -> Outline | None:
    """What its lender is called and how it is reached; None long after the end, and once the case
    does not open.
    """
    end = verification.finished_at
    if end is not None and end + timedelta(seconds=policy.LINK_TOLD_SECONDS) <= clock.now():
        return None
    with suppress(EvidenceUnreadable):
        case = contents.read(verification, contents.key_of(verification)).case
        number = case_number(verification.pk)
        return Outline(
            case.lender, number, verification.locale, is_renewal=case.renewal is not None
        )
    return None


def verification_of(*, untrusted_session: str) -> str:
    """The verification a session belongs to. Raises as `visit` does."""
    return visit(untrusted_session=untrusted_session).verification_id


def lock_session(*, untrusted_session: str) -> Verification:
    """The verification of a live session, its row locked. Raises as `visit` does."""
    verification_id = glance(untrusted_session=untrusted_session).verification_id
    verification = Verification.objects.select_for_update().get(pk=verification_id)
    # The session may have ended while we waited for the row.
    verification_of(untrusted_session=untrusted_session)
    return verification


def lock_found(named: QuerySet[Any], *, look_up: str) -> Verification | None:
    """The verification of the first of these rows, locked; None where there is no row. look_up: of
    `LOOK_UPS`.
    """
    with transactions.looking_up(look_up):
        found = named.values_list("verification_id", "verification__lender_id").first()
        if found is None:
            return None
        verification_id, lender_id = found
        transactions.see(lender=lender_id)
    # Every transaction locks the verification's row first, so none waits for another in a circle.
    return Verification.objects.select_for_update().get(pk=verification_id)


def successor(*, untrusted_session: str) -> Minted:
    """A link for another browser or device of the same borrower; taking it over ends this
    session.
    """
    at = clock.now()
    with transactions.writing():
        verification = Verification.objects.get(
            pk=verification_of(untrusted_session=untrusted_session)
        )
        if verification.status in TERMINAL or verification.expires_at <= at:
            raise LinkUnusable("this verification has ended")
        return mint_for(verification, at=at)


def digest_of_code(untrusted_code: str, *, code: str) -> bytes:
    """What a code or token is found by. Raises `LinkUnusable` with this code if it is longer than
    any of ours.
    """
    if len(untrusted_code) > TOKEN_MAX_CHARACTERS:
        raise LinkUnusable("this code cannot be used", code=code)
    return secret_digest(untrusted_code)
