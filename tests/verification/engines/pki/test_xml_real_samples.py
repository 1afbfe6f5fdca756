"""XML that the authority's own library signed, and statements signed with a key of its test
system.
"""

import base64
import random
from pathlib import Path

import pytest

from tests.verification.engines.pki.world import LIMIT
from verification.core.errors import Refused
from verification.engines.pki import keys
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.signatures import check_usage, subject_iin
from verification.engines.pki.xmldsig import (
    SignedXml,
    check_document,
    parse_xml,
)

_DOCUMENT = b"<a><b>test</b></a>"


@pytest.fixture(scope="module")
def samples(shared_data: Path) -> Path:
    """The folder of EDS samples."""
    return shared_data / "eds"


@pytest.fixture(scope="module")
def encoded(samples: Path) -> bytes:
    """The real signed document."""
    return (samples / "xml" / "ncanode_XmlServiceTest_0.xml").read_bytes()


@pytest.fixture(scope="module")
def issuer(samples: Path) -> Certificate:
    """The authority that issued to its signer."""
    return _certificate(samples / "ncanode" / "ca" / "nca_rsa_test.crt")


def _certificate(path: Path) -> Certificate:
    content = path.read_bytes()
    if content.startswith(b"-----"):
        content = base64.b64decode(b"".join(content.splitlines()[1:-1]))
    return parse_certificate(content)


def _judge(encoded: bytes, issuer: Certificate) -> SignedXml:
    signed = parse_xml(encoded, max_bytes=LIMIT)
    check_document(signed, document=_DOCUMENT)
    signed.check_signature()
    keys.verify(issuer.public_key, signed.signer.tbs, signature=signed.signer.signature)
    return signed


def test_the_real_document_verifies_and_another_refuses(
    encoded: bytes, issuer: Certificate
) -> None:
    signed = _judge(encoded, issuer)
    assert (signed.signer.family, subject_iin(signed.signer)) == ("rsa", "123456789011")
    check_usage(signed.signer, accepted_policies={"1.2.398.3.3.2.3"})
    with pytest.raises(Refused) as refused:
        check_document(signed, document=b"<a><b>Test</b></a>")
    assert refused.value.code == "eds_statement_mismatch"


def test_one_bit_changed_anywhere_in_the_real_document_refuses(
    encoded: bytes, issuer: Certificate
) -> None:
    chance = random.Random(2022)
    places = [(at, bit) for at in range(len(encoded)) for bit in range(8)]
    for at, bit in chance.sample(places, 600):
        tampered = bytearray(encoded)
        tampered[at] ^= 1 << bit
        with pytest.raises(Refused):
            _judge(bytes(tampered), issuer)
