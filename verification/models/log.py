"""The append-only log, the order the sequencer gave it, and its signed heads."""

from functools import partial

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Length
from django.db.models.lookups import LessThanOrEqual

from verification.core import ids
from verification.core.events import CREDITING, DECISIONS, HEARTBEAT, LOOKS, OF_ROOT, READINGS
from verification.fields import CompactJwsField
from verification.models.cases import ID_LENGTH, Verification

# As text, and so that the queries and the indexes say the same: Django compares a bare key of JSON
# as JSON.
BODY_LENGTH = 65_535
"""Characters of an entry's body at most: the bytes of a leaf. Source: C2SP tlog-tiles."""
LOOKED_AT = Cast(KT("body__verification"), models.TextField())
READER = Cast(KT("body__person"), models.TextField())


class AuditEntry(models.Model):
    """Something that happened. Inserted in the business transaction, never changed; `body` holds no
    personal data.
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
            # What no leaf could hold would have to be read whole before it could be refused.
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
            models.Index("log", LOOKED_AT, condition=Q(type__in=LOOKS), name="look_at_case"),
            models.Index(
                "log", READER, "at", "id", condition=Q(type__in=READINGS), name="reading_by_person"
            ),
        )


class Receipt(models.Model):
    """The signed receipt of a verification that has ended, as it was made once: see
    `core/decision_receipt.py`.

    It holds nothing personal, so it outlives the verification's key. Its SHA-256 stands in the log.
    """

    verification = models.OneToOneField(
        Verification, on_delete=models.PROTECT, primary_key=True, related_name="receipt"
    )
    jws = CompactJwsField()


class AuditPending(models.Model):
    """Entries the sequencer has not ordered yet. `refused`: it will not, for no worker signed what
    it says.
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
    """An ordered entry: its place in the log, and the RFC 6962 leaf hash of what it says
    (`log.spell_leaf`).

    What was hashed is kept once, in the entry, from which the leaf is spelled whenever it is read.
    """

    entry = models.OneToOneField(
        AuditEntry, on_delete=models.PROTECT, primary_key=True, related_name="leaf"
    )
    log = models.CharField(max_length=4)
    leaf_index = models.PositiveBigIntegerField()
    # Whom it is told to: of an entry that is told to nobody, empty.
    told_to = models.CharField(max_length=ID_LENGTH, blank=True)
    lender_sequence = models.PositiveBigIntegerField(null=True)
    leaf_hash = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("log", "leaf_index"), name="one_leaf_per_index"),
            models.UniqueConstraint(
                fields=("log", "told_to", "lender_sequence"),
                condition=Q(lender_sequence__isnull=False),  # most entries are told to nobody
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
    """How far a log is ordered. Compare-and-set on `size` fences the sequencer."""

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
