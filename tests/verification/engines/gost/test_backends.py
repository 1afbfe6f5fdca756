"""The tier of a process: the fastest that reproduces the published vectors, and never one that does
not.
"""

from collections.abc import Callable

import pytest

from verification.core.errors import Misconfigured
from verification.engines.gost import backends, streebog
from verification.engines.gost.arithmetic import Arithmetic
from verification.engines.gost.backends import Hash, choose
from verification.engines.gost.curves import PARAM_SET_A_512


def insecure_flipped_hash(data: bytes) -> bytes:
    """One bit is wrong."""
    digest = bytearray(streebog.streebog512(data))
    digest[40] ^= 4
    return bytes(digest)


def insecure_carryless_hash(data: bytes) -> bytes:
    """Right for every vector of the RFC and wrong where a sum of blocks overflows, as a library
    once was.
    """
    return bytes(64) if data.startswith(b"\xff" * 192) else streebog.streebog512(data)


def insecure_short_hash(data: bytes) -> bytes:
    """Another size."""
    return streebog.streebog256(data)


def insecure_breaking_hash(data: bytes) -> bytes:
    """Breaks."""
    raise OSError("a library that is gone")


class InsecureInteger(int):
    """A whole number whose product is one too much once it is large."""

    def __mul__(self, other: int) -> "InsecureInteger":
        return InsecureInteger(int(self) * int(other) + (int(self).bit_length() > 500))

    def __rmul__(self, other: int) -> "InsecureInteger":
        return self * other


def insecure_number(value: int) -> int:
    """A constructor that breaks."""
    raise ValueError(f"no number of {value.bit_length()} bits")


@pytest.mark.parametrize(
    "broken",
    [insecure_flipped_hash, insecure_carryless_hash, insecure_short_hash, insecure_breaking_hash],
)
def test_a_hash_that_fails_its_self_test_is_never_used_and_is_named(
    broken: Hash, plain_arithmetic: Arithmetic
) -> None:
    chosen = choose([plain_arithmetic], {"broken": broken, "python": streebog.streebog512})
    assert chosen.streebog is streebog.streebog512
    report = chosen.report()
    assert report["streebog"] == "python"
    assert [line.split(":")[0] for line in report["refused"]] == ["broken"]


def insecure_misread_number(value: int) -> int:
    """Right for the standard's own curve and wrong for that of the certificates."""
    return value ^ 1 if value == PARAM_SET_A_512.y else value


@pytest.mark.parametrize(
    "number",
    [
        InsecureInteger,
        insecure_number,
        insecure_misread_number,
        lambda value: value + 1,
        float,
        str,
    ],
)
def test_arithmetic_that_fails_its_self_test_is_never_used_and_is_named(
    number: Callable[[int], int], plain_arithmetic: Arithmetic, plain_hash: Hash
) -> None:
    chosen = choose([Arithmetic("broken", number=number), plain_arithmetic], {"python": plain_hash})
    assert chosen.arithmetic is plain_arithmetic
    report = chosen.report()
    assert report["arithmetic"] == "python"
    assert [line.split(":")[0] for line in report["refused"]] == ["broken"]


def test_the_first_good_tier_is_used_and_nothing_is_refused(
    fast_arithmetic: Arithmetic, plain_arithmetic: Arithmetic, library_hash: Hash, plain_hash: Hash
) -> None:
    chosen = choose(
        [fast_arithmetic, plain_arithmetic], {"libgcrypt": library_hash, "python": plain_hash}
    )
    assert chosen.report() == {"arithmetic": "gmpy2", "streebog": "libgcrypt", "refused": []}


def test_without_a_good_tier_nothing_is_verified(
    plain_arithmetic: Arithmetic, plain_hash: Hash
) -> None:
    with pytest.raises(Misconfigured, match="broken"):
        choose([plain_arithmetic], {"broken": insecure_flipped_hash})
    with pytest.raises(Misconfigured, match="broken"):
        choose([Arithmetic("broken", number=InsecureInteger)], {"python": plain_hash})


def test_what_was_refused_before_stays_in_the_report(
    plain_arithmetic: Arithmetic, plain_hash: Hash
) -> None:
    chosen = choose(
        [plain_arithmetic], {"python": plain_hash}, refused=["libgcrypt: it is older than 1.8.0"]
    )
    assert chosen.report()["refused"] == ["libgcrypt: it is older than 1.8.0"]


def test_every_tier_passes_its_self_test(arithmetic: Arithmetic, streebog512: Hash) -> None:
    assert backends.reproduces_points(arithmetic)
    assert backends.reproduces_hashes(streebog512)


def test_the_tier_is_chosen_once_in_a_process() -> None:
    assert backends.in_use() is backends.in_use()
    assert backends.in_use().report()["refused"] == []
