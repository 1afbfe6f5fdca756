"""Web opens no evidence: a worker lends it each file that is asked for, each under its own role."""

import pytest
import urllib3

from insecure_sandbox.demo.processes import wait_until

pytestmark = pytest.mark.service

LENT = "SELECT COUNT(*) FROM verification_evidenceitem WHERE lent_key IS NOT NULL"


def download(deployment, name, file):
    return urllib3.request(
        "GET",
        f"{deployment.url}/v1/verifications/{name}/{file}",
        headers={"Authorization": f"Bearer {deployment.api.key}"},
        timeout=10,
        retries=False,
    )


def test_what_a_lender_downloads_a_worker_lends_and_takes_back(deployment):
    name, browser, credential = deployment.borrow("lent")
    browser.sign(credential)
    assert browser.wait_for_judgement(seconds=60)
    deployment.wait_for_log()
    assert deployment.rows(LENT) == [(0,)]
    sealed = "SELECT kind FROM verification_evidenceitem WHERE verification_id = %s"
    assert ("statement.signature",) in deployment.rows(sealed, name)
    said = "SELECT type FROM verification_auditentry WHERE type = 'document.lent'"
    before = len(deployment.rows(said))
    for file in ("statement", "signature"):
        answer = download(deployment, name, file)
        assert (answer.status, len(answer.data) > 100) == (200, True)
    assert len(deployment.rows(said)) == before + 2
    wait_until(
        lambda: deployment.rows(LENT) == [(0,)], what="a worker to take both back", seconds=30
    )
    assert deployment.refused() == []
    assert deployment.audit() == ""


def test_without_a_worker_the_file_is_not_ready_and_the_lender_may_ask_again(deployment):
    name, browser, credential = deployment.borrow("lent-later")
    browser.sign(credential)
    assert browser.wait_for_judgement(seconds=60)
    deployment.wait_for_log()
    deployment.staff(workers=0, ticks=1)
    try:
        answer = download(deployment, name, "signature")
        assert (answer.status, answer.headers["Retry-After"]) == (409, "1")
        assert answer.json()["code"] == "document_not_ready"
    finally:
        deployment.staff(workers=1, ticks=1)
    wait_until(
        lambda: download(deployment, name, "signature").status == 200,
        what="a worker to lend it",
        seconds=60,
    )
