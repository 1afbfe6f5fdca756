"""Step 8 on files: answers and lists, old ones, and none."""

import secrets
from datetime import UTC, datetime, timedelta

from insecure_sandbox import ocsp_responder
from insecure_sandbox.ocsp_responder import Answer, read_question
from tests.tools.commands.eds_folder import days_ago, row, said
from tests.verification.stories.conftest import crl_of
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.ocsp import build_request


def test_without_any_file_step_8_fails_unless_it_may_be_left_out(files):
    code, report = files.run(lists=())
    assert (code, said(report)[1]) == (2, "TRY_LATER")
    code, report = files.run("--allow-stale-revocation", lists=())
    assert (code, row(report, "eds.revocation")["outcome"]) == (0, "NOT_ASKED")
    assert any("step 8" in note for note in report["notes"])


def test_an_allowed_old_list_counts_as_of_its_day_and_its_revocations_refuse(gost, issued):
    gost.sign(issued(serial=4711))
    for revoked, code in (((), 0), ((4711,), 1)):
        gost.put("list", crl_of(gost.authority, age=3, revoked=revoked))
        assert gost.run()[0] == 2
        found, report = gost.run("--allow-stale-revocation")
        assert found == code
        assert any("as of" in note for note in report["notes"])


def test_what_cannot_be_believed_at_any_time_is_not_believed_because_stale_lists_are(
    gost, issued, authorities
):
    gost.sign(issued())
    for content in (crl_of(authorities["rsa"]), b"<html>"):
        gost.put("list", content)
        assert gost.run("--allow-stale-revocation")[0] == 2


def answer(files, credential, *, at, status=ocsp_responder.GOOD, signer=None):
    leaf, issuer = (
        parse_certificate(one)
        for one in (credential.certificate, files.authority.issuing.certificate)
    )
    nonce = secrets.token_bytes(32)
    question = read_question(build_request(leaf, issuer=issuer, nonce=nonce))
    signer = signer or ocsp_responder.certify_responder(files.authority, at=days_ago(1))
    given = Answer(
        signer=signer,
        cert_id=question.cert_id,
        status=status,
        produced_at=at,
        this_update=at,
        nonce=nonce,
        certificates=(signer.certificate,),
    )
    return ocsp_responder.encode(given)


def test_an_answer_of_the_responder_decides_and_the_one_about_the_signer_is_chosen(gost, issued):
    credential, other = issued(), issued()
    gost.sign(credential)
    now = datetime.now(UTC).replace(microsecond=0)
    gost.put("other", answer(gost, other, at=now))
    ocsp = ("--ocsp", str(gost.folder / "other"), "--ocsp", str(gost.folder / "own"))
    for status, code in (
        (ocsp_responder.GOOD, 0),
        (ocsp_responder.revoked(now), 1),
        (ocsp_responder.UNKNOWN, 2),
    ):
        gost.put("own", answer(gost, credential, at=now - timedelta(seconds=1), status=status))
        found, report = gost.run(*ocsp, lists=())
        assert found == code, report
    assert gost.run(*ocsp[:2], lists=())[0] == 2


def test_an_old_answer_is_stale_unless_that_is_allowed_and_a_strangers_never_counts(
    gost, issued, authorities
):
    credential = issued()
    gost.sign(credential)
    hour_ago = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    stranger = ocsp_responder.certify_responder(authorities["rsa"], at=days_ago(1))
    ocsp = ("--ocsp", str(gost.folder / "own"))
    gost.put("own", answer(gost, credential, at=hour_ago))
    assert (
        gost.run(*ocsp, lists=())[0],
        gost.run(*ocsp, "--allow-stale-revocation", lists=())[0],
    ) == (2, 0)
    gost.put("own", answer(gost, credential, at=hour_ago, signer=stranger))
    assert gost.run(*ocsp, "--allow-stale-revocation", lists=())[0] == 2
