"""Checking signed statements: the right one passes; each defect is refused by its own name."""

from dataclasses import replace

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys
from insecure_sandbox.signing import (
    attribute,
    sign_cms,
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
from verification.engines.pki.cms import CONTENT_TYPE, SIGNED_DATA, parse_cms

_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"


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


def test_an_rsa_signer_may_name_just_its_key_a_gost_signer_may_not(gost: World, rsa: World) -> None:
    verify(_with_algorithms(rsa, signature_oid=accepted.RSA_ENCRYPTION))
    assert (
        refusal(_with_algorithms(gost, signature_oid=accepted.GOST_512_KEY))
        == "eds_algorithm_refused"
    )


@pytest.mark.parametrize("announced", [frozenset(), frozenset({"1.3.14.3.2.26"})])
def test_a_digest_that_is_not_announced_refuses(world: World, announced: frozenset[str]) -> None:
    signed = parse_cms(sign_cms(world.person, STATEMENT, signed_at=AT), max_bytes=LIMIT)
    with pytest.raises(Refused) as refused:
        replace(signed, announced_digests=announced).check_signature()
    assert refused.value.code == "eds_algorithm_refused"
