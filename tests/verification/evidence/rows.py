"""A verification with a kept key."""

from datetime import UTC, datetime, timedelta

from lenders.models import Lender
from verification.core.ids import new_id
from verification.evidence import vault
from verification.evidence.vault import Key
from verification.models import Verification

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def add_key(bin: str = "123456789012") -> Key:
    lender, _ = Lender.objects.get_or_create(
        bin=bin, defaults={"name": "Lender", "phone": "+77270000044"}
    )
    verification = Verification.objects.create(
        lender=lender,
        mode="test",
        client_reference=new_id("ref"),
        created_at=NOON,
        expires_at=NOON + timedelta(days=1),
        status="processing",
        locale="en",
        profile_id="KZ-2021-04",
        profile_sha256="0" * 64,
        combinations=[["eds"]],
        sealed_case=b"",
    )
    key = vault.make(verification_id=verification.pk, lender_id=lender.pk)
    vault.keep(key)
    return key
