"""A borrower's signature, CMS or signed XML: its signer, and whether the signer may sign as an
individual.

The signed bytes differ. A CMS covers the stored statement's bytes.
Signed XML covers the document that `xmldsig.statement_document` makes of exactly those bytes.
A verifier has the stored bytes, makes the document again and compares it byte for byte.
So neither form can say anything that was not stored.

An individual may sign if:
1. The key is for binding signatures: nonRepudiation.
2. Its purpose is signing: emailProtection, which GOST certificates for both purposes carry too.
3. Its policy is an accepted one.
4. Its role is an individual, no other, and the name has no organisation.

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
# Roles other than an individual's: an individual's information system, legal entities with all
# their employees, the staff of the authority.
_OTHER_ROLES = ("1.2.398.3.3.4.1.1.", "1.2.398.3.3.4.1.2", "1.2.398.3.3.4.2")
_IIN = re.compile("IIN([0-9]{12})")
_SPACE = b" \t\r\n"


def parse_signature(untrusted: bytes, *, max_bytes: int) -> Signature:
    """The only signature in a CMS (DER, PEM or base64) or an XML document of at most `max_bytes`
    bytes, unverified.

    XML is never tried as CMS, nor the reverse: its first byte but white space is `<`, and no CMS
    begins so, in any armor.

    Raises: as `parse_cms` and `parse_xml`.
    """
    if untrusted.lstrip(_SPACE).startswith(b"<"):
        return parse_xml(untrusted, max_bytes=max_bytes)
    return parse_cms(untrusted, max_bytes=max_bytes)


def find_token(signed: Signature) -> bytes | None:
    """The only time-stamp among the unsigned attributes, None if absent.

    Raises: `Refused` for several.
    """
    # Any holder of the file may add unsigned attributes: of two tokens neither is preferred.
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

    accepts_any_role: skip step 4, so that organisations may sign too.

    Raises: `Refused`: eds_key_usage, eds_policy_refused, eds_not_individual.
    """
    # 1. RFC 5280 §4.2.1.3: a login key signs whatever a server sends; such a signature expresses no
    #    intent.
    if "non_repudiation" not in certificate.key_usage:
        raise Refused("eds_key_usage", "the key is not for binding signatures")
    # 2
    if EMAIL_PROTECTION not in certificate.extended_key_usage:
        raise Refused("eds_key_usage", "the certificate is not for signing")
    # 3. RFC 5280 §4.2.1.4: the policy of its issue. Without an accepted one it is refused.
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
    """The 12 digits after `IIN` in the only serialNumber attribute; the caller verifies the check
    digit.

    Raises: `Refused` (eds_iin_missing) if absent, repeated, or in another form.
    """
    # With two of them, readers could differ in which they take.
    serial_numbers = certificate.subject_attributes.get(SERIAL_NUMBER, ())
    if len(serial_numbers) != 1:
        raise Refused("eds_iin_missing", "not exactly one serialNumber in the subject")
    matched = _IIN.fullmatch(serial_numbers[0])
    if matched is None:
        raise Refused("eds_iin_missing", "serialNumber is not IIN and twelve digits")
    return matched[1]


def compare_surname(signer: Certificate, expected: str) -> str:
    """Comparison of the subject's surname with the stated one: `same`, `different` or `not asked`.

    Raises: `Refused` (eds_malformed) for control or direction characters, which could display
    another name.
    """
    if not expected:
        return "not asked"
    # The authority puts the patronymic into givenName.
    names = {
        oid: " ".join(signer.subject_attributes.get(oid, ()))
        for oid in (COMMON_NAME, SURNAME, GIVEN_NAME)
    }
    # Unicode categories for control, format, surrogate and private use: U+202E would reverse a
    # name.
    if any(
        unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co"}
        for name in names.values()
        for sign in name
    ):
        raise Refused("eds_malformed", "a name has control characters")
    return "same" if expected.casefold() == names[SURNAME].casefold() else "different"
