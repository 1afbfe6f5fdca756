"""Elliptic curves of GOST R 34.10-2012, y² = x³ + ax + b over the integers modulo p."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Curve:
    """A curve in short Weierstrass form with a base point of prime order.

    p: modulus. a, b: coefficients. q: order of the base point (`x`, `y`).
    The group has no smaller subgroup (cofactor 1), so a point on the curve is in the group.
    """

    name: str
    p: int
    a: int
    b: int
    q: int
    x: int
    y: int
    size: int
    """Bytes of one coordinate, and of r and s."""


# Source: RFC 7836 §A.1, id-tc26-gost-3410-12-512-paramSetA (1.2.643.7.1.2.1.2.1).
PARAM_SET_A_512 = Curve(
    name="id-tc26-gost-3410-12-512-paramSetA",
    p=2**512 - 569,
    a=2**512 - 572,
    b=int(
        "e8c2505dedfc86ddc1bd0b2b6667f1da34b82574761cb0e879bd081cfd0b6265"
        "ee3cb090f30d27614cb4574010da90dd862ef9d4ebee4761503190785a71c760",
        16,
    ),
    q=int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "27e69532f48d89116ff22b8d4e0560609b4b38abfad2b85dcacdb1411f10b275",
        16,
    ),
    x=3,
    y=int(
        "7503cfe87a836ae3a61b8816e25450e6ce5e1c93acf1abc1778064fdcbefa921"
        "df1626be4fd036e93d75e6a50e3a41e98028fe5fc235f5b889a589cb5215f2a4",
        16,
    ),
    size=64,
)

# Source: RFC 7836 §A.2 names it id-tc26-gost-3410-2012-256-paramSetB (1.2.643.7.1.2.1.1.2); it is
# the curve of RFC 4357 §11.4, id-GostR3410-2001-CryptoPro-A-ParamSet. Only time-stamp tokens may
# still use it.
PARAM_SET_B_256 = Curve(
    name="id-tc26-gost-3410-2012-256-paramSetB",
    p=2**256 - 617,
    a=2**256 - 620,
    b=166,
    q=int("ffffffffffffffffffffffffffffffff6c611070995ad10045841b09b761b893", 16),
    x=1,
    y=int("8d91e471e0989cda27df505a453f2b7635294f2ddf23e3b122acc99c9e9f1e14", 16),
    size=32,
)
