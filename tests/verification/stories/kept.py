"""What is kept of attempts, as a worker opens it."""

from collections.abc import Iterable

from verification.evidence import store, vault
from verification.models import Attempt, EvidenceItem, SharedEvidenceUse


def originals(attempts: Iterable[Attempt], *, key: vault.Key) -> dict[str, bytes]:
    """The original bytes of these attempts by kind, without destroyed ones; of two of one kind, the
    later.
    """
    of_attempts = list(attempts)
    items = EvidenceItem.objects.filter(attempt__in=of_attempts, destroyed_at=None)
    uses = SharedEvidenceUse.objects.filter(attempt__in=of_attempts)
    opened = {use.kind: store.read(use.evidence_id) for use in uses}
    in_order = items.order_by("attempt__turn")
    return opened | {item.kind: store.opening(key, item).plain for item in in_order}
