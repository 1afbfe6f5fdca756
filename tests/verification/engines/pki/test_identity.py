"""Who may sign as an individual, whose number the certificate carries, and which of the two forms a
signature has.
"""

import base64
from dataclasses import replace

import pytest

from insecure_sandbox import encoding as asn1
from insecure_sandbox import profile
from insecure_sandbox.authority import person_template
from insecure_sandbox.minting import certify
from insecure_sandbox.signing import sign_cms
from insecure_sandbox.xml_signing import sign_xml
from tests.verification.engines.pki.statements import DOCUMENT
from tests.verification.engines.pki.world import AT, IIN, LIMIT, PERSON, STATEMENT, World
from verification.core.errors import Refused
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.signatures import (
    Signature,
    check_usage,
    compare_surname,
    parse_signature,
    subject_iin,
)

_SERIAL_NUMBER = "2.5.4.5"
_POLICIES = {"1.2.398.3.3.2"}


def _refusal(certificate: Certificate) -> str:
    with pytest.raises(Refused) as refused:
        check_usage(certificate, accepted_policies=_POLICIES)
    return refused.value.code


def _with_extensions(world: World, *extensions: bytes) -> Certificate:
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
