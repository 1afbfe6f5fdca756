"""A verification and what the borrower, the lender's people and the workers do in it."""

from django.db import models
from django.db.models import Q

from verification.core import ids
from verification.core.status import OPEN

ID_LENGTH = 30
HASH_LENGTH = 64


class Verification(models.Model):
    """One borrower to be identified for one loan of one lender. The row is also its own queue: see `step`."""

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=ids.new_verification_id, editable=False)
    lender = models.ForeignKey("lenders.Lender", on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=4)
    client_reference = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    redacted_at = models.DateTimeField(null=True)
    disputed_at = models.DateTimeField(null=True)

    status = models.CharField(max_length=16)
    code = models.CharField(max_length=64, blank=True)
    last_failure = models.CharField(max_length=64, blank=True)
    locale = models.CharField(max_length=2)
    profile_id = models.CharField(max_length=32)
    profile_sha256 = models.CharField(max_length=HASH_LENGTH)
    combinations = models.JSONField()
    combination = models.JSONField(default=list)
    passed_routes = models.JSONField(default=list)
    route = models.CharField(max_length=32, blank=True)
    stage = models.CharField(max_length=32, blank=True)
    turn = models.PositiveIntegerField(default=0)

    sealed_case = models.BinaryField()
    borrower_index = models.BinaryField(null=True)
    borrower_index_version = models.PositiveSmallIntegerField(default=1)

    # The step a worker owes this row, and who holds it. Times are UTC.
    step = models.CharField(max_length=8, blank=True)
    due_at = models.DateTimeField(null=True)
    rung_until = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.CharField(max_length=32, blank=True)
    faults = models.PositiveSmallIntegerField(default=0)
    sequence = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("lender", "mode", "client_reference"),
                condition=Q(status__in=sorted(status.value for status in OPEN)),
                name="one_open_verification_per_reference",
            ),
        )
        indexes = (
            models.Index(fields=("step", "due_at"), name="verification_due"),
            models.Index(fields=("status", "expires_at"), name="verification_expiry"),
            models.Index(fields=("lender", "mode", "created_at", "id"), name="verification_of_lender"),
            models.Index(fields=("mode", "created_at", "id"), name="verification_by_mode"),
            models.Index(fields=("borrower_index",), name="verification_by_borrower"),
        )


class Attempt(models.Model):
    """One dialogue at one stage, and what became of it. `counted`: its stage limits how many may fail."""

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=ids.new_attempt_id, editable=False)
    verification = models.ForeignKey(Verification, on_delete=models.PROTECT, related_name="attempts")
    lender = models.ForeignKey("lenders.Lender", on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=4)
    borrower_index = models.BinaryField(null=True)
    route = models.CharField(max_length=32)
    stage = models.CharField(max_length=32)
    counted = models.BooleanField(default=False)
    burnt = models.BooleanField(default=False)
    status = models.CharField(max_length=8)
    code = models.CharField(max_length=64, blank=True)
    notice = models.CharField(max_length=64, blank=True)
    turn = models.PositiveIntegerField()
    answers = models.PositiveSmallIntegerField(default=0)
    sealed_memory = models.BinaryField()
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("lender", "mode", "borrower_index", "route", "stage"),
                condition=Q(status__in=("open", "judging"), counted=True),
                name="one_open_attempt_per_borrower",
            ),
            models.UniqueConstraint(
                fields=("verification",),
                condition=Q(status__in=("open", "judging")),
                name="one_open_attempt_per_verification",
            ),
        )
        indexes = (models.Index(fields=("status", "expires_at"), name="attempt_expiry"),)


class QuotaUse(models.Model):
    """How often a day (UTC) something was done for one phone, say. Counted by a keyed hash, over all lenders."""

    purpose = models.CharField(max_length=32)
    value_index = models.BinaryField()
    day = models.DateField(db_index=True)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("purpose", "value_index", "day"), name="one_count_per_day"),)


class CheckRecord(models.Model):
    """What one check said in one judged attempt."""

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=ids.new_check_id, editable=False)
    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="checks")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=64)
    outcome = models.CharField(max_length=12)
    code = models.CharField(max_length=64, blank=True)
    score = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    sealed_detail = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("attempt", "name"), name="one_record_per_check"),)


class ReviewVote(models.Model):
    """What one reviewer said of one attempt. It is never changed; the reason is evidence of the attempt."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="votes")
    person = models.CharField(max_length=ID_LENGTH)
    passes = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("attempt", "person"), name="one_vote_per_person"),)


class Link(models.Model):
    """A way in for the borrower. Only the SHA-256 of its token is kept."""

    token_sha256 = models.BinaryField(unique=True)
    verification = models.ForeignKey(Verification, on_delete=models.CASCADE, related_name="links")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True)


class BorrowerSession(models.Model):
    """The one browser that may answer. Taking over a successor link ends it."""

    token_sha256 = models.BinaryField(unique=True)
    verification = models.ForeignKey(Verification, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("verification",), condition=Q(ended_at=None), name="one_live_session_per_verification"
            ),
        )


class MobileSigning(models.Model):
    """The way of eGov Mobile to one open turn; its secrets as SHA-256. `outcome` is empty until it has ended."""

    verification = models.ForeignKey(Verification, on_delete=models.CASCADE, related_name="+")
    session = models.ForeignKey(BorrowerSession, on_delete=models.CASCADE, related_name="+")
    turn = models.PositiveIntegerField()
    code_sha256 = models.BinaryField(unique=True)
    access_sha256 = models.BinaryField(null=True, unique=True)
    expires_at = models.DateTimeField()
    outcome = models.CharField(max_length=64, blank=True)
