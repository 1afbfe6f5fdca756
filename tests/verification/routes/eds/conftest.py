"""The authorities of the workflow's tests, and one signed statement as evidence."""

from tests.verification.workflow.conftest import authorities, issued

__all__ = ("authorities", "issued")
