"""eGov Mobile's access to one open turn: a code in the QR, then an access token, then one
signature.

Both secrets are bound to one verification, turn and session.
The code gives the API1 answer and, once, the access token. The token gives the statement and takes
one signature.
Neither admits to the borrower's session.
Both end with the turn, their time, the session, a newer code, or the first answer, taken or
refused.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from verification import clock, transactions
from verification.access import answers, links
from verification.access.open_page import BorrowerPage, borrower_page
from verification.access.tokens import SIGNERS, Minted, entry_of, is_in_time, mint_code, read_code
from verification.access.ways_in import WaysIn
from verification.case import attempts, moving, policy, stages
from verification.compiled import Compiled
from verification.core.errors import BadInput, Conflict, NotYourTurn
from verification.core.status import Status
from verification.models import Access, Attempt, Verification

PAGE = "statement"
TAKEN = "taken"


@dataclass(frozen=True)
class Reading:
    """What a code gives its holder, once: the access token, its expiry, and the statement's
    owner.
    """

    access: str = field(repr=False)
    expires_at: datetime
    page: BorrowerPage


def mint(*, untrusted_session: str, turn: int) -> Minted:
    """A fresh code for the open statement; the previous one ends.

    Raises: `LinkUnusable` for an ended session, `NotYourTurn`, and `Conflict` after too many codes.
    """
    at = clock.now()
    with transactions.writing():
        session = links.lock_session(untrusted_session=untrusted_session)
        attempt = _open_attempt(session.verification, turn=turn, at=at)
        if attempt is None:
            raise NotYourTurn("no statement of this turn waits for a signature")
        expires_at = min(at + timedelta(seconds=policy.MOBILE_CODE_SECONDS), attempt.expires_at)
        most = policy.MOBILE_CODES_A_TURN
        minted = mint_code(SIGNERS, session, at=at, expires_at=expires_at, most=most, turn=turn)
        if minted is None:
            raise Conflict("too many codes for one turn", code="mobile_codes_exhausted")
        return minted


def read(*, untrusted_code: str) -> Reading:
    """The access token of a code, once.

    Raises: `LinkUnusable` otherwise.
    """
    digest, at = SIGNERS.digest(untrusted_code), clock.now()
    with transactions.writing():
        row, attempt = _usable(at=at, digest=digest)
        expires_at = min(at + timedelta(seconds=policy.MOBILE_SIGNING_SECONDS), attempt.expires_at)
        # The code arrives by GET: of two simultaneous requests one gets a token.
        token = read_code(SIGNERS, row, expires_at=expires_at)
        body = {
            "access": bytes(row.second_digest or b"").hex(),
            "expires_at": expires_at.isoformat(),
        }
        moving.record(row.verification, "mobile_signing.read", at=at, body=entry_of(row) | body)
        return Reading(token, expires_at, borrower_page(verification_id=row.verification_id))


def statement_page(*, untrusted_access: str) -> BorrowerPage:
    """The statement page of an access token; changes nothing.

    Raises: `LinkUnusable`.
    """
    digest = SIGNERS.digest(untrusted_access)
    with transactions.writing():
        row, _ = _usable(at=clock.now(), second_digest=digest)
        return borrower_page(verification_id=row.verification_id)


def take(*, untrusted_access: str, untrusted_signature: str) -> None:
    """Makes the app's signature the borrower's answer to the turn. Of many at once one is taken.

    Raises: `LinkUnusable`.
    Raises: `BadInput` without a signature over our statement. Then nothing is stored, the turn
    stays open and the code ends.
    """
    at = clock.now()
    answer = {"signature": untrusted_signature, "refuse_other_text": True}
    try:
        with transactions.writing():
            row = _end(untrusted_access, outcome=TAKEN, at=at)
            moving.record(row.verification, "mobile_signing.taken", at=at, body=entry_of(row))
            answers.answer(
                verification_id=row.verification_id,
                turn=row.turn or 0,
                untrusted=answer,
                session=bytes(row.parent.digest).hex() if row.parent else "",
            )
    except BadInput as error:
        refuse(untrusted_access=untrusted_access, code=error.code)
        raise
    except NotYourTurn as error:
        raise SIGNERS.refusal() from error


def refuse(*, untrusted_access: str, code: str) -> None:
    """Ends a code after unusable input, and records the reason.

    Raises: `LinkUnusable`.
    """
    at = clock.now()
    with transactions.writing():
        row = _end(untrusted_access, outcome=code, at=at)
        body = {**entry_of(row), "code": code}
        moving.record(row.verification, "mobile_signing.refused", at=at, body=body)


_NEWEST = Compiled(
    lambda case, turn: SIGNERS.rows.filter(verification_id=case, turn=turn).order_by("-created_at")[
        :1
    ]
)


def progress(*, verification_id: str, turn: int) -> str:
    """The state of a turn's newest code: nothing, waiting, read, expired, taken, or the reason
    of a refusal.
    """
    row = _NEWEST.first(verification_id, turn)
    if row is None or row.outcome:
        return row.outcome if row else ""
    if not is_in_time(row, at=clock.now()):
        return "expired"
    return "read" if row.second_digest else "waiting"


def _end(untrusted_access: str, *, outcome: str, at: datetime) -> Access:
    row, _ = _usable(at=at, second_digest=SIGNERS.digest(untrusted_access))
    SIGNERS.use(row, outcome=outcome)
    return row


def _usable(*, at: datetime, **digest: bytes) -> tuple[Access, Attempt]:
    """The row, its locked verification, and its open attempt.

    Raises: `LinkUnusable`.
    """
    row = SIGNERS.lock(**digest)
    attempt = None
    if row.turn is not None and WaysIn.of_codes(row.verification).is_open(row, at=at):
        attempt = _open_attempt(row.verification, turn=row.turn, at=at)
    if attempt is None:
        raise SIGNERS.refusal()
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
