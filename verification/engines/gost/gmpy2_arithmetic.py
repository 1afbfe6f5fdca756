"""Curve arithmetic on the integers of gmpy2, about four times as fast as plain ones. The extra `fast` installs it."""

from collections.abc import Callable
from typing import cast

from verification.engines.gost.arithmetic import Arithmetic

try:
    from gmpy2 import mpz
except ImportError:
    mpz = None


def load() -> Arithmetic | None:
    """The tier, or None where gmpy2 is not installed."""
    return Arithmetic("gmpy2", number=cast(Callable[[int], int], mpz)) if mpz else None
