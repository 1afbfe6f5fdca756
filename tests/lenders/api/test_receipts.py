"""What a lender may download of a case, receipt, statement, signature, document, and when."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.utils import timezone

from insecure_sandbox.authority import Authority
from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from lenders import keys
from lenders.models import ApiKey
from tests.lenders.api.clearing import verified
from tests.lenders.samples import Caller, code
from tests.lenders.shapes import hold, shape
from tests.scripts.receipt_samples import SCHEMA
from tests.verification.log import root
from tests.verification.log.judged import differences_of
from tests.verification.log.rows import order_all, tamper
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.insecure_capture import at_commands, played, show_to_end
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.story import (
    IIN,
    OTHER_IIN,
    Story,
    at_statement,
    begin,
    order,
    swept,
    until_given_up,
    wait_until,
)
from verification import transactions
from verification.access import openings
from verification.artifacts import making
from verification.case import contents
from verification.case.moving import read
from verification.core import certificates
from verification.core.errors import EvidenceUnreadable
from verification.core.status import Status
from verification.evidence import erasure, vault
from verification.log import keys as log_keys
from verification.log import tlog_proof
from verification.models import Attempt, AuditEntry, Receipt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]
ONE = "/v1/verifications/{verification_id}/receipt"
SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "verify_receipt.py"
ACCOUNT = "KZ86125KZT5004100100"


def declined(lender, issued, trusted):
    story = at_statement(lender)
    for _ in range(3):
        story.sign_to_end(issued(iin=OTHER_IIN))
    return story


def expired(lender, issued, trusted):
    story = begin(lender)
    wait_until(story.row().expires_at)
    swept()
    return story


def canceled(lender, issued, trusted):
    story = at_statement(lender)
    story.cancel()
    story.work()
    order()
    return story


def failed(lender, issued, trusted):
    story = at_statement(lender)
    story.sign(issued())
    trusted.faults = 1000
    until_given_up(story)
    return story


def payload(said):
    return jwt.decode(said["receipt"], options={"verify_signature": False})


def verify(tmp_path, client, said, *options):
    (tmp_path / "answer").write_text(json.dumps(said), "utf-8")
    (tmp_path / "keys").write_bytes(client.get("/.well-known/jwks.json").content)
    public = settings.TULGA_KEYS_DIR / "public" / "root.pub"
    command = [
        sys.executable,
        "-I",
        str(SCRIPT),
        "answer",
        "--jwks",
        "keys",
        "--root",
        str(public),
        *options,
    ]
    return subprocess.run(
        command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


@pytest.mark.parametrize("end", [verified, declined, expired, canceled, failed])
def test_every_end_has_a_receipt_that_verifies_offline(
    api, client, lender, issued, trusted, tmp_path, end
):
    story = end(lender, issued) if end is verified else end(lender, issued, trusted)
    said = hold(api.get(place(story, "receipt")), ONE, "get")
    found = {
        key.key_id: key
        for key in jwt.PyJWKSet.from_dict(client.get("/.well-known/jwks.json").json()).keys
    }
    told = jwt.decode(
        said["receipt"],
        found[jwt.get_unverified_header(said["receipt"])["kid"]],
        algorithms=["EdDSA"],
    )
    view = api.get(f"/v1/verifications/{story.id}").json()
    SCHEMA.validate(told)
    assert (told["status"], told["code"], told["mode"]) == (end.__name__, view["code"], "test")
    assert told["decided_at"][:23] == view["finished_at"][:23]
    about = ("--iin", IIN, "--account", ACCOUNT)
    ended = verify(tmp_path, client, said, "--test", *about)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == told
    assert verify(tmp_path, client, said, *about).returncode == 1
    assert verify(tmp_path, client, said, "--test", "--iin", OTHER_IIN).returncode == 1
    for secret in (IIN, ACCOUNT, "ТЕСТОВ", "+77011234567", "A-1"):
        assert secret not in json.dumps(told, ensure_ascii=False) + said["log"]["leaf"]
    tlog_proof.verify(
        said["log"]["proof"],
        leaf=said["log"]["leaf"].encode(),
        key=log_keys.verification_key("test"),
    )


def test_a_receipt_says_by_what_it_was_decided(api, story):
    told = payload(api.get(place(story, "receipt")).json())
    assert (told["routes"], told["route"], told["releases"]) == (
        ["eds"],
        "eds",
        [told["attempts"][0]["release"]],
    )
    assert [(one["stage"], one["outcome"], one["decided_by"]) for one in told["attempts"]] == [
        ("consent", "passed", "checks"),
        ("question", "passed", "checks"),
        ("statement", "passed", "checks"),
    ]
    last = told["attempts"][-1]
    judged = AuditEntry.objects.get(
        verification_id=story.id, type="attempt.judged", body__stage="statement"
    ).body
    assert last["checks"] == [{**one, "code": one["code"] or None} for one in judged["checks"]]
    listed = {one["kind"]: one.get("commitment", one.get("sha256")) for one in judged["evidence"]}
    assert listed.items() <= last["evidence"].items()
    assert len(told["statement_sha256"]) == 64


def test_it_is_the_same_whenever_it_is_read(api, lender, story):
    first = api.get(place(story, "receipt")).content
    begin(lender, "another")
    order_all()
    assert api.get(place(story, "receipt")).content == first
    with pytest.raises(Exception, match=r"neither changed nor deleted|permission denied"):
        Receipt.objects.update(jws="x")


@pytest.mark.parametrize(
    "other",
    ["x", "a.b", "e30.e30.c", "e30=.e30.c", "e3.e30.c", "_w.e30.c", "e30.ewp9.c", "e30.e30.\n", ""],
    ids=repr,
)
def test_what_is_no_receipt_comes_back_as_it_was(api, lender, other):
    story = begin(lender, "A-1")
    Receipt.objects.create(verification_id=story.id, jws=other)
    assert Receipt.objects.get(pk=story.id).jws == other


def test_what_was_canceled_has_none_before_a_worker_signed(api, lender):
    story = at_statement(lender)
    openings.cancel(lender_id=lender.pk, mode="test", verification_id=story.id)
    order_all()
    assert api.get(f"/v1/verifications/{story.id}").json()["status"] == "canceled"
    refused = api.get(place(story, "receipt"))
    assert (code(refused), refused.headers["Retry-After"]) == ((409, "receipt_not_ready"), "1")
    hold(refused, ONE, "get")
    story.work()
    order_all()
    assert payload(api.get(place(story, "receipt")).json())["status"] == "canceled"
    entry = AuditEntry.objects.get(verification_id=story.id, type="receipt.issued")
    assert (
        entry.body["decision"]
        == AuditEntry.objects.get(verification_id=story.id, type="verification.canceled").pk
    )


def test_erased_it_still_verifies_and_opens_nothing(api, client, lender, tmp_path, story):
    before = api.get(place(story, "receipt")).json()
    entry = AuditEntry.objects.get(type="receipt.read")
    assert (entry.body["verification"], entry.body["what"]) == (story.id, "openings")
    assert entry.body["key"] == ApiKey.objects.get(lender=lender).pk
    erasure.erase(story.id, at=timezone.now())
    after = hold(api.get(place(story, "receipt")), ONE, "get")
    assert after == {**before, "openings": None}
    assert verify(tmp_path, client, after, "--test").returncode == 0
    assert verify(tmp_path, client, before, "--test", "--iin", IIN).returncode == 0


@pytest.mark.forges
def test_a_receipt_that_the_log_does_not_name_is_not_told(api, lender, issued):
    story, other = verified(lender, issued), at_statement(lender, "B-1")
    other.sign_to_end(issued())
    change = (
        "UPDATE verification_receipt SET jws = (SELECT jws FROM verification_receipt WHERE"
        " verification_id = %s)"
    )
    tamper((f"{change} WHERE verification_id = %s", [other.id, story.id]))
    assert code(api.get(place(story, "receipt"))) == (500, "internal_error")
    assert [one.code for one in differences_of(story.id)] == ["row_differs"]
    tamper(("DELETE FROM verification_receipt WHERE verification_id = %s", [story.id]))
    assert code(api.get(place(story, "receipt"))) == (500, "internal_error")
    assert [one.code for one in differences_of(story.id)] == ["row_missing"]
    open_one = begin(lender, "C-1")
    Receipt.objects.create(verification_id=open_one.id, jws="x")
    assert code(api.get(place(open_one, "receipt"))) == (409, "receipt_not_ready")
    assert [one.code for one in differences_of(open_one.id)] == ["row_unsaid"]


@pytest.mark.forges
def test_a_case_that_was_put_in_anothers_place_is_in_no_receipt(api, lender):
    """Web can seal: the receipt of what it exchanged names no person, and verifies no
    person.
    """
    story = begin(lender)
    row, key = story.row(), contents.key_of(story.row())
    kept = key.unseal(bytes(row.sealed_case), **vault.CASE).plain
    other = key.seal(kept.replace(IIN.encode(), OTHER_IIN.encode()), **vault.CASE)
    row.sealed_case = other.data
    row.save(update_fields=["sealed_case"])
    wait_until(row.expires_at)
    swept()
    told = payload(api.get(place(story, "receipt")).json())
    assert (told["status"], told["commitments"], told["statement_sha256"]) == (
        "expired",
        None,
        None,
    )
    with pytest.raises(EvidenceUnreadable), transactions.writing():
        making.make_receipt(read(story.row()), Status.VERIFIED, code="", at=timezone.now())


@pytest.mark.forges
def test_the_receipt_of_a_revoked_key_is_not_told(api, story):
    index = api.get(place(story, "receipt")).json()["log"]["index"]
    key = certificates.key_id(root.public("decision"))
    said = certificates.revocation(root.seed(), mode="test", key=key, from_index=index)
    AuditEntry.objects.create(
        log="test",
        type="key.revoked",
        at=timezone.now(),
        body={"v": 1, "key": key, "from_index": index, "revocation": said},
    )
    order_all()
    assert code(api.get(place(story, "receipt"))) == (409, "receipt_not_ready")


# /v1/verifications/{id}/statement and …/signature as a lender's server meets them.
Issued = Callable[..., Credential]
ROOT = Path(__file__).resolve().parents[3]
FILES = ("statement", "signature")


def place(story: Story, file: str) -> str:
    return f"/v1/verifications/{story.id}/{file}"


def test_both_are_the_bytes_as_they_were_judged(api: Caller, lender: Any, issued: Issued) -> None:
    story = at_statement(lender)
    text = story.statement()
    signature = base64.encodebytes(sign_cms(issued(), text, signed_at=datetime.now(UTC))).decode()
    story.reply(signature=signature)
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


def test_of_several_the_last_that_was_judged_is_given_out_refused_or_not(
    api: Caller, lender: Any, issued: Issued
) -> None:
    story = at_statement(lender)
    assert code(api.get(place(story, "signature"))) == (404, "not_found")
    story.reply(language="kk")
    first = story.statement()
    story.sign(issued(iin=OTHER_IIN))
    assert code(api.get(place(story, "statement"))) == (409, "document_not_ready")
    story.work()
    assert api.get(place(story, "statement")).content == first
    second = story.statement()
    assert api.get(place(story, "statement")).content == first != second
    story.sign_to_end(issued())
    assert api.get(place(story, "statement")).content == second


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


def test_what_was_downloaded_is_verified_offline_as_the_guide_says(
    api: Caller, story: Story, authorities: dict[str, Authority], tmp_path: Path
) -> None:
    for file in FILES:
        (tmp_path / file).write_bytes(api.get(place(story, file)).content)
    authority = authorities["gost512"]
    for role, credential in (("anchor", authority.root), ("intermediate", authority.issuing)):
        (tmp_path / "trust" / role).mkdir(parents=True)
        (tmp_path / "trust" / role / "nca.cer").write_bytes(credential.certificate)
    (tmp_path / "list").write_bytes(crl_of(authority))
    ended = offline(tmp_path, "--iin", IIN)
    assert (ended.returncode, json.loads(ended.stdout)["status"]) == (0, "TOTAL-PASSED"), (
        ended.stderr
    )
    assert offline(tmp_path, "--iin", OTHER_IIN).returncode == 2


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
def test_an_rsa_signature_is_verified_by_openssl_as_the_guide_says(
    api: Caller, lender: Any, issued: Issued, authorities: dict[str, Authority], tmp_path: Path
) -> None:
    story = at_statement(lender)
    story.sign_to_end(issued("rsa"))
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
    (tmp_path / "statement").write_bytes((tmp_path / "statement").read_bytes() + b" ")
    ended = subprocess.run(
        ["sh", "-ec", script], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert ended.returncode != 0


# /v1/verifications/{id}/documents as a lender's server meets it, and the keys that anybody may
# fetch.
LIST = "/v1/verifications/{verification_id}/documents"
ONE_DOCUMENT = "/v1/verifications/{verification_id}/documents/{attempt_id}"
VERIFY_DOCUMENT = Path(__file__).resolve().parents[3] / "scripts" / "verify_document.py"


@pytest.fixture
def captured(script, lender):
    """A borrower before the camera, with one document."""
    return played(lender, "B-1")


def test_a_document_is_listed_and_downloaded_and_verifies_offline(api, client, captured, tmp_path):
    (document,) = hold(api.get(place(captured, "documents")), LIST, "get")["data"]
    assert (document["outcome"], document["code"], document["erased"]) == ("passed", None, False)
    answer = api.get(f"{place(captured, 'documents')}/{document['attempt']}")
    hold(answer, ONE_DOCUMENT, "get")
    assert answer.headers["Content-Type"] == "application/jose+json"
    assert (
        answer.headers["Content-Disposition"]
        == f'attachment; filename="{document["attempt"]}.jws.json"'
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.content) == document["size"]
    (tmp_path / "document").write_bytes(answer.content)
    (tmp_path / "keys").write_bytes(client.get("/.well-known/jwks.json").content)
    command = [sys.executable, "-I", str(VERIFY_DOCUMENT), "document", "--jwks", "keys", "--test"]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, json.loads(ended.stdout)["verification"]) == (0, captured.id)


def given_out(story, captured):
    """The address of everything that a lender may download of two cases."""
    attempt = Attempt.objects.get(verification_id=captured.id, stage="live_capture")
    return {
        "receipt": place(story, "receipt"),
        "statement": place(story, "statement"),
        "signature": place(story, "signature"),
        "documents": place(captured, "documents"),
        "document": f"{place(captured, 'documents')}/{attempt.pk}",
    }


def readings():
    """What the log says of downloads."""
    return [entry.body for entry in AuditEntry.objects.filter(type="document.read").order_by("at")]


def test_what_is_given_out_is_another_lenders_or_another_modes_nothing(
    api, other_api, live, lender, story, captured
):
    reader = Caller(keys.issue(lender, mode="test", scopes=["events:read"]).secret)
    for address in given_out(story, captured).values():
        for caller in (other_api, live):
            assert code(caller.get(address)) == (404, "not_found")
        unknown = address.replace(story.id, "x").replace(captured.id, "x")
        assert code(api.get(unknown)) == (404, "not_found")
        assert code(reader.get(address)) == (403, "scope_missing")
        assert api.get(address, expand="all").status_code == 422
    assert readings() == []


def test_each_download_is_on_record_with_the_key_and_what_it_was(api, lender, story, captured):
    for address in given_out(story, captured).values():
        assert api.get(address).status_code == 200
    key = ApiKey.objects.get(lender=lender).pk
    assert [(body["verification"], body["key"]) for body in readings()] == [
        (story.id, key),
        (story.id, key),
        (captured.id, key),
    ]
    assert [body["what"] for body in readings()[:2]] == ["statement", "signature"]
    assert IIN not in json.dumps(readings())


def test_too_early_and_too_late_have_codes_of_their_own(api, lender, story, script):
    filmed = at_commands(lender, "B-1")
    address = given_out(story, filmed)["document"]
    assert api.get(place(filmed, "documents")).json() == {"data": []}
    hold(api.get(address), ONE_DOCUMENT, "get")
    assert code(api.get(address)) == (409, "document_not_ready")
    show_to_end(filmed)
    assert api.get(address).status_code == 200
    consent = Attempt.objects.get(verification_id=filmed.id, stage="consent")
    assert code(api.get(place(filmed, f"documents/{consent.pk}"))) == (404, "not_found")
    erasure.erase(filmed.id, at=timezone.now())
    hold(api.get(address), ONE_DOCUMENT, "get")
    assert code(api.get(address)) == (410, "document_erased")
    (listed,) = hold(api.get(place(filmed, "documents")), LIST, "get")["data"]
    assert (listed["erased"], listed["outcome"], listed["salt"]) == (True, None, None)


def test_an_erased_statement_and_its_signature_are_told_as_that(api, story):
    erasure.erase(story.id, at=timezone.now())
    for what in ("statement", "signature"):
        assert code(api.get(place(story, what))) == (410, "document_erased")


def test_the_public_keys_are_for_everybody_and_may_be_kept(client, db):
    answer = client.get("/.well-known/jwks.json")
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert {key["mode"] for key in answer.json()["keys"]} == {"live", "test"}
    assert not [key for key in answer.json()["keys"] if "d" in key]
