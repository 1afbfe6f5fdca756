"""The demo's forgery is refused, and what the demo takes out again leaves nothing behind."""

import pytest

from insecure_sandbox.demo import tampering
from tests.service import database

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.service,
    pytest.mark.skipif(database.is_postgresql(), reason="the demo runs on SQLite"),
]


def test_after_the_demos_forgery_and_its_undoing_audit_verify_finds_nothing(deployment):
    verified, browser, credential = deployment.borrow("like-the-forged")
    browser.sign(credential)
    browser.wait_for_judgement(seconds=60)
    deployment.wait_for_log()
    file = deployment.folder / "tulga.sqlite3"
    assert tampering.is_refused(deployment.stage, database=file, like=verified)
    done = deployment.processes.manage("audit_verify")
    assert done.returncode == 0, done.stdout + done.stderr
