"""A verification and what the borrower, the lender's people and the workers do in it."""

from functools import partial
from typing import Any

from django.db import models
from django.db.models import Q

from verification.core import ids
from verification.core.ids import HAND_OVER, LINK, MOBILE_SIGNING, SESSION
from verification.core.status import OPEN, Status
from verification.fields import HexField

ID_LENGTH = 30
HASH_LENGTH = 64
PAGE = ("created_at", "id")
_OPEN = sorted(status.value for status in OPEN)


class Verification(models.Model):
    """One borrower to be identified for one loan of one lender. The row is also its own queue: see
    `step`.
    """

    # While its entries lead it on: see `case.moving`.
    history: Any = None

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(ids.new_id, "ver"), editable=False
    )
    lender = models.ForeignKey(
        "lenders.Lender", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    mode = models.CharField(max_length=4)
    # Whose borrower is asked for a new consent once the wait is over; it has the same reference.
    renews = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="renewals",
        db_index=False,
        editable=False,
    )
    # The lender's own name for the request: one open verification has it, so that a repeated
    # opening finds the first.
    client_reference = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    in_review_since = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # When the key was destroyed. The row stays: the log speaks of it for ever.
    redacted_at = models.DateTimeField(null=True)
    disputed_at = models.DateTimeField(null=True)
    # When the borrower went on at a phone that had scanned the code on the page, last.
    handed_over_at = models.DateTimeField(null=True)
    # When the lender says that the credit's obligation began and ended: the retention clock.
    obligation_opened_at = models.DateTimeField(null=True)
    obligation_closed_at = models.DateTimeField(null=True)
    # When the camera's frames go that are not kept; empty where there are none, where they have
    # gone, or are held.
    frames_until = models.DateTimeField(null=True)
    # When the lender's contract was signed, as it reported, and until when its money waits where a
    # law makes it.
    contract_signed_at = models.DateTimeField(null=True)
    release_not_before = models.DateTimeField(null=True)
    # By how much its lender's test clock was advanced since it was opened: 0 of all that is live.
    advanced_seconds = models.PositiveIntegerField(default=0)

    status = models.CharField(max_length=16)
    code = models.CharField(max_length=64, blank=True)
    last_failure = models.CharField(max_length=64, blank=True)
    locale = models.CharField(max_length=2)
    # The law it was opened under, pinned with its hash: a profile that changes later changes
    # nothing here.
    profile_id = models.CharField(max_length=32)
    profile_sha256 = HexField()
    # Every combination that would suffice, the one chosen, and which of its routes have passed, in
    # order.
    combinations = models.JSONField()
    combination = models.JSONField(default=list)
    passed_routes = models.JSONField(default=list)
    route = models.CharField(max_length=32, blank=True)
    stage = models.CharField(max_length=32, blank=True)
    # Counts on over all attempts: a number that was posted once never fits again.
    turn = models.PositiveIntegerField(default=0)

    sealed_case = models.BinaryField()
    borrower_index = models.BinaryField(null=True)
    borrower_index_version = models.PositiveSmallIntegerField(default=1)

    # The step a worker owes this row, who has it in hand and who holds it. Times are UTC by the
    # database's clock.
    step = models.CharField(max_length=8, blank=True)
    queue = models.CharField(max_length=16, blank=True)
    due_at = models.DateTimeField(null=True)
    reserved_until = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.CharField(max_length=32, blank=True)
    faults = models.PositiveSmallIntegerField(default=0)
    sequence = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                # The reference first: by an index of a lender's open rows a page of them would read
                # and sort them all.
                fields=("client_reference", "lender", "mode"),
                condition=Q(status__in=_OPEN, renews=None),
                name="one_open_verification_per_reference",
            ),
            models.UniqueConstraint(
                fields=("renews",),
                condition=Q(status__in=_OPEN, renews__isnull=False),
                name="one_open_renewal",
            ),
        )
        # Lists are pages by `created_at` and `id`: each way to ask has an index that ends with
        # them, so that a page of what is rare, or of nothing at all, is read without walking
        # through everything else.
        indexes = (
            models.Index(
                fields=("queue", "lender", "due_at"),
                condition=Q(due_at__isnull=False),
                name="verification_due",
            ),
            models.Index(
                fields=("expires_at",),
                condition=Q(status=Status.REQUIRES_INPUT.value),
                name="verification_expiry",
            ),
            models.Index(
                fields=("frames_until",),
                condition=Q(frames_until__isnull=False),
                name="verification_frames",
            ),
            models.Index(
                fields=("lender", "mode", "in_review_since", "id"),
                condition=Q(status=Status.IN_REVIEW.value),
                name="verification_in_review",
            ),
            models.Index(
                fields=("in_review_since",),
                condition=Q(status=Status.IN_REVIEW.value),
                name="verification_overdue",
            ),
            models.Index(
                fields=("lender", "mode", "client_reference", *PAGE),
                name="verification_by_reference",
            ),
            models.Index(fields=("lender", "mode", *PAGE), name="verification_of_lender"),
            models.Index(fields=("lender", "mode", "status", *PAGE), name="of_lender_by_status"),
            models.Index(fields=("lender", "mode", "route", *PAGE), name="of_lender_by_route"),
            models.Index(
                fields=("lender", "mode", "route", "status", *PAGE), name="of_lender_by_both"
            ),
            models.Index(fields=("mode", *PAGE), name="verification_by_mode"),
            models.Index(fields=("mode", "status", *PAGE), name="verification_by_status"),
            models.Index(fields=("mode", "route", *PAGE), name="verification_by_route"),
            models.Index(fields=("mode", "route", "status", *PAGE), name="verification_by_both"),
            models.Index(fields=("borrower_index", "mode", *PAGE), name="verification_by_borrower"),
        )


class Attempt(models.Model):
    """One dialogue at one stage, and what became of it. `counted`: its stage limits how many may
    fail.
    """

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(ids.new_id, "att"), editable=False
    )
    verification = models.ForeignKey(
        Verification, on_delete=models.PROTECT, related_name="attempts"
    )
    lender = models.ForeignKey(
        "lenders.Lender", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    mode = models.CharField(max_length=4)
    borrower_index = models.BinaryField(null=True)
    route = models.CharField(max_length=32)
    stage = models.CharField(max_length=32)
    counted = models.BooleanField(default=False)
    # Whether it used up one of the borrower's tries: our own faults do not.
    burnt = models.BooleanField(default=False)
    status = models.CharField(max_length=8)
    code = models.CharField(max_length=64, blank=True)
    notice = models.CharField(max_length=64, blank=True)
    turn = models.PositiveIntegerField()
    answers = models.PositiveSmallIntegerField(default=0)
    # What the stage remembers between turns, secrets among it; only `prompt` decides what of it may
    # leave.
    sealed_memory = models.BinaryField()
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("lender", "mode", "borrower_index", "stage"),
                condition=Q(status__in=("open", "judging"), counted=True),
                # Two verifications at once would else double the tries of a day.
                name="one_open_attempt_per_borrower",
            ),
            models.UniqueConstraint(
                fields=("verification",),
                condition=Q(status__in=("open", "judging")),
                # The database holds it, whatever two workers think they have read.
                name="one_open_attempt_per_verification",
            ),
        )
        indexes = (
            models.Index(fields=("expires_at",), condition=Q(status="open"), name="attempt_expiry"),
            models.Index(
                fields=("borrower_index", "lender", "stage", "closed_at"),
                condition=Q(burnt=True),
                name="attempt_burnt",
            ),
            models.Index(fields=("borrower_index", "opened_at"), name="attempt_of_borrower"),
        )


class QuotaUse(models.Model):
    """How often a day (UTC) something was done for one phone, say. Counted by a keyed hash, over
    all lenders.
    """

    purpose = models.CharField(max_length=32)
    # Keyed like `borrower_index`: a table of telephone numbers would be a list of people who want a
    # loan.
    value_index = models.BinaryField()
    day = models.DateField(db_index=True)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("purpose", "value_index", "day"), name="one_count_per_day"
            ),
        )


class RateCount(models.Model):
    """How often something was done in a window, over all processes, as far as they have told."""

    name = models.CharField(max_length=64)
    starts_at = models.DateTimeField()
    number = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("name", "starts_at"), name="one_count_per_window"),
        )


class MonthlyCount(models.Model):
    """How many verifications opened in a month (its first day) stand thus. Triggers and `sweep`
    keep it.

    `status`: open, or how they have ended; `code` is the reason of those that have.
    """

    mode = models.CharField(max_length=4)
    month = models.DateField()
    route = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=16)
    code = models.CharField(max_length=64, blank=True)
    number = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("mode", "month", "route", "status", "code"), name="one_count_per_month"
            ),
        )


class MonthlyChange(models.Model):
    """What a verification that began or moved adds to a count or takes from it, until `sweep` has
    added it up.

    A row of its own, because two transactions that changed one count would wait for each other.
    """

    mode = models.CharField(max_length=4)
    month = models.DateField()
    route = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=16)
    code = models.CharField(max_length=64, blank=True)
    number = models.SmallIntegerField()


class ReviewVote(models.Model):
    """What one reviewer said of one attempt. It is never changed; the reason is evidence of the
    attempt.
    """

    attempt = models.ForeignKey(
        Attempt, on_delete=models.PROTECT, related_name="votes", db_index=False
    )
    person = models.CharField(max_length=ID_LENGTH)
    passes = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("attempt", "person"), name="one_vote_per_person"),
        )


class Access(models.Model):
    """A secret by which somebody comes in, by its SHA-256; its `kind` says what it opens.

    link: the borrower's way in. session: the one browser that may answer; a successor ends it.
    hand_over: a code that a phone scans. mobile_signing: a code of eGov Mobile for one open turn.
    `second_digest`: of the secret that the reader of a code goes on by.
    `parent`: the session that made a code.
    `spent_at`: when a link was spent or a session ended. `outcome`: what became of a code.
    `number`: what both screens must share, drawn once the phone has answered the question.
    `sealed`: which browser the phone has.
    """

    kind = models.CharField(max_length=16)
    verification = models.ForeignKey(Verification, on_delete=models.CASCADE, related_name="access")
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    digest = models.BinaryField(unique=True)
    second_digest = models.BinaryField(null=True, unique=True)
    turn = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    spent_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=64, blank=True)
    number = models.CharField(max_length=4, blank=True)
    sealed = models.BinaryField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("verification",),
                condition=Q(kind=SESSION, spent_at=None),
                name="one_live_session_per_verification",
            ),
            models.CheckConstraint(
                condition=(
                    Q(kind=LINK, parent=None, turn=None, expires_at__isnull=False)
                    | Q(kind=SESSION, parent=None, turn=None, expires_at=None)
                    | Q(kind=HAND_OVER, parent__isnull=False, turn=None, expires_at__isnull=False)
                    | Q(
                        kind=MOBILE_SIGNING,
                        parent__isnull=False,
                        turn__isnull=False,
                        expires_at__isnull=False,
                    )
                ),
                name="access_fits_its_kind",
            ),
        )
