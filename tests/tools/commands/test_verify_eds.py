"""`verify_eds`: signatures, trust, revocation and signed XML."""

import base64
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO, TextIOWrapper
from typing import Any

import pytest
from django.core.management import call_command

from insecure_sandbox import ocsp_responder, timestamping
from insecure_sandbox.authority import forge_like_nca, person_template
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import generate_key, generate_old_key
from insecure_sandbox.minting import certify
from insecure_sandbox.ocsp_responder import Answer, read_question
from tests.tools.commands.eds_folder import TEXT, Files, days_ago, row, said
from tests.vectors.statements.build import LANGUAGES, data
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.story import IIN, OTHER_IIN
from tools.management.commands.verify_eds import Command
from verification.core.statement_text import FORM, write
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.ocsp import build_request
from verification.stages.statement.checks import CHECKS
from verification.stages.statement.policy import POLICY

# The command judges files as the route would, and its exit code says what the report says.


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


# A directory of certificates by role, and a statement whose words are held to its data.


Issued = Callable[..., Credential]


def stamped(files: Files, credential: Credential, by: Credential) -> None:
    """The signature with a time-stamp by this authority inside."""
    signature = files.sign(credential)
    stamp = timestamping.stamp(
        by, timestamping.signature_value(signature), at=datetime.now(UTC).replace(microsecond=0)
    )
    files.put("signature", timestamping.with_tokens(signature, timestamping.encode(stamp)))


def old_authority(files: Files) -> Credential:
    """Of the old GOST: its revocation cannot be known, so it is pinned or proves nothing."""
    ago = datetime.now(UTC) - timedelta(days=1)
    root = timestamping.create_old_root(at=ago)
    return timestamping.certify_timestamping(
        files.authority, at=ago, key=generate_old_key(), by=root
    )


def test_a_time_stamp_authority_in_the_folder_tsa_is_believed_and_elsewhere_it_is_not(
    gost: Files, issued: Issued
) -> None:
    by = old_authority(gost)
    stamped(gost, issued(), by)
    code, report = gost.run("--iin", IIN)
    assert (code, row(report, "eds.timestamp")["detail"]["unproven"]) == (
        0,
        "eds_timestamp_untrusted",
    )
    # Lying with the others it is of an algorithm that no signer may have: left out, and said so.
    gost.put("trust/tsa.cer", by.certificate)
    code, report = gost.run("--iin", IIN)
    assert "unproven" in row(report, "eds.timestamp")["detail"]
    assert any("tsa.cer was left out" in note for note in report["notes"])
    (gost.folder / "trust" / "tsa.cer").unlink()
    (gost.folder / "trust" / "tsa").mkdir()
    gost.put("trust/tsa/old.cer", by.certificate)
    code, report = gost.run("--iin", IIN)
    assert (code, row(report, "eds.timestamp")["detail"]["authority"]) == (0, "pinned")
    assert report["times"]["tsp"] == report["times"]["reference"]
    assert any("time-stamps alone" in note for note in report["notes"])


def test_what_lies_in_the_folder_tsa_ends_no_path_of_a_signer(gost: Files, issued: Issued) -> None:
    gost.sign(issued())
    (gost.folder / "trust" / "tsa").mkdir()
    for name in ("root.cer", "issuing.crt"):
        (gost.folder / "trust" / name).rename(gost.folder / "trust" / "tsa" / name)
    code, report = gost.run("--iin", IIN)
    assert (code, report["code"]) == (2, "eds_path_untrusted")
    assert any("no self-signed certificate" in note for note in report["notes"])


def test_the_folders_anchor_and_intermediate_say_what_a_certificate_is_for(
    gost: Files, issued: Issued
) -> None:
    gost.sign(issued())
    for role, name in (("anchor", "root.cer"), ("intermediate", "issuing.crt")):
        (gost.folder / "trust" / role).mkdir()
        (gost.folder / "trust" / name).rename(gost.folder / "trust" / role / name)
    assert gost.run("--iin", IIN)[0] == 0
    # An anchor by its folder needs no root above it; an intermediate by its folder ends nothing.
    (gost.folder / "trust" / "anchor" / "root.cer").rename(
        gost.folder / "trust" / "intermediate" / "root.cer"
    )
    assert gost.run("--iin", IIN)[0] == 2


@pytest.mark.parametrize("role", ["anchor", "intermediate", "tsa"])
def test_what_is_no_certificate_in_a_folder_is_a_mistake(
    gost: Files, issued: Issued, role: str
) -> None:
    gost.sign(issued())
    (gost.folder / "trust" / role).mkdir()
    gost.put(f"trust/{role}/bad.cer", b"\x30\x03\x02\x01\x01")
    assert gost.run("--iin", IIN) == (3, None)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_statement_of_ours_is_verified_only_if_its_words_say_what_its_data_say(
    gost: Files, issued: Issued, language: str
) -> None:
    right = write(data(language))
    gost.sign(issued(), right)
    assert gost.run("--iin", IIN)[0] == 0
    changes: list[Any] = [
        (b'"amount":"150000.00"', b'"amount":"950000.00"'),
        (b"46", b"16"),
        (b"KZ86", b"KZ87"),
    ]
    for old, new in changes:
        # Rightly signed as it stands: a signer of what does not agree with itself has signed
        # nothing of ours.
        gost.sign(issued(), right.replace(old, new, 1))
        assert gost.run("--iin", IIN) == (3, None), old
    assert json.loads(right.rpartition(b"\n")[2])["language"] == language


# Step 8 on files: answers and lists, old ones, and none.


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


# Signed XML in a file is judged as a CMS is, and the exit code says the same of it.


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
