"""Columns and constraints only. Writers: `workflow`, `evidence` and `audit`; nobody else imports this package."""

from verification.models.cases import (
    Attempt,
    BorrowerSession,
    CheckRecord,
    Link,
    MobileSigning,
    QuotaUse,
    ReviewVote,
    Verification,
)
from verification.models.evidence import (
    DataKey,
    EvidenceItem,
    SharedEvidence,
    SharedEvidenceUse,
)
from verification.models.log import (
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    AuditLeaf,
    AuditPending,
    AuditTile,
)

__all__ = (
    "Attempt",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditHead",
    "AuditLeaf",
    "AuditPending",
    "AuditTile",
    "BorrowerSession",
    "CheckRecord",
    "DataKey",
    "EvidenceItem",
    "Link",
    "MobileSigning",
    "QuotaUse",
    "ReviewVote",
    "SharedEvidence",
    "SharedEvidenceUse",
    "Verification",
)
