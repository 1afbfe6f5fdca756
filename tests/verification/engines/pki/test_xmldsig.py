"""Statements signed as XML: the right one passes; other content, another key and another count
refuse.
"""

import random
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insecure_sandbox.authority import forge_like_nca
from insecure_sandbox.credential import Credential
from insecure_sandbox.xml_signing import (
    DECLARATION,
    envelop,
    key_info,
    sign_xml,
    signature_element,
    signed_info,
)
from tests.verification.engines.pki.world import AT, LIMIT, PERSON, STATEMENT, World
from tests.verification.engines.pki.xml_statements import DOCUMENT, refusal, verify, with_key_info
from verification.core.errors import Refused
from verification.engines.pki.path import build_path
from verification.engines.pki.signatures import check_usage, subject_iin
from verification.engines.pki.xml_document import canonical, parse_document
from verification.engines.pki.xmldsig import (
    SignedXml,
    check_document,
    parse_signatures,
    parse_xml,
    statement_document,
)


def test_a_signed_statement_passes_and_another_statement_refuses(world: World) -> None:
    encoded = sign_xml(world.person, DOCUMENT)
    signed = verify(encoded)
    assert signed.signer.der == world.person.certificate
    assert signed.signer.family == world.family
    assert refusal(encoded, statement=STATEMENT + b".").code == "eds_statement_mismatch"


def test_a_signed_statement_has_a_path_and_its_signer_is_the_person(world: World) -> None:
    signer = verify(sign_xml(world.person, DOCUMENT)).signer
    assert (
        build_path(signer, anchors=[world.root], intermediates=[world.issuer], at=AT)[-1]
        == world.root
    )
    check_usage(signer, accepted_policies={"1.2.398.3.3.2"})
    assert subject_iin(signer) == PERSON["iin"]


@pytest.mark.parametrize(
    "statement", [b"", b"{}", STATEMENT, b"</statement><statement>&amp;\"'\t\r\n]]>"]
)
def test_the_document_of_a_statement_is_in_canonical_form_and_its_text_is_the_statement(
    statement: bytes,
) -> None:
    document = statement_document(statement)
    root = parse_document(document, max_bytes=LIMIT)
    assert canonical(root) == document
    assert (root.text or "").encode() == statement


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_the_document_of_any_text_is_in_canonical_form_or_there_is_none(text: str) -> None:
    """`<!`, `xmlns` and quotes of a text are counted with those of tags; no short text has too
    many.
    """
    try:
        document = statement_document(text.encode())
    except Refused:
        assert any(ord(sign) < 0x20 or sign in "\ufffe\uffff" for sign in text)
        return
    root = parse_document(document, max_bytes=LIMIT)
    assert canonical(root) == document
    assert (root.text or "") == text


@pytest.mark.parametrize(
    "statement",
    [b"\0", b"\x1b", b"\x0b", b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xff", b"\xed\xa0\x80"],
)
def test_what_xml_cannot_carry_as_text_has_no_document(statement: bytes) -> None:
    with pytest.raises(Refused) as refused:
        statement_document(statement)
    assert refused.value.code == "eds_statement_mismatch"


def test_a_document_may_lack_the_declaration_and_may_call_the_signature_by_an_id(
    world: World,
) -> None:
    encoded = sign_xml(world.person, DOCUMENT)
    verify(encoded.removeprefix(DECLARATION))
    verify(encoded.replace(b"<ds:Signature ", b'<ds:Signature Id="s" '))
    verify(encoded.replace(b"&#13;", b""))


def test_a_signature_by_another_key_than_the_certificates_refuses(world: World) -> None:
    thief = Credential(world.person.certificate, world.family, world.spare_key, world.issuer.der)
    assert refusal(sign_xml(thief, DOCUMENT)).code == "eds_signature_invalid"


def test_a_forged_certificate_of_the_authoritys_name_is_untrusted(world: World) -> None:
    forged = forge_like_nca(world.issuer.der, **PERSON, at=AT)
    signer = verify(sign_xml(forged, DOCUMENT)).signer
    assert (signer.issuer, subject_iin(signer)) == (world.leaf.issuer, PERSON["iin"])
    with pytest.raises(Refused) as refused:
        build_path(signer, anchors=[world.root], intermediates=[world.issuer], at=AT)
    assert refused.value.code == "eds_path_untrusted"


def test_a_document_that_equals_does_not_help_a_hash_of_another(world: World) -> None:
    other = signed_info(world.family, statement_document(b"other bytes"))
    encoded = envelop(DOCUMENT, signature_element(world.person, info=other))
    signed = parse_xml(encoded, max_bytes=LIMIT)
    assert signed.covered == DOCUMENT
    for check in (SignedXml.check_signature, partial(SignedXml.check_content, statement=STATEMENT)):
        with pytest.raises(Refused) as refused:
            check(signed)
        assert refused.value.code == "eds_statement_mismatch"


def test_a_hash_of_ours_does_not_help_a_document_that_differs(world: World) -> None:
    signature = signature_element(world.person, info=signed_info(world.family, DOCUMENT))
    for document in (
        statement_document(b"other bytes"),
        DOCUMENT.replace(b"tulga-statement-2", b"tulga-statement-1"),
        DOCUMENT.replace(b"</statement>", b"<more></more></statement>"),
        DOCUMENT.replace(b"</statement>", b" </statement>"),
        DOCUMENT.replace(b"<statement ", b'<statement xmlns="urn:other" '),
    ):
        signed = parse_xml(envelop(document, signature), max_bytes=LIMIT)
        for check in (
            SignedXml.check_signature,
            partial(SignedXml.check_content, statement=STATEMENT),
        ):
            with pytest.raises(Refused) as refused:
                check(signed)
            assert refused.value.code == "eds_statement_mismatch"


def test_text_behind_the_signature_is_part_of_the_document(world: World) -> None:
    encoded = sign_xml(world.person, DOCUMENT)
    for text in (b"A", b" ", b"<more/>"):
        changed = encoded.replace(b"</ds:Signature>", b"</ds:Signature>" + text)
        assert refusal(changed).code == "eds_statement_mismatch"
        with pytest.raises(Refused):
            parse_xml(changed, max_bytes=LIMIT).check_signature()


def test_the_hash_and_the_signature_are_of_the_certificates_family(gost: World, rsa: World) -> None:
    for person, info in (
        (gost, signed_info("rsa", DOCUMENT)),
        (rsa, signed_info("gost512", DOCUMENT)),
    ):
        encoded = envelop(DOCUMENT, signature_element(person.person, info=info))
        assert refusal(encoded).code == "eds_algorithm_refused"
        with pytest.raises(Refused) as refused:
            parse_xml(encoded, max_bytes=LIMIT).check_signature()
        assert refused.value.code == "eds_algorithm_refused"


def test_a_gost_signature_in_any_other_byte_order_refuses(gost: World) -> None:
    info = signed_info("gost512", DOCUMENT)
    right = parse_xml(
        envelop(DOCUMENT, signature_element(gost.person, info=info)), max_bytes=LIMIT
    ).signature
    r, s = right[:64], right[64:]
    for order in ((s, r), (r[::-1], s[::-1]), (s[::-1], r[::-1])):
        element = signature_element(gost.person, info=info, signature=b"".join(order))
        assert refusal(envelop(DOCUMENT, element)).code == "eds_signature_invalid"
    verify(envelop(DOCUMENT, signature_element(gost.person, info=info, signature=r + s)))


def test_a_signature_of_zeros_or_of_another_length_refuses(world: World) -> None:
    info = signed_info(world.family, DOCUMENT)
    size = len(parse_xml(sign_xml(world.person, DOCUMENT), max_bytes=LIMIT).signature)
    for signature in (bytes(size), bytes(size - 1), bytes(size + 1), b"\xff" * size, b"\0"):
        element = signature_element(world.person, info=info, signature=signature)
        assert refusal(envelop(DOCUMENT, element)).code == "eds_signature_invalid"


def test_the_certificate_is_exactly_one_and_stands_in_key_info(world: World) -> None:
    value = (
        b"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQ==</ds:Modulus></ds:RSAKeyValue></ds:KeyValue>"
    )
    right = key_info(world.person.certificate)
    verify(with_key_info(world, right))
    for about_key in (
        b"",
        b"<ds:KeyInfo></ds:KeyInfo>",
        b"<ds:KeyInfo>" + value + b"</ds:KeyInfo>",
        right.replace(b"<ds:KeyInfo>", b"<ds:KeyInfo>" + value),
        b"<ds:KeyInfo><ds:KeyName>somebody</ds:KeyName></ds:KeyInfo>",
        key_info(),
        key_info(world.person.certificate, world.issuer.der),
        key_info(world.person.certificate, world.person.certificate),
        right.replace(b"X509Certificate>", b"X509CRL>"),
    ):
        assert refusal(with_key_info(world, about_key)).code == "eds_certificate_missing"
    assert refusal(with_key_info(world, key_info(world.issuer.der))).code == "eds_signature_invalid"
    assert refusal(with_key_info(world, key_info(b"no certificate"))).code == "eds_malformed"


def test_a_borrower_signs_alone(world: World) -> None:
    once = sign_xml(world.person, DOCUMENT)
    for encoded, count in ((DOCUMENT, 0), (once, 1), (sign_xml(world.person, once), 2)):
        signatures = parse_signatures(encoded, max_bytes=LIMIT)
        assert len(signatures) == count
        if count == 1:
            assert signatures == (parse_xml(encoded, max_bytes=LIMIT),) == (verify(encoded),)
            continue
        refused = refusal(encoded)
        assert (refused.code, refused.facts) == ("eds_signer_count", {"signers": count})


def test_each_of_several_signatures_covers_what_was_there_before_it(
    gost: World, rsa: World
) -> None:
    once = sign_xml(gost.person, DOCUMENT)
    twice = sign_xml(rsa.person, once)
    signatures = parse_signatures(sign_xml(gost.person, twice), max_bytes=LIMIT)
    for signed in signatures:
        signed.check_signature()
    assert [signed.signer.family for signed in signatures] == ["gost512", "rsa", "gost512"]
    check_document(signatures[0], document=DOCUMENT)
    assert signatures[1].covered == canonical(parse_document(once, max_bytes=LIMIT))
    assert signatures[2].covered == canonical(parse_document(twice, max_bytes=LIMIT))


def test_several_signatures_in_another_order_refuse(gost: World, rsa: World) -> None:
    twice = sign_xml(rsa.person, sign_xml(gost.person, DOCUMENT))
    head, first, second = twice.split(b"<ds:Signature ")
    second, end = second[: -len(b"</statement>")], b"</statement>"
    swapped = head + b"<ds:Signature " + second + b"<ds:Signature " + first + end
    assert swapped != twice
    for each in parse_signatures(swapped, max_bytes=LIMIT):
        with pytest.raises(Refused):
            each.check_signature()


def test_more_than_ten_signatures_refuse(rsa: World) -> None:
    element = signature_element(rsa.person, info=signed_info("rsa", DOCUMENT))
    assert len(parse_signatures(envelop(DOCUMENT, element * 10), max_bytes=11 * LIMIT)) == 10
    with pytest.raises(Refused) as refused:
        parse_signatures(envelop(DOCUMENT, element * 11), max_bytes=11 * LIMIT)
    assert refused.value.code == "eds_signer_count"


def test_a_signature_inherits_the_namespaces_and_the_language_around_it(world: World) -> None:
    """Inclusive canonical form: SignedInfo carries what the elements around it declare."""
    document = b'<a xmlns="urn:a" xmlns:b="urn:b" xml:lang="kk"><b:c></b:c></a>'
    info = signed_info(world.family, document)
    declared = (
        b'<ds:SignedInfo xmlns="urn:a" xmlns:b="urn:b"'
        b' xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xml:lang="kk">'
    )
    inherited = declared + info.partition(b">")[2]
    right = parse_xml(
        envelop(document, signature_element(world.person, info=info)), max_bytes=LIMIT
    )
    assert right.signed_info == inherited
    with pytest.raises(Refused):
        right.check_signature()
    signature = signature_element(world.person, info=inherited).replace(
        declared, b"<ds:SignedInfo>"
    )
    written = signature.replace(b' xmlns="urn:a" xmlns:b="urn:b"', b"").replace(
        b' xml:lang="kk"', b"", 1
    )
    signed = parse_xml(envelop(document, written), max_bytes=LIMIT)
    signed.check_signature()
    check_document(signed, document=document)


def test_one_bit_changed_anywhere_never_passes(world: World) -> None:
    encoded = sign_xml(world.person, DOCUMENT)
    chance = random.Random(34)
    refused = 0
    for _ in range(150):
        at = chance.randrange(len(encoded))
        tampered = bytearray(encoded)
        tampered[at] ^= 1 << chance.randrange(8)
        try:
            signer = verify(bytes(tampered)).signer
            build_path(signer, anchors=[world.root], intermediates=[world.issuer], at=AT)
        except Refused:
            refused += 1
    assert refused == 150


def test_the_checks_judge_what_was_read_and_not_how_it_was_written(world: World) -> None:
    signed = parse_xml(sign_xml(world.person, DOCUMENT), max_bytes=LIMIT)
    signed.check_signature()
    for changed in (
        replace(signed, signed_info=signed.signed_info + b" "),
        replace(signed, signer=world.issuer),
    ):
        with pytest.raises(Refused) as refused:
            changed.check_signature()
        assert refused.value.code == "eds_signature_invalid"
