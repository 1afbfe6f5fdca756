"""Borrowers who sign or are looked at, beside the lenders."""

from tests.verification.workflow.conftest import authorities, issued, trusted
from tests.verification.workflow.insecure_capture import script

__all__ = ("authorities", "issued", "script", "trusted")
