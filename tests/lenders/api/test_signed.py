"""/v1/verifications/{id}/statement and …/signature as a lender's server meets them."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from insecure_sandbox.authority import Authority
from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from insecure_sandbox.xml_signing import sign_xml
from lenders import keys
from lenders.models import ApiKey
from tests.lenders.api.clearing import verified
from tests.lenders.samples import Caller, code
from tests.lenders.test_openapi import shape
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.story import IIN, OTHER_IIN, Story, at_statement, order
from verification.core.ids import secret_digest
from verification.evidence import vault
from verification.models import AuditEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

Issued = Callable[..., Credential]
ROOT = Path(__file__).resolve().parents[3]
FILES = ("statement", "signature")


@pytest.fixture
def story(lender: Any, issued: Issued) -> Story:
    """A borrower who has signed and is verified."""
    story: Story = verified(lender, issued)
    assert story.row().status == "verified"
    return story


def place(story: Story, file: str) -> str:
    return f"/v1/verifications/{story.id}/{file}"


def readings() -> list[dict[str, Any]]:
    """What the log says of who had a file."""
    return [entry.body for entry in AuditEntry.objects.filter(type="document.read").order_by("at")]


def test_both_are_the_bytes_as_they_were_judged(api: Caller, lender: Any, issued: Issued) -> None:
    story = at_statement(lender)
    text = story.statement()
    signature = base64.encodebytes(sign_cms(issued(), text, signed_at=datetime.now(UTC))).decode()
    story.answer(signature=signature)
    story.work()
    statement, signed = (api.get(place(story, file)) for file in FILES)
    assert (statement.content, signed.content) == (text, signature.encode())
    assert statement.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert signed.headers["Content-Type"] == "application/octet-stream"
    for file, answer, suffix in (("statement", statement, "txt"), ("signature", signed, "cms")):
        name = f"{story.id}.{file}.{suffix}"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        path = f"/v1/verifications/{{verification_id}}/{file}"
        media_type = answer.headers["Content-Type"].partition(";")[0]
        shape(path, "get", 200, media_type).validate(answer.content.decode())
    receipt = json.loads(api.get(place(story, "receipt")).content)["receipt"]
    payload = json.loads(base64.urlsafe_b64decode(receipt.split(".")[1] + "=="))
    assert payload["statement_sha256"] == sha256(statement.content).hexdigest()


def test_signed_xml_is_given_out_as_xml(api: Caller, lender: Any, issued: Issued) -> None:
    story = at_statement(lender)
    signature = sign_xml(issued(), story.page().data["statement_xml"].encode())
    story.answer(signature=signature.decode())
    story.work()
    answer = api.get(place(story, "signature"))
    assert (answer.content, answer.headers["Content-Type"]) == (
        signature,
        "application/octet-stream",
    )
    assert (
        answer.headers["Content-Disposition"] == f'attachment; filename="{story.id}.signature.xml"'
    )


def test_of_several_the_last_that_was_judged_is_given_out_refused_or_not(
    api: Caller, lender: Any, issued: Issued
) -> None:
    story = at_statement(lender)
    assert code(api.get(place(story, "signature"))) == (404, "not_found")
    story.answer(language="kk")
    story.work()
    first = story.statement()
    story.sign(issued(iin=OTHER_IIN))
    assert code(api.get(place(story, "statement"))) == (409, "document_not_ready")
    story.work()
    assert api.get(place(story, "statement")).content == first
    second = story.statement()
    assert api.get(place(story, "statement")).content == first != second
    story.sign(issued())
    story.work()
    assert api.get(place(story, "statement")).content == second


def test_a_download_is_on_record_with_the_key_and_what_it_was(api: Caller, story: Story) -> None:
    for file in FILES:
        api.get(place(story, file))
    found = [(body["what"], body["key"], body["verification"]) for body in readings()]
    key = ApiKey.objects.get().pk
    assert found == [("statement", key, story.id), ("signature", key, story.id)]
    assert IIN not in json.dumps(readings())


def test_it_is_another_lenders_or_another_modes_nothing_and_takes_the_scope(
    api: Caller, other_api: Caller, story: Story, lender: Any
) -> None:
    ApiKey.objects.create(
        lender=lender,
        mode="live",
        sha256=secret_digest("tlg_live_x").hex(),
        scopes=["documents:read"],
        created_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    reader = Caller(keys.issue(lender, mode="test", scopes=["verifications:read"]).secret)
    for file in FILES:
        for caller in (other_api, Caller("tlg_live_x")):
            assert code(caller.get(place(story, file))) == (404, "not_found")
        assert code(api.get(f"/v1/verifications/x/{file}")) == (404, "not_found")
        assert code(reader.get(place(story, file))) == (403, "scope_missing")
        assert api.get(place(story, file), expand="all").status_code == 422
    assert readings() == []


def test_erased_it_is_gone(api: Caller, story: Story) -> None:
    vault.destroy(verification_id=story.id, at=timezone.now())
    for file in FILES:
        assert code(api.get(place(story, file))) == (410, "document_erased")
    assert readings() == []


def test_until_the_log_has_ordered_the_end_nothing_is_told_by_them(
    api: Caller, lender: Any, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = at_statement(lender)
    story.sign(issued())
    with monkeypatch.context() as patched:
        patched.setattr("tests.verification.stories.story.order", lambda: None)
        story.work()
    for file in FILES:
        assert code(api.get(place(story, file))) == (409, "document_not_ready")
    order()
    assert api.get(place(story, "statement")).status_code == 200


def offline(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [
        sys.executable,
        str(ROOT / "manage.py"),
        "verify_eds",
        "signature",
        "--statement",
        "statement",
    ]
    command += ["--trust", "trust", "--crl", "list", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)


def verify_here(*arguments: str) -> None:
    """The same in this process and folder, which spares the start of another."""
    call_command(
        "verify_eds",
        "signature",
        "--statement",
        "statement",
        "--trust",
        "trust",
        "--crl",
        "list",
        *arguments,
    )


@pytest.mark.parametrize("family", ["gost512", "rsa"])
def test_what_was_downloaded_is_verified_offline_as_the_guide_says(
    api: Caller,
    lender: Any,
    issued: Issued,
    authorities: dict[str, Authority],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    family: str,
) -> None:
    story = at_statement(lender)
    story.sign(issued(family))
    story.work()
    for file in FILES:
        (tmp_path / file).write_bytes(api.get(place(story, file)).content)
    authority = authorities[family]
    for role, credential in (("anchor", authority.root), ("intermediate", authority.issuing)):
        (tmp_path / "trust" / role).mkdir(parents=True)
        (tmp_path / "trust" / role / "nca.cer").write_bytes(credential.certificate)
    (tmp_path / "list").write_bytes(crl_of(authority))
    ended = offline(tmp_path, "--iin", IIN)
    assert (ended.returncode, json.loads(ended.stdout)["status"]) == (0, "TOTAL-PASSED"), (
        ended.stderr
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError) as refused:
        verify_here("--iin", OTHER_IIN)
    assert refused.value.returncode == 2
    right = (tmp_path / "statement").read_bytes()
    (tmp_path / "statement").write_bytes(
        right.replace("150 000".replace(" ", "\N{NO-BREAK SPACE}").encode(), b"150")
    )
    with pytest.raises(CommandError, match="the words do not say what the data say") as refused:
        verify_here("--iin", IIN)
    assert refused.value.returncode == 3


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
def test_an_rsa_signature_is_verified_by_openssl_as_the_guide_says(
    api: Caller, lender: Any, issued: Issued, authorities: dict[str, Authority], tmp_path: Path
) -> None:
    story = at_statement(lender)
    story.sign(issued("rsa"))
    story.work()
    for file in FILES:
        (tmp_path / file).write_bytes(api.get(place(story, file)).content)
    (tmp_path / "root.cer").write_bytes(authorities["rsa"].root.certificate)
    (tmp_path / "issuing.cer").write_bytes(authorities["rsa"].issuing.certificate)
    script = """
    openssl base64 -d -A -in signature -out signature.der
    for name in root issuing; do openssl x509 -inform DER -in $name.cer -out $name.pem; done
    openssl cms -verify -binary -inform DER -in signature.der -content statement -purpose any \\
        -CAfile root.pem -certfile issuing.pem -out shown
    """
    ended = subprocess.run(
        ["sh", "-ec", script], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    # As NCALayer gives it.
    lines = base64.encodebytes((tmp_path / "signature.der").read_bytes()).decode()
    (tmp_path / "signature").write_text(f"-----BEGIN CMS-----\n{lines}-----END CMS-----\n")
    armored = script.replace("openssl base64 -d -A -in signature -out signature.der", "")
    armored = armored.replace("-inform DER -in signature.der", "-inform PEM -in signature")
    ended = subprocess.run(
        ["sh", "-ec", armored], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    (tmp_path / "statement").write_bytes((tmp_path / "statement").read_bytes() + b" ")
    ended = subprocess.run(
        ["sh", "-ec", armored], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode != 0
