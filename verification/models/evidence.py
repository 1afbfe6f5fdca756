"""Where sealed originals lie, and the key each verification has for them."""

from functools import partial

from django.db import models
from django.db.models import Q

from verification.core import ids
from verification.fields import HexField
from verification.models.cases import ID_LENGTH, Attempt, Verification


class DataKey(models.Model):
    """The wrapped key of one verification. Destroying it erases what it sealed."""

    verification = models.OneToOneField(
        Verification, on_delete=models.PROTECT, primary_key=True, related_name="key"
    )
    wrapped_key = models.BinaryField(null=True)
    kek_version = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)


class EvidenceItem(models.Model):
    """Where one sealed original lies, and the commitment to its plain bytes that stands in the log.

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
    # Its own key, wrapped by the verification's. Destroying it erases this item and no other; the
    # row stays, and with it what it is sought by.
    wrapped_key = models.BinaryField(null=True)
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
        # Most kinds are sought by nobody.
        indexes = (
            models.Index(
                fields=("seen_index",), condition=Q(seen_index__isnull=False), name="evidence_seen"
            ),
        )


class CaptureWord(models.Model):
    """A keyed word of one capture, by which a capture that comes again is found among those of all
    borrowers.

    It goes with the key of its verification.
    """

    pk = models.CompositePrimaryKey("attempt", "word")
    # A word is a hint, and what it finds is read: the database need not ask 400 times whether the
    # attempt is there.
    attempt = models.ForeignKey(
        Attempt, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    # Eight bytes of a keyed hash, as `vault.blind_words` gives them.
    word = models.BigIntegerField()

    class Meta:
        indexes = (models.Index(fields=("word", "attempt"), name="capture_word"),)


class SharedEvidence(models.Model):
    """Evidence about nobody (a revocation list, an anchor): kept once, in the clear, under its
    hash.
    """

    sha256 = HexField(primary_key=True)
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField()


class SharedEvidenceUse(models.Model):
    """Which attempt was judged by which shared evidence, under which kind."""

    pk = models.CompositePrimaryKey("attempt", "kind")
    attempt = models.ForeignKey(
        Attempt, on_delete=models.PROTECT, related_name="shared", db_index=False
    )
    evidence = models.ForeignKey(
        SharedEvidence, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=64)
