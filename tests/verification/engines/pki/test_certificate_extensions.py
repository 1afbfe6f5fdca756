"""Extensions as the library reads them: what it refuses is refused, but for the one that is listed
by name.
"""

from dataclasses import replace

import pytest
from cryptography import x509

from insecure_sandbox import encoding as asn1
from insecure_sandbox import profile
from insecure_sandbox.authority import person_template
from insecure_sandbox.minting import certify
from tests.verification.engines.pki.world import AT, PERSON, World
from verification.core.errors import Refused
from verification.engines.pki.certificate import Certificate, parse_certificate

_NOCHECK = "1.3.6.1.5.5.7.48.1.5"
_ALTERNATIVE_NAME = "2.5.29.17"


def _minted(world: World, *extensions: bytes) -> bytes:
    template = replace(person_template(world.family, **PERSON, at=AT), extensions=extensions)
    return certify(template, world.spare_key, by=world.authority.issuing).certificate


def _read(world: World, *extensions: bytes) -> Certificate:
    return parse_certificate(_minted(world, *extensions))


def _detail(world: World, *extensions: bytes) -> str:
    with pytest.raises(Refused) as refused:
        _read(world, *extensions)
    assert refused.value.code == "eds_malformed"
    return refused.value.detail


def test_every_extension_is_told_with_whether_it_is_critical(world: World) -> None:
    found = _read(
        world, profile.key_usage((0, 1)), asn1.extension("1.2.398.99.1", asn1.null())
    ).extensions
    assert (found["2.5.29.15"], found["1.2.398.99.1"]) == (True, False)


@pytest.mark.parametrize(
    ("bit", "name"),
    enumerate(
        (
            "digital_signature",
            "non_repudiation",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
        )
    ),
)
def test_each_bit_of_a_key_usage_has_its_name(rsa: World, bit: int, name: str) -> None:
    assert _read(rsa, profile.key_usage((bit,))).key_usage == {name}


def test_an_empty_ocsp_nocheck_reads_as_one_with_its_null(rsa: World) -> None:
    """The refusal of the library that is listed by name; the responders of all vectors have it."""
    empty, right = asn1.extension(_NOCHECK, b""), asn1.extension(_NOCHECK, asn1.null())
    with pytest.raises(ValueError, match="ShortData"):
        _ = x509.load_der_x509_certificate(_minted(rsa, empty)).extensions
    found = _read(rsa, empty)
    assert found.extensions == _read(rsa, right).extensions
    assert empty in found.tbs


@pytest.mark.parametrize(
    "beside",
    [
        (asn1.extension(_NOCHECK, b"\0"),),
        (asn1.extension(_NOCHECK, b""), asn1.extension(_NOCHECK, asn1.null())),
        (asn1.extension(_NOCHECK, b""), asn1.extension(_NOCHECK, b"")),
        (asn1.extension(_NOCHECK, b""), asn1.extension(_ALTERNATIVE_NAME, b"")),
        (
            asn1.extension(_NOCHECK, b""),
            asn1.sequence(asn1.oid("1.2.3"), asn1.boolean(False), asn1.octets(b"")),
        ),
    ],
    ids=[
        "a byte in it",
        "twice, once with its null",
        "twice",
        "beside another empty one",
        "beside BER",
    ],
)
def test_nothing_else_passes_with_an_empty_ocsp_nocheck(
    rsa: World, beside: tuple[bytes, ...]
) -> None:
    assert _detail(rsa, *beside) == "certificate: not as RFC 5280 has it"


_UNREADABLE = {
    "alternative names": "2.5.29.17",
    "distribution points": "2.5.29.31",
    "freshest list": "2.5.29.46",
    "authority's addresses": "1.3.6.1.5.5.7.1.1",
    "policies": "2.5.29.32",
    "key usage": "2.5.29.15",
    "purposes": "2.5.29.37",
    "basic constraints": "2.5.29.19",
    "name constraints": "2.5.29.30",
}


@pytest.mark.parametrize("oid", _UNREADABLE.values(), ids=_UNREADABLE)
def test_any_other_extension_that_is_empty_refuses(rsa: World, oid: str) -> None:
    assert _detail(rsa, asn1.extension(oid, b"")) == "certificate: not as RFC 5280 has it"


_BITS_IN_A_NAME = asn1.sequence(asn1.set_of(asn1.sequence(asn1.oid("2.5.4.3"), asn1.bits(b"\0"))))
# Every way in which the library says no.
_WAYS = {
    "ValueError": asn1.extension(_ALTERNATIVE_NAME, asn1.sequence(asn1.element(0x87, b"\1\2\3"))),
    "TypeError": asn1.extension(
        _ALTERNATIVE_NAME, asn1.sequence(asn1.element(0xA4, _BITS_IN_A_NAME))
    ),
    "KeyError": asn1.extension("1.3.6.1.5.5.7.1.24", asn1.sequence(asn1.integer(81))),
    "UnsupportedGeneralNameType": asn1.extension(
        _ALTERNATIVE_NAME, asn1.sequence(asn1.element(0xA3, b""))
    ),
}


@pytest.mark.parametrize(("way", "extension"), _WAYS.items(), ids=_WAYS)
def test_in_whichever_way_the_library_refuses_it_is_a_refusal(
    rsa: World, way: str, extension: bytes
) -> None:
    with pytest.raises(Exception) as raised:
        _ = x509.load_der_x509_certificate(_minted(rsa, extension)).extensions
    assert raised.type.__name__ == way
    assert _detail(rsa, extension) == "certificate: not as RFC 5280 has it"


def test_a_path_length_that_no_path_has_refuses_though_the_library_takes_it(rsa: World) -> None:
    largest, larger = (
        asn1.sequence(asn1.boolean(True), asn1.integer(2**31 - less)) for less in (1, 0)
    )
    assert _read(rsa, asn1.extension("2.5.29.19", largest)).path_len == 2**31 - 1
    assert x509.load_der_x509_certificate(
        _minted(rsa, asn1.extension("2.5.29.19", larger))
    ).extensions
    assert _detail(rsa, asn1.extension("2.5.29.19", larger)) == "path length: out of range"


def test_sixty_four_extensions_pass_and_one_more_refuses(rsa: World) -> None:
    # Minting adds the two of the keys.
    many = [asn1.extension(f"1.2.398.99.{number}", asn1.null()) for number in range(63)]
    assert len(_read(rsa, *many[:62]).extensions) == 64
    assert _detail(rsa, *many) == "too many extensions"


@pytest.mark.parametrize(
    "value",
    [
        asn1.sequence(asn1.boolean(False)),
        asn1.sequence(asn1.element(0x01, b"\1")),
        asn1.sequence(asn1.boolean(True), asn1.integer(-1)),
        asn1.sequence(asn1.boolean(True)) + b"\0",
        b"\x30\x81\x03\x01\x01\xff",
        b"\x30\x80\x01\x01\xff\0\0",
    ],
    ids=[
        "the default in words",
        "true as 1",
        "a negative length",
        "a byte behind",
        "a long length",
        "no length",
    ],
)
def test_constraints_that_are_not_der_refuse(rsa: World, value: bytes) -> None:
    assert _read(
        rsa, asn1.extension("2.5.29.19", asn1.sequence(asn1.boolean(True), asn1.integer(0)))
    ).is_ca
    assert _detail(rsa, asn1.extension("2.5.29.19", value))
