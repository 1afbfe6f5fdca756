"""A verification and the acts of its borrower, the lender's people and the workers."""

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
    """One borrower to be identified for one loan of one lender. The row is also its own queue:
    see `step`.
    """

    # Set while its entries move it: see `case.moving`.
    history: Any = None

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(ids.new_id, "ver"), editable=False
    )
    lender = models.ForeignKey(
        "lenders.Lender", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    mode = models.CharField(max_length=4)
    # The verification whose consent it renews after the wait; it has the same reference.
    renews = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="renewals",
        db_index=False,
        editable=False,
    )
    # The lender's id of the request: at most one open verification has it, so a repeated opening
    # finds the first.
    client_reference = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    in_review_since = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # When the key was destroyed. The row stays, because the log refers to it for ever.
    redacted_at = models.DateTimeField(null=True)
    redaction_requested_at = models.DateTimeField(null=True)
    consent_withdrawn_at = models.DateTimeField(null=True)
    # When its personal data are erased; empty while an obligation is open, and after it.
    kept_until = models.DateTimeField(null=True)
    disputed_at = models.DateTimeField(null=True)
    # When the borrower last continued on a phone that scanned the page's code.
    handed_over_at = models.DateTimeField(null=True)
    # The obligation's start and end, as the lender reports them: the retention clock.
    obligation_opened_at = models.DateTimeField(null=True)
    obligation_closed_at = models.DateTimeField(null=True)
    # When unneeded camera frames are destroyed; empty without frames, after the destruction, or
    # while held.
    frames_until = models.DateTimeField(null=True)
    # The contract's signature as reported, and the end of its wait, if a law imposes one.
    contract_signed_at = models.DateTimeField(null=True)
    release_not_before = models.DateTimeField(null=True)
    # The total advance of its lender's test clock since the opening: 0 in live mode.
    advanced_seconds = models.PositiveIntegerField(default=0)

    status = models.CharField(max_length=16)
    code = models.CharField(max_length=64, blank=True)
    last_failure = models.CharField(max_length=64, blank=True)
    locale = models.CharField(max_length=2)
    # The law of its opening, pinned with its hash: later changes of a profile change nothing here.
    profile_id = models.CharField(max_length=32)
    profile_sha256 = HexField()
    # Every sufficient combination, the chosen one, and its passed routes, in order.
    combinations = models.JSONField()
    combination = models.JSONField(default=list)
    passed_routes = models.JSONField(default=list)
    route = models.CharField(max_length=32, blank=True)
    stage = models.CharField(max_length=32, blank=True)
    # Continues over all attempts: a number that was posted once never fits again.
    turn = models.PositiveIntegerField(default=0)

    sealed_case = models.BinaryField()
    borrower_index = models.BinaryField(null=True)
    borrower_index_version = models.PositiveSmallIntegerField(default=1)

    # The due step, the worker that reserved it, and the one that holds it. Times are UTC by the
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
                # The reference first: an index of a lender's open rows would read and sort them
                # all.
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
        # Lists are pages by `created_at` and `id`. Each query has an index that ends with them, so
        # a page of rare rows, or an empty one, needs no full scan.
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
                fields=("kept_until",),
                condition=Q(kept_until__isnull=False),
                name="verification_kept",
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
    """One dialogue at one stage, and its outcome. `counted`: its stage limits its failures."""

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
    # The stage's memory between turns, with secrets; only `prompt` releases parts of it.
    sealed_memory = models.BinaryField()
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("lender", "mode", "borrower_index", "stage"),
                condition=Q(status__in=("open", "judging"), counted=True),
                # Two verifications at once would otherwise double the tries of a day.
                name="one_open_attempt_per_borrower",
            ),
            models.UniqueConstraint(
                fields=("verification",),
                condition=Q(status__in=("open", "judging")),
                # The database enforces it, whatever two workers have read.
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
    """Uses of a daily quota (UTC), for one phone, for example. Counted by a keyed hash, over all
    lenders.
    """

    purpose = models.CharField(max_length=32)
    # Keyed like `borrower_index`: a table of phone numbers would be a list of people who want a
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
    """Count of an action in a window, over all processes, as far as they have shared it."""

    name = models.CharField(max_length=64)
    starts_at = models.DateTimeField()
    number = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("name", "starts_at"), name="one_count_per_window"),
        )


class MonthlyCount(models.Model):
    """Verifications opened in a month (its first day), by their present status. Triggers and
    `sweep` maintain it.

    `status`: open, or the end; `code`: the reason of an end. `last_failure`: what used up the last
    try, where the tries are the reason.
    """

    mode = models.CharField(max_length=4)
    month = models.DateField()
    route = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=16)
    code = models.CharField(max_length=64, blank=True)
    last_failure = models.CharField(max_length=64, blank=True)
    number = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("mode", "month", "route", "status", "code", "last_failure"),
                name="one_count_per_month",
            ),
        )


class MonthlyChange(models.Model):
    """A change of a count by a verification that began or moved, until `sweep` has added it.

    A separate row, because two transactions that change one count would wait for each other.
    """

    mode = models.CharField(max_length=4)
    month = models.DateField()
    route = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=16)
    code = models.CharField(max_length=64, blank=True)
    last_failure = models.CharField(max_length=64, blank=True)
    number = models.SmallIntegerField()


class Pulse(models.Model):
    """A running tick or worker, which reports every few seconds; `queues`: served, with blanks."""

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, editable=False)
    kind = models.CharField(max_length=8)
    queues = models.CharField(max_length=100, blank=True)
    seen_at = models.DateTimeField()


class ReviewVote(models.Model):
    """One reviewer's vote on one attempt. Immutable; the reason is evidence of the attempt."""

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
    """An access secret, by its SHA-256; its `kind` says what it opens.

    link: for the borrower's first page. session: the one browser that may answer; a successor ends
    it.
    hand_over: a code for a phone. mobile_signing: an eGov Mobile code for one open turn.
    second_digest: of the secret that the code's reader gets.
    parent: the session that made a code.
    spent_at: when a link was spent or a session ended. outcome: of a code.
    number: the number to match, drawn after the phone's answer.
    sealed: the phone's browser.
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
