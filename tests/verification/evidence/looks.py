"""What `audit_verify` says of the evidence of a log, in one process."""

from collections.abc import Iterator

from verification.core.findings import Finding
from verification.evidence.inspection import verify_page
from verification.log.entries import of_cases
from verification.models import Verification


def verify_evidence(log: str) -> Iterator[Finding]:
    ids = list(Verification.objects.order_by("pk").values_list("pk", flat=True))
    return (seen for seen in verify_page(log, of_cases, ids) if isinstance(seen, Finding))
