"""The sandbox as a process: it keeps its authorities, hands out what it says, and the product's
engines agree.
"""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from insecure_sandbox.credential_fields import credential_from_fields
from insecure_sandbox.install_trust import write_anchors
from insecure_sandbox.signing import sign_cms
from tests.insecure_sandbox_process import REPOSITORY, SandboxProcess, running_sandbox
from tests.verification.engines.pki.lists import check_not_revoked
from verification.core.errors import Refused
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.crl import RevocationList, parse_crl
from verification.engines.pki.path import build_path
from verification.engines.pki.signatures import subject_iin
from verification.sources import revocation
from verification.sources.installed import trust_anchors

IIN = "990101100010"
FAMILIES = ("gost512", "rsa")
MAX_BYTES = 1_000_000


@pytest.fixture(autouse=True)
def _mended(sandbox: SandboxProcess) -> Iterator[None]:
    """No fault outlives its test."""
    yield
    sandbox.mend()


@pytest.fixture
def configured(sandbox: SandboxProcess, settings: Settings, tmp_path: Path) -> None:
    """The product's test set, pointed at the running sandbox."""
    write_anchors(sandbox.url, tmp_path / "anchors")
    crl_urls = {family: [f"{sandbox.url}/crl/{family}"] for family in FAMILIES}
    adapter = "verification.sources.revocation.HttpRevocationSource"
    settings.TULGA_SOURCES = {
        "test": {
            "revocation": {"adapter": adapter, "options": {"crl_urls": crl_urls, "seconds": 5.0}},
            "trust_anchors": {"directory": tmp_path / "anchors"},
        }
    }


def issue(sandbox: SandboxProcess, family: str, **fields: str) -> dict[str, Any]:
    person = {"iin": IIN, "surname": "Тестова", "given_name": "Айгүл", "patronymic": "Тестқызы"}
    return sandbox.post("/ca/credentials", family=family, **person | fields)


def certificate_of(answer: dict[str, Any]) -> Certificate:
    return parse_certificate(credential_from_fields(answer).certificate)


def path_of(leaf: Certificate, *, at: datetime) -> tuple[Certificate, ...]:
    trusted = trust_anchors("test")
    return build_path(
        leaf,
        anchors=[parse_certificate(der) for der in trusted.anchors],
        intermediates=[parse_certificate(der) for der in trusted.intermediates],
        at=at,
    )


def current_crl(family: str) -> RevocationList:
    question = revocation.RevocationQuestion(family=family, kind=revocation.CRL)
    return parse_crl(revocation.fetch("test", question)[0].parsed, max_bytes=MAX_BYTES)


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_credential_signs_what_the_product_verifies(sandbox: SandboxProcess, family: str) -> None:
    credential = credential_from_fields(issue(sandbox, family))
    at = datetime.now(UTC)
    signed = parse_cms(sign_cms(credential, b"statement", signed_at=at), max_bytes=MAX_BYTES)
    signed.check_content(statement=b"statement")
    signed.check_signature()
    assert subject_iin(signed.signer) == IIN
    path = path_of(signed.signer, at=at)
    assert len(path) == 3
    check_not_revoked(signed.signer, crl=current_crl(family), issuer=path[1], at=at)


@pytest.mark.usefixtures("configured")
def test_a_certificate_is_on_the_list_as_soon_as_it_is_revoked(sandbox: SandboxProcess) -> None:
    answer = issue(sandbox, "rsa")
    leaf, at = certificate_of(answer), datetime.now(UTC)
    issuer = path_of(leaf, at=at)[1]
    check_not_revoked(leaf, crl=current_crl("rsa"), issuer=issuer, at=at)
    sandbox.post("/ca/revoke", family="rsa", serial=answer["serial"])
    with pytest.raises(Refused):
        check_not_revoked(leaf, crl=current_crl("rsa"), issuer=issuer, at=at)


@pytest.mark.service
def test_a_restart_keeps_authorities_revocations_and_numbers(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "state") as before:
        anchors, serial = (
            before.get("/ca/anchors.json"),
            issue(before, "rsa", state="revoked")["serial"],
        )
        crl = parse_crl(before.get("/crl/rsa"), max_bytes=MAX_BYTES)
        assert before.stop() == 0
    with running_sandbox(tmp_path / "state") as after:
        later_der = after.get("/crl/rsa")
        later = parse_crl(later_der, max_bytes=MAX_BYTES)
        assert after.get("/ca/anchors.json") == anchors
    assert bytes.fromhex(serial) in later_der
    assert later.number is not None
    assert later.number > (crl.number or 0)


def test_keys_are_readable_by_their_owner_only(sandbox: SandboxProcess) -> None:
    kept = list(sandbox.state.rglob("authority*.json"))
    assert len(kept) == 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)


@pytest.mark.service
def test_the_process_refuses_to_listen_to_the_world(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "insecure_sandbox",
        "--host",
        "0.0.0.0",  # noqa: S104
        "--state",
        str(tmp_path / "s"),
    ]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30)
    assert ended.returncode != 0
    assert "loopback only" in ended.stderr
    assert not (tmp_path / "s").exists()
