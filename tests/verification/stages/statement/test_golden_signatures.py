"""Kept signatures of golden statements and of the authority's test person."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

import pytest

from insecure_sandbox.credential import Credential
from insecure_sandbox.xml_signing import sign_xml
from tests.insecure_p12 import read_key_store
from tests.vectors.eds.case import AT
from tests.vectors.statements.build import FOLDER
from tests.verification.stages.statement import signed_case as given
from verification.core.errors import Refused, SourceUnavailable
from verification.core.results import Outcome, decide
from verification.core.route import Evidence
from verification.engines.gost import curves
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.path import build_path
from verification.engines.pki.signatures import Signature, parse_signature, subject_iin
from verification.engines.pki.xmldsig import statement_document
from verification.stages.statement.checks import CHECKS
from verification.stages.statement.policy import POLICY

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
