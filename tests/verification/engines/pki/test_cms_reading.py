"""Reading signed statements: every wrapping of a right one, and what is not exactly one signer with
a certificate.
"""

import base64
from datetime import timedelta

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox.authority import issue
from insecure_sandbox.signing import sign_cms, signer_info
from tests.verification.engines.pki.statements import (
    attributes_of,
    refusal,
    signed_over,
    verify,
    without,
)
from tests.verification.engines.pki.world import AT, LIMIT, PERSON, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.pki import keys
from verification.engines.pki.cms import DATA, SIGNED_DATA, SIGNING_TIME, parse_cms


def _pem(encoded: bytes, label: str = "CMS") -> bytes:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(encoded).decode()}-----END {label}-----\n".encode()  # noqa: E501


def test_what_was_read_is_what_was_signed(world: World) -> None:
    signed = parse_cms(sign_cms(world.person, STATEMENT, signed_at=AT), max_bytes=LIMIT)
    assert signed.signer == world.leaf
    assert signed.encapsulated == STATEMENT
    assert signed.claimed_signing_time == AT
    assert parse_cms(
        signed_over(world, without(attributes_of(world), SIGNING_TIME)), max_bytes=LIMIT
    )


@pytest.mark.parametrize("label", ["CMS", "PKCS7"])
def test_pem_and_base64_pass_like_der(rsa: World, label: str) -> None:
    encoded = sign_cms(rsa.person, STATEMENT, signed_at=AT)
    for armored in (
        _pem(encoded, label),
        base64.b64encode(encoded),
        base64.encodebytes(encoded) + b"\r\n",
    ):
        verify(armored)


def _indefinite(tag: int, *parts: bytes) -> bytes:
    return bytes([tag, 0x80]) + b"".join(parts) + b"\0\0"


def _bouncy_castle(world: World, *, content: bytes, info: bytes, certificate: bytes) -> bytes:
    """The wrapper in indefinite lengths and the content in segments, as Bouncy Castle writes it."""
    segments = [asn1.octets(content[:10]), asn1.octets(content[10:])]
    return _indefinite(
        0x30,
        asn1.oid(SIGNED_DATA),
        _indefinite(
            0xA0,
            _indefinite(
                0x30,
                asn1.integer(1),
                asn1.set_of(asn1.algorithm(keys.ALGORITHMS[world.family].digest_oid)),
                _indefinite(0x30, asn1.oid(DATA), _indefinite(0xA0, _indefinite(0x24, *segments))),
                _indefinite(0xA0, certificate),
                asn1.set_of(info),
            ),
        ),
    )


def test_a_wrapper_in_indefinite_lengths_passes_but_not_the_signer_or_the_certificate(
    world: World,
) -> None:
    info = signer_info(world.person, attributes=attributes_of(world))
    certificate = world.person.certificate
    verify(_bouncy_castle(world, content=STATEMENT, info=info, certificate=certificate))
    ber_info = _indefinite(0x30, info[4:])
    assert (
        refusal(_bouncy_castle(world, content=STATEMENT, info=ber_info, certificate=certificate))
        == "eds_malformed"
    )
    ber_certificate = _indefinite(0x30, certificate[4:])
    assert (
        refusal(_bouncy_castle(world, content=STATEMENT, info=info, certificate=ber_certificate))
        == "eds_malformed"
    )


def test_anything_before_or_behind_the_signature_refuses(rsa: World) -> None:
    encoded = sign_cms(rsa.person, STATEMENT, signed_at=AT)
    pem = _pem(encoded)
    broken = [
        encoded + b"\0",
        b"\0" + encoded,
        pem + b"x",
        b"x" + pem,
        pem + pem,
        base64.b64encode(encoded) + b"====",
    ]
    broken += [
        _pem(encoded, "CERTIFICATE"),
        pem.replace(b"END CMS", b"END PKCS7"),
        base64.b64encode(encoded + b"\0"),
    ]
    for each in broken:
        assert refusal(each) == "eds_malformed"


@pytest.mark.parametrize(
    "untrusted",
    [b"", b"0", b"{}", b"\xff\xfe", "сообщение".encode(), b"MA==", b"-----BEGIN CMS-----"],
)
def test_what_is_no_signature_is_malformed(untrusted: bytes) -> None:
    assert refusal(untrusted) == "eds_malformed"


def test_the_limit_counts_decoded_bytes(rsa: World) -> None:
    encoded = sign_cms(rsa.person, STATEMENT, signed_at=AT)
    for untrusted in (encoded, _pem(encoded)):
        assert parse_cms(untrusted, max_bytes=len(encoded))
        with pytest.raises(Refused) as refused:
            parse_cms(untrusted, max_bytes=len(encoded) - 1)
        assert refused.value.code == "eds_too_large"
    with pytest.raises(Refused) as refused:
        parse_cms(b"A" * (2 * LIMIT + 1), max_bytes=LIMIT)
    assert refused.value.code == "eds_too_large"


def test_two_certificates_of_the_same_name_and_number_are_ambiguous(world: World) -> None:
    twin = issue(
        world.authority,
        **PERSON,
        at=AT + timedelta(days=1),
        serial=world.leaf.serial,
        key=world.spare_key,
    )
    same = [world.person.certificate, world.person.certificate]
    verify(signed_over(world, attributes_of(world), certificates=same))
    both = [world.person.certificate, twin.certificate]
    assert (
        refusal(signed_over(world, attributes_of(world), certificates=both))
        == "eds_certificate_missing"
    )
