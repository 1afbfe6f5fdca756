"""The way of eGov Mobile to one open turn: a code for the QR, then an access token, then one
signature.

Each of both secrets is 256 random bits, kept as SHA-256 and bound to one verification, one turn and
one session. The code opens what API1 says and hands out the access token, once; the token opens the
statement and takes one signature. Neither leads into the borrower's session. Both die with the
turn, with their time, with the session, with a newer code, and with the first answer, taken or
refused.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet

from verification import clock, transactions
from verification.access import commands, links
from verification.access.links import TOKEN_BYTES, Minted
from verification.access.open_page import BorrowerPage, borrower_page
from verification.access.ways_in import WaysIn
from verification.case import attempts, moving, policy, stages
from verification.compiled import Compiled
from verification.core.errors import BadInput, Conflict, LinkUnusable, NotYourTurn
from verification.core.status import Status
from verification.models import Attempt, BorrowerSession, MobileSigning, Verification

PAGE = "statement"
TAKEN, SUPERSEDED = "taken", "superseded"
UNUSABLE = "mobile_code_unusable"


@dataclass(frozen=True)
class Reading:
    """What the holder of a code gets, once: the access token, its end, and whose statement it is
    for.
    """

    access: str = field(repr=False)
    expires_at: datetime
    page: BorrowerPage


def mint(*, untrusted_session: str, turn: int) -> Minted:
    """A fresh code for the statement that is open now; the one before ends.

    Raises `LinkUnusable` for a session that has ended, `NotYourTurn`, and `Conflict` after too many
    codes.
    """
    at = clock.now()
    with transactions.writing():
        verification = links.lock_session(untrusted_session=untrusted_session)
        attempt = _open_attempt(verification, turn=turn, at=at)
        if attempt is None:
            raise NotYourTurn("no statement of this turn waits for a signature")
        earlier = MobileSigning.objects.filter(verification=verification, turn=turn)
        if earlier.count() >= policy.MOBILE_CODES_A_TURN:
            raise Conflict("too many codes for one turn", code="mobile_codes_exhausted")
        earlier.filter(outcome="").update(outcome=SUPERSEDED)
        expires_at = min(at + timedelta(seconds=policy.MOBILE_CODE_SECONDS), attempt.expires_at)
        minted = Minted(secrets.token_urlsafe(TOKEN_BYTES), expires_at)
        session = BorrowerSession.objects.get(verification=verification, ended_at=None)
        row = MobileSigning(
            verification=verification, session=session, turn=turn, expires_at=expires_at
        )
        row.code_sha256 = _digest(minted.token)
        row.save()
        body = {"session": bytes(session.token_sha256).hex(), "expires_at": expires_at.isoformat()}
        moving.record(verification, "mobile_signing.minted", at=at, body=_named(row) | body)
        return minted


def read(*, untrusted_code: str) -> Reading:
    """Hands out the access token of a code, once. Raises `LinkUnusable` for everybody else
    alike.
    """
    at = clock.now()
    with transactions.writing():
        row, attempt = _usable(
            MobileSigning.objects.filter(code_sha256=_digest(untrusted_code)), at=at
        )
        access = secrets.token_urlsafe(TOKEN_BYTES)
        expires_at = min(at + timedelta(seconds=policy.MOBILE_SIGNING_SECONDS), attempt.expires_at)
        # In one statement, for the code is read by a GET: whoever sends it twice at once gets one
        # token.
        unread = MobileSigning.objects.filter(pk=row.pk, access_sha256=None)
        if unread.update(access_sha256=_digest(access), expires_at=expires_at) != 1:
            raise _unusable()
        body = {"access": _digest(access).hex(), "expires_at": expires_at.isoformat()}
        moving.record(row.verification, "mobile_signing.read", at=at, body=_named(row) | body)
        return Reading(access, expires_at, borrower_page(verification_id=row.verification_id))


def statement_page(*, untrusted_access: str) -> BorrowerPage:
    """The page of the statement an access token is for; changes nothing. Raises `LinkUnusable`."""
    with transactions.writing():
        row, _ = _usable(
            MobileSigning.objects.filter(access_sha256=_digest(untrusted_access)),
            at=clock.now(),
        )
        return borrower_page(verification_id=row.verification_id)


def take(*, untrusted_access: str, untrusted_signature: str) -> None:
    """The app's signature becomes the borrower's answer to the turn. Of many at once one is taken.

    Raises `LinkUnusable`, or `BadInput` for what is no signature over our statement: nothing is
    kept of it, the turn is still open, and the code has ended.
    """
    at = clock.now()
    answer = {"signature": untrusted_signature, "refuse_other_text": True}
    try:
        with transactions.writing():
            row = _end(untrusted_access, outcome=TAKEN, at=at)
            moving.record(row.verification, "mobile_signing.taken", at=at, body=_named(row))
            session = bytes(row.session.token_sha256).hex()
            commands.answer(
                verification_id=row.verification_id,
                turn=row.turn,
                untrusted=answer,
                session=session,
            )
    except BadInput as refused:
        refuse(untrusted_access=untrusted_access, code=refused.code)
        raise
    except NotYourTurn as late:
        raise _unusable() from late


def refuse(*, untrusted_access: str, code: str) -> None:
    """Ends a code whose holder sent what cannot be taken, and remembers why. Raises
    `LinkUnusable`.
    """
    at = clock.now()
    with transactions.writing():
        row = _end(untrusted_access, outcome=code, at=at)
        moving.record(
            row.verification, "mobile_signing.refused", at=at, body=_named(row) | {"code": code}
        )


_NEWEST = Compiled(
    lambda of, turn: MobileSigning.objects.filter(verification_id=of, turn=turn).order_by("-pk")[:1]
)


def progress(*, verification_id: str, turn: int) -> str:
    """How the newest code of a turn stands: nothing, waiting, read, expired, taken, or why it was
    refused.
    """
    row = _NEWEST.first(verification_id, turn)
    if row is None or row.outcome:
        return row.outcome if row else ""
    if row.expires_at <= clock.now():
        return "expired"
    return "read" if row.access_sha256 else "waiting"


def _named(row: MobileSigning) -> dict[str, object]:
    """How the log names it: by the hash that is kept of its code."""
    return {"turn": row.turn, "signing": bytes(row.code_sha256).hex()}


def _end(untrusted_access: str, *, outcome: str, at: datetime) -> MobileSigning:
    row, _ = _usable(MobileSigning.objects.filter(access_sha256=_digest(untrusted_access)), at=at)
    if MobileSigning.objects.filter(pk=row.pk, outcome="").update(outcome=outcome) != 1:
        raise _unusable()
    return row


def _usable(named: QuerySet[MobileSigning], *, at: datetime) -> tuple[MobileSigning, Attempt]:
    """The row, with its verification locked first, and the open attempt it is for; raises
    `LinkUnusable`.
    """
    verification = links.lock_found(named, look_up="egov_mobile")
    if verification is None:
        raise _unusable()
    row = (
        named.filter(outcome="", expires_at__gt=at, session__ended_at=None)
        .select_related("session")
        .first()
    )
    if row is not None and not WaysIn.of_codes(verification).is_open(row, at=at):
        row = None
    attempt = _open_attempt(verification, turn=row.turn, at=at) if row else None
    if row is None or attempt is None:
        raise _unusable()
    row.verification = verification
    return row, attempt


def _open_attempt(verification: Verification, *, turn: int, at: datetime) -> Attempt | None:
    if verification.status != Status.REQUIRES_INPUT or verification.expires_at <= at:
        return None
    dialogue = Attempt.objects.filter(verification=verification, status=attempts.OPEN)
    attempt = dialogue.filter(turn=turn, expires_at__gt=at).first()
    stage = (
        stages.find(attempt.route, attempt.stage, law=verification.profile_sha256)
        if attempt
        else None
    )
    return attempt if stage and stage.page == PAGE else None


def _unusable() -> LinkUnusable:
    return LinkUnusable("this code cannot be used", code=UNUSABLE)


def _digest(untrusted_token: str) -> bytes:
    return links.digest_of_code(untrusted_token, code=UNUSABLE)
