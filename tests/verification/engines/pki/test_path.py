"""Chains: the right one passes; every way to pose as the authority is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox import profile
from insecure_sandbox.authority import forge_like_nca, person_template
from insecure_sandbox.credential import Credential
from insecure_sandbox.minting import Template, certify, new_serial
from tests.verification.engines.pki.world import AT, PERSON, World, foreign_authority
from verification.core.errors import Refused
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.path import build_path

_DAY = timedelta(days=1)


def _path(world: World, leaf: Credential, *intermediates: Credential) -> tuple[Certificate, ...]:
    given = [parse_certificate(each.certificate) for each in intermediates] or [world.issuer]
    return build_path(
        parse_certificate(leaf.certificate), anchors=[world.root], intermediates=given, at=AT
    )


def _refusal(world: World, leaf: Credential, *intermediates: Credential) -> Refused:
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
        assert "longer" in _refusal(world, leaf, upper_authority, lower_authority).detail


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
    assert _refusal(world, forged).code == "eds_path_untrusted"


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
