"""What a rightly issued certificate says: whose it is and what for."""

from collections.abc import Iterator
from dataclasses import replace

from insecure_sandbox import encoding as asn1
from insecure_sandbox import profile
from insecure_sandbox.minting import Template
from tests.vectors.eds.case import IIN, OTHER_IIN
from tests.vectors.eds.workshop import Vector, World

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
