"""Certificates and keys with one defect each."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import rsa

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, profile
from insecure_sandbox.minting import Template
from tests.vectors.eds.case import IIN, OTHER_IIN
from tests.vectors.eds.cms_defects import FORMAT, SIGNATURE
from tests.vectors.eds.workshop import Vector, World
from verification.engines.gost.curves import PARAM_SET_A_512 as CURVE
from verification.engines.pki import keys as accepted

# What a rightly issued certificate says: whose it is and what for.


USAGE, IDENTITY = "eds.usage", "eds.identity"
_EMAIL, _CLIENT = "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.2"
_ROLE = "1.2.398.3.3.4.1"
_INDIVIDUAL, _LEGAL = f"{_ROLE}.1", f"{_ROLE}.2"
_NAME = (
    ("2.5.4.3", "ТЕСТОВ ТЕСТ"),
    ("2.5.4.4", "ТЕСТОВ"),
    ("2.5.4.5", f"IIN{IIN}"),
    ("2.5.4.6", "KZ"),
)
_ORGANISATION, _UNIT = ("2.5.4.10", "TULGA SANDBOX LLP"), ("2.5.4.11", "BIN120340000014")


def vectors(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _usages(world)
    yield from _roles(world)
    yield from _serial_numbers(world)
    yield from _names(world)


def _of(
    world: World, defect: str, template: Template, code: str = "", check: str = "", **more: object
) -> Vector:
    content = world.sign(world.certify_person(template))
    said = {
        "group": "certificate",
        "defect": defect,
        "content": content,
        "code": code,
        "check": check,
    }
    return Vector(**said | more)  # type: ignore[arg-type]


def _with(world: World, **changed: bytes | None) -> Template:
    """The right template with another policy, purpose or usage, or without one."""
    template = world.template()
    places = {"policy": 0, "purposes": 3, "usage": 4}
    parts = list(template.extensions)
    for name, extension in changed.items():
        parts[places[name]] = extension or b""
    return replace(template, extensions=tuple(part for part in parts if part))


def _usages(world: World) -> Iterator[Vector]:
    right = (0, 1, 4) if world.family == "gost512" else (0, 1)
    auth = (0, 4) if world.family == "gost512" else (0, 2)
    purposes = profile.extended_key_usage((_CLIENT, _INDIVIDUAL))
    code = "eds_key_usage"
    template = _with(world, purposes=purposes, usage=profile.key_usage(auth))
    yield _of(world, "certificate_for_authentication", template, code, USAGE)
    yield _of(world, "purpose_is_authentication", _with(world, purposes=purposes), code, USAGE)
    usage = profile.key_usage(auth)
    yield _of(world, "key_without_non_repudiation", _with(world, usage=usage), code, USAGE)
    yield _of(world, "key_usage_missing", _with(world, usage=None), code, USAGE)
    yield _of(world, "purposes_missing", _with(world, purposes=None), code, USAGE)
    both = profile.extended_key_usage((_CLIENT, _EMAIL, _INDIVIDUAL))
    yield _of(
        world, "good_for_both_purposes", _with(world, purposes=both, usage=profile.key_usage(right))
    )
    critical = asn1.extension(
        "2.5.29.37", asn1.sequence(asn1.oid(_EMAIL), asn1.oid(_INDIVIDUAL)), critical=True
    )
    yield _of(world, "good_with_critical_purposes", _with(world, purposes=critical))
    yield _of(
        world, "good_policy_before_2022", _with(world, policy=profile.policies("1.2.398.3.3.2.3"))
    )
    policies = {"of_authentication": "1.2.398.3.3.2.4", "of_legal_entities": "1.2.398.3.3.2.1"}
    policies |= {"of_somebody_else": "1.2.398.99.1", "any": "2.5.29.32.0"}
    for name, oid in policies.items():
        template = _with(world, policy=profile.policies(oid))
        yield _of(
            world,
            f"policy_{name}",
            template,
            "eds_policy_refused",
            USAGE,
            nearest="good_policy_before_2022",
        )
    yield _of(world, "policies_missing", _with(world, policy=None), "eds_policy_refused", USAGE)


def _roles(world: World) -> Iterator[Vector]:
    code = "eds_not_individual"
    roles = {
        "legal_entity": (_LEGAL,),
        "chief_of_a_legal_entity": (_LEGAL, f"{_LEGAL}.1"),
        "employee": (_LEGAL, f"{_LEGAL}.5"),
        "information_system_of_a_legal_entity": (_LEGAL, f"{_LEGAL}.6"),
        "information_system_of_an_individual": (_INDIVIDUAL, f"{_INDIVIDUAL}.1"),
        "individual_and_employee": (_INDIVIDUAL, f"{_LEGAL}.5"),
        "staff_of_the_authority": (_INDIVIDUAL, "1.2.398.3.3.4.2.1"),
        "no_role": (),
    }
    for name, oids in roles.items():
        purposes = profile.extended_key_usage((_EMAIL, *oids))
        yield _of(world, f"role_{name}", _with(world, purposes=purposes), code, USAGE)
    named = {
        "organisation": (_ORGANISATION,),
        "bin": (_UNIT,),
        "organisation_and_bin": (_ORGANISATION, _UNIT),
    }
    for name, more in named.items():
        yield _of(world, f"name_with_{name}", _named(world, *_NAME, *more), code, USAGE)
    system = (("2.5.4.3", "TULGA SANDBOX SYSTEM"), _ORGANISATION, _UNIT)
    yield _of(
        world,
        "name_of_an_information_system",
        _named(world, *system),
        code,
        USAGE,
        also=("eds_iin_missing",),
    )


def _named(world: World, *attributes: tuple[str, str]) -> Template:
    return replace(world.template(), subject=asn1.name(*attributes))


def _numbered(world: World, *numbers: bytes) -> Template:
    """The right name with these encoded serialNumbers."""
    given = [asn1.set_of(asn1.sequence(asn1.oid("2.5.4.5"), each)) for each in numbers]
    rest = [
        asn1.set_of(asn1.sequence(asn1.oid(kind), asn1.utf8(text)))
        for kind, text in _NAME
        if kind != "2.5.4.5"
    ]
    return replace(world.template(), subject=asn1.sequence(*rest[:2], *given, *rest[2:]))


def _serial_numbers(world: World) -> Iterator[Vector]:
    code = "eds_iin_missing"
    other_digit = IIN[:-1] + str((int(IIN[-1]) + 1) % 10)
    texts = {
        "without_iin": IIN,
        "bin_in_its_place": f"BIN{IIN}",
        "iin_in_small_letters": f"iin{IIN}",
        "iin_of_11_digits": f"IIN{IIN[:-1]}",
        "iin_of_13_digits": f"IIN{IIN}0",
        "iin_with_a_wrong_check_digit": f"IIN{other_digit}",
        "iin_with_a_trailing_nul": f"IIN{IIN}\0",
        "iin_with_a_trailing_space": f"IIN{IIN} ",
        "iin_with_a_leading_space": f" IIN{IIN}",
        "iin_with_a_space_inside": f"IIN {IIN}",
        "iin_and_bin": f"IIN{IIN}BIN120340000014",
        "iin_with_a_letter": f"IIN{IIN[:-1]}O",
        "empty": "",
    }
    for name, text in texts.items():
        yield _of(
            world, f"serial_number_{name}", _numbered(world, asn1.printable(text)), code, IDENTITY
        )
    wide = {
        "cyrillic_iin": f"ІІN{IIN}",
        "arabic_digits": "IIN" + "".join(chr(0x660 + int(d)) for d in IIN),
    }
    for name, text in wide.items():
        yield _of(world, f"serial_number_{name}", _numbered(world, asn1.utf8(text)), code, IDENTITY)
    right = asn1.printable(f"IIN{IIN}")
    yield _of(world, "good_serial_number_in_utf8", _numbered(world, asn1.utf8(f"IIN{IIN}")))
    near = "good_serial_number_in_utf8"
    yield _of(
        world, "serial_number_twice", _numbered(world, right, right), code, IDENTITY, nearest=near
    )
    other = asn1.printable(f"IIN{OTHER_IIN}")
    for name, order in (("first", (right, other)), ("last", (other, right))):
        yield _of(
            world,
            f"serial_numbers_two_the_right_one_{name}",
            _numbered(world, *order),
            code,
            IDENTITY,
        )
    in_name = _named(world, ("2.5.4.3", f"ТЕСТОВ ТЕСТ IIN{IIN}"), *_NAME[1:2], *_NAME[3:])
    yield _of(world, "iin_in_the_common_name_only", in_name, code, IDENTITY)
    yield _of(
        world, "iin_of_another_person", world.template(iin=OTHER_IIN), "eds_iin_mismatch", IDENTITY
    )


def _names(world: World) -> Iterator[Vector]:
    yield _of(world, "good_with_another_surname", world.template(surname="Иванов"))
    marks = {
        "line_feed": "\n",
        "nul": "\0",
        "right_to_left_override": "\u202e",
        "zero_width_joiner": "\u200d",
    }
    marks |= {"bidi_isolate": "\u2066", "escape": "\x1b", "private_use": "\ue000"}
    for name, mark in marks.items():
        template = _named(world, ("2.5.4.3", f"ТЕСТОВ{mark} ТЕСТ"), *_NAME[1:])
        yield _of(world, f"common_name_with_{name}", template, "eds_malformed", IDENTITY)
    template = _named(world, _NAME[0], ("2.5.4.4", "ТЕСТОВ\u202e"), *_NAME[2:])
    yield _of(world, "surname_with_right_to_left_override", template, "eds_malformed", IDENTITY)


# Keys and signature values that only look like ones: points, moduli, exponents, byte orders,
# paddings.


_REFUSED, _INVALID = "eds_algorithm_refused", "eds_signature_invalid"
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def of_keys(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _gost(world) if world.family == "gost512" else _rsa(world)


def _key_of(
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
        yield _key_of(f"byte_order_{name}", _signed(world, value), _INVALID, SIGNATURE)
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
        yield _key_of(name, _signed(world, value), _INVALID, SIGNATURE)
    yield _key_of("good_key_put_by_hand", _with_key(world, keys.public_key_info(world.spare)))
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
        yield _key_of(name, made, _REFUSED, FORMAT, why, nearest="good_key_put_by_hand")
    names = {
        "key_of_the_256_bit_algorithm": (accepted.GOST_512_KEY, "1.2.398.3.10.1.1.2.1"),
        "parameters_of_256_bits": (accepted.GOST_512_PARAMETERS, "1.2.398.3.10.1.1.2.1.1"),
        "key_of_gost_2004": (accepted.GOST_512_KEY, accepted.GOST_2004_KEY),
    }
    for name, (old, new) in names.items():
        yield _key_of(
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
    yield _key_of("good_key_put_by_hand", _with_key(world, keys.public_key_info(world.spare)))
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
        yield _key_of(name, _with_key(world, info), code, FORMAT, nearest="good_key_put_by_hand")
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
            yield _key_of(name, made)
        else:
            yield _key_of(name, made, _INVALID, SIGNATURE, nearest="good_padding_put_by_hand")
    n = _numbers(world).n
    beyond = (int.from_bytes(_signature(world), "big") + n).to_bytes(size + 1, "big")
    yield _key_of(
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
