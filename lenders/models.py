"""The microcredit organizations that call the API, and their access data."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lenders import parsing, policy
from verification.core import profiles
from verification.core.errors import BadInput
from verification.core.ids import Bin, new_id, parse_office_phone
from verification.fields import HexField

ID_LENGTH = 30
NAME_LENGTH = 200
HASH_LENGTH = 64
MODES = [("test", _("Test")), ("live", _("Live"))]
STATUSES = [
    ("pending", _("waits")),
    ("delivered", _("delivered")),
    ("exhausted", _("given up")),
    ("canceled", _("canceled")),
]
FAILURES = [
    ("webhook_url_refused", _("an address that may not be called")),
    ("secret_unreadable", _("our secret cannot be read")),
    ("internal", _("a fault of ours")),
    ("name_unresolved", _("the name has no address")),
    ("connection_failed", _("no connection")),
    ("tls_failed", _("no secure connection")),
    ("timeout", _("no answer in time")),
    ("answer_malformed", _("an unreadable answer")),
    ("answer_refused", _("an unsuitable answer")),
    ("answer_too_long", _("too long an answer")),
]
DISABLED = [
    ("gone", _("it answered 410")),
    ("exhausted", _("it took nothing for too long")),
    ("by_lender", _("the lender disabled it")),
]


def _checked(parse: Callable[[Any], object], untrusted: Any) -> None:
    try:
        parse(untrusted)
    except BadInput as error:
        raise ValidationError(error.detail, code=error.code) from error


def checked_test_calendar(untrusted: Any) -> None:
    """Refuses an invalid calendar in a form."""
    _checked(profiles.parse_calendar, untrusted)


def checked_live_calendar(untrusted: Any) -> None:
    """Refuses a calendar in a form if it is invalid or laxer than the law."""
    _checked(profiles.parse_live_calendar, untrusted)


def checked_phone(untrusted: Any) -> None:
    """Refuses a form's value that is no telephone number in E.164 form."""
    _checked(parse_office_phone, untrusted)
    if parse_office_phone(untrusted) != untrusted:
        raise ValidationError("write it as +7xxxxxxxxxx, without blanks", code="phone_malformed")


def checked_bin(untrusted: Any) -> None:
    """Refuses a form's value that is no business identification number."""
    _checked(Bin.parse, untrusted)


def checked_name(untrusted: Any) -> None:
    """Refuses a name in a form with hidden characters, or that could fake a row of a statement."""
    _checked(partial(parsing.text, longest=NAME_LENGTH), untrusted)


def checked_return_urls(untrusted: Any) -> None:
    """Refuses a form's addresses that are no https addresses without a query."""
    _checked(parsing.return_urls, untrusted)


class Lender(models.Model):
    """A microcredit organization, with its dated legal profiles: see `core/profiles.py`.

    The live profile is chosen explicitly; a test lender has KZ-2021-04 by default.
    `return_urls`: permitted return addresses, without query.
    `phone`: for its borrowers; every ending names it.
    """

    id = models.CharField(
        _("Id"),
        primary_key=True,
        max_length=ID_LENGTH,
        default=partial(new_id, "len"),
        editable=False,
    )
    name = models.CharField(_("Lender's name"), max_length=NAME_LENGTH, validators=[checked_name])
    bin = models.CharField(_("BIN"), max_length=12, unique=True, validators=[checked_bin])
    phone = models.CharField(
        _("Telephone for borrowers"), max_length=12, validators=[checked_phone]
    )
    test_calendar = models.JSONField(
        _("Legal profiles, test mode"),
        default=partial(profiles.calendar_of, "KZ-2021-04"),
        validators=[checked_test_calendar],
    )
    live_calendar = models.JSONField(
        _("Legal profiles, live mode"),
        default=list,
        blank=True,
        validators=[checked_live_calendar],
    )
    return_urls = models.JSONField(
        _("Return addresses"), default=list, blank=True, validators=[checked_return_urls]
    )
    created_at = models.DateTimeField(_("Created"), auto_now_add=True)

    class Meta:
        verbose_name = _("lender")
        verbose_name_plural = _("lenders")
        # Every borrower has a number to call, whatever creates the row.
        constraints = (
            models.CheckConstraint(
                condition=Q(phone__startswith="+7"), name="lender_can_be_called"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises: `ValidationError` for an invalid calendar, or for live keys without a profile."""
        # A validator is not called for an empty value, such as `{}`.
        for name in ("test_calendar", "live_calendar"):
            if not isinstance(getattr(self, name), list):
                rule = "a calendar is a list, empty or not"
                raise ValidationError({name: ValidationError(rule, code="calendar_malformed")})
        if not isinstance(self.return_urls, list):
            rule = "it is a list of addresses, empty or not"
            raise ValidationError({"return_urls": ValidationError(rule, code="type_wrong")})
        if not self.live_calendar and self.keys.filter(mode="live", revoked_at=None).exists():
            rule = "it has live keys: choose their profile"
            raise ValidationError({"live_calendar": ValidationError(rule, code="calendar_empty")})


class ApiKey(models.Model):
    """A lender's key for one mode. Only its SHA-256 is stored, which suffices for 256 random bits.

    `cidrs`: its permitted networks, empty for any. Several keys may be valid at once, as during a
    rotation.
    """

    id = models.CharField(
        _("Id"),
        primary_key=True,
        max_length=ID_LENGTH,
        default=partial(new_id, "key"),
        editable=False,
    )
    lender = models.ForeignKey(
        Lender, verbose_name=_("Lender"), on_delete=models.PROTECT, related_name="keys"
    )
    mode = models.CharField(_("Mode"), max_length=4, choices=MODES)
    sha256 = models.CharField(max_length=HASH_LENGTH, unique=True)
    # The first characters, by which people distinguish keys; far too few to guess the rest.
    shown = models.CharField(_("Begins with"), max_length=20)
    scopes = models.JSONField(_("Rights"), default=list)
    cidrs = models.JSONField(_("Networks"), default=list)
    created_at = models.DateTimeField(_("Created"))
    expires_at = models.DateTimeField(_("Valid until"))
    revoked_at = models.DateTimeField(_("Revoked"), null=True)
    last_used_at = models.DateTimeField(_("Last used"), null=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.id} ({self.shown}…)"


class IdempotentRequest(models.Model):
    """One idempotency key of a lender: reserved before the work, then holding the sealed answer.

    `key_sha256`: a hash, because lenders may put references or personal data into their keys.
    `fence` identifies the working request, until `reserved_until` or the end of its process, by
    `process`: see `verification.transactions`.
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
    """A lender's address for events. `cursor`: the last `lender_sequence` that became a delivery.

    Compare-and-set on the cursor, in the transaction that makes the deliveries, is the pump's
    fence.
    `events`: the wanted types, empty for all.
    `failures`: unsuccessful tries in a row. `paused_until`: no message before, because of them or
    on request.
    `deleted_at` keeps the row: its deliveries are a record.
    """

    id = models.CharField(
        _("Id"),
        primary_key=True,
        max_length=ID_LENGTH,
        default=partial(new_id, "whe"),
        editable=False,
    )
    lender = models.ForeignKey(
        Lender, verbose_name=_("Lender"), on_delete=models.PROTECT, related_name="endpoints"
    )
    mode = models.CharField(_("Mode"), max_length=4, choices=MODES)
    url = models.CharField(_("Address"), max_length=2048)
    events = models.JSONField(_("Wanted events"), default=list)
    sealed_secret = models.BinaryField()
    sealed_previous_secret = models.BinaryField(null=True)
    previous_secret_until = models.DateTimeField(_("Earlier secret counts until"), null=True)
    sealed_signing_key = models.BinaryField()
    public_key = models.CharField(_("Public key"), max_length=64)
    cursor = models.PositiveBigIntegerField(_("Last event taken"), default=0)
    failures = models.PositiveIntegerField(_("Failures in a row"), default=0)
    paused_until = models.DateTimeField(_("Paused until"), null=True)
    created_at = models.DateTimeField(_("Created"))
    disabled_at = models.DateTimeField(_("Disabled"), null=True)
    disabled_reason = models.CharField(
        _("Why disabled"), max_length=32, blank=True, choices=DISABLED
    )
    deleted_at = models.DateTimeField(_("Deleted"), null=True)

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
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

    `status`: pending, delivered, exhausted or canceled.
    `body` is fixed at the row's creation, so every try sends the same bytes.
    `lease_until` and `fence` keep senders apart.
    `redelivery_of`: the first delivery's id, which is deleted before its copies.
    """

    id = models.CharField(
        _("Id"),
        primary_key=True,
        max_length=ID_LENGTH,
        default=partial(new_id, "dlv"),
        editable=False,
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        verbose_name=_("Webhook endpoint"),
        on_delete=models.PROTECT,
        related_name="deliveries",
    )
    lender = models.ForeignKey(
        Lender,
        verbose_name=_("Lender"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    mode = models.CharField(_("Mode"), max_length=4, choices=MODES)
    event_id = models.CharField(_("Event"), max_length=ID_LENGTH)
    type = models.CharField(_("Type of event"), max_length=40)
    lender_sequence = models.PositiveBigIntegerField(_("Place among its events"), null=True)
    event_at = models.DateTimeField(_("Time of the event"))
    redelivery_of = models.CharField(_("Repeats the delivery"), max_length=ID_LENGTH, blank=True)
    body = models.BinaryField()
    created_at = models.DateTimeField(_("Created"))

    status = models.CharField(_("State"), max_length=10, default="pending", choices=STATUSES)
    tries = models.PositiveSmallIntegerField(_("Tries"), default=0)
    due_at = models.DateTimeField(_("Due"))
    lease_until = models.DateTimeField(_("Taken by a sender until"), null=True)
    fence = models.CharField(max_length=32, blank=True)
    finished_at = models.DateTimeField(_("Ended"), null=True)

    response_status = models.PositiveSmallIntegerField(_("Status of the answer"), null=True)
    response_excerpt = models.TextField(_("Beginning of the answer"), blank=True)
    response_ms = models.PositiveIntegerField(_("Time to the answer, ms"), null=True)
    failure = models.CharField(_("Failure"), max_length=32, blank=True, choices=FAILURES)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
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
        """The time of the next try; None after the end."""
        return self.due_at if self.status == "pending" else None

    @property
    def last_response(self) -> "Delivery | None":
        """The row itself, for its columns of the response; None before the first answer or
        failure.
        """
        return self if self.response_status is not None or self.failure else None


class Sender(models.Model):
    """A running `manage.py deliver`, which reports every few seconds."""

    id = models.CharField(
        primary_key=True, max_length=ID_LENGTH, default=partial(new_id, "snd"), editable=False
    )
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id
