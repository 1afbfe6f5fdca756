"""Certificates, the person they name, and their path to an anchor."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, profile
from insecure_sandbox.authority import forge_like_nca, person_template
from insecure_sandbox.credential import Credential
from insecure_sandbox.minting import Template, certificate_body, certify, new_serial, seal
from insecure_sandbox.signing import sign_cms
from insecure_sandbox.xml_signing import sign_xml
from tests.verification.engines.pki.statements import DOCUMENT
from tests.verification.engines.pki.world import (
    AT,
    IIN,
    LIMIT,
    PERSON,
    STATEMENT,
    World,
    foreign_authority,
)
from verification.core.errors import Refused
from verification.engines.pki import der
from verification.engines.pki.certificate import MAX_CERTIFICATE, Certificate, parse_certificate
from verification.engines.pki.path import build_path
from verification.engines.pki.signatures import (
    Signature,
    check_usage,
    compare_surname,
    parse_signature,
    subject_iin,
)

# Chains: the right one passes; every way to pose as the authority is refused.


_DAY = timedelta(days=1)


def _path(world: World, leaf: Credential, *intermediates: Credential) -> tuple[Certificate, ...]:
    given = [parse_certificate(each.certificate) for each in intermediates] or [world.issuer]
    return build_path(
        parse_certificate(leaf.certificate), anchors=[world.root], intermediates=given, at=AT
    )


def _path_refusal(world: World, leaf: Credential, *intermediates: Credential) -> Refused:
    with pytest.raises(Refused) as refused:
        _path(world, leaf, *intermediates)
    return refused.value


def _issuing_template(world: World) -> Template:
    return Template(
        subject=world.issuer.subject,
        extensions=profile.authority_extensions(root=False, path_len=0),
        not_before=AT - _DAY,
        not_after=AT + _DAY,
        serial=new_serial(),
    )


def _person(world: World, *, by: Credential) -> Credential:
    return certify(person_template(world.family, **PERSON, at=AT), world.spare_key, by=by)


def test_a_leaf_directly_under_an_anchor_passes(world: World) -> None:
    path = build_path(world.leaf, anchors=[world.issuer], intermediates=[], at=AT)
    assert path == (world.leaf, world.issuer)


def test_a_second_certificate_of_the_same_name_does_not_hide_the_right_one(world: World) -> None:
    decoy = foreign_authority(world.family).issuing
    assert _path(world, world.person, decoy, world.authority.issuing)[1] == world.issuer


def test_a_crowd_of_issuers_of_the_same_name_is_not_tried_to_its_end(world: World) -> None:
    decoy = parse_certificate(forge_like_nca(world.root.der, **PERSON, at=AT).certificate)
    crowd = [
        replace(
            decoy,
            sha256=f"{number}",
            subject=world.issuer.subject,
            is_ca=False,
            key_usage=frozenset(),
        )
        for number in range(17)
    ]
    assert build_path(
        world.leaf, anchors=[world.root], intermediates=[*crowd[:10], world.issuer], at=AT
    )
    with pytest.raises(Refused, match="too many"):
        build_path(world.leaf, anchors=[], intermediates=crowd, at=AT)


@pytest.mark.parametrize(("path_len", "passes"), [(None, True), (1, True), (0, False)])
def test_a_path_longer_than_allowed_is_untrusted(
    world: World, path_len: int | None, passes: bool
) -> None:
    upper = replace(
        _issuing_template(world),
        subject=asn1.name(("2.5.4.3", "TULGA SANDBOX UPPER")),
        extensions=profile.authority_extensions(root=False, path_len=path_len),
    )
    upper_authority = certify(upper, world.spare_key, by=world.authority.root)
    lower_authority = certify(_issuing_template(world), world.spare_key, by=upper_authority)
    leaf = _person(world, by=lower_authority)
    if passes:
        assert len(_path(world, leaf, upper_authority, lower_authority)) == 4
    else:
        assert "longer" in _path_refusal(world, leaf, upper_authority, lower_authority).detail


@pytest.mark.parametrize(
    ("offset", "code"),
    [
        (timedelta(), ""),
        (-timedelta(hours=1, seconds=1), "eds_certificate_not_yet_valid"),
        (timedelta(days=365), "eds_certificate_expired"),
        (timedelta(days=365, hours=-1), ""),
        (timedelta(days=365, hours=-1, seconds=1), "eds_certificate_expired"),
    ],
)
def test_the_leaf_is_valid_from_its_first_to_its_last_second(
    world: World, offset: timedelta, code: str
) -> None:
    def build() -> object:
        return build_path(
            world.leaf, anchors=[world.root], intermediates=[world.issuer], at=AT + offset
        )

    if not code:
        assert build()
        return
    with pytest.raises(Refused) as refused:
        build()
    assert refused.value.code == code


def test_a_forged_and_expired_certificate_is_called_untrusted(world: World) -> None:
    forged = forge_like_nca(world.issuer.der, **PERSON, at=AT - 400 * _DAY)
    assert _path_refusal(world, forged).code == "eds_path_untrusted"


def test_the_same_authority_in_another_certificate_is_no_anchor(world: World) -> None:
    again = certify(
        _issuing_template(world), world.authority.issuing.private_key, by=world.authority.root
    )
    twin = parse_certificate(again.certificate)
    assert twin.public_key == world.issuer.public_key
    path = build_path(world.leaf, anchors=[twin], intermediates=[], at=AT)
    assert path[-1].sha256 == twin.sha256
    with pytest.raises(Refused):
        build_path(world.leaf, anchors=[], intermediates=[twin, world.issuer], at=AT)


def test_an_issuer_of_the_other_family_with_the_same_name_is_untrusted(
    gost: World, rsa: World
) -> None:
    template = replace(_issuing_template(rsa), subject=gost.issuer.subject)
    wrong = certify(template, rsa.spare_key, by=rsa.authority.root)
    with pytest.raises(Refused, match="family"):
        build_path(
            gost.leaf,
            anchors=[rsa.root],
            intermediates=[parse_certificate(wrong.certificate)],
            at=AT,
        )


def test_a_root_does_not_vouch_for_itself_as_a_signer(world: World) -> None:
    with pytest.raises(Refused) as refused:
        build_path(world.root, anchors=[world.root], intermediates=[], at=AT)
    assert refused.value.code == "eds_path_untrusted"


def test_a_name_that_cannot_be_read_is_compared_by_its_bytes(world: World) -> None:
    odd, other = (
        asn1.sequence(asn1.set_of(asn1.sequence(asn1.oid("2.5.4.3"), asn1.bits(content))))
        for content in (b"\0", b"\1")
    )
    leaf, issuer = replace(world.leaf, issuer=odd), replace(world.issuer, subject=odd)
    assert build_path(leaf, anchors=[world.root], intermediates=[issuer], at=AT)[1] == issuer
    with pytest.raises(Refused, match="no issuer of that name"):
        build_path(
            leaf, anchors=[world.root], intermediates=[replace(issuer, subject=other)], at=AT
        )


# Certificates, and the person they name.


# Reading certificates: ours as `cryptography` reads them, and each defect refused by its own
# name.


def _refusal(untrusted: bytes) -> str:
    with pytest.raises(Refused) as refused:
        parse_certificate(untrusted)
    return refused.value.code


def _with_key(world: World, info: bytes, *extensions: bytes) -> bytes:
    """The person's certificate with another public key and these extensions, signed by the
    authority all the same.
    """
    issuing = world.authority.issuing
    template = person_template(world.family, **PERSON, at=AT)
    body = certificate_body(
        replace(template, extensions=(*template.extensions, *extensions)),
        info=info,
        issuer=world.issuer.subject,
        algorithm=keys.signature_algorithm(issuing.private_key),
    )
    return seal(body, issuing.private_key)


def _with_extensions(world: World, *extensions: bytes) -> bytes:
    template = person_template(world.family, **PERSON, at=AT)
    template = replace(template, extensions=(*template.extensions, *extensions))
    return certify(template, world.spare_key, by=world.authority.issuing).certificate


def test_a_certificate_reads_as_another_library_reads_it(world: World) -> None:
    ours, theirs = world.leaf, x509.load_der_x509_certificate(world.person.certificate)
    assert (ours.serial, ours.tbs, ours.signature) == (
        theirs.serial_number,
        theirs.tbs_certificate_bytes,
        theirs.signature,
    )
    assert (ours.subject, ours.issuer) == (
        theirs.subject.public_bytes(),
        theirs.issuer.public_bytes(),
    )
    assert (ours.not_before, ours.not_after) == (
        theirs.not_valid_before_utc,
        theirs.not_valid_after_utc,
    )
    purposes = theirs.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ours.extended_key_usage == {purpose.dotted_string for purpose in purposes}
    assert (
        ours.key_usage
        == {
            "gost512": {"digital_signature", "non_repudiation", "key_agreement"},
            "rsa": {"digital_signature", "non_repudiation"},
        }[world.family]
    )
    assert ours.subject_attributes["2.5.4.5"] == (f"IIN{PERSON['iin']}",)


def test_the_authorities_say_that_they_are(world: World) -> None:
    assert (world.root.is_ca, world.root.path_len) == (True, None)
    assert (world.issuer.is_ca, world.issuer.path_len) == (True, 0)
    assert world.leaf.is_ca is False


def test_trailing_bytes_refuse(world: World) -> None:
    assert _refusal(world.leaf.der + b"\0") == "eds_malformed"


def test_a_certificate_above_the_limit_refuses_and_one_below_it_passes(world: World) -> None:
    filler = [
        asn1.extension("1.2.398.99.1", asn1.octets(bytes(size)))
        for size in (12_000, MAX_CERTIFICATE)
    ]
    assert parse_certificate(_with_extensions(world, filler[0])).family == world.family
    assert _refusal(_with_extensions(world, filler[1])) == "eds_too_large"


def test_a_refused_key_is_named_before_extensions_that_cannot_be_read(rsa: World) -> None:
    right = keys.public_key_info(rsa.spare_key)
    unreadable = (
        asn1.extension("1.3.6.1.5.5.7.48.1.5", b""),
        b"\x30\x05\x00",
    )  # cut off behind an empty nocheck
    assert _refusal(_with_key(rsa, right, *unreadable)) == "eds_malformed"
    assert (
        _refusal(_with_key(rsa, _rsa_info(2**1023 + 1, 65537), *unreadable))
        == "eds_algorithm_refused"
    )


def test_an_unknown_critical_extension_is_reported(world: World) -> None:
    certificate = parse_certificate(
        _with_extensions(world, asn1.extension("1.2.398.99.1", asn1.null(), critical=True))
    )
    assert certificate.unknown_critical == ("1.2.398.99.1",)
    assert world.leaf.unknown_critical == ()


def test_an_empty_ocsp_nocheck_is_tolerated(world: World) -> None:
    empty = asn1.sequence(asn1.oid("1.3.6.1.5.5.7.48.1.5"), asn1.octets(b""))
    assert "1.3.6.1.5.5.7.48.1.5" in parse_certificate(_with_extensions(world, empty)).extensions


def test_a_basic_constraints_that_is_no_authority_may_have_no_path_length(world: World) -> None:
    assert (
        parse_certificate(_with_extensions(world, profile.basic_constraints(ca=False))).is_ca
        is False
    )
    assert (
        _refusal(_with_extensions(world, profile.basic_constraints(ca=False, path_len=0)))
        == "eds_malformed"
    )


def test_two_signature_algorithms_refuse(gost: World, rsa: World) -> None:
    other = keys.signature_algorithm(rsa.spare_key)
    body = certificate_body(
        person_template("gost512", **PERSON, at=AT),
        info=keys.public_key_info(gost.spare_key),
        issuer=gost.issuer.subject,
        algorithm=other,
    )
    assert _refusal(seal(body, gost.authority.issuing.private_key)) == "eds_malformed"


def test_indefinite_lengths_refuse(world: World) -> None:
    header, content = world.leaf.der[:4], world.leaf.der[4:]
    assert parse_certificate(header + content)
    assert _refusal(b"\x30\x80" + content + b"\0\0") == "eds_malformed"


def _rebuilt(certificate: bytes, parts: dict[int, bytes], *, signature: bytes = b"") -> bytes:
    """The certificate with other parts in its body, or more of them, and an algorithm to match;
    it is not signed.
    """
    tbs, _, signed = der.read_tree(certificate).children
    body = dict(enumerate(each.raw for each in tbs.children)) | parts
    return asn1.sequence(
        asn1.sequence(*(body[number] for number in sorted(body))), body[2], signature or signed.raw
    )


def _detail(untrusted: bytes) -> str:
    with pytest.raises(Refused) as refused:
        parse_certificate(untrusted)
    assert refused.value.code == "eds_malformed"
    return refused.value.detail


def _nested(inner: bytes, wrap: Callable[[bytes], bytes], *, times: int) -> bytes:
    for _ in range(times):
        inner = wrap(inner)
    return inner


_PSS = asn1.oid("1.2.840.113549.1.1.10")
_LAST_DAY = asn1.element(0x17, b"991231235959Z")
_NOT_RFC_5280 = "certificate: not as RFC 5280 has it"


def _in_pss(inner: bytes) -> bytes:
    return asn1.sequence(_PSS, asn1.sequence(asn1.explicit(0, inner)))


@pytest.mark.parametrize(
    ("number", "part", "detail"),
    [
        (0, b"", ""),
        (0, asn1.explicit(0, asn1.integer(0)), _NOT_RFC_5280),
        (0, asn1.explicit(0, asn1.integer(1)), ""),
        (1, asn1.integer(0), "not positive"),
        (1, asn1.integer(-1), "not positive"),
        (1, asn1.integer(-(2**100)), "not positive"),
        # RSASSA-PSS names a hash with parameters, which may be RSASSA-PSS again: 300 of them end a
        # thread of 512 KiB in the library.
        (2, _nested(asn1.sequence(_PSS), _in_pss, times=300), "nested too deeply"),
        *(
            (4, asn1.sequence(_LAST_DAY, asn1.element(0x17, time)), _NOT_RFC_5280)
            for time in (
                b"2611241200Z",
                b"261124120000+0600",
                b"261124120060Z",
                b"261324120000Z",
                b"260230120000Z",
                b"26112412000 Z",
            )
        ),
        (7, asn1.explicit(3, _nested(asn1.null(), asn1.sequence, times=2_000)), _NOT_RFC_5280),
        (7, asn1.element(0x81, b"\0\xff"), "certificate: unexpected parts"),
        (7, asn1.element(0x82, b"\0\xff"), "certificate: unexpected parts"),
    ],
)
def test_one_part_in_another_form_than_rfc_5280_has_it_refuses(
    world: World, number: int, part: bytes, detail: str
) -> None:
    assert detail in _detail(_rebuilt(world.leaf.der, {number: part}))


def test_the_smallest_serial_number_and_the_last_day_of_a_century_pass(world: World) -> None:
    right = {1: asn1.integer(1), 4: asn1.sequence(_LAST_DAY, _LAST_DAY)}
    certificate = parse_certificate(_rebuilt(world.leaf.der, right))
    assert (certificate.serial, certificate.not_before.year) == (1, 1999)


@pytest.mark.parametrize("tag", [0x81, 0x82])
def test_unique_identifiers_refuse_though_the_library_takes_them(world: World, tag: int) -> None:
    extensions = der.read_tree(world.leaf.der).children[0].children[7].raw
    both = _rebuilt(world.leaf.der, {7: asn1.element(tag, b"\0\xff"), 8: extensions})
    assert x509.load_der_x509_certificate(both).extensions
    assert _detail(both) == "certificate body: a wrong number of parts"


def test_a_signature_that_does_not_fill_its_bytes_refuses(world: World) -> None:
    bits = asn1.bits(b"\xf0" * 64, unused=4)
    short = _rebuilt(world.leaf.der, {}, signature=bits)
    assert x509.load_der_x509_certificate(short).signature == b"\xf0" * 64
    assert _detail(short) == "signature: unused bits"


@pytest.mark.parametrize("text", ["A_B", "A@B", "AB\0"])
def test_a_name_is_read_by_us_where_the_library_refuses_its_letters(
    world: World, text: str
) -> None:
    name = asn1.sequence(asn1.set_of(asn1.sequence(asn1.oid("2.5.4.3"), asn1.printable(text))))
    made = _rebuilt(world.leaf.der, {3: name, 5: name})
    with pytest.raises(ValueError, match="InvalidValue"):
        x509.load_der_x509_certificate(made)
    found = parse_certificate(made)
    assert (found.subject_attributes, found.issuer) == ({"2.5.4.3": (text,)}, name)


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("1.2.398.3.10.1.1.2.2", "1.2.398.3.10.1.1.2.1"),
        ("1.2.398.3.10.1.1.2.2.1", "1.2.398.3.10.1.1.2.1.1"),
        ("1.2.398.3.10.1.3.3", "1.2.398.3.10.1.3.2"),
    ],
    ids=["key", "parameters", "hash"],
)
def test_identifiers_of_the_256_bit_algorithm_on_a_512_bit_key_refuse(
    gost: World, found: str, put: str
) -> None:
    info = keys.public_key_info(gost.spare_key)
    changed = info.replace(asn1.oid(found), asn1.oid(put), 1)
    assert changed != info
    assert _refusal(_with_key(gost, changed)) == "eds_algorithm_refused"


def _rsa_info(modulus: int, exponent: int) -> bytes:
    return asn1.sequence(
        asn1.algorithm("1.2.840.113549.1.1.1"),
        asn1.bits(asn1.sequence(asn1.integer(modulus), asn1.integer(exponent))),
    )


@pytest.mark.parametrize(
    ("modulus", "exponent"),
    [
        (2**2047 + 1, 1),
        (2**2047 + 1, 3),
        (2**2047 + 1, 65536),
        (2**2047 + 1, 2**32 + 1),
        (2**2047 + 1, -65537),
        (2**2047, 65537),
        (2**2046 + 1, 65537),
        (2**511 + 1, 65537),
        (2**8192 + 1, 65537),
        (-(2**2047) - 1, 65537),
    ],
)
def test_an_rsa_key_out_of_bounds_refuses(rsa: World, modulus: int, exponent: int) -> None:
    assert parse_certificate(_with_key(rsa, _rsa_info(2**2047 + 1, 65537))).family == "rsa"
    assert _refusal(_with_key(rsa, _rsa_info(modulus, exponent))) == "eds_algorithm_refused"


def test_an_elliptic_key_of_another_kind_refuses(rsa: World) -> None:
    info = asn1.sequence(
        asn1.sequence(asn1.oid("1.2.840.10045.2.1"), asn1.oid("1.2.840.10045.3.1.7")),
        asn1.bits(b"\x04" + bytes(64)),
    )
    assert _refusal(_with_key(rsa, info)) == "eds_algorithm_refused"


_NOCHECK = "1.3.6.1.5.5.7.48.1.5"
_ALTERNATIVE_NAME = "2.5.29.17"


def _minted(world: World, *extensions: bytes) -> bytes:
    template = replace(person_template(world.family, **PERSON, at=AT), extensions=extensions)
    return certify(template, world.spare_key, by=world.authority.issuing).certificate


def _read(world: World, *extensions: bytes) -> Certificate:
    return parse_certificate(_minted(world, *extensions))


def _detail_of(world: World, *extensions: bytes) -> str:
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
    [
        (0, "digital_signature"),
        (1, "non_repudiation"),
        (2, "key_encipherment"),
        (3, "data_encipherment"),
        (4, "key_agreement"),
        (5, "key_cert_sign"),
        (6, "crl_sign"),
    ],
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
    assert _detail_of(rsa, *beside) == "certificate: not as RFC 5280 has it"


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
    assert _detail_of(rsa, asn1.extension(oid, b"")) == "certificate: not as RFC 5280 has it"


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
    assert _detail_of(rsa, extension) == "certificate: not as RFC 5280 has it"


def test_a_path_length_that_no_path_has_refuses_though_the_library_takes_it(rsa: World) -> None:
    largest, larger = (
        asn1.sequence(asn1.boolean(True), asn1.integer(2**31 - less)) for less in (1, 0)
    )
    assert _read(rsa, asn1.extension("2.5.29.19", largest)).path_len == 2**31 - 1
    assert x509.load_der_x509_certificate(
        _minted(rsa, asn1.extension("2.5.29.19", larger))
    ).extensions
    assert _detail_of(rsa, asn1.extension("2.5.29.19", larger)) == "path length: out of range"


def test_sixty_four_extensions_pass_and_one_more_refuses(rsa: World) -> None:
    # Minting adds the two of the keys.
    many = [asn1.extension(f"1.2.398.99.{number}", asn1.null()) for number in range(63)]
    assert len(_read(rsa, *many[:62]).extensions) == 64
    assert _detail_of(rsa, *many) == "too many extensions"


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
    assert _detail_of(rsa, asn1.extension("2.5.29.19", value))


# Who may sign as an individual, whose number the certificate carries, and which of the two forms
# a signature has.


_SERIAL_NUMBER = "2.5.4.5"
_POLICIES = {"1.2.398.3.3.2"}


def _usage_refusal(certificate: Certificate) -> str:
    with pytest.raises(Refused) as refused:
        check_usage(certificate, accepted_policies=_POLICIES)
    return refused.value.code


def _extended(world: World, *extensions: bytes) -> Certificate:
    template = replace(person_template(world.family, **PERSON, at=AT), extensions=extensions)
    return parse_certificate(
        certify(template, world.spare_key, by=world.authority.issuing).certificate
    )


_SIGN, _EMAIL, _PERSON, _POLICY = (0, 1), "1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.1", "1.2.398.3.3.2"


@pytest.mark.parametrize(
    ("bits", "purposes", "policy", "code"),
    [
        (_SIGN, (_EMAIL, _PERSON), _POLICY, ""),
        ((1,), (_EMAIL, _PERSON), _POLICY, ""),
        (_SIGN, (_EMAIL, _PERSON, "1.3.6.1.5.5.7.3.2"), _POLICY, ""),
        ((0,), (_EMAIL, _PERSON), _POLICY, "eds_key_usage"),
        ((5, 6), (_EMAIL, _PERSON), _POLICY, "eds_key_usage"),
        (_SIGN, ("1.3.6.1.5.5.7.3.2", _PERSON), _POLICY, "eds_key_usage"),
        (_SIGN, (_PERSON,), _POLICY, "eds_key_usage"),
        (_SIGN, (_EMAIL, _PERSON), "1.2.398.3.3.2.1", "eds_policy_refused"),
        (_SIGN, (_EMAIL,), _POLICY, "eds_not_individual"),
        (_SIGN, (_EMAIL, "1.2.398.3.3.4.1.2"), _POLICY, "eds_not_individual"),
        (_SIGN, (_EMAIL, _PERSON, "1.2.398.3.3.4.1.2.5"), _POLICY, "eds_not_individual"),
        (_SIGN, (_EMAIL, _PERSON, "1.2.398.3.3.4.1.1.1"), _POLICY, "eds_not_individual"),
        (_SIGN, (_EMAIL, _PERSON, "1.2.398.3.3.4.2.1"), _POLICY, "eds_not_individual"),
    ],
)
def test_use_purpose_policy_and_role_decide(
    rsa: World, bits: tuple[int, ...], purposes: tuple[str, ...], policy: str, code: str
) -> None:
    certificate = _extended(
        rsa, profile.key_usage(bits), profile.extended_key_usage(purposes), profile.policies(policy)
    )
    if code:
        assert _usage_refusal(certificate) == code
    else:
        check_usage(certificate, accepted_policies=_POLICIES)


def test_without_key_usage_or_without_accepted_policies_nothing_passes(rsa: World) -> None:
    bare = _extended(rsa, profile.extended_key_usage((_EMAIL, _PERSON)), profile.policies(_POLICY))
    assert _usage_refusal(bare) == "eds_key_usage"
    with pytest.raises(Refused) as refused:
        check_usage(rsa.leaf, accepted_policies=())
    assert refused.value.code == "eds_policy_refused"


@pytest.mark.parametrize(
    "number",
    [f"ІІN{IIN}", "IIN٩٠٠١٠١٣٠٠٠١٧", "IIN90010130001²"],
    ids=["cyrillic", "arabic", "super"],
)
def test_look_alikes_of_the_number_refuse(rsa: World, number: str) -> None:
    # A UTF8String can hold them; a PrintableString is read as ASCII and refuses sooner.
    name = asn1.sequence(asn1.set_of(asn1.sequence(asn1.oid(_SERIAL_NUMBER), asn1.utf8(number))))
    template = replace(person_template("rsa", **PERSON, at=AT), subject=name)
    certificate = parse_certificate(
        certify(template, rsa.spare_key, by=rsa.authority.issuing).certificate
    )
    with pytest.raises(Refused) as refused:
        subject_iin(certificate)
    assert refused.value.code == "eds_iin_missing"


def test_surnames_are_compared_whatever_their_case(world: World) -> None:
    told = [compare_surname(world.leaf, known) for known in ("ТЕСТОВ", "Тестов", "ТЕСТОВА", "")]
    assert told == ["same", "same", "different", "not asked"]


def test_no_number_or_name_is_in_the_text_of_a_certificate(world: World) -> None:
    for text in (repr(world.leaf), repr(world.person)):
        assert IIN not in text
        assert "ТЕСТОВ" not in text


def _verify(signed: Signature, *, statement: bytes = STATEMENT) -> None:
    signed.check_content(statement=statement)
    signed.check_signature()


def test_neither_form_is_accepted_over_what_the_other_would_sign(world: World) -> None:
    for encoded in (
        sign_cms(world.person, DOCUMENT, signed_at=AT),
        sign_xml(world.person, b"<a>I owe</a>"),
    ):
        with pytest.raises(Refused) as refused:
            _verify(parse_signature(encoded, max_bytes=LIMIT))
        assert refused.value.code == "eds_statement_mismatch"


def test_xml_claims_no_time_and_carries_no_time_stamp(rsa: World) -> None:
    signed = parse_signature(sign_xml(rsa.person, DOCUMENT), max_bytes=LIMIT)
    assert (signed.claimed_signing_time, signed.unsigned_attributes) == (None, ())
    signed = parse_signature(sign_cms(rsa.person, STATEMENT, signed_at=AT), max_bytes=LIMIT)
    assert signed.claimed_signing_time == AT


@pytest.mark.parametrize("lead", [b"", b" ", b"\r\n\t "])
def test_white_space_of_xml_and_nothing_else_may_stand_before_the_first_tag(lead: bytes) -> None:
    with pytest.raises(Refused, match="XML"):
        parse_signature(lead + b"<", max_bytes=LIMIT)
    for other in (
        b"",
        b"0",
        b"\x0b<",
        b"\x0c<",
        b"\x00<",
        b"\x85<",
        b"\xa0<",
        b"\xef\xbb\xbf<",
        b"&lt;",
        b"\xff\xfe<",
    ):
        with pytest.raises(Refused) as refused:
            parse_signature(lead + other, max_bytes=LIMIT)
        assert "XML" not in str(refused.value)


def test_what_claims_to_be_xml_is_never_tried_as_a_cms_nor_the_other_way(rsa: World) -> None:
    der, xml = sign_cms(rsa.person, STATEMENT, signed_at=AT), sign_xml(rsa.person, DOCUMENT)
    for untrusted, word in (
        (b"<" + base64.b64encode(der), "XML"),
        (b"a" + xml, "neither DER, PEM nor base64"),
    ):
        with pytest.raises(Refused, match=word) as refused:
            parse_signature(untrusted, max_bytes=LIMIT)
        assert refused.value.code == "eds_malformed"
