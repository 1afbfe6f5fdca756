"""The sandbox's app over real HTTP, honest and not, against the pages as they are served."""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from insecure_sandbox import egov_mobile
from insecure_sandbox.egov_mobile import AppRefused, Manner, address_in
from tests.insecure_sandbox_process import REPOSITORY
from tests.verification.stories.conftest import authorities as authorities
from tests.verification.stories.conftest import issued as issued
from tests.verification.stories.story import Story, begin, lender
from verification.access import links, mobile_signing
from verification.access.tokens import SIGNERS

served = pytest.mark.django_db(transaction=True)


@dataclass
class Borrower:
    """At the page of the statement: called, it gives the text of a fresh code."""

    story: Story
    session: str
    address: str

    def __call__(self) -> str:
        minted = mobile_signing.mint(untrusted_session=self.session, turn=self.story.page().turn)
        return f"{self.address}/v/egov/{minted.token}/mgovSign"


@pytest.fixture
def borrower(live_server, settings):
    """Makes codes as the page of the statement does."""
    settings.TULGA_PUBLIC_URL = live_server.url
    story = begin(lender())
    session = links.redeem(untrusted_token=story.token)
    story.to_statement()
    return Borrower(story, session, f"mobileSign:{live_server.url}")


@served
def test_the_app_signs_and_its_second_put_is_refused(borrower, issued):
    answers = egov_mobile.sign(borrower(), issued("rsa"), Manner(times=2))
    assert [(answer.status, answer.code) for answer in answers] == [
        (200, "200"),
        (403, "mobile_code_unusable"),
    ]
    assert borrower.story.page().page == "wait"


@served
@pytest.mark.parametrize(
    ("alters", "code"),
    [
        ("statement", "eds_statement_mismatch"),
        ("copy", "eds_statement_mismatch"),
        ("rows", "egov_document_altered"),
        ("method", "egov_document_altered"),
    ],
)
def test_an_altered_document_is_refused_and_nothing_is_taken(borrower, issued, alters, code):
    (answer,) = egov_mobile.sign(borrower(), issued("rsa"), Manner(alters=alters))
    assert (answer.status, answer.code) == (403, code)
    assert borrower.story.page().page == "statement"


@served
def test_a_person_who_cancels_sends_nothing_and_the_code_cannot_be_opened_again(borrower, issued):
    code = borrower()
    assert egov_mobile.sign(code, issued("rsa"), Manner(cancels=True)) == []
    assert borrower.story.page().page == "statement"
    with pytest.raises(AppRefused, match="403: mobile_code_unusable"):
        egov_mobile.sign(code, issued("rsa"))


@served
def test_a_put_after_the_time_is_refused(borrower, issued, monkeypatch):
    def run_out(seconds):
        SIGNERS.rows.update(expires_at="2020-01-01T00:00:00Z")

    monkeypatch.setattr("insecure_sandbox.egov_mobile.time.sleep", run_out)
    (answer,) = egov_mobile.sign(borrower(), issued("rsa"))
    assert (answer.status, answer.code) == (403, "mobile_code_unusable")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://127.0.0.1/mgovSign", "does not begin"),
        ("mobileSign:http://127.0.0.1/sign", "mgovSign"),
        ("mobileSign:https://lender.example/mgovSign", "not on the list"),
        ("mobileSign:http://127.0.0.1@lender.example/mgovSign", "not on the list"),
    ],
)
def test_the_app_opens_no_code_that_is_none_of_ours(text, said):
    with pytest.raises(AppRefused, match=said):
        address_in(text)
    assert address_in(" mobileSign:http://127.0.0.1:8000/v/egov/x/mgovSign\n").endswith(
        "/x/mgovSign"
    )


@pytest.mark.service
@served
@pytest.mark.parametrize(
    ("more", "said", "exit_code"), [((), "PUT answered 200", 0), (("--cancel",), "cancelled", 0)]
)
def test_the_command_signs_by_hand(borrower, sandbox, more, said, exit_code):
    command = [
        sys.executable,
        "-m",
        "insecure_sandbox.egov_mobile",
        borrower(),
        "--sandbox",
        sandbox.url,
        *more,
    ]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (exit_code, "")
    assert said in ended.stdout
    again = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (again.returncode, "mobile_code_unusable" in again.stdout) == (1, True)
