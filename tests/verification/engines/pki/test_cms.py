"""Checking signed statements: the right one passes; each defect is refused by its own name."""

import random
from dataclasses import replace

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys
from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import (
    attribute,
    sign_cms,
    signed_attributes,
    signed_data,
    signer_info,
)
from tests.verification.engines.pki.statements import (
    attributes_of,
    refusal,
    signed_over,
    verify,
    without,
)
from tests.verification.engines.pki.world import AT, LIMIT, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.pki import keys as accepted
from verification.engines.pki.cms import CONTENT_TYPE, DATA, MESSAGE_DIGEST, SIGNED_DATA, parse_cms
from verification.engines.pki.path import build_path

_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"


@pytest.mark.parametrize("attached", [True, False])
def test_a_signed_statement_passes_and_another_statement_refuses(
    world: World, attached: bool
) -> None:
    encoded = sign_cms(world.person, STATEMENT, attached=attached, signed_at=AT)
    verify(encoded)
    assert refusal(encoded, statement=STATEMENT + b".") == "eds_statement_mismatch"


def test_a_signature_by_another_key_than_the_certificates_refuses(world: World) -> None:
    thief = Credential(world.person.certificate, world.family, world.spare_key, world.issuer.der)
    assert refusal(sign_cms(thief, STATEMENT, signed_at=AT)) == "eds_signature_invalid"


def test_a_signing_certificate_attribute_must_name_the_signer(world: World) -> None:
    def with_hash(digest: bytes, *algorithm: bytes) -> bytes:
        identifier = asn1.sequence(*algorithm, asn1.octets(digest))
        ess = attribute(_SIGNING_CERTIFICATE_V2, asn1.sequence(asn1.sequence(identifier)))
        return signed_over(world, sorted([*attributes_of(world), ess]))

    hashes = accepted.ALGORITHMS
    sha256, streebog = hashes["rsa"].digest, hashes["gost512"].digest
    verify(with_hash(sha256(world.leaf.der)))
    verify(with_hash(streebog(world.leaf.der), asn1.algorithm(accepted.STREEBOG_512)))
    assert refusal(with_hash(sha256(world.issuer.der))) == "eds_signed_attributes_invalid"
    assert (
        refusal(with_hash(bytes(20), asn1.algorithm("1.3.14.3.2.26")))
        == "eds_signed_attributes_invalid"
    )


def test_without_signed_attributes_their_encoding_cannot_pose_as_content(world: World) -> None:
    attributes = attributes_of(world)
    encoded_attributes = asn1.element(0x31, *attributes)
    signature = keys.sign(world.person.private_key, encoded_attributes)
    info = signer_info(world.person, attributes=[], signature=signature)
    encoded = signed_data(
        world.person,
        infos=[info],
        certificates=[world.person.certificate],
        content=encoded_attributes,
    )
    assert refusal(encoded, statement=encoded_attributes) == "eds_signed_attributes_invalid"
    with pytest.raises(Refused) as refused:
        parse_cms(encoded, max_bytes=LIMIT).check_signature()
    assert refused.value.code == "eds_signed_attributes_invalid"


@pytest.mark.parametrize("oid", [CONTENT_TYPE, MESSAGE_DIGEST])
def test_a_required_attribute_stands_exactly_once_with_one_value(world: World, oid: str) -> None:
    attributes = attributes_of(world)
    (right,) = [each for each in attributes if asn1.oid(oid) in each]
    digest = accepted.ALGORITHMS[world.family].digest(b"other")
    value = asn1.oid(DATA) if oid == CONTENT_TYPE else asn1.octets(digest)
    broken = [
        without(attributes, oid),
        sorted([*attributes, right]),
        sorted([*attributes, attribute(oid, value)]),
        sorted([*without(attributes, oid), attribute(oid)]),
        sorted([*without(attributes, oid), attribute(oid, value, value)]),
    ]
    for each in broken:
        assert refusal(signed_over(world, each)) == "eds_signed_attributes_invalid"


def test_another_content_type_refuses(world: World) -> None:
    attributes = sorted(
        [
            *without(attributes_of(world), CONTENT_TYPE),
            attribute(CONTENT_TYPE, asn1.oid(SIGNED_DATA)),
        ]
    )
    assert refusal(signed_over(world, attributes)) == "eds_signed_attributes_invalid"
    encoded = signed_data(
        world.person,
        infos=[signer_info(world.person, attributes=attributes_of(world))],
        certificates=[world.person.certificate],
        content=STATEMENT,
        content_type="1.2.840.113549.1.9.16.1.4",
    )
    assert refusal(encoded) == "eds_signed_attributes_invalid"


def test_attributes_out_of_order_refuse_even_if_signed_so(world: World) -> None:
    attributes = attributes_of(world)
    verify(signed_over(world, attributes))
    for other in (attributes[::-1], attributes[1:] + attributes[:1]):
        assert refusal(signed_over(world, other)) == "eds_signed_attributes_invalid"


def test_attributes_in_longer_lengths_refuse_even_if_signed_so(world: World) -> None:
    short = attributes_of(world)[0]
    assert short[1] < 0x80
    longer = bytes([short[0], 0x81, short[1]]) + short[2:]
    assert (
        refusal(signed_over(world, sorted([longer, *attributes_of(world)[1:]]))) == "eds_malformed"
    )


def test_a_repeated_other_attribute_refuses(world: World) -> None:
    other = attribute("1.2.398.99.2", asn1.null())
    verify(signed_over(world, sorted([*attributes_of(world), other])))
    assert (
        refusal(signed_over(world, sorted([*attributes_of(world), other, other])))
        == "eds_signed_attributes_invalid"
    )


def test_a_copy_inside_that_differs_from_the_statement_refuses(world: World) -> None:
    # The hash is that of our statement: only the copy lies.
    for content in (STATEMENT + b" ", b"", STATEMENT[:-1]):
        assert (
            refusal(signed_over(world, attributes_of(world), content=content))
            == "eds_statement_mismatch"
        )


def test_a_copy_that_equals_does_not_help_a_hash_of_other_bytes(world: World) -> None:
    attributes = signed_attributes(world.person, b"other bytes", signed_at=AT)
    assert refusal(signed_over(world, attributes, content=STATEMENT)) == "eds_statement_mismatch"


def _with_algorithms(
    world: World, *, digest_oid: str | None = None, signature_oid: str | None = None
) -> bytes:
    info = signer_info(
        world.person,
        attributes=attributes_of(world),
        digest_oid=digest_oid,
        signature_algorithm=asn1.algorithm(signature_oid) if signature_oid else None,
    )
    return signed_data(
        world.person, infos=[info], certificates=[world.person.certificate], content=STATEMENT
    )


@pytest.mark.parametrize(
    "oid", ["1.3.14.3.2.26", "2.16.840.1.101.3.4.2.3", "1.2.398.3.10.1.3.2", "1.2.398.3.10.1.3.1"]
)
def test_another_hash_than_the_familys_refuses(world: World, oid: str) -> None:
    assert refusal(_with_algorithms(world, digest_oid=oid)) == "eds_algorithm_refused"


def test_the_hash_of_the_other_family_refuses(gost: World, rsa: World) -> None:
    assert refusal(_with_algorithms(gost, digest_oid=accepted.SHA256)) == "eds_algorithm_refused"
    assert (
        refusal(_with_algorithms(rsa, digest_oid=accepted.STREEBOG_512)) == "eds_algorithm_refused"
    )


@pytest.mark.parametrize(
    "oid", ["1.2.840.113549.1.1.5", "1.2.840.113549.1.1.10", "1.2.398.3.10.1.1.2.3.1"]
)
def test_another_signature_algorithm_refuses(world: World, oid: str) -> None:
    assert refusal(_with_algorithms(world, signature_oid=oid)) == "eds_algorithm_refused"


def test_an_rsa_signer_may_name_just_its_key_a_gost_signer_may_not(gost: World, rsa: World) -> None:
    verify(_with_algorithms(rsa, signature_oid=accepted.RSA_ENCRYPTION))
    assert (
        refusal(_with_algorithms(gost, signature_oid=accepted.GOST_512_KEY))
        == "eds_algorithm_refused"
    )


def test_a_gost_signature_in_any_other_byte_order_refuses(gost: World) -> None:
    attributes = attributes_of(gost)
    right = keys.sign(gost.person.private_key, asn1.element(0x31, *attributes))
    r, s = right[:64], right[64:]
    for order, passes in (
        ((r, s), True),
        ((s, r), False),
        ((r[::-1], s[::-1]), False),
        ((s[::-1], r[::-1]), False),
    ):
        info = signer_info(gost.person, attributes=attributes, signature=b"".join(order))
        encoded = signed_data(
            gost.person, infos=[info], certificates=[gost.person.certificate], content=STATEMENT
        )
        if passes:
            verify(encoded)
        else:
            assert refusal(encoded) == "eds_signature_invalid"


def test_a_signature_of_zeros_or_of_another_length_refuses(world: World) -> None:
    right = keys.sign(world.person.private_key, asn1.element(0x31, *attributes_of(world)))
    for signature in (bytes(len(right)), right[:-1], right + b"\0", b"", b"\xff" * len(right)):
        info = signer_info(world.person, attributes=attributes_of(world), signature=signature)
        encoded = signed_data(
            world.person, infos=[info], certificates=[world.person.certificate], content=STATEMENT
        )
        assert refusal(encoded) == "eds_signature_invalid"


def test_one_bit_changed_anywhere_that_counts_never_passes(world: World) -> None:
    encoded = sign_cms(world.person, STATEMENT, signed_at=AT)
    signed = parse_cms(encoded, max_bytes=LIMIT)
    parts = (signed.signature, signed.signed_attributes, STATEMENT, signed.signer.tbs)
    chance = random.Random(34)
    for part in parts:
        start = encoded.rindex(part)
        for _ in range(6):
            tampered = bytearray(encoded)
            tampered[start + chance.randrange(len(part))] ^= 1 << chance.randrange(8)
            if part is signed.signer.tbs:
                _check_tampered_certificate(world, bytes(tampered))
            else:
                assert refusal(bytes(tampered))


def _check_tampered_certificate(world: World, encoded: bytes) -> None:
    """A change in the certificate may leave the statement's signature whole; then the path must
    refuse.
    """
    with pytest.raises(Refused):
        build_path(
            parse_cms(encoded, max_bytes=LIMIT).signer,
            anchors=[world.root],
            intermediates=[world.issuer],
            at=AT,
        )


@pytest.mark.parametrize("announced", [frozenset(), frozenset({"1.3.14.3.2.26"})])
def test_a_digest_that_is_not_announced_refuses(world: World, announced: frozenset[str]) -> None:
    signed = parse_cms(sign_cms(world.person, STATEMENT, signed_at=AT), max_bytes=LIMIT)
    with pytest.raises(Refused) as refused:
        replace(signed, announced_digests=announced).check_signature()
    assert refused.value.code == "eds_algorithm_refused"
