"""The append-only log, its order, and its signed heads."""

from functools import partial

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Length
from django.db.models.lookups import LessThanOrEqual

from verification.core import ids
from verification.core.events import (
    ACTORS,
    CREDITING,
    DECISIONS,
    HEARTBEAT,
    LOOKS,
    OF_ROOT,
    PAID,
    READINGS,
)
from verification.fields import CompactJwsField
from verification.models.cases import ID_LENGTH, Verification

# As text, so that queries and indexes agree: Django compares a bare JSON key as JSON.
BODY_LENGTH = 65_535
"""Maximum characters of an entry's body: the bytes of a leaf. Source: C2SP tlog-tiles."""
LOOKED_AT = Cast(KT("body__verification"), models.TextField())
ACTOR = Cast(KT("body__actor"), models.TextField())
READER = Cast(KT("body__person"), models.TextField())


class AuditEntry(models.Model):
    """One event. Inserted in the business transaction, never changed; `body` holds no personal
    data.
    """

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(ids.new_id, "evt"), editable=False
    )
    log = models.CharField(max_length=4)
    type = models.CharField(max_length=40)
    at = models.DateTimeField()
    verification = models.ForeignKey(
        Verification, on_delete=models.PROTECT, null=True, related_name="entries", db_index=False
    )
    verification_sequence = models.PositiveIntegerField(null=True)
    lender = models.ForeignKey(
        "lenders.Lender", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    body = models.JSONField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("verification",),
                condition=Q(type__in=DECISIONS),
                name="one_decision_per_verification",
            ),
            models.UniqueConstraint(
                fields=("verification", "verification_sequence"), name="one_entry_per_sequence"
            ),
            # A body too long for a leaf would have to be read whole before it could be refused.
            models.CheckConstraint(
                condition=LessThanOrEqual(Length(Cast("body", models.TextField())), BODY_LENGTH),
                name="body_is_no_longer_than_a_leaf",
            ),
        )
        indexes = (
            models.Index(
                fields=("log", "at"), condition=Q(type=HEARTBEAT), name="heartbeat_by_time"
            ),
            models.Index(
                fields=("log", "type"), condition=Q(type__in=OF_ROOT), name="entry_of_root"
            ),
            models.Index(
                fields=("verification",),
                condition=Q(type__in=CREDITING),
                name="crediting_of_verification",
            ),
            models.Index("log", ACTOR, condition=Q(type__in=ACTORS), name="statement_of_actor"),
            models.Index(
                fields=("lender", "log", "at", "id"), condition=Q(type=PAID), name="payout_by_time"
            ),
            models.Index("log", LOOKED_AT, condition=Q(type__in=LOOKS), name="look_at_case"),
            models.Index(
                "log", READER, "at", "id", condition=Q(type__in=READINGS), name="reading_by_person"
            ),
        )


class Receipt(models.Model):
    """The signed receipt of an ended verification, immutable: see `core/decision_receipt.py`.

    It holds no personal data, so it outlives the verification's key. Its SHA-256 is in the log.
    """

    verification = models.OneToOneField(
        Verification, on_delete=models.PROTECT, primary_key=True, related_name="receipt"
    )
    jws = CompactJwsField()


class AuditPending(models.Model):
    """Entries without a place yet. `refused`: the sequencer refuses it, because it lacks a
    worker's signature.
    """

    entry = models.OneToOneField(
        AuditEntry, on_delete=models.PROTECT, primary_key=True, related_name="pending"
    )
    refused = models.BooleanField(default=False)

    class Meta:
        indexes = (
            models.Index(fields=("entry",), condition=Q(refused=True), name="refused_entry"),
        )


class AuditLeaf(models.Model):
    """An ordered entry: its place in the log, and the RFC 6962 leaf hash of its content
    (`log.spell_leaf`).

    The hashed content is stored once, in the entry, from which the leaf is derived on each read.
    """

    entry = models.OneToOneField(
        AuditEntry, on_delete=models.PROTECT, primary_key=True, related_name="leaf"
    )
    log = models.CharField(max_length=4)
    leaf_index = models.PositiveBigIntegerField()
    # The lender that receives it as an event; empty without one.
    told_to = models.CharField(max_length=ID_LENGTH, blank=True)
    lender_sequence = models.PositiveBigIntegerField(null=True)
    leaf_hash = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("log", "leaf_index"), name="one_leaf_per_index"),
            models.UniqueConstraint(
                fields=("log", "told_to", "lender_sequence"),
                condition=Q(lender_sequence__isnull=False),  # most entries are no events
                name="one_leaf_per_lender_sequence",
            ),
        )


class AuditTile(models.Model):
    """Up to 256 hashes of one level of the tree, 32 bytes each."""

    log = models.CharField(max_length=4)
    level = models.PositiveSmallIntegerField()
    index = models.PositiveBigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("log", "level", "index"), name="one_tile_per_place"),
        )


class AuditHead(models.Model):
    """The size of an ordered log. Compare-and-set on `size` fences the sequencer."""

    log = models.CharField(primary_key=True, max_length=4)
    size = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    fence = models.CharField(max_length=32, blank=True)


class AuditCheckpoint(models.Model):
    """A signed statement of size and root (C2SP signed-note)."""

    log = models.CharField(max_length=4)
    size = models.PositiveBigIntegerField()
    note = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("log", "size"), name="one_checkpoint_per_size"),
        )
