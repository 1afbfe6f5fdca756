"""Signed statements in the form of the authority's programs: CMS with signedAttrs and the signer's
certificate.

The pieces are public so that tests can combine them wrongly.
"""

from collections.abc import Sequence
from datetime import datetime

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys
from insecure_sandbox.credential import Credential
from verification.engines.pki import cms
from verification.engines.pki.certificate import parse_timestamp_certificate
from verification.engines.pki.keys import TIMESTAMP_ALGORITHMS


def sign_cms(
    credential: Credential, content: bytes, *, attached: bool = True, signed_at: datetime
) -> bytes:
    """The CMS of `content` in DER, with the content inside unless detached."""
    attributes = signed_attributes(credential, content, signed_at=signed_at)
    info = signer_info(credential, attributes=attributes)
    return signed_data(
        credential,
        infos=[info],
        certificates=[credential.certificate],
        content=content if attached else None,
    )


def attribute(dotted: str, *values: bytes) -> bytes:
    """An Attribute with its encoded values."""
    return asn1.sequence(asn1.oid(dotted), asn1.set_of(*values))


def signed_attributes(
    credential: Credential, content: bytes, *, signed_at: datetime
) -> list[bytes]:
    """contentType, signingTime and messageDigest, encoded and in DER order."""
    digest = TIMESTAMP_ALGORITHMS[credential.family].digest(content)
    return sorted(
        [
            attribute(cms.CONTENT_TYPE, asn1.oid(cms.DATA)),
            attribute(cms.SIGNING_TIME, asn1.time(signed_at)),
            attribute(cms.MESSAGE_DIGEST, asn1.octets(digest)),
        ]
    )


def signer_info(
    credential: Credential,
    *,
    attributes: Sequence[bytes],
    signature: bytes | None = None,
    digest_oid: str | None = None,
    signature_algorithm: bytes | None = None,
) -> bytes:
    """The SignerInfo over the attributes in the given order. A given `signature` is used
    unchanged.
    """
    certificate = parse_timestamp_certificate(credential.certificate)
    if signature is None:
        signature = keys.sign(credential.private_key, asn1.element(0x31, *attributes))
    return asn1.sequence(
        asn1.integer(1),
        asn1.sequence(certificate.issuer, asn1.integer(certificate.serial)),
        asn1.algorithm(digest_oid or TIMESTAMP_ALGORITHMS[credential.family].digest_oid),
        *([asn1.explicit(0, *attributes)] if attributes else []),
        signature_algorithm or keys.signature_algorithm(credential.private_key),
        asn1.octets(signature),
    )


def signed_data(
    credential: Credential,
    *,
    infos: Sequence[bytes],
    certificates: Sequence[bytes],
    content: bytes | None,
    content_type: str = cms.DATA,
) -> bytes:
    """The whole CMS around SignerInfos and certificates."""
    inner = [asn1.explicit(0, asn1.octets(content))] if content is not None else []
    return asn1.sequence(
        asn1.oid(cms.SIGNED_DATA),
        asn1.explicit(
            0,
            asn1.sequence(
                asn1.integer(1),
                asn1.set_of(asn1.algorithm(TIMESTAMP_ALGORITHMS[credential.family].digest_oid)),
                asn1.sequence(asn1.oid(content_type), *inner),
                *([asn1.explicit(0, *certificates)] if certificates else []),
                asn1.set_of(*infos),
            ),
        ),
    )
