"""/v1/verifications/{id}/receipt as a lender's server meets it, for every way in which a
verification ends.
"""

import base64
import json
import subprocess
import sys
import zlib
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from lenders import keys
from lenders.models import ApiKey
from tests.lenders.api import test_clearances
from tests.lenders.samples import Caller, code
from tests.lenders.test_openapi import hold
from tests.scripts.receipt_samples import SCHEMA
from tests.statements import statements
from tests.verification.log import root
from tests.verification.log.looks import differences_of
from tests.verification.log.rows import order_all, tamper
from tests.verification.stories.story import (
    OTHER_IIN,
    at_statement,
    begin,
    make_due,
    order,
    swept,
    wait_until,
)
from verification import tasks, transactions
from verification.access import openings
from verification.artifacts import making
from verification.case import contents, policy
from verification.case.moving import read
from verification.core import certificates
from verification.core.errors import EvidenceUnreadable
from verification.core.ids import secret_digest
from verification.core.status import Status
from verification.evidence import vault
from verification.log import keys as log_keys
from verification.log import tlog_proof
from verification.models import AuditEntry, Receipt, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

ONE = "/v1/verifications/{verification_id}/receipt"
SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "verify_receipt.py"
IIN, ACCOUNT = "990101100010", "KZ86125KZT5004100100"


def verified(lender, issued, trusted=None):
    return test_clearances.verified(lender, issued)


def declined(lender, issued, trusted):
    story = at_statement(lender)
    for _ in range(3):
        story.sign(issued(iin=OTHER_IIN))
        story.work()
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
    for _ in range(policy.FAULTS_MAX):
        make_due(story)
        story.work()
    return story


def place(story):
    return f"/v1/verifications/{story.id}/receipt"


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
    story = end(lender, issued, trusted)
    said = hold(api.get(place(story)), ONE, "get")
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


def test_a_receipt_says_by_what_it_was_decided(api, lender, issued):
    story = verified(lender, issued)
    told = payload(api.get(place(story)).json())
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


def test_it_is_the_same_whenever_it_is_read(api, lender, issued):
    story = verified(lender, issued)
    first = api.get(place(story)).content
    begin(lender, "another")
    order_all()
    assert api.get(place(story)).content == first
    with pytest.raises(Exception, match=r"neither changed nor deleted|permission denied"):
        Receipt.objects.update(jws="x")


def test_it_is_kept_as_what_it_spells(api, lender, issued):
    story = verified(lender, issued)
    with connection.cursor() as cursor:
        cursor.execute("SELECT jws FROM verification_receipt")
        kept = bytes(cursor.fetchone()[0])
    header, payload, signature = zlib.decompress(kept, wbits=-zlib.MAX_WBITS).decode().split("\n")
    assert json.loads(payload)["verification"] == story.id
    said = api.get(place(story)).json()["receipt"]
    assert said.split(".")[0] == base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
    assert said.endswith(f".{signature}")
    assert len(kept) < len(said) / 2


@pytest.mark.parametrize(
    "other",
    ["x", "a.b", "e30.e30.c", "e30=.e30.c", "e3.e30.c", "_w.e30.c", "e30.ewp9.c", "e30.e30.\n", ""],
    ids=repr,
)
def test_what_is_no_receipt_comes_back_as_it_was(api, lender, other):
    story = begin(lender, "A-1")
    Receipt.objects.create(verification_id=story.id, jws=other)
    assert Receipt.objects.get(pk=story.id).jws == other


def test_before_the_log_has_ordered_it_there_is_none(api, lender, issued):
    story = at_statement(lender)
    answer = api.get(place(story))
    assert code(answer) == (409, "receipt_not_ready")
    assert answer.headers["Retry-After"] == "1"
    hold(answer, ONE, "get")
    story.sign(issued())
    tasks.advance(story.id)
    assert story.row().status == "verified"
    assert code(api.get(place(story))) == (409, "receipt_not_ready")
    order_all()
    assert api.get(place(story)).status_code == 200


def test_what_was_canceled_has_none_before_a_worker_signed(api, lender):
    story = at_statement(lender)
    openings.cancel(lender_id=lender.pk, mode="test", verification_id=story.id)
    order_all()
    assert api.get(f"/v1/verifications/{story.id}").json()["status"] == "canceled"
    assert code(api.get(place(story))) == (409, "receipt_not_ready")
    story.work()
    order_all()
    assert payload(api.get(place(story)).json())["status"] == "canceled"
    entry = AuditEntry.objects.get(verification_id=story.id, type="receipt.issued")
    assert (
        entry.body["decision"]
        == AuditEntry.objects.get(verification_id=story.id, type="verification.canceled").pk
    )


def test_it_is_another_lenders_or_another_modes_nothing(api, other_api, lender, issued):
    story = verified(lender, issued)
    ApiKey.objects.create(
        lender=lender,
        mode="live",
        sha256=secret_digest("tlg_live_x").hex(),
        scopes=["verifications:read"],
        created_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    for caller in (other_api, Caller("tlg_live_x")):
        assert code(caller.get(place(story))) == (404, "not_found")
    assert code(api.get("/v1/verifications/x/receipt")) == (404, "not_found")
    reader = Caller(keys.issue(lender, mode="test", scopes=["events:read"]).secret)
    assert code(reader.get(place(story))) == (403, "scope_missing")
    assert api.get(place(story), expand="all").status_code == 422


def test_erased_it_still_verifies_and_opens_nothing(api, client, lender, issued, tmp_path):
    story = verified(lender, issued)
    before = api.get(place(story)).json()
    vault.destroy(verification_id=story.id, at=timezone.now())
    after = hold(api.get(place(story)), ONE, "get")
    assert after == {**before, "openings": None}
    assert verify(tmp_path, client, after, "--test").returncode == 0
    assert verify(tmp_path, client, before, "--test", "--iin", IIN).returncode == 0


@pytest.mark.forges
def test_a_receipt_that_the_log_does_not_name_is_not_told(api, lender, issued):
    story, other = verified(lender, issued), at_statement(lender, "B-1")
    other.sign(issued())
    other.work()
    change = (
        "UPDATE verification_receipt SET jws = (SELECT jws FROM verification_receipt WHERE"
        " verification_id = %s)"
    )
    tamper((f"{change} WHERE verification_id = %s", [other.id, story.id]))
    assert code(api.get(place(story))) == (500, "internal_error")
    assert [one.code for one in differences_of(story.id)] == ["row_differs"]
    tamper(("DELETE FROM verification_receipt WHERE verification_id = %s", [story.id]))
    assert code(api.get(place(story))) == (500, "internal_error")
    assert [one.code for one in differences_of(story.id)] == ["row_missing"]
    open_one = begin(lender, "C-1")
    Receipt.objects.create(verification_id=open_one.id, jws="x")
    assert code(api.get(place(open_one))) == (409, "receipt_not_ready")
    assert [one.code for one in differences_of(open_one.id)] == ["row_unsaid"]


@pytest.mark.forges
def test_a_case_that_was_put_in_anothers_place_is_in_no_receipt(api, lender):
    """Web can seal: the receipt of what it exchanged is about nobody, and nobody is verified by
    it.
    """
    story = begin(lender)
    row, key = story.row(), contents.key_of(story.row())
    kept = key.unseal(bytes(row.sealed_case), **vault.CASE).plain
    other = key.seal(kept.replace(IIN.encode(), OTHER_IIN.encode()), **vault.CASE)
    row.sealed_case = other.data
    row.save(update_fields=["sealed_case"])
    wait_until(row.expires_at)
    swept()
    told = payload(api.get(place(story)).json())
    assert (told["status"], told["commitments"], told["statement_sha256"]) == (
        "expired",
        None,
        None,
    )
    with pytest.raises(EvidenceUnreadable), transactions.writing():
        making.make_receipt(read(story.row()), Status.VERIFIED, code="", at=timezone.now())


@pytest.mark.forges
def test_the_receipt_of_a_revoked_key_is_not_told(api, lender, issued):
    story = verified(lender, issued)
    index = api.get(place(story)).json()["log"]["index"]
    key = certificates.key_id(root.public("decision"))
    said = certificates.revocation(root.seed(), mode="test", key=key, from_index=index)
    AuditEntry.objects.create(
        log="test",
        type="key.revoked",
        at=timezone.now(),
        body={"v": 1, "key": key, "from_index": index, "revocation": said},
    )
    order_all()
    assert code(api.get(place(story))) == (409, "receipt_not_ready")


def test_each_reading_with_what_opens_the_iin_is_on_record_with_its_key(api, lender, issued):
    story = verified(lender, issued)
    assert api.get(place(story)).json()["openings"]
    entry = AuditEntry.objects.get(type="receipt.read")
    key = ApiKey.objects.get(lender=lender)
    assert entry.body["verification"] == story.id
    assert (entry.body["key"], entry.body["what"]) == (key.pk, "openings")
    vault.destroy(verification_id=story.id, at=timezone.now())
    assert api.get(place(story)).json()["openings"] is None
    assert AuditEntry.objects.filter(type="receipt.read").count() == 1


def test_a_receipt_takes_as_many_statements_as_are_listed(api, lender, issued):
    story, other = verified(lender, issued), canceled(lender, issued, None)
    api.get("/v1/verifications", limit="1")  # the key's use is written down
    found = {}
    for name, one in (("verified", story), ("canceled", other)):
        with statements() as sent:
            assert api.get(place(one)).status_code == 200
        found[name] = len(sent)
    assert found == {"verified": 8, "canceled": 10}
    assert Verification.objects.count() == 2
