"""Certificates, statements, XML, answers and lists of the authority's own test system, and its
public production certificates.
"""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.insecure_p12 import KeyStore, read_key_store
from tests.proofs import Figures
from tests.verification.engines.pki.lists import check_not_revoked
from tests.verification.engines.pki.statements import verify
from tests.verification.engines.pki.world import LIMIT
from verification.core.errors import Refused
from verification.engines.pki import der, keys
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.crl import parse_crl, verify_crl
from verification.engines.pki.ocsp import (
    OcspResponse,
    RevocationStatus,
    State,
    check_response,
    parse_response,
)
from verification.engines.pki.path import build_path
from verification.engines.pki.revocation import look_up
from verification.engines.pki.signatures import check_usage, subject_iin
from verification.engines.pki.xmldsig import (
    SignedXml,
    check_document,
    parse_xml,
)

_AT = datetime(2026, 11, 1, tzinfo=UTC)
_POLICIES = {"1.2.398.3.3.2", "1.2.398.3.3.2.3"}
_PASSWORD = "Qwerty12"  # printed in the SDK


@pytest.fixture(scope="module")
def samples(shared_data: Path) -> Path:
    """The folder of EDS samples."""
    return shared_data / "eds"


@pytest.fixture(scope="module")
def root(samples: Path) -> Certificate:
    """The root of the test system."""
    return _certificate(samples / "nca_test_2026" / "root_test_gost_2022.cer")


@pytest.fixture(scope="module")
def issuer(samples: Path) -> Certificate:
    """The issuing authority of the test system."""
    return _certificate(samples / "nca_test_2026" / "nca_gost2022_test.cer")


def _certificate(path: Path) -> Certificate:
    content = path.read_bytes()
    if content.startswith(b"-----"):
        content = base64.b64decode(b"".join(content.splitlines()[1:-1]))
    return parse_certificate(content)


def _store(samples: Path, name: str) -> KeyStore:
    return read_key_store(
        (samples / "nca_test_2026" / f"{name}.p12").read_bytes(), password=_PASSWORD
    )


def test_the_test_systems_chain_holds(root: Certificate, issuer: Certificate) -> None:
    assert build_path(issuer, anchors=[root], intermediates=[], at=_AT) == (issuer, root)


def test_the_production_rsa_chain_holds_and_never_mixes_with_the_test_root(
    samples: Path, root: Certificate
) -> None:
    issuing = _certificate(samples / "production_ca" / "nca_rsa_2022.cer")
    production = _certificate(samples / "production_ca" / "root_rsa_2020.cer")
    assert build_path(issuing, anchors=[production], intermediates=[], at=_AT)[-1] == production
    with pytest.raises(Refused) as refused:
        build_path(issuing, anchors=[root], intermediates=[production], at=_AT)
    assert refused.value.code == "eds_path_untrusted"


@pytest.mark.parametrize("name", ["btsd_gost", "ucgo_gost", "root_gost_2020"])
def test_the_other_authorities_old_algorithm_refuses(samples: Path, name: str) -> None:
    with pytest.raises(Refused) as refused:
        _certificate(samples / "production_ca" / f"{name}.cer")
    assert refused.value.code == "eds_algorithm_refused"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("individual_valid", ""),
        ("individual_revoked", ""),
        ("legal_ceo_valid", "eds_not_individual"),
        ("legal_signer_valid", "eds_not_individual"),
        ("legal_infosystem_valid", "eds_key_usage"),
    ],
)
def test_every_real_leaf_has_a_path_and_only_individuals_pass(
    samples: Path, root: Certificate, issuer: Certificate, name: str, code: str
) -> None:
    leaf = parse_certificate(_store(samples, name).certificate)
    assert build_path(leaf, anchors=[root], intermediates=[issuer], at=_AT) == (leaf, issuer, root)
    if not code:
        check_usage(leaf, accepted_policies=_POLICIES)
        assert subject_iin(leaf).isdigit()
        return
    with pytest.raises(Refused) as refused:
        check_usage(leaf, accepted_policies=_POLICIES)
    assert refused.value.code == code


def test_the_real_attached_statement_verifies_and_other_bytes_refuse(samples: Path) -> None:
    encoded = (samples / "cms" / "ncanode_CmsServiceTest_SIGNED_CMS_ONE_SIGNER.cms").read_bytes()
    verify(encoded, statement=b"test123")
    with pytest.raises(Refused) as refused:
        parse_cms(encoded, max_bytes=LIMIT).check_content(statement=b"test124")
    assert refused.value.code == "eds_statement_mismatch"


def _one_signer(encoded: bytes, keep: int) -> bytes:
    """The same CMS with only one of its signers, every other byte as it was."""
    parts = der.read_tree(encoded).children[1].children[0].children
    infos = [_element(0x31, parts[-1].children[keep].raw)]
    return _element(
        0x30, der.read_tree(encoded).children[0].raw, _element(0xA0, _rebuilt(parts[:-1], infos))
    )


def _rebuilt(parts: list[der.Element], rest: list[bytes]) -> bytes:
    return _element(0x30, *(part.raw for part in parts), *rest)


def _element(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


@pytest.mark.parametrize(("keep", "family"), [(0, "gost512"), (1, "rsa")])
def test_the_real_detached_statement_verifies_by_each_signer_and_refuses_with_both(
    samples: Path, keep: int, family: str
) -> None:
    encoded = (samples / "cms" / "ncanode_CmsServiceTest_SIGNED_DETACHED_CMS.cms").read_bytes()
    with pytest.raises(Refused) as refused:
        parse_cms(encoded, max_bytes=LIMIT)
    assert refused.value.code == "eds_signer_count"
    single = _one_signer(encoded, keep)
    assert parse_cms(single, max_bytes=LIMIT).signer.family == family
    assert parse_cms(single, max_bytes=LIMIT).encapsulated is None
    verify(single, statement=b"test123")


def test_the_real_gost_signer_of_2022_has_a_path_in_its_time(
    samples: Path, root: Certificate, issuer: Certificate
) -> None:
    encoded = (samples / "cms" / "ncanode_CmsServiceTest_SIGNED_DETACHED_CMS.cms").read_bytes()
    signer = parse_cms(_one_signer(encoded, 0), max_bytes=LIMIT).signer
    in_time = datetime(2022, 10, 1, tzinfo=UTC)
    assert build_path(signer, anchors=[root], intermediates=[issuer], at=in_time)[-1] == root
    with pytest.raises(Refused) as refused:
        build_path(signer, anchors=[root], intermediates=[issuer], at=_AT)
    assert refused.value.code == "eds_certificate_expired"


def test_the_real_delta_list_alone_is_unknown(samples: Path, issuer: Certificate) -> None:
    crl = parse_crl(
        (samples / "nca_test_2026" / "nca_gost2022_d_test.crl").read_bytes(), max_bytes=LIMIT
    )
    leaf = parse_certificate(_store(samples, "individual_valid").certificate)
    with pytest.raises(Refused, match="partial"):
        check_not_revoked(leaf, crl=crl, issuer=issuer, at=datetime(2025, 6, 1, tzinfo=UTC))


def test_a_real_revoked_rsa_certificate_is_found(samples: Path) -> None:
    signer = parse_cms(
        (samples / "cms" / "ncanode_CmsServiceTest_SIGNED_CMS_ONE_SIGNER.cms").read_bytes(),
        max_bytes=LIMIT,
    ).signer
    authority = _certificate(samples / "ncanode" / "ca" / "nca_rsa_test.crt")
    crl = parse_crl(
        (samples / "ncanode" / "crl" / "nca_rsa_test.crl").read_bytes(), max_bytes=LIMIT
    )
    at = datetime(2022, 4, 1, tzinfo=UTC)
    check_not_revoked(signer, crl=crl, issuer=authority, at=at)
    listed = next(der.split(crl.der, crl.entries_at.start, crl.entries_at.stop))
    serial = int.from_bytes(der.read_tree(listed.raw).children[0].content, "big")
    with pytest.raises(Refused) as refused:
        check_not_revoked(replace(signer, serial=serial), crl=crl, issuer=authority, at=at)
    assert refused.value.code == "eds_certificate_revoked"


_FLIPS = 10_000
_NAMES = ["ocsp_response_ceo_2015_revoked.bin", "ocsp_response_individual_2015.bin"]


@pytest.fixture(scope="module")
def issuer_of_2015(samples: Path) -> Certificate:
    """The issuing authority of the test system."""
    return parse_certificate((samples / "ncanode" / "ca" / "nca_gost2015_test.cer").read_bytes())


def _judge(
    encoded: bytes, *, issuer: Certificate, asked: OcspResponse, late: timedelta
) -> RevocationStatus:
    """The answer to the question that `asked` answers; of the leaf only its serial number matters
    here.
    """
    return check_response(
        parse_response(encoded, max_bytes=LIMIT),
        certificate=replace(issuer, serial=asked.cert_id[3]),
        issuer=issuer,
        nonce=asked.nonce or b"",
        at=asked.produced_at + late,
        max_age=timedelta(minutes=5),
        clock_skew=timedelta(0),
    )


@pytest.mark.parametrize("name", _NAMES)
def test_the_real_answers_are_believed_for_five_minutes_and_are_holds(
    samples: Path, issuer_of_2015: Certificate, name: str
) -> None:
    encoded = (samples / "ncanode" / "ocsp" / name).read_bytes()
    asked = parse_response(encoded, max_bytes=LIMIT)
    for minutes in (0, 5):
        status = _judge(
            encoded, issuer=issuer_of_2015, asked=asked, late=timedelta(minutes=minutes)
        )
        assert (status.state, status.is_hold) == (State.REVOKED, True)
    with pytest.raises(Refused, match="stale"):
        _judge(encoded, issuer=issuer_of_2015, asked=asked, late=timedelta(minutes=5, seconds=1))


def test_a_certificate_the_authority_never_issued_is_a_hold_since_1970(
    samples: Path, issuer_of_2015: Certificate
) -> None:
    """RFC 6960 §2.2, extended revoke: the responder says so of a serial number it does not know."""
    encoded = (samples / "ncanode" / "ocsp" / _NAMES[1]).read_bytes()
    asked = parse_response(encoded, max_bytes=LIMIT)
    status = _judge(encoded, issuer=issuer_of_2015, asked=asked, late=timedelta(0))
    assert status.revoked_at is not None
    assert status.revoked_at.year == 1970


def _signed_spans(encoded: bytes) -> list[range]:
    """Where the answer's data and its signature stand; the rest is wrapping and the responder's
    certificate.
    """
    octets = der.read_tree(encoded).children[1].children[0].children[1]
    basic = der.read_tree(octets.content)
    parts = (basic.children[0], basic.children[2])
    return [range(octets.body + part.start, octets.body + part.end) for part in parts]


@pytest.mark.proof("eds")
@pytest.mark.parametrize("name", _NAMES)
def test_no_flipped_bit_in_what_is_signed_is_believed(
    samples: Path,
    issuer_of_2015: Certificate,
    name: str,
    proof_scale: float,
    proof_seed: int,
    proof_figures: Figures,
) -> None:
    encoded = (samples / "ncanode" / "ocsp" / name).read_bytes()
    asked = parse_response(encoded, max_bytes=LIMIT)
    bits = [
        8 * place + bit for span in _signed_spans(encoded) for place in span for bit in range(8)
    ]
    chosen = Random(proof_seed).sample(bits, min(len(bits), int(_FLIPS * proof_scale)))
    for bit in chosen:
        flipped = bytearray(encoded)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Refused):
            _judge(bytes(flipped), issuer=issuer_of_2015, asked=asked, late=timedelta(0))
    proof_figures[f"ocsp_bits_{name.split('_')[2]}"] = len(chosen)


def test_the_real_delta_list_belongs_to_the_real_list_though_it_is_numbered_apart(
    samples: Path,
) -> None:
    folder = samples / "nca_test_2026"
    authority = parse_certificate((folder / "nca_gost2022_test.cer").read_bytes())
    complete, delta = (
        verify_crl(parse_crl((folder / name).read_bytes(), max_bytes=LIMIT), issuer=authority)
        for name in ("nca_gost2022_test.crl", "nca_gost2022_d_test.crl")
    )
    assert (complete.number, delta.base_number, delta.number) == (14, 14, 10)
    at = delta.this_update + timedelta(days=1)
    listed = int("1b012ca203b8d2b8525f2d993399c6fcaae42f78", 16)
    for serial, state in ((listed, State.REVOKED), (listed + 1, State.GOOD)):
        assert look_up(serial, complete=[complete], deltas=[delta], at=at).state is state


_DOCUMENT = b"<a><b>test</b></a>"


@pytest.fixture(scope="module")
def encoded(samples: Path) -> bytes:
    """The real signed document."""
    return (samples / "xml" / "ncanode_XmlServiceTest_0.xml").read_bytes()


@pytest.fixture(scope="module")
def rsa_issuer(samples: Path) -> Certificate:
    """The authority that issued to its signer."""
    return _certificate(samples / "ncanode" / "ca" / "nca_rsa_test.crt")


def _judge_xml(encoded: bytes, rsa_issuer: Certificate) -> SignedXml:
    signed = parse_xml(encoded, max_bytes=LIMIT)
    check_document(signed, document=_DOCUMENT)
    signed.check_signature()
    keys.verify(rsa_issuer.public_key, signed.signer.tbs, signature=signed.signer.signature)
    return signed


def test_the_real_document_verifies_and_another_refuses(
    encoded: bytes, rsa_issuer: Certificate
) -> None:
    signed = _judge_xml(encoded, rsa_issuer)
    assert (signed.signer.family, subject_iin(signed.signer)) == ("rsa", "123456789011")
    check_usage(signed.signer, accepted_policies={"1.2.398.3.3.2.3"})
    with pytest.raises(Refused) as refused:
        check_document(signed, document=b"<a><b>Test</b></a>")
    assert refused.value.code == "eds_statement_mismatch"


def test_one_bit_changed_anywhere_in_the_real_document_refuses(
    encoded: bytes, rsa_issuer: Certificate
) -> None:
    chance = Random(2022)
    places = [(at, bit) for at in range(len(encoded)) for bit in range(8)]
    for at, bit in chance.sample(places, 600):
        tampered = bytearray(encoded)
        tampered[at] ^= 1 << bit
        with pytest.raises(Refused):
            _judge_xml(bytes(tampered), rsa_issuer)
