"""Untrusted XML as a passive tree of few tags, attributes and text; and its bytes for hashing.

1. The size.
2. UTF-8.
3. The declaration names no other encoding.
4. Only tags: no DTD, so no entities; no comments, which could hide inside a value; no CDATA, no
   instructions.
5. Few tags, few namespaces, few attributes.
6. Well-formed, so without forbidden characters.
7. Limited depth, and unique identifiers.

Steps 1 to 5 scan the text before a parser sees it.
libxml2 writes the canonical form; the variants with and without comments are equal, because
comments are refused.
Source: XML 1.0, fifth edition; Canonical XML 1.0, §2 and §2.4.
"""

import base64
import re
from copy import deepcopy

from lxml import etree

from verification.core.errors import Refused
from verification.engines.pki.der import malformed

# A signed statement has 35 tags in 6 levels, 1 namespace and 20 quotation marks. Its text adds 90
# quotation marks and twice those of names and purpose; each further signature has 32 tags.
_MAX_TAGS = 512
_MAX_DEPTH = 16
_MAX_NAMESPACES = 32
_MAX_QUOTES = 1024

_DECLARATION = re.compile(
    r"""<\?xml\s+version=(["'])1\.0\1(?:\s+encoding=(["'])(?:utf-8|UTF-8)\2)?(?:\s+standalone=(["'])(?:yes|no)\3)?\s*\?>"""
)
_SPACE = " \t\r\n"
_SPACES = re.compile(f"[{_SPACE}]+")
# In any spelling and namespace: programs disagree which of these are identifiers.
_IDENTIFIER = "id"

Node = etree._Element

_XML = "{http://www.w3.org/XML/1998/namespace}"


def parse_document(untrusted: bytes, *, max_bytes: int) -> Node:
    """The root of a document of at most `max_bytes` bytes.

    Raises: `Refused`: eds_too_large (also for too many tags), eds_malformed.
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
    # 4. A bare < always begins a tag: it cannot occur in text or in an attribute. The parser would
    #    skip a byte order mark.
    if not body.lstrip(_SPACE).startswith("<"):
        raise malformed("XML: something before the root")
    if "<!" in body:
        raise malformed("XML: a DTD, a comment or CDATA")
    if "<?" in body:
        raise malformed("XML: an instruction")
    # 5. Canonical form compares every namespace in scope at every tag, and every attribute of a tag
    #    with the others.
    if body.count("<") > _MAX_TAGS or body.count("xmlns") > _MAX_NAMESPACES:
        raise Refused("eds_too_large", "XML: too many tags")
    if body.count('"') + body.count("'") > _MAX_QUOTES:
        raise Refused("eds_too_large", "XML: too many attributes")
    return _read_tree(body)


def _read_tree(body: str) -> Node:
    # 6. Steps 1 to 5 leave nothing of this in the text; set it anyway, because defaults may change.
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
        root = etree.fromstring(body.encode(), parser)
    except (etree.LxmlError, ValueError):
        # The parser's message quotes the document, which may hold personal data.
        raise malformed("XML: not well-formed") from None
    # 7
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
    return root


def attributes(node: Node) -> dict[str, str]:
    """The attributes without namespace declarations; one in a namespace is called
    `{namespace}name`.
    """
    return {str(name): str(value) for name, value in node.attrib.items()}


def only_children(node: Node, *, where: str) -> list[Node]:
    """The children, with only white space between them."""
    if any((text or "").strip(_SPACE) for text in (node.text, *(child.tail for child in node))):
        raise malformed(f"{where}: text between the parts")
    return list(node)


def only_attributes(node: Node, *names: str, where: str) -> list[str]:
    """The values of exactly these attributes, all without a namespace."""
    present = attributes(node)
    if present.keys() != set(names):
        raise malformed(f"{where}: other attributes than expected")
    return [present[name] for name in names]


def only_base64(node: Node, *, where: str) -> bytes:
    """The bytes in the base64 text of a childless node without attributes.

    White space is skipped, also the carriage returns that Java writes as `&#13;`. One sequence of
    bytes has one spelling:
    bits that decoding would drop must be zero.
    """
    only_attributes(node, where=where)
    if len(node):
        raise malformed(f"{where}: not just text")
    text = _SPACES.sub("", node.text or "")
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        raise malformed(f"{where}: not base64") from None
    if not decoded or base64.b64encode(decoded).decode() != text:
        raise malformed(f"{where}: not base64")
    return decoded


def canonical(root: Node) -> bytes:
    """The canonical form of the whole document."""
    try:
        return etree.tostring(root, method="c14n", exclusive=False, with_comments=False)
    except (etree.LxmlError, ValueError):
        # A relative namespace name has none.
        raise malformed("XML: without a canonical form") from None


def canonical_part(node: Node) -> bytes:
    """The canonical form of one element as a part of its document.

    Inclusive: it carries every namespace in scope, used or not, and the `xml:` attributes of its
    ancestors.
    """
    try:
        # The stubs lack the key None of the namespace without a prefix.
        alone = etree.Element(node.tag, nsmap=node.nsmap)  # type: ignore[arg-type]
    except ValueError:
        raise malformed("XML: a namespace that cannot be declared") from None
    # The root first: a closer ancestor's value wins.
    for around in reversed((node, *node.iterancestors())):
        for name, value in attributes(around).items():
            if around is node or name.startswith(_XML):
                alone.set(name, value)
    alone.text = node.text
    alone.extend(deepcopy(child) for child in node)
    return canonical(alone)


def remove(node: Node) -> None:
    """Removes an element from its document. The text after it stays, which lxml would remove
    too.
    """
    parent, previous, text = node.getparent(), node.getprevious(), node.tail or ""
    if parent is None:
        raise malformed("XML: the root cannot be left out")
    parent.remove(node)
    if previous is None:
        parent.text = (parent.text or "") + text
    else:
        previous.tail = (previous.tail or "") + text
