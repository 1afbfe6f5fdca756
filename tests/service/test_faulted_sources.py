"""Whatever a source does, through the real adapter: a retry or `failed`, never `verified`, and no
attempt is burnt.
"""

import pytest

from insecure_sandbox.demo.processes import wait_until
from verification.case import policy

pytestmark = pytest.mark.service


@pytest.mark.parametrize("kind", ["silent", "slow", "http_500", "garbage", "oversize", "stale"])
def test_a_list_that_comes_like_this_is_asked_for_again_and_then_verifies(deployment, kind):
    verification_id, browser, credential = deployment.borrow(f"fault-{kind.replace('_', '-')}")
    deployment.script_fault(kind)
    browser.sign(credential)
    wait_until(
        lambda: deployment.causes(verification_id), what="the fault to be written down", seconds=20
    )
    assert deployment.decisions(verification_id) in ([], ["verification.verified"])
    browser.wait_for_judgement(seconds=150)
    assert len(deployment.causes(verification_id)) == 1, (
        "the faulted list was judged by, or more went wrong"
    )
    assert deployment.decisions(verification_id) == ["verification.verified"]
    entries = deployment.entries(verification_id)
    assert entries.index("step.faulted") < entries.index("verification.verified")
    assert deployment.burnt(verification_id) == 0
    assert deployment.api.read(verification_id)["status"] == "verified"


@pytest.mark.parametrize("kind", ["http_500", "stale"])
def test_a_list_that_stays_like_this_ends_in_failed(deployment, kind):
    verification_id, browser, credential = deployment.borrow(f"stays-{kind.replace('_', '-')}")
    deployment.script_fault(kind, times=100)
    browser.sign(credential)
    browser.wait_for_judgement(seconds=150)
    verification = deployment.api.read(verification_id)
    assert (verification["status"], verification["code"]) == ("failed", "retries_exhausted")
    # The last try is a fault as well, or a judgement that is kept without a certain cause.
    outcomes = deployment.said(verification_id, "attempt.judged", "outcome")
    assert len(deployment.causes(verification_id)) + outcomes.count("retry") == policy.FAULTS_MAX
    assert deployment.decisions(verification_id) == ["verification.failed"]
    assert deployment.burnt(verification_id) == 0
