"""The places of sealed originals, and the key of each verification."""

from functools import partial

from django.db import models
from django.db.models import Q

from verification.core import ids
from verification.fields import HexField
from verification.models.cases import ID_LENGTH, Attempt, Verification


class DataKey(models.Model):
    """The wrapped key of one verification. Destroying it erases all data sealed under it."""

    verification = models.OneToOneField(
        Verification, on_delete=models.PROTECT, primary_key=True, related_name="key"
    )
    wrapped_key = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)


class EvidenceItem(models.Model):
    """The place of one sealed original, and the commitment to its plain bytes in the log.

    Its sealed bytes are `sealed`, or a part of the file `sealed_sha256`, from `offset` on.
    """

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(ids.new_id, "evd"), editable=False
    )
    verification = models.ForeignKey(
        Verification, on_delete=models.PROTECT, related_name="evidence"
    )
    attempt = models.ForeignKey(
        Attempt, on_delete=models.PROTECT, null=True, related_name="evidence", db_index=False
    )
    kind = models.CharField(max_length=64)
    sealed_sha256 = HexField()
    offset = models.PositiveIntegerField(default=0)
    sealed = models.BinaryField(null=True)
    # Its own key, wrapped by the verification's, in a box for workers. Destroying it erases this
    # item only; the row and its index stay.
    wrapped_key = models.BinaryField(null=True)
    # The same without the box, while web may read the item.
    lent_key = models.BinaryField(null=True)
    destroyed_at = models.DateTimeField(null=True)
    commitment = HexField()
    seen_index = models.BinaryField(null=True)
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("attempt", "kind"), name="one_item_per_kind_and_attempt"
            ),
        )
        # Most kinds are never searched.
        indexes = (
            models.Index(
                fields=("seen_index",), condition=Q(seen_index__isnull=False), name="evidence_seen"
            ),
            # Few are lent at a time.
            models.Index(
                fields=("verification",), condition=Q(lent_key__isnull=False), name="evidence_lent"
            ),
        )


class CaptureWord(models.Model):
    """A keyed word of one capture, which finds a repeated capture among all borrowers'.

    It is deleted with the key of its verification.
    """

    pk = models.CompositePrimaryKey("attempt", "word")
    # A word is a hint, and its matches are read: the database need not check 400 times that the
    # attempt exists.
    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    # Eight bytes of a keyed hash, as `vault.blind_words` gives them.
    word = models.BigIntegerField()

    class Meta:
        indexes = (models.Index(fields=("word", "attempt"), name="capture_word"),)


class SharedEvidence(models.Model):
    """Evidence about no person (a revocation list, an anchor): stored once, in clear, under its
    hash.
    """

    sha256 = HexField(primary_key=True)
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField()


class SharedEvidenceUse(models.Model):
    """The shared evidence of an attempt's judgement, and its kind."""

    pk = models.CompositePrimaryKey("attempt", "kind")
    attempt = models.ForeignKey(
        Attempt, on_delete=models.PROTECT, related_name="shared", db_index=False
    )
    evidence = models.ForeignKey(
        SharedEvidence, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=64)
