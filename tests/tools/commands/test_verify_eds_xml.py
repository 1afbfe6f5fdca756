"""Signed XML in a file is judged as a CMS is, and the exit code says the same of it."""

import pytest

from insecure_sandbox.authority import forge_like_nca
from insecure_sandbox.xml_signing import sign_xml
from tests.tools.commands.eds_folder import TEXT, Files, days_ago, row, said
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.story import IIN
from verification.stages.statement.policy import POLICY


@pytest.mark.parametrize("family", ["gost512", "rsa"])
def test_signed_xml_is_read_and_its_report_is_that_of_a_cms_but_for_the_form(
    family, issued, authorities, tmp_path
):
    files = Files(tmp_path, authorities[family])
    signer = issued(family)
    found = {}
    for form, sign in (("cms", files.sign), ("xml", files.sign_as_xml)):
        sign(signer)
        code, report = files.run("--iin", IIN)
        assert (code, *said(report)) == (0, "TOTAL-PASSED", "", "")
        assert row(report, "eds.format")["detail"]["form"] == form
        found[form] = [(one["name"], one["outcome"]) for one in report["checks"]], report["signer"]
    assert found["xml"] == found["cms"]


def _right(files, issued):
    files.sign_as_xml(issued())


def _of_other_text(files, issued):
    files.sign_as_xml(issued(), TEXT + b".")


def _flipped_bit(files, issued):
    signature = files.sign_as_xml(issued())
    start = signature.index(b"<ds:SignatureValue>\n") + len(b"<ds:SignatureValue>\n")
    letter = b"A" if signature[start : start + 1] != b"A" else b"B"
    files.put("signature", signature[:start] + letter + signature[start + 1 :])


def _forged(files, issued):
    issuer = files.authority.issuing.certificate
    files.sign_as_xml(
        forge_like_nca(issuer, iin=IIN, surname="ТЕСТОВ", given_name="ТЕСТ", at=days_ago(1))
    )


def _revoked(files, issued):
    files.sign_as_xml(issued(serial=4711))
    files.put("list", crl_of(files.authority, revoked=(4711,)))


def _with_two_signatures(files, issued):
    files.put("signature", sign_xml(issued(), files.sign_as_xml(issued())))


def _with_an_entity(files, issued):
    files.put("signature", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>")


def _cut_off(files, issued):
    files.put("signature", files.sign_as_xml(issued())[:-1])


def _huge(files, issued):
    files.put("signature", b"<" + bytes(3 * POLICY.signature_max_bytes))


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (_right, 0, ("TOTAL-PASSED", "", "")),
        (_of_other_text, 1, ("TOTAL-FAILED", "HASH_FAILURE", "eds_statement_mismatch")),
        (_flipped_bit, 1, ("TOTAL-FAILED", "SIG_CRYPTO_FAILURE", "eds_signature_invalid")),
        (_revoked, 1, ("TOTAL-FAILED", "REVOKED", "eds_certificate_revoked")),
        (_with_two_signatures, 1, ("TOTAL-FAILED", "FORMAT_FAILURE", "eds_signer_count")),
        (_forged, 2, ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND", "eds_path_untrusted")),
        (_with_an_entity, 3, ("TOTAL-FAILED", "FORMAT_FAILURE", "eds_malformed")),
        (_cut_off, 3, ("TOTAL-FAILED", "FORMAT_FAILURE", "eds_malformed")),
        (_huge, 3, ("TOTAL-FAILED", "FORMAT_FAILURE", "eds_too_large")),
    ],
)
def test_the_exit_code_says_what_the_report_says(gost, issued, change, code, says):
    change(gost, issued)
    found, report = gost.run()
    assert (found, said(report)) == (code, says)
