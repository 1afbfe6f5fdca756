"""What we answer, for openapi.json. `answers.py` writes it; a test holds every real answer against these shapes."""

from typing import Any

from rest_framework import serializers

from verification.core.events import TOLD
from verification.core.status import Status

_CODE_HELP = "A code of the table in /docs/problems; accept unknown ones."
_PAGES = ("choose_route", "consent", "question", "statement", "resume", "wait")


class NextActionAnswer(serializers.Serializer[Any]):
    """What the borrower must do next."""

    type = serializers.CharField(help_text=f"The borrower's page: {', '.join(_PAGES)}, or one to come.")
    route = serializers.CharField(allow_null=True)
    stage = serializers.CharField(allow_null=True)
    attempts_left = serializers.IntegerField(allow_null=True, help_text="Null where attempts are not counted.")
    expires_at = serializers.DateTimeField()
    code = serializers.CharField(allow_null=True, help_text=_CODE_HELP)


class ProfileAnswer(serializers.Serializer[Any]):
    """The legal profile pinned by this verification."""

    id = serializers.CharField()
    sha256 = serializers.CharField()


class CheckAnswer(serializers.Serializer[Any]):
    """What one check said."""

    id = serializers.CharField(help_text="`chk_…`")
    route = serializers.CharField()
    stage = serializers.CharField()
    attempt = serializers.IntegerField()
    name = serializers.CharField()
    outcome = serializers.ChoiceField(choices=("pass", "fail", "inconclusive", "error"))
    code = serializers.CharField(allow_null=True, help_text=_CODE_HELP)
    retryable = serializers.BooleanField()
    score = serializers.FloatField(allow_null=True)
    threshold = serializers.FloatField(allow_null=True)
    engine = serializers.DictField(child=serializers.CharField())
    borrower_message = serializers.CharField(allow_null=True, help_text="English; the borrower saw it translated.")
    lender_detail = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class VerificationAnswer(serializers.Serializer[Any]):
    """Where a verification stands."""

    id = serializers.CharField(help_text="`ver_…`")
    mode = serializers.ChoiceField(choices=("test", "live"))
    status = serializers.ChoiceField(choices=tuple(Status))
    code = serializers.CharField(allow_null=True, help_text=f"Why it ended as it did. {_CODE_HELP}")
    last_failure = serializers.CharField(allow_null=True, help_text=f"The last thing that went wrong. {_CODE_HELP}")
    next_action = NextActionAnswer(allow_null=True)
    combinations = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    route = serializers.CharField(allow_null=True)
    profile = ProfileAnswer()
    purpose = serializers.CharField()
    client_reference = serializers.CharField()
    locale = serializers.ChoiceField(choices=("kk", "ru", "en"))
    opened_by = serializers.CharField(allow_null=True)
    metadata = serializers.DictField(child=serializers.CharField(allow_blank=True))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    redacted_at = serializers.DateTimeField(allow_null=True)
    disputed_at = serializers.DateTimeField(allow_null=True)
    sequence = serializers.IntegerField(help_text="Grows with every change: a webhook with a smaller one is older.")
    log_index = serializers.IntegerField(allow_null=True, help_text="The decision's place in the log, once ordered.")
    checks = CheckAnswer(many=True, required=False, help_text="Only with `?expand=checks`.")


class LinkAnswer(serializers.Serializer[Any]):
    """The borrower's link. It works once and for 30 minutes; it is shown here only."""

    url = serializers.URLField(help_text="Send the borrower here. The secret stands after `#`; keep it out of logs.")
    link_expires_at = serializers.DateTimeField()


class OpenedAnswer(VerificationAnswer, LinkAnswer):
    """A verification with a fresh link for its borrower."""


class VerificationPage(serializers.Serializer[Any]):
    """A slice of the list, newest first."""

    data = VerificationAnswer(many=True)  # type: ignore[assignment]  # a field of this name hides the serializer\'s own `data`
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class DocumentAnswer(serializers.Serializer[Any]):
    """The signed document of one attempt. What only it could say is null once it is erased."""

    id = serializers.CharField(help_text="`evd_…`: under this id its commitment stands in the log.")
    attempt = serializers.CharField(help_text="`att_…`: its address.")
    number = serializers.IntegerField(help_text="The `attempt` of its checks.")
    route = serializers.CharField()
    stage = serializers.CharField()
    outcome = serializers.CharField(
        allow_null=True, help_text="passed, failed, inconclusive, undecided, lapsed or void; accept unknown ones."
    )
    code = serializers.CharField(allow_null=True, help_text=_CODE_HELP)
    at = serializers.DateTimeField(allow_null=True)
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField(allow_null=True)
    commitment = serializers.CharField(help_text="HMAC-SHA256(salt, document) in hex, as it stands in the log.")
    salt = serializers.CharField(allow_null=True, help_text="16 bytes in hex.")
    erased = serializers.BooleanField()


class DocumentList(serializers.Serializer[Any]):
    """All documents of one verification, in the order of its attempts."""

    data = DocumentAnswer(many=True)  # type: ignore[assignment]  # a field of this name hides the serializer\'s own `data`


class SignedDocument(serializers.Serializer[Any]):
    """A JSON Web Signature, flattened (RFC 7515 §7.2.2). The payload is base64url of JSON: see the lender guide."""

    payload = serializers.CharField()
    protected = serializers.CharField()
    signature = serializers.CharField()


class EventDataAnswer(serializers.Serializer[Any]):
    """What the event is about; all but `mode` null where it is about no verification."""

    id = serializers.CharField(allow_null=True)
    client_reference = serializers.CharField(allow_null=True)
    status = serializers.CharField(allow_null=True)
    sequence = serializers.IntegerField(allow_null=True)
    mode = serializers.ChoiceField(choices=("test", "live"))


class WebhookBody(serializers.Serializer[Any]):
    """What a webhook says. Read the verification for more."""

    type = serializers.CharField(help_text=f"{', '.join(TOLD)}; accept unknown ones.")
    timestamp = serializers.DateTimeField()
    data = EventDataAnswer()  # type: ignore[assignment]  # a field of this name hides the serializer\'s own `data`


class EventAnswer(WebhookBody):
    """One event, in the order of the log."""

    id = serializers.CharField(help_text="`evt_…`, the `webhook-id` of its deliveries.")
    lender_sequence = serializers.IntegerField(help_text="Grows from event to event; gaps are entries not told to you.")
    log_index = serializers.IntegerField()


class EventPage(serializers.Serializer[Any]):
    """A slice of the events, oldest first."""

    data = EventAnswer(many=True)  # type: ignore[assignment]  # a field of this name hides the serializer\'s own `data`
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class EndpointAnswer(serializers.Serializer[Any]):
    """Where you are told."""

    id = serializers.CharField(help_text="`whe_…`")
    mode = serializers.ChoiceField(choices=("test", "live"))
    url = serializers.URLField()
    events = serializers.ListField(child=serializers.CharField(), help_text="Empty: all.")
    public_key = serializers.CharField(help_text="`whpk_…`: checks the `v1a` signatures (Ed25519).")
    last_sequence = serializers.IntegerField(help_text="`lender_sequence` of the last event made into a delivery.")
    failing = serializers.BooleanField(help_text="The last answer was no success.")
    created_at = serializers.DateTimeField()
    disabled_at = serializers.DateTimeField(allow_null=True)
    disabled_reason = serializers.CharField(allow_null=True, help_text="gone, exhausted or by_lender.")
    previous_secret_until = serializers.DateTimeField(allow_null=True)


class EndpointSecretAnswer(EndpointAnswer):
    """An endpoint with its secret, which is shown here only."""

    secret = serializers.CharField(help_text="`whsec_…`: checks the `v1` signatures (HMAC-SHA256).")


class EndpointPage(serializers.Serializer[Any]):
    """All endpoints of the key's mode."""

    data = EndpointAnswer(many=True)  # type: ignore[assignment]  # a field of this name hides the serializer\'s own `data`
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class ResponseAnswer(serializers.Serializer[Any]):
    """What the endpoint said last."""

    status = serializers.IntegerField(allow_null=True)
    failure = serializers.CharField(allow_null=True, help_text="Why there is no status, in a word.")
    excerpt = serializers.CharField(allow_blank=True)
    milliseconds = serializers.IntegerField(allow_null=True)


class DeliveryAnswer(serializers.Serializer[Any]):
    """One message to one endpoint."""

    id = serializers.CharField(help_text="`dlv_…`")
    mode = serializers.ChoiceField(choices=("test", "live"))
    endpoint = serializers.CharField()
    event = serializers.CharField()
    type = serializers.CharField()
    lender_sequence = serializers.IntegerField(allow_null=True)
    redelivery_of = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=("pending", "delivered", "exhausted", "canceled"))
    tries = serializers.IntegerField()
    due_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    response = ResponseAnswer(allow_null=True)


class DeliveryPage(serializers.Serializer[Any]):
    """A slice of the deliveries, newest first."""

    data = DeliveryAnswer(many=True)  # type: ignore[assignment]  # a field of this name hides the serializer\'s own `data`
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


class RedeliveredAnswer(serializers.Serializer[Any]):
    """How many deliveries were made anew."""

    redelivered = serializers.IntegerField()
    has_more = serializers.BooleanField(help_text="The range holds more than one call takes: narrow it and go on.")


class FaultAnswer(serializers.Serializer[Any]):
    """One field that cannot be used."""

    pointer = serializers.CharField(allow_blank=True, help_text="JSON pointer into the body, or `?name`.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemAnswer(serializers.Serializer[Any]):
    """RFC 9457. `code` is stable; `title` and `detail` are for people."""

    type = serializers.URLField(help_text="Leads to the documentation of the code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    errors = FaultAnswer(many=True)  # type: ignore[assignment]  # as above
