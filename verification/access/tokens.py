"""Access secrets: creation, look-up, single use and refusal.

Each secret has 256 random bits. A row of `Access` keeps its SHA-256.
A `Door` is one kind of secret. `links`, `hand_over` and `mobile_signing` define what each opens.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from verification import clock, transactions
from verification.case import blocks, contents, moving, policy
from verification.core.errors import EvidenceUnreadable, LinkUnusable
from verification.core.ids import (
    HAND_OVER,
    LINK,
    MOBILE_SIGNING,
    SESSION,
    case_number,
    secret_digest,
)
from verification.core.lender import Outline
from verification.course.access import CODE_FIELDS
from verification.models import Access, Verification

# RFC 6819 §5.1.4.2.2 asks for 128 random bits; 256 cost nothing. A plain SHA-256 suffices, because
# the secret cannot be guessed; an index finds it.
TOKEN_BYTES: Final = 32
TOKEN_MAX_CHARACTERS: Final = 64  # 43 characters of base64url and room for a mistyped end
SUPERSEDED: Final = "superseded"


@dataclass(frozen=True)
class Minted:
    """A fresh secret, shown once: in a URL it is in the fragment, never in a query.

    Only eGov Mobile's code is in a path, as the app's protocol requires.
    """

    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Door:
    """One kind of secret. Every refusal has the same sentence and code.

    look_up: the reason of `transactions.LOOK_UPS` for its search over all lenders.
    """

    kind: str
    look_up: str
    detail: str
    code: str

    @property
    def rows(self) -> QuerySet[Access, Access]:
        """The rows of this kind."""
        return Access.objects.filter(kind=self.kind)

    def refusal(self, verification: Verification | None = None) -> LinkUnusable:
        """The exception; for a known verification it carries the permitted outline."""
        about = outline(verification) if verification is not None else None
        return LinkUnusable(self.detail, code=self.code, about=about)

    def digest(self, untrusted: str) -> bytes:
        """The search value of a secret.

        Raises: `LinkUnusable` if it is longer than ours.
        """
        if not isinstance(untrusted, str) or len(untrusted) > TOKEN_MAX_CHARACTERS:
            raise self.refusal()
        return secret_digest(untrusted)

    def mint(
        self, verification: Verification, *, at: datetime, expires_at: datetime, **columns: Any
    ) -> tuple[Minted, Access]:
        """A fresh secret and its row. `token` among the columns: a secret drawn before."""
        token = columns.pop("token", "") or secrets.token_urlsafe(TOKEN_BYTES)
        row = Access.objects.create(
            kind=self.kind,
            verification=verification,
            digest=secret_digest(token),
            created_at=at,
            expires_at=expires_at,
            **columns,
        )
        return Minted(token, expires_at), row

    def lock(self, **digest: bytes) -> Access:
        """The row with this `digest` or `second_digest`, with its session.

        Its verification is locked in the same statement, first in the common order, which prevents
        deadlocks.
        The row may change during the wait; so `use` or signed entries decide.

        Raises: `LinkUnusable`.
        """
        with transactions.looking_up(self.look_up):
            row = (
                self.rows.filter(**digest)
                .select_related("verification", "parent")
                .select_for_update(of=("verification",))
                .first()
            )
            if row is None:
                raise self.refusal()
            transactions.see(lender=row.verification.lender_id)
        return row

    def use(self, row: Access, **columns: Any) -> None:
        """Updates a row that is unchanged since it was read.

        One conditional UPDATE: of many simultaneous uses, one succeeds.

        Raises: `LinkUnusable`.
        """
        unused = self.rows.filter(
            pk=row.pk,
            second_digest=row.second_digest,
            expires_at=row.expires_at,
            spent_at=row.spent_at,
            outcome=row.outcome,
            number=row.number,
        )
        if unused.update(**columns) != 1:
            raise self.refusal(row.verification)
        for name, value in columns.items():
            setattr(row, name, value)


LINKS: Final = Door(LINK, "link", "this link cannot be used", "link_unusable")
SESSIONS: Final = Door(SESSION, "link", "no such session", "link_unusable")
PHONES: Final = Door(HAND_OVER, "hand_over", "this code cannot be used", "phone_code_unusable")
SIGNERS: Final = Door(
    MOBILE_SIGNING, "egov_mobile", "this code cannot be used", "mobile_code_unusable"
)


def mint_code(
    door: Door,
    session: Access,
    *,
    at: datetime,
    expires_at: datetime,
    most: int,
    turn: int | None = None,
) -> Minted | None:
    """A fresh code of a session, on record; the previous one ends.

    None after too many codes of its verification, or of its turn.
    """
    verification = session.verification
    earlier = door.rows.filter(verification=verification, turn=turn)
    if earlier.count() >= most:
        return None
    earlier.filter(outcome="").update(outcome=SUPERSEDED)
    minted, row = door.mint(verification, at=at, expires_at=expires_at, parent=session, turn=turn)
    body = {"session": bytes(session.digest).hex(), "expires_at": expires_at.isoformat()}
    moving.record(verification, f"{door.kind}.minted", at=at, body=entry_of(row) | body)
    return minted


def read_code(door: Door, row: Access, *, expires_at: datetime, **columns: Any) -> str:
    """The secret for a code's reader; a code is read once.

    Raises: `LinkUnusable`.
    """
    if row.second_digest is not None:
        raise door.refusal(row.verification)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    door.use(row, second_digest=secret_digest(token), expires_at=expires_at, **columns)
    return token


def is_in_time(row: Access, *, at: datetime) -> bool:
    """Whether the time of a row is not over."""
    return row.expires_at is not None and row.expires_at > at


def entry_of(code: Access) -> dict[str, Any]:
    """A code in entries: its hash, and for a signature the turn."""
    name, _ = CODE_FIELDS[code.kind]
    turn = {"turn": code.turn} if code.turn is not None else {}
    return {**turn, name: bytes(code.digest).hex()}


def outline(verification: Verification) -> Outline | None:
    """The lender's name and phone; None long after the end, of a blocked case, or if it does not
    open.
    """
    end = verification.finished_at
    if end is not None and end + timedelta(seconds=policy.LINK_TOLD_SECONDS) <= clock.now():
        return None
    if blocks.of_row(verification) is not None:
        return None
    with suppress(EvidenceUnreadable):
        case = contents.read(verification, contents.key_of(verification)).case
        number = case_number(verification.pk)
        return Outline(
            case.lender, number, verification.locale, is_renewal=case.renewal is not None
        )
    return None
