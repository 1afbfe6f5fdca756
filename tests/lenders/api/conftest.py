"""Borrowers who sign, beside the lenders."""

from tests.verification.stories.conftest import authorities, issued, trusted

__all__ = ("authorities", "issued", "trusted")
