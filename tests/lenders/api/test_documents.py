"""/v1/verifications/{id}/documents as a lender's server meets it, and the keys that anybody may
fetch.
"""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from lenders import keys
from lenders.models import ApiKey
from tests.lenders.samples import Caller, code
from tests.lenders.test_openapi import hold
from tests.verification.stories.insecure_capture import at_commands, played, show
from tests.verification.stories.insecure_capture import script as script
from verification.core.ids import secret_digest
from verification.evidence import vault
from verification.models import Attempt, AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/v1/verifications/{verification_id}/documents"
ONE = "/v1/verifications/{verification_id}/documents/{attempt_id}"
SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "verify_document.py"


@pytest.fixture
def story(script, lender):
    return played(lender)


def place(story):
    return f"/v1/verifications/{story.id}/documents"


def at_lender(api, story):
    """The address of the only document."""
    (document,) = hold(api.get(place(story)), LIST, "get")["data"]
    return f"{place(story)}/{document['attempt']}"


def test_a_document_is_listed_and_downloaded_and_verifies_offline(api, client, story, tmp_path):
    (document,) = hold(api.get(place(story)), LIST, "get")["data"]
    assert (document["outcome"], document["code"], document["erased"]) == ("passed", None, False)
    answer = api.get(f"{place(story)}/{document['attempt']}")
    hold(answer, ONE, "get")
    assert answer.headers["Content-Type"] == "application/jose+json"
    assert (
        answer.headers["Content-Disposition"]
        == f'attachment; filename="{document["attempt"]}.jws.json"'
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.content) == document["size"]
    (tmp_path / "document").write_bytes(answer.content)
    (tmp_path / "keys").write_bytes(client.get("/.well-known/jwks.json").content)
    command = [sys.executable, "-I", str(SCRIPT), "document", "--jwks", "keys", "--test"]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, json.loads(ended.stdout)["verification"]) == (0, story.id)


def test_a_download_is_on_record_with_the_key_and_a_listing_is_not(api, story):
    address = at_lender(api, story)
    assert not AuditEntry.objects.filter(type="document.read").exists()
    api.get(address)
    (entry,) = AuditEntry.objects.filter(type="document.read")
    assert (entry.body["key"], entry.body["verification"]) == (ApiKey.objects.get().pk, story.id)
    assert "990101100010" not in json.dumps(entry.body)


def test_it_is_another_lenders_or_another_modes_nothing(api, other_api, story, lender):
    address = at_lender(api, story)
    other_mode = ApiKey.objects.create(
        lender=lender,
        mode="live",
        sha256=secret_digest("tlg_live_x").hex(),
        scopes=["documents:read"],
        created_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )
    assert other_mode.mode == "live"
    for caller in (other_api, Caller("tlg_live_x")):
        assert code(caller.get(address)) == code(caller.get(place(story))) == (404, "not_found")
    for unknown in (
        f"{place(story)}/att_{'a' * 26}",
        f"{place(story)}/x",
        f"/v1/verifications/x/documents/{story.id}",
    ):
        assert code(api.get(unknown)) == (404, "not_found")
    assert not AuditEntry.objects.filter(type="document.read").exists()


def test_it_takes_the_scope_of_documents(api, story, lender):
    address = at_lender(api, story)
    reader = Caller(keys.issue(lender, mode="test", scopes=["verifications:read"]).secret)
    holder = Caller(keys.issue(lender, mode="test", scopes=["documents:read"]).secret)
    assert code(reader.get(address)) == code(reader.get(place(story))) == (403, "scope_missing")
    assert holder.get(address).status_code == 200


def test_too_early_and_too_late_have_codes_of_their_own(api, script, lender):
    story = at_commands(lender)
    attempt = Attempt.objects.get(verification_id=story.id, stage="live_capture")
    address = f"{place(story)}/{attempt.pk}"
    assert api.get(place(story)).json() == {"data": []}
    hold(api.get(address), ONE, "get")
    assert code(api.get(address)) == (409, "document_not_ready")
    show(story)
    story.work()
    assert api.get(address).status_code == 200
    vault.destroy(verification_id=story.id, at=timezone.now())
    assert code(api.get(address)) == (410, "document_erased")
    hold(api.get(address), ONE, "get")
    (listed,) = hold(api.get(place(story)), LIST, "get")["data"]
    assert (listed["erased"], listed["outcome"], listed["salt"]) == (True, None, None)


def test_an_unknown_parameter_is_refused(api, story):
    assert api.get(place(story), expand="all").status_code == 422


def test_a_lender_cannot_send_a_document_or_a_reference(api, story):
    assert api.post(place(story), {"photo": "AAAA"}).status_code == 405
    assert api.post(f"/v1/verifications/{story.id}/reference", {"photo": "AAAA"}).status_code == 404


def test_the_public_keys_are_for_everybody_and_may_be_kept(client, db):
    answer = client.get("/.well-known/jwks.json")
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert {key["mode"] for key in answer.json()["keys"]} == {"live", "test"}
    assert not [key for key in answer.json()["keys"] if "d" in key]
