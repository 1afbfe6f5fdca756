"""The bytes that stand for XML when it is hashed. Source: Canonical XML 1.0, §2 and §2.4.

libxml2 writes them. With comments or without makes no difference: `parse_document` lets none in.
"""

from copy import deepcopy

from lxml import etree

from verification.engines.pki.der import malformed
from verification.engines.pki.xml_document import Node, attributes

_XML = "{http://www.w3.org/XML/1998/namespace}"


def canonical(root: Node) -> bytes:
    """The canonical form of the whole document."""
    try:
        return etree.tostring(root, method="c14n", exclusive=False, with_comments=False)
    except (etree.LxmlError, ValueError):
        # A relative name of a namespace has none.
        raise malformed("XML: without a canonical form") from None


def canonical_part(node: Node) -> bytes:
    """The canonical form of one element as a part of its document.

    Inclusive: it carries every namespace in scope, used or not, and the `xml:` attributes of the elements around it.
    """
    try:
        # The stubs do not know that the namespace without a prefix is called None.
        alone = etree.Element(node.tag, nsmap=node.nsmap)  # type: ignore[arg-type]
    except ValueError:
        raise malformed("XML: a namespace that cannot be declared") from None
    # The root first: what stands closer to the element counts.
    for around in reversed((node, *node.iterancestors())):
        for name, value in attributes(around).items():
            if around is node or name.startswith(_XML):
                alone.set(name, value)
    alone.text = node.text
    alone.extend(deepcopy(child) for child in node)
    return canonical(alone)


def remove(node: Node) -> None:
    """Take an element out of its document. The text behind it stays, which lxml would take along."""
    parent, before, text = node.getparent(), node.getprevious(), node.tail or ""
    if parent is None:
        raise malformed("XML: the root cannot be left out")
    parent.remove(node)
    if before is None:
        parent.text = (parent.text or "") + text
    else:
        before.tail = (before.tail or "") + text
