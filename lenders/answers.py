"""What we answer: one declaration spells a thing in JSON and describes it in openapi.json.

What is absent is null; times are RFC 3339 in UTC; money is never a float. Each is made of a view of
a room or of
a row of ours: `VerificationAnswer(view).data`.
"""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from drf_spectacular.drainage import set_override
from rest_framework import serializers

from lenders import versions
from verification.core.events import TOLD
from verification.core.opening import Opening, asked_of
from verification.core.status import Status

CODE_HELP = "A code of the table in /docs/problems; accept unknown ones."
_END_HELP = "An end is told once the log has ordered the decision; `processing` until then."
_PAGES = ("choose_route", "consent", "question", "statement", "resume", "wait")


class Moment(serializers.DateTimeField):
    """A time as `2026-11-24T10:00:00.000Z`; one that was spelled before stays as it is."""

    def to_representation(self, value: Any) -> Any:
        """Its one spelling."""
        if not isinstance(value, datetime):
            return value
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Word(serializers.CharField):
    """A word that may be null, which it is where there is none."""

    def to_representation(self, value: Any) -> Any:
        """Rows and views have an empty text for none."""
        return value or None


class BorrowersAddress(serializers.URLField):
    """Where the borrower goes. The token stands in the fragment, which no server ever sees."""

    def to_representation(self, value: Any) -> Any:
        """The address around a token."""
        return f"{settings.TULGA_PUBLIC_URL}/v/#{value}"


class NextActionAnswer(serializers.Serializer[Any]):
    """What the borrower must do next."""

    type = serializers.CharField(
        help_text=f"The borrower's page: {', '.join(_PAGES)}, or one to come."
    )
    route = Word(allow_null=True)
    stage = Word(allow_null=True)
    attempts_left = serializers.IntegerField(
        allow_null=True, help_text="Null where not counted, or an end is to come."
    )
    expires_at = Moment()
    code = Word(allow_null=True, help_text=CODE_HELP)


class ProfileAnswer(serializers.Serializer[Any]):
    """The legal profile pinned by this verification."""

    id = serializers.CharField(source="profile_id")
    sha256 = serializers.CharField(source="profile_sha256")


class CheckAnswer(serializers.Serializer[Any]):
    """What one check said."""

    id = serializers.CharField(help_text="`chk_…`, at most 34 characters")
    route = serializers.CharField()
    stage = serializers.CharField()
    attempt = serializers.IntegerField()
    name = serializers.CharField()
    outcome = serializers.ChoiceField(choices=("pass", "fail", "inconclusive", "error"))
    code = Word(allow_null=True, help_text=CODE_HELP)
    retryable = serializers.BooleanField()
    score = serializers.FloatField(
        allow_null=True, help_text="Null where the check has none, or it cannot be read."
    )
    threshold = serializers.FloatField(allow_null=True)
    engine = serializers.DictField(child=serializers.CharField())
    borrower_message = Word(allow_null=True, help_text="English; the borrower saw it translated.")
    lender_detail = Word(allow_null=True)
    created_at = Moment()


class RetentionAnswer(serializers.Serializer[Any]):
    """How long what is kept must stay, by what you told of the obligation."""

    obligation_opened_at = Moment(allow_null=True)
    obligation_closed_at = Moment(allow_null=True)
    until = Moment(allow_null=True, help_text="Null while the obligation is open.")


class ContractAnswer(serializers.Serializer[Any]):
    """What you reported of the contract."""

    signed_at = Moment()
    release_not_before = Moment(
        allow_null=True,
        help_text=(
            "Until then the money waits if the person's credits of the day come to so much; null"
            " where no law of yours or of the verification asks."
        ),
    )


class VerificationAnswer(serializers.Serializer[Any]):
    """Where a verification stands."""

    id = serializers.CharField(help_text="`ver_…`")
    mode = serializers.ChoiceField(choices=("test", "live"))
    status = serializers.ChoiceField(choices=tuple(Status), help_text=_END_HELP)
    code = Word(allow_null=True, help_text=f"Why it ended as it did. {CODE_HELP}")
    last_failure = Word(allow_null=True, help_text=f"The last thing that went wrong. {CODE_HELP}")
    next_action = NextActionAnswer(allow_null=True)
    combinations = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    route = Word(allow_null=True)
    profile = ProfileAnswer(source="*")
    created_at = Moment()
    expires_at = Moment()
    finished_at = Moment(allow_null=True)
    redacted_at = Moment(allow_null=True)
    disputed_at = Moment(allow_null=True)
    retention = RetentionAnswer()
    renews = Word(
        allow_null=True, help_text="`ver_…`: this one is the new consent to the loan of that."
    )
    contract = ContractAnswer(allow_null=True, help_text="Null until you report it.")
    sequence = serializers.IntegerField(
        help_text="Grows with every change: a webhook with a smaller one is older."
    )
    log_index = serializers.IntegerField(
        allow_null=True, help_text="The decision's place in the log: with an end."
    )
    checks = CheckAnswer(many=True, required=False, help_text="Only with `?expand=checks`.")

    def get_fields(self) -> dict[str, Any]:
        """Adds what the lender handed over and is told again, as `core/opening.py` says; empty
        words are null.
        """
        fields: dict[str, Any] = super().get_fields()
        for name, asked in (
            (name, each) for name, each in asked_of(Opening).items() if each.form.is_told
        ):
            text = serializers.CharField if asked.is_required else Word
            kind = text if asked.form.schema["type"] == "string" else serializers.DictField
            fields[name] = kind(source=f"opening.{asked.attribute}", allow_null=kind is Word)
            set_override(fields[name], "field", asked.form.schema)
        return fields


VERIFICATION = VerificationAnswer()
"""Spells a verification by `to_representation`: the answer asked for most, whose fields are not
copied each time.
"""


class LinkAnswer(serializers.Serializer[Any]):
    """The borrower's link. It works once and for 30 minutes; it is shown here only."""

    url = BorrowersAddress(source="token", help_text="Send the borrower here. Keep it out of logs.")
    link_expires_at = Moment(source="expires_at")


class WarningAnswer(serializers.Serializer[Any]):
    """What may keep a verification from a verdict."""

    code = serializers.CharField(help_text=CODE_HELP)
    detail = serializers.CharField()


class OpenedAnswer(VerificationAnswer, LinkAnswer):
    """A verification with a fresh link for its borrower."""

    warnings = WarningAnswer(many=True, help_text="What may keep it from a verdict; mostly empty.")


class VerificationPage(serializers.Serializer[Any]):
    """A slice of the list, newest first."""

    # a field of this name hides the serializer's own `data`
    data = VerificationAnswer(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class EventDataAnswer(serializers.Serializer[Any]):
    """What the event is about; all but `mode` null where it is about no verification."""

    verification = serializers.CharField(source="verification_id", allow_null=True)
    client_reference = Word(allow_null=True)
    status = Word(allow_null=True)
    sequence = serializers.IntegerField(allow_null=True)
    mode = serializers.ChoiceField(choices=("test", "live"))
    clearance = Word(source="clearance_id", allow_null=True, help_text="`clr_…`, of `clearance.…`.")
    renews = Word(
        allow_null=True, help_text="`ver_…`: it is about the new consent to the loan of that."
    )


class EventBody(serializers.Serializer[Any]):
    """What a lender is told of an event. Read the verification for more."""

    version = serializers.SerializerMethodField(help_text="Of the API, by which this is spelled.")
    type = serializers.CharField(help_text=f"{', '.join(TOLD)}; accept unknown ones.")
    timestamp = Moment()
    lender_sequence = serializers.IntegerField(
        allow_null=True,
        help_text=(
            "Counts what you are told in this mode, from 1 without a gap; null in a mere test."
        ),
    )
    # a field of this name hides the serializer's own `data`
    data = EventDataAnswer(source="*")  # type: ignore[assignment]

    def get_version(self, event: Any) -> str:
        """The newest, as all that is spelled here."""
        return versions.NEWEST


class WebhookBody(EventBody):
    """What a webhook says."""

    checkpoint = serializers.CharField(
        allow_null=True,
        help_text=(
            "The log's newest signed head when the message was made (C2SP signed note), the same in"
            " every try: keep the largest. Null while the log is empty."
        ),
    )


class EventAnswer(EventBody):
    """One event, in the order of the log."""

    id = serializers.CharField(help_text="`evt_…`, the `webhook-id` of its deliveries.")
    log_index = serializers.IntegerField()


class EventPage(serializers.Serializer[Any]):
    """A slice of the events, oldest first."""

    # a field of this name hides the serializer's own `data`
    data = EventAnswer(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class EndpointAnswer(serializers.Serializer[Any]):
    """Where you are told."""

    id = serializers.CharField(help_text="`whe_…`")
    mode = serializers.ChoiceField(choices=("test", "live"))
    url = serializers.URLField()
    version = serializers.CharField(
        source="spelling", help_text="Of the API, by which its messages are spelled."
    )
    events = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    public_key = serializers.CharField(help_text="`whpk_…`: checks the `v1a` signatures (Ed25519).")
    last_sequence = serializers.IntegerField(
        source="cursor", help_text="`lender_sequence` of the last event made into a delivery."
    )
    failing = serializers.BooleanField(help_text="The last answer was no success.")
    paused_until = Moment(
        allow_null=True, help_text="Nothing is sent before: it failed again and again, or asked so."
    )
    created_at = Moment()
    disabled_at = Moment(allow_null=True)
    disabled_reason = Word(allow_null=True, help_text="gone, exhausted or by_lender.")
    previous_secret_until = Moment(allow_null=True)


class EndpointSecretAnswer(EndpointAnswer):
    """An endpoint with its secret, which is shown here only."""

    secret = serializers.CharField(help_text="`whsec_…`: checks the `v1` signatures (HMAC-SHA256).")


class EndpointPage(serializers.Serializer[Any]):
    """All endpoints of the key's mode."""

    # a field of this name hides the serializer's own `data`
    data = EndpointAnswer(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class ResponseAnswer(serializers.Serializer[Any]):
    """What the endpoint said last."""

    status = serializers.IntegerField(source="response_status", allow_null=True)
    failure = Word(allow_null=True, help_text="Why there is no status, in a word.")
    excerpt = serializers.CharField(source="response_excerpt", allow_blank=True)
    milliseconds = serializers.IntegerField(source="response_ms", allow_null=True)


class DeliveryAnswer(serializers.Serializer[Any]):
    """One message to one endpoint."""

    id = serializers.CharField(help_text="`dlv_…`")
    mode = serializers.ChoiceField(choices=("test", "live"))
    endpoint = serializers.CharField(source="endpoint_id")
    event = serializers.CharField(source="event_id")
    type = serializers.CharField()
    lender_sequence = serializers.IntegerField(allow_null=True)
    redelivery_of = Word(allow_null=True)
    status = serializers.ChoiceField(choices=("pending", "delivered", "exhausted", "canceled"))
    tries = serializers.IntegerField()
    due_at = Moment(source="next_try_at", allow_null=True)
    created_at = Moment()
    finished_at = Moment(allow_null=True)
    response = ResponseAnswer(source="last_response", allow_null=True)


class DeliveryPage(serializers.Serializer[Any]):
    """A slice of the deliveries, newest first."""

    # a field of this name hides the serializer's own `data`
    data = DeliveryAnswer(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class RedeliveredAnswer(serializers.Serializer[Any]):
    """How many deliveries were made anew."""

    redelivered = serializers.IntegerField()
    has_more = serializers.BooleanField(
        help_text="The range holds more than may wait at once: go on later."
    )
