"""Time-stamps and revocation on evidence; kept signatures of golden statements."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

import pytest

from insecure_sandbox import ocsp_responder, timestamping
from insecure_sandbox.authority import make_crl
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import generate_old_key
from insecure_sandbox.ocsp_responder import revoked
from insecure_sandbox.xml_signing import sign_xml
from tests.insecure_p12 import read_key_store
from tests.vectors.eds.case import AT
from tests.vectors.statements.build import FOLDER
from tests.verification.stages.statement import signed_case as given
from tests.verification.stages.statement.answered_case import (
    NONCE,
    Given,
    code,
    judge,
    outcome,
    timestamper,
)
from tests.verification.stories.conftest import crl_of
from verification.core.errors import Refused, SourceUnavailable
from verification.core.results import Outcome, decide
from verification.core.route import Evidence
from verification.engines.gost import curves
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.path import build_path
from verification.engines.pki.signatures import Signature, parse_signature, subject_iin
from verification.engines.pki.xmldsig import statement_document
from verification.stages.statement.checks import CHECKS, report_statement
from verification.stages.statement.dialogue import OF_TOKEN_INSIDE
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY

# Steps 8 and 9 of the route on evidence: what the responder and the lists say, and a time-stamp
# of the signature.


def test_a_time_stamp_in_the_signature_is_told_and_sets_the_reference_time(signed):
    before = signed.at - timedelta(seconds=5)
    evidence = signed.stamped(signed.token(time=before)).asked(signed.answer())
    results = judge(signed, evidence)
    assert given.refusals(results) == {}
    report = json.loads(
        report_statement(measure_statement(signed.case, evidence, POLICY), POLICY, results)
    )
    assert (report["status"], report["times"]["tsp"]) == ("TOTAL-PASSED", before.isoformat())
    assert report["times"]["reference"] == before.isoformat()


def test_a_foreign_time_stamp_authority_is_believed_only_where_it_is_pinned(
    signed, authorities, family
):
    other = timestamper(authorities["rsa" if family == "gost512" else "gost512"])
    value = timestamping.signature_value(signed.signature)
    signed.stamped(timestamping.encode(timestamping.stamp(other, value, at=signed.at)))
    assert unproven(signed, signed.asked(signed.answer())) == "eds_timestamp_untrusted"
    assert unproven(signed, signed.asked(signed.answer(), shared__tsa__0=other.certificate)) == ""


def tsa_list(signed, *, reason=None, since=-timedelta(minutes=5)):
    serial = timestamper(signed.authority).serial
    return make_crl(
        signed.authority,
        revoked={serial: signed.at + since},
        reasons={} if reason is None else {serial: reason},
        number=7,
        this_update=signed.at - timedelta(minutes=1),
        next_update=signed.at + timedelta(hours=1),
    )


def row_of(of, evidence, policy=POLICY):
    (found,) = [one for one in judge(of, evidence, policy) if one.check == "eds.timestamp"]
    return found


def unproven(of, evidence, policy=POLICY):
    """Why a time-stamp proves nothing, empty for one that does. It is no refusal either way."""
    assert code(of, evidence, policy) == []
    found = row_of(of, evidence, policy).detail
    assert ("unproven" in found) == (found["time"] == "none")
    return found.get("unproven", "")


def test_the_row_says_by_what_the_time_stamps_authority_was_cleared(signed):
    evidence = signed.stamped(signed.token()).asked(signed.answer())
    detail = row_of(signed, evidence).detail
    assert (detail["authority"], detail["source"]) == ("good", "crl")


@pytest.mark.parametrize(
    ("reason", "later", "code_"),
    [
        (1, True, "eds_timestamp_untrusted"),
        (None, True, "eds_timestamp_untrusted"),
        (6, True, "eds_timestamp_untrusted"),
        (4, False, "eds_timestamp_untrusted"),
        (4, True, ""),
        (5, True, ""),
    ],
)
def test_a_time_stamp_outlives_its_authority_only_if_that_ended_later_with_its_key_intact(
    signed, reason, later, code_
):
    since = timedelta(seconds=-30 if later else -90)
    signed.stamped(signed.token(time=signed.at - timedelta(minutes=1)))
    evidence = signed.asked(signed.answer(), tsa=tsa_list(signed, reason=reason, since=since))
    assert unproven(signed, evidence) == code_
    if not code_:
        assert row_of(signed, evidence).detail["authority"] == "revoked after the time-stamp"
    else:
        assert row_of(signed, evidence).detail["reason"] == (reason or 0)


def test_the_time_of_a_revoked_authority_is_no_reference(authorities, issued, family):
    now = datetime.now(UTC)
    expired = issued(family, at=now - timedelta(days=1, seconds=30) + timedelta(hours=1), days=1)
    signed = Given(authorities[family], expired)
    signed.stamped(signed.token(time=now.replace(microsecond=0) - timedelta(minutes=1)))
    assert code(signed, signed.asked(signed.answer())) == []
    revoked_ = signed.asked(signed.answer(), tsa=tsa_list(signed, reason=1))
    assert "eds_certificate_expired" in code(signed, revoked_)


def test_an_authority_of_unknown_revocation_proves_nothing_unless_the_policy_takes_it(signed):
    signed.stamped(signed.token())
    lenient = replace(POLICY, accepts_unknown_timestamp_revocation=True)
    silent = signed.asked(signed.answer(), tsa=b"")
    assert outcome(signed, silent) is Outcome.PASSED
    assert unproven(signed, silent) == "eds_revocation_unknown"
    assert "of the time-stamp authority" in row_of(signed, silent).detail["detail"]
    assert row_of(signed, silent, lenient).detail["authority"] == "unknown"
    assert outcome(signed, silent, lenient) is Outcome.PASSED
    known = signed.asked(signed.answer(), tsa=tsa_list(signed, reason=1))
    assert unproven(signed, known, lenient) == "eds_timestamp_untrusted"


def test_the_list_of_the_signers_issuer_clears_the_authority_too(signed):
    signed.stamped(signed.token())
    both = (crl_of(signed.authority),)
    assert unproven(signed, signed.evidence(lists=both, tsa=b"")) == ""
    gone = (tsa_list(signed, reason=1),)
    assert unproven(signed, signed.evidence(lists=gone, tsa=b"")) == "eds_timestamp_untrusted"


def test_the_responders_word_on_the_authority_counts_with_our_nonce(signed):
    signed.stamped(signed.token())
    said = OF_TOKEN_INSIDE
    for status, expected in (
        (ocsp_responder.GOOD, ""),
        (revoked(signed.at, reason=1), "eds_timestamp_untrusted"),
    ):
        answer = signed.answer(of=timestamper(signed.authority), status=status)
        kept = {said.ocsp.replace(".", "__"): answer, said.ocsp_nonce.replace(".", "__"): NONCE}
        assert unproven(signed, signed.asked(signed.answer(), tsa=b"", **kept)) == expected
    other = kept | {said.ocsp_nonce.replace(".", "__"): bytes(32)}
    assert (
        unproven(signed, signed.asked(signed.answer(), tsa=b"", **other))
        == "eds_revocation_unknown"
    )


def test_a_pinned_authority_is_not_asked_about_and_its_row_says_so(signed):
    pinned = {"shared__tsa__0": timestamper(signed.authority).certificate}
    evidence = signed.stamped(signed.token()).asked(
        signed.answer(), tsa=tsa_list(signed, reason=1), **pinned
    )
    assert code(signed, evidence) == []
    assert row_of(signed, evidence).detail["authority"] == "pinned"


@pytest.fixture(scope="module")
def old_root():
    return timestamping.create_old_root(at=datetime.now(UTC))


def old_stamper(signed, old_root):
    key = generate_old_key()
    return timestamping.certify_timestamping(
        signed.authority, at=signed.at - timedelta(days=1), key=key, by=old_root
    )


def test_a_time_stamp_of_the_old_gost_passes_where_its_authority_is_pinned_and_nowhere_else(
    signed, old_root
):
    by, answer = old_stamper(signed, old_root), signed.answer()
    value = timestamping.signature_value(signed.signature)
    signed.stamped(timestamping.encode(timestamping.stamp(by, value, at=signed.at)))
    lenient = replace(POLICY, accepts_unknown_timestamp_revocation=True)
    assert unproven(signed, signed.asked(answer), lenient) == "eds_timestamp_untrusted"
    pinned = signed.asked(answer, shared__tsa__0=by.certificate)
    assert code(signed, pinned) == []
    assert row_of(signed, pinned).detail["policy"] == "1.2.398.3.3.2.6.1"
    # Under its pinned root its revocation is unknown, which suffices under a policy that says so.
    under_root = signed.asked(answer, shared__tsa__0=old_root.certificate)
    assert unproven(signed, under_root) == "eds_timestamp_untrusted"
    assert "must be pinned" in row_of(signed, under_root).detail["detail"]
    assert row_of(signed, under_root, lenient).detail["authority"] == "unknown"


@pytest.mark.parametrize("inside", [{}, {"imprint": bytes(64)}])
def test_a_policy_that_asks_for_a_time_stamp_takes_the_one_that_it_asked_for_whatever_came_inside(
    signed, inside
):
    wanting, answer = replace(POLICY, asks_timestamp=True), signed.answer()
    asked = {
        "statement__timestamp": timestamping.granted(signed.token(nonce=77)),
        "statement__timestamp_nonce": b"77",
    }
    signed.stamped(signed.token(**inside))
    assert outcome(signed, signed.asked(answer, **asked), wanting) is Outcome.PASSED
    unusable = {**asked, "statement__timestamp": b"<html>"}
    assert outcome(signed, signed.asked(answer, **unusable), wanting) is Outcome.RETRY
    assert (
        row_of(signed, signed.asked(answer, **unusable), wanting).code
        == "eds_timestamp_unavailable"
    )


def test_a_good_answer_of_the_responder_passes_without_a_list(signed):
    results = judge(signed, signed.asked(signed.answer()))
    assert given.refusals(results) == {}
    (found,) = [one for one in results if one.check == "eds.revocation"]
    assert (found.detail["source"], found.detail["issuer"]) == ("ocsp", "not asked")


def test_an_answer_without_the_nonce_we_kept_is_tried_again(signed):
    evidence = signed.evidence(statement__ocsp=signed.answer())
    assert outcome(signed, evidence) is Outcome.RETRY


def test_a_revocation_after_the_time_stamp_passes_only_under_a_policy_that_says_so(signed):
    signed.stamped(signed.token(time=signed.at - timedelta(minutes=5)))
    evidence = signed.asked(signed.answer(status=revoked(signed.at, reason=1)))
    assert code(signed, evidence) == ["eds_certificate_revoked"]
    lenient = replace(POLICY, accepts_later_revocation=True)
    assert code(signed, evidence, lenient) == []
    early = signed.asked(signed.answer(status=revoked(signed.at - timedelta(hours=1), reason=1)))
    assert code(signed, early, lenient) == ["eds_certificate_revoked"]


def test_every_row_of_the_report_has_a_status_of_the_standard(signed):
    evidence = signed.asked(signed.answer(status=revoked(signed.at)))
    results = judge(signed, evidence)
    report = json.loads(
        report_statement(measure_statement(signed.case, evidence, POLICY), POLICY, results)
    )
    rows = {row["name"]: (row["status"], row["sub_indication"]) for row in report["checks"]}
    assert rows["eds.revocation"] == ("TOTAL-FAILED", "REVOKED")
    assert {status for name, status in rows.items() if name != "eds.revocation"} == {("PASSED", "")}


# Kept signatures of golden statements and of the authority's test person.


# Signatures over a statement in words that are kept as files: what they say never changes, and
# no byte of it can.


LANGUAGES, FAMILIES, FORMS = ("kk", "ru", "en"), ("gost", "rsa"), ("cms", "xml")
LIMIT = POLICY.signature_max_bytes


@cache
def file(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def verify(signature: bytes, *, statement: bytes, family: str) -> Signature:
    """Raises `Refused` unless it is over this statement and by a key of the pinned authority."""
    signed = parse_signature(signature, max_bytes=LIMIT)
    signed.check_content(statement=statement)
    signed.check_signature()
    anchors, others = (
        parse_certificate(file(f"{name}.{family}.crt")) for name in ("root", "issuing")
    )
    build_path(
        signed.signer, anchors=[anchors], intermediates=[others], at=AT + timedelta(seconds=1)
    )
    return signed


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_kept_signature_is_over_the_statement_of_its_language_and_no_other(
    language: str, form: str, family: str
) -> None:
    signature = file(f"{language}.{family}.{form}")
    verify(signature, statement=file(f"statement.{language}.txt"), family=family)
    for other in set(LANGUAGES) - {language}:
        with pytest.raises(Refused) as refused:
            verify(signature, statement=file(f"statement.{other}.txt"), family=family)
        assert refused.value.code == "eds_statement_mismatch"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_signers_program_is_given_words_to_show_in_either_form(language: str) -> None:
    text = file(f"statement.{language}.txt").decode()
    shown = re.sub(
        "<ds:Signature.*</ds:Signature>|<[^>]*>",
        "",
        file(f"{language}.rsa.xml").decode(),
        flags=re.DOTALL,
    )
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


@pytest.mark.parametrize(("language", "family"), [("kk", "gost"), ("ru", "rsa")])
def test_every_byte_of_the_text_in_signed_xml_is_covered(language: str, family: str) -> None:
    signature, statement = file(f"{language}.{family}.xml"), file(f"statement.{language}.txt")
    begin = signature.index(b"<statement")
    end = signature.index(b"<ds:Signature")
    for at in range(begin, end):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        with pytest.raises(Refused):
            parse_signature(changed, max_bytes=LIMIT).check_content(statement=statement)


def _values(value: bytes, family: str) -> Iterator[bytes]:
    """What ECDSA or textbook RSA would let anybody make of a right value without the key."""
    if family == "gost":
        order = curves.PARAM_SET_A_512.q
        r, s = (int.from_bytes(part, "little") for part in (value[:64], value[64:]))
        for pair in (
            (r, order - s),
            (order - r, s),
            (order - r, order - s),
            (s, r),
            (r, s + order),
            (r + order, s),
        ):
            if all(number < 1 << 512 for number in pair):
                yield b"".join(number.to_bytes(64, "little") for number in pair)
        return
    modulus = parse_cms(file("kk.rsa.cms"), max_bytes=LIMIT).signer.public_key.modulus  # type: ignore[union-attr]
    number = int.from_bytes(value, "big")
    for other in (modulus - number, number + modulus):
        yield other.to_bytes(len(value) + 1, "big").removeprefix(b"\0")
    yield b"\0" + value


@pytest.mark.parametrize("family", FAMILIES)
def test_no_second_value_is_made_of_a_right_one_without_the_key(family: str) -> None:
    """So a replay cannot be made new: (r, −s) is a second value of ECDSA, and none of GOST R
    34.10.
    """
    signature, statement = file(f"kk.{family}.cms"), file("statement.kk.txt")
    value = verify(signature, statement=statement, family=family).signature
    tried = 0
    for other in _values(value, family):
        tried += 1
        assert other != value
        signed = replace(parse_cms(signature, max_bytes=LIMIT), signature=other)
        with pytest.raises(Refused):
            signed.check_signature()
    assert tried >= 3


def test_a_wrapping_is_no_other_value() -> None:
    der = file("kk.gost.cms")
    values = {
        parse_signature(each, max_bytes=LIMIT).signature for each in (der, base64.encodebytes(der))
    }
    assert len(values) == 1


# The key of the authority's own test person signs our statement. Its revocation list is older
# than the key.


PASSWORD = "Qwerty12"
SIGNED_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LIST_IN_FORCE = datetime(2025, 4, 29, 12, tzinfo=UTC)


@pytest.fixture
def folder(shared_data):
    return shared_data / "eds" / "nca_test_2026"


def credential(folder, name):
    store = read_key_store((folder / name).read_bytes(), password=PASSWORD)
    issuer = (folder / "nca_gost2022_test.cer").read_bytes()
    return Credential(
        certificate=store.certificate,
        family="gost512",
        private_key=store.private_scalar,
        issuer_certificate=issuer,
    )


def signed(folder, name="individual_valid.p12", *, judged_at, form="cms"):
    key = credential(folder, name)
    case = given.case(subject_iin(parse_certificate(key.certificate)))
    content = given.text(case, issued=SIGNED_AT)
    plain = given.evidence(
        content, given.sign(key, content), trusted=[], lists=[], answered=SIGNED_AT
    )
    items = {
        **plain.items,
        **(
            {"statement.signature": sign_xml(key, statement_document(content))}
            if form == "xml"
            else {}
        ),
        "shared.anchor.0": (folder / "root_test_gost_2022.cer").read_bytes(),
        "shared.intermediate.0": (folder / "nca_gost2022_test.cer").read_bytes(),
        "shared.crl.0": (folder / "nca_gost2022_test.crl").read_bytes(),
    }
    return case, Evidence(items=items, at=judged_at)


def test_the_real_key_signs_and_only_its_stale_list_keeps_it_from_passing(folder):
    case, evidence = signed(folder, judged_at=SIGNED_AT)
    results = given.judge(case, evidence)
    assert given.refusals(results) == {"eds.revocation": "eds_revocation_unknown"}
    (stale,) = [one for one in results if one.check == "eds.revocation"]
    said = str(stale.detail["detail"])
    assert "stale" in said or "next update" in said.lower()
    assert decide(results, required=tuple(CHECKS)).outcome is Outcome.RETRY


@pytest.mark.parametrize("form", ["cms", "xml"])
def test_judged_on_a_day_its_list_was_in_force_the_real_key_is_verified(folder, form):
    case, evidence = signed(folder, judged_at=LIST_IN_FORCE, form=form)
    assert decide(given.judge(case, evidence), required=tuple(CHECKS)).outcome is Outcome.PASSED


def test_one_changed_byte_in_the_key_of_the_real_root_is_a_fault_of_ours(folder):
    case, evidence = signed(folder, judged_at=LIST_IN_FORCE)
    root = bytearray(evidence.items["shared.anchor.0"])
    root[len(root) // 2] ^= 1
    assert sha256(root).digest() != sha256(evidence.items["shared.anchor.0"]).digest()
    items = {**evidence.items, "shared.anchor.0": bytes(root)}
    with pytest.raises(SourceUnavailable, match="point of its curve"):
        given.judge(case, Evidence(items=items, at=evidence.at))
