"""Steps 8 and 9 of the route on evidence: the responder's answer, the lists, and a time-stamp of the signature."""

import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from insecure_sandbox import ocsp_responder, timestamping
from insecure_sandbox.authority import Authority, make_crl
from insecure_sandbox.credential import Credential
from insecure_sandbox.ocsp_responder import TRY_LATER, UNKNOWN, Answer, read_question, revoked
from tests.verification.routes.eds import signed_case as given
from tests.verification.workflow.conftest import crl_of
from verification.core.decision import Outcome, decide
from verification.core.route import Evidence
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.ocsp import build_request
from verification.routes.eds.checks import STATEMENT, report_statement
from verification.routes.eds.policy import POLICY

NONCE = secrets.token_bytes(32)
SOON = timedelta(seconds=1)


@pytest.fixture(params=["gost512", "rsa"])
def family(request):
    return request.param


@cache
def responder(authority: Authority) -> Credential:
    return ocsp_responder.certify_responder(authority, at=datetime.now(UTC))


@cache
def timestamper(authority: Authority) -> Credential:
    return timestamping.certify_timestamping(authority, at=datetime.now(UTC) - timedelta(days=10))


class Given:
    """A case whose signature is good, with nothing yet said of its certificate."""

    def __init__(self, authority: Authority, credential: Credential) -> None:
        self.authority, self.credential, self.case = authority, credential, given.case()
        self.text = given.text(self.case)
        self.signature = given.sign(credential, self.text)
        self.at = datetime.now(UTC).replace(microsecond=0)

    def answer(self, **changes: Any) -> bytes:
        leaf = parse_certificate(self.credential.certificate)
        issuer = parse_certificate(self.authority.issuing.certificate)
        question = read_question(build_request(leaf, issuer=issuer, nonce=NONCE))
        signer = responder(self.authority)
        right = Answer(
            signer=signer,
            cert_id=question.cert_id,
            status=ocsp_responder.GOOD,
            produced_at=self.at,
            this_update=self.at,
            nonce=NONCE,
            certificates=(signer.certificate,),
        )
        return ocsp_responder.encode(replace(right, **changes))

    def token(self, **changes: Any) -> bytes:
        value = timestamping.signature_value(self.signature)
        right = timestamping.stamp(timestamper(self.authority), value, at=self.at)
        return timestamping.encode(replace(right, **changes))

    def evidence(self, *, lists: tuple[bytes, ...] = (), at: datetime | None = None, **more: bytes) -> Evidence:
        at = at or self.at + SOON
        plain = given.evidence(
            self.text, self.signature, trusted=[self.authority], lists=lists, answered=self.at, at=at
        )
        named = {kind.replace("__", "."): content for kind, content in more.items()}
        return Evidence(items={**plain.items, **named}, at=at)

    def asked(self, answer: bytes, **more: Any) -> Evidence:
        """Evidence with this answer of the responder."""
        return self.evidence(statement__ocsp=answer, statement__ocsp_nonce=NONCE, **more)

    def stamped(self, *tokens: bytes) -> "Given":
        """The same with these tokens in the signature."""
        self.signature = timestamping.with_tokens(self.signature, *tokens)
        return self


@pytest.fixture
def signed(authorities, issued, family):
    """See `Given`."""
    return Given(authorities[family], issued(family))


def judge(of, evidence, policy=POLICY):
    return tuple(check(of.case, evidence, policy) for check in STATEMENT.values())


def outcome(of, evidence, policy=POLICY):
    return decide(judge(of, evidence, policy), required=tuple(STATEMENT)).outcome


def code(of, evidence, policy=POLICY):
    return list(given.refusals(judge(of, evidence, policy)).values())


def test_a_good_answer_of_the_responder_passes_without_a_list(signed):
    results = judge(signed, signed.asked(signed.answer()))
    assert given.refusals(results) == {}
    (found,) = [one for one in results if one.check == "eds.revocation"]
    assert (found.detail["source"], found.detail["issuer"]) == ("ocsp", "not asked")


@pytest.mark.parametrize("reason", [None, 1, 6])
def test_a_revoked_or_held_certificate_refuses_whatever_a_list_says(signed, reason):
    answer = signed.answer(status=revoked(signed.at, reason=reason))
    for lists in ((), (crl_of(signed.authority),)):
        assert code(signed, signed.asked(answer, lists=lists)) == ["eds_certificate_revoked"]


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": bytes(128)},
        {"nonce": bytes(32)},
        {"nonce": None},
        {"this_update": given.NOW - timedelta(hours=1)},
        {"this_update": given.NOW + timedelta(hours=1)},
        {"certificates": ()},
    ],
)
def test_an_answer_that_cannot_be_believed_is_tried_again_or_gives_way_to_a_list(signed, changes):
    answer = signed.answer(**changes)
    assert outcome(signed, signed.asked(answer)) is Outcome.RETRY
    assert outcome(signed, signed.asked(answer, lists=(crl_of(signed.authority),))) is Outcome.PASSED


@pytest.mark.parametrize("junk", [b"", TRY_LATER, b"<html>", bytes(POLICY.ocsp_max_bytes + 1)])
def test_junk_in_the_place_of_an_answer_is_tried_again(signed, junk):
    assert outcome(signed, signed.asked(junk)) is Outcome.RETRY


def test_an_answer_without_the_nonce_we_kept_is_tried_again(signed):
    evidence = signed.evidence(statement__ocsp=signed.answer())
    assert outcome(signed, evidence) is Outcome.RETRY


def test_a_certificate_the_responder_does_not_know_is_never_passed_by_a_list(signed):
    evidence = signed.asked(signed.answer(status=UNKNOWN), lists=(crl_of(signed.authority),))
    assert outcome(signed, evidence) is Outcome.RETRY


def test_an_answer_is_good_for_five_minutes(signed):
    age = timedelta(seconds=POLICY.ocsp_max_age_seconds)
    assert outcome(signed, signed.asked(signed.answer(), at=signed.at + age)) is Outcome.PASSED
    assert outcome(signed, signed.asked(signed.answer(), at=signed.at + age + SOON)) is Outcome.RETRY


def root_list(authority, *serials):
    now = datetime.now(UTC)
    return make_crl(
        authority,
        revoked=dict.fromkeys(serials, now - timedelta(hours=1)),
        number=1,
        this_update=now - timedelta(minutes=1),
        next_update=now + timedelta(hours=1),
        by=authority.root,
    )


def test_a_revoked_issuer_refuses_and_a_missing_list_of_its_issuer_is_tried_again(signed):
    authority = signed.authority
    of_root = {"shared__authority_crl__0": root_list(authority)}
    assert outcome(signed, signed.asked(signed.answer(), **of_root)) is Outcome.PASSED
    of_root = {"shared__authority_crl__0": root_list(authority, authority.issuing.serial)}
    assert code(signed, signed.asked(signed.answer(), **of_root)) == ["eds_issuer_revoked"]
    swapped = {"shared__authority_crl__0": crl_of(authority)}
    assert outcome(signed, signed.asked(signed.answer(), **swapped)) is Outcome.RETRY


def test_a_time_stamp_in_the_signature_is_told_and_sets_the_reference_time(signed):
    before = signed.at - timedelta(seconds=5)
    evidence = signed.stamped(signed.token(time=before)).asked(signed.answer())
    results = judge(signed, evidence)
    assert given.refusals(results) == {}
    report = json.loads(report_statement(signed.case, evidence, POLICY, results))
    assert (report["status"], report["times"]["tsp"]) == ("TOTAL-PASSED", before.isoformat())
    assert report["times"]["reference"] == before.isoformat()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"imprint": bytes(64)}, "eds_timestamp_invalid"),
        ({"policy": "1.2.398.3.3.2.6.9"}, "eds_timestamp_untrusted"),
        ({"time": given.NOW + timedelta(hours=1)}, "eds_timestamp_time"),
        ({"time": given.NOW - timedelta(days=5)}, "eds_timestamp_time"),
    ],
)
def test_a_wrong_time_stamp_refuses_with_its_row_in_the_report(signed, changes, expected):
    evidence = signed.stamped(signed.token(**changes)).asked(signed.answer())
    results = judge(signed, evidence)
    assert given.refusals(results) == {"eds.timestamp": expected}
    report = json.loads(report_statement(signed.case, evidence, POLICY, results))
    (row,) = [row for row in report["checks"] if row["name"] == "eds.timestamp"]
    assert (row["code"], row["status"]) == (expected, "INDETERMINATE")
    assert report["times"]["tsp"] == ""


def test_a_foreign_time_stamp_authority_is_believed_only_where_it_is_pinned(signed, authorities, family):
    other = timestamper(authorities["rsa" if family == "gost512" else "gost512"])
    value = timestamping.signature_value(signed.signature)
    signed.stamped(timestamping.encode(timestamping.stamp(other, value, at=signed.at)))
    assert code(signed, signed.asked(signed.answer())) == ["eds_timestamp_untrusted"]
    assert code(signed, signed.asked(signed.answer(), shared__tsa__0=other.certificate)) == []


def test_two_time_stamps_refuse(signed):
    evidence = signed.stamped(signed.token(), signed.token()).asked(signed.answer())
    assert code(signed, evidence) == ["eds_timestamp_invalid"]


def test_a_key_that_expired_after_its_time_stamp_passes_and_without_one_does_not(authorities, issued, family):
    now = datetime.now(UTC)
    expired = issued(family, at=now - timedelta(days=1, seconds=30) + timedelta(hours=1), days=1)
    before = now.replace(microsecond=0) - timedelta(minutes=1)
    plain = Given(authorities[family], expired)
    assert "eds_certificate_expired" in code(plain, plain.asked(plain.answer()))
    stamped = plain.stamped(plain.token(time=before))
    assert code(stamped, stamped.asked(stamped.answer())) == []


def test_a_revocation_after_the_time_stamp_passes_only_under_a_policy_that_says_so(signed):
    signed.stamped(signed.token(time=signed.at - timedelta(minutes=5)))
    evidence = signed.asked(signed.answer(status=revoked(signed.at, reason=1)))
    assert code(signed, evidence) == ["eds_certificate_revoked"]
    lenient = replace(POLICY, accepts_later_revocation=True)
    assert code(signed, evidence, lenient) == []
    early = signed.asked(signed.answer(status=revoked(signed.at - timedelta(hours=1), reason=1)))
    assert code(signed, early, lenient) == ["eds_certificate_revoked"]


def test_a_policy_that_asks_for_a_time_stamp_waits_for_a_usable_one(signed):
    wanting = replace(POLICY, asks_timestamp=True)
    answer = signed.answer()
    assert outcome(signed, signed.asked(answer), wanting) is Outcome.RETRY
    for nonce, expected in ((b"77", Outcome.PASSED), (b"78", Outcome.RETRY)):
        token = timestamping.granted(signed.token(nonce=77))
        kept = {"statement__timestamp": token, "statement__timestamp_nonce": nonce}
        assert outcome(signed, signed.asked(answer, **kept), wanting) is expected


def test_every_row_of_the_report_has_a_status_of_the_standard(signed):
    evidence = signed.asked(signed.answer(status=revoked(signed.at)))
    results = judge(signed, evidence)
    report = json.loads(report_statement(signed.case, evidence, POLICY, results))
    rows = {row["name"]: (row["status"], row["sub_indication"]) for row in report["checks"]}
    assert rows["eds.revocation"] == ("TOTAL-FAILED", "REVOKED")
    assert {status for name, status in rows.items() if name != "eds.revocation"} == {("PASSED", "")}
