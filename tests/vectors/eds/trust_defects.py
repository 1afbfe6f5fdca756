"""Certificates that pose as the authority's: forged, self-signed, under the wrong issuer, out of
their time.
"""

from collections.abc import Iterator
from dataclasses import replace

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, profile, timestamping
from insecure_sandbox.authority import create_authority, forge_like_nca
from insecure_sandbox.credential import Credential
from insecure_sandbox.minting import Authority, Template, certify, new_serial
from tests.vectors.eds.case import AT, IIN
from tests.vectors.eds.cms_defects import cades, tampered_body
from tests.vectors.eds.workshop import DAY, HOUR, WHO, Vector, World, with_parts
from verification.engines.pki.certificate import parse_certificate

PATH = "eds.path"
_UNTRUSTED = "eds_path_untrusted"
_UNKNOWN = asn1.extension("1.2.398.99.1", asn1.null(), critical=True)
_HARMLESS = asn1.extension("1.2.398.99.1", asn1.null())


def vectors(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _forgeries(world)
    yield from _other_authorities(world)
    yield from _intermediates(world)
    yield from _lengths(world)
    yield from _times(world)
    yield from _extensions(world)
    yield from _signatures(world)


def _of(defect: str, content: bytes, why: str = "", **more: object) -> Vector:
    said = {"code": _UNTRUSTED, "check": PATH, "why": why} | more
    return Vector(group="trust", defect=defect, content=content, **said)  # type: ignore[arg-type]


def _passes(defect: str, content: bytes, **more: object) -> Vector:
    return Vector(group="trust", defect=defect, content=content, **more)  # type: ignore[arg-type]


def _forgeries(world: World) -> Iterator[Vector]:
    forged = forge_like_nca(world.issuing.certificate, iin=IIN, **WHO, at=AT)
    why = "signature does not fit"
    yield _of("fcalayer_forgery", world.sign(forged), why)
    yield _of(
        "fcalayer_forgery_attached", world.sign(forged, attached=True), why, nearest="good_attached"
    )
    yield _of("fcalayer_forgery_cades", cades(world, forged), why, nearest="good_cades")
    chain = [forged.certificate, world.issuing.certificate, world.root.certificate]
    inside = world.put_together(world.attributes(), certificates=chain, by=forged)
    yield _of(
        "fcalayer_forgery_with_the_real_chain", inside, why, nearest="good_with_its_issuer_inside"
    )
    signed = world.sign(forged)
    stamp = timestamping.stamp(world.stamper, timestamping.signature_value(signed), at=AT)
    stamped = timestamping.with_tokens(signed, timestamping.encode(stamp))
    yield _of("fcalayer_forgery_with_a_real_time_stamp", stamped, why, nearest="good_time_stamped")
    own = certify(world.template(), world.spare, by=None)
    yield _of("self_signed", world.sign(own), "no issuer of that name")
    named = certify(replace(world.template(), subject=world.issuer.subject), world.spare, by=None)
    yield _of(
        "self_signed_with_the_issuers_name", world.sign(named), why, also=("eds_iin_missing",)
    )
    poser = replace(world.issuing, private_key=world.spare)
    yield _of("own_key_under_the_issuers_name", world.sign(world.certify_person(by=poser)), why)


def _other_authorities(world: World) -> Iterator[Vector]:
    other = world.other
    leaf = world.certify_person(by=other.issuing)
    why = "signature does not fit"
    yield _of("own_authority_of_the_same_name", world.sign(leaf), why)
    chain = [leaf.certificate, other.issuing.certificate, other.root.certificate]
    inside = world.put_together(world.attributes(), certificates=chain, by=leaf)
    yield _of(
        "own_authority_with_its_chain_inside", inside, why, nearest="good_with_its_issuer_inside"
    )
    twin = with_parts(
        other.root,
        other.root.private_key,
        world.issuing_template(),
        info=keys.public_key_info(other.issuing.private_key),
        identifiers=profile.subject_key(
            profile.key_identifier(keys.public_key_info(world.issuing.private_key))
        ),
    )
    yield _of(
        "own_authority_same_name_and_key_identifier",
        world.sign(leaf),
        why,
        with_={"intermediate": [twin]},
    )
    foreign = _renamed(world, create_authority(world.family, at=AT))
    stranger = world.certify_person(by=foreign.issuing)
    yield _of("chain_of_another_authority", world.sign(stranger), "no issuer of that name")
    anchors = {"anchor": [foreign.root.certificate], "intermediate": [foreign.issuing.certificate]}
    yield _of(
        "test_leaf_against_production_anchors",
        world.sign(world.person),
        "no issuer of that name",
        with_=anchors,
    )
    only = {"anchor": [foreign.root.certificate]}
    yield _of(
        "intermediate_without_its_anchor",
        world.sign(world.person),
        "no issuer of that name",
        with_=only,
    )


def _renamed(world: World, made: Authority) -> Authority:
    """The same keys under names of another authority."""
    names = [
        asn1.name(("2.5.4.3", f"TULGA SANDBOX PRODUCTION {kind}"), ("2.5.4.6", "KZ"))
        for kind in ("ROOT", "CA")
    ]
    roots = world.issuing_template(
        subject=names[0], extensions=profile.authority_extensions(root=True)
    )
    root = certify(roots, made.root.private_key, by=None)
    issuing = certify(world.issuing_template(subject=names[1]), made.issuing.private_key, by=root)
    return Authority(world.family, root, issuing)


def _under(world: World, template: Template, defect: str, why: str = "", **more: object) -> Vector:
    """A leaf under an authority made from the template, which the operator has installed."""
    key = world.issuing.private_key
    authority = certify(template, key, by=world.root)
    leaf = world.certify_person(by=authority)
    given = {
        "with_": {"intermediate": [authority.certificate]},
        "nearest": "good_other_intermediate",
    } | more
    return _of(defect, world.sign(leaf), why, **given)


def _intermediates(world: World) -> Iterator[Vector]:
    right = world.issuing_template()
    ca, usage, policy = right.extensions
    yield _under(world, right, "good_other_intermediate", code="", check="", nearest="good")
    none = "not an authority"
    parts = {
        "intermediate_with_ca_false": (profile.basic_constraints(ca=False), usage, policy),
        "intermediate_without_basic_constraints": (usage, policy),
        "intermediate_without_key_cert_sign": (ca, profile.key_usage((6,)), policy),
        "intermediate_without_key_usage": (ca, policy),
    }
    for name, extensions in parts.items():
        yield _under(world, replace(right, extensions=extensions), name, none)
    leaf = world.certify_person(by=world.person)
    installed = [world.person.certificate, world.issuing.certificate]
    yield _of("leaf_as_issuer", world.sign(leaf), none, with_={"intermediate": installed})
    own = [leaf.certificate, world.person.certificate]
    inside = world.put_together(world.attributes(), certificates=own, by=leaf)
    yield _of("leaf_as_issuer_inside_the_cms", inside, "no issuer of that name")
    template = world.issuing_template(
        subject=asn1.name(("2.5.4.3", "TULGA SANDBOX SECOND"), ("2.5.4.6", "KZ"))
    )
    second = certify(template, world.spare, by=world.root)
    below = world.certify_person(by=second)
    yield _of("intermediate_not_installed", world.sign(below), "no issuer of that name")
    given = {"intermediate": [second.certificate], "crl": [world.crl(by=second)]}
    yield _passes("good_second_intermediate", world.sign(below), with_=given)


def _lengths(world: World) -> Iterator[Vector]:
    name = asn1.name(("2.5.4.3", "TULGA SANDBOX UPPER"), ("2.5.4.6", "KZ"))
    for path_len, passes in ((1, True), (0, False)):
        extensions = profile.authority_extensions(root=False, path_len=path_len)
        upper = certify(
            world.issuing_template(subject=name, extensions=extensions), world.spare, by=world.root
        )
        lower = certify(world.issuing_template(), world.issuing.private_key, by=upper)
        signed = world.sign(world.certify_person(by=lower))
        given = {"intermediate": [lower.certificate, upper.certificate]}
        if passes:
            yield _passes("good_path_of_four", signed, with_=given)
        else:
            yield _of(
                "path_longer_than_allowed",
                signed,
                "longer",
                with_=given,
                nearest="good_path_of_four",
            )


def _times(world: World) -> Iterator[Vector]:
    year = 365 * DAY
    spans = {"expired": (AT - year, AT - DAY), "not_yet_valid": (AT + DAY, AT + year)}
    for how, (start, end) in spans.items():
        template = world.issuing_template(not_before=start, not_after=end)
        yield _under(world, template, f"intermediate_{how}", "not valid at the time")
        subject = parse_certificate(world.root.certificate).subject
        extensions = profile.authority_extensions(root=True)
        root = certify(
            Template(subject, extensions, start, end, new_serial()), world.root.private_key, by=None
        )
        given = {"anchor": [root.certificate]}
        yield _of(f"root_{how}", world.sign(world.person), "not valid at the time", with_=given)
    late, early = world.template(at=AT - year - DAY + HOUR), world.template(at=AT + DAY + HOUR)
    code = {"code": "eds_certificate_expired"}
    yield _of(
        "leaf_expired_yesterday",
        world.sign(world.certify_person(late)),
        **code,
        nearest="good_leaf_last_second",
    )
    code = {"code": "eds_certificate_not_yet_valid"}
    tomorrow = world.sign(world.certify_person(early))
    yield _of("leaf_not_before_tomorrow", tomorrow, **code, nearest="good_leaf_first_second")
    last, first = world.template(at=AT - year + HOUR), world.template(at=AT + HOUR)
    yield _passes("good_leaf_last_second", world.sign(world.certify_person(last)))
    yield _passes("good_leaf_first_second", world.sign(world.certify_person(first)))


def _extensions(world: World) -> Iterator[Vector]:
    leaf, issuing = world.template(), world.issuing_template()

    def with_(extension: bytes) -> bytes:
        return world.sign(
            world.certify_person(replace(leaf, extensions=(*leaf.extensions, extension)))
        )

    yield _passes("good_leaf_with_an_unknown_extension", with_(_HARMLESS))
    near = "good_leaf_with_an_unknown_extension"
    yield _of(
        "leaf_with_an_unknown_critical_extension", with_(_UNKNOWN), "unknown critical", nearest=near
    )
    twice = replace(leaf, extensions=(*leaf.extensions, leaf.extensions[0]))
    content = world.sign_by_hand(twice, info=keys.public_key_info(world.spare))
    said = {"code": "eds_malformed", "check": "eds.format", "nearest": "good_key_put_by_hand"}
    yield _of("leaf_with_an_extension_twice", content, "not as RFC 5280 has it", **said)
    more = replace(issuing, extensions=(*issuing.extensions, _UNKNOWN))
    yield _under(world, more, "intermediate_with_an_unknown_critical_extension", "unknown critical")
    excluded = asn1.element(0xA1, asn1.sequence(asn1.element(0x82, b"example.invalid")))
    limited = asn1.extension("2.5.29.30", asn1.sequence(excluded), critical=True)
    more = replace(issuing, extensions=(*issuing.extensions, limited))
    yield _under(world, more, "intermediate_with_name_constraints", "unknown critical")


def _signatures(world: World) -> Iterator[Vector]:
    changed = replace(world.person, certificate=tampered_body(world))
    why = "signature does not fit"
    yield _of(
        "leaf_with_another_iin_written_in", world.sign(changed), why, also=("eds_iin_mismatch",)
    )
    bit = bytearray(world.person.certificate)
    bit[-1] ^= 1
    yield _of(
        "leaf_with_one_bit_of_its_signature",
        world.sign(replace(world.person, certificate=bytes(bit))),
        why,
    )
    yield from _spellings(world)
    names = {"sha1": "1.2.840.113549.1.1.5", "gost_2004": "1.2.398.3.10.1.1.1.2"}
    for name, oid in names.items():
        made = with_parts(
            world.issuing,
            world.issuing.private_key,
            world.template(),
            info=keys.public_key_info(world.spare),
            algorithm=asn1.algorithm(oid),
        )
        signer = Credential(made, world.family, world.spare, world.issuing.certificate)
        yield _of(f"leaf_signed_with_{name}", world.sign(signer), code="eds_algorithm_refused")


def _spellings(world: World) -> Iterator[Vector]:
    """Names prove nothing: the right key under the issuer's name in other letters is still the
    right key.
    """
    near = "good_issuer_named_in_small_letters"
    for name, written in ((near, b"Issuing"), ("issuer_named_by_another_letter", b"ISSUINC")):
        made = with_parts(
            world.issuing,
            world.issuing.private_key,
            world.template(),
            info=keys.public_key_info(world.spare),
            named=world.issuer.subject.replace(b"ISSUING", written),
        )
        content = world.sign(Credential(made, world.family, world.spare, world.issuing.certificate))
        yield (
            _passes(name, content)
            if name == near
            else _of(name, content, "no issuer of that name", nearest=near)
        )
