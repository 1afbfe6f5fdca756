"""Revocation lists of a sandbox authority."""

from collections.abc import Mapping
from datetime import datetime

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, profile
from insecure_sandbox.credential import Credential
from insecure_sandbox.minting import Authority, seal
from verification.engines.pki.certificate import parse_timestamp_certificate


def make_crl(
    authority: Authority,
    *,
    revoked: Mapping[int, datetime],
    number: int,
    this_update: datetime,
    next_update: datetime | None,
    reasons: Mapping[int, int] | None = None,
    extensions: tuple[bytes, ...] = (),
    base_number: int | None = None,
    by: Credential | None = None,
) -> bytes:
    """The revocation list of the issuing authority, or of `by`: serial number to time of
    revocation.

    reasons: serial number to reason code (6 is a hold).
    extensions: further encoded extensions of the list.
    base_number: makes it a delta to the complete list of that number.
    """
    entries = [
        _entry(serial, when, (reasons or {}).get(serial)) for serial, when in revoked.items()
    ]
    issuing = by or authority.issuing
    if base_number is not None:
        extensions = (
            asn1.extension("2.5.29.27", asn1.integer(base_number), critical=True),
            *extensions,
        )
    identifier = profile.key_identifier(keys.public_key_info(issuing.private_key))
    body = asn1.sequence(
        asn1.integer(1),
        keys.signature_algorithm(issuing.private_key),
        parse_timestamp_certificate(issuing.certificate).subject,
        asn1.time(this_update),
        *([asn1.time(next_update)] if next_update else []),
        *([asn1.sequence(*entries)] if entries else []),
        asn1.explicit(
            0,
            asn1.sequence(
                *extensions,
                asn1.extension("2.5.29.20", asn1.integer(number)),
                profile.authority_key(identifier),
            ),
        ),
    )
    return seal(body, issuing.private_key)


def _entry(serial: int, when: datetime, reason: int | None) -> bytes:
    parts = [asn1.integer(serial), asn1.time(when)]
    if reason is not None:
        parts.append(
            asn1.sequence(asn1.extension("2.5.29.21", asn1.element(0x0A, bytes([reason]))))
        )
    return asn1.sequence(*parts)
