"""What is wrong with a signature, as the lender is told it: each is posted on the page and judged
by a worker.
"""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from insecure_sandbox import encoding as asn1
from insecure_sandbox import profile
from insecure_sandbox.authority import Authority, forge_like_nca, make_crl, person_template
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import generate_key
from insecure_sandbox.minting import Template, certify
from insecure_sandbox.signing import sign_cms, signed_attributes, signed_data, signer_info
from lenders import keys
from tests.verification.borrower.visits import NOW, browser
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import (
    IIN,
    OTHER_IIN,
    Story,
    at_statement,
    begin,
    lender,
    order,
    put_aside,
    wait_until,
)
from verification.case import steps
from verification.engines.pki.certificate import parse_certificate
from verification.models import Attempt
from verification.sources import timestamp_authority
from verification.sources.asking import Fetched
from verification.stages import statement
from verification.stages.statement.policy import POLICY

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

DAY = timedelta(days=1)
SHA1, OF_AUTHENTICATION = "1.3.14.3.2.26", "1.2.398.3.3.2.4"


class Signer:
    """A borrower with a key of the authority, who signs as the page asks, or otherwise."""

    def __init__(self, authority: Authority, content: bytes) -> None:
        self.authority, self.content, self.at = authority, content, datetime.now(UTC)
        self.own = self.certified(self.template())

    def template(
        self, *, days_ago: int = 1, iin: str = IIN, role: profile.Role = "individual"
    ) -> Template:
        """Whom a certificate names, and how long it holds."""
        at = self.at - timedelta(days=days_ago)
        name = {"surname": "ТЕСТОВ", "given_name": "ТЕСТ", "patronymic": ""}
        return person_template("gost512", iin=iin, role=role, at=at, days=365, **name)  # type: ignore[arg-type]

    def certified(self, template: Template) -> Credential:
        """A certificate of the authority."""
        return certify(template, generate_key("gost512"), by=self.authority.issuing)

    def sign(self, credential: Credential | None = None) -> bytes:
        """The statement, signed."""
        return sign_cms(credential or self.own, self.content, signed_at=self.at)

    def by(self, template: Template) -> bytes:
        """The statement, signed by whom the template names."""
        return self.sign(self.certified(template))

    def put_together(
        self, *, infos: int = 1, certificates: int = 1, without: int = 0, **info: Any
    ) -> bytes:
        """A CMS of so many signers and certificates, without the last attributes; `info` goes to
        each signer.
        """
        attributes = signed_attributes(self.own, self.content, signed_at=self.at)
        made = signer_info(self.own, attributes=attributes[: len(attributes) - without], **info)
        given = [self.own.certificate] * certificates
        return signed_data(self.own, infos=[made] * infos, certificates=given, content=self.content)


def _of_policy(signer: Signer) -> bytes:
    right = signer.template()
    return signer.by(
        replace(right, extensions=(profile.policies(OF_AUTHENTICATION), *right.extensions[1:]))
    )


def _issuer_revoked(signer: Signer) -> bytes:
    serial = parse_certificate(signer.authority.issuing.certificate).serial
    listed = make_crl(
        signer.authority,
        by=signer.authority.root,
        revoked={serial: signer.at - DAY},
        number=1,
        this_update=signer.at - timedelta(minutes=1),
        next_update=signer.at + DAY,
    )
    InsecureRevocation.authority_lists = {"gost512": (listed,)}
    return signer.sign()


def _untrusted(signer: Signer) -> bytes:
    at = signer.at - DAY
    issuer = signer.authority.issuing.certificate
    return signer.sign(forge_like_nca(issuer, iin=IIN, surname="ТЕСТОВ", given_name="ТЕСТ", at=at))


def _revoked(signer: Signer) -> bytes:
    serial = parse_certificate(signer.own.certificate).serial
    InsecureRevocation.lists["gost512"] = (crl_of(signer.authority, revoked=(serial,)),)
    return signer.sign()


WRONG: dict[str, Callable[[Signer], bytes]] = {
    "eds_malformed": lambda signer: b"no CMS",
    "eds_statement_mismatch": lambda signer: sign_cms(
        signer.own, b"another text", signed_at=signer.at
    ),
    "eds_iin_mismatch": lambda signer: signer.by(signer.template(iin=OTHER_IIN)),
    "eds_path_untrusted": _untrusted,
    "eds_certificate_expired": lambda signer: signer.by(signer.template(days_ago=400)),
    "eds_certificate_revoked": _revoked,
    "eds_too_large": lambda signer: asn1.sequence(bytes(POLICY.signature_max_bytes)),
    "eds_signer_count": lambda signer: signer.put_together(infos=2),
    "eds_certificate_missing": lambda signer: signer.put_together(certificates=0),
    "eds_algorithm_refused": lambda signer: signer.put_together(digest_oid=SHA1),
    "eds_signed_attributes_invalid": lambda signer: signer.put_together(without=1),
    "eds_signature_invalid": lambda signer: signer.put_together(signature=b"\x01" * 128),
    "eds_certificate_not_yet_valid": lambda signer: signer.by(signer.template(days_ago=-1)),
    "eds_key_usage": lambda signer: signer.by(signer.template(role="auth")),
    "eds_policy_refused": _of_policy,
    "eds_not_individual": lambda signer: signer.by(signer.template(role="legal")),
    "eds_iin_missing": lambda signer: signer.by(signer.template(iin="")),
    "eds_issuer_revoked": _issuer_revoked,
}


@pytest.fixture
def story() -> Story:
    """A borrower who has the statement before them."""
    return at_statement()


def checks(story: Story) -> dict[str, str]:
    """What each check that did not pass said, as the lender reads it."""
    secret = keys.issue(story.lender, mode="test").secret
    asked = Client(headers={"authorization": f"Bearer {secret}"})
    found = asked.get(f"/v1/verifications/{story.id}?expand=checks").json()["checks"]
    assert all(one["borrower_message"] and one["lender_detail"] for one in found if one["code"])
    return {one["code"]: one["outcome"] for one in found if one["code"]}


@pytest.mark.parametrize("code", WRONG)
def test_it_is_told_and_burns_no_more_than_one_attempt(
    story: Story, authorities: dict[str, Authority], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InsecureRevocation, "authority_lists", {})
    signed = WRONG[code](Signer(authorities["gost512"], story.statement()))
    client = browser(story)
    answer = {"turn": story.page().turn, "signature": base64.b64encode(signed).decode()}
    assert client.post(NOW, answer).status_code == 302
    story.work()
    assert code in checks(story)
    assert story.row().status in ("requires_input", "processing")


def test_a_statement_that_ran_out_before_its_turn_did(
    authorities: dict[str, Authority], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_aside(monkeypatch, seconds=20)
    story = begin(lender()).to_statement()
    signed = Signer(authorities["gost512"], story.statement()).sign()
    client, answer = (
        browser(story),
        {"turn": story.page().turn, "signature": base64.b64encode(signed).decode()},
    )
    wait_until(
        Attempt.objects.get(verification=story.id, status="open").expires_at - timedelta(seconds=18)
    )
    assert client.post(NOW, answer).status_code == 302
    story.work()
    assert checks(story) == {"eds_statement_expired": "fail"}


def test_a_time_stamp_that_we_ask_for_and_cannot_use(
    story: Story, authorities: dict[str, Authority], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(POLICY), "asks_timestamp", True)
    monkeypatch.setitem(vars(statement.STAGE), "policy_in_use", lambda: POLICY)
    empty = Fetched(raw=b"", parsed=b"")
    monkeypatch.setattr(timestamp_authority, "fetch", lambda mode, question: empty)
    signed = Signer(authorities["gost512"], story.statement()).sign()
    posted = {"turn": story.page().turn, "signature": base64.b64encode(signed).decode()}
    assert browser(story).post(NOW, posted).status_code == 302
    while (row := story.row()).step == steps.JUDGE:
        wait_until(row.due_at)
        story.work(rounds=1)
    order()
    assert checks(story) == {"eds_timestamp_unavailable": "inconclusive"}
    assert (story.row().status, story.row().code) == ("failed", "retries_exhausted")
    assert not Attempt.objects.filter(verification=story.id, burnt=True).exists()


def test_what_is_wrong_otherwise_is_not_told_of_a_good_one(
    story: Story, authorities: dict[str, Authority]
) -> None:
    signed = Signer(authorities["gost512"], story.statement()).sign()
    answer = {"turn": story.page().turn, "signature": base64.b64encode(signed).decode()}
    assert browser(story).post(NOW, answer).status_code == 302
    story.work()
    assert (checks(story), story.row().status) == ({}, "verified")
