"""Every tier that this machine has, each in turn."""

import pytest

from verification.engines.gost import backends, streebog
from verification.engines.gost.arithmetic import Arithmetic
from verification.engines.gost.backends import Hash, load_gmpy2, load_python


@pytest.fixture(scope="session")
def fast_arithmetic() -> Arithmetic:
    """The tier on gmpy2; skips where it is not installed."""
    return load_gmpy2() or pytest.skip("gmpy2 is not installed")


@pytest.fixture(scope="session")
def plain_arithmetic() -> Arithmetic:
    """The tier that is always there."""
    return load_python()


@pytest.fixture(scope="session", params=["plain_arithmetic", "fast_arithmetic"])
def arithmetic(request: pytest.FixtureRequest) -> Arithmetic:
    """Each tier of curve arithmetic."""
    found: Arithmetic = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def library_hash() -> Hash:
    """Streebog-512 by libgcrypt; skips where it is not installed."""
    return backends.load_libgcrypt() or pytest.skip("libgcrypt is not installed")


@pytest.fixture(scope="session")
def plain_hash() -> Hash:
    """Streebog-512 in pure Python."""
    return streebog.streebog512


@pytest.fixture(scope="session", params=["plain_hash", "library_hash"])
def streebog512(request: pytest.FixtureRequest) -> Hash:
    """Each tier of Streebog-512."""
    found: Hash = request.getfixturevalue(request.param)
    return found
