"""A certificate together with its private key, as the sandbox hands it out."""

from dataclasses import dataclass, field

from insecure_sandbox.keys import PrivateKey
from verification.engines.pki.certificate import parse_timestamp_certificate
from verification.engines.pki.keys import TimestampFamily


@dataclass(frozen=True)
class Credential:
    """`certificate` and `issuer_certificate` are DER; a root is its own issuer.

    `private_key` is the GOST number or the RSA key, in the clear.
    """

    certificate: bytes = field(repr=False)
    family: TimestampFamily
    private_key: PrivateKey = field(repr=False)
    issuer_certificate: bytes = field(repr=False)

    @property
    def serial(self) -> int:
        """The certificate's serial number."""
        return parse_timestamp_certificate(self.certificate).serial
