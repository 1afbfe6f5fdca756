"""Keys and signature values that only look like ones: points, moduli, exponents, byte orders,
paddings.
"""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import rsa

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys
from tests.vectors.eds.cms_defects import FORMAT, SIGNATURE
from tests.vectors.eds.workshop import Vector, World
from verification.engines.gost.curves import PARAM_SET_A_512 as CURVE
from verification.engines.pki import keys as accepted

_REFUSED, _INVALID = "eds_algorithm_refused", "eds_signature_invalid"
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def vectors(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _gost(world) if world.family == "gost512" else _rsa(world)


def _of(
    defect: str, content: bytes, code: str = "", check: str = "", why: str = "", **more: str
) -> Vector:
    vector = Vector(group="cms", defect=defect, content=content, code=code, check=check, why=why)
    return replace(vector, **more)  # type: ignore[arg-type]


def _with_key(world: World, info: bytes) -> bytes:
    return world.sign_by_hand(world.template(), info=info)


def _signature(world: World) -> bytes:
    return keys.sign(world.spare, _message(world))


def _message(world: World) -> bytes:
    return asn1.element(0x31, *world.attributes())


def _signed(world: World, signature: bytes) -> bytes:
    return world.put_together(world.attributes(), signature=signature)


def _gost(world: World) -> Iterator[Vector]:
    right = _signature(world)
    r, s = right[:64], right[64:]
    orders = {"s_before_r": s + r, "big_endian": r[::-1] + s[::-1], "reversed": s[::-1] + r[::-1]}
    for name, value in orders.items():
        yield _of(f"byte_order_{name}", _signed(world, value), _INVALID, SIGNATURE)
    q, zero = CURVE.q, bytes(64)
    values = {
        "r_zero": zero + s,
        "s_zero": r + zero,
        "r_is_q": q.to_bytes(64, "little") + s,
        "s_is_q": r + q.to_bytes(64, "little"),
        "r_plus_q": _plus_q(r) + s,
        "s_plus_q": r + _plus_q(s),
        "r_and_s_all_ones": b"\xff" * 128,
    }
    for name, value in values.items():
        yield _of(name, _signed(world, value), _INVALID, SIGNATURE)
    yield _of("good_key_put_by_hand", _with_key(world, keys.public_key_info(world.spare)))
    yield from _gost_keys(world)


def _plus_q(number: bytes) -> bytes:
    """The same number modulo the order, out of range; all ones where it does not fit in 64
    bytes.
    """
    total = int.from_bytes(number, "little") + CURVE.q
    return total.to_bytes(64, "little") if total < 1 << 512 else b"\xff" * 64


def _gost_keys(world: World) -> Iterator[Vector]:
    info = keys.public_key_info(world.spare)
    point = info[-128:]
    x, y = point[:64], point[64:]
    p = CURVE.p.to_bytes(64, "little")
    points = {
        "point_off_the_curve": (x + bytes([y[0] ^ 1]) + y[1:], "not a point"),
        "point_of_zeros": (bytes(128), "(0, 0)"),
        "x_is_p": (p + y, "below the modulus"),
        "y_is_p": (x + p, "below the modulus"),
        "coordinates_all_ones": (b"\xff" * 128, "below the modulus"),
        "key_of_127_bytes": (point[:-1], "length"),
        "key_of_64_bytes": (point[:64], "length"),
        "key_of_129_bytes": (point + b"\0", "length"),
        "key_big_endian": (x[::-1] + y[::-1], ""),
    }
    for name, (encoded, why) in points.items():
        made = _with_key(world, keys.gost_key_info(encoded))
        yield _of(name, made, _REFUSED, FORMAT, why, nearest="good_key_put_by_hand")
    names = {
        "key_of_the_256_bit_algorithm": (accepted.GOST_512_KEY, "1.2.398.3.10.1.1.2.1"),
        "parameters_of_256_bits": (accepted.GOST_512_PARAMETERS, "1.2.398.3.10.1.1.2.1.1"),
        "key_of_gost_2004": (accepted.GOST_512_KEY, accepted.GOST_2004_KEY),
    }
    for name, (old, new) in names.items():
        yield _of(
            name,
            _with_key(world, _renamed(point, old, new)),
            _REFUSED,
            FORMAT,
            nearest="good_key_put_by_hand",
        )


def _renamed(point: bytes, old: str, new: str) -> bytes:
    """The key's info with one identifier changed for another."""
    said = [accepted.GOST_512_KEY, accepted.GOST_512_PARAMETERS, accepted.STREEBOG_512]
    key, parameters, hashed = (asn1.oid(new if each == old else each) for each in said)
    return asn1.sequence(
        asn1.sequence(key, asn1.sequence(parameters, hashed)), asn1.bits(asn1.octets(point))
    )


def _rsa(world: World) -> Iterator[Vector]:
    yield _of("good_key_put_by_hand", _with_key(world, keys.public_key_info(world.spare)))
    numbers = _numbers(world)
    n, e = numbers.n, numbers.e
    small = n >> 1024 | 1 << 1023 | 1  # the size of a number is all that is asked of it
    moduli = {
        "exponent_1": (n, 1),
        "exponent_3": (n, 3),
        "exponent_even": (n, 65538),
        "exponent_negative": (n, -65537),
        "modulus_of_512_bits": (small >> 512 | 1 << 511 | 1, e),
        "modulus_of_1024_bits": (small, e),
        "modulus_even": (n + 1, e),
        "modulus_negative": (-n, e),
        "modulus_of_16384_bits": ((1 << 16383) | 1, e),
    }
    for name, (modulus, exponent) in moduli.items():
        body = asn1.sequence(asn1.integer(modulus), asn1.integer(exponent))
        info = asn1.sequence(asn1.algorithm(accepted.RSA_ENCRYPTION), asn1.bits(body))
        code = "eds_malformed" if "16384" in name else _REFUSED
        yield _of(name, _with_key(world, info), code, FORMAT, nearest="good_key_put_by_hand")
    yield from _paddings(world)


def _numbers(world: World) -> rsa.RSAPublicNumbers:
    assert isinstance(world.spare, rsa.RSAPrivateKey)
    return world.spare.public_key().public_numbers()


def _paddings(world: World) -> Iterator[Vector]:
    """What follows from decrypting each signature value differs from PKCS #1 in one place."""
    digest = sha256(_message(world)).digest()
    info = _SHA256_INFO + digest
    size = 256
    fill = b"\xff" * (size - 3 - len(info))
    paddings = {
        "good_padding_put_by_hand": b"\0\x01" + fill + b"\0" + info,
        "padding_of_bleichenbacher_2006": (
            b"\0\x01" + b"\xff" * 8 + b"\0" + info + bytes(size - 11 - len(info))
        ),
        "padding_with_another_byte": b"\0\x01" + fill[:-1] + b"\xfe\0" + info,
        "padding_of_encryption": b"\0\x02" + fill + b"\0" + info,
        "padding_without_null": (
            b"\0\x01"
            + fill
            + b"\xff\xff\0"
            + bytes.fromhex("302f300b060960864801650304020104")
            + b"\x20"
            + digest
        ),
        "padding_with_sha1_info": (
            b"\0\x01"
            + fill
            + b"\xff" * 16
            + b"\0"
            + bytes.fromhex("3021300906052b0e03021a05000414")
            + digest[:20]
        ),
    }
    for name, padded in paddings.items():
        made = _signed(world, _raw_rsa(world, padded))
        if name.startswith("good"):
            yield _of(name, made)
        else:
            yield _of(name, made, _INVALID, SIGNATURE, nearest="good_padding_put_by_hand")
    n = _numbers(world).n
    beyond = (int.from_bytes(_signature(world), "big") + n).to_bytes(size + 1, "big")
    yield _of(
        "signature_plus_modulus",
        _signed(world, beyond[-size:] if not beyond[0] else beyond),
        _INVALID,
        SIGNATURE,
    )


def _raw_rsa(world: World, padded: bytes) -> bytes:
    assert isinstance(world.spare, rsa.RSAPrivateKey)
    private = world.spare.private_numbers()
    message = int.from_bytes(padded.rjust(256, b"\0")[-256:], "big")
    return pow(message, private.d, private.public_numbers.n).to_bytes(256, "big")
