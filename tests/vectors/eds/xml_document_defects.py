"""Signed XML whose document is not the one that was signed: wrapped, commented, expanded, or
another altogether.
"""

import base64
from collections.abc import Iterator

from insecure_sandbox.xml_signing import DECLARATION, envelop
from tests.vectors.eds.case import IIN, STATEMENT
from tests.vectors.eds.workshop import Vector, World
from tests.vectors.eds.xml_workshop import (
    CLOSED,
    CONTENT,
    DEARER,
    DOCUMENT,
    END,
    FORMAT,
    element,
    signed,
    vector,
)
from verification.stages.statement.policy import POLICY

_MALFORMED, _OTHER, _COUNT = "eds_malformed", "eds_statement_mismatch", "eds_signer_count"
_OPENED = b"<statement "


def vectors(world: World) -> Iterator[Vector]:
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
