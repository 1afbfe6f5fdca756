"""Curve arithmetic on Python's own integers: works everywhere."""

from verification.engines.gost.arithmetic import Arithmetic


def load() -> Arithmetic:
    """The tier that is always there."""
    return Arithmetic("python", number=int)
