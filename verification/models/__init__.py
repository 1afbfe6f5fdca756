"""Columns and constraints only. Writers: `workflow`, `evidence` and `audit`; nobody else imports this package."""

from verification.models.cases import (
    Attempt,
    BorrowerSession,
    HandOver,
    Link,
    MobileSigning,
    MonthlyChange,
    MonthlyCount,
    QuotaUse,
    RateCount,
    ReviewVote,
    Verification,
)
from verification.models.evidence import (
    CaptureWord,
    DataKey,
    EvidenceItem,
    SharedEvidence,
    SharedEvidenceUse,
)
from verification.models.log import (
    LOOKED_AT,
    READER,
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    AuditLeaf,
    AuditPending,
    AuditTile,
)

__all__ = (
    "LOOKED_AT",
    "READER",
    "Attempt",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditHead",
    "AuditLeaf",
    "AuditPending",
    "AuditTile",
    "BorrowerSession",
    "CaptureWord",
    "DataKey",
    "EvidenceItem",
    "HandOver",
    "Link",
    "MobileSigning",
    "MonthlyChange",
    "MonthlyCount",
    "QuotaUse",
    "RateCount",
    "ReviewVote",
    "SharedEvidence",
    "SharedEvidenceUse",
    "Verification",
)
