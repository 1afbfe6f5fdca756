"""The same request many times at once, over real HTTP."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
import urllib3

from insecure_sandbox.borrower import Browser
from insecure_sandbox.demo.lender import opening

pytestmark = [pytest.mark.rabbitmq, pytest.mark.embedded, pytest.mark.service]

_TIMES = 64


def in_parallel(work):
    """What `work` gave, 64 times at once."""
    with ThreadPoolExecutor(max_workers=_TIMES) as pool:
        return [future.result() for future in [pool.submit(work) for _ in range(_TIMES)]]


def test_one_idempotency_key_64_times_at_once_opens_one_verification_with_one_answer(deployment):
    body = json.dumps(opening("many-at-once", iin=deployment.stage.iin(), routes=["eds"])).encode()
    headers = {
        "Authorization": f"Bearer {deployment.api.key}",
        "Content-Type": "application/json",
        "Idempotency-Key": "the-same-for-all",
    }

    def post():
        address = f"{deployment.url}/v1/verifications"
        return urllib3.request(
            "POST", address, body=body, headers=headers, retries=False, timeout=60
        )

    answers = in_parallel(post)
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) <= {201, 409}, statuses
    # The link in the answer is fresh at each opening, so equal bytes are one opening.
    assert len({answer.data for answer in answers if answer.status == 201}) == 1
    assert {answer.json()["code"] for answer in answers if answer.status == 409} <= {
        "idempotency_in_progress"
    }
    replayed = post()
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert replayed.data in {answer.data for answer in answers}
    opened = "SELECT COUNT(*) FROM verification_verification WHERE client_reference = %s"
    assert deployment.rows(opened, "many-at-once") == [(1,)]
    assert deployment.entries(replayed.json()["id"]).count("verification.created") == 1


def test_of_64_answers_of_one_turn_at_once_one_is_taken(deployment):
    opened = deployment.api.open("one-turn", iin=deployment.stage.iin(), routes=["eds"])
    browser = Browser(deployment.url)
    browser.follow(opened["url"])
    form = browser.wait_for("consent").form("turn", "version")
    answer = urlencode(form.fields | {"agreed": "true"}).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    place = form.action or "/v/now/"
    answers = in_parallel(lambda: browser._request("POST", place, body=answer, more=kind).status)
    assert Counter(answers) == {302: 1, 409: _TIMES - 1}
    browser.wait_for("question")
    kept = (
        "SELECT COUNT(*) FROM verification_evidenceitem WHERE verification_id = %s AND kind ="
        " 'consent.answer'"
    )
    assert deployment.rows(kept, opened["id"]) == [(1,)]
    assert deployment.entries(opened["id"]).count("attempt.answered") == 1
