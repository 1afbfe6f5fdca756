"""Columns and constraints only. Who may import them: the contract `rows` in pyproject.toml."""

from verification.models.cases import (
    Access,
    Attempt,
    MonthlyChange,
    MonthlyCount,
    Pulse,
    QuotaUse,
    RateCount,
    ReviewVote,
    Verification,
)
from verification.models.clearances import Clearance
from verification.models.evidence import (
    CaptureWord,
    DataKey,
    EvidenceItem,
    SharedEvidence,
    SharedEvidenceUse,
)
from verification.models.log import (
    ACTOR,
    LOOKED_AT,
    READER,
    AuditCheckpoint,
    AuditEntry,
    AuditHead,
    AuditLeaf,
    AuditPending,
    AuditTile,
    Receipt,
)
from verification.models.subjects import SubjectRequest

__all__ = (
    "ACTOR",
    "LOOKED_AT",
    "READER",
    "Access",
    "Attempt",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditHead",
    "AuditLeaf",
    "AuditPending",
    "AuditTile",
    "CaptureWord",
    "Clearance",
    "DataKey",
    "EvidenceItem",
    "MonthlyChange",
    "MonthlyCount",
    "Pulse",
    "QuotaUse",
    "RateCount",
    "Receipt",
    "ReviewVote",
    "SharedEvidence",
    "SharedEvidenceUse",
    "SubjectRequest",
    "Verification",
)
