"""Another library's opinion of a path: pyhanko-certvalidator, with our own arithmetic for GOST
signatures alone.

Nothing is decided by it. It reads certificates and walks paths by its own code, so what both agree
on two have read.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from asn1crypto import x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, AlgorithmUsagePolicy
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

from verification.core.errors import Refused
from verification.engines.pki import der, keys

_ACCEPTED = {keys.SHA256_WITH_RSA, keys.GOST_512_SIGNATURE}
# What it raises for a path that it does not accept, and for bytes that are no certificate.
_REFUSALS = (PathBuildingError, ValidationError, ValueError)


class OurSignatures(DefaultSignatureValidator):
    """GOST by our engine; RSA as the library does it."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: Any,
        signature_algorithm: Any,
        *rest: Any,
        **more: Any,
    ) -> None:
        """Raises `InvalidSignature`."""
        if signature_algorithm["algorithm"].dotted != keys.GOST_512_SIGNATURE:
            super().validate_signature(
                signature, signed_data, public_key_info, signature_algorithm, *rest, **more
            )
            return
        try:
            key = keys.parse_key(der.read_tree(public_key_info.dump()), gost=keys.GOST)
            keys.verify(key, signed_data, signature=signature)
        except Refused:
            raise InvalidSignature from None


class AcceptedAlgorithms(AlgorithmUsagePolicy):
    """The two signatures that we accept; its default does not know GOST."""

    def digest_algorithm_allowed(self, algo: Any, *_: Any, **__: Any) -> AlgorithmUsageConstraint:
        """It is part of the signature's."""
        return AlgorithmUsageConstraint(allowed=True)

    def signature_algorithm_allowed(
        self, algo: Any, *_: Any, **__: Any
    ) -> AlgorithmUsageConstraint:
        """By its identifier."""
        return AlgorithmUsageConstraint(allowed=algo["algorithm"].dotted in _ACCEPTED)


def path_refusal(
    leaf: bytes, *, anchors: Sequence[bytes], intermediates: Sequence[bytes], at: datetime
) -> str:
    """Why the library has no path for the certificate; empty if it has."""
    try:
        context = ValidationContext(
            trust_roots=[x509.Certificate.load(each, strict=True) for each in anchors],
            other_certs=[x509.Certificate.load(each, strict=True) for each in intermediates],
            moment=at,
            allow_fetching=False,
            revocation_mode="soft-fail",
            algorithm_usage_policy=AcceptedAlgorithms(),
            signature_validator=OurSignatures(),
        )
        validator = CertificateValidator(
            x509.Certificate.load(leaf, strict=True), validation_context=context
        )
        asyncio.run(validator.async_validate_path())
    except _REFUSALS as error:
        return str(error) or type(error).__name__
    return ""
