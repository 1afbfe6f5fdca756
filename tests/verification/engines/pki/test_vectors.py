"""The vectors of signatures, judged by the product and by an oracle."""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509
from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, AlgorithmUsagePolicy
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator

from tests.proofs import Figures
from tests.vectors.eds.build import MANIFEST, USUAL, build, file_name
from tests.vectors.eds.case import (
    AT,
    CASE,
    FOLDER,
    IIN,
    JUDGED,
    OCSP_NONCE,
    OTHER_IIN,
    STATEMENT,
    TIMESTAMP_NONCE,
)
from verification.core.codes import INDICATIONS
from verification.core.errors import Refused, SourceUnavailable
from verification.core.results import Passed
from verification.core.route import Evidence
from verification.core.stored import canonical_json
from verification.engines.pki import der, keys
from verification.engines.pki.certificate import parse_certificate
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.path import build_path
from verification.stages.statement import STAGE, dialogue
from verification.stages.statement.checks import CHECKS, report_statement
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY, StatementPolicy

# Another library's opinion of a path: pyhanko-certvalidator, with our own arithmetic for GOST
# signatures alone.
#
# Nothing is decided by it. It reads certificates and walks paths by its own code, so what both
# agree on two have read.


_ACCEPTED = {keys.SHA256_WITH_RSA, keys.GOST_512_SIGNATURE}
# What it raises for a path that it does not accept, and for bytes that are no certificate.
_REFUSALS = (PathBuildingError, ValidationError, ValueError)


class OurSignatures(DefaultSignatureValidator):
    """GOST by our engine; RSA as the library does it."""

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: Any,
        signature_algorithm: Any,
        *rest: Any,
        **more: Any,
    ) -> None:
        """Raises `InvalidSignature`."""
        if signature_algorithm["algorithm"].dotted != keys.GOST_512_SIGNATURE:
            super().validate_signature(
                signature, signed_data, public_key_info, signature_algorithm, *rest, **more
            )
            return
        try:
            key = keys.parse_key(der.read_tree(public_key_info.dump()), gost=keys.GOST)
            keys.verify(key, signed_data, signature=signature)
        except Refused:
            raise InvalidSignature from None


class AcceptedAlgorithms(AlgorithmUsagePolicy):
    """The two signatures that we accept; its default does not know GOST."""

    def digest_algorithm_allowed(self, algo: Any, *_: Any, **__: Any) -> AlgorithmUsageConstraint:
        """It is part of the signature's."""
        return AlgorithmUsageConstraint(allowed=True)

    def signature_algorithm_allowed(
        self, algo: Any, *_: Any, **__: Any
    ) -> AlgorithmUsageConstraint:
        """By its identifier."""
        return AlgorithmUsageConstraint(allowed=algo["algorithm"].dotted in _ACCEPTED)


def path_refusal(
    leaf: bytes, *, anchors: Sequence[bytes], intermediates: Sequence[bytes], at: datetime
) -> str:
    """Why the library has no path for the certificate; empty if it has."""
    try:
        context = ValidationContext(
            trust_roots=[x509.Certificate.load(each, strict=True) for each in anchors],
            other_certs=[x509.Certificate.load(each, strict=True) for each in intermediates],
            moment=at,
            allow_fetching=False,
            revocation_mode="soft-fail",
            algorithm_usage_policy=AcceptedAlgorithms(),
            signature_validator=OurSignatures(),
        )
        validator = CertificateValidator(
            x509.Certificate.load(leaf, strict=True), validation_context=context
        )
        asyncio.run(validator.async_validate_path())
    except _REFUSALS as error:
        return str(error) or type(error).__name__
    return ""


# Every input that must never pass, as a file named for its defect: refused with its own code;
# its neighbour passes.
#
# The files are judged as the route judges them: as evidence, by the route's own checks.


VECTORS: list[dict[str, Any]] = json.loads((FOLDER / MANIFEST).read_text(encoding="utf-8"))
REFUSED = [each for each in VECTORS if "code" in each]
PASSING = [each for each in VECTORS if "code" not in each]
# Codes no file can produce: they speak of what is beside the files.
_NOT_OF_FILES = {
    "check_missing",
    "eds_signature_replayed",
    "eds_statement_expired",
}

_OF_TOKENS = (dialogue.OF_TOKEN_INSIDE, dialogue.OF_TOKEN_ASKED)


def files(vector: dict[str, Any]) -> dict[str, list[str]]:
    """The names of the files a vector is judged by, by role."""
    usual = {
        role: [file_name(stem, family=vector["family"], role=role)] for role, stem in USUAL.items()
    }
    own: dict[str, list[str]] = vector["evidence"]
    return usual | own


def evidence(vector: dict[str, Any], *, folder: Path = FOLDER) -> Evidence:
    """What the checks get: the statement, the signature as it came, and the files the manifest
    names.
    """
    items = {dialogue.TEXT: STATEMENT, dialogue.ANSWER: canonical_json({"at": AT.isoformat()})}
    # Whatever is said of the signer, the time-stamp's authority stands on the usual list.
    of_authority = folder / file_name(USUAL["crl"], family=vector["family"], role="crl")
    items |= {f"{said.crl}.0": of_authority.read_bytes() for said in _OF_TOKENS}
    for role, names in files(vector).items():
        contents = [(folder / name).read_bytes() for name in names]
        if role == "signature":
            items[dialogue.SIGNATURE] = contents[0]
        elif role == "ocsp":
            items |= {dialogue.OCSP: contents[0], dialogue.OCSP_NONCE: OCSP_NONCE}
        elif role == "timestamp":
            items |= {
                dialogue.TIMESTAMP: contents[0],
                dialogue.TIMESTAMP_NONCE: str(TIMESTAMP_NONCE).encode(),
            }
        else:
            kind = {"delta": "delta_crl"}.get(role, role)
            items |= {f"shared.{kind}.{number}": content for number, content in enumerate(contents)}
    return Evidence(items=items, at=JUDGED)


def _policy(given: Evidence) -> StatementPolicy:
    """Who has no answer to a question for a time-stamp was not told to ask one."""
    return replace(POLICY, asks_timestamp=dialogue.TIMESTAMP in given.items)


def refusals(given: Evidence) -> dict[str, tuple[str, str]]:
    """Code and detail of every check that does not pass, in the order of the checks."""
    results = STAGE.judge(measure_statement(CASE, given, _policy(given)), _policy(given))
    return {
        each.check: (each.code, str(each.detail["detail"]))
        for each in results
        if not isinstance(each, Passed)
    }


@cache
def _names() -> set[str]:
    return {each["file"] for each in PASSING}


@pytest.mark.parametrize("vector", PASSING, ids=lambda each: each["file"])
def test_what_is_right_passes_every_check(vector: dict[str, Any]) -> None:
    assert refusals(evidence(vector)) == {}


@pytest.mark.parametrize(
    "vector",
    [each for each in PASSING if each["group"] == "time"],
    ids=lambda each: each["file"],
)
def test_a_time_stamp_proves_its_time_or_says_why_it_moves_none(vector: dict[str, Any]) -> None:
    given = evidence(vector)
    facts = measure_statement(CASE, given, _policy(given))
    assert (facts.timestamp.code, facts.timestamp.detail.get("unproven", "")) == (
        "",
        vector.get("unproven", ""),
    )
    if "unproven" not in vector:
        proven = facts.timestamp.detail["time"]
        assert proven != "none"
        assert (facts.times["tsp"], facts.times["reference"]) == (
            proven,
            min(proven, AT.isoformat()),
        )
        return
    assert facts.timestamp.detail["time"] == "none"
    assert (facts.times["tsp"], facts.times["reference"]) == ("", AT.isoformat())


@pytest.mark.parametrize("vector", REFUSED, ids=lambda each: each["file"])
def test_what_must_never_pass_is_refused_with_its_own_code(vector: dict[str, Any]) -> None:
    found = refusals(evidence(vector))
    assert next(iter(found)) == vector["check"]
    code, detail = found[vector["check"]]
    assert code == vector["code"]
    assert vector.get("why", "") in detail
    assert {each for each, _ in found.values()} == {code, *vector.get("also", ())}
    assert vector["nearest"] in _names()


def test_there_are_two_hundred_of_them_in_both_families() -> None:
    assert len(REFUSED) >= 200
    rsa, gost = (
        {each["file"].split(".")[0] for each in REFUSED if each["family"] == name}
        for name in ("rsa", "gost")
    )
    assert len(rsa & gost) >= 100
    assert {each["group"] for each in VECTORS} == {
        "cms",
        "xml",
        "trust",
        "certificate",
        "revocation",
        "time",
    }


@pytest.mark.parametrize(
    ("attack", "defects"),
    [
        (
            "wrapping: a moved element",
            "document_moved_aside document_moved_into_an_object signature_moved_aside",
        ),
        (
            "wrapping: a duplicate root or identifier",
            "root_twice root_around_two_statements identifier_twice",
        ),
        ("two signatures", "two_signatures signature_twice no_signature"),
        (
            "a fragment or an external address",
            "reference_to_a_fragment reference_by_an_xpointer reference_to_an_address",
        ),
        ("several references or none", "two_references no_reference"),
        ("XSLT and XPath", "transform_xslt transform_xpath transform_xpath_filter"),
        ("entity expansion", "entities_of_entities entity_of_our_own"),
        ("XXE", "entity_of_a_file entity_of_an_address entity_for_the_document_type"),
        ("DTD", "document_type document_type_at_an_address attribute_by_the_document_type"),
        (
            "a swapped canonical form",
            "canonical_form_exclusive canonical_form_with_comments transform_canonical_form_1_1",
        ),
        ("HMAC", "signature_hmac_sha1 signature_hmac_sha256 signature_method_with_a_length_of_0"),
        ("a bare key", "key_value_only key_value_before_the_certificate"),
        ("a comment inside the IIN", "comment_inside_the_iin instruction_inside_the_iin"),
        ("a forged certificate", "fcalayer_forgery self_signed own_authority_of_the_same_name"),
    ],
)
def test_every_attack_on_signed_xml_has_its_files_in_both_families(
    attack: str, defects: str
) -> None:
    wanted = {
        f"xml_{defect}.{family}.xml" for defect in defects.split() for family in ("rsa", "gost")
    }
    assert wanted <= {each["file"] for each in REFUSED}, attack


def test_every_code_of_the_route_has_a_file_that_produces_it() -> None:
    assert {each["code"] for each in REFUSED} == INDICATIONS.keys() - _NOT_OF_FILES


@pytest.mark.parametrize("code", sorted({each["code"] for each in REFUSED}))
def test_the_report_names_the_code_its_indication_and_one_row_a_check_but_no_person(
    code: str,
) -> None:
    vector = next(each for each in REFUSED if each["code"] == code)
    given = evidence(vector)
    policy = _policy(given)
    facts = measure_statement(CASE, given, policy)
    written = report_statement(facts, policy, STAGE.judge(facts, policy))
    report = json.loads(written)
    assert (report["code"], (report["status"], report["sub_indication"])) == (
        code,
        INDICATIONS[code],
    )
    assert [row["name"] for row in report["checks"]] == list(CHECKS)
    assert IIN.encode() not in written
    assert OTHER_IIN.encode() not in written


def test_no_file_lies_there_without_being_used() -> None:
    used = {name for each in VECTORS for names in files(each).values() for name in names}
    suffixes = {".cms", ".xml", ".crt", ".crl", ".ocsp", ".tsr"}
    assert {path.name for path in FOLDER.iterdir() if path.suffix in suffixes} == used


@pytest.mark.service
def test_the_script_writes_the_same_manifest_again_and_other_keys(tmp_path: Path) -> None:
    build(tmp_path)
    assert (tmp_path / MANIFEST).read_text(encoding="utf-8") == (FOLDER / MANIFEST).read_text(
        encoding="utf-8"
    )
    assert (
        (tmp_path / "statement.txt").read_bytes()
        == (FOLDER / "statement.txt").read_bytes()
        == STATEMENT
    )
    assert (tmp_path / "root.gost.crt").read_bytes() != (FOLDER / "root.gost.crt").read_bytes()


# One changed bit in anything that is signed never passes: every bit is drawn from the good
# vectors and judged alone.
#
# Left out is what is neither signed nor of consequence (versions and the list of hashes around
# the signer), and the anchor, which is trusted by being pinned and not for its signature.


_BITS = 350  # of each part and family at scale 1
_PARTS = (
    "content",
    "signed attributes",
    "signature",
    "leaf",
    "leaf's signature",
    "issuer",
    "list",
    "answer",
)


@dataclass(frozen=True)
class Part:
    """Where a part lies: the kind of evidence and the bytes of it from `start` to `stop`."""

    kind: str
    start: int
    stop: int


def _given(family: str, *, with_answer: bool) -> Evidence:
    """Good evidence: with the copy of the statement inside, and cleared by an answer or by a
    list.
    """
    roles: dict[str, list[str]] = {"signature": [f"good_attached.{family}.cms"]}
    if with_answer:
        roles |= {"ocsp": [f"ocsp_good.{family}.ocsp"], "crl": []}
    return evidence({"family": family, "evidence": roles})


def _locate(given: Evidence, name: str) -> Part:
    cms = given.items[dialogue.SIGNATURE]
    signed = parse_cms(cms, max_bytes=POLICY.signature_max_bytes)
    inside = {
        "content": STATEMENT,
        "signed attributes": signed.signed_attributes,
        "signature": signed.signature,
        "leaf": signed.signer.der,
        "leaf's signature": signed.signer.signature,
    }
    if name in inside:
        start = cms.index(inside[name])
        return Part(dialogue.SIGNATURE, start, start + len(inside[name]))
    kind = {"issuer": "shared.intermediate.0", "list": "shared.crl.0", "answer": dialogue.OCSP}[
        name
    ]
    return Part(kind, 0, len(given.items[kind]))


def _passes(given: Evidence) -> bool:
    """Whether every check lets it pass; certificates of the operator that cannot be read stop
    everything.
    """
    try:
        return all(
            isinstance(each, Passed)
            for each in STAGE.judge(measure_statement(CASE, given, POLICY), POLICY)
        )
    except SourceUnavailable:
        return False


def _flipped(given: Evidence, part: Part, bit: int) -> Evidence:
    content = bytearray(given.items[part.kind])
    content[part.start + bit // 8] ^= 1 << bit % 8
    return replace(given, items={**given.items, part.kind: bytes(content)})


@pytest.mark.proof("eds_tampers")
@pytest.mark.parametrize("name", _PARTS)
@pytest.mark.parametrize("family", ["gost", "rsa"])
def test_one_changed_bit_never_passes(
    family: str, name: str, proof_scale: float, proof_seed: int, proof_figures: Figures
) -> None:
    given = _given(family, with_answer=name == "answer")
    part = _locate(given, name)
    assert _passes(given)
    every = range(8 * (part.stop - part.start))
    chance = random.Random(f"{proof_seed} {family} {name}")
    bits = chance.sample(every, min(len(every), int(_BITS * proof_scale) + 1))
    assert [bit for bit in bits if _passes(_flipped(given, part, bit))] == []
    key = f"tampers_{name.replace(' ', '_')}"
    proof_figures[key] = int(proof_figures.get(key, 0)) + len(bits)
    proof_figures["tampers"] = int(proof_figures.get("tampers", 0)) + len(bits)


@pytest.mark.parametrize("family", ["gost", "rsa"])
def test_every_bit_of_the_lengths_and_tags_at_the_beginning_counts(family: str) -> None:
    given = _given(family, with_answer=False)
    assert (FOLDER / f"good_attached.{family}.cms").read_bytes() == given.items[dialogue.SIGNATURE]
    head = Part(dialogue.SIGNATURE, 0, 19)  # SEQUENCE, signedData, [0], SEQUENCE
    assert [bit for bit in range(8 * 19) if _passes(_flipped(given, head, bit))] == []


# Our paths and those of an independent library: the same verdict on every vector, or a reason
# why not.


# Where the library has a path and we have none.
STRICTER = {
    "intermediate_without_key_usage": (
        "an authority must say that it may sign certificates; RFC 5280 lets it be silent"
    ),
    "intermediate_with_name_constraints": "we do not process them, so a critical one refuses",
    "root_expired": (
        "an anchor's dates count here; RFC 5280 §6.1.1 (d) leaves that to the verifier"
    ),
    "root_not_yet_valid": "the same",
}
# Where we have a path and the library has none.
LOOSER = {
    "common_name_with_bidi_isolate": (
        "the library prepares names by RFC 4518; we find issuers by the encoded name"
    ),
    "common_name_with_private_use": "the same",
}
_ANCHOR, _INTERMEDIATE = "anchor", "intermediate"


def _readable(vector: dict[str, Any]) -> bytes | None:
    """The signer's certificate of a vector that has a readable one and is not judged at a time of
    its own.
    """
    (name,) = files(vector)["signature"]
    if vector["group"] not in ("trust", "certificate", "cms") or not name.endswith(".cms"):
        return None
    try:
        return parse_cms(
            (FOLDER / name).read_bytes(), max_bytes=POLICY.signature_max_bytes
        ).signer.der
    except Refused:
        return None


def _cases() -> list[tuple[str, bytes, list[bytes], list[bytes]]]:
    found: dict[tuple[bytes, ...], tuple[str, bytes, list[bytes], list[bytes]]] = {}
    for vector in VECTORS:
        if (leaf := _readable(vector)) is None:
            continue
        chosen = files(vector)
        anchors, intermediates = (
            [(FOLDER / name).read_bytes() for name in chosen[role]]
            for role in (_ANCHOR, _INTERMEDIATE)
        )
        # Most vectors share one certificate; its path is looked at once.
        found.setdefault(
            (leaf, *anchors, *intermediates), (vector["file"], leaf, anchors, intermediates)
        )
    return list(found.values())


def _ours(leaf: bytes, anchors: list[bytes], intermediates: list[bytes]) -> str:
    try:
        build_path(
            parse_certificate(leaf),
            anchors=[parse_certificate(each) for each in anchors],
            intermediates=[parse_certificate(each) for each in intermediates],
            at=AT,
        )
    except Refused as refused:
        return refused.code
    return ""


def _opinions() -> dict[str, tuple[str, str]]:
    """By defect and family: our code and the library's words, each empty for a path."""
    return {
        name: (
            _ours(leaf, anchors, intermediates),
            path_refusal(leaf, anchors=anchors, intermediates=intermediates, at=AT),
        )
        for name, leaf, anchors, intermediates in _cases()
    }


def test_both_say_the_same_of_every_path_but_for_the_listed() -> None:
    opinions = _opinions()
    stricter = {name for name, (ours, theirs) in opinions.items() if ours and not theirs}
    looser = {name for name, (ours, theirs) in opinions.items() if theirs and not ours}
    assert {name.split(".")[0] for name in stricter} == STRICTER.keys()
    assert {name.split(".")[0] for name in looser} == LOOSER.keys()
    for family in ("gost", "rsa"):
        of_family = [each for name, each in opinions.items() if f".{family}." in name]
        agreeing = [ours for ours, theirs in of_family if bool(ours) == bool(theirs)]
        assert (agreeing.count("") >= 20, len(agreeing) - agreeing.count("") >= 20) == (True, True)


def test_what_only_the_library_refuses_is_refused_by_another_check_of_ours() -> None:
    codes = {each["file"].split(".")[0]: each.get("code", "") for each in VECTORS}
    assert all(codes[defect] for defect in LOOSER)
