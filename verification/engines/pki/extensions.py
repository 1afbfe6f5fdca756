"""The extensions of a certificate that decide something: read tolerantly, judged by others.

Only what we use is opened, for real certificates carry broken ones: a responder's `ocsp-nocheck` with an empty value.
Source: RFC 5280 §4.2.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from verification.engines.pki import der, values
from verification.engines.pki.der import Element, malformed

KEY_USAGE = "2.5.29.15"
BASIC_CONSTRAINTS = "2.5.29.19"
CERTIFICATE_POLICIES = "2.5.29.32"
EXTENDED_KEY_USAGE = "2.5.29.37"
_UNDERSTOOD = {KEY_USAGE, BASIC_CONSTRAINTS, CERTIFICATE_POLICIES, EXTENDED_KEY_USAGE}

_KEY_USAGES = (
    "digital_signature",
    "non_repudiation",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True)
class Extension:
    """One extension as it was found: `value` is not opened yet."""

    oid: str
    critical: bool
    value: bytes


def parse_extensions(untrusted: Element) -> Mapping[str, Extension]:
    """The extensions of a SEQUENCE OF Extension by identifier. A repeated one refuses the whole."""
    found: dict[str, Extension] = {}
    for item in values.items(untrusted, der.SEQUENCE, "extensions", at_least=1, at_most=64):
        parts = values.items(item, der.SEQUENCE, "extension", at_least=2, at_most=3)
        oid = values.oid(parts[0], "extension")
        critical = values.boolean(parts[1], "extension") if len(parts) == 3 else False
        if oid in found:
            raise malformed("an extension occurs twice")
        found[oid] = Extension(oid, critical, values.octets(parts[-1], "extension"))
    return found


def unknown_critical(extensions: Mapping[str, Extension]) -> tuple[str, ...]:
    """The identifiers of critical extensions that nothing here understands."""
    return tuple(each.oid for each in extensions.values() if each.critical and each.oid not in _UNDERSTOOD)


def _open(extensions: Mapping[str, Extension], oid: str) -> Element | None:
    if oid not in extensions:
        return None
    element = der.read_tree(extensions[oid].value)
    if not element.strict:
        raise malformed("extension: not DER")
    return element


def key_usage(extensions: Mapping[str, Extension]) -> frozenset[str]:
    """The names of the uses the key is for; empty if the extension is absent."""
    element = _open(extensions, KEY_USAGE)
    if element is None:
        return frozenset()
    bits = values.named_bits(element, "key usage")
    return frozenset(name for bit, name in enumerate(_KEY_USAGES) if bit in bits)


def extended_key_usage(extensions: Mapping[str, Extension]) -> frozenset[str]:
    """The purposes and roles of the key as identifiers; empty if the extension is absent."""
    element = _open(extensions, EXTENDED_KEY_USAGE)
    if element is None:
        return frozenset()
    return frozenset(
        values.oid(part, "extended key usage") for part in values.items(element, der.SEQUENCE, "extended key usage")
    )


def policies(extensions: Mapping[str, Extension]) -> frozenset[str]:
    """The identifiers of the certificate policies, qualifiers left aside; empty if the extension is absent."""
    element = _open(extensions, CERTIFICATE_POLICIES)
    if element is None:
        return frozenset()
    return frozenset(
        values.oid(values.items(part, der.SEQUENCE, "policy", at_least=1)[0], "policy")
        for part in values.items(element, der.SEQUENCE, "policies")
    )


def basic_constraints(extensions: Mapping[str, Extension]) -> tuple[bool, int | None]:
    """Is it an authority, and how many authorities may stand between it and the leaf (None: any number)."""
    element = _open(extensions, BASIC_CONSTRAINTS)
    if element is None:
        return False, None
    parts = values.items(element, der.SEQUENCE, "basic constraints", at_most=2)
    is_ca = bool(parts) and parts[0].tag == der.BOOLEAN and values.boolean(parts[0], "basic constraints")
    rest = parts[1:] if parts and parts[0].tag == der.BOOLEAN else parts
    if len(rest) > 1 or (rest and not is_ca):
        raise malformed("basic constraints: a path length without an authority")
    return is_ca, values.small_integer(rest[0], "path length") if rest else None
