"""CMS signatures and their DER."""

import base64
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys
from insecure_sandbox.authority import issue
from insecure_sandbox.signing import attribute, sign_cms, signed_data, signer_info
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

# Reading and checking a CMS where no vector does: wrappings, limits of size, and what the
# signer's attributes name.


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


# The reader of encodings: what fits passes, and bombs die before they cost anything.


def _nested(depth: int) -> bytes:
    """An empty SEQUENCE inside that many others, in definite lengths."""
    encoded = b"0\0"
    for _ in range(depth):
        size = len(encoded)
        encoded = (
            bytes([0x30, size]) if size < 128 else b"\x30\x84" + size.to_bytes(4, "big")
        ) + encoded
    return encoded


def test_a_tree_is_read_with_all_its_levels() -> None:
    root = der.read_tree(bytes.fromhex("300a020105 30050101ff0500"))
    number, inner = root.children
    assert der.integer(number, "number") == 5
    assert [child.tag for child in inner.children] == [der.BOOLEAN, 0x05]
    assert root.strict


def test_an_indefinite_length_is_read_and_marked() -> None:
    root = der.read_tree(bytes.fromhex("3080 020105 0000"))
    assert der.integer(root.children[0], "number") == 5
    assert not root.strict
    assert root.children[0].strict


def test_a_length_longer_than_needed_is_read_and_marked() -> None:
    assert der.read_tree(b"\x30\x02\x05\x00").strict
    assert not der.read_tree(b"\x30\x81\x02\x05\x00").strict
    assert not der.read_tree(b"\x30\x03\x05\x81\x00").strict


def test_what_stays_unopened_has_no_parts_and_must_say_its_length() -> None:
    encoded = bytes.fromhex("3009 a3073005 30033001 00")
    with pytest.raises(Refused, match="cut off"):
        der.read_tree(encoded)
    assert [each.children for each in der.read_tree(encoded, unopened=der.CONTEXT_3).children] == [
        []
    ]
    with pytest.raises(Refused, match="without a length"):
        der.read_tree(bytes.fromhex("3006 a380 0500 0000"), unopened=der.CONTEXT_3)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x30",
        b"\x30\x01",  # cut off
        b"\x30\x00\x00",  # a byte behind
        b"\x30\x00\x30\x00",  # a second element
        b"\x30\x03\x02\x02\x05",  # an inner element beyond its outer one
        b"\x30\x03\x30\x02\x05\x00",  # the same, constructed
        b"\x30\x80\x05\x00",  # no end mark
        b"\x30\x80\x05\x00\x00",  # half an end mark
        b"\x30\x02\x00\x00",  # an end mark in a definite length
        b"\x04\x80\x00\x00",  # a plain element without a length
        b"\x30\x85\x01\x00\x00\x00\x00",  # a length of five bytes
        b"\x30\x84\x05\xf5\xe1\x00",  # 100 MB promised
        b"\x1f\x81\x01\x00",  # a tag above 30
    ],
)
def test_a_broken_encoding_refuses(encoded: bytes) -> None:
    with pytest.raises(Refused) as refused:
        der.read_tree(encoded)
    assert refused.value.code == "eds_malformed"


def test_thirty_levels_pass_and_thirty_two_refuse() -> None:
    assert der.read_tree(_nested(30)).strict
    with pytest.raises(Refused, match="deeply"):
        der.read_tree(_nested(32))


@pytest.mark.parametrize(("count", "passes"), [(19_999, True), (20_000, False)])
def test_twenty_thousand_elements_are_the_most(count: int, passes: bool) -> None:
    content = b"\x05\x00" * count
    encoded = b"\x30\x83" + len(content).to_bytes(3, "big") + content
    if passes:
        assert len(der.read_tree(encoded).children) == count
        return
    with pytest.raises(Refused, match="too many"):
        der.read_tree(encoded)


@pytest.mark.parametrize(
    "bomb", [b"\x30\x80" * 10_000, _nested(10_000), b"\x30\x80" + b"\x05\x00" * 200_000]
)
def test_a_bomb_dies_at_once(bomb: bytes) -> None:
    started = time.process_time()
    with pytest.raises(Refused):
        der.read_tree(bomb)
    # Of our own time, whatever else the machine does: the work is bounded by 20 000 elements.
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("encoded", "number"),
    [
        (b"\x02\x01\x00", 0),
        (b"\x02\x01\x80", -128),
        (b"\x02\x02\x00\x80", 128),
        (b"\x02\x02\xff\x7f", -129),
    ],
)
def test_an_integer_in_its_shortest_form_is_read(encoded: bytes, number: int) -> None:
    assert der.integer(der.read_tree(encoded), "number") == number


@pytest.mark.parametrize(
    "encoded", [b"\x02\x00", b"\x02\x02\x00\x7f", b"\x02\x02\xff\x80", b"\x04\x01\x05"]
)
def test_an_integer_in_another_form_refuses(encoded: bytes) -> None:
    with pytest.raises(Refused):
        der.integer(der.read_tree(encoded), "number")


@pytest.mark.parametrize(
    ("encoded", "dotted"),
    [
        ("06082a830e030a010303", "1.2.398.3.10.1.3.3"),
        ("0603550405", "2.5.4.5"),
        ("0603883703", "2.999.3"),
    ],
)
def test_an_object_identifier_is_read(encoded: str, dotted: str) -> None:
    assert der.oid(der.read_tree(bytes.fromhex(encoded)), "oid") == dotted


@pytest.mark.parametrize(
    "encoded", ["0600", "060180", "06028001", "0603558005", "062155" + "01" * 32]
)
def test_a_cut_padded_or_endless_object_identifier_refuses(encoded: str) -> None:
    with pytest.raises(Refused):
        der.oid(der.read_tree(bytes.fromhex(encoded)), "oid")


@pytest.mark.parametrize(
    ("tag", "text", "iso"),
    [
        (0x17, b"491231235959Z", "2049-12-31T23:59:59+00:00"),
        (0x17, b"500101000000Z", "1950-01-01T00:00:00+00:00"),
        (0x18, b"20500101000000Z", "2050-01-01T00:00:00+00:00"),
    ],
)
def test_a_time_is_read_in_utc(tag: int, text: bytes, iso: str) -> None:
    assert der.time(der.read_tree(bytes([tag, len(text)]) + text), "time").isoformat() == iso


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        (0x17, b"261124120000+0500"),
        (0x17, b"2611241200Z"),
        (0x17, b"261324120000Z"),
        (0x17, b"260230120000Z"),
        (0x18, b"00000101000000Z"),
        (0x18, b"20261124120000.5Z"),
        (0x04, b"261124120000Z"),
        (0x17, "٢٦١١٢٤١٢٠٠٠٠Z".encode()),
    ],
)
def test_a_time_in_another_form_refuses(tag: int, text: bytes) -> None:
    with pytest.raises(Refused):
        der.time(der.read_tree(bytes([tag, len(text)]) + text), "time")
