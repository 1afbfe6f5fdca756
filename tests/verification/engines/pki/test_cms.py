"""Reading and checking a CMS where no vector does: wrappings, limits of size, and what the signer's
attributes name.
"""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys
from insecure_sandbox.authority import issue
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
from tests.verification.engines.pki.world import AT, LIMIT, PERSON, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.pki import der
from verification.engines.pki import keys as accepted
from verification.engines.pki.cms import CONTENT_TYPE, DATA, SIGNED_DATA, SIGNING_TIME, parse_cms

_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"


def _code(untrusted: bytes, *, statement: bytes = STATEMENT) -> str:
    return refusal(untrusted, statement=statement).code


def test_a_signing_certificate_attribute_must_name_the_signer(world: World) -> None:
    def with_hash(digest: bytes, *algorithm: bytes) -> bytes:
        identifier = asn1.sequence(*algorithm, asn1.octets(digest))
        ess = attribute(_SIGNING_CERTIFICATE_V2, asn1.sequence(asn1.sequence(identifier)))
        return signed_over(world, sorted([*attributes_of(world), ess]))

    hashes = accepted.ALGORITHMS
    sha256, streebog = hashes["rsa"].digest, hashes["gost512"].digest
    verify(with_hash(sha256(world.leaf.der)))
    verify(with_hash(streebog(world.leaf.der), asn1.algorithm(accepted.STREEBOG_512)))
    assert _code(with_hash(sha256(world.issuer.der))) == "eds_signed_attributes_invalid"
    assert (
        _code(with_hash(bytes(20), asn1.algorithm("1.3.14.3.2.26")))
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
    assert _code(encoded, statement=encoded_attributes) == "eds_signed_attributes_invalid"
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
    assert _code(signed_over(world, attributes)) == "eds_signed_attributes_invalid"
    encoded = signed_data(
        world.person,
        infos=[signer_info(world.person, attributes=attributes_of(world))],
        certificates=[world.person.certificate],
        content=STATEMENT,
        content_type="1.2.840.113549.1.9.16.1.4",
    )
    assert _code(encoded) == "eds_signed_attributes_invalid"


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
        _code(_with_algorithms(gost, signature_oid=accepted.GOST_512_KEY))
        == "eds_algorithm_refused"
    )


@pytest.mark.parametrize("announced", [frozenset(), frozenset({"1.3.14.3.2.26"})])
def test_a_digest_that_is_not_announced_refuses(world: World, announced: frozenset[str]) -> None:
    signed = parse_cms(sign_cms(world.person, STATEMENT, signed_at=AT), max_bytes=LIMIT)
    with pytest.raises(Refused) as refused:
        replace(signed, announced_digests=announced).check_signature()
    assert refused.value.code == "eds_algorithm_refused"


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
                asn1.set_of(asn1.algorithm(accepted.ALGORITHMS[world.family].digest_oid)),
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
        _code(_bouncy_castle(world, content=STATEMENT, info=ber_info, certificate=certificate))
        == "eds_malformed"
    )
    ber_certificate = _indefinite(0x30, certificate[4:])
    assert (
        _code(_bouncy_castle(world, content=STATEMENT, info=info, certificate=ber_certificate))
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
        assert _code(each) == "eds_malformed"


@pytest.mark.parametrize(
    "untrusted",
    [b"", b"0", b"{}", b"\xff\xfe", "сообщение".encode(), b"MA==", b"-----BEGIN CMS-----"],
)
def test_what_is_no_signature_is_malformed(untrusted: bytes) -> None:
    assert _code(untrusted) == "eds_malformed"


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
        _code(signed_over(world, attributes_of(world), certificates=both))
        == "eds_certificate_missing"
    )


def _changed(
    world: World,
    *,
    signed_part: bytes = b"",
    signer_id: bytes = b"",
    signer_part: bytes = b"",
) -> bytes:
    """A right CMS with one part more beside its signers or in the signer, or with another name for
    the signer.
    """
    encoded = sign_cms(world.person, STATEMENT, signed_at=AT)
    kind, wrapped = der.read_tree(encoded).children
    *parts, signers = wrapped.children[0].children
    info = [each.raw for each in signers.children[0].children]
    info[1] = signer_id or info[1]
    changed = asn1.set_of(asn1.sequence(*info, signer_part))
    inner = asn1.sequence(*(each.raw for each in parts), signed_part, changed)
    return asn1.sequence(kind.raw, asn1.explicit(0, inner))


@pytest.mark.parametrize(
    ("changes", "code", "detail"),
    [
        (
            {"signer_id": asn1.element(0x80, bytes(20))},
            "eds_certificate_missing",
            "not named by issuer and serial number",
        ),
        ({"signed_part": asn1.element(0xA2, asn1.null())}, "eds_malformed", "unexpected parts"),
        ({"signed_part": asn1.explicit(0, b"")}, "eds_malformed", "unexpected parts"),
        ({"signer_part": asn1.null()}, "eds_malformed", "signer: a wrong number of parts"),
    ],
    ids=["key identifier", "another part", "two sets of certificates", "part of the signer"],
)
def test_a_part_that_the_profile_does_not_have_refuses(
    world: World, changes: dict[str, bytes], code: str, detail: str
) -> None:
    verify(_changed(world))
    refused = refusal(_changed(world, **changes))
    assert refused.code == code
    assert detail in refused.detail


def test_what_is_no_certificate_may_stand_beside_the_signers(world: World) -> None:
    beside = [asn1.sequence(asn1.null()), asn1.null(), world.person.certificate]
    verify(signed_over(world, attributes_of(world), certificates=beside))


def test_more_certificates_than_a_signature_needs_refuse(world: World) -> None:
    many = [asn1.sequence(asn1.integer(number)) for number in range(1_000)]
    crowd = signed_over(world, attributes_of(world), certificates=[*many, world.leaf.der])
    assert refusal(crowd).detail == "signed data: too many certificates"
