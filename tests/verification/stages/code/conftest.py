"""The running sandbox of the stage before."""

from tests.verification.stages.person.conftest import asked

__all__ = ["asked"]
