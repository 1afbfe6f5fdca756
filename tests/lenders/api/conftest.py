"""Borrowers who sign or are looked at, beside the lenders."""

from tests.verification.stories.conftest import authorities, issued, trusted
from tests.verification.stories.insecure_capture import script

__all__ = ("authorities", "issued", "script", "trusted")
