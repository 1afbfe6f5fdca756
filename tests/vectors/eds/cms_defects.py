"""The CMS itself: its shape, its signed attributes, its algorithms. Certificate, path and
revocation are right.
"""

import base64
from collections.abc import Iterator
from dataclasses import replace

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys
from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import attribute, signed_data, signer_info
from tests.vectors.eds.case import STATEMENT
from tests.vectors.eds.workshop import Vector, World
from verification.engines.pki import keys as accepted
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.cms import (
    CONTENT_TYPE,
    DATA,
    MESSAGE_DIGEST,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
)
from verification.stages.statement.policy import POLICY

FORMAT, CONTENT, SIGNATURE = "eds.format", "eds.content", "eds.signature"
_MALFORMED, _ATTRIBUTES = "eds_malformed", "eds_signed_attributes_invalid"
_DEPTH, _LENGTH = 10_000, 100 * 1024 * 1024


def vectors(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _passing(world)
    yield from _shapes(world)
    yield from _attributes(world)
    yield from _contents(world)
    yield from _algorithms(world)
    yield from _bombs(world)


def _of(
    defect: str, content: bytes, code: str = "", check: str = "", why: str = "", **more: object
) -> Vector:
    vector = Vector(group="cms", defect=defect, content=content, code=code, check=check, why=why)
    return replace(vector, **more)  # type: ignore[arg-type]


def cades(
    world: World, signer: Credential, *, names: bytes | None = None, attached: bool = False
) -> bytes:
    """A CAdES-BES: its signing-certificate-v2 names the certificate `names`, by default the
    signer's own.
    """
    digest = accepted.ALGORITHMS["rsa"].digest(names or signer.certificate)
    ess = attribute(
        SIGNING_CERTIFICATE_V2, asn1.sequence(asn1.sequence(asn1.sequence(asn1.octets(digest))))
    )
    content = STATEMENT if attached else None
    return world.put_together(sorted([*world.attributes(), ess]), content=content, by=signer)


def _passing(world: World) -> Iterator[Vector]:
    good, put = world.good, world.put_together
    passing = {
        "good": good,
        "good_attached": world.sign(world.person, attached=True),
        "good_base64": base64.encodebytes(good),
        "good_pem": pem(good),
        "good_ber_wrapper": _indefinite(good),
        "good_cades": cades(world, world.person),
        "good_without_signing_time": put(_without(world, SIGNING_TIME)),
        "good_with_another_attribute": put(_with(world, attribute("1.2.398.99.2", asn1.null()))),
        "good_with_its_issuer_inside": put(
            world.attributes(),
            certificates=[world.person.certificate, world.issuing.certificate],
        ),
    }
    if world.family == "rsa":
        plain = asn1.algorithm(accepted.RSA_ENCRYPTION)
        passing["good_naming_just_the_key"] = put(world.attributes(), signature_algorithm=plain)
    for name, content in passing.items():
        yield _of(name, content)


def pem(cms: bytes) -> bytes:
    """As the signer's program sends it."""
    return b"-----BEGIN CMS-----\n" + base64.encodebytes(cms) + b"-----END CMS-----\n"


def _indefinite(cms: bytes) -> bytes:
    """The two outermost wrappers without lengths, as Bouncy Castle writes them."""
    header = 2 if cms[1] < 0x80 else 2 + (cms[1] & 0x7F)
    oid = asn1.oid(SIGNED_DATA)
    inner = cms[header + len(oid) :]
    start = 2 if inner[1] < 0x80 else 2 + (inner[1] & 0x7F)
    return b"\x30\x80" + oid + b"\xa0\x80" + inner[start:] + b"\0\0\0\0"


def _shapes(world: World) -> Iterator[Vector]:
    person, good = world.person, world.good
    info = signer_info(person, attributes=world.attributes())
    own = [person.certificate]

    def put(infos: list[bytes], certificates: list[bytes]) -> bytes:
        return signed_data(person, infos=infos, certificates=certificates, content=None)

    missing = "eds_certificate_missing"
    twin = _same_serial_other_issuer(world)
    rival = world.certify_person(replace(world.template(days=364), serial=world.leaf.serial))
    broken = {
        "zero_signers": (put([], own), "eds_signer_count"),
        "two_signers": (put([info, info], own), "eds_signer_count"),
        "certificate_missing": (put([info], []), missing),
        "certificate_of_its_issuer_instead": (put([info], [world.issuing.certificate]), missing),
        "certificate_swapped_same_serial": (put([info], [twin]), missing),
        "certificate_twice_same_name": (put([info], [*own, rival.certificate]), missing),
        "trailing_bytes": (good + b"\0", _MALFORMED),
        "leading_bytes": (b"\0" + good, _MALFORMED),
        "trailing_bytes_in_base64": (base64.b64encode(good + b"\0"), _MALFORMED),
        "trailing_text_after_pem": (pem(good) + b"x", _MALFORMED),
        "cut_off": (good[:-1], _MALFORMED),
        "not_signed_data": (good.replace(asn1.oid(SIGNED_DATA), asn1.oid(DATA), 1), _MALFORMED),
    }
    why = {"certificate_twice_same_name": "ambiguous"}
    nearest = {"trailing_bytes_in_base64": "good_base64", "trailing_text_after_pem": "good_pem"}
    for name, (content, code) in broken.items():
        near = nearest.get(name, "good")
        yield _of(name, content, code, FORMAT, why.get(name, ""), nearest=near)
    thief = replace(person, private_key=world.issuing.private_key)
    yield _of("signed_by_another_key", world.sign(thief), "eds_signature_invalid", SIGNATURE)
    foreign = cades(world, person, names=world.issuing.certificate)
    yield _of(
        "cades_names_another_certificate", foreign, _ATTRIBUTES, SIGNATURE, nearest="good_cades"
    )


def _same_serial_other_issuer(world: World) -> bytes:
    rival = replace(world.template(), serial=world.leaf.serial)
    return world.certify_person(rival, by=world.root).certificate


def _with(world: World, *more: bytes) -> list[bytes]:
    return sorted([*world.attributes(), *more])


def _without(world: World, oid: str) -> list[bytes]:
    return [each for each in world.attributes() if asn1.oid(oid) not in each]


def _attributes(world: World) -> Iterator[Vector]:
    encoded = asn1.element(0x31, *world.attributes())
    posed = world.put_together(
        [], signature=keys.sign(world.person.private_key, encoded), content=encoded
    )
    yield _of("no_attributes_their_encoding_as_content", posed, _ATTRIBUTES, CONTENT)
    bare = world.put_together([], signature=keys.sign(world.person.private_key, STATEMENT))
    yield _of("no_attributes", bare, _ATTRIBUTES, CONTENT)
    digest = accepted.ALGORITHMS[world.family].digest
    right = {CONTENT_TYPE: asn1.oid(DATA), MESSAGE_DIGEST: asn1.octets(digest(STATEMENT))}
    for name, oid in (("content_type", CONTENT_TYPE), ("message_digest", MESSAGE_DIGEST)):
        rest, value = _without(world, oid), right[oid]
        broken = {
            "missing": rest,
            "twice": sorted([*rest, attribute(oid, value), attribute(oid, value)]),
            "with_two_values": sorted([*rest, attribute(oid, value, value)]),
            "without_a_value": sorted([*rest, attribute(oid)]),
        }
        for how, attributes in broken.items():
            yield _of(f"{name}_{how}", world.put_together(attributes), _ATTRIBUTES, CONTENT)
    rightly = world.attributes()
    yield _of(
        "attributes_unsorted", world.put_together(rightly[::-1]), _ATTRIBUTES, SIGNATURE, "order"
    )
    longer = [bytes([rightly[0][0], 0x81, rightly[0][1]]) + rightly[0][2:], *rightly[1:]]
    yield _of("attributes_in_ber", world.put_together(sorted(longer)), _MALFORMED, FORMAT)
    other = attribute("1.2.398.99.2", asn1.null())
    twice = world.put_together(_with(world, other, other))
    yield _of(
        "another_attribute_twice",
        twice,
        _ATTRIBUTES,
        SIGNATURE,
        nearest="good_with_another_attribute",
    )
    kind = sorted([*_without(world, CONTENT_TYPE), attribute(CONTENT_TYPE, asn1.oid(SIGNED_DATA))])
    yield _of("content_type_is_no_data", world.put_together(kind), _ATTRIBUTES, CONTENT)


def _contents(world: World) -> Iterator[Vector]:
    code, near = "eds_statement_mismatch", "good_attached"
    dearer = STATEMENT.replace(b'"amount":"150000.00"', b'"amount":"950000.00"')
    yield _of(
        "other_content",
        world.sign(world.person, dearer, attached=True),
        code,
        CONTENT,
        nearest=near,
    )
    yield _of("other_content_detached", world.sign(world.person, dearer), code, CONTENT)
    copies = {"differs": dearer, "is_longer": STATEMENT + b" ", "is_empty": b""}
    for how, copy in copies.items():
        lying = world.put_together(world.attributes(), content=copy)
        yield _of(f"copy_inside_{how}", lying, code, CONTENT, "copy", nearest=near)
    right_copy = world.put_together(world.attributes(b"other bytes"), content=STATEMENT)
    yield _of("copy_inside_right_hash_wrong", right_copy, code, CONTENT, nearest=near)
    yield _of("detached_over_empty_data", world.sign(world.person, b""), code, CONTENT)


def _algorithms(world: World) -> Iterator[Vector]:
    code, attributes = "eds_algorithm_refused", world.attributes()
    other = accepted.STREEBOG_512 if world.family == "rsa" else accepted.SHA256
    digests = {
        "of_the_other_family": other,
        "sha1": "1.3.14.3.2.26",
        "sha512": "2.16.840.1.101.3.4.2.3",
    }
    digests |= {"streebog_256": "1.2.398.3.10.1.3.2", "34311": accepted.GOST_34311}
    for name, oid in digests.items():
        yield _of(f"digest_{name}", world.put_together(attributes, digest_oid=oid), code, CONTENT)
    other = accepted.GOST_512_SIGNATURE if world.family == "rsa" else accepted.SHA256_WITH_RSA
    signatures = {
        "of_the_other_family": other,
        "rsa_with_sha1": "1.2.840.113549.1.1.5",
        "pss": "1.2.840.113549.1.1.10",
    }
    signatures |= {"gost_256": "1.2.398.3.10.1.1.2.3.1", "gost_2004": accepted.GOST_2004_SIGNATURE}
    for name, oid in signatures.items():
        made = world.put_together(attributes, signature_algorithm=asn1.algorithm(oid))
        yield _of(f"signature_{name}", made, code, CONTENT)
    right = keys.sign(world.person.private_key, asn1.element(0x31, *attributes))
    for name, value in {
        "zeros": bytes(len(right)),
        "cut_off": right[:-1],
        "too_long": right + b"\0",
        "empty": b"",
    }.items():
        yield _of(
            f"signature_{name}",
            world.put_together(attributes, signature=value),
            "eds_signature_invalid",
            SIGNATURE,
        )


def _bombs(world: World) -> Iterator[Vector]:
    if world.family == "rsa":
        return
    nested = b""
    for _ in range(500):
        nested = asn1.sequence(nested)
    long = b"\x30\x84" + _LENGTH.to_bytes(4, "big") + world.sign(world.person)
    bombs = {
        "indefinite_lengths_without_end": (b"\x30\x80" * 20, _MALFORMED, ""),
        "nested_500_deep": (nested, _MALFORMED, "deep"),
        "nested_10000_deep": (b"\x30\x80" * _DEPTH, _MALFORMED, "deep"),
        "length_of_100_mb": (long, _MALFORMED, ""),
        "too_large": (asn1.sequence(bytes(POLICY.signature_max_bytes)), "eds_too_large", ""),
        "empty": (b"", _MALFORMED, ""),
    }
    for name, (content, code, why) in bombs.items():
        yield _of(name, content, code, FORMAT, why)


def tampered_body(world: World) -> bytes:
    """The leaf's certificate with another IIN and the signature it had."""
    leaf = parse_certificate(world.person.certificate)
    return leaf.der.replace(b"IIN990101100010", b"IIN990101100020")
