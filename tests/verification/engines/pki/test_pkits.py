"""NIST's suite for certification paths (PKITS), section by section: what the profile covers comes
out as NIST says.

What comes out otherwise is listed case by case with the reason in docs/evidence/pkits.md,
which `python -m tests.verification.engines.pki.test_pkits` writes anew.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from verification.core.errors import Refused
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.crl import RevocationList, parse_crl
from verification.engines.pki.path import build_path
from verification.engines.pki.revocation import (
    Answers,
    Limits,
    VerifiedLists,
    find_status,
    require_good,
)

_AT = datetime(2026, 11, 1, tzinfo=UTC)
_LIMITS = Limits(
    ocsp_max_bytes=0, ocsp_max_age=timedelta(0), crl_max_bytes=100_000, clock_skew=timedelta(0)
)
_ROOT = Path(__file__).resolve().parents[4]
_PAGE = _ROOT / "docs" / "evidence" / "pkits.md"
_FOLDER = _ROOT.parent / "shared" / "data" / "eds" / "nist_pkits"

_DSA = "DSA: none of the accepted families"
_UIDS = "unique identifiers of version 2: refused, no honest certificate uses them"
_OTHER_KEY = (
    "the list is signed by another key of the issuer: the profile has one key for certificates and"
    " lists"
)
_SPELLING = (
    "the list spells its issuer otherwise than the issuer's certificate: lists are found by the"
    " encoded name"
)
_SCOPED = (
    "lists of a part of the certificates, of some reasons or for other issuers: refused, the"
    " authority has none"
)
_POLICIES = (
    "policies of a chain are not computed: the route accepts the leaf by a list of its own (step 6)"
)
_CRITICAL = "a critical extension that is not processed refuses, as RFC 5280 wants"


@dataclass(frozen=True)
class Section:
    """One section of the suite. `otherwise`: cases that come out otherwise, by number, with the
    reason.

    is_covered: every other case must come out as NIST says. reason: why a section that is not
    covered is not, which goes for each of its cases that come out otherwise.
    """

    title: str
    is_covered: bool = True
    otherwise: tuple[tuple[str, str], ...] = ()
    reason: str = ""


SECTIONS = {
    "401": Section("Signature Verification", otherwise=(("40104", _DSA), ("40105", _DSA))),
    "402": Section("Validity Periods"),
    "403": Section("Verifying Name Chaining", otherwise=(("40306", _UIDS), ("40310", _SPELLING))),
    "404": Section("Basic Certificate Revocation Tests", otherwise=(("40419", _OTHER_KEY),)),
    "405": Section(
        "Self-Issued Certificates",
        is_covered=False,
        reason=(
            "an authority that changes its key under one name: the national one takes a new name"
        ),
        otherwise=(
            ("40501", _OTHER_KEY),
            ("40503", _SCOPED),
            ("40504", _SCOPED),
            ("40506", _SCOPED),
        ),
    ),
    "406": Section("Basic Constraints", otherwise=(("40615", _OTHER_KEY), ("40617", _OTHER_KEY))),
    "407": Section("Key Usage"),
    "408": Section("Certificate Policies", is_covered=False, reason=_POLICIES),
    "409": Section("Require Explicit Policy", is_covered=False, reason=_CRITICAL),
    "410": Section("Policy Mappings", is_covered=False, reason=_CRITICAL),
    "411": Section("Inhibit Policy Mapping", is_covered=False, reason=_CRITICAL),
    "412": Section("Inhibit Any Policy", is_covered=False, reason=_CRITICAL),
    "413": Section("Name Constraints", is_covered=False, reason=_CRITICAL),
    "414": Section("Distribution Points", is_covered=False, reason=_SCOPED),
    "415": Section("Delta-CRLs"),
    "416": Section("Private Certificate Extensions"),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one case; `refused` is code and detail, empty for one that passed."""

    id: str
    name: str
    is_valid: bool
    refused: str

    @property
    def agrees(self) -> bool:
        """As NIST says."""
        return self.is_valid is not bool(self.refused)


@cache
def _certificate(folder: Path, name: str) -> Certificate:
    return parse_certificate((folder / "certs" / name).read_bytes())


@cache
def _list(folder: Path, name: str) -> tuple[bytes, RevocationList]:
    content = (folder / "crls" / name).read_bytes()
    return content, parse_crl(content, max_bytes=_LIMITS.crl_max_bytes)


def _check(folder: Path, case: dict[str, Any]) -> None:
    """The path, then each certificate below the anchor by the lists of its issuer and the changes
    to them.
    """
    path = build_path(
        _certificate(folder, case["cert"]),
        anchors=[_certificate(folder, "TrustAnchorRootCertificate.crt")],
        intermediates=[_certificate(folder, name) for name in case.get("other_certs", [])],
        at=_AT,
    )
    lists = [_list(folder, name) for name in (*case.get("crls", []), "TrustAnchorRootCRL.crl")]
    for certificate, issuer in pairwise(path):
        own = [(raw, read) for raw, read in lists if read.issuer == issuer.subject]
        answers = Answers(
            crls=[raw for raw, read in own if read.base_number is None],
            deltas=[raw for raw, read in own if read.base_number is not None],
        )
        memory = VerifiedLists(1)
        status = find_status(
            certificate, issuer=issuer, answers=answers, limits=_LIMITS, at=_AT, verified=memory
        )
        require_good(status, reference=_AT)


def _outcome(folder: Path, case: dict[str, Any]) -> Outcome:
    refused = ""
    try:
        _check(folder, case)
    except Refused as error:
        refused = f"{error.code}: {error.detail}"
    return Outcome(case["id"], case["name"], "error" not in case, refused)


@cache
def outcomes(folder: Path) -> tuple[Outcome, ...]:
    """Of every case of the suite."""
    cases = json.loads((folder / "pkits.json").read_text())
    return tuple(_outcome(folder, case) for case in cases)


def page(found: tuple[Outcome, ...]) -> str:
    """docs/evidence/pkits.md."""
    counts: Counter[tuple[str, str]] = Counter()
    for each in found:
        counts[each.id[:3], _word(each)] += 1
    rows = [_row(number, section, counts) for number, section in SECTIONS.items()]
    groups: dict[tuple[str, str], list[str]] = {}
    for each in found:
        if not each.agrees:
            groups.setdefault((_word(each), _reason(each)), []).append(each.id)
    others = [
        f"| {word} | {reason} | {', '.join(dict.fromkeys(ids))} |"
        for (word, reason), ids in groups.items()
    ]
    agreeing = sum(each.agrees for each in found)
    stricter = sum(_word(each) == "stricter" for each in found)
    return _TEXT.format(
        total=len(found),
        agreeing=agreeing,
        stricter=stricter,
        looser=len(found) - agreeing - stricter,
        sections="\n".join(rows),
        others="\n".join(others),
    )


def _word(outcome: Outcome) -> str:
    if outcome.agrees:
        return "as NIST"
    return "stricter" if outcome.is_valid else "looser"


def _row(number: str, section: Section, counts: Counter[tuple[str, str]]) -> str:
    numbers = [counts[number, word] for word in ("as NIST", "stricter", "looser")]
    covered = "yes" if section.is_covered else "no"
    cells = [f"4.{int(number[1:])} {section.title}", sum(numbers), *numbers, covered]
    return f"| {' | '.join(map(str, cells))} |"


def _reason(outcome: Outcome) -> str:
    section = SECTIONS[outcome.id[:3]]
    return dict(section.otherwise).get(outcome.id, section.reason)


_TEXT = """# NIST's path validation suite (PKITS), case by case

`python -m tests.verification.engines.pki.test_pkits` writes this page.
[pki-suite.md](../security/pki-suite.md) explains the differences.

Of {total} cases {agreeing} end as NIST says. {stricter} that NIST accepts are refused.
{looser} that NIST refuses pass the path.

| section | cases | as NIST | stricter | looser | covered |
|---|---|---|---|---|---|
{sections}

## Cases that end otherwise

| here | reason | cases |
|---|---|---|
{others}
"""


@pytest.fixture
def found(shared_data: Path) -> tuple[Outcome, ...]:
    """Every case's outcome; skips where the suite is absent."""
    folder = shared_data / "eds" / "nist_pkits"
    if not folder.is_dir():
        pytest.skip("the suite is not here")
    return outcomes(folder)


@pytest.mark.parametrize(
    "number", [number for number, section in SECTIONS.items() if section.is_covered]
)
def test_every_case_of_a_covered_section_comes_out_as_nist_says_but_for_the_listed(
    found: tuple[Outcome, ...], number: str
) -> None:
    of_section = [each for each in found if each.id.startswith(number)]
    listed = dict(SECTIONS[number].otherwise)
    assert of_section
    assert {each.id: each.refused for each in of_section if not each.agrees}.keys() == listed.keys()


def test_nothing_nist_refuses_passes_outside_the_section_of_policies(
    found: tuple[Outcome, ...],
) -> None:
    looser = [each for each in found if not each.agrees and not each.is_valid]
    assert {each.id[:3] for each in looser} == {"408"}


def test_a_listed_case_is_refused_and_never_let_pass(found: tuple[Outcome, ...]) -> None:
    listed = {case for section in SECTIONS.values() for case, _ in section.otherwise}
    assert all(each.refused for each in found if each.id in listed)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("invalid_ca_notbefore_date_test1", "eds_path_untrusted"),
        ("invalid_ee_notbefore_date_test2", "eds_certificate_not_yet_valid"),
        ("invalid_ee_notafter_date_test6", "eds_certificate_expired"),
        ("invalid_revoked_ee_test3", "eds_certificate_revoked"),
        ("invalid_ee_signature_test3", "eds_path_untrusted"),
        ("invalid_old_crl_nextupdate_test11", "eds_revocation_unknown"),
        ("invalid_missing_basicconstraints_test1", "eds_path_untrusted"),
        ("invalid_pathlenconstraint_test5", "eds_path_untrusted"),
        ("invalid_unknown_critical_certificate_extension_test2", "eds_path_untrusted"),
    ],
)
def test_our_reasons_are_nists_reasons(found: tuple[Outcome, ...], name: str, code: str) -> None:
    (outcome,) = [each for each in found if each.name == name]
    assert outcome.refused.startswith(f"{code}:")


def test_the_page_says_what_comes_out(found: tuple[Outcome, ...]) -> None:
    assert len(found) == 246
    assert _PAGE.read_text(encoding="utf-8") == page(found)


if __name__ == "__main__":
    _PAGE.write_text(page(outcomes(_FOLDER)), encoding="utf-8")
