"""The microcredit organizations that call the API, and what belongs to their access."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from lenders import parsing, policy
from verification.core import profiles
from verification.core.errors import BadInput
from verification.core.ids import new_id, parse_office_phone
from verification.fields import HexField

ID_LENGTH = 30
NAME_LENGTH = 200
HASH_LENGTH = 64


def _checked(parse: Callable[[Any], object], untrusted: Any) -> None:
    try:
        parse(untrusted)
    except BadInput as error:
        raise ValidationError(error.detail, code=error.code) from error


def checked_test_calendar(untrusted: Any) -> None:
    """Refuses in a form what is no calendar."""
    _checked(profiles.parse_calendar, untrusted)


def checked_live_calendar(untrusted: Any) -> None:
    """Refuses in a form what is no calendar, or is laxer than the law."""
    _checked(profiles.parse_live_calendar, untrusted)


def checked_phone(untrusted: Any) -> None:
    """Refuses in a form what is no telephone number in E.164 form."""
    _checked(parse_office_phone, untrusted)
    if parse_office_phone(untrusted) != untrusted:
        raise ValidationError("write it as +7xxxxxxxxxx, without blanks", code="phone_malformed")


def checked_name(untrusted: Any) -> None:
    """Refuses in a form a name that hides something, or in which a row of a statement could be
    drawn.
    """
    _checked(partial(parsing.text, longest=NAME_LENGTH), untrusted)


class Lender(models.Model):
    """A microcredit organization, with the dated legal profiles that it goes by: see
    `core/profiles.py`.

    The live one is chosen explicitly; a test lender holds KZ-2021-04 unless told. `return_urls`:
    where a borrower may be sent back to, without query. `phone`: where it answers its borrowers;
    every ending of theirs names it.
    """

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(new_id, "len"), editable=False
    )
    name = models.CharField(max_length=NAME_LENGTH, validators=[checked_name])
    bin = models.CharField(max_length=12, unique=True)
    phone = models.CharField(max_length=12, validators=[checked_phone])
    test_calendar = models.JSONField(
        default=partial(profiles.calendar_of, "KZ-2021-04"), validators=[checked_test_calendar]
    )
    live_calendar = models.JSONField(default=list, blank=True, validators=[checked_live_calendar])
    return_urls = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # No borrower is left without a number to call, whatever makes the row.
        constraints = (
            models.CheckConstraint(
                condition=Q(phone__startswith="+7"), name="lender_can_be_called"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises `ValidationError` where a calendar is none, or live keys would be left without a
        profile.
        """
        # A validator sees nothing that is empty, such as `{}`.
        for name in ("test_calendar", "live_calendar"):
            if not isinstance(getattr(self, name), list):
                rule = "a calendar is a list, empty or not"
                raise ValidationError({name: ValidationError(rule, code="calendar_malformed")})
        if not self.live_calendar and self.keys.filter(mode="live", revoked_at=None).exists():
            rule = "it has live keys: name the profile that they go by"
            raise ValidationError({"live_calendar": ValidationError(rule, code="calendar_empty")})


class ApiKey(models.Model):
    """A lender's key for one mode. Only its SHA-256 is kept: with 256 random bits that is as good
    as the key's safe.

    `cidrs`: networks it may be used from, none for any. Several may be valid at once, as during a
        rotation.
    """

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(new_id, "key"), editable=False
    )
    lender = models.ForeignKey(Lender, on_delete=models.PROTECT, related_name="keys")
    mode = models.CharField(max_length=4)
    sha256 = models.CharField(max_length=HASH_LENGTH, unique=True)
    # The first characters, by which people tell keys apart; far too few to guess the rest.
    shown = models.CharField(max_length=20)
    scopes = models.JSONField(default=list)
    cidrs = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.id} ({self.shown}…)"


class IdempotentRequest(models.Model):
    """One idempotency key of a lender: reserved before the work, then holding the sealed answer.

    `key_sha256`: lenders put references, and who knows what else, into their keys. `fence` names
    the request that works on it, until `reserved_until` or the end of its process, by `process`:
    see `verification.transactions`.
    """

    lender = models.ForeignKey(Lender, on_delete=models.PROTECT, related_name="+", db_index=False)
    mode = models.CharField(max_length=4)
    key_sha256 = HexField()
    request_sha256 = HexField()
    fence = HexField()
    process = models.PositiveIntegerField()
    reserved_until = models.DateTimeField()
    created_at = models.DateTimeField(db_index=True)
    answered_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    sealed_answer = models.BinaryField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("lender", "mode", "key_sha256"), name="one_request_per_key"
            ),
        )

    def __str__(self) -> str:
        return f"request {self.pk}"


class WebhookEndpoint(models.Model):
    """Where a lender wants to be told. `cursor`: the last `lender_sequence` that was turned into a
    delivery.

    Moving the cursor by compare-and-set in the transaction that makes the deliveries is the fence
    of the pump.
    `events`: the types wanted, none for all. `failures`: tries in a row that were no success;
    `paused_until`: nothing is sent before, because of them or because it asked so. `deleted_at`
    keeps the row: its deliveries are a record.
    """

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(new_id, "whe"), editable=False
    )
    lender = models.ForeignKey(Lender, on_delete=models.PROTECT, related_name="endpoints")
    mode = models.CharField(max_length=4)
    url = models.CharField(max_length=2048)
    events = models.JSONField(default=list)
    sealed_secret = models.BinaryField()
    sealed_previous_secret = models.BinaryField(null=True)
    previous_secret_until = models.DateTimeField(null=True)
    sealed_signing_key = models.BinaryField()
    public_key = models.CharField(max_length=64)
    cursor = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=32, blank=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("mode", "id"),
                condition=Q(disabled_at=None, deleted_at=None),
                name="endpoint_awake",
            ),
        )

    def __str__(self) -> str:
        return self.id

    @property
    def failing(self) -> bool:
        """Whether its last answer was no success."""
        return self.failures > 0

    @property
    def version(self) -> str:
        """The version of the API by which its messages are spelled."""
        return policy.API_VERSION


class Delivery(models.Model):
    """One message to one endpoint; a redelivery is another row with the same event and body.

    `status`: pending, delivered, exhausted or canceled. `body` is fixed when the row is made, so
    every try, whenever, brings the same bytes. `lease_until` and `fence` keep senders apart.
    `redelivery_of`: the first delivery's id, which is forgotten before its copies are.
    """

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(new_id, "dlv"), editable=False
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries"
    )
    lender = models.ForeignKey(Lender, on_delete=models.PROTECT, related_name="+", db_index=False)
    mode = models.CharField(max_length=4)
    event_id = models.CharField(max_length=ID_LENGTH)
    type = models.CharField(max_length=40)
    lender_sequence = models.PositiveBigIntegerField(null=True)
    event_at = models.DateTimeField()
    redelivery_of = models.CharField(max_length=ID_LENGTH, blank=True)
    body = models.BinaryField()
    created_at = models.DateTimeField()

    status = models.CharField(max_length=10, default="pending")
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    fence = models.CharField(max_length=32, blank=True)
    finished_at = models.DateTimeField(null=True)

    response_status = models.PositiveSmallIntegerField(null=True)
    response_excerpt = models.TextField(blank=True)
    response_ms = models.PositiveIntegerField(null=True)
    failure = models.CharField(max_length=32, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("endpoint", "event_id"),
                condition=Q(redelivery_of=""),
                name="one_delivery_per_event",
            ),
        )
        indexes = (
            models.Index(
                fields=("endpoint", "due_at", "lender_sequence"),
                condition=Q(status="pending"),
                name="delivery_due",
            ),
            models.Index(fields=("lender", "mode", "created_at", "id"), name="delivery_of_lender"),
            models.Index(
                fields=("lender", "mode", "event_at", "id"),
                condition=Q(redelivery_of=""),
                name="delivery_by_event",
            ),
            models.Index(
                fields=("lease_until",),
                condition=Q(lease_until__isnull=False),
                name="delivery_in_flight",
            ),
            models.Index(fields=("created_at",), name="delivery_by_age"),
            models.Index(
                fields=("lender", "mode"), condition=Q(status="pending"), name="delivery_waiting"
            ),
        )

    def __str__(self) -> str:
        return self.id

    @property
    def next_try_at(self) -> datetime | None:
        """When it is sent again; None once it is over."""
        return self.due_at if self.status == "pending" else None

    @property
    def last_response(self) -> "Delivery | None":
        """The row itself, for its columns of the response; None before the endpoint answered or
        failed to.
        """
        return self if self.response_status is not None or self.failure else None


class Sender(models.Model):
    """A running `manage.py deliver`, which says every few seconds that it lives."""

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(new_id, "snd"), editable=False
    )
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id
