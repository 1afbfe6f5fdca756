"""Who may sign as an individual, and whose number the certificate carries."""

from dataclasses import replace

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox import profile
from insecure_sandbox.authority import issue, person_template
from insecure_sandbox.minting import certify
from tests.verification.engines.pki.world import AT, IIN, PERSON, World
from verification.core.errors import Refused
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.signatures import check_usage, compare_surname, subject_iin

_POLICIES = {"1.2.398.3.3.2"}
_SERIAL_NUMBER, _COMMON_NAME = "2.5.4.5", "2.5.4.3"


def _refusal(certificate: Certificate) -> str:
    with pytest.raises(Refused) as refused:
        check_usage(certificate, accepted_policies=_POLICIES)
    return refused.value.code


def _with_name(world: World, *attributes: tuple[str, str]) -> Certificate:
    template = replace(
        person_template(world.family, **PERSON, at=AT), subject=asn1.name(*attributes)
    )
    return parse_certificate(
        certify(template, world.spare_key, by=world.authority.issuing).certificate
    )


def _with_extensions(world: World, *extensions: bytes) -> Certificate:
    template = replace(person_template(world.family, **PERSON, at=AT), extensions=extensions)
    return parse_certificate(
        certify(template, world.spare_key, by=world.authority.issuing).certificate
    )


def test_an_individuals_certificate_passes(world: World) -> None:
    check_usage(world.leaf, accepted_policies=_POLICIES)


def test_an_authentication_certificate_refuses(world: World) -> None:
    auth = issue(world.authority, **PERSON, at=AT, role="auth", key=world.spare_key)
    assert _refusal(parse_certificate(auth.certificate)) == "eds_key_usage"


def test_a_legal_entitys_certificate_refuses(world: World) -> None:
    legal = issue(world.authority, **PERSON, at=AT, role="legal", key=world.spare_key)
    assert _refusal(parse_certificate(legal.certificate)) == "eds_not_individual"


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
    certificate = _with_extensions(
        rsa, profile.key_usage(bits), profile.extended_key_usage(purposes), profile.policies(policy)
    )
    if code:
        assert _refusal(certificate) == code
    else:
        check_usage(certificate, accepted_policies=_POLICIES)


def test_without_key_usage_or_without_accepted_policies_nothing_passes(rsa: World) -> None:
    bare = _with_extensions(
        rsa, profile.extended_key_usage((_EMAIL, _PERSON)), profile.policies(_POLICY)
    )
    assert _refusal(bare) == "eds_key_usage"
    with pytest.raises(Refused) as refused:
        check_usage(rsa.leaf, accepted_policies=())
    assert refused.value.code == "eds_policy_refused"


@pytest.mark.parametrize(
    "organisation", [("2.5.4.10", "TULGA LLP"), ("2.5.4.11", "BIN000000000000")]
)
def test_an_organisation_in_the_name_refuses(rsa: World, organisation: tuple[str, str]) -> None:
    person = ((_COMMON_NAME, "A B"), (_SERIAL_NUMBER, f"IIN{IIN}"))
    check_usage(_with_name(rsa, *person), accepted_policies=_POLICIES)
    assert _refusal(_with_name(rsa, *person, organisation)) == "eds_not_individual"


def test_the_number_is_read_from_the_subject(world: World) -> None:
    assert subject_iin(world.leaf) == IIN


@pytest.mark.parametrize(
    "attributes",
    [
        [(_COMMON_NAME, "A B")],
        [(_COMMON_NAME, f"IIN{IIN}")],
        [(_SERIAL_NUMBER, IIN)],
        [(_SERIAL_NUMBER, f"BIN{IIN}")],
        [(_SERIAL_NUMBER, f"iin{IIN}")],
        [(_SERIAL_NUMBER, f"IIN{IIN}"), (_SERIAL_NUMBER, f"IIN{IIN}")],
        [(_SERIAL_NUMBER, f"IIN{IIN}"), (_SERIAL_NUMBER, "IIN900101300025")],
        [(_SERIAL_NUMBER, f"IIN{IIN[:-1]}")],
        [(_SERIAL_NUMBER, f"IIN{IIN}0")],
        [(_SERIAL_NUMBER, f"IIN{IIN}\0")],
        [(_SERIAL_NUMBER, f"IIN{IIN} ")],
        [(_SERIAL_NUMBER, f"IIN {IIN}"[:15])],
        [(_SERIAL_NUMBER, "IIN90010130001x")],
        [(_SERIAL_NUMBER, "")],
    ],
    ids=str,
)
def test_anything_but_one_iin_and_twelve_digits_refuses(
    rsa: World, attributes: list[tuple[str, str]]
) -> None:
    with pytest.raises(Refused) as refused:
        subject_iin(_with_name(rsa, *attributes))
    assert refused.value.code == "eds_iin_missing"


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


@pytest.mark.parametrize("character", ["\0", "\n", "\u202e", "\u200b", "\u2066"])
def test_control_and_direction_characters_in_a_name_refuse(rsa: World, character: str) -> None:
    assert compare_surname(_with_name(rsa, (_COMMON_NAME, "ТЕСТОВ ТЕСТ")), "ТЕСТОВ") == "different"
    with pytest.raises(Refused):
        compare_surname(_with_name(rsa, (_COMMON_NAME, f"ТЕСТОВ{character}ТЕСТ")), "ТЕСТОВ")


def test_no_number_or_name_is_in_the_text_of_a_certificate(world: World) -> None:
    for text in (repr(world.leaf), repr(world.person)):
        assert IIN not in text
        assert "ТЕСТОВ" not in text
