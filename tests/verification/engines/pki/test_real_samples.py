"""Certificates, statements and lists of the authority's own test system, and its public production
certificates.
"""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.insecure_p12 import KeyStore, read_key_store
from tests.verification.engines.pki.lists import check_not_revoked
from tests.verification.engines.pki.statements import verify
from tests.verification.engines.pki.world import LIMIT
from verification.core.errors import Refused
from verification.engines.pki import der
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.crl import parse_crl
from verification.engines.pki.path import build_path
from verification.engines.pki.signatures import check_usage, subject_iin

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
