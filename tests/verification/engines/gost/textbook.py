"""The curve as a textbook has it, on affine points and plain integers: slow, and shares no line
with the engine.
"""

from functools import cache

from verification.engines.gost.curves import Curve

Point = tuple[int, int] | None


def add(curve: Curve, one: Point, other: Point) -> Point:
    """The sum by chord and tangent; None is the neutral element."""
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2), p = one, other, curve.p
    if x1 == x2 and (y1 + y2) % p == 0:
        return None
    slope = (
        (3 * x1 * x1 + curve.a) * pow(2 * y1, -1, p)
        if one == other
        else (y2 - y1) * pow(x2 - x1, -1, p)
    )
    x = (slope * slope - x1 - x2) % p
    return x, (slope * (x1 - x) - y1) % p


@cache
def multiply(curve: Curve, point: Point, scalar: int) -> Point:
    """`scalar` times the point, bit by bit. Kept, for each tier is asked for the same ones."""
    total: Point = None
    for bit in bin(scalar)[2:]:
        total = add(curve, total, total)
        if bit == "1":
            total = add(curve, total, point)
    return total


def sign(curve: Curve, private: int, *, digest: bytes, ephemeral: int) -> bytes:
    """r ‖ s, little-endian. Source: RFC 7091 §6.1."""
    point = multiply(curve, (curve.x, curve.y), ephemeral)
    assert point is not None
    r = point[0] % curve.q
    s = (r * private + ephemeral * (int.from_bytes(digest, "little") % curve.q or 1)) % curve.q
    return r.to_bytes(curve.size, "little") + s.to_bytes(curve.size, "little")


def encode(curve: Curve, point: Point) -> bytes:
    """x ‖ y, little-endian."""
    assert point is not None
    return b"".join(number.to_bytes(curve.size, "little") for number in point)
