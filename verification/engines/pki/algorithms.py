"""The algorithms we accept, as data: everything that is not in these tables is refused.

There are two tables. `ALGORITHMS` is for borrowers, authorities and lists; `TIMESTAMP_ALGORITHMS` has the old GOST
besides and is for time-stamp tokens alone, which the authority still signs with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from verification.core.errors import Refused
from verification.engines.gost.backends import streebog512
from verification.engines.gost.gost34311 import gost34311

Family = Literal["gost512", "rsa"]
TimestampFamily = Literal["gost512", "rsa", "gost2004"]

RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
SHA256 = "2.16.840.1.101.3.4.2.1"
SHA256_WITH_RSA = "1.2.840.113549.1.1.11"
GOST_512_KEY = "1.2.398.3.10.1.1.2.2"
GOST_512_PARAMETERS = "1.2.398.3.10.1.1.2.2.1"  # names id-tc26-gost-3410-12-512-paramSetA
GOST_512_SIGNATURE = "1.2.398.3.10.1.1.2.3.2"
STREEBOG_512 = "1.2.398.3.10.1.3.3"
GOST_2004_KEY = "1.2.398.3.10.1.1.1.1"
GOST_2004_PARAMETERS = "1.2.398.3.10.1.1.1.1.1"  # names id-tc26-gost-3410-2012-256-paramSetB
GOST_2004_SIGNATURE = "1.2.398.3.10.1.1.1.2"
GOST_34311 = "1.2.398.3.10.1.3.1"
GOST_34311_PARAMETERS = "1.2.398.3.10.1.3.1.1.0"  # names the test parameters' substitution; stands in keys


def _sha256(data: bytes) -> bytes:
    return sha256(data).digest()


@dataclass(frozen=True)
class Algorithms:
    """What goes with a key of one family.

    `certificate_signatures`: what may sign certificates and revocation lists. `statement_signatures`: what a
    SignerInfo may name; RFC 3370 §3.2 lets an RSA signer name just the key's algorithm.
    """

    family: TimestampFamily
    digest_oid: str
    digest: Callable[[bytes], bytes]
    certificate_signatures: frozenset[str]
    statement_signatures: frozenset[str]


ALGORITHMS: dict[str, Algorithms] = {
    "gost512": Algorithms(
        family="gost512",
        digest_oid=STREEBOG_512,
        digest=streebog512,
        certificate_signatures=frozenset({GOST_512_SIGNATURE}),
        statement_signatures=frozenset({GOST_512_SIGNATURE}),
    ),
    "rsa": Algorithms(
        family="rsa",
        digest_oid=SHA256,
        digest=_sha256,
        certificate_signatures=frozenset({SHA256_WITH_RSA}),
        statement_signatures=frozenset({SHA256_WITH_RSA, RSA_ENCRYPTION}),
    ),
}

TIMESTAMP_ALGORITHMS: dict[str, Algorithms] = {
    **ALGORITHMS,
    "gost2004": Algorithms(
        family="gost2004",
        digest_oid=GOST_34311,
        digest=gost34311,
        certificate_signatures=frozenset({GOST_2004_SIGNATURE}),
        statement_signatures=frozenset({GOST_2004_SIGNATURE}),
    ),
}

DIGESTS: dict[str, Callable[[bytes], bytes]] = {each.digest_oid: each.digest for each in ALGORITHMS.values()}
TIMESTAMP_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    each.digest_oid: each.digest for each in TIMESTAMP_ALGORITHMS.values()
}


def require_statement_algorithms(family: Family, *, digest_oid: str, signature_oid: str) -> None:
    """Raise `Refused` unless the hash and the signature a signer names are those of its key's family."""
    _require(ALGORITHMS[family], digest_oid=digest_oid, signature_oid=signature_oid)


def require_timestamp_algorithms(family: TimestampFamily, *, digest_oid: str, signature_oid: str) -> None:
    """The same for the signer of a time-stamp token and nobody else: the old GOST is accepted here."""
    _require(TIMESTAMP_ALGORITHMS[family], digest_oid=digest_oid, signature_oid=signature_oid)


def _require(accepted: Algorithms, *, digest_oid: str, signature_oid: str) -> None:
    if digest_oid != accepted.digest_oid or signature_oid not in accepted.statement_signatures:
        raise Refused("eds_algorithm_refused", "the hash or the signature is not of the certificate's family")
