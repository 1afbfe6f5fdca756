"""The command judges files as the route would, and its exit code says what the report says."""

import base64
import json
from datetime import timedelta
from io import BytesIO, TextIOWrapper

import pytest
from django.core.management import call_command

from insecure_sandbox.authority import forge_like_nca, person_template
from insecure_sandbox.keys import generate_key
from insecure_sandbox.minting import certify
from tests.tools.commands.eds_folder import TEXT, days_ago, row, said
from tests.vectors.statements.build import LANGUAGES, data
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.story import IIN, OTHER_IIN
from tools.management.commands.verify_eds import Command
from verification.core.statement_text import FORM, write
from verification.engines.pki.certificate import parse_certificate
from verification.stages.statement.checks import CHECKS
from verification.stages.statement.policy import POLICY


def test_the_borrowers_own_signature_passes_every_step_but_the_verifications_own(files):
    code, report = files.run("--iin", IIN)
    assert (code, *said(report)) == (0, "TOTAL-PASSED", "", "")
    assert {one["name"]: one["outcome"] for one in report["checks"]} == {
        name: "NOT_ASKED" if name == "eds.statement" else "PASS" for name in CHECKS
    }
    assert "without pins" in report["notes"][0]


@pytest.mark.parametrize(
    "text", [b'{"nonce": "\\ud800", "issued": "", "expires": ""}', b"[" * 20_000, b"{}", b"\x00"]
)
def test_a_statement_of_any_bytes_is_judged_and_never_parsed(gost, issued, text):
    gost.sign(issued(), text, attached=False)
    assert gost.run("--iin", IIN)[0] == 0


NOT_OURS = "no statement of ours: its words were not compared"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_statement_of_ours_is_compared_and_any_other_document_is_said_to_be_none(
    gost, issued, language
):
    gost.sign(issued(), write(data(language)), attached=False)
    code, report = gost.run("--iin", IIN)
    assert (code, NOT_OURS in report["notes"]) == (0, False)
    gost.sign(issued(), "Қарыз туралы мәлімдеме".encode(), attached=False)
    code, report = gost.run("--iin", IIN)
    assert (code, NOT_OURS in report["notes"]) == (0, True)


@pytest.mark.parametrize(
    "marker",
    [
        "{} \n",
        "\r\n{}\r\n",
        "\u00a0\n{}\u200b\n",
        "\n {}\n",
        "\n\t{}\n",
        "\u2028{}\u2028",
        "\n{}.1\n",
    ],
)
def test_what_says_that_it_is_a_statement_and_reads_as_none_is_refused(gost, issued, marker):
    """A line that only looks like ours hid words that say another sum from being compared."""
    right = write(data("ru")).decode()
    other = right.replace(f"\n{FORM}\n", marker.format(FORM)).replace("150\u00a0000", "10\u00a0000")
    assert "10\u00a0000" in other
    gost.sign(issued(), other.encode(), attached=False)
    assert gost.run("--iin", IIN) == (3, None)


def test_without_an_iin_step_7_is_told_as_not_asked_and_with_anothers_it_refuses(files):
    code, report = files.run()
    assert (code, row(report, "eds.identity")["outcome"]) == (0, "NOT_ASKED")
    assert any("step 7" in note for note in report["notes"])
    code, report = files.run("--iin", OTHER_IIN)
    assert (code, *said(report)) == (
        2,
        "INDETERMINATE",
        "SIG_CONSTRAINTS_FAILURE",
        "eds_iin_mismatch",
    )
    assert OTHER_IIN not in json.dumps(report)


def _other_text(files, issued, authorities):
    files.put("statement", TEXT + b".")


def _flipped_bit(files, issued, authorities):
    signature = bytearray((files.folder / "signature").read_bytes())
    signature[-1] ^= 1
    files.put("signature", bytes(signature))


def _revoked(files, issued, authorities):
    files.sign(issued(serial=4711))
    files.put("list", crl_of(files.authority, revoked=(4711,)))


def _expired(files, issued, authorities):
    files.sign(issued(at=days_ago(20), days=10))


def _forged(files, issued, authorities):
    issuer = files.authority.issuing.certificate
    files.sign(forge_like_nca(issuer, iin=IIN, surname="ТЕСТОВ", given_name="ТЕСТ", at=days_ago(1)))


def _legal(files, issued, authorities):
    files.sign(issued(role="legal"))


def _stale(files, issued, authorities):
    files.put("list", crl_of(files.authority, age=3))


def _junk(files, issued, authorities):
    files.put("signature", b"not a signature")


def _huge(files, issued, authorities):
    files.put("signature", b"\x30" + bytes(3 * POLICY.signature_max_bytes))


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (_other_text, 1, ("TOTAL-FAILED", "HASH_FAILURE", "eds_statement_mismatch")),
        (_flipped_bit, 1, ("TOTAL-FAILED", "SIG_CRYPTO_FAILURE", "eds_signature_invalid")),
        (_revoked, 1, ("TOTAL-FAILED", "REVOKED", "eds_certificate_revoked")),
        (_expired, 1, ("TOTAL-FAILED", "EXPIRED", "eds_certificate_expired")),
        (_forged, 2, ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND", "eds_path_untrusted")),
        (_legal, 2, ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE", "eds_not_individual")),
        (_stale, 2, ("INDETERMINATE", "TRY_LATER", "eds_revocation_unknown")),
        (_junk, 3, ("TOTAL-FAILED", "FORMAT_FAILURE", "eds_malformed")),
        (_huge, 3, ("TOTAL-FAILED", "FORMAT_FAILURE", "eds_too_large")),
    ],
)
def test_the_exit_code_says_what_the_report_says(gost, issued, authorities, change, code, says):
    gost.sign(issued())
    change(gost, issued, authorities)
    found, report = gost.run()
    assert (found, said(report)) == (code, says)


def test_the_reference_time_is_the_one_given(gost, issued):
    gost.sign(issued(at=days_ago(20), days=10))
    gost.put("list", crl_of(gost.authority, age=15))
    at = (days_ago(15) + timedelta(hours=1)).isoformat()
    assert gost.run("--at", at)[0] == 0
    assert said(gost.run("--at", days_ago(30).isoformat())[1])[1] == "NOT_YET_VALID"


def test_an_organisation_may_sign_only_where_test_roles_are_allowed(gost, issued):
    gost.sign(issued(role="legal"))
    assert gost.run()[0] == 2
    code, report = gost.run("--allow-test-roles")
    assert (code, report["policy"]) == (0, f"{POLICY.version}+allow-test-roles")
    gost.sign(issued("gost512", role="auth"))
    assert said(gost.run("--allow-test-roles")[1])[2] == "eds_key_usage"


def test_an_anchor_past_its_day_is_trusted_only_where_that_is_allowed(gost):
    # Certified by the root itself, so that nothing but the anchor is past its day.
    person = {"iin": IIN, "surname": "ТЕСТОВ", "given_name": "ТЕСТ", "at": days_ago(1)}
    template = person_template("gost512", **person, days=20 * 365)
    gost.sign(certify(template, generate_key("gost512"), by=gost.authority.root))
    last_day = parse_certificate(gost.authority.root.certificate).not_after
    for days, flag, code in ((-1, "", 0), (1, "", 2), (1, "--allow-expired-anchors", 0)):
        at = (last_day + timedelta(days=days)).isoformat()
        arguments = ("--at", at, "--allow-stale-revocation", *([flag] if flag else []))
        assert gost.run(*arguments, lists=())[0] == code


def test_installed_certificates_are_trusted_by_the_name_of_their_mode(files, trusted):
    assert files.run(trust="test")[0] == 0
    assert files.run(trust="live") == (3, None)


def test_a_folder_without_the_root_ends_no_path(files):
    (files.folder / "trust" / "root.cer").unlink()
    code, report = files.run()
    assert (code, said(report)[1]) == (2, "NO_CERTIFICATE_CHAIN_FOUND")
    assert any("no self-signed" in note for note in report["notes"])


def test_a_pem_bundle_is_a_folder_of_certificates_too(files):
    pem = b""
    for path in sorted((files.folder / "trust").iterdir()):
        body = base64.encodebytes(path.read_bytes())
        pem += b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
        path.unlink()
    files.put("trust/all.pem", pem)
    assert files.run()[0] == 0


@pytest.mark.parametrize(
    "content", [b"", b"\x30\x03\x02\x01\x01", b"-----BEGIN CERTIFICATE-----\n!"]
)
def test_a_certificate_that_cannot_be_read_stops_everything_and_a_file_of_another_kind_does_not(
    files, content
):
    files.put("trust/broken.cer", content)
    assert files.run() == (3, None)
    (files.folder / "trust" / "broken.cer").rename(files.folder / "trust" / "broken.txt")
    assert files.run()[0] == 0


def test_a_report_is_printed_by_any_terminal_whatever_its_files_are_called(files):
    named = (files.folder / "trust").rename(files.folder / "сертификаты\udcff")
    printed = TextIOWrapper(BytesIO(), encoding="ascii")
    signature, statement, crl = (
        str(files.folder / name) for name in ("signature", "statement", "list")
    )
    call_command(
        "verify_eds",
        signature,
        "--statement",
        statement,
        "--crl",
        crl,
        "--trust",
        str(named),
        stdout=printed,
    )
    printed.seek(0)
    assert json.load(printed)["trust"] == str(named)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("signature",),
        ("signature", "--statement", "statement", "--trust", "nowhere"),
        ("signature", "--statement", "statement", "--trust", ""),
        ("absent", "--statement", "statement", "--trust", "trust"),
        ("signature", "--statement", "absent", "--trust", "trust"),
        ("signature", "--statement", "statement", "--trust", "trust", "--crl", "absent"),
        ("signature", "--statement", "statement", "--trust", "trust", "--at", "yesterday"),
        ("signature", "--statement", "statement", "--trust", "trust", "--at", "9999-12-31"),
        ("signature", "--statement", "statement", "--trust", "trust", "--iin", "123456789012"),
        ("signature", "--statement", "statement", "--trust", "trust", "--unknown"),
    ],
)
def test_a_mistake_on_the_command_line_exits_with_3_and_prints_no_report(
    gost, issued, arguments, capfd, monkeypatch
):
    gost.sign(issued())
    monkeypatch.chdir(gost.folder)
    with pytest.raises(SystemExit) as left:
        Command().run_from_argv(["manage.py", "verify_eds", *arguments])
    said = capfd.readouterr()
    assert (left.value.code, said.out) == (3, "")
    assert said.err
    assert "Traceback" not in said.err


def test_the_routes_own_policy_leaves_nothing_out():
    assert (POLICY.not_asked, POLICY.accepts_any_role, POLICY.accepts_expired_anchors) == (
        (),
        False,
        False,
    )
