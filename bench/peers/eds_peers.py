"""The Python peers of the EDS bench: their own interpreter runs them with `input.json`; output
JSON.

Times are median milliseconds of processor time.
`gostcrypto`: Streebog-512 and GOST R 34.10-2012 of one message.
`path`: validation of a chain of three certificates by pyhanko-certvalidator. Our own arithmetic
checks its signatures, so that only the rest is compared.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import gostcrypto
from asn1crypto import algos, keys, x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, AlgorithmUsagePolicy
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

from verification.core.errors import Refused
from verification.engines.pki import der
from verification.engines.pki import keys as engine_keys

_CURVE = "id-tc26-gost-3410-12-512-paramSetA"
_GOST = "1.2.398.3.10.1.1.2.3.2"


def median_ms(call: Callable[[], object], *, calls: int, repeats: int, warm_up: int) -> float:
    """Median over the repeats of the mean time of one call."""
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        for _ in range(calls):
            call()
        times.append((time.thread_time() - start) * 1000 / calls)
    return statistics.median(times)


def measure_gostcrypto(inputs: dict[str, str]) -> dict[str, float]:
    """One hash and one verification; the library takes numbers with the most significant byte
    first.
    """
    message = bytearray.fromhex(inputs["message"])
    key, signature = bytes.fromhex(inputs["key"]), bytes.fromhex(inputs["signature"])
    public = bytearray(key[:64][::-1] + key[64:][::-1])
    numbers = bytearray(signature[:64][::-1] + signature[64:][::-1])
    curve = gostcrypto.gostsignature.CURVES_R_1323565_1_024_2019[inputs["curve"]]
    signer = gostcrypto.gostsignature.new(gostcrypto.gostsignature.MODE_512, curve)

    def verify(message: bytearray = message) -> bool:
        digest = gostcrypto.gosthash.new("streebog512", data=message).digest()
        return bool(signer.verify(public, digest[::-1], numbers))

    if not verify() or verify(bytearray(b"another message")):
        raise SystemExit("gostcrypto does not verify what it should, or more")
    return {"any": median_ms(verify, calls=1, repeats=5, warm_up=1)}


class OurSignatures(DefaultSignatureValidator):
    """GOST by our engine; RSA by the library."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        *rest: Any,
        **more: Any,
    ) -> None:
        """Raises InvalidSignature."""
        if signature_algorithm["algorithm"].dotted != _GOST:
            super().validate_signature(
                signature, signed_data, public_key_info, signature_algorithm, *rest, **more
            )
            return
        key = engine_keys.parse_key(der.read_tree(public_key_info.dump()), gost=engine_keys.GOST)
        try:
            engine_keys.verify(key, signed_data, signature=signature, often=True)
        except Refused:
            raise InvalidSignature from None


class AnyAlgorithm(AlgorithmUsagePolicy):
    """The library's default does not know GOST."""

    def digest_algorithm_allowed(self, *_: object, **__: object) -> AlgorithmUsageConstraint:
        """Yes."""
        return AlgorithmUsageConstraint(allowed=True)

    def signature_algorithm_allowed(self, *_: object, **__: object) -> AlgorithmUsageConstraint:
        """Yes."""
        return AlgorithmUsageConstraint(allowed=True)


def measure_path(inputs: dict[str, dict[str, list[str]]], at: datetime) -> dict[str, float]:
    """From bytes to a validated path, certificates of each family."""

    def validate(chain: list[bytes]) -> int:
        leaf, issuer, root = (x509.Certificate.load(encoded) for encoded in chain)
        context = ValidationContext(
            trust_roots=[root],
            other_certs=[issuer],
            moment=at,
            allow_fetching=False,
            revocation_mode="soft-fail",
            algorithm_usage_policy=AnyAlgorithm(),
            signature_validator=OurSignatures(),
        )
        return len(
            loop.run_until_complete(
                CertificateValidator(leaf, validation_context=context).async_validate_path()
            )
        )

    loop = asyncio.new_event_loop()
    figures = {}
    for family, chain in inputs.items():
        certificates = [bytes.fromhex(certificate) for certificate in chain]
        if validate(certificates) != 3:
            raise SystemExit("pyhanko-certvalidator found another path")
        figures[family] = median_ms(
            partial(validate, certificates), calls=20, repeats=9, warm_up=30
        )
    return figures


def main(kind: str, file: str) -> None:
    """Measures one peer."""
    inputs = json.loads(Path(file).read_text())
    if kind == "gostcrypto":
        print(json.dumps(measure_gostcrypto(inputs["verify"])))
    else:
        print(json.dumps(measure_path(inputs["chains"], datetime.fromisoformat(inputs["at"]))))


if __name__ == "__main__":
    main(*sys.argv[1:])
