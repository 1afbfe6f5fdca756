"""One clearance as its lender reads it. What counts is what a worker signed: `clearances.consume`
asks that.

That it is issued is told once the log has ordered it, as an end is: it lets money out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from verification.core.clearance import FROZEN, ISSUED, PROCESSING, TIYN
from verification.core.errors import NotFound
from verification.log import decided
from verification.models import Clearance
from verification.payout import clearances


@dataclass(frozen=True, kw_only=True)
class ClearanceView:
    """A clearance as its lender may see it. Sums are decimals in tenge; `gates`: name, status, at
    and source each.
    """

    id: str
    verification_id: str
    mode: str
    status: str
    code: str
    profile_id: str
    contract_sha256: str
    amount_max: str
    amount: str
    gates: Sequence[Mapping[str, Any]]
    created_at: datetime
    issued_at: datetime | None
    expires_at: datetime | None
    fresh_until: datetime | None
    consumed_at: datetime | None
    frozen_at: datetime | None


def view(*, lender_id: str, mode: str, clearance_id: str) -> ClearanceView:
    """The clearance of this lender; raises `NotFound` for none and for another's alike.

    One that its row alone says to be issued is told as consuming it would be answered: frozen.
    """
    own = Clearance.objects.annotate(is_unordered=decided.issue_waits()).select_related(
        "verification"
    )
    found = own.filter(pk=clearance_id, lender_id=lender_id, mode=mode)
    row = found.defer("verification__sealed_case").first()
    if row is None:
        raise NotFound("no such clearance")
    status = row.status
    if status == ISSUED and row.is_unordered:
        status, row.gates, row.issued_at, row.expires_at, row.fresh_until = (
            PROCESSING,
            [],
            None,
            None,
            None,
        )
    elif status == ISSUED and not clearances.is_sound(row.verification, row.pk):
        status = FROZEN
    return ClearanceView(
        id=row.pk,
        verification_id=row.verification_id,
        mode=row.mode,
        status=status,
        code=row.code,
        profile_id=row.profile_id,
        contract_sha256=row.contract_sha256,
        amount_max=f"{row.cap_tiyn // TIYN}.{row.cap_tiyn % TIYN:02}",
        amount=""
        if row.amount_tiyn is None
        else f"{row.amount_tiyn // TIYN}.{row.amount_tiyn % TIYN:02}",
        gates=row.gates,
        created_at=row.created_at,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        fresh_until=row.fresh_until,
        consumed_at=row.consumed_at,
        frozen_at=row.frozen_at,
    )
