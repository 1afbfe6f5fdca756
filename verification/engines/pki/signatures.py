"""A borrower's signature in either of its forms, CMS or signed XML, who gave it, and whether they
may as an individual.

What is signed differs. A CMS is over the statement's bytes as we stored them; signed XML is over
the document that `xmldsig.statement_document` makes of those bytes and of nothing else. Whoever
checks has the stored bytes, makes the document anew and compares it to the byte, so no form can say
anything that was not stored.

They may: 1 the key is for signatures that bind: nonRepudiation · 2 its purpose is signing:
emailProtection, which the GOST certificates that serve both purposes carry too · 3 its policy is an
accepted one · 4 its role is an individual, no other, and there is no organisation in the name.
Source: the certificate profile of the national authority, measured on its certificates.
"""

import re
import unicodedata
from collections.abc import Collection

from verification.core.errors import Refused
from verification.engines.pki import timestamp_token
from verification.engines.pki.certificate import Certificate
from verification.engines.pki.cms import SignedStatement, parse_cms
from verification.engines.pki.xmldsig import SignedXml, parse_xml

Signature = SignedStatement | SignedXml

SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14"  # id-aa-signatureTimeStampToken
COMMON_NAME, SURNAME, SERIAL_NUMBER = "2.5.4.3", "2.5.4.4", "2.5.4.5"
ORGANIZATION, ORGANIZATIONAL_UNIT, GIVEN_NAME = "2.5.4.10", "2.5.4.11", "2.5.4.42"
EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
# Extended key usages of the authority's own arc, 1.2.398, which is Kazakhstan's.
INDIVIDUAL = "1.2.398.3.3.4.1.1"
# Roles that are not an individual's own: an individual's information system, legal entities with
# all their employees, the staff of the authority.
_OTHER_ROLES = ("1.2.398.3.3.4.1.1.", "1.2.398.3.3.4.1.2", "1.2.398.3.3.4.2")
_IIN = re.compile("IIN([0-9]{12})")
_SPACE = b" \t\r\n"


def parse_signature(untrusted: bytes, *, max_bytes: int) -> Signature:
    """The only signature in a CMS (DER, PEM or base64) or an XML document of at most `max_bytes`
    bytes, unverified.

    What claims to be XML is never tried as CMS, nor the other way: `<` is its first byte but white
    space, and no CMS begins so, in no armor. Raises what `parse_cms` and `parse_xml` raise.
    """
    if untrusted.lstrip(_SPACE).startswith(b"<"):
        return parse_xml(untrusted, max_bytes=max_bytes)
    return parse_cms(untrusted, max_bytes=max_bytes)


def find_token(signed: Signature) -> bytes | None:
    """The only time-stamp among the unsigned attributes, None if there is none. Raises `Refused`
    for several.
    """
    # Whoever holds the file may add unsigned attributes: of two tokens neither is asked to be the
    # right one.
    tokens = [
        attribute
        for attribute in signed.unsigned_attributes
        if attribute.oid == SIGNATURE_TIMESTAMP
    ]
    if not tokens:
        return None
    if len(tokens) != 1 or len(tokens[0].values) != 1:
        raise timestamp_token.invalid("not exactly one time-stamp")
    return tokens[0].values[0].raw


def check_usage(
    certificate: Certificate, *, accepted_policies: Collection[str], accepts_any_role: bool = False
) -> None:
    """Return if an individual may sign a statement with `certificate`. An empty `accepted_policies`
    refuses.

    `accepts_any_role`: step 4 is left out, so that organisations may sign too.
    Raises `Refused`: eds_key_usage, eds_policy_refused, eds_not_individual.
    """
    # 1. RFC 5280 §4.2.1.3: a key for logging in signs whatever a server sends; such a signature is
    #    nobody's will.
    if "non_repudiation" not in certificate.key_usage:
        raise Refused("eds_key_usage", "the key is not for binding signatures")
    # 2
    if EMAIL_PROTECTION not in certificate.extended_key_usage:
        raise Refused("eds_key_usage", "the certificate is not for signing")
    # 3. RFC 5280 §4.2.1.4: the rules it was issued by. None accepted, or none said, is none.
    if not certificate.policies & frozenset(accepted_policies):
        raise Refused("eds_policy_refused", "the certificate's policy is not accepted")
    # 4
    if accepts_any_role:
        return
    roles = certificate.extended_key_usage
    if INDIVIDUAL not in roles or any(oid.startswith(_OTHER_ROLES) for oid in roles):
        raise Refused("eds_not_individual", "the certificate's role is not an individual's")
    if certificate.subject_attributes.keys() & {ORGANIZATION, ORGANIZATIONAL_UNIT}:
        raise Refused("eds_not_individual", "the certificate names an organisation")


def subject_iin(certificate: Certificate) -> str:
    """The 12 digits after `IIN` in the only serialNumber attribute; the check digit is the caller's
    to verify.

    Raises `Refused` (eds_iin_missing) for none, several, another prefix, another length or other
    digits.
    """
    # With two of them one reader could take the first and another the last.
    serial_numbers = certificate.subject_attributes.get(SERIAL_NUMBER, ())
    if len(serial_numbers) != 1:
        raise Refused("eds_iin_missing", "not exactly one serialNumber in the subject")
    matched = _IIN.fullmatch(serial_numbers[0])
    if matched is None:
        raise Refused("eds_iin_missing", "serialNumber is not IIN and twelve digits")
    return matched[1]


def compare_surname(signer: Certificate, expected: str) -> str:
    """How the surname in the subject compares with the one we were told: `same`, `different` or
    `not asked`.

    Raises `Refused` (eds_malformed) if a name has control or direction characters, which could show
    another name.
    """
    if not expected:
        return "not asked"
    # The authority puts the patronymic into givenName.
    names = {
        oid: " ".join(signer.subject_attributes.get(oid, ()))
        for oid in (COMMON_NAME, SURNAME, GIVEN_NAME)
    }
    # The categories of Unicode for control, format, surrogate and private use: U+202E would turn a
    # name around.
    if any(
        unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co"}
        for name in names.values()
        for sign in name
    ):
        raise Refused("eds_malformed", "a name has control characters")
    return "same" if expected.casefold() == names[SURNAME].casefold() else "different"
