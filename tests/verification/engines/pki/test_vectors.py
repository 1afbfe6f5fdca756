"""Every input that must never pass, as a file named for its defect: refused with its own code; its
neighbour passes.

The files are judged as the route judges them: as evidence, by the route's own checks.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

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
from verification.core.results import Passed
from verification.core.route import Evidence
from verification.core.stored import canonical_json
from verification.stages.statement import STAGE, dialogue
from verification.stages.statement.checks import CHECKS, report_statement
from verification.stages.statement.measure import measure_statement
from verification.stages.statement.policy import POLICY, StatementPolicy

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
