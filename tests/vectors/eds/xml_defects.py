"""Signed XML with one defect each."""

import base64
import hmac
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from insecure_sandbox import keys, timestamping
from insecure_sandbox.authority import forge_like_nca
from insecure_sandbox.credential import Credential
from insecure_sandbox.minting import certify
from insecure_sandbox.timestamping import encode, granted
from insecure_sandbox.xml_signing import (
    DECLARATION,
    envelop,
    key_info,
    sign_xml,
    signature_element,
    signed_info,
)
from tests.vectors.eds.case import AT, IIN, OTHER_IIN, STATEMENT, TIMESTAMP_NONCE
from tests.vectors.eds.workshop import DAY, HOUR, SECOND, WHO, Vector, World
from verification.engines.pki import xml_algorithms
from verification.engines.pki.xmldsig import parse_xml, statement_document
from verification.stages.statement.policy import POLICY

# What vectors of signed XML are put together with: rightly, or with one thing changed and signed
# as it then stands.


FORMAT, CONTENT, SIGNATURE = "eds.format", "eds.content", "eds.signature"
DOCUMENT, END = statement_document(STATEMENT), b"</statement>"
DEARER = statement_document(STATEMENT.replace(b'"amount":"150000.00"', b'"amount":"950000.00"'))
CLOSED = b"</ds:Signature>"


def vector(
    defect: str, content: bytes, code: str = "", check: str = "", why: str = "", **more: Any
) -> Vector:
    """A vector of this group; what its file is called begins with `xml_`, as its nearest must
    too.
    """
    said: dict[str, Any] = {"code": code, "check": check, "why": why, "nearest": "xml_good"} | more
    return Vector(group="xml", defect=f"xml_{defect}", content=content, **said)


def element(world: World, document: bytes = DOCUMENT, *, by: Credential | None = None) -> bytes:
    """The signature over a document, as it stands in it."""
    return signature_element(by or world.person, info=signed_info(world.family, document))


def with_info(world: World, old: bytes, new: bytes, *, signature: bytes | None = None) -> bytes:
    """Signed XML whose SignedInfo is changed and then rightly signed as it stands, or bears the
    value given.
    """
    info = signed_info(world.family, DOCUMENT)
    if info.count(old) != 1:
        raise ValueError(f"not exactly one {old!r} in SignedInfo")
    return envelop(
        DOCUMENT, signature_element(world.person, info=info.replace(old, new), signature=signature)
    )


def with_key_info(world: World, about_key: bytes) -> bytes:
    """Signed XML that says something else about the key, which its signature does not cover."""
    info = signed_info(world.family, DOCUMENT)
    return envelop(DOCUMENT, signature_element(world.person, info=info, about_key=about_key))


def signed(world: World, document: bytes = DOCUMENT) -> bytes:
    """Signed XML over a document, with nothing wrong."""
    return sign_xml(world.person, document)


# Signed XML whose document is not the one that was signed: wrapped, commented, expanded, or
# another altogether.


_MALFORMED, _OTHER, _COUNT = "eds_malformed", "eds_statement_mismatch", "eds_signer_count"
_OPENED = b"<statement "


def of_documents(world: World) -> Iterator[Vector]:
    """All of this file."""
    good = signed(world)
    yield from _passing(good)
    yield from _wrapped(world)
    yield from _identifiers(good)
    yield from _counts(world, good)
    yield from _entities(good)
    yield from _comments(good)
    yield from _contents(world, good)
    yield from _outsides(good)
    if world.family == "gost512":
        yield from _bombs(good)


def _passing(good: bytes) -> Iterator[Vector]:
    bare = good.removeprefix(DECLARATION)
    yield vector("good", good, nearest="")
    named = good.replace(b"<ds:Signature ", b'<ds:Signature Id="s" ')
    passing = {
        "without_a_declaration": bare,
        "behind_white_space": b"\r\n\t " + bare + b"\n",
        "without_carriage_returns": good.replace(b"&#13;", b""),
        "with_an_identifier": named,
    }
    for name, content in passing.items():
        yield vector(f"good_{name}", content)


def _wrapped(world: World) -> Iterator[Vector]:
    """The signed document moved aside and a dearer one in its place."""
    head, signature = DEARER.removesuffix(END), element(world)
    whole = DOCUMENT.removesuffix(END) + signature + END
    inside = signature.replace(CLOSED, b"<ds:Object>" + DOCUMENT + b"</ds:Object>" + CLOSED)
    moved = {
        "document_moved_aside": (
            head + b"<aside>" + DOCUMENT + b"</aside>" + signature + END,
            _OTHER,
            CONTENT,
        ),
        "document_moved_with_its_signature": (head + whole + END, _MALFORMED, FORMAT),
        "document_moved_into_an_object": (head + inside + END, _MALFORMED, FORMAT),
        "signature_moved_aside": (
            head + b"<aside>" + signature + b"</aside>" + END,
            _MALFORMED,
            FORMAT,
        ),
        "signature_around_the_document": (inside, _MALFORMED, FORMAT),
        "signature_of_another_document": (head + signature + END, _OTHER, CONTENT),
        "root_twice": (whole + DEARER, _MALFORMED, FORMAT),
        "root_twice_signed_last": (DEARER + whole, _MALFORMED, FORMAT),
        "root_around_two_statements": (
            b"<root>" + DEARER + DOCUMENT + signature + b"</root>",
            _OTHER,
            CONTENT,
        ),
        "root_around_the_statement": (
            b"<root>" + DOCUMENT + signature + b"</root>",
            _OTHER,
            CONTENT,
        ),
    }
    for name, (content, code, check) in moved.items():
        yield vector(name, content, code, check)


def _identifiers(good: bytes) -> Iterator[Vector]:
    both = good.replace(b"<ds:Signature ", b'<ds:Signature Id="s" ').replace(
        _OPENED, b'<statement Id="s" '
    )
    near = {"nearest": "xml_good_with_an_identifier"}
    yield vector("identifier_twice", both, _MALFORMED, FORMAT, "identifier", **near)
    spelled = both.replace(b'<statement Id="s" ', b'<statement xml:id="s" ')
    yield vector(
        "identifier_twice_in_another_spelling", spelled, _MALFORMED, FORMAT, "identifier", **near
    )
    yield vector(
        "attribute_twice", good.replace(_OPENED, b'<statement format="" '), _MALFORMED, FORMAT
    )


def _counts(world: World, good: bytes) -> Iterator[Vector]:
    signature = element(world)
    yield vector("no_signature", DOCUMENT, _COUNT, FORMAT)
    yield vector("two_signatures", signed(world, good), _COUNT, FORMAT)
    yield vector("signature_twice", envelop(DOCUMENT, signature * 2), _COUNT, FORMAT)
    if world.family == "rsa":
        yield vector(
            "eleven_signatures", envelop(DOCUMENT, signature * 11), _COUNT, FORMAT, "too many"
        )
    renamed = good.replace(b"2000/09/xmldsig#", b"2000/09/xmldsig-like#", 1)
    yield vector("signature_in_another_namespace", renamed, _COUNT, FORMAT)


def _entities(good: bytes) -> Iterator[Vector]:
    laughs = b'<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%b">' % (letter, b"&%c;" % (letter - 1) * 10)
        for letter in range(ord("b"), ord("k"))
    )
    types = {
        "document_type": (b"<!DOCTYPE statement>", b""),
        "entity_of_our_own": (b'<!DOCTYPE statement [<!ENTITY a "">]>', b"&a;"),
        "entities_of_entities": (b"<!DOCTYPE statement [" + laughs + b"]>", b"&j;"),
        "entity_of_a_file": (
            b'<!DOCTYPE statement [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
            b"&a;",
        ),
        "entity_of_an_address": (
            b'<!DOCTYPE statement [<!ENTITY a SYSTEM "http://127.0.0.1:1/a">]>',
            b"&a;",
        ),
        "entity_for_the_document_type": (
            b'<!DOCTYPE statement [<!ENTITY % a SYSTEM "http://127.0.0.1:1/a"> %a;]>',
            b"",
        ),
        "document_type_at_an_address": (
            b'<!DOCTYPE statement SYSTEM "http://127.0.0.1:1/a.dtd">',
            b"",
        ),
        "attribute_by_the_document_type": (
            b'<!DOCTYPE statement [<!ATTLIST statement more CDATA "1">]>',
            b"",
        ),
    }
    for name, (written, used) in types.items():
        content = good.replace(_OPENED, written + _OPENED).replace(
            CLOSED + END, CLOSED + used + END
        )
        yield vector(name, content, _MALFORMED, FORMAT, "DTD")
    yield vector(
        "entity_of_nobody", good.replace(END, b"&a;" + END), _MALFORMED, FORMAT, "well-formed"
    )


def _comments(good: bytes) -> Iterator[Vector]:
    """Who reads the text before a comment, and hashes without comments, sees two values."""
    at = good.index(IIN.encode()) + 6
    hidden = {
        "comment_inside_the_iin": b"<!-- -->",
        "instruction_inside_the_iin": b"<?skip?>",
        "cdata_inside_the_iin": b"<![CDATA[]]>",
    }
    for name, written in hidden.items():
        yield vector(name, good[:at] + written + good[at:], _MALFORMED, FORMAT)
    yield vector("comment_at_the_end", good + b"<!-- -->", _MALFORMED, FORMAT)
    certificate = b"<ds:X509Certificate>"
    inside = good.replace(certificate, certificate + b"<!-- -->")
    yield vector("comment_inside_the_certificate", inside, _MALFORMED, FORMAT)
    hashed = b"<ds:DigestValue>"
    yield vector(
        "comment_inside_the_hash", good.replace(hashed, hashed + b"<!-- -->"), _MALFORMED, FORMAT
    )


def _contents(world: World, good: bytes) -> Iterator[Vector]:
    """Rightly signed in itself, and not what we stored."""
    text = DOCUMENT.removeprefix(b'<statement format="tulga-statement-2">').removesuffix(END)
    documents = {
        "another_statement": DEARER,
        "statement_in_base64": DOCUMENT.replace(text, base64.b64encode(STATEMENT)),
        "statement_with_a_line_more": DOCUMENT.replace(text, text.replace(b"\n", b"\n\n", 1)),
        "statement_with_other_ends_of_lines": DOCUMENT.replace(
            text, text.replace(b"\n", b"&#xD;\n")
        ),
        "statement_of_another_format": DOCUMENT.replace(b"tulga-statement-2", b"tulga-statement-1"),
        "statement_with_an_element_more": DOCUMENT.replace(END, b"<more></more>" + END),
        "statement_of_nothing": DOCUMENT.replace(text, b""),
    }
    for name, document in documents.items():
        yield vector(name, signed(world, document), _OTHER, CONTENT)
    # The signature's own part stands in that namespace too, and was not signed so.
    named = signed(world, DOCUMENT.replace(_OPENED, b'<statement xmlns="urn:a" '))
    yield vector(
        "statement_in_a_namespace", named, _OTHER, CONTENT, also=("eds_signature_invalid",)
    )
    yield vector(
        "hash_of_another_statement", envelop(DOCUMENT, element(world, DEARER)), _OTHER, CONTENT
    )
    behind = {"text": b"a", "white_space": b" ", "an_element": b"<more/>"}
    for name, written in behind.items():
        content = good.replace(CLOSED, CLOSED + written)
        yield vector(f"{name}_behind_the_signature", content, _OTHER, CONTENT)


def _outsides(good: bytes) -> Iterator[Vector]:
    bare = good.removeprefix(DECLARATION)
    wide = good.replace(b'encoding="UTF-8"', b'encoding="UTF-16"')
    outsides = {
        "cut_off": good[:-1],
        "text_at_the_end": good + b"a",
        "text_at_the_beginning": b"a" + bare,
        "white_space_before_the_declaration": b"\n" + good,
        "mark_of_byte_order": b"\xef\xbb\xbf" + good,
        "encoding_utf_16": wide,
        "encoding_utf_16_in_fact": wide.decode().encode("utf-16-le"),
        "encoding_of_no_such_name": good.replace(b'encoding="UTF-8"', b'encoding="x"'),
        "version_1_1": good.replace(b'version="1.0"', b'version="1.1"'),
        "zero_byte": bare.replace(END, b"\0" + END),
        "not_utf_8": bare.replace(END, b"\xff" + END),
        "in_base64": base64.b64encode(good),
        "in_pem": b"-----BEGIN CMS-----\n" + base64.encodebytes(good) + b"-----END CMS-----\n",
    }
    for name, content in outsides.items():
        yield vector(name, content, _MALFORMED, FORMAT)


def _bombs(good: bytes) -> Iterator[Vector]:
    large, room = "eds_too_large", b" " * POLICY.signature_max_bytes
    attributes = b"".join(b' a%d=""' % number for number in range(600))
    spaces = b"".join(b' xmlns:a%d="urn:a"' % number for number in range(40))
    inside = {
        "too_large": (room, large, ""),
        "tags_too_many": (b"<a/>" * 600, large, "tags"),
        "attributes_too_many": (b"<a" + attributes + b"/>", large, ""),
        "nested_40_deep": (b"<a>" * 40 + b"</a>" * 40, _MALFORMED, "deeply"),
        "namespaces_too_many": (b"<a" + spaces + b"/>", large, ""),
    }
    for name, (written, code, why) in inside.items():
        yield vector(name, good.replace(END, written + END), code, FORMAT, why)
    yield vector("html", b"<html><body>503</body></html>", _COUNT, FORMAT)
    yield vector("html_of_its_own_type", b"<!doctype html><p>503", _MALFORMED, FORMAT)


# Signed XML whose signature refers to, hashes, transforms or is signed by something else than
# our profile says.


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


def of_signatures(world: World) -> Iterator[Vector]:
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


# Rightly signed XML by whom it must not be: steps 5 to 9 do not ask in which form a signature
# came.


PATH, IDENTITY, REVOCATION, TIMESTAMP = (
    "eds.path",
    "eds.identity",
    "eds.revocation",
    "eds.timestamp",
)
_UNTRUSTED, _UNAVAILABLE = "eds_path_untrusted", "eds_timestamp_unavailable"


def of_signers(world: World) -> Iterator[Vector]:
    """All of this file."""
    yield from _forgeries(world)
    yield from _persons(world)
    yield from _revocation(world)
    yield from _time_stamps(world)


def _by(signer: Credential) -> bytes:
    return sign_xml(signer, DOCUMENT)


def _forgeries(world: World) -> Iterator[Vector]:
    forged = forge_like_nca(world.issuing.certificate, iin=IIN, **WHO, at=AT)
    why = "signature does not fit"
    yield vector("fcalayer_forgery", _by(forged), _UNTRUSTED, PATH, why)
    own = certify(world.template(), world.spare, by=None)
    yield vector("self_signed", _by(own), _UNTRUSTED, PATH, "no issuer of that name")
    twin = world.certify_person(by=world.other.issuing)
    yield vector("own_authority_of_the_same_name", _by(twin), _UNTRUSTED, PATH, why)


def _persons(world: World) -> Iterator[Vector]:
    other = world.certify_person(world.template(iin=OTHER_IIN))
    yield vector("by_another_person", _by(other), "eds_iin_mismatch", IDENTITY)
    last, late = world.template(at=AT - 365 * DAY + HOUR), world.template(at=AT - 366 * DAY + HOUR)
    yield vector("good_leaf_last_second", _by(world.certify_person(last)))
    expired = _by(world.certify_person(late))
    yield vector(
        "leaf_expired_yesterday",
        expired,
        "eds_certificate_expired",
        PATH,
        nearest="xml_good_leaf_last_second",
    )


def _revocation(world: World) -> Iterator[Vector]:
    serial = world.leaf.serial
    listed = {"crl": [world.crl(revoked={serial: AT - DAY})]}
    yield vector("leaf_revoked", signed(world), "eds_certificate_revoked", REVOCATION, with_=listed)
    beside = {"crl": [world.crl(revoked={serial + 1: AT - DAY})]}
    yield vector("good_beside_a_revoked_one", signed(world), with_=beside)


def _time_stamps(world: World) -> Iterator[Vector]:
    """XML carries none: a policy that wants one has it asked for, over the signature's value."""
    good = signed(world)
    value = parse_xml(good, max_bytes=POLICY.signature_max_bytes).signature
    stamp = replace(timestamping.stamp(world.stamper, value, at=AT - SECOND), nonce=TIMESTAMP_NONCE)
    near = "good_time_stamped_when_asked"
    yield vector(near, good, with_={"timestamp": [granted(encode(stamp))]})
    answers = {
        "time_stamp_wanted_and_none": b"",
        "time_stamp_of_another_signature": granted(
            encode(replace(stamp, imprint=bytes(len(stamp.imprint))))
        ),
    }
    for name, answer in answers.items():
        given: dict[str, Any] = {"with_": {"timestamp": [answer]}, "nearest": f"xml_{near}"}
        yield vector(name, good, _UNAVAILABLE, TIMESTAMP, **given)
    properties = (
        b"<ds:Object><xades:QualifyingProperties"
        b' xmlns:xades="http://uri.etsi.org/01903/v1.3.2#"/></ds:Object>'
    )
    inside = good.replace(CLOSED, properties + CLOSED)
    yield vector("xades_properties_unsigned", inside, "eds_malformed", FORMAT)
