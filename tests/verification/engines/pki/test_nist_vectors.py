"""The path vectors of NIST (PKITS) as an independent opinion: whatever they refuse, we refuse too.

We refuse more: lists are found by the encoded name, and what limits names, policies or a list's
scope is not understood. Case by case: docs/evidence/pkits.md. The only things NIST refuses and we
let pass are policies, which are the caller's to compare with its own.
"""

import json
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.verification.engines.pki.lists import check_not_revoked
from verification.core.errors import Refused
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.crl import RevocationList, parse_crl
from verification.engines.pki.path import build_path

_AT = datetime(2026, 11, 1, tzinfo=UTC)
# Sections whose valid cases need nothing beyond our profile, and how many of them pass.
_VALID_THAT_PASS = {"401": 1, "402": 3, "404": 5, "406": 5, "407": 1, "416": 1}


@cache
def _cases(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "pkits.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture
def nist(shared_data: Path) -> Path:
    """The folder of the vectors."""
    return shared_data / "eds" / "nist_pkits"


@cache
def _certificate(folder: Path, name: str) -> Certificate:
    return parse_certificate((folder / "certs" / name).read_bytes())


def _lists(folder: Path, case: dict[str, Any]) -> list[RevocationList]:
    return [
        parse_crl((folder / "crls" / name).read_bytes(), max_bytes=100_000)
        for name in case.get("crls", [])
    ]


def _check(folder: Path, case: dict[str, Any]) -> None:
    """A path, and for each certificate below the anchor at least one list and no list that does not
    clear it.
    """
    path = build_path(
        _certificate(folder, case["cert"]),
        anchors=[_certificate(folder, "TrustAnchorRootCertificate.crt")],
        intermediates=[_certificate(folder, name) for name in case.get("other_certs", [])],
        at=_AT,
    )
    root_list = parse_crl(
        (folder / "crls" / "TrustAnchorRootCRL.crl").read_bytes(), max_bytes=100_000
    )
    lists = [*_lists(folder, case), root_list]
    for certificate, issuer in pairwise(path):
        own = [each for each in lists if each.issuer == certificate.issuer]
        if not own:
            raise Refused("eds_revocation_unknown", "no list")
        for each in own:
            check_not_revoked(certificate, crl=each, issuer=issuer, at=_AT)


def _passes(folder: Path, case: dict[str, Any]) -> bool:
    try:
        _check(folder, case)
    except Refused:
        return False
    return True


def test_nothing_nist_refuses_passes_but_for_policies(nist: Path) -> None:
    refused = [
        case
        for case in _cases(nist)
        if "error" in case and "set of policies" not in case["error"]["msg_regex"]
    ]
    assert len(refused) == 94
    assert [case["name"] for case in refused if _passes(nist, case)] == []


@pytest.mark.parametrize(("section", "count"), _VALID_THAT_PASS.items())
def test_what_nist_accepts_within_our_profile_passes(nist: Path, section: str, count: int) -> None:
    accepted = [
        case for case in _cases(nist) if "error" not in case and case["id"].startswith(section)
    ]
    assert sum(_passes(nist, case) for case in accepted) >= count


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("invalid_ca_notbefore_date_test1", "eds_path_untrusted"),
        ("invalid_ee_notbefore_date_test2", "eds_certificate_not_yet_valid"),
        ("invalid_ee_notafter_date_test6", "eds_certificate_expired"),
        ("invalid_revoked_ee_test3", "eds_certificate_revoked"),
        ("invalid_ee_signature_test3", "eds_path_untrusted"),
        ("invalid_old_crl_nextupdate_test11", "eds_revocation_unknown"),
        ("invalid_missing_basicconstraints_test1", "eds_path_untrusted"),
        ("invalid_pathlenconstraint_test5", "eds_path_untrusted"),
        ("invalid_unknown_critical_certificate_extension_test2", "eds_path_untrusted"),
    ],
)
def test_the_reasons_are_nists_reasons(nist: Path, name: str, code: str) -> None:
    (case,) = [case for case in _cases(nist) if case["name"] == name]
    with pytest.raises(Refused) as refused:
        _check(nist, case)
    assert refused.value.code == code
