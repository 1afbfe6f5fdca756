"""Payouts in numbers: rows and signed entries as consumption leaves them, without cases behind
them.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from django.db import transaction

from lenders.models import Lender
from verification import clock
from verification.core.events import PAID
from verification.core.ids import new_id
from verification.log import log
from verification.models import AuditLeaf, Clearance, Verification

_TOGETHER = 30
"""Entries under one signature."""


def issued(lender: Lender, number: int, *, mode: str = "test", **columns: Any) -> list[Clearance]:
    """So many issued clearances, each of a verification of its own."""
    at = clock.now()
    rows = [
        Verification(
            lender=lender,
            mode=mode,
            client_reference=columns.get("client_reference", f"loan-{place}"),
            created_at=at,
            expires_at=at + timedelta(days=1),
            status="verified",
            locale="en",
            profile_id="KZ-2021-04",
            profile_sha256="0" * 64,
            combinations=[["eds"]],
            sealed_case=b"",
        )
        for place in range(number)
    ]
    clearances = [
        Clearance(
            verification=row,
            lender=lender,
            mode=mode,
            status="issued",
            profile_id="KZ-2021-04",
            contract_sha256=(new_id("ctr") * 3)[:64],
            cap_tiyn=15_000_000,
            created_at=at,
            issued_at=at,
        )
        for row in rows
    ]
    Verification.objects.bulk_create(rows, batch_size=500)
    Clearance.objects.bulk_create(clearances, batch_size=500)
    return clearances


def pay(
    clearances: Sequence[Clearance], times: Sequence[datetime] = (), *, delay: float = 0
) -> None:
    """Consumes them, some in one transaction each, of other sums; `delay`: seconds until each
    commit.
    """
    for together in batched(enumerate(clearances), _TOGETHER):
        with transaction.atomic(), log.gathering():
            for place, one in together:
                one.status, one.amount_tiyn = "consumed", 100 + place
                one.consumed_at = times[place] if times else clock.now()
                log.append(
                    log=one.mode,
                    type=PAID,
                    verification=one.verification,
                    verification_sequence=1,
                    at=one.consumed_at,
                    body={"clearance": one.pk, "amount": one.amount_tiyn},
                )
            paid = [one for _, one in together]
            Clearance.objects.bulk_update(paid, ["status", "amount_tiyn", "consumed_at"])
            time.sleep(delay)


def of_log(lender: Lender, mode: str = "test") -> list[tuple[str, str]]:
    """The clearance and the sum of each payout that the log has ordered for a lender."""
    leaves = AuditLeaf.objects.filter(log=mode, told_to=lender.pk, entry__type=PAID)
    bodies = leaves.values_list("entry__body", flat=True)
    return sorted(
        (body["clearance"], f"{body['amount'] // 100}.{body['amount'] % 100:02}") for body in bodies
    )
