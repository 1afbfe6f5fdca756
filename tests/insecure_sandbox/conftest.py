"""Every test here may ask for a running sandbox."""

from tests.insecure_sandbox_process import sandbox

__all__ = ["sandbox"]
