"""Rows of a lender for the operators' lists, written by the tests: the log states none of them."""

from lenders.models import ApiKey, Delivery, Lender, WebhookEndpoint
from verification import clock


def webhooks(lender: Lender, *, mode: str) -> Delivery:
    """A key, a disabled endpoint, and a delivery in each state; gives the last one."""
    at = clock.now()
    ApiKey.objects.create(
        lender=lender,
        mode=mode,
        sha256="0" * 64,
        shown=f"tlg_{mode}_0000",
        scopes=["events:read", "webhooks:write"],
        created_at=at,
        expires_at=at,
    )
    endpoint = WebhookEndpoint.objects.create(
        lender=lender,
        mode=mode,
        url="https://lender.example/hook",
        events=["verification.verified"],
        sealed_secret=b"",
        sealed_signing_key=b"",
        public_key="MCowBQ",
        created_at=at,
        disabled_at=at,
        disabled_reason="gone",
    )
    for status, failure in (("pending", "timeout"), ("delivered", ""), ("exhausted", "internal")):
        last = Delivery.objects.create(
            endpoint=endpoint,
            lender=lender,
            mode=mode,
            event_id=f"evt_{status}",
            type="verification.verified",
            event_at=at,
            body=b"",
            created_at=at,
            status=status,
            due_at=at,
            failure=failure,
        )
    return last
