"""Signed XML: its document, its signature, and hostile input."""

from dataclasses import replace
from functools import cache, partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from insecure_sandbox.xml_signing import (
    DECLARATION,
    NAMESPACE,
    envelop,
    sign_xml,
    signature_element,
    signed_info,
)
from tests.verification.engines.pki.statements import DOCUMENT, refusal, verify, with_info
from tests.verification.engines.pki.world import AT, LIMIT, STATEMENT, World, make_world
from verification.core.errors import Refused
from verification.engines.pki import xml_algorithms
from verification.engines.pki.path import build_path
from verification.engines.pki.xml_document import canonical, only_base64, parse_document, remove
from verification.engines.pki.xmldsig import (
    SignedXml,
    check_document,
    parse_signatures,
    parse_xml,
    statement_document,
)

# Reading untrusted XML: what may be in it, and how much.


def _refusal(untrusted: bytes, *, max_bytes: int = LIMIT) -> str:
    with pytest.raises(Refused) as refused:
        parse_document(untrusted, max_bytes=max_bytes)
    return refused.value.code


@pytest.mark.parametrize(
    "declaration",
    [
        "",
        '<?xml version="1.0"?>',
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<?xml version='1.0' encoding='utf-8' standalone='no'?>\r\n",
        '<?xml version="1.0" standalone="yes" ?>',
    ],
)
def test_a_declaration_of_utf_8_passes(declaration: str) -> None:
    assert (
        canonical(parse_document(f"{declaration}<a>ә</a>\n".encode(), max_bytes=LIMIT))
        == "<a>ә</a>".encode()
    )


@pytest.mark.parametrize(
    "document",
    [
        b'<?xml version="1.1"?><a/>',
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        b'<?xml version="1.0" encoding="UTF-7"?><a/>',
        b'<?xml version="1.0" encoding="windows-1251"?><a/>',
        '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
        "<a>ә</a>".encode("windows-1251", "replace").replace(b"?", b"\xfd"),
        b"\xef\xbb\xbf<a/>",
        b'<?xml version="1.0"?>\xef\xbb\xbf<a/>',
        b"",
        b" ",
        b"text",
        b"text<a/>",
        b"<a/>text",
        b"<a/><a/>",
        b"<a/><?x?>",
        b"<?x?><a/>",
        b"<a>",
        b"<a></b>",
        b"<b:a/>",
        b'<a b="1" b="2"/>',
        b"<a b=1/>",
        b"<a>&x;</a>",
        b"<a>&#0;</a>",
        b"<a>&#1;</a>",
        b"<a>\x00</a>",
        b"<a>\x1b</a>",
        b"<a>\xef\xbf\xbe</a>",
        b"<a>\xed\xa0\x80</a>",
        b"<a/>\x00",
        b"<!-- --><a/>",
        b"<a><![CDATA[x]]></a>",
        b"<!DOCTYPE a><a/>",
    ],
)
def test_what_is_not_plain_xml_in_utf_8_refuses(document: bytes) -> None:
    assert _refusal(document) == "eds_malformed"


def _nested(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


def test_size_depth_and_count_are_limited() -> None:
    for document, passes, code in (
        (b"<a>" + b"x" * (LIMIT - 7) + b"</a>", True, ""),
        (b"<a>" + b"x" * (LIMIT - 6) + b"</a>", False, "eds_too_large"),
        (_nested(16), True, ""),
        (_nested(17), False, "eds_malformed"),
        (_nested(5000), False, "eds_too_large"),
        (b"<a>" + b"<b/>" * 510 + b"</a>", True, ""),
        (b"<a>" + b"<b/>" * 511 + b"</a>", False, "eds_too_large"),
        (b"<a" + b"".join(b' a%d=""' % each for each in range(512)) + b"/>", True, ""),
        (
            b"<a" + b"".join(b" a%d=''" % each for each in range(513)) + b"/>",
            False,
            "eds_too_large",
        ),
        (b"<a" + b"".join(b' xmlns:a%d="u:"' % each for each in range(32)) + b"/>", True, ""),
        (
            b"<a" + b"".join(b' xmlns:a%d="u:"' % each for each in range(33)) + b"/>",
            False,
            "eds_too_large",
        ),
    ):
        if passes:
            parse_document(document, max_bytes=LIMIT)
        else:
            assert _refusal(document) == code


def test_a_relative_namespace_has_no_canonical_form() -> None:
    with pytest.raises(Refused) as refused:
        canonical(parse_document(b'<a xmlns="relative"/>', max_bytes=LIMIT))
    assert refused.value.code == "eds_malformed"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<a><s/></a>", b"<a></a>"),
        (b"<a>1<s/>2</a>", b"<a>12</a>"),
        (b"<a><b/>1<s>no</s>2<c/></a>", b"<a><b></b>12<c></c></a>"),
        (b"<a><s/>2<c/></a>", b"<a>2<c></c></a>"),
    ],
)
def test_what_is_removed_leaves_the_text_around_it(before: bytes, after: bytes) -> None:
    root = parse_document(before, max_bytes=LIMIT)
    remove(next(root.iter("s")))
    assert canonical(root) == after


def test_the_root_is_not_removed() -> None:
    with pytest.raises(Refused):
        remove(parse_document(b"<a/>", max_bytes=LIMIT))


@pytest.mark.parametrize(
    ("inside", "content"),
    [
        (b"QUI=", b"AB"),
        (b" QU&#13;\nI=\t", b"AB"),
        (b"QUJ=", None),  # the last bits are not zero: another spelling of the same bytes
        (b"QUI", None),
        (b"QUI==", None),
        (b"QU-=", None),
        (b"Q<b/>UI=", None),
        (b"QU\xc2\xa0I=", None),
        (b"", None),
    ],
)
def test_base64_has_one_spelling_but_for_white_space(inside: bytes, content: bytes | None) -> None:
    node = parse_document(b"<a>" + inside + b"</a>", max_bytes=LIMIT)
    if content is not None:
        assert only_base64(node, where="a") == content
        return
    with pytest.raises(Refused) as refused:
        only_base64(node, where="a")
    assert refused.value.code == "eds_malformed"


# Signed XML where no vector does: several signatures, names of refused algorithms, and what
# hides in a signature.


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


def test_a_document_that_equals_does_not_help_a_hash_of_another(world: World) -> None:
    other = signed_info(world.family, statement_document(b"other bytes"))
    encoded = envelop(DOCUMENT, signature_element(world.person, info=other))
    signed = parse_xml(encoded, max_bytes=LIMIT)
    assert signed.covered == DOCUMENT
    for check in (SignedXml.check_signature, partial(SignedXml.check_content, statement=STATEMENT)):
        with pytest.raises(Refused) as refused:
            check(signed)
        assert refused.value.code == "eds_statement_mismatch"


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


_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_NATIONAL = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"


def _right(world: World) -> dict[str, tuple[str, ...]]:
    """The algorithms of a right signature, by their elements."""
    is_rsa = world.family == "rsa"
    return {
        "SignatureMethod": (
            xml_algorithms.RSA_SHA256 if is_rsa else xml_algorithms.GOST_512_SIGNATURE,
        ),
        "DigestMethod": (xml_algorithms.SHA256 if is_rsa else xml_algorithms.STREEBOG_512,),
        "CanonicalizationMethod": (xml_algorithms.CANONICAL,),
        "Transform": xml_algorithms.TRANSFORMS,
    }


_OUTSIDE = "an algorithm outside the profile"


@pytest.mark.parametrize(
    ("element", "uri", "name"),
    [
        ("SignatureMethod", f"{_MORE}gost34310-gost34311", "GOST 34.310-2004"),
        (
            "SignatureMethod",
            f"{_NATIONAL}gostr34102015-gostr34112015-256",
            "GOST 34.10-2015 of 256 bits",
        ),
        ("SignatureMethod", f"{_DSIG}hmac-sha1", "HMAC"),
        ("SignatureMethod", f"{_MORE}hmac-sha256", "HMAC"),
        ("SignatureMethod", f"{_DSIG}rsa-sha1", "RSA with SHA-1"),
        ("SignatureMethod", f"{_MORE}rsa-sha1", "RSA with SHA-1"),
        ("SignatureMethod", f"{_DSIG}dsa-sha1", "DSA"),
        ("SignatureMethod", f"{_MORE}ecdsa-sha256", "ECDSA"),
        ("SignatureMethod", "", _OUTSIDE),
        ("SignatureMethod", "urn:unknown", _OUTSIDE),
        ("SignatureMethod", f"{xml_algorithms.RSA_SHA256} ", _OUTSIDE),
        ("SignatureMethod", xml_algorithms.RSA_SHA256.upper(), _OUTSIDE),
        ("DigestMethod", f"{_MORE}gost34311", "GOST 34.311-95"),
        ("DigestMethod", f"{_NATIONAL}gostr34112015-256", "Streebog of 256 bits"),
        ("DigestMethod", f"{_DSIG}sha1", "SHA-1"),
        ("DigestMethod", f"{_MORE}sha1", "SHA-1"),
        ("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha512", _OUTSIDE),
        (
            "CanonicalizationMethod",
            f"{xml_algorithms.CANONICAL}#WithComments",
            "canonical form with comments in this place",
        ),
        (
            "CanonicalizationMethod",
            "http://www.w3.org/2001/10/xml-exc-c14n#",
            "exclusive canonical form",
        ),
        ("CanonicalizationMethod", "http://www.w3.org/2006/12/xml-c14n11", "canonical form 1.1"),
        ("CanonicalizationMethod", "urn:other", _OUTSIDE),
        ("Transform", "http://www.w3.org/TR/1999/REC-xpath-19991116", "XPath"),
        ("Transform", "http://www.w3.org/2002/06/xmldsig-filter2", "the XPath filter"),
        ("Transform", "http://www.w3.org/TR/1999/REC-xslt-19991116", "XSLT"),
        ("Transform", f"{_DSIG}base64", "the base64 transform"),
        (
            "Transform",
            xml_algorithms.CANONICAL,
            "canonical form without comments in this place",
        ),
        (
            "Transform",
            "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
            "exclusive canonical form",
        ),
    ],
)
def test_another_algorithm_is_refused_by_its_name(
    world: World, element: str, uri: str, name: str
) -> None:
    for right in _right(world)[element]:
        old, new = (f'{element} Algorithm="{each}"'.encode() for each in (right, uri))
        refused = refusal(with_info(world, old, new))
        assert (refused.code, refused.facts) == ("eds_algorithm_refused", {"algorithm": name})
        assert refused.detail.startswith(element)


def _transform(name: str) -> bytes:
    return f'<ds:Transform Algorithm="{name}"></ds:Transform>'.encode()


def test_a_method_with_parameters_refuses(world: World) -> None:
    length = b"<ds:HMACOutputLength>0</ds:HMACOutputLength>"
    for name in (b"CanonicalizationMethod", b"SignatureMethod", b"DigestMethod"):
        changed = with_info(world, b"></ds:" + name, b">" + length + b"</ds:" + name)
        assert refusal(changed).code == "eds_algorithm_refused"


def test_a_document_hidden_in_the_signature_refuses(world: World) -> None:
    encoded = sign_xml(world.person, DOCUMENT)
    verify(encoded)
    names = ("Signature", "SignedInfo", "KeyInfo", "X509Data", "Reference", "Transforms", "SignatureValue",  # noqa: E501
             "DigestValue", "X509Certificate")  # fmt: skip
    for old in (f"</ds:{name}>".encode() for name in names):
        for hidden in (b"<ds:Object></ds:Object>", b"<more></more>", b"text"):
            assert refusal(encoded.replace(old, hidden + old)).code


@pytest.mark.parametrize(
    "name", ["Signature", "SignedInfo", "Transforms", "SignatureValue", "KeyInfo", "X509Data"]
)
def test_an_attribute_outside_the_profile_refuses(world: World, name: str) -> None:
    element, encoded = f"<ds:{name}".encode(), sign_xml(world.person, DOCUMENT)
    for attribute in (b' more="1"', b' xml:lang="kk"', b' ds:Id="a"'):
        assert refusal(encoded.replace(element, element + attribute, 1)).code == "eds_malformed"


def test_a_transform_by_another_name_refuses(world: World) -> None:
    first = _transform(xml_algorithms.ENVELOPED)
    assert (
        refusal(with_info(world, first, first.replace(b"ds:Transform", b"ds:Other"))).code
        == "eds_malformed"
    )


def test_an_identifier_that_occurs_twice_refuses(world: World) -> None:
    document = b'<a><b Id="x"></b><b%s="x"></b></a>'
    for name, passes in (
        (b" Ref", True),
        (b" Id", False),
        (b" ID", False),
        (b" id", False),
        (b" xml:id", False),
    ):
        encoded = sign_xml(world.person, document % name)
        if passes:
            parse_xml(encoded, max_bytes=LIMIT).check_signature()
            continue
        with pytest.raises(Refused, match="twice"):
            parse_xml(encoded, max_bytes=LIMIT)


def test_an_element_of_a_signature_outside_one_refuses(world: World) -> None:
    for inside in (
        b"<ds:Object" + NAMESPACE + b"></ds:Object>",
        b"<b><ds:Signature" + NAMESPACE + b"></ds:Signature></b>",
    ):
        document = b"<a>" + inside + b"</a>"
        element = signature_element(world.person, info=signed_info(world.family, document))
        with pytest.raises(Refused, match="directly under the root"):
            parse_xml(envelop(document, element), max_bytes=LIMIT)


# Whatever comes in the place of signed XML, only `Refused` comes out, and what passes says what
# was signed.


MARKUP = (
    b"<!DOCTYPE a>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x?>", b"&x;", b"&lt;", b"&#13;", b"&#0;", b"&#x110000;",  # noqa: E501
    b"<", b">", b"/", b'"', b"'", b"=", b"\r\n", b"\x00", b"\xff", b"<a>", b"</a>", b"<a/>", b' Id="a"', b' xml:id="a"',  # noqa: E501
    b' xmlns=""', b' xmlns="urn:a"', b' xmlns:ds="urn:a"', b' xmlns:xml="urn:a"', b' xmlns:a="rel"', b' xml:lang="kk"',  # noqa: E501
    NAMESPACE, b"<ds:Signature>", b"</ds:Signature>", b"<ds:Reference/>", b"<ds:Object/>", b"ds:", b"</statement>",  # noqa: E501
)  # fmt: skip


@cache
def _world() -> World:
    # The cheaper family: what is fuzzed is the XML.
    return make_world("rsa")


@cache
def _encoded() -> bytes:
    return sign_xml(_world().person, DOCUMENT)


@cache
def _right_parts() -> SignedXml:
    return _verified(_encoded())


def _verified(untrusted: bytes) -> SignedXml:
    signed = verify(untrusted)
    assert isinstance(signed, SignedXml)
    return signed


def _judge(untrusted: bytes) -> bool:
    """Whether it passed everything. Anything but `Refused` fails the test by itself."""
    try:
        signed = _verified(untrusted)
        build_path(signed.signer, anchors=[_world().root], intermediates=[_world().issuer], at=AT)
    except Refused:
        return False
    assert (signed.signer.der, signed.covered, signed.signature) == (
        _right_parts().signer.der,
        _right_parts().covered,
        _right_parts().signature,
    )
    assert signed.signed_info == _right_parts().signed_info
    return True


def test_the_document_that_is_mutated_passes() -> None:
    assert _judge(_encoded())


_edits = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 40), st.sampled_from(MARKUP)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_edits)
def test_markup_put_anywhere_is_judged_or_refused(edits: list[tuple[int, int, bytes]]) -> None:
    changed = bytearray(_encoded())
    for at, dropped, markup in edits:
        start = at % (len(changed) + 1)
        changed[start : start + dropped] = markup
    _judge(bytes(changed))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(MARKUP), st.binary(max_size=8), st.text(max_size=8).map(str.encode)
        )
    )
)
def test_any_sequence_of_markup_is_judged_or_refused(parts: list[bytes]) -> None:
    for untrusted in (b"".join(parts), b"<a>" + b"".join(parts) + b"</a>"):
        try:
            for signed in parse_signatures(untrusted, max_bytes=LIMIT):
                signed.check_signature()
        except Refused:
            continue


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_text_is_judged_or_refused(text: str) -> None:
    assert not _judge(text.encode())
    assert not _judge(DECLARATION + text.encode())
