"""XML that the authority's own library signed, and statements signed with a key of its test
system.
"""

import base64
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from insecure_sandbox.credential import Credential
from insecure_sandbox.xml_signing import envelop, sign_xml, signature_element, signed_info
from tests.insecure_p12 import read_key_store
from tests.verification.engines.pki.world import LIMIT
from tests.verification.engines.pki.xml_statements import DOCUMENT, refusal, verify
from verification.core.errors import Refused
from verification.engines.pki import keys
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.path import build_path
from verification.engines.pki.signatures import check_usage, subject_iin
from verification.engines.pki.xmldsig import (
    SignedXml,
    check_document,
    parse_xml,
    statement_document,
)

_AT = datetime(2026, 11, 1, tzinfo=UTC)
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


def _path(signed: SignedXml, samples: Path) -> tuple[Certificate, ...]:
    folder = samples / "nca_test_2026"
    return build_path(
        signed.signer,
        anchors=[_certificate(folder / "root_test_gost_2022.cer")],
        intermediates=[_certificate(folder / "nca_gost2022_test.cer")],
        at=_AT,
    )


def test_a_statement_signed_with_the_real_test_key_passes_all_steps(samples: Path) -> None:
    store = read_key_store(
        (samples / "nca_test_2026" / "individual_valid.p12").read_bytes(), password="Qwerty12"
    )
    person = Credential(store.certificate, "gost512", store.private_scalar, b"")
    signed = verify(sign_xml(person, DOCUMENT))
    assert len(_path(signed, samples)) == 3
    check_usage(signed.signer, accepted_policies={"1.2.398.3.3.2"})
    other = signed_info("gost512", statement_document(b"another statement"))
    assert (
        refusal(envelop(DOCUMENT, signature_element(person, info=other))).code
        == "eds_statement_mismatch"
    )
