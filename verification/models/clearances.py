"""What a lender's payout step presents before payout."""

from functools import partial

from django.db import models
from django.db.models import Q

from verification.core import clearance, ids
from verification.models.cases import HASH_LENGTH, ID_LENGTH, Verification


class Clearance(models.Model):
    """One request for the payout of one verification. Sums are in tiyn, a hundredth of a tenge."""

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(ids.new_id, "clr"), editable=False
    )
    verification = models.ForeignKey(
        Verification, on_delete=models.PROTECT, related_name="clearances", db_index=False
    )
    lender = models.ForeignKey(
        "lenders.Lender", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    mode = models.CharField(max_length=4)
    status = models.CharField(max_length=16, default=clearance.PROCESSING)
    code = models.CharField(max_length=64, blank=True)
    # The lender's law at the request; the verification's law applies too.
    profile_id = models.CharField(max_length=32)
    contract_sha256 = models.CharField(max_length=HASH_LENGTH)
    cap_tiyn = models.BigIntegerField()
    created_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    # Until when the answers under its gates are fresh enough.
    fresh_until = models.DateTimeField(null=True)
    # Keyed, over its own id and the value: equal values of two clearances look different.
    iin_index = models.BinaryField(null=True)
    account_index = models.BinaryField(null=True)
    gates = models.JSONField(default=list)
    consumed_at = models.DateTimeField(null=True)
    amount_tiyn = models.BigIntegerField(null=True)
    frozen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("verification",),
                condition=Q(status__in=clearance.OPEN),
                name="one_open_clearance",
            ),
            models.UniqueConstraint(
                fields=("verification",),
                condition=Q(status=clearance.CONSUMED),
                name="one_consumed_clearance",
            ),
            models.UniqueConstraint(
                fields=("lender", "mode", "contract_sha256"),
                condition=Q(status=clearance.CONSUMED),
                name="one_payout_per_contract",
            ),
        )
        indexes = (
            models.Index(fields=("verification", "created_at"), name="clearance_of_verification"),
            models.Index(
                fields=("lender", "mode", "contract_sha256"), name="clearance_of_contract"
            ),
            models.Index(fields=("lender", "mode", "created_at", "id"), name="clearance_of_lender"),
            models.Index(
                fields=("lender", "mode", "status", "created_at", "id"), name="clearance_by_status"
            ),
            models.Index(
                fields=("lender", "mode", "created_at"),
                condition=Q(
                    status=clearance.REFUSED, code__in=sorted(clearance.ATTESTATION_ASKED_BY)
                ),
                name="clearance_to_attest",
            ),
        )
