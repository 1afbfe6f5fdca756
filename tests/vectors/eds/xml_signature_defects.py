"""Signed XML whose signature refers to, hashes, transforms or is signed by something else than our
profile says.
"""

import hmac
from collections.abc import Iterator

from insecure_sandbox import keys
from insecure_sandbox.xml_signing import envelop, key_info, signature_element, signed_info
from tests.vectors.eds.workshop import Vector, World
from tests.vectors.eds.xml_workshop import (
    CONTENT,
    DOCUMENT,
    FORMAT,
    SIGNATURE,
    signed,
    vector,
    with_info,
    with_key_info,
)
from verification.engines.pki import xml_algorithms

_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_NATIONAL = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"
_EXCLUSIVE, _FORM_11 = (
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2006/12/xml-c14n11",
)
_XPATH, _XSLT = (
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/TR/1999/REC-xslt-19991116",
)
_REFUSED, _INVALID, _MISSING = (
    "eds_algorithm_refused",
    "eds_signature_invalid",
    "eds_certificate_missing",
)
_REFERENCES = "eds_signed_attributes_invalid"


def vectors(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _references(world)
    yield from _transforms(world)
    yield from _canonical_forms(world)
    yield from _methods(world)
    yield from _hmacs(world)
    yield from _keys(world)
    yield from _values(world)


def _references(world: World) -> Iterator[Vector]:
    changed = {
        "to_a_fragment": b'URI="#statement"',
        "by_an_xpointer": b'URI="#xpointer(/)"',
        "to_an_address": b'URI="http://127.0.0.1:1/statement"',
        "to_a_file": b'URI="file:///etc/passwd"',
        "to_a_relative_address": b'URI="statement.xml"',
        "to_nothing": b"",
        "with_a_type": b'URI="" Type="http://www.w3.org/2000/09/xmldsig#Object"',
    }
    for name, written in changed.items():
        yield vector(f"reference_{name}", with_info(world, b'URI=""', written), _REFERENCES, FORMAT)
    info = signed_info(world.family, DOCUMENT)
    start, end = info.index(b"<ds:Reference"), info.index(b"</ds:SignedInfo>")
    for name, times in {"no_reference": 0, "two_references": 2}.items():
        written = info[:start] + info[start:end] * times + info[end:]
        content = envelop(DOCUMENT, signature_element(world.person, info=written))
        yield vector(name, content, _REFERENCES, FORMAT)


def _transform(name: str, parameters: str = "") -> bytes:
    return f'<ds:Transform Algorithm="{name}">{parameters}</ds:Transform>'.encode()


def _transforms(world: World) -> Iterator[Vector]:
    first, second = (_transform(name) for name in xml_algorithms.TRANSFORMS)
    both = first + b"\n" + second
    path = "<ds:XPath>not(ancestor-or-self::more)</ds:XPath>"
    sheet = (
        '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"'
        ' version="1.0"></xsl:stylesheet>'
    )
    changed = {
        "xslt": (both + _transform(_XSLT, sheet), "Transform"),
        "xslt_first": (_transform(_XSLT, sheet) + second, "XSLT"),
        "xpath": (first + _transform(_XPATH, path), "XPath"),
        "xpath_filter": (
            first + _transform("http://www.w3.org/2002/06/xmldsig-filter2", path),
            "XPath",
        ),
        "base64": (first + _transform(f"{_DSIG}base64"), "base64"),
        "with_a_parameter": (first + _transform(xml_algorithms.TRANSFORMS[1], path), "parameters"),
        "third": (both + second, "exactly two"),
        "missing": (first, "exactly two"),
        "not_enveloped": (second, "canonical form"),
        "canonical_form_before_enveloped": (second + first, "canonical form"),
        "canonical_form_without_comments": (
            first + _transform(xml_algorithms.CANONICAL),
            "without comments",
        ),
        "canonical_form_exclusive": (first + _transform(_EXCLUSIVE), "exclusive"),
        "canonical_form_1_1": (first + _transform(_FORM_11), "1.1"),
    }
    for name, (written, why) in changed.items():
        yield vector(f"transform_{name}", with_info(world, both, written), _REFUSED, FORMAT, why)


def _canonical_forms(world: World) -> Iterator[Vector]:
    start = b"CanonicalizationMethod Algorithm="
    right = start + f'"{xml_algorithms.CANONICAL}"'.encode()
    forms = {
        "with_comments": f"{xml_algorithms.CANONICAL}#WithComments",
        "exclusive": _EXCLUSIVE,
        "1_1": _FORM_11,
    }
    for name, uri in forms.items():
        content = with_info(world, right, start + f'"{uri}"'.encode())
        yield vector(f"canonical_form_{name}", content, _REFUSED, FORMAT, "CanonicalizationMethod")


def _methods(world: World) -> Iterator[Vector]:
    rsa, gost = (xml_algorithms.RSA_SHA256, xml_algorithms.GOST_512_SIGNATURE)
    own, other = (rsa, gost) if world.family == "rsa" else (gost, rsa)
    names = {"rsa_with_sha1": f"{_DSIG}rsa-sha1", "gost_2004": f"{_MORE}gost34310-gost34311"}
    names |= {"gost_256": f"{_NATIONAL}gostr34102015-gostr34112015-256", "of_no_such_name": "urn:a"}
    for name, uri in names.items():
        content = with_info(world, own.encode(), uri.encode())
        yield vector(f"signature_{name}", content, _REFUSED, FORMAT, "SignatureMethod")
    yield vector(
        "signature_of_the_other_family",
        with_info(world, own.encode(), other.encode()),
        _REFUSED,
        CONTENT,
    )
    sha, streebog = xml_algorithms.SHA256, xml_algorithms.STREEBOG_512
    own, other = (sha, streebog) if world.family == "rsa" else (streebog, sha)
    right = f'DigestMethod Algorithm="{own}"'.encode()
    hashes = {
        "sha1": f"{_DSIG}sha1",
        "34311": f"{_MORE}gost34311",
        "streebog_256": f"{_NATIONAL}gostr34112015-256",
    }
    for name, uri in hashes.items():
        content = with_info(world, right, f'DigestMethod Algorithm="{uri}"'.encode())
        yield vector(f"digest_{name}", content, _REFUSED, FORMAT, "DigestMethod")
    content = with_info(world, right, f'DigestMethod Algorithm="{other}"'.encode())
    yield vector("digest_of_the_other_family", content, _REFUSED, CONTENT)


def _hmacs(world: World) -> Iterator[Vector]:
    """Keyed with what everybody knows, the public key: a verifier that takes the method from the
    document believes it.
    """
    method = (
        xml_algorithms.RSA_SHA256 if world.family == "rsa" else xml_algorithms.GOST_512_SIGNATURE
    )
    key = keys.public_key_info(world.person.private_key)
    for digest, uri in {"sha1": f"{_DSIG}hmac-sha1", "sha256": f"{_MORE}hmac-sha256"}.items():
        info = signed_info(world.family, DOCUMENT).replace(method.encode(), uri.encode())
        code = hmac.new(key, info, digest).digest()
        content = with_info(world, method.encode(), uri.encode(), signature=code)
        yield vector(f"signature_hmac_{digest}", content, _REFUSED, FORMAT, "HMAC")
    right = f'"{method}"></ds:SignatureMethod>'.encode()
    shortened = right.replace(b"></", b"><ds:HMACOutputLength>0</ds:HMACOutputLength></")
    yield vector(
        "signature_method_with_a_length_of_0", with_info(world, right, shortened), _REFUSED, FORMAT
    )


def _keys(world: World) -> Iterator[Vector]:
    value = (
        b"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQ==</ds:Modulus></ds:RSAKeyValue></ds:KeyValue>"
    )
    own, issuer = world.person.certificate, world.issuing.certificate
    right = key_info(own)
    parts = {
        "key_value_only": b"<ds:KeyInfo>" + value + b"</ds:KeyInfo>",
        "key_value_before_the_certificate": right.replace(b"<ds:KeyInfo>", b"<ds:KeyInfo>" + value),
        "key_name_only": b"<ds:KeyInfo><ds:KeyName>a</ds:KeyName></ds:KeyInfo>",
        "key_at_an_address": (
            b'<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1:1/a"/></ds:KeyInfo>'
        ),
        "key_info_missing": b"",
        "certificate_missing": key_info(),
        "certificate_twice": key_info(own, own),
        "certificate_with_its_issuers": key_info(own, issuer),
    }
    for name, about_key in parts.items():
        yield vector(name, with_key_info(world, about_key), _MISSING, FORMAT)
    yield vector(
        "certificate_is_none", with_key_info(world, key_info(b"none")), "eds_malformed", FORMAT
    )
    instead = with_key_info(world, key_info(issuer))
    also = ("eds_key_usage", "eds_iin_missing", "eds_revocation_unknown")
    yield vector("certificate_of_its_issuer_instead", instead, _INVALID, SIGNATURE, also=also)


def _values(world: World) -> Iterator[Vector]:
    info = signed_info(world.family, DOCUMENT)
    right = keys.sign(world.person.private_key, info)
    values = {"zeros": bytes(len(right)), "cut_off": right[:-1], "too_long": right + b"\0"}
    if world.family == "gost512":
        values |= {"s_before_r": right[64:] + right[:64], "big_endian": right[::-1]}
    values["of_another_key"] = keys.sign(world.issuing.private_key, info)
    values["over_the_document"] = keys.sign(world.person.private_key, DOCUMENT)
    for name, value in values.items():
        content = envelop(DOCUMENT, signature_element(world.person, info=info, signature=value))
        yield vector(f"signature_value_{name}", content, _INVALID, SIGNATURE)
    head, _, rest = signed(world).partition(b"<ds:SignatureValue>")
    empty = (
        head
        + b"<ds:SignatureValue></ds:SignatureValue>"
        + rest.partition(b"</ds:SignatureValue>")[2]
    )
    yield vector("signature_value_empty", empty, "eds_malformed", FORMAT)
