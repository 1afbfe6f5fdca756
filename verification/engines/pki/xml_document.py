"""Untrusted XML as a tree that can do nothing: tags, attributes and text, and few of each.

1 the size · 2 UTF-8 · 3 the declaration says no other encoding · 4 nothing but tags: no DTD, so no entities; no
comments, so nothing is hidden inside a value; no CDATA, no instructions · 5 few tags, few namespaces, few attributes ·
6 well-formed, so no forbidden character either · 7 not deep, and no identifier twice.
Steps 1 to 5 read the text before a parser sees it. Source: XML 1.0, fifth edition.
"""

import base64
import binascii
import re

from lxml import etree

from verification.core.errors import Refused
from verification.engines.pki.der import malformed

# A signed statement has 35 tags in 6 levels, 1 namespace and 20 quotation marks; each further signature 32 tags more.
_MAX_TAGS = 512
_MAX_DEPTH = 16
_MAX_NAMESPACES = 32
_MAX_QUOTES = 512

_DECLARATION = re.compile(
    r"""<\?xml\s+version=(["'])1\.0\1(?:\s+encoding=(["'])(?:utf-8|UTF-8)\2)?(?:\s+standalone=(["'])(?:yes|no)\3)?\s*\?>"""
)
_SPACE = " \t\r\n"
_SPACES = re.compile(f"[{_SPACE}]+")
# Whatever spelling and namespace the attribute has: programs disagree which of these are identifiers.
_IDENTIFIER = "id"

Node = etree._Element


def parse_document(untrusted: bytes, *, max_bytes: int) -> Node:
    """The root of a document of at most `max_bytes` bytes.

    Raises `Refused`: eds_too_large (also for too many tags), eds_malformed.
    """
    # 1
    if len(untrusted) > max_bytes:
        raise Refused("eds_too_large", "the signature is too large")
    # 2
    try:
        text = untrusted.decode()
    except UnicodeDecodeError:
        raise malformed("XML: not UTF-8") from None
    # 3
    declaration = _DECLARATION.match(text)
    body = text[declaration.end() :] if declaration else text
    # 4 and 5
    _check_markup(body)
    # 6
    root = _parse(body)
    # 7
    _check_tree(root)
    return root


def _check_markup(body: str) -> None:
    """A bare < begins a tag and nothing else: it cannot stand in text or in an attribute."""
    # 4. A mark of byte order would be looked at by the parser.
    if not body.lstrip(_SPACE).startswith("<"):
        raise malformed("XML: something before the root")
    if "<!" in body:
        raise malformed("XML: a DTD, a comment or CDATA")
    if "<?" in body:
        raise malformed("XML: an instruction")
    # 5. Canonical form compares every namespace in sight at every tag, and every attribute of a tag with the others.
    if body.count("<") > _MAX_TAGS or body.count("xmlns") > _MAX_NAMESPACES:
        raise Refused("eds_too_large", "XML: too many tags")
    if body.count('"') + body.count("'") > _MAX_QUOTES:
        raise Refused("eds_too_large", "XML: too many attributes")


def _parse(body: str) -> Node:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        collect_ids=False,
    )
    try:
        return etree.fromstring(body.encode(), parser)
    except (etree.LxmlError, ValueError):
        # What the parser says quotes the document, which may hold personal data.
        raise malformed("XML: not well-formed") from None


def _check_tree(root: Node) -> None:
    identifiers: set[str] = set()
    open_nodes = [(root, 1)]
    while open_nodes:
        node, depth = open_nodes.pop()
        if not isinstance(node.tag, str):
            raise malformed("XML: something other than a tag")
        if depth > _MAX_DEPTH:
            raise malformed("XML: nested too deeply")
        for name, value in attributes(node).items():
            if etree.QName(name).localname.lower() == _IDENTIFIER:
                if value in identifiers:
                    raise malformed("XML: an identifier occurs twice")
                identifiers.add(value)
        open_nodes.extend((child, depth + 1) for child in node)


def attributes(node: Node) -> dict[str, str]:
    """The attributes, declarations of namespaces apart; one in a namespace is called `{namespace}name`."""
    return {str(name): str(value) for name, value in node.attrib.items()}


def only_children(node: Node, *, where: str) -> list[Node]:
    """The children, between which there is nothing but white space."""
    if any((text or "").strip(_SPACE) for text in (node.text, *(child.tail for child in node))):
        raise malformed(f"{where}: text between the parts")
    return list(node)


def only_attributes(node: Node, *names: str, where: str) -> list[str]:
    """The values of exactly these attributes, none of them in a namespace."""
    found = attributes(node)
    if found.keys() != set(names):
        raise malformed(f"{where}: other attributes than expected")
    return [found[name] for name in names]


def only_base64(node: Node, *, where: str) -> bytes:
    """The bytes that the text of a childless node without attributes stands for.

    White space is skipped, also the carriage returns that Java writes as `&#13;`. One sequence of bytes has one
    spelling: bits that decoding would drop must be zero.
    """
    only_attributes(node, where=where)
    if len(node):
        raise malformed(f"{where}: not just text")
    text = _SPACES.sub("", node.text or "")
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise malformed(f"{where}: not base64") from None
    if not decoded or base64.b64encode(decoded).decode() != text:
        raise malformed(f"{where}: not base64")
    return decoded
