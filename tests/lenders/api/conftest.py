"""Borrowers who sign, beside the lenders."""

from tests.verification.workflow.conftest import authorities, issued, trusted

__all__ = ("authorities", "issued", "trusted")
